"""The places of care of a service: two lists, their addresses, and the caisse that pays their anonymous care."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from fse.identifiers import check_finess
from fse.periods import check_periods, in_force
from fse.table_text import IsoDay, TableVersion, checked, read_rows, table_version

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Site", "SiteTable"]


class Site(BaseModel):
    """
    One place of care during one period.

    ``list`` is MDS (maison du département) or CPEF (planning); ``synthetic`` says that the FINESS is invented: no
    annexe gives one. ``vacant`` names a post that nobody holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    finess: Annotated[str, checked(check_finess)] = Field(description="FINESS, 9 caractères")
    list: Literal["MDS", "CPEF"] = Field(description="MDS | CPEF")
    territory: str = Field(description="texte")
    name: str = Field(description="texte")
    address: str = Field(description="texte")
    organism: str = Field(pattern=r"^[0-9]{9}$", description="9 chiffres")
    vacant: str | None = Field(description="médecin | sage-femme | (vide)")
    synthetic: bool = Field(description="yes | no")
    valid_from: IsoDay = Field(description="AAAA-MM-JJ")
    valid_to: IsoDay | None = Field(description="AAAA-MM-JJ | (vide)")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")


@dataclass(frozen=True, slots=True)
class SiteTable:
    """The sites of a service."""

    version: TableVersion
    lines: tuple[Site, ...]
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, file: str = "sites.csv") -> Self:
        """Return the table written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        rows = list(read_rows(text, Site, file))
        check_periods(rows, file, lambda site: site.finess)
        return cls(version, tuple(line for _, line in rows), tuple(number for number, _ in rows))

    def find(self, finess: str, on: date) -> Site | None:
        """Return the site of that FINESS on that day, None for one that is not listed (SITE-01)."""
        return next((line for line in self.lines if line.finess == finess and in_force(line, on)), None)
