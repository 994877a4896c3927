"""The life of a sheet, from a reserved number to a payment, a correction, a duplicata or a void."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fse.deadlines import paris_date
from fse.lifecycle.effects import Effect
from fse.lifecycle.emission import emission_rows, emission_timers
from fse.lifecycle.engine import Table
from fse.lifecycle.rows import Guard, Row, each
from fse.lifecycle.sheet import SheetEvent as E
from fse.lifecycle.sheet import SheetFlag, SheetMode, SheetRecord
from fse.lifecycle.sheet import SheetState as S
from fse.lifecycle.sources import HOUSE, PROTOCOL_6, R161_42, R161_43, R161_47, R161_47_III
from fse.lifecycle.transmission import MAY_NOT_EMIT, NEVER_EMITTED, WAS_EMITTED, acknowledgement_limit, emission_facts

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from fse.lifecycle.policy import Policy

__all__ = ["SHEETS"]

SECURED = Guard("secured", lambda record, _now, _policy: record.mode is SheetMode.SECURED)
DEGRADED = Guard("degraded", lambda record, _now, _policy: record.mode is SheetMode.DEGRADED)
HAS_RETURN = Guard("has_return", lambda record, _now, _policy: record.has_return)
NOT_ATTESTED = Guard("not_attested", lambda record, _now, _policy: SheetFlag.ATTESTED not in record.flags)

UNSEALED = (S.RESERVED, S.PATIENT_SIGNED)
FAILED = (S.ALTERED, S.OVERDUE, S.REEMISSION_DUE, S.REFUSED)
SENDABLE = (S.SEALED, S.QUEUED, S.IN_LOT, *FAILED)
ON_THE_WAY = (S.EMISSION_STARTED, S.SENT, S.ALTERED, S.OVERDUE, S.REEMISSION_DUE)
BACK_HOME = (S.QUEUED, S.IN_LOT, S.DUPLICATA_DUE)
JUDGED = (S.PAID, S.PARTLY_PAID, S.REJECTED, S.DEFERRED)
GIVEN_UP = (S.DUPLICATA_SENT, S.ATTESTATION_ASKED, S.CORRECTED, S.CLOSED)
PROPOSE = (Effect.PROPOSE_DUPLICATA,)
ASK = (Effect.ASK_ATTESTATION,)
FLAG = (Effect.FLAG_LATE_ANSWER,)
ANSWERS = (E.ACKNOWLEDGE_POSITIVE, E.ACKNOWLEDGE_ALTERED, E.ACKNOWLEDGE_REFUSED)
RETURNS = {
    E.RETURN_PAID: (S.PAID, ()),
    E.RETURN_PARTLY: (S.PARTLY_PAID, (Effect.TELL_PERSON,)),
    E.RETURN_REJECTED: (S.REJECTED, (Effect.PROPOSE_CORRECTION,)),
    E.RETURN_DEFERRED: (S.DEFERRED, ()),
}
IN_THE_LOT = frozenset({S.IN_LOT, S.REFUSED, *ON_THE_WAY})

BEFORE_EMISSION: tuple[Row[S, E], ...] = (
    Row(S.RESERVED, E.PATIENT_SIGN, S.PATIENT_SIGNED, (SECURED,), source=R161_43),
    Row(S.RESERVED, E.SEAL, S.SEALED, (DEGRADED,), (Effect.MAKE_PAPER_TWIN,), PROTOCOL_6),
    Row(S.PATIENT_SIGNED, E.SEAL, S.SEALED, source=R161_43),
    Row(S.SEALED, E.QUEUE, S.QUEUED, effects=(Effect.QUEUE_FOR_LOT,), source=HOUSE),
    Row(S.QUEUED, E.PUT_IN_LOT, S.IN_LOT, source=HOUSE),
    *each((*UNSEALED, S.SEALED), E.VOID, S.VOID, effects=(Effect.VOID_PAPER,), source=HOUSE),
    Row(S.QUEUED, E.VOID, S.VOID, (NEVER_EMITTED,), (Effect.VOID_PAPER,), HOUSE),
    Row(S.SEALED, E.REGULARISE, S.VOID, (DEGRADED,), (Effect.VOID_PAPER,), HOUSE),
    Row(S.QUEUED, E.REGULARISE, S.VOID, (DEGRADED, NEVER_EMITTED), (Effect.VOID_PAPER,), HOUSE),
)
WITHOUT_EMISSION: tuple[Row[S, E], ...] = (
    *each(UNSEALED, E.WINDOW_CLOSED, S.VOID, guards=(MAY_NOT_EMIT,), effects=(Effect.MAKE_PLAIN_PAPER,), source=HOUSE),
    *each(SENDABLE, E.WINDOW_CLOSED, S.DUPLICATA_DUE, guards=(MAY_NOT_EMIT,), effects=PROPOSE, source=R161_47_III),
    *each(SENDABLE, E.BLOCKED, S.DUPLICATA_DUE, effects=PROPOSE, source=R161_47_III),
    *each((S.IN_LOT, *FAILED), E.REQUEUE, S.QUEUED, effects=(Effect.QUEUE_FOR_LOT,), source=HOUSE),
    Row(S.REFUSED, E.FAULT_FOUND, S.REJECTED, effects=(Effect.PROPOSE_CORRECTION,), source=HOUSE),
)
DUPLICATA: tuple[Row[S, E], ...] = (
    Row(S.DUPLICATA_DUE, E.DUPLICATA_ISSUED, S.DUPLICATA_SENT, source=R161_47_III),
    Row(S.DUPLICATA_SENT, E.ASK_ATTESTATION, S.ATTESTATION_ASKED, (NOT_ATTESTED,), ASK, PROTOCOL_6),
    Row(S.ATTESTATION_ASKED, E.ATTESTATION_GIVEN, S.DUPLICATA_SENT, source=PROTOCOL_6),
    Row(S.ATTESTATION_ASKED, E.ATTESTATION_DENIED, S.CLOSED, effects=(Effect.TELL_PERSON,), source=PROTOCOL_6),
    *each((S.DUPLICATA_SENT, S.ATTESTATION_ASKED), E.CLOSE, S.CLOSED, source=PROTOCOL_6),
)


def _answers() -> tuple[Row[S, E], ...]:
    """Return the acknowledgements that come when nobody waits for one any more."""
    yes, *negative = ANSWERS
    rows = [
        Row(S.QUEUED, yes, S.ACKNOWLEDGED, (WAS_EMITTED,), source=R161_47),
        Row(S.DUPLICATA_DUE, yes, S.ACKNOWLEDGED, (WAS_EMITTED,), (Effect.VOID_DUPLICATA,), R161_47),
        *each(JUDGED, yes, source=HOUSE),
        *each(GIVEN_UP, yes, guards=(WAS_EMITTED,), effects=FLAG, source=HOUSE),
    ]
    for answer in negative:
        rows += each((S.QUEUED, S.DUPLICATA_DUE), answer, guards=(WAS_EMITTED,), source=HOUSE)
        rows += each((*JUDGED, *GIVEN_UP), answer, guards=(WAS_EMITTED,), effects=FLAG, source=HOUSE)
    return tuple(rows)


def _returns() -> tuple[Row[S, E], ...]:
    """Return the payment returns: a judgement while the sheet is awaited, a flag once it was given up or judged."""
    rows: list[Row[S, E]] = []
    for event, (to, effects) in RETURNS.items():
        rows += each((*ON_THE_WAY, S.ACKNOWLEDGED, S.DEFERRED), event, to, effects=effects, source=HOUSE)
        for state in BACK_HOME:
            paper = (Effect.VOID_DUPLICATA,) if state is S.DUPLICATA_DUE else ()
            rows.append(Row(state, event, to, (WAS_EMITTED,), (*effects, *paper), HOUSE))
        rows += each(GIVEN_UP, event, guards=(WAS_EMITTED,), effects=FLAG, source=HOUSE)
        rows += each((S.PAID,), event, effects=FLAG, source=HOUSE)
    for event in (E.RETURN_PAID, E.RETURN_PARTLY):
        to, effects = RETURNS[event]
        rows += each((S.PARTLY_PAID, S.REJECTED), event, to, effects=effects, source=HOUSE)
    for event in (E.RETURN_REJECTED, E.RETURN_DEFERRED):
        rows += each((S.PARTLY_PAID, S.REJECTED), event, effects=(Effect.TELL_PERSON,), source=HOUSE)
    return tuple(rows)


END: tuple[Row[S, E], ...] = (
    Row(S.REJECTED, E.CORRECT, S.CORRECTED, source=R161_42),
    *each((S.PAID, S.PARTLY_PAID, S.REJECTED), E.CLOSE, S.CLOSED, guards=(HAS_RETURN,), source=HOUSE),
)

DETAILS = {
    E.PUT_IN_LOT: "lot",
    E.VOID: "reason",
    E.BLOCKED: "reason",
    E.FAULT_FOUND: "reason",
    E.RETURN_REJECTED: "reason",
    E.REGULARISE: "successor",
    E.CORRECT: "successor",
}


def _mark(record: SheetRecord, row: Row[S, E], now: datetime, policy: Policy, detail: str) -> SheetRecord:
    facts: dict[str, Any] = {"state": row.to} | emission_facts(record, row, now, policy)
    flags = set(record.flags)
    if row.event in DETAILS and row.to is not row.state:
        facts[DETAILS[row.event]] = detail
    if row.event in RETURNS:
        facts["has_return"] = True
    if row.event is E.DUPLICATA_ISSUED:
        facts["replaced"] = True
    if row.event is E.ATTESTATION_GIVEN:
        flags.add(SheetFlag.ATTESTED)
    if Effect.FLAG_LATE_ANSWER in row.effects:
        flags.add(SheetFlag.LATE_ANSWER)
    if row.to in {S.PAID, S.PARTLY_PAID}:
        facts["paid"] = True
    if row.to is S.REJECTED and row.state is not S.REJECTED:
        received_at = record.last_failure_at if row.event is E.FAULT_FOUND else now
        facts["rejected_on"] = paris_date(received_at or now)
    return replace(record, **facts, flags=frozenset(flags))


SHEETS: Table[S, E, SheetRecord] = Table(
    name="sheet",
    states=S,
    events=E,
    rows=(
        *BEFORE_EMISSION,
        *emission_rows(S, E, ready=S.IN_LOT, positive=S.ACKNOWLEDGED),
        *WITHOUT_EMISSION,
        *DUPLICATA,
        *_answers(),
        *_returns(),
        *END,
    ),
    timers=emission_timers(S, E, waiting=(*UNSEALED, S.SEALED, S.QUEUED, S.IN_LOT)),
    details=DETAILS,
    limits={"emission": lambda record, _policy: record.emission_limit, "acknowledgement": acknowledgement_limit},
    mark=_mark,
)
