"""
Dispatch: collect answers, let time do its work, send what is due. It never holds a PIN.

One bad message never stops the others, one dead caisse never stops another: each lot is sent, and moved, by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.lifecycle import LOTS, PAPERS, SHEETS, LotEvent, LotState
from gateway.errors import GatewayError
from gateway.movements import move_lot, move_sheet
from gateway.routing_label import FileLabel
from gateway.transport import Sending, TransportError

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.acknowledgements import AcknowledgementDesk
    from gateway.clock import Clock
    from gateway.journal import Journal, StoredLot
    from gateway.lots import LotDesk
    from gateway.profile import ServiceProfile
    from gateway.transport import Transport

__all__ = ["Dispatch"]

_TO_SEND = (LotState.SIGNED, LotState.REEMISSION_DUE)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The sender's engine: :meth:`run` does everything that is due now and returns when it is done."""

    journal: Journal
    profile: ServiceProfile
    clock: Clock
    lots: LotDesk
    acknowledgements: AcknowledgementDesk
    transport: Transport

    def run(self) -> None:
        """Collect, apply what time made due, send, and collect again what came back at once."""
        self.collect()
        self.apply_time()
        self.send()
        self.collect()
        self.apply_time()

    def collect(self) -> int:
        """
        Record every message of the biller's mailbox.

        Return how many. A message is removed only once it is recorded.
        """
        biller, count = self.profile.biller, 0
        try:
            waiting = self.transport.messages(biller)
        except TransportError:
            return 0
        for message in waiting:
            try:
                self.acknowledgements.receive(self.transport.fetch(biller, message))
                self.transport.remove(biller, message)
            except TransportError:
                continue  # it stays in the mailbox and is collected next time
            count += 1
        return count

    def send(self) -> None:
        """Send each lot that may leave now: the durable word that its emission starts comes before its first byte."""
        with self.journal.read() as tx:
            waiting = tx.lots(*_TO_SEND)
        for stored in waiting:
            if LotEvent.START_EMISSION in LOTS.possible(stored.record, self.clock.now(), self.profile.policy):
                self._send_one(stored)

    def _send_one(self, stored: StoredLot) -> None:
        try:
            envelope = self.lots.envelope(stored)
        except GatewayError as error:
            with self.journal.write() as tx:
                tx.record("not_sendable", error.rule.id, lot=stored.number)
            return
        self._move_lot(stored, LotEvent.START_EMISSION)
        label = FileLabel(self.profile.biller, stored.organism, stored.file_number, stored.number, stored.mode)
        result, why = self.transport.send(label, envelope)
        self._move_lot(stored, LotEvent.EMISSION_FAILED if result is Sending.NOT_TAKEN else LotEvent.EMIT, why)

    def apply_time(self) -> None:
        """
        Let every event that time alone made due happen.

        Lots first, for what moves a lot moves its sheets, then the rest.
        """
        policy = self.profile.policy
        with self.journal.write() as tx:
            for lot in tx.lots(*LOTS.timed):
                for lot_step in LOTS.settle(lot.record, tx.now, policy):
                    move_lot(tx, lot, lot_step, self.profile)
            for sheet in tx.sheets(*SHEETS.timed):
                for sheet_step in SHEETS.settle(sheet.record, tx.now, policy):
                    move_sheet(tx, sheet, sheet_step, self.profile)
            for paper in tx.papers():
                for paper_step in PAPERS.settle(paper.record, tx.now, policy):
                    tx.update_paper(paper.number, paper_step.record, paper_step.row.event)

    def next_due(self) -> datetime | None:
        """Return when time alone next makes something happen, so that a simulated clock can jump to it."""
        policy = self.profile.policy
        with self.journal.read() as tx:
            due = [LOTS.next_due(lot.record, policy) for lot in tx.lots(*LOTS.timed)]
            due += [SHEETS.next_due(sheet.record, policy) for sheet in tx.sheets(*SHEETS.timed)]
            due += [PAPERS.next_due(paper.record, policy) for paper in tx.papers()]
        return min((at for at in due if at is not None), default=None)

    def _move_lot(self, stored: StoredLot, event: LotEvent, detail: str = "") -> None:
        policy = self.profile.policy
        with self.journal.write() as tx:
            found = tx.lot(stored.number) or stored  # an answer may have come while it was leaving
            move_lot(tx, found, LOTS.advance(found.record, event, tx.now, policy, detail), self.profile, detail)
