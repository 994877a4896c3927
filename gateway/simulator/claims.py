"""What asks the caisse for money: a sheet that came by wire, or the duplicata on paper that replaces one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from fse.deadlines import paris_date
from fse.identifiers import NirKind
from fse.noemie import SheetKind

if TYPE_CHECKING:
    from datetime import date

    from fse.holders import VitaleHolders
    from fse.sheet import Sheet
    from gateway.simulator.caisse import ReceivedSheet

__all__ = ["Claim", "ClaimKey"]

ClaimKey = tuple[str, int, bool]
"""Biller, FSE number, and whether it is the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    One sheet before the judgement of the caisse.

    ``sheet`` is None when it is not to be believed, for the rule ``rejection``; ``card`` is the Vitale that signed, on
    the day ``signed_on``.
    """

    kind: SheetKind
    biller: str
    number: int
    lot: int
    lot_day: date
    received_on: date
    sheet: Sheet | None
    rejection: str = ""
    card: VitaleHolders | None = None
    signed_on: date | None = None

    @classmethod
    def of(cls, biller: str, number: int, found: ReceivedSheet) -> Self:
        """Return the claim that a received sheet makes."""
        verified = found.verified
        return cls(
            kind=SheetKind.SECURED if found.lot.mode == "securise" else SheetKind.DEGRADED,
            biller=biller,
            number=number,
            lot=found.lot.number,
            lot_day=found.lot.day,
            received_on=paris_date(found.received_at),
            sheet=found.sheet,
            rejection=found.rejection,
            card=None if verified is None else verified.patient,
            signed_on=None if verified is None else paris_date(verified.signed_at),
        )

    @property
    def key(self) -> ClaimKey:
        """What names it; the electronic original and its duplicata differ by the last part alone."""
        return self.biller, self.number, self.kind is SheetKind.DUPLICATA

    @property
    def counterpart(self) -> ClaimKey:
        """The key of the other one of the two: the duplicata of an original, the original of a duplicata."""
        return self.biller, self.number, self.kind is not SheetKind.DUPLICATA

    @property
    def named(self) -> bool:
        """Whether a person of the caisse's file is named: a number reserved for secret care names nobody."""
        return self.sheet is not None and self.sheet.insured.kind is NirKind.ORDINARY

    @property
    def born(self) -> date | None:
        """
        The birth date of the beneficiary.

        Written in the sheet, else on the card that signed; None when neither says it (a degraded sheet that names the
        person by NIR alone: a NIR says neither day nor century).
        """
        sheet, card = self.sheet, self.card
        if sheet is None:
            return None
        who = sheet.beneficiary
        if who is not None and who.birth_date is not None:
            return who.birth_date
        nir = sheet.insured if who is None or who.nir is None else who.nir
        holders = () if card is None else card.holders
        return next((one.birth_date for one in holders if one.nir == nir.number), None)
