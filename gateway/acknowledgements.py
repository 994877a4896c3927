"""What comes back: opened, verified, matched to its lot, recorded; or put in quarantine with the broken rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.arl import Arl, ArlError, ArlResult, verify_arl
from fse.errors import FseError
from fse.lifecycle import LOTS, SHEETS, LotEvent, SheetEvent
from fse.lot import digest, open_lot
from fse.sealed_file import FileError, FileFormat, SealedFile
from gateway.envelopes import open_envelope
from gateway.movements import move_lot, move_sheet

if TYPE_CHECKING:
    from fse.noemie import Return
    from fse.trust import TrustStore
    from gateway.journal import Journal, StoredLot, Transaction
    from gateway.party import Party
    from gateway.profile import ServiceProfile
    from gateway.returns import ReturnDesk

__all__ = ["AcknowledgementDesk"]

_EVENTS = {
    ArlResult.POSITIVE: LotEvent.ACKNOWLEDGE_POSITIVE,
    ArlResult.ALTERED: LotEvent.ACKNOWLEDGE_ALTERED,
    ArlResult.REFUSED: LotEvent.ACKNOWLEDGE_REFUSED,
}


@dataclass(frozen=True, slots=True)
class AcknowledgementDesk:
    """
    Where messages come in. ``party`` opens what was enveloped for the biller, ``trust`` says whom to believe.

    Payment returns go on to ``returns``.
    """

    journal: Journal
    profile: ServiceProfile
    party: Party
    trust: TrustStore
    returns: ReturnDesk

    def receive(self, message: bytes) -> Arl | Return | None:
        """Record one message; return the acknowledgement or the return, or None when it went to quarantine."""
        try:
            file = open_envelope(message, self.party)
            if _is_return(file):
                return self.returns.receive(file)
            arl = verify_arl(file, self.trust)
            with self.journal.write() as tx:
                self._record(tx, arl, file)
        except FseError as error:
            with self.journal.write() as tx:
                tx.put_in_quarantine(error.rule.id, message)
            return None
        return arl

    def _record(self, tx: Transaction, arl: Arl, file: bytes) -> None:
        stored = self._matching(tx, arl)
        if any(file == kept for _, kept in tx.acknowledgements(stored.number)):
            return  # delivered again: one answer counts once
        step = LOTS.advance(stored.record, _EVENTS[arl.result], tx.now, self.profile.policy)
        tx.keep_acknowledgement(stored.number, arl.result, file)
        move_lot(tx, stored, step, self.profile, arl.code)
        if arl.result is ArlResult.POSITIVE:
            self._tell_those_that_left(tx, stored)
        if arl.result is ArlResult.ALTERED and arl.digest == digest(stored.envelope or b""):
            # it arrived as it left, and still could not be opened: this envelope is of no use
            tx.update_lot(stored.number, step.record, "envelope_dropped", envelope=None, sealed_for=None)

    def _tell_those_that_left(self, tx: Transaction, stored: StoredLot) -> None:
        """Carry a positive answer to the sheets of the lot that have gone on to another one: the caisse has them."""
        for number in open_lot(stored.signed or b"").sheets:
            sheet = tx.sheet(number)
            if sheet is None or sheet.record.lot == stored.record.number:
                continue
            policy = self.profile.policy
            if SheetEvent.ACKNOWLEDGE_POSITIVE in SHEETS.possible(sheet.record, tx.now, policy):
                step = SHEETS.advance(sheet.record, SheetEvent.ACKNOWLEDGE_POSITIVE, tx.now, policy)
                move_sheet(tx, sheet, step, self.profile, stored.record.number)

    def _matching(self, tx: Transaction, arl: Arl) -> StoredLot:
        """
        Return the lot that ``arl`` answers.

        Raises :class:`fse.arl.ArlError` (ARL-MATCH) when it answers none of ours.
        """
        stored = tx.lot(arl.lot_number)
        if stored is None or (arl.biller, arl.organism, arl.file_number) != (
            self.profile.biller,
            stored.organism,
            stored.file_number,
        ):
            raise ArlError("ARL-MATCH", lot=f"{arl.lot_number:06d}")
        if arl.result is not ArlResult.ALTERED and arl.digest != digest(stored.signed or b""):
            raise ArlError("ARL-MATCH", lot=f"{arl.lot_number:06d}")
        return stored


def _is_return(file: bytes) -> bool:
    try:
        SealedFile.decode(file, FileFormat.RETURN)
    except FileError:
        return False
    return True
