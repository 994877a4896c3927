"""
How long a sheet may take: the delays of CSS R161-47, in jours ouvrés of the site or in plain days.

Count: the day of the starting event is day 0 (common reading, no text says so); the delay ends with the end of its
last day, Europe/Paris. Law dates are dates; instants are aware and in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fse.working_days import DeadlineError, check_day

if TYPE_CHECKING:
    from fse.working_days import Calendar

__all__ = [
    "DELAYS",
    "PARIS",
    "DayExplained",
    "DeadlineError",
    "Delays",
    "calendar_deadline",
    "end_of_day_utc",
    "explain",
    "paris_date",
    "parse_day",
    "transmission_deadline",
    "working_days_after",
]

PARIS = ZoneInfo("Europe/Paris")
"""The time zone in which days are counted."""
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEKDAYS_FR = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _delay(days: int, unit: str, source: str, certainty: str) -> int:
    value: int = field(default=days, metadata={"unit": unit, "source": source, "certainty": certainty})
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """
    The delays in days; unit, source and certainty of each are in the metadata of its field.

    ``transmission``: first emission under dispense d'avance de frais, thus of every PMI sheet. ``direct``: the same
    when the patient has paid. ``acknowledgement``: silence after an emission that counts as a failure.
    ``reemission``: time to send again once the failure is known. ``paper``: paper under tiers payant.
    """

    transmission: int = _delay(8, "jours ouvrés", "CSS R161-47 I 1°, R161-42 10°", "A")
    direct: int = _delay(3, "jours ouvrés", "CSS R161-47 I 1°, R161-42 10°", "A")
    acknowledgement: int = _delay(2, "jours ouvrés", "CSS R161-47, version of 1 January 1998 (decree 97-1321)", "U")
    reemission: int = _delay(2, "jours ouvrés", "CSS R161-47, version of 1 January 1998 (decree 97-1321)", "U")
    paper: int = _delay(8, "calendar days", "CSS R161-47 I 2° b", "A")


DELAYS = Delays()


@dataclass(frozen=True, slots=True)
class DayExplained:
    """One day of a count: its rank, None when it is not counted, and why."""

    day: date
    counted: int | None
    fr: str
    en: str


def working_days_after(start: date, calendar: Calendar, count: int) -> date:
    """
    Return the ``count``-th jour ouvré after ``start``, which is not counted.

    :raises DeadlineError: see :meth:`fse.working_days.Calendar.add`.
    """
    return calendar.add(start, count)


def transmission_deadline(start: date, calendar: Calendar, *, direct: bool = False, delays: Delays = DELAYS) -> date:
    """
    Return the last day to send a sheet: 8 jours ouvrés after ``start``, 3 when the patient paid (CSS R161-47 I 1°).

    :param start: the day when the headings are complete, the last grouped act (CSS R161-42 10°).
    :param direct: the patient paid directly, without tiers payant.
    :raises DeadlineError: see :meth:`fse.working_days.Calendar.add`.
    """
    return calendar.add(start, delays.direct if direct else delays.transmission)


def calendar_deadline(start: date, delays: Delays = DELAYS) -> date:
    """
    Return the last day to send a paper sheet under tiers payant: 8 plain days after ``start`` (CSS R161-47 I 2° b).

    The protocol prints «8 jours» for the FSE too: the ``calendar`` reading is this one.

    :raises DeadlineError: see :func:`fse.working_days.check_day`.
    """
    return check_day(start) + timedelta(days=delays.paper)


def explain(start: date, calendar: Calendar, count: int) -> tuple[DayExplained, ...]:
    """
    Return every day from ``start`` to the ``count``-th jour ouvré, with its rank and the reason.

    :raises DeadlineError: see :meth:`fse.working_days.Calendar.add`.
    """
    last = calendar.add(start, count)
    days = [DayExplained(start, None, "jour de départ, non compté", "starting day, not counted")]
    rank = 0
    for offset in range(1, (last - start).days + 1):
        day = start + timedelta(days=offset)
        holiday = calendar.holiday_entry(day)
        if holiday is not None:
            days.append(DayExplained(day, None, f"jour férié : {holiday.name_fr}", f"holiday: {holiday.name_en}"))
        elif not calendar.is_working(day):
            days.append(DayExplained(day, None, _WEEKDAYS_FR[day.weekday()], _WEEKDAYS_EN[day.weekday()]))
        else:
            rank += 1
            days.append(DayExplained(day, rank, f"jour ouvré {rank}", f"working day {rank}"))
    return tuple(days)


def end_of_day_utc(day: date) -> datetime:
    """
    Return the last microsecond of ``day`` in Europe/Paris, as an aware UTC instant: on time is «not after».

    :raises DeadlineError: see :func:`fse.working_days.check_day`.
    """
    return datetime.combine(check_day(day), time.max, tzinfo=PARIS).astimezone(UTC)


def paris_date(instant: datetime) -> date:
    """
    Return the day in Europe/Paris of an aware ``instant``.

    :raises DeadlineError: ``DEADLINE-INSTANT`` when the instant has no time zone.
    """
    if instant.utcoffset() is None:
        raise DeadlineError("DEADLINE-INSTANT", value=instant.isoformat())
    return instant.astimezone(PARIS).date()


def parse_day(text: str) -> date:
    """
    Return the day that a person wrote as YYYY-MM-DD.

    :raises DeadlineError: ``DEADLINE-DATE`` or ``DEADLINE-RANGE``.
    """
    try:
        if _ISO_DAY.fullmatch(text):
            return check_day(date.fromisoformat(text))
    except ValueError:
        pass
    raise DeadlineError("DEADLINE-DATE", value=text[:20])
