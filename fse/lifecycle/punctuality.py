"""
On time, at risk or late: what the law expects of a sheet, a lot or a paper, held against a day of the calendar.

Sources: CSS R161-42 10° and R161-47 (windows, re-emission, duplicata, 8 days of a paper); protocol art. 6. What arrives
late after it was emitted in time is the caisse's affair: the moment of emission alone counts (A5). Plain papers and
forms leave with their month or quarter, twins and duplicata have 8 plain days (A50). Lateness is a status, never a
refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 - values are written out by their annotations
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.deadlines import paris_date
from fse.lifecycle.lot import LOTS
from fse.lifecycle.paper import PAPERS, PaperKind, PaperState
from fse.lifecycle.policy import is_over
from fse.lifecycle.sheet import SheetState
from fse.lifecycle.sheet_table import SHEETS
from fse.lifecycle.wording import wording

if TYPE_CHECKING:
    from datetime import datetime

    from fse.lifecycle.lot import LotRecord
    from fse.lifecycle.paper import PaperRecord
    from fse.lifecycle.policy import Policy
    from fse.lifecycle.sheet import SheetRecord
    from fse.lifecycle.transmission import Transmitted
    from fse.rules import Language

__all__ = [
    "AT_RISK_DAYS",
    "AWAITED_PAPERS",
    "AWAITED_SHEETS",
    "Punctuality",
    "Timing",
    "lot_timing",
    "paper_timing",
    "sheet_timing",
]

AT_RISK_DAYS = 1
"""
From how many jours ouvrés left a thing is at risk. No text says so: a choice of this project (one evening is left to
sign a lot, one working day to mend what fails).
"""

AWAITED_SHEETS = SHEETS.timed | {SheetState.DUPLICATA_DUE, SheetState.REJECTED}
"""The states in which something is expected of the sender by a day; in the others the sending is done."""

AWAITED_PAPERS = PAPERS.timed
"""The states of a paper that has not left yet."""

_LEAVING = frozenset({SheetState.EMISSION_STARTED, SheetState.SENT})
_WINDOW_MISSED = frozenset({"first_window_over", "reemission_window_over"})
_POSTED = frozenset({PaperState.POSTED, PaperState.RECEIVED})


class Punctuality(StrEnum):
    """Whether what the law expects is done, or still can be, by its day; one sentence in ``schemas/lifecycle.toml``."""

    ON_TIME = "on_time"
    AT_RISK = "at_risk"
    LATE = "late"

    def text(self, language: Language = "fr") -> str:
        """Return the words for it in ``language``."""
        return wording("punctuality", self).text(language)


_BY_GRAVITY = tuple(Punctuality)


@dataclass(frozen=True, slots=True)
class Timing:
    """
    How a thing stands in time.

    ``day`` is the day that counts (Europe/Paris), None when no day does. ``reason`` names what counts, or what made it
    late. ``used`` of ``allowed`` jours ouvrés are spent, from the day that opened the window; never more than all.
    """

    punctuality: Punctuality
    reason: str
    day: date | None = None
    used: int = 0
    allowed: int = 0

    def text(self, language: Language = "fr") -> str:
        """Return what counts, in ``language``."""
        return wording("punctuality", self.reason).text(language)


@dataclass(frozen=True, slots=True)
class _Moment:
    """An instant under a policy; ``margin`` jours ouvrés before its day a thing is at risk."""

    now: datetime
    policy: Policy
    margin: int

    def expected(self, reason: str, start: date, day: date, at_best: Punctuality = Punctuality.ON_TIME) -> Timing:
        """Return the timing of what is expected by ``day``; other facts may leave it ``at_best`` at risk, or late."""
        found = Punctuality.ON_TIME
        if is_over(day, self.now):
            found = Punctuality.LATE
        elif self.policy.calendar.days_between(paris_date(self.now), day) <= self.margin:
            found = Punctuality.AT_RISK
        return self._timing(max(found, at_best, key=_BY_GRAVITY.index), reason, start, day, paris_date(self.now))

    def done(self, reason: str, start: date, day: date, on: date) -> Timing:
        """Return the timing of what was done ``on`` a day, for ``day`` at the latest."""
        late = on > day
        name = f"{reason}_late" if late else f"{reason}_in_time"
        return self._timing(Punctuality.LATE if late else Punctuality.ON_TIME, name, start, day, on)

    def _timing(self, found: Punctuality, reason: str, start: date, day: date, until: date) -> Timing:
        calendar = self.policy.calendar
        allowed = max(0, calendar.days_between(start, day))
        used = max(0, calendar.days_between(start, min(until, day)))
        return Timing(found, reason, day, used, allowed)


def sheet_timing(record: SheetRecord, now: datetime, policy: Policy, margin: int = AT_RISK_DAYS) -> Timing:
    """
    Return how a sheet stands at ``now``, once everything that is due has happened.

    Late: its emission, re-emission or correction is past its day, a duplicata is due because the limit is over, or it
    was first emitted after its window (CSS R161-47 I 1°). A duplicata due before that day is at risk: it leaves without
    waiting. A rejected sheet has until the end of the window of the sheet that will correct it (R161-42 10°).
    """
    moment = _Moment(now, policy, margin)
    for step in SHEETS.settle(record, now, policy):
        record = step.record
    start, emitted_on = record.established_on, _emitted_on(record)
    if record.state is SheetState.REJECTED and record.rejected_on is not None:
        return moment.expected("correction", record.rejected_on, policy.first_emission_limit(record.rejected_on))
    if record.state is SheetState.DUPLICATA_DUE:
        at_best = Punctuality.LATE if record.reason in _WINDOW_MISSED else Punctuality.AT_RISK
        return moment.expected("duplicata", start, record.emission_limit, at_best)
    if record.state in AWAITED_SHEETS - _LEAVING:
        at_best = Punctuality.LATE if emitted_on and emitted_on > record.deadline else Punctuality.ON_TIME
        reason = "reemission" if record.emissions else "first_emission"
        return moment.expected(reason, start, record.emission_limit, at_best)
    if record.reason in _WINDOW_MISSED:
        return moment.expected("window_missed", start, record.emission_limit, Punctuality.LATE)
    if emitted_on is None:
        return Timing(Punctuality.ON_TIME, "nothing")
    return moment.done("emitted", start, record.deadline, emitted_on)


def _emitted_on(record: Transmitted) -> date | None:
    """Return the day of the first emission: that of the durable word before its first byte."""
    first = record.first_emitted_at or record.emission_started_at
    return paris_date(first) if first else None


def lot_timing(record: LotRecord, now: datetime, policy: Policy, margin: int = AT_RISK_DAYS) -> Timing:
    """Return how a lot that has still to leave stands at ``now``: its limit is that of its most urgent sheet."""
    for step in LOTS.settle(record, now, policy):
        record = step.record
    reason = "reemission" if record.emissions else "first_emission"
    return _Moment(now, policy, margin).expected(reason, record.established_on, record.emission_limit)


def paper_timing(record: PaperRecord, now: datetime, policy: Policy, margin: int = AT_RISK_DAYS) -> Timing:
    """
    Return how a paper stands at ``now``: to post by its day (CSS R161-47 I 2° b; convention art. 6.2), or posted.

    A plain paper that replaces a sheet found after its window is late from the start: its day is that of the sheet.
    """
    moment, start = _Moment(now, policy, margin), record.established_on
    if record.state in _POSTED and record.posted_at is not None:
        return moment.done("posted", start, record.post_by, paris_date(record.posted_at))
    if record.state not in AWAITED_PAPERS:
        return Timing(Punctuality.ON_TIME, "nothing")
    if record.kind is PaperKind.PLAIN and record.sheet:
        return moment.expected("window_missed", start, policy.first_emission_limit(start), Punctuality.LATE)
    return moment.expected("posting", start, record.post_by)
