"""The lot: sheets of one caisse and one mode, signed and sent together; what an acknowledgement answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - records are read back by their annotations
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.lifecycle.effects import Effect
from fse.lifecycle.emission import emission_rows, emission_timers
from fse.lifecycle.engine import Table
from fse.lifecycle.errors import LifecycleError
from fse.lifecycle.rows import Row, each
from fse.lifecycle.sources import HOUSE, PROTOCOL_6, R161_47_III
from fse.lifecycle.transmission import (
    MAY_NOT_EMIT,
    WAS_EMITTED,
    Transmitted,
    acknowledgement_limit,
    emission_facts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fse.lifecycle.policy import Policy
    from fse.lifecycle.sheet import SheetRecord

__all__ = ["LOTS", "LotEvent", "LotRecord", "LotState"]


class LotState(StrEnum):
    """Where a lot stands; one line of meaning each in ``schemas/lifecycle.toml``."""

    TO_SIGN = "to_sign"
    SIGNED = "signed"
    EMISSION_STARTED = "emission_started"
    SENT = "sent"
    POSITIVE = "positive"
    ALTERED = "altered"
    REFUSED = "refused"
    OVERDUE = "overdue"
    REEMISSION_DUE = "reemission_due"
    SETTLED = "settled"
    ABANDONED = "abandoned"


class LotEvent(StrEnum):
    """What may happen to a lot after its birth, the choice of its sheets."""

    SIGN = "sign"
    START_EMISSION = "start_emission"
    EMISSION_FAILED = "emission_failed"
    EMIT = "emit"
    ACKNOWLEDGE_POSITIVE = "acknowledge_positive"
    ACKNOWLEDGE_ALTERED = "acknowledge_altered"
    ACKNOWLEDGE_REFUSED = "acknowledge_refused"
    WAIT_EXPIRED = "wait_expired"
    REEMIT = "reemit"
    WINDOW_CLOSED = "window_closed"
    BLOCKED = "blocked"
    DISSOLVE = "dissolve"
    REQUEUE = "requeue"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRecord(Transmitted):
    """One lot; its limits are those of its most urgent sheet. ``late_answer``: it was answered after being given up."""

    state: LotState = LotState.TO_SIGN
    late_answer: bool = False

    @classmethod
    def of(cls, number: str, sheets: Sequence[SheetRecord]) -> LotRecord:
        """
        Return a new lot of ``sheets``, which are all queued.

        It takes over their history: a sheet that was emitted before keeps its own limit in a new lot.

        :raises LifecycleError: ``LIFE-EMPTY-LOT`` when there is no sheet.
        """
        if not sheets:
            raise LifecycleError("LIFE-EMPTY-LOT", number=number)
        failures = [sheet.first_failure_on for sheet in sheets if sheet.first_failure_on]
        return cls(
            number=number,
            established_on=min(sheet.established_on for sheet in sheets),
            deadline=min(sheet.deadline for sheet in sheets),
            emissions=max(sheet.emissions for sheet in sheets),
            first_emitted_at=min((sheet.first_emitted_at for sheet in sheets if sheet.first_emitted_at), default=None),
            last_emitted_at=max((sheet.last_emitted_at for sheet in sheets if sheet.last_emitted_at), default=None),
            first_failure_on=min(failures, default=None),
            last_failure_at=max((sheet.last_failure_at for sheet in sheets if sheet.last_failure_at), default=None),
            reemission_limit=min(sheet.emission_limit for sheet in sheets) if failures else None,
        )


S, E = LotState, LotEvent
READY = (S.TO_SIGN, S.SIGNED)
FAILED = (S.ALTERED, S.OVERDUE, S.REEMISSION_DUE, S.REFUSED)
OPEN = (*READY, *FAILED)
GIVEN_UP = (S.ABANDONED, S.SETTLED)
ANSWERS = (E.ACKNOWLEDGE_POSITIVE, E.ACKNOWLEDGE_ALTERED, E.ACKNOWLEDGE_REFUSED)
DETAILS = {E.BLOCKED: "reason", E.DISSOLVE: "reason"}


def _mark(record: LotRecord, row: Row[LotState, LotEvent], now: datetime, policy: Policy, detail: str) -> LotRecord:
    facts = emission_facts(record, row, now, policy)
    if row.event in DETAILS:
        facts[DETAILS[row.event]] = detail
    late = record.late_answer or Effect.FLAG_LATE_ANSWER in row.effects
    return replace(record, **facts, state=row.to, late_answer=late)


LOTS: Table[LotState, LotEvent, LotRecord] = Table(
    name="lot",
    states=LotState,
    events=LotEvent,
    rows=(
        Row(S.TO_SIGN, E.SIGN, S.SIGNED, effects=(Effect.SEND,), source=HOUSE),
        *each(READY, E.DISSOLVE, S.ABANDONED, source=HOUSE),
        *emission_rows(
            LotState,
            LotEvent,
            ready=S.SIGNED,
            positive=S.POSITIVE,
            send=(Effect.SEND,),
            send_again=(Effect.SEND_AGAIN,),
        ),
        Row(S.REFUSED, E.REQUEUE, S.ABANDONED, source=HOUSE),
        *each(OPEN, E.WINDOW_CLOSED, S.ABANDONED, guards=(MAY_NOT_EMIT,), source=PROTOCOL_6),
        *each(OPEN, E.BLOCKED, S.ABANDONED, source=R161_47_III),
        Row(S.POSITIVE, E.SETTLE, S.SETTLED, source=HOUSE),
        *(
            row
            for answer in ANSWERS
            for row in each(GIVEN_UP, answer, guards=(WAS_EMITTED,), effects=(Effect.FLAG_LATE_ANSWER,), source=HOUSE)
        ),
    ),
    timers=emission_timers(LotState, LotEvent, waiting=READY),
    details=DETAILS,
    limits={"emission": lambda record, _policy: record.emission_limit, "acknowledgement": acknowledgement_limit},
    mark=_mark,
)
