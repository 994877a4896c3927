"""
When an act may be done: an age, a time after delivery or a week of pregnancy, as the act table writes it.

A window is half-open: its first bound belongs to it, its last one does not. Months and years are calendar ones: the
day of the same number, else the last day of the month (Code de procédure civile 641, by analogy).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

__all__ = ["MEASURE", "CaseFacts", "Measure", "Window", "WindowKind", "add_months"]

MEASURE = r"^(0d|[1-9]d|1[0-9]d|2[0-7]d|[1-9][0-9]?m|[1-9][0-9]?y|[1-9][0-9]?w)$"
"""A bound in the table: days (0 to 27: any day count is below any month count), months, years, or week number."""

_MONTHS_IN_YEAR = 12
_DAYS_IN_WEEK = 7


class WindowKind(StrEnum):
    """What a window counts from."""

    AGE = "age"
    DELIVERY = "delivery"
    PREGNANCY_WEEK = "pregnancy-week"


@dataclass(frozen=True, slots=True, order=True)
class Measure:
    """A bound: whole months, then days; for weeks of pregnancy ``days`` holds the week's number (1 is the first)."""

    months: int
    days: int

    @classmethod
    def read(cls, text: str) -> Measure:
        """Return the bound written as :data:`MEASURE` says."""
        count, unit = int(text[:-1]), text[-1]
        months = {"m": count, "y": count * _MONTHS_IN_YEAR}.get(unit, 0)
        return cls(months, 0 if months else count)

    def after(self, start: date) -> date:
        """Return the day that lies this far after ``start``."""
        return add_months(start, self.months) + timedelta(days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """
    The facts of one act that windows look at; ``on`` is the day of the act.

    ``week`` is the week of pregnancy in progress, 1 being the first; when it is not given it is counted from
    ``pregnancy_start`` (date présumée de début de grossesse).
    """

    on: date
    birth_date: date | None = None
    delivery_date: date | None = None
    pregnancy_start: date | None = None
    week: int | None = None

    @property
    def week_in_progress(self) -> int | None:
        """Return the week of pregnancy of the act, None when nothing tells it."""
        if self.week is not None or self.pregnancy_start is None:
            return self.week
        return (self.on - self.pregnancy_start).days // _DAYS_IN_WEEK + 1


@dataclass(frozen=True, slots=True)
class Window:
    """From ``first`` included to ``end`` excluded."""

    kind: WindowKind
    first: Measure
    end: Measure

    def holds(self, facts: CaseFacts) -> bool | None:
        """Tell whether the act falls in the window; None when the fact it counts from is missing."""
        if self.kind is WindowKind.PREGNANCY_WEEK:
            week = facts.week_in_progress
            return None if week is None else self.first.days <= week < self.end.days
        start = facts.birth_date if self.kind is WindowKind.AGE else facts.delivery_date
        return None if start is None else self.first.after(start) <= facts.on < self.end.after(start)

    def meets(self, other: Window) -> bool:
        """Tell whether one act could fall in both windows; windows of different kinds always meet."""
        return self.kind is not other.kind or (self.first < other.end and other.first < self.end)


def add_months(day: date, months: int) -> date:
    """Return the same day ``months`` later, the last of the month when that month is too short."""
    year, month = divmod(day.year * _MONTHS_IN_YEAR + day.month - 1 + months, _MONTHS_IN_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
