"""The gateway as one thing: submit, sign, send, ask where a sheet is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fse.lifecycle import LOTS, PAPERS, SHEET_EVENT_OF_PAPER, SHEETS, LotEvent, SheetEvent
from fse.tables import Tables, package_tables
from gateway.acknowledgements import AcknowledgementDesk
from gateway.dispatch import Dispatch
from gateway.errors import GatewayError
from gateway.lots import LotDesk
from gateway.movements import move_lot, move_sheet
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

__all__ = ["Gateway", "Surroundings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything that the gateway is handed: nothing of it is global, so that a test or a trainer may replace it."""

    profile: ServiceProfile
    clock: Clock
    transport: Transport
    trust: TrustStore
    biller: Party
    caisses: Mapping[str, Certificate]
    opposed_cards: frozenset[str]
    random_key: Callable[[], str]
    tables: Tables = field(default_factory=package_tables)
    rights: RightsService | None = None


class Gateway:
    """
    One biller's gateway over one journal.

    Opening it takes up what an interruption left: a number that was reserved and never signed becomes void with its
    reason; a sheet that a patient has signed waits for the professional's card (:meth:`resume`).
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
            random_key=around.random_key,
            rights=around.rights,
        )
        self.lots = LotDesk(journal, around.profile, around.clock, around.caisses)
        acknowledgements = AcknowledgementDesk(journal, around.profile, around.biller, around.trust)
        self.dispatch = Dispatch(journal, around.profile, around.clock, self.lots, acknowledgements, around.transport)
        self._sealing.void_interrupted()

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

    def resume(self, professional: ProfessionalCard) -> tuple[int, ...]:
        """Seal what only the professional's signature is missing from; return the numbers."""
        return self._sealing.resume(professional)

    def send_all(self, period: SigningPeriod) -> tuple[int, ...]:
        """Close the lots, sign them within ``period``, send what is due; return the numbers of the lots signed."""
        self.lots.close()
        try:
            return self.lots.sign(period)
        finally:  # what was signed before a card failed leaves all the same
            self.dispatch.run()

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
            tx.update_paper(number, step.record, event, detail)
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
