"""
Jours ouvrés: Monday to Friday without the public holidays of the place.

No text defines the jours ouvrés of CSS R161-47; this is the usual reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from fse.errors import FseError
from fse.holiday_table import holidays_of
from fse.rules import Rule, rule

if TYPE_CHECKING:
    from fse.holiday_table import Holiday, HolidayTable

__all__ = ["Calendar", "DeadlineError", "Place", "check_day"]

_DEPARTMENT = re.compile(r"0[1-9]|[1-8][0-9]|9[0-5]|2[AB]|97[1-6]")
_CORSICA_BEFORE_1976 = "20"
_ALSACE_MOSELLE = frozenset({"57", "67", "68"})
_FIRST_DAY = date(1998, 1, 1)
_LAST_DAY = date(2199, 12, 31)
_LARGEST_COUNT = 1000
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class DeadlineError(FseError):
    """A date, a place or a delay from which no deadline can be counted."""


def check_day(day: object) -> date:
    """
    Return ``day`` when it is a plain date from 1998 (the year when R161-47 begins) to 2199.

    :raises DeadlineError: ``DEADLINE-DATE`` for anything else than a date, ``DEADLINE-RANGE`` outside these years.
    """
    if not isinstance(day, date) or isinstance(day, datetime):
        raise DeadlineError("DEADLINE-DATE", value=type(day).__name__)
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise DeadlineError("DEADLINE-RANGE", value=day.isoformat(), first=_FIRST_DAY, last=_LAST_DAY)
    return day


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where the working days are counted: the site's département (01 to 95, 2A, 2B, 971 to 976).

    In 57, 67 and 68 the 26 December is off, and Good Friday too, unless ``good_friday`` is False: a commune without
    a Protestant temple or mixed church (Code du travail L3134-13). Elsewhere ``good_friday`` changes nothing.

    :raises DeadlineError: ``PLACE-DEPARTMENT``.
    """

    department: str
    good_friday: bool | None = None

    def __post_init__(self) -> None:
        if _DEPARTMENT.fullmatch(self.department) is None or self.department == _CORSICA_BEFORE_1976:
            raise DeadlineError("PLACE-DEPARTMENT", value=self.department[:10])

    @property
    def scopes(self) -> frozenset[str]:
        """Return the scopes of the holiday table that hold here."""
        if self.department not in _ALSACE_MOSELLE:
            return frozenset({"national"})
        local = {"national", "alsace-moselle"}
        return frozenset(local if self.good_friday is False else local | {"good-friday-commune"})

    @property
    def warning(self) -> Rule | None:
        """Return the rule ``PLACE-OVERSEAS`` where local holidays are not covered (its fact: ``department``)."""
        return rule("PLACE-OVERSEAS") if self.department.startswith("97") else None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of a place. Every method raises :class:`DeadlineError` for what :func:`check_day` refuses."""

    place: Place
    holidays: HolidayTable | None = None
    """Another table than that of the package."""

    def holiday(self, day: date) -> str | None:
        """Return the French name of the public holiday of ``day``, None when there is none."""
        found = self.holiday_entry(day)
        return found.name_fr if found else None

    def holiday_entry(self, day: date) -> Holiday | None:
        """Return the line of the holiday table that makes ``day`` a holiday, with its source; None when none does."""
        return holidays_of(check_day(day).year, self.place.scopes, self.holidays).get(day)

    def is_working(self, day: date) -> bool:
        """Tell whether ``day`` is a jour ouvré."""
        return self.holiday_entry(day) is None and day.weekday() < _SATURDAY

    def add(self, day: date, count: int) -> date:
        """
        Return the ``count``-th jour ouvré after ``day``, which is not counted; ``day`` itself when ``count`` is 0.

        :raises DeadlineError: also ``DEADLINE-COUNT`` when ``count`` is not from 0 to 1000.
        """
        check_day(day)
        if not 0 <= count <= _LARGEST_COUNT:
            raise DeadlineError("DEADLINE-COUNT", value=count, limit=_LARGEST_COUNT)
        while count:
            day += _ONE_DAY
            count -= self.is_working(day)
        return day

    def days_between(self, start: date, end: date) -> int:
        """Return the number of jours ouvrés after ``start`` up to ``end`` included; negative when ``end`` is before."""
        check_day(start)
        check_day(end)
        if end < start:
            return -self.days_between(end, start)
        return sum(self.is_working(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))
