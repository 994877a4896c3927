"""
A simulated caisse: opens what it receives, verifies it, and answers with a signed acknowledgement.

It believes nothing before the lot's signature: whatever fails until then gives one and the same answer, and leaves no
trace. A lot that was answered, positively or not, gets the stored answer when it comes again under the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from fse.arl import Arl, ArlResult, sign_arl
from fse.errors import FseError
from fse.holders import HolderError
from fse.lot import LotAltered, SignedLot, check_signer, digest, open_lot
from fse.seals import NotEntitled, verify_sheet
from fse.trust import TrustError
from gateway.envelopes import EnvelopeError, make_envelope, open_envelope
from gateway.party import signer_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cryptography.x509 import Certificate

    from fse.lot import Lot
    from fse.seals import VerifiedSheet
    from fse.sheet import Sheet
    from fse.trust import TrustStore
    from gateway.clock import Clock
    from gateway.party import Party
    from gateway.routing_label import FileLabel

__all__ = ["Caisse", "ReceivedSheet"]


_UNKNOWN_SIGNER = "TRUST-UNKNOWN"
"""Whoever is not of this infrastructure has signed nothing here: his lot must not use up anybody's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSheet:
    """
    A sheet that the caisse holds: the digest of its bytes, the lot that brought it first, and when.

    ``verified`` is its content and who signed it when its own seals hold, else ``rejection`` is the broken rule.
    """

    digest: str
    lot: Lot
    received_at: datetime
    verified: VerifiedSheet | None = None
    rejection: str = ""

    @property
    def sheet(self) -> Sheet | None:
        """The content, None when it is not to be believed."""
        return None if self.verified is None else self.verified.sheet


@dataclass
class Caisse:
    """One caisse: 9-digit code, keys, whom it trusts, to whom it answers, and what it has received."""

    organism: str
    party: Party
    trust: TrustStore
    billers: Mapping[str, Certificate]
    clock: Clock
    sheets: dict[tuple[str, int], ReceivedSheet] = field(default_factory=dict)
    _answers: dict[tuple[str, int], tuple[str, bytes]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def receive(self, label: FileLabel, envelope: bytes) -> bytes:
        """Return the acknowledgement of the file, enveloped for its biller."""
        with self._lock:
            return make_envelope(self._answer(label, envelope), self.billers[label.biller])

    def received(self) -> tuple[tuple[str, int, ReceivedSheet], ...]:
        """Return every sheet that is held as (biller, number, sheet), in the order of their first arrival."""
        with self._lock:
            return tuple((biller, number, found) for (biller, number), found in self.sheets.items())

    def _answer(self, label: FileLabel, envelope: bytes) -> bytes:
        altered = self._sign(label, ArlResult.ALTERED, digest(envelope), code=LotAltered.default_rule)
        try:
            data = open_envelope(envelope, self.party)
            signed = open_lot(data)
        except (EnvelopeError, LotAltered):
            return altered
        lot = signed.lot
        stated = (lot.biller, lot.number, lot.file_number, lot.mode)
        if stated != (label.biller, label.lot_number, label.file_number, label.mode):
            return altered
        refusal = self._refusal_of_signer(signed)
        if refusal == _UNKNOWN_SIGNER:
            return altered
        key, found = (lot.biller, lot.number), digest(data)
        known, answer = self._answers.get(key, ("", b""))
        if known == found:
            return answer
        answer = (
            self._sign(label, ArlResult.REFUSED, found, code="ARL-NUMBER-USED")
            if known
            else self._judge(label, signed, found, refusal)
        )
        if not known:
            self._answers[key] = (found, answer)
        return answer

    def _refusal_of_signer(self, signed: SignedLot) -> str:
        """Return the rule that the signer of the lot breaks, empty when he may sign it."""
        try:
            check_signer(signed, self.trust)
        except (TrustError, NotEntitled, HolderError) as error:
            return error.rule.id
        return ""

    def _judge(self, label: FileLabel, signed: SignedLot, found: str, refusal: str) -> bytes:
        lot = signed.lot
        if refusal:
            return self._sign(label, ArlResult.REFUSED, found, code=refusal)
        if lot.organism != self.organism:
            return self._sign(label, ArlResult.REFUSED, found, code="ARL-CAISSE")
        for number, sheet_digest in lot.sheets:
            known = self.sheets.get((lot.biller, number))
            if known is not None and known.digest != sheet_digest:
                return self._sign(label, ArlResult.REFUSED, found, code="ARL-NUMBER-USED", sheet=number)
        for number, data in signed.sheets.items():
            # one that another lot has brought already keeps the day of its first arrival
            if (lot.biller, number) not in self.sheets:
                self.sheets[lot.biller, number] = self._received(lot, number, data)
        return self._sign(label, ArlResult.POSITIVE, found, sheets=len(lot.sheets))

    def _received(self, lot: Lot, number: int, data: bytes) -> ReceivedSheet:
        """
        Judge the seals of one sheet.

        Its fault is not the lot's: it will be rejected in the return, not in the acknowledgement.
        """
        now, verified, rejection = self.clock.now(), None, ""
        try:
            verified = verify_sheet(data, self.trust, now)
        except FseError as error:
            rejection = error.rule.id
        else:
            sheet = verified.sheet
            stated = (sheet.number, sheet.organism, sheet.mode.kind, sheet.professional.biller, sheet.specification)
            if stated != (number, lot.organism, lot.mode, lot.biller, lot.specification):
                verified, rejection = None, "LOT-MIXED"
        return ReceivedSheet(digest=digest(data), lot=lot, received_at=now, verified=verified, rejection=rejection)

    def _sign(
        self,
        label: FileLabel,
        result: ArlResult,
        found: str,
        *,
        code: str = "",
        sheet: int | None = None,
        sheets: int = 0,
    ) -> bytes:
        now = self.clock.now()
        arl = Arl(
            organism=self.organism,
            biller=label.biller,
            file_number=label.file_number,
            lot_number=label.lot_number,
            received_at=now,
            result=result,
            digest=found,
            code=code,
            sheet=sheet,
            sheets=sheets,
        )
        return sign_arl(arl, signer_of(self.party), now)
