"""The dated tables that a service works by, held together: replaced as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self

import schemas
from fse.act_table import ActTable
from fse.caisses import CaisseTable
from fse.code_tables import CodeTable, SpecificationTable
from fse.habilitations import HabilitationTable
from fse.holiday_table import HolidayTable
from fse.letter_table import LetterTable
from fse.organisms import OrganismTable
from fse.site_table import SiteTable
from fse.table_text import TableError
from fse.vaccines import VaccineMarket

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TABLE_FILES", "Tables", "package_tables"]

_BOXES = frozenset("1234")

TABLE_FILES = (
    "acts.csv",
    "caisses.csv",
    "vaccine_market.csv",
    "habilitations.csv",
    "sites.csv",
    "specifications.csv",
    "natures.csv",
    "exemptions.csv",
    "regimes.csv",
    "letters.csv",
    "organisms.csv",
    "holidays.csv",
    "boxes_708.csv",
)
"""The files of a set of tables."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Every table holds by itself, and every code of one that another lists is there."""

    acts: ActTable
    caisses: CaisseTable
    vaccines: VaccineMarket
    habilitations: HabilitationTable
    sites: SiteTable
    specifications: SpecificationTable
    natures: CodeTable
    exemptions: CodeTable
    regimes: CodeTable
    letters: LetterTable
    organisms: OrganismTable
    holidays: HolidayTable
    boxes_708: CodeTable

    @classmethod
    def read(cls, text_of: Callable[[str], str]) -> Self:
        """
        Return the tables whose texts ``text_of`` gives by file name (:data:`TABLE_FILES`).

        Raises :class:`fse.table_text.TableError` for the first thing that does not hold, with file and line.
        """
        found = cls(
            acts=ActTable.parse(text_of("acts.csv"), "acts.csv"),
            caisses=CaisseTable.parse(text_of("caisses.csv"), "caisses.csv"),
            vaccines=VaccineMarket.parse(text_of("vaccine_market.csv"), "vaccine_market.csv"),
            habilitations=HabilitationTable.parse(text_of("habilitations.csv"), "habilitations.csv"),
            sites=SiteTable.parse(text_of("sites.csv"), "sites.csv"),
            specifications=SpecificationTable.parse(text_of("specifications.csv"), "specifications.csv"),
            natures=CodeTable.parse(text_of("natures.csv"), "natures.csv"),
            exemptions=CodeTable.parse(text_of("exemptions.csv"), "exemptions.csv"),
            regimes=CodeTable.parse(text_of("regimes.csv"), "regimes.csv"),
            letters=LetterTable.parse(text_of("letters.csv"), "letters.csv"),
            organisms=OrganismTable.parse(text_of("organisms.csv"), "organisms.csv"),
            holidays=HolidayTable.parse(text_of("holidays.csv"), "holidays.csv"),
            boxes_708=CodeTable.parse(text_of("boxes_708.csv"), "boxes_708.csv"),
        )
        found.check()
        return found

    def check(self) -> None:
        """Raise :class:`fse.table_text.TableError` (TABLE-CODE, TABLE-LETTER) where two do not agree."""
        acts = list(zip(self.acts.numbers, self.acts.lines, strict=True))
        self.natures.require(((number, line.nature) for number, line in acts), "acts.csv", "natures.csv")
        self.exemptions.require(((number, line.exemption) for number, line in acts), "acts.csv", "exemptions.csv")
        caisses = zip(self.caisses.numbers, self.caisses.lines, strict=True)
        self.regimes.require(((number, line.code[:2]) for number, line in caisses), "caisses.csv", "regimes.csv")
        self.letters.check(self.acts)
        boxes = list(zip(self.boxes_708.numbers, self.boxes_708.lines, strict=True))
        self.regimes.require(((number, line.code) for number, line in boxes), "boxes_708.csv", "regimes.csv")
        for number, line in boxes:
            if line.label not in _BOXES:
                raise TableError("TABLE-FIELD", file="boxes_708.csv", line=number, column="label", expected="1…4")
        known = {line.code for line in self.caisses.lines}
        for number, site in zip(self.sites.numbers, self.sites.lines, strict=True):
            if site.organism not in known:
                facts = {"code": site.organism, "list": "caisses.csv"}
                raise TableError("TABLE-CODE", file="sites.csv", line=number, **facts)

    def box_708(self, organism: str) -> int:
        """Return the box of the form 708 for the body that pays: CPAM 1, MSA 2, RSI 3, mutual section 4 (A15)."""
        return next((int(line.label) for line in self.boxes_708.lines if line.code == organism[:2]), 1)


@cache
def package_tables() -> Tables:
    """Return the tables of the package ``schemas``."""
    return Tables.read(lambda name: schemas.read_text(f"tables/{name}"))
