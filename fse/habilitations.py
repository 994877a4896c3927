"""Who may attest the «service fait» of delegated acts: functions with their days (convention 2023-212, annexe 1.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from fse.documents import DocumentError
from fse.periods import check_periods, in_force
from fse.table_text import IsoDay, TableVersion, read_rows, table_version

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Habilitation", "HabilitationTable"]


class Habilitation(BaseModel):
    """One function during one period; both days belong to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    function: str = Field(description="texte")
    valid_from: IsoDay = Field(description="AAAA-MM-JJ")
    valid_to: IsoDay | None = Field(description="AAAA-MM-JJ | (vide)")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")


@dataclass(frozen=True, slots=True)
class HabilitationTable:
    """The functions of a service."""

    version: TableVersion
    lines: tuple[Habilitation, ...]

    @classmethod
    def parse(cls, text: str, file: str = "habilitations.csv") -> Self:
        """Return the table written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        rows = list(read_rows(text, Habilitation, file))
        check_periods(rows, file, lambda line: line.function)
        return cls(version, tuple(line for _, line in rows))

    def require(self, function: str, on: date) -> None:
        """Raise :class:`fse.documents.DocumentError` (DOC-FUNCTION) unless ``function`` may attest on that day."""
        allowed = [one.function for one in self.lines if in_force(one, on)]
        if function not in allowed:
            raise DocumentError("DOC-FUNCTION", function=function[:80], on=on, allowed=", ".join(allowed) or "–")
