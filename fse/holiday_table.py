"""
The public holidays, as data: ``schemas/tables/holidays.csv`` (Code du travail L3133-1 and L3134-13).

A holiday falls on a fixed day or at a number of days from Easter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

import schemas
from fse.table_text import TableError, TableVersion, read_rows, table_version

__all__ = ["Holiday", "HolidayTable", "easter", "holidays_of", "package_holidays"]

_TABLE = "tables/holidays.csv"


class Holiday(BaseModel):
    """One line of the table: ``rule`` is MM-DD, or easter and a number of days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str = Field(
        pattern=r"^(easter[+-][0-9]{1,2}|(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]))$", description="MM-DD | easter±n"
    )
    scope: Literal["national", "alsace-moselle", "good-friday-commune"] = Field(
        description="national | alsace-moselle | good-friday-commune"
    )
    name_fr: str = Field(description="texte")
    name_en: str = Field(description="text")
    source: str = Field(description="article")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")

    def on(self, year: int) -> date:
        """Return the day of this holiday in ``year``."""
        if self.rule.startswith("easter"):
            return easter(year) + timedelta(days=int(self.rule.removeprefix("easter")))
        return date(year, int(self.rule[:2]), int(self.rule[3:]))


def easter(year: int) -> date:
    """Return Easter Sunday of a Gregorian year (computus of Meeus, Jones and Butcher: Meeus 1991, chapter 8)."""
    golden = year % 19
    century, year_of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_correction + 15) % 30
    leap_years, year_rest = divmod(year_of_century, 4)
    to_sunday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@dataclass(frozen=True, slots=True)
class HolidayTable:
    """The public holidays of every place."""

    version: TableVersion
    lines: tuple[Holiday, ...]

    @classmethod
    def parse(cls, text: str, file: str = "holidays.csv") -> Self:
        """Return the table written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        seen: dict[tuple[str, str], int] = {}
        for number, line in read_rows(text, Holiday, file):
            key = (line.rule, line.scope)
            if key in seen:
                raise TableError("TABLE-OVERLAP", file=file, line=number, code=line.rule, other_line=seen[key])
            seen[key] = number
        return cls(version, tuple(line for _, line in read_rows(text, Holiday, file)))

    def __hash__(self) -> int:
        """Two tables of one text are one: their days are kept by it."""
        return hash(self.version.digest)


@cache
def package_holidays() -> HolidayTable:
    """Return the table of the package ``schemas``."""
    return HolidayTable.parse(schemas.read_text(_TABLE), _TABLE)


@lru_cache(maxsize=512)
def holidays_of(year: int, scopes: frozenset[str], table: HolidayTable | None = None) -> dict[date, Holiday]:
    """Return the holidays of ``year`` in these scopes of the table; callers must not change what they get."""
    # later lines first, so that the national name stays when two holidays fall on one day (1 May 2008, Ascension)
    lines = (table or package_holidays()).lines
    return {entry.on(year): entry for entry in reversed(lines) if entry.scope in scopes}
