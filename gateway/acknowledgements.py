"""What comes back: opened, verified, matched to its lot, recorded; or put in quarantine with the broken rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.arl import Arl, ArlError, ArlResult, verify_arl
from fse.errors import FseError
from fse.lifecycle import LOTS, LotEvent
from fse.lot import digest
from fse.sealed_file import FileError, FileFormat, SealedFile
from gateway.envelopes import open_envelope
from gateway.movements import move_lot

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
        if arl.result is ArlResult.ALTERED and arl.digest == digest(stored.envelope or b""):
            # it arrived as it left, and still could not be opened: this envelope is of no use
            tx.update_lot(stored.number, step.record, "envelope_dropped", envelope=None, sealed_for=None)

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
