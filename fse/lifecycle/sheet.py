"""The sheet as the life cycle sees it: its states, what happens to it, and the dates and facts that it keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date  # noqa: TC003 - records are read back by their annotations
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.lifecycle.errors import LifecycleError
from fse.lifecycle.transmission import Transmitted

if TYPE_CHECKING:
    from fse.lifecycle.policy import Policy

__all__ = ["SheetEvent", "SheetFlag", "SheetMode", "SheetRecord", "SheetState"]


class SheetMode(StrEnum):
    """Which cards sign the sheet: both (secured), or the professional's alone (degraded)."""

    SECURED = "secured"
    DEGRADED = "degraded"


class SheetState(StrEnum):
    """Where a sheet stands; one line of meaning each in ``schemas/lifecycle.toml``."""

    RESERVED = "reserved"
    PATIENT_SIGNED = "patient_signed"
    SEALED = "sealed"
    QUEUED = "queued"
    IN_LOT = "in_lot"
    EMISSION_STARTED = "emission_started"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    ALTERED = "altered"
    REFUSED = "refused"
    OVERDUE = "overdue"
    REEMISSION_DUE = "reemission_due"
    DUPLICATA_DUE = "duplicata_due"
    DUPLICATA_SENT = "duplicata_sent"
    ATTESTATION_ASKED = "attestation_asked"
    PAID = "paid"
    PARTLY_PAID = "partly_paid"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    CORRECTED = "corrected"
    CLOSED = "closed"
    VOID = "void"


class SheetEvent(StrEnum):
    """What may happen to a sheet after its birth, the reservation of its number."""

    PATIENT_SIGN = "patient_sign"
    SEAL = "seal"
    QUEUE = "queue"
    PUT_IN_LOT = "put_in_lot"
    REQUEUE = "requeue"
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
    FAULT_FOUND = "fault_found"
    DUPLICATA_ISSUED = "duplicata_issued"
    ASK_ATTESTATION = "ask_attestation"
    ATTESTATION_GIVEN = "attestation_given"
    ATTESTATION_DENIED = "attestation_denied"
    RETURN_PAID = "return_paid"
    RETURN_PARTLY = "return_partly"
    RETURN_REJECTED = "return_rejected"
    RETURN_DEFERRED = "return_deferred"
    CORRECT = "correct"
    REGULARISE = "regularise"
    VOID = "void"
    CLOSE = "close"


class SheetFlag(StrEnum):
    """What a sheet keeps in mind beside its state."""

    LATE_ANSWER = "late_answer"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRecord(Transmitted):
    """
    One sheet and what the law makes depend on it.

    ``lot`` is the lot it last travelled in; ``corrects`` the rejected sheet that it replaces, ``successor`` the sheet
    that replaces it. ``has_return``: a payment return spoke of it. ``replaced``: a duplicata of it was issued.
    ``paid``: a return paid it, in whole or in part. ``rejected_on``: day of receipt of the rejection.
    """

    mode: SheetMode
    state: SheetState = SheetState.RESERVED
    lot: str = ""
    corrects: str = ""
    successor: str = ""
    rejected_on: date | None = None
    has_return: bool = False
    replaced: bool = False
    paid: bool = False
    flags: frozenset[SheetFlag] = frozenset()

    @classmethod
    def reserve(cls, number: str, mode: SheetMode, established_on: date, policy: Policy) -> SheetRecord:
        """
        Return a new sheet under the reserved ``number``.

        ``established_on``: day of the last act presented (CSS R161-42 10°), from which its first window counts.
        """
        deadline = policy.first_emission_limit(established_on)
        return cls(number=number, mode=mode, established_on=established_on, deadline=deadline)

    @classmethod
    def correcting(cls, rejected: SheetRecord, number: str, mode: SheetMode, policy: Policy) -> SheetRecord:
        """
        Return the new sheet that corrects ``rejected``: its window counts from the day the rejection was received.

        Our reading of CSS R161-42 10°: the headings of the new sheet are complete on that day.

        :raises LifecycleError: ``LIFE-NOT-REJECTED`` when no rejection was received.
        """
        if rejected.rejected_on is None:
            raise LifecycleError("LIFE-NOT-REJECTED", number=rejected.number, state=rejected.state.value)
        new = cls.reserve(number, mode, rejected.rejected_on, policy)
        return replace(new, corrects=rejected.number)
