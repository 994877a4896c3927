"""
The calendar of obligations: everything that falls due in a period, from one list of rules (PROT-49).

The rules are data, ``schemas/obligations.toml``, each with its source and certainty. Some count from the calendar, some
from the convention or the tables, some from an event of one sheet: these need its day. A day ends at midnight in Paris;
a delay in months ends on the day of the same number (Code de procédure civile 641, by analogy), that day included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import schemas
from fse.act_window import add_months
from fse.deadlines import end_of_day_utc
from fse.errors import FseError
from fse.working_days import check_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fse.code_tables import SpecificationTable
    from fse.lifecycle import Policy
    from fse.rules import Language

__all__ = [
    "Due",
    "Events",
    "Obligation",
    "ObligationError",
    "Service",
    "Term",
    "When",
    "due_of_events",
    "falling_due",
    "obligations",
]

_MONTHS_IN_QUARTER = 3
_DECEMBER = 12
_LARGEST_YEARS = 10
_LONGEST_CLOSURE = timedelta(days=10)


class ObligationError(FseError):
    """A period of which no calendar can be made."""


class When(StrEnum):
    """How the days of an obligation are found."""

    YEARLY = "yearly"
    MONTH_END = "month-end"
    QUARTER_END = "quarter-end"
    MARKET = "market"
    SPECIFICATION = "specification"
    CONVENTION_TERM = "convention-term"
    CONVENTION_NOTICE = "convention-notice"
    ACT = "act"
    FAILURE = "failure"
    ACKNOWLEDGEMENT = "acknowledgement"

    @property
    def of_a_sheet(self) -> bool:
        """Whether it counts from an event of one sheet."""
        return self in {When.ACT, When.FAILURE, When.ACKNOWLEDGEMENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """One rule. ``next_working_day``: a day off moves to the next jour ouvré of the place."""

    id: str
    when: When
    fr: str
    en: str
    source: str
    certainty: str
    month: int = 0
    day: int = 0
    months: int = 0
    next_working_day: bool = False

    def text(self, language: Language = "fr") -> str:
        """Return what is due, in ``language``."""
        return self.fr if language == "fr" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A convention for the calendar: from ``start``, by periods of ``months``, until ``ends`` (None: it goes on)."""

    start: date
    months: int
    notice_months: int
    ends: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """
    Whose calendar it is.

    ``policy`` is its reading of the law, with the working days of its place; ``caisses`` the names of those that it
    sends paper to; ``market_changes`` the days on which its vaccine market changed.
    """

    policy: Policy
    caisses: tuple[str, ...]
    specifications: SpecificationTable
    market_changes: tuple[date, ...] = ()
    convention: Term | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What has happened to one sheet: the day of its last act, when a failure was known, when its ARL was received."""

    act: date | None = None
    failure: date | None = None
    acknowledgement: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """
    One thing that falls due: on ``day``, until the instant ``until`` (UTC).

    ``act_by`` is the last jour ouvré on which somebody is at work to do it. ``about`` says of what or for whom: a
    caisse, a version, the event that it counts from.
    """

    obligation: Obligation
    day: date
    act_by: date
    about: str = ""
    until: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "until", end_of_day_utc(self.day))


@cache
def obligations() -> Mapping[str, Obligation]:
    """Return every obligation by its id, in the order of the data."""
    entries = schemas.read_toml("obligations.toml").items()
    return {name: Obligation(id=name, **(entry | {"when": When(entry["when"])})) for name, entry in entries}


def falling_due(first: date, last: date, service: Service) -> tuple[Due, ...]:
    """
    Return what falls due from ``first`` to ``last``, both included, in the order of the days.

    Obligations that count from an event of a sheet are not among them: see :func:`due_of_events`. Raises
    :class:`ObligationError` (OBLIGATION-PERIOD) and :class:`fse.working_days.DeadlineError`.
    """
    check_day(first)
    check_day(last)
    if last < first or last.year - first.year > _LARGEST_YEARS:
        raise ObligationError("OBLIGATION-PERIOD", first=first, last=last, limit=_LARGEST_YEARS)
    found = [
        _due(one, day, about, service)
        for one in obligations().values()
        for day, about in _days(one, first, last, service)
        if first - _LONGEST_CLOSURE <= day <= last
    ]
    return _in_order(due for due in found if first <= due.day <= last)


def due_of_events(events: Events, service: Service) -> tuple[Due, ...]:
    """
    Return what falls due for a sheet of which ``events`` are known.

    A re-emission depends on the day of the act and on that of the failure. Raises
    :class:`fse.working_days.DeadlineError`.
    """
    policy, known = service.policy, obligations()
    days: dict[str, date] = {}
    about = dict.fromkeys(("transmission", "paper-half"), events.act)
    if events.act is not None:
        days["transmission"] = policy.first_emission_limit(check_day(events.act))
        days["paper-half"] = policy.paper_limit(events.act)
        if events.failure is not None:
            days["reemission"] = policy.reemission_limit(events.act, events.failure)
            about["reemission"] = events.failure
    if events.acknowledgement is not None:
        days["payment"] = add_months(check_day(events.acknowledgement), 1)
        about["payment"] = events.acknowledgement
    return _in_order(_due(known[name], day, str(about[name]), service) for name, day in days.items())


def _due(one: Obligation, day: date, about: str, service: Service) -> Due:
    calendar = service.policy.calendar
    if one.next_working_day and not calendar.is_working(day):
        day = calendar.add(day, 1)
    act_by = day
    while not calendar.is_working(act_by):
        act_by -= timedelta(days=1)
    return Due(obligation=one, day=day, act_by=act_by, about=about)


def _in_order(found: Iterator[Due]) -> tuple[Due, ...]:
    return tuple(sorted(found, key=lambda due: (due.day, due.obligation.id, due.about)))


def _days(one: Obligation, first: date, last: date, service: Service) -> Iterator[tuple[date, str]]:
    """Give the days of ``one`` in the years of the period, and what each is about; the caller keeps those inside."""
    years = range(first.year, last.year + 1)
    if one.when is When.YEARLY:
        yield from ((date(year, one.month, one.day), str(year)) for year in years)
    elif one.when is When.MONTH_END:
        ends = (_month_end(year, month) for year in years for month in range(1, _DECEMBER + 1))
        yield from ((day, caisse) for day in ends for caisse in service.caisses)
    elif one.when is When.QUARTER_END:
        months = range(_MONTHS_IN_QUARTER, _DECEMBER + 1, _MONTHS_IN_QUARTER)
        ranks = ((year, month) for year in years for month in months)
        yield from ((_month_end(year, month), f"{year} T{month // _MONTHS_IN_QUARTER}") for year, month in ranks)
    elif one.when is When.MARKET:
        # what changes on 1 January is in the copy of that day
        yield from ((day, day.isoformat()) for day in service.market_changes if (day.month, day.day) != (1, 1))
    elif one.when is When.SPECIFICATION:
        newer = service.specifications.lines[1:]
        yield from ((add_months(line.valid_from, one.months), line.code) for line in newer)
    elif one.when in {When.CONVENTION_TERM, When.CONVENTION_NOTICE}:
        yield from _terms(one.when, service.convention, last)


def _terms(when: When, convention: Term | None, last: date) -> Iterator[tuple[date, str]]:
    if convention is None:
        return
    notice = 0 if when is When.CONVENTION_TERM else convention.notice_months
    term = add_months(convention.start, convention.months)
    rank = 1
    while add_months(term, -notice) <= last and (convention.ends is None or term <= convention.ends):
        yield add_months(term, -notice), term.isoformat()
        rank += 1
        term = add_months(convention.start, convention.months * rank)


def _month_end(year: int, month: int) -> date:
    return add_months(date(year, month, 1), 1) - timedelta(days=1)
