"""
Small tables that others refer to: natures d'assurance, exemptions, régimes; and the versions of the cahier des charges.

A code that no table holds makes the whole set of tables wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 - the values of an enumeration of states carry it
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from fse.act_window import add_months
from fse.errors import FseError
from fse.periods import check_periods
from fse.table_text import IsoDay, TableError, TableVersion, read_rows, table_version

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Adoption", "AdoptionState", "Code", "CodeTable", "Specification", "SpecificationTable", "VersionError"]

_MONTHS_TO_ADOPT = 18


class Code(BaseModel):
    """One code and what it stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[0-9A-Z]{1,3}$", description="1 à 3 chiffres ou lettres")
    label: str = Field(description="texte")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A list of codes, each once."""

    version: TableVersion
    lines: tuple[Code, ...]
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, file: str) -> Self:
        """Return the list written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        seen: dict[str, int] = {}
        lines = []
        for number, line in read_rows(text, Code, file):
            if line.code in seen:
                other = seen[line.code]
                raise TableError("TABLE-OVERLAP", file=file, line=number, code=line.code, other_line=other)
            seen[line.code] = number
            lines.append(line)
        return cls(version, tuple(lines), tuple(seen.values()))

    def require(self, uses: Iterable[tuple[int, str]], file: str, list_file: str) -> None:
        """Raise TABLE-CODE for the first of ``uses`` (line of ``file``, code) that this list does not hold."""
        known = {line.code for line in self.lines}
        for number, code in uses:
            if code not in known:
                raise TableError("TABLE-CODE", file=file, line=number, code=code, list=list_file)


class VersionError(FseError):
    """A cahier des charges that may not be used any more, or that nobody knows."""


class AdoptionState(StrEnum):
    """Where a version of the cahier des charges stands."""

    COMPLIANT = "compliant"
    """The latest one that is published."""
    DUE = "due"
    """A newer one is published; there is time left to adopt it."""
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Adoption:
    """State of a version on a day, the last day on which it may be used (None: no newer one), plain days left."""

    state: AdoptionState
    until: date | None = None
    days_left: int | None = None


class Specification(BaseModel):
    """One version of the cahier des charges SESAM-Vitale and the day of its publication."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[0-9]{1,2}\.[0-9]{1,3}$", description="1.40")
    valid_from: IsoDay = Field(description="AAAA-MM-JJ")
    valid_to: IsoDay | None = Field(description="AAAA-MM-JJ | (vide)")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")


@dataclass(frozen=True, slots=True)
class SpecificationTable:
    """The versions: each reigns from its publication to the eve of the next one's."""

    version: TableVersion
    lines: tuple[Specification, ...]

    @classmethod
    def parse(cls, text: str, file: str = "specifications.csv") -> Self:
        """Return the table written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        rows = list(read_rows(text, Specification, file))
        check_periods(rows, file, lambda _: "cahier des charges")
        return cls(version, tuple(sorted((line for _, line in rows), key=lambda line: line.valid_from)))

    def adoption(self, code: str, on: date) -> Adoption:
        """
        Return where the version ``code`` stands on the day ``on``.

        A newer version is adopted within 18 months of its publication, the last day included (protocol art. 8; A44).
        Raises :class:`VersionError` (VERSION-UNKNOWN).
        """
        ranks = {line.code: rank for rank, line in enumerate(self.lines)}
        if code not in ranks:
            raise VersionError("VERSION-UNKNOWN", version=code[:10], known=", ".join(ranks))
        newer = [line for line in self.lines[ranks[code] + 1 :] if line.valid_from <= on]
        if not newer:
            return Adoption(AdoptionState.COMPLIANT)
        until = add_months(newer[0].valid_from, _MONTHS_TO_ADOPT)
        state = AdoptionState.DUE if on <= until else AdoptionState.OVERDUE
        return Adoption(state, until, (until - on).days)
