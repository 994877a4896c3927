"""
Lots: closed in the transaction that gives their numbers, signed by a card, enveloped once.

One lot: one caisse, one mode, one biller, one cahier des charges. A lot waits to be signed until a person opens a
signing period.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from fse.deadlines import paris_date
from fse.lifecycle import LOTS, SHEETS, LotEvent, LotRecord, LotState, SheetEvent, SheetState
from fse.lot import Lot, digest, sign_lot
from fse.sealed_file import FileError, FileFormat, SealedFile
from gateway.envelopes import make_envelope
from gateway.errors import GatewayError
from gateway.journal import StoredLot
from gateway.movements import move_sheet

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from cryptography.x509 import Certificate

    from gateway.clock import Clock
    from gateway.journal import Journal, StoredSheet, Transaction
    from gateway.profile import ServiceProfile
    from gateway.signing_period import SigningPeriod

__all__ = ["LotDesk"]


@dataclass(frozen=True, slots=True)
class LotDesk:
    """
    Where queued sheets become signed lots in envelopes.

    ``caisses`` are the encryption certificates by 9-digit code.
    """

    journal: Journal
    profile: ServiceProfile
    clock: Clock
    caisses: Mapping[str, Certificate]

    def close(self, organisms: Collection[str] | None = None) -> tuple[int, ...]:
        """
        Put every queued sheet (of these caisses, when named) into a lot; return the new lots' numbers.

        A sheet whose bytes are not a sealed sheet any more is set aside, for a paper duplicata: it stops no lot.
        """
        with self.journal.write() as tx:
            queued = [
                sheet for sheet in tx.sheets(SheetState.QUEUED) if organisms is None or sheet.organism in organisms
            ]
            sound = sorted(
                (sheet for sheet in queued if self._is_sound(tx, sheet)),
                key=lambda sheet: (_kind(sheet), sheet.number),
            )
            closed = []
            for kind, members in groupby(sound, key=_kind):
                sheets, most = list(members), self.profile.destination(kind[0]).max_sheets
                closed += [self._close_one(tx, sheets[at : at + most]) for at in range(0, len(sheets), most)]
            return tuple(closed)

    def _is_sound(self, tx: Transaction, sheet: StoredSheet) -> bool:
        try:
            SealedFile.decode(sheet.sealed or b"", FileFormat.SHEET)
        except FileError as error:
            step = SHEETS.advance(sheet.record, SheetEvent.BLOCKED, tx.now, self.profile.policy, error.rule.id)
            move_sheet(tx, sheet, step, self.profile, error.rule.id)
            return False
        return True

    def _close_one(self, tx: Transaction, sheets: Sequence[StoredSheet]) -> int:
        policy, first = self.profile.policy, sheets[0]
        number, file_number = tx.take_number("lot"), tx.take_number("file")
        record = LotRecord.of(f"{number:06d}", [sheet.record for sheet in sheets])
        tx.open_lot(StoredLot(number, file_number, first.organism, first.mode, first.specification, record))
        for sheet in sheets:
            step = SHEETS.advance(sheet.record, SheetEvent.PUT_IN_LOT, tx.now, policy, record.number)
            tx.update_sheet(sheet.number, step.record, SheetEvent.PUT_IN_LOT, record.number)
        return number

    def sign(self, period: SigningPeriod) -> tuple[int, ...]:
        """Sign the lots that wait for it, as far as ``period`` allows; return their numbers."""
        with self.journal.read() as tx:
            waiting = tx.lots(LotState.TO_SIGN)
        signed = []
        for stored in waiting:
            if not period.is_open:
                break
            if self._sign_one(stored, period):
                signed.append(stored.number)
        return tuple(signed)

    def _sign_one(self, stored: StoredLot, period: SigningPeriod) -> bool:
        now = self.clock.now()
        with self.journal.read() as tx:
            sheets = [(sheet.number, sheet.sealed or b"") for sheet in tx.sheets_of_lot(stored.number)]
        lot = Lot(
            number=stored.number,
            file_number=stored.file_number,
            day=paris_date(now),
            biller=self.profile.biller,
            organism=stored.organism,
            mode=stored.mode,
            specification=stored.specification,
            sheets=tuple((number, digest(data)) for number, data in sheets),
        )
        data = sign_lot(lot, [data for _, data in sheets], period.use(), now)
        with self.journal.write() as tx:
            current = tx.lot(stored.number)
            if current is None or current.record.state is not LotState.TO_SIGN:
                return False  # its window closed while the card was signing: the signature is of no use
            step = LOTS.advance(current.record, LotEvent.SIGN, now, self.profile.policy)
            tx.update_lot(stored.number, step.record, LotEvent.SIGN, signed=data)
        return True

    def envelope(self, stored: StoredLot) -> bytes:
        """
        Return the envelope of a signed lot: the stored one, else a new one, stored before it is used.

        A new one is made when there is none yet, when the caisse's certificate has changed, or when it was dropped
        because the caisse could not open it although it had arrived unaltered.
        """
        certificate = self.caisses.get(stored.organism)
        if certificate is None:
            raise GatewayError("LOT-CAISSE", organism=stored.organism)
        made_for = sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
        if stored.envelope is not None and stored.sealed_for == made_for:
            return stored.envelope
        envelope = make_envelope(stored.signed or b"", certificate)
        with self.journal.write() as tx:
            record = (tx.lot(stored.number) or stored).record
            tx.update_lot(stored.number, record, "envelope_made", made_for[:16], envelope=envelope, sealed_for=made_for)
        return envelope


def _kind(sheet: StoredSheet) -> tuple[str, str, str]:
    return sheet.organism, sheet.mode, sheet.specification
