"""The paper: twins, duplicata and forms, from the printer to the caisse, with the alert when one stays too long."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime  # noqa: TC003 - records are read back by their annotations
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.lifecycle.effects import Effect
from fse.lifecycle.engine import Table
from fse.lifecycle.policy import over_at
from fse.lifecycle.rows import Guard, Row, Timer, each
from fse.lifecycle.sources import HOUSE, PAPER
from fse.lifecycle.wording import section

if TYPE_CHECKING:
    from typing import Any

    from fse.lifecycle.policy import Policy

__all__ = ["PAPERS", "PaperEvent", "PaperKind", "PaperRecord", "PaperState"]


class PaperKind(StrEnum):
    """Which paper it is; its cadence and source stand in ``schemas/lifecycle.toml``."""

    TWIN = "twin"
    DUPLICATA = "duplicata"
    PLAIN = "plain"
    FORM_708 = "form_708"
    FORM_709 = "form_709"
    RECAP = "recap"

    @property
    def cadence(self) -> str:
        """How it leaves: ``at_once``, ``monthly`` or ``quarterly``."""
        cadence: str = section("paper_kind", self)["cadence"]
        return cadence


class PaperState(StrEnum):
    """Where a paper stands; one line of meaning each in ``schemas/lifecycle.toml``."""

    TO_PRINT = "to_print"
    PRINTED = "printed"
    POSTED = "posted"
    RECEIVED = "received"
    VOID = "void"


class PaperEvent(StrEnum):
    """What may happen to a paper after its birth, the need for it."""

    PRINT = "print"
    POST = "post"
    RECEIVE = "receive"
    ALERT = "alert"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRecord:
    """One paper. ``sheet``: number of the FSE it goes with, if any. ``post_by``: last day to post it (Europe/Paris)."""

    number: str
    kind: PaperKind
    established_on: date
    post_by: date
    sheet: str = ""
    state: PaperState = PaperState.TO_PRINT
    posted_at: datetime | None = None
    received_at: datetime | None = None
    alerted: bool = False
    reason: str = ""

    @classmethod
    def needed(
        cls, number: str, kind: PaperKind, established_on: date, policy: Policy, *, sheet: str = ""
    ) -> PaperRecord:
        """
        Return a new paper to print.

        ``established_on``: for a duplicata the day it fell due, for another paper the day of the last act. A paper
        that leaves at once has 8 plain days (CSS R161-47 I 2° b); the others leave with their month or quarter.
        """
        match kind.cadence:
            case "monthly":
                post_by = _month_end(established_on)
            case "quarterly":
                post_by = _month_end(established_on.replace(day=1, month=-(-established_on.month // 3) * 3))
            case _:
                post_by = policy.paper_limit(established_on)
        return cls(number=number, kind=kind, established_on=established_on, post_by=post_by, sheet=sheet)


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _alert_at(record: PaperRecord, _policy: Policy) -> datetime | None:
    return over_at(record.post_by) if record.kind.cadence == "at_once" else None


def _may_alert(record: PaperRecord, now: datetime, policy: Policy) -> bool:
    at = _alert_at(record, policy)
    return not record.alerted and at is not None and now >= at


S, E = PaperState, PaperEvent
ALERT_DUE = Guard("alert_due", _may_alert)
UNPOSTED = (S.TO_PRINT, S.PRINTED)


def _mark(
    record: PaperRecord, row: Row[PaperState, PaperEvent], now: datetime, _policy: Policy, detail: str
) -> PaperRecord:
    facts: dict[PaperEvent, dict[str, Any]] = {
        E.PRINT: {},
        E.POST: {"posted_at": now},
        E.RECEIVE: {"received_at": now},
        E.ALERT: {"alerted": True},
        E.VOID: {"reason": detail},
    }
    return replace(record, state=row.to, **facts[row.event])


PAPERS: Table[PaperState, PaperEvent, PaperRecord] = Table(
    name="paper",
    states=PaperState,
    events=PaperEvent,
    rows=(
        *each(UNPOSTED, E.PRINT, S.PRINTED, source=HOUSE),
        Row(S.PRINTED, E.POST, S.POSTED, source=PAPER),
        Row(S.POSTED, E.RECEIVE, S.RECEIVED, source=PAPER),
        *each(UNPOSTED, E.ALERT, guards=(ALERT_DUE,), effects=(Effect.TELL_PERSON,), source=PAPER),
        *each(UNPOSTED, E.VOID, S.VOID, source=HOUSE),
        # lost on its way, or its sheet was regularised: whoever expects it must be told
        Row(S.POSTED, E.VOID, S.VOID, effects=(Effect.TELL_PERSON,), source=HOUSE),
    ),
    timers=tuple(Timer(state, E.ALERT, _alert_at) for state in UNPOSTED),
    details={E.VOID: "reason"},
    limits={"posting": lambda record, _policy: record.post_by},
    mark=_mark,
)
