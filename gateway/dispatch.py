"""
Dispatch: collect answers, let time do its work, send what is due. It never holds a PIN.

One bad message never stops the others, one dead caisse never stops another: each lot is sent, and moved, by itself.
Several workers may run at once over one journal: a lot is in the hands of one of them while it leaves, and what one
leaves unfinished another finishes, as the same attempt (:mod:`gateway.leases`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from fse.deadlines import paris_date
from fse.lifecycle import LOTS, PAPERS, SHEETS, LotEvent, LotState
from gateway.errors import GatewayError
from gateway.movements import move_lot, move_sheet
from gateway.routing_label import FileLabel
from gateway.transport import Sending, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.acknowledgements import AcknowledgementDesk
    from gateway.backoff import Backoff
    from gateway.clock import Clock
    from gateway.journal import Journal, StoredLot, StoredSheet, Transaction
    from gateway.leases import Leases
    from gateway.lots import LotDesk
    from gateway.profile import ServiceProfile
    from gateway.transport import Transport

__all__ = ["Dispatch"]

_READY = (LotState.SIGNED, LotState.REEMISSION_DUE)
_LEAVING = (LotState.EMISSION_STARTED,)
_ON_THE_WAY = (LotState.EMISSION_STARTED, LotState.SENT)
_RESUMED = "emission_resumed"
_FAILURES = frozenset({LotEvent.EMISSION_FAILED, _RESUMED})
_END_OF_FAILURES = frozenset({LotEvent.EMIT, LotEvent.WAIT_EXPIRED})
_ROUNDS = 3
"""How often a run sends again what an answer made due, before such a lot waits."""

_CUT_OFFS = "cut-offs looked at"
_NO_WAIT = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """
    The sender's engine: :meth:`run` does everything that is due now and returns when it is done.

    ``chance`` gives numbers from 0 to 1, for the waits after a failure.
    """

    journal: Journal
    profile: ServiceProfile
    clock: Clock
    lots: LotDesk
    acknowledgements: AcknowledgementDesk
    transport: Transport
    leases: Leases
    backoff: Backoff
    chance: Callable[[], float]

    def run(self) -> None:
        """
        Collect, apply what time made due, send, and do at once what the answers make due.

        A lot that is due again and again in one run waits then, as after any failure.
        """
        began = self.clock.now()
        self.collect()
        self.apply_time()
        for _ in range(_ROUNDS):
            if not self.send():
                return
            self.collect()
            self.apply_time()
        self._slow_down(began)

    def _slow_down(self, began: datetime) -> None:
        """Have the lots wait that have left since ``began`` and are due again."""
        with self.journal.read() as tx:
            due = tx.lot_records(LotState.REEMISSION_DUE)
            restless = [number for number, lot in due if lot.last_emitted_at and lot.last_emitted_at >= began]
        for number in restless:
            with self.journal.write() as tx:
                self._back_off(tx, number)

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

    # -------------------------------------------------------------------------------------------------------- send

    def send(self) -> int:
        """
        Send each lot that may leave now, once; return how many were tried.

        The durable word that an emission starts comes before its first byte. A lot whose worker has gone while it was
        leaving is finished as the attempt that it was.
        """
        tried: list[int] = []
        while (number := self._take(tried)) is not None:
            tried.append(number)
            try:
                with self.journal.read() as tx:
                    stored = tx.lot(number)
                if stored is not None:
                    self._send_one(stored)
            finally:
                # a process that dies here keeps the lot in its hands until its lease lapses
                with self.journal.claims() as claims:
                    claims.let_go(self.leases.worker, number)
        return len(tried)

    def _take(self, tried: list[int]) -> int | None:
        with self.journal.claims() as claims:
            lapsed = self.leases.lapsed(claims.held())
            now = int(self.clock.now().timestamp())
            worker = self.leases.worker
            return claims.take(worker, now, ready=_READY, interrupted=_LEAVING, lapsed=lapsed, passing=tried)

    def _send_one(self, stored: StoredLot) -> None:
        try:
            envelope = self.lots.envelope(stored)
        except GatewayError as error:
            if error.rule.id != "LOT-CAISSE":
                raise  # the journal, not this lot
            with self.journal.write() as tx:
                tx.record("not_sendable", error.rule.id, lot=stored.number)
                tx.postpone_lot(stored.number, tx.now + self.backoff.longest)
            return
        resumed = stored.record.state in _LEAVING
        attempt = self._resume(stored) if resumed else self._start(stored)
        if attempt is None:
            return
        label = FileLabel(self.profile.biller, stored.organism, stored.file_number, stored.number, stored.mode)
        result, why = self.transport.send(label, envelope, attempt)
        if not self._holds(stored.number):
            return  # this took longer than a lease: whoever has taken the lot over finishes the attempt
        if resumed and result is not Sending.TAKEN:
            # its first try may have left: this attempt goes on, until the wait for the acknowledgement is over
            self._postpone(stored)
        elif result in {Sending.NOT_TAKEN, Sending.REFUSED}:
            self._not_left(stored, result, why)
        else:
            self._move_lot(stored, LotEvent.EMIT, why)

    def _start(self, stored: StoredLot) -> int | None:
        """Write that an emission starts; return its rank, or None when the lot may not leave now."""
        policy = self.profile.policy
        with self.journal.write() as tx:
            found = tx.lot(stored.number) or stored
            if LotEvent.START_EMISSION not in LOTS.possible(found.record, tx.now, policy):
                return None
            if self._waits_for_opening(tx, found):
                return None
            if self.profile.destination(found.organism).one_at_a_time and self._busy(tx, found):
                return None
            step = LOTS.advance(found.record, LotEvent.START_EMISSION, tx.now, policy)
            move_lot(tx, found, step, self.profile)
            tx.postpone_lot(found.number, _NO_WAIT)
            return step.record.attempts

    def _waits_for_opening(self, tx: Transaction, lot: StoredLot) -> bool:
        opening = self.profile.destination(lot.organism).next_opening(tx.now, self.profile.policy.calendar)
        if opening > tx.now:
            tx.postpone_lot(lot.number, opening)
        return opening > tx.now

    def _busy(self, tx: Transaction, lot: StoredLot) -> bool:
        """
        Tell whether another lot for the same caisse awaits its acknowledgement.

        So does one that leaves again because nobody answered; but two of those do not wait for each other.
        """
        others = [
            other
            for other in tx.lots(*_ON_THE_WAY, LotState.REEMISSION_DUE)
            if other.organism == lot.organism and other.number != lot.number
        ]
        if lot.record.state is LotState.REEMISSION_DUE:
            return any(other.record.state in _ON_THE_WAY for other in others)
        return any(other.record.state in _ON_THE_WAY or not tx.acknowledgements(other.number) for other in others)

    def _resume(self, stored: StoredLot) -> int | None:
        """Write that an interrupted emission goes on; return its rank, or None when the lot may not leave now."""
        with self.journal.write() as tx:
            found = tx.lot(stored.number)
            if found is None or found.record.state not in _LEAVING:
                return None
            if paris_date(tx.now) > found.record.emission_limit or self._waits_for_opening(tx, found):
                return None
            tx.record(_RESUMED, lot=stored.number)
            return found.record.attempts

    def _holds(self, lot: int) -> bool:
        with self.journal.claims() as claims:
            return any(claim.lot == lot and claim.worker == self.leases.worker for claim in claims.held())

    def _not_left(self, stored: StoredLot, result: Sending, why: str) -> None:
        """Nothing left: try again later; after a refusal that no repetition can change, wait for a person."""
        policy = self.profile.policy
        with self.journal.write() as tx:
            found = tx.lot(stored.number) or stored
            step = LOTS.advance(found.record, LotEvent.EMISSION_FAILED, tx.now, policy, why)
            move_lot(tx, found, step, self.profile, why)
            if step.record.state not in _READY:
                return  # the answer to an earlier emission has come meanwhile: there is nothing to try again
            if result is Sending.REFUSED:
                tx.hold_lot(stored.number, why)
            else:
                self._back_off(tx, stored.number)

    def _postpone(self, stored: StoredLot) -> None:
        with self.journal.write() as tx:
            self._back_off(tx, stored.number)

    def _back_off(self, tx: Transaction, lot: int) -> None:
        """Have the lot wait, the longer the more tries in a row have failed."""
        latest_first = (entry.name for entry in reversed(tx.events(lot=lot)))
        in_a_row = takewhile(lambda name: name not in _END_OF_FAILURES, latest_first)
        failures = sum(name in _FAILURES for name in in_a_row)
        tx.postpone_lot(lot, tx.now + self.backoff.wait(failures, self.chance()))

    def release(self, lot: int) -> None:
        """
        Have a lot that waits for a person tried again at once.

        Raises :class:`gateway.errors.GatewayError` (LOT-UNKNOWN, LOT-NOT-HELD).
        """
        with self.journal.write() as tx:
            stored = tx.lot(lot)
            if stored is None:
                raise GatewayError("LOT-UNKNOWN", number=lot)
            if not stored.hold:
                raise GatewayError("LOT-NOT-HELD", number=lot)
            tx.hold_lot(lot, "")

    def hurry(self) -> int:
        """
        Forget every wait after a failure, as when an outage is over; return how many lots waited.

        They are tried at once, those whose destination takes no files now when it opens.
        """
        with self.journal.write() as tx:
            waiting = [lot.number for lot in self._waiting(tx)]
            for number in waiting:
                tx.postpone_lot(number, tx.now)
        return len(waiting)

    # -------------------------------------------------------------------------------------------------------- time

    def apply_time(self) -> None:
        """
        Let every event that time alone made due happen, each subject in a transaction of its own.

        Lots first, with what is due of their sheets, for what moves a lot moves these; then the rest; last the cut-offs
        of the day.
        """
        policy = self.profile.policy
        with self.journal.read() as tx:
            now = tx.now
            lots = [number for number, record in tx.lot_records(*LOTS.timed) if LOTS.due_event(record, now, policy)]
        for number in lots:
            with self.journal.write() as tx:
                lot = tx.lot(number)
                for lot_step in () if lot is None else LOTS.settle(lot.record, tx.now, policy):
                    move_lot(tx, lot, lot_step, self.profile)  # type: ignore[arg-type] # there are steps
                # whoever closes lots never finds a sheet of this one queued whose own limit has passed with it
                self._settle_sheets(tx, tx.sheets_of_lot(number))
        with self.journal.read() as tx:
            sheets = [
                number for number, record in tx.sheet_records(*SHEETS.timed) if SHEETS.due_event(record, now, policy)
            ]
            papers = [paper.number for paper in tx.papers(*PAPERS.timed) if PAPERS.due_event(paper.record, now, policy)]
        for number in sheets:
            with self.journal.write() as tx:
                sheet = tx.sheet(number)
                self._settle_sheets(tx, () if sheet is None else (sheet,))
        for number in papers:
            with self.journal.write() as tx:
                paper = tx.paper(number)
                for paper_step in () if paper is None else PAPERS.settle(paper.record, tx.now, policy):
                    tx.update_paper(number, paper_step.record, paper_step.row.event)
        self._apply_cut_offs()

    def _settle_sheets(self, tx: Transaction, sheets: Iterable[StoredSheet]) -> None:
        """Let what time made due happen to these sheets."""
        for sheet in sheets:
            for step in SHEETS.settle(sheet.record, tx.now, self.profile.policy):
                move_sheet(tx, sheet, step, self.profile)

    def _apply_cut_offs(self) -> None:
        """
        Close the lots of each caisse whose cut-off has passed since the last look.

        The look is noted last: whoever is interrupted before closes them the next time.
        """
        cut_offs = [one for one in self.profile.destinations.values() if one.cut_off is not None]
        if not cut_offs:
            return
        with self.journal.read() as tx:
            looked, now = tx.mark(_CUT_OFFS), tx.now
        since = datetime.fromtimestamp(int(looked), UTC) if looked else now
        passed = {one.organism for one in cut_offs if (one.next_cut_off(since) or now) <= now}
        if passed:
            self.lots.close(passed)
        with self.journal.write() as tx:
            tx.set_mark(_CUT_OFFS, str(int(now.timestamp())))

    def next_due(self) -> datetime | None:
        """Return when time alone next makes something happen, so that a simulated clock can jump to it."""
        policy = self.profile.policy
        with self.journal.read() as tx:
            due = [LOTS.next_due(record, policy) for _, record in tx.lot_records(*LOTS.timed)]
            due += [SHEETS.next_due(record, policy) for _, record in tx.sheet_records(*SHEETS.timed)]
            due += [PAPERS.next_due(paper.record, policy) for paper in tx.papers(*PAPERS.timed)]
            due += [lot.not_before for lot in self._waiting(tx)]
            due += [self.profile.destination(name).next_cut_off(tx.now) for name in tx.queued_organisms()]
        return min((at for at in due if at is not None), default=None)

    def _waiting(self, tx: Transaction) -> Iterable[StoredLot]:
        """Return the lots that may be tried again at a later moment."""
        return (lot for lot in tx.lots(*_READY, *_LEAVING) if lot.not_before and lot.not_before > tx.now)

    def _move_lot(self, stored: StoredLot, event: LotEvent, detail: str = "") -> None:
        policy = self.profile.policy
        with self.journal.write() as tx:
            found = tx.lot(stored.number) or stored  # an answer may have come while it was leaving
            move_lot(tx, found, LOTS.advance(found.record, event, tx.now, policy, detail), self.profile, detail)
