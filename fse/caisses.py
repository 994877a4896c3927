"""
The caisses: who pays, from when to when, and whether it is party to the convention of the service.

The table of the package holds simulated caisses only (codes 999, 998 and 997).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

import schemas
from fse.identifiers import OrganismCode
from fse.periods import check_periods, in_force
from fse.table_text import IsoDay, TableVersion, read_rows, table_version

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Caisse", "CaisseTable", "caisse_table"]


class Caisse(BaseModel):
    """One caisse during one period; ``valid_from`` and ``valid_to`` both belong to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[0-9]{9}$", description="9 chiffres")
    name: str = Field(description="texte")
    department: str = Field(pattern=r"^([0-9]{2}|2[AB]|97[1-6])$", description="département")
    in_convention: bool = Field(description="yes | no")
    valid_from: IsoDay = Field(description="AAAA-MM-JJ")
    valid_to: IsoDay | None = Field(description="AAAA-MM-JJ | (vide)")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")

    @property
    def organism(self) -> OrganismCode:
        """Return the code in its three parts."""
        return OrganismCode.parse(self.code)


@dataclass(frozen=True, slots=True)
class CaisseTable:
    """A table that holds as a whole: one line at most for a code and a day."""

    version: TableVersion
    lines: tuple[Caisse, ...]
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, file: str = "caisses.csv") -> Self:
        """
        Return the table written in ``text``.

        :param file: the name that the errors give.
        :raises TableError: a rule ``TABLE-…`` with the file and the line.
        """
        version = table_version(text, file)
        rows = list(read_rows(text, Caisse, file))
        check_periods(rows, file, lambda caisse: caisse.code)
        return cls(version, tuple(line for _, line in rows), tuple(number for number, _ in rows))

    def find(self, code: str, on: date) -> Caisse | None:
        """Return the caisse of that 9-digit code on that day, None when the table does not know it."""
        return next((line for line in self.lines if line.code == code and in_force(line, on)), None)

    def convention(self, on: date) -> tuple[Caisse, ...]:
        """Return the caisses that pay the service under its convention on that day."""
        return tuple(line for line in self.lines if line.in_convention and in_force(line, on))


@cache
def caisse_table() -> CaisseTable:
    """
    Return the table of the package ``schemas``.

    :raises TableError: see :meth:`CaisseTable.parse`.
    """
    name = "tables/caisses.csv"
    return CaisseTable.parse(schemas.read_text(name), name)
