"""The gateway as one thing: submit, sign, send, ask where a sheet is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from os import getpid
from random import SystemRandom
from socket import gethostname
from typing import TYPE_CHECKING
from uuid import uuid4

from fse.lifecycle import IN_THE_LOT, LOTS, PAPERS, SHEET_EVENT_OF_PAPER, SHEETS, LotEvent, SheetEvent
from fse.tables import Tables, package_tables
from gateway.acknowledgements import AcknowledgementDesk
from gateway.backoff import Backoff
from gateway.dispatch import Dispatch
from gateway.errors import GatewayError
from gateway.journal import CheckpointDesk
from gateway.leases import LEASE_SECONDS, Leases
from gateway.lots import LotDesk
from gateway.movements import move_lot, move_sheet
from gateway.returns import ReturnDesk
from gateway.sealing import SealingDesk
from gateway.submission import SubmissionDesk
from gateway.table_folder import read_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cryptography.x509 import Certificate

    from fse.encounter import Encounter
    from fse.lifecycle import NextAction, PaperEvent, PaperRecord, SheetRecord
    from fse.trust import TrustStore
    from gateway.clock import Clock
    from gateway.journal import Journal
    from gateway.party import Party
    from gateway.profile import ServiceProfile
    from gateway.readers import CardsAtHand, ProfessionalCard
    from gateway.reply import Reply
    from gateway.rights import RightsService
    from gateway.signing_period import SigningPeriod
    from gateway.transport import Transport

__all__ = ["PERSONS_EVENTS", "Gateway", "Surroundings"]

PERSONS_EVENTS = frozenset(
    {
        SheetEvent.VOID,
        SheetEvent.BLOCKED,
        SheetEvent.ASK_ATTESTATION,
        SheetEvent.ATTESTATION_GIVEN,
        SheetEvent.ATTESTATION_DENIED,
        SheetEvent.RETURN_PAID,
        SheetEvent.RETURN_PARTLY,
        SheetEvent.RETURN_REJECTED,
        SheetEvent.RETURN_DEFERRED,
        SheetEvent.CLOSE,
    }
)
"""What a person may record of a sheet; a return, as long as it comes on paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    Everything that the gateway is handed: nothing of it is global, so that a test or a trainer may replace it.

    ``worker`` names this process among those that share the journal; ``alone`` says that there is no other one, so that
    what is unfinished when it starts was interrupted. ``opposition`` gives the serial numbers of the opposition list as
    it is now: a refreshed one decides the next sheet. ``chance`` spreads the waits of ``backoff``.
    """

    profile: ServiceProfile
    clock: Clock
    transport: Transport
    trust: TrustStore
    biller: Party
    caisses: Mapping[str, Certificate]
    opposed_cards: frozenset[str]
    random_key: Callable[[], str]
    opposition: Callable[[], frozenset[str]] = frozenset
    tables: Tables = field(default_factory=package_tables)
    rights: RightsService | None = None
    backoff: Backoff = field(default_factory=Backoff)
    chance: Callable[[], float] = field(default_factory=lambda: SystemRandom().random)
    worker: str = field(default_factory=lambda: f"{gethostname()}-{getpid()}-{uuid4().hex[:8]}")
    lease_seconds: float = LEASE_SECONDS
    alone: bool = True


class Gateway:
    """
    One biller's gateway over one journal.

    Opening it takes up what an interruption left: a lot that was leaving is finished as the same attempt, a number that
    was reserved and never signed becomes void with its reason (where several processes share the journal: when its
    encounter comes again, or its window closes); a sheet that a patient has signed waits for the professional's card
    (:meth:`resume`).
    """

    def __init__(self, journal: Journal, around: Surroundings) -> None:
        self.journal = journal
        self.profile = around.profile
        self.clock = around.clock
        self._sealing = SealingDesk(journal, around.profile, around.clock, around.trust)
        self._submission = SubmissionDesk(
            sealing=self._sealing,
            tables=around.tables,
            opposed=around.opposed_cards,
            opposition=around.opposition,
            random_key=around.random_key,
            rights=around.rights,
        )
        self.lots = LotDesk(journal, around.profile, around.clock, around.caisses)
        returns = ReturnDesk(journal, around.profile, around.trust)
        acknowledgements = AcknowledgementDesk(journal, around.profile, around.biller, around.trust, returns)
        self.dispatch = Dispatch(
            journal=journal,
            profile=around.profile,
            clock=around.clock,
            lots=self.lots,
            acknowledgements=acknowledgements,
            transport=around.transport,
            leases=Leases(around.worker, around.lease_seconds),
            backoff=around.backoff,
            chance=around.chance,
        )
        self.checkpoints = CheckpointDesk(journal, around.biller, around.profile.checkpoint_every)
        if around.alone:
            self._sealing.void_interrupted()
            with journal.claims() as claims:
                self.dispatch.leases.take_over(claims.held())

    def load_tables(self, folder: Path) -> None:
        """
        Decide by the tables in ``folder`` from now on; sites and working days are the profile's (``load_profile``).

        Raises :class:`fse.table_text.TableError` for a set that does not hold as a whole; the old tables then stay.
        """
        self.use_tables(read_tables(folder))

    def use_tables(self, tables: Tables) -> None:
        """Decide by ``tables`` from now on; sheets that are sealed already stay as they are."""
        self._submission = replace(self._submission, tables=tables)

    def submit(self, encounter: Encounter, cards: CardsAtHand) -> tuple[Reply, ...]:
        """Bring an encounter to its channel; see :meth:`gateway.submission.SubmissionDesk.submit`."""
        return self._submission.submit(encounter, cards)

    def replace(self, number: int, encounter: Encounter, cards: CardsAtHand) -> tuple[Reply, ...]:
        """
        Have the one sheet of ``encounter``, under a reference of its own, take the place of sheet ``number``.

        A degraded sheet that has not left is regularised: it and its paper twin become void. A rejected one is
        corrected: the window of the new one counts from the day the rejection was received. Raises
        :class:`gateway.errors.GatewayError` (SHEET-UNKNOWN, REPLACE-ONE) and what :meth:`submit` raises;
        :class:`fse.lifecycle.ImpossibleTransition` for any other sheet: after emission nothing changes.
        """
        return self._submission.submit(encounter, cards, self.sheet(number))

    def resume(self, professional: ProfessionalCard) -> tuple[int, ...]:
        """Seal what only the professional's signature is missing from; return the numbers."""
        return self._sealing.resume(professional)

    def send_all(self, period: SigningPeriod) -> tuple[int, ...]:
        """Close the lots, sign them within ``period``, send what is due; return the numbers of the lots signed."""
        self.lots.close()
        try:
            return self.lots.sign(period)
        finally:  # what was signed before a card failed leaves all the same
            self.run()

    def run(self) -> None:
        """Do everything that is due now: answers, limits, sendings, and the checkpoint of the journal."""
        self.dispatch.run()
        self.checkpoints.when_due()

    def resend(self) -> int:
        """
        Emit, or emit again, all that is unsettled and may leave, as after an outage; return how many lots waited.

        No wait after a failure stands in the way; the limits of the law and the hours of a caisse do.
        """
        self.dispatch.apply_time()
        waiting = self.dispatch.hurry()
        self.run()
        return waiting

    def requeue(self, lot: int, *, faulty: tuple[int, ...] = ()) -> None:
        """
        Give the sheets of a refused lot back to the queue, for a new lot; those in ``faulty`` are rejected instead.

        A sheet at fault is corrected by a new sheet, the others travel again unchanged. Raises
        :class:`gateway.errors.GatewayError` (LOT-UNKNOWN) and :class:`fse.lifecycle.ImpossibleTransition` when the lot
        was not refused.
        """
        policy = self.profile.policy
        with self.journal.write() as tx:
            stored = tx.lot(lot)
            if stored is None:
                raise GatewayError("LOT-UNKNOWN", number=lot)
            step = LOTS.advance(stored.record, LotEvent.REQUEUE, tx.now, policy)
            for sheet in tx.sheets_of_lot(lot):
                if sheet.number in faulty:
                    rejected = SHEETS.advance(
                        sheet.record, SheetEvent.FAULT_FOUND, tx.now, policy, stored.record.number
                    )
                    move_sheet(tx, sheet, rejected, self.profile, stored.record.number)
            move_lot(tx, stored, step, self.profile)

    def move_sheet(self, number: int, event: SheetEvent, reason: str = "") -> SheetRecord:
        """
        Record what a person decides or learns of a sheet: one of :data:`PERSONS_EVENTS`.

        ``reason`` stands in the sheet's record, never in an event. Raises :class:`gateway.errors.GatewayError`:
        SHEET-UNKNOWN, SHEET-EVENT for an event that is nobody's decision, SHEET-IN-LOT when a lot would carry away what
        is to be blocked; the errors of :mod:`fse.lifecycle`.
        """
        if event not in PERSONS_EVENTS:
            raise GatewayError("SHEET-EVENT", event=event.value, known=", ".join(sorted(PERSONS_EVENTS)))
        with self.journal.write() as tx:
            stored = tx.sheet(number)
            if stored is None:
                raise GatewayError("SHEET-UNKNOWN", number=number)
            if event is SheetEvent.BLOCKED and stored.record.state in IN_THE_LOT:
                raise GatewayError("SHEET-IN-LOT", number=number, lot=stored.record.lot)
            step = SHEETS.advance(stored.record, event, tx.now, self.profile.policy, reason)
            move_sheet(tx, stored, step, self.profile)
        return step.record

    def block_lot(self, number: int, reason: str) -> None:
        """
        Give up a lot that cannot be transmitted for a reason beyond the sender's control (protocol art. 6).

        A duplicata of each of its sheets is due. Raises :class:`gateway.errors.GatewayError` (LOT-UNKNOWN) and the
        errors of :mod:`fse.lifecycle`.
        """
        with self.journal.write() as tx:
            stored = tx.lot(number)
            if stored is None:
                raise GatewayError("LOT-UNKNOWN", number=number)
            step = LOTS.advance(stored.record, LotEvent.BLOCKED, tx.now, self.profile.policy, reason)
            move_lot(tx, stored, step, self.profile, reason=reason)

    def move_paper(self, number: int, event: PaperEvent, detail: str = "") -> PaperRecord:
        """
        Record that a person printed, posted, received or voided a paper (``detail``: the reason of a void).

        A duplicata that is posted replaces its sheet. Raises :class:`gateway.errors.GatewayError` (PAPER-UNKNOWN) and
        :class:`fse.lifecycle.ImpossibleTransition`.
        """
        policy = self.profile.policy
        with self.journal.write() as tx:
            stored = tx.paper(number)
            if stored is None:
                raise GatewayError("PAPER-UNKNOWN", number=number)
            step = PAPERS.advance(stored.record, event, tx.now, policy, detail)
            tx.update_paper(number, step.record, event)
            of_sheet = SHEET_EVENT_OF_PAPER.get((stored.record.kind, event))
            sheet = None if stored.sheet is None or of_sheet is None else tx.sheet(stored.sheet)
            if sheet is not None and of_sheet is not None:
                moved = SHEETS.advance(sheet.record, of_sheet, tx.now, policy, stored.record.number)
                move_sheet(tx, sheet, moved, self.profile, stored.record.number)
        return step.record

    def sheet(self, number: int) -> SheetRecord:
        """Return where a sheet stands; raises :class:`gateway.errors.GatewayError` (SHEET-UNKNOWN)."""
        with self.journal.read() as tx:
            stored = tx.sheet(number)
        if stored is None:
            raise GatewayError("SHEET-UNKNOWN", number=number)
        return stored.record

    def next_action(self, number: int) -> NextAction:
        """Return what the law expects next of a sheet, and by when."""
        return SHEETS.next_action(self.sheet(number), self.clock.now(), self.profile.policy)
