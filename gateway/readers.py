"""The cards at hand during a consultation: what sits in the two slots of the reader, seen through its commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.cards import CpsReader, VitaleReader
from fse.cms import Signer

if TYPE_CHECKING:
    from fse.cards import CpsHolder, Transmit, VitaleData

__all__ = ["CardsAtHand", "ProfessionalCard", "VitaleCard"]


@dataclass(frozen=True, slots=True)
class ProfessionalCard:
    """A CPS that was read; it signs once its holder has given the PIN to the card."""

    reader: CpsReader
    holder: CpsHolder

    @classmethod
    def insert(cls, transmit: Transmit) -> ProfessionalCard:
        """Return the CPS behind ``transmit``; raises :class:`fse.cards.CardError`."""
        reader = CpsReader(transmit)
        return cls(reader, reader.read())

    def unlock(self, pin: str) -> None:
        """
        Give the PIN to the card.

        It is kept nowhere. Raises :class:`fse.cards.CardError` when the card refuses it.
        """
        self.reader.verify_pin(pin)

    @property
    def signer(self) -> Signer:
        """The card as a signer."""
        return Signer(self.holder.certificate, self.holder.issuer_certificate, self.reader.sign)


@dataclass(frozen=True, slots=True)
class VitaleCard:
    """A Vitale that was read."""

    reader: VitaleReader
    data: VitaleData

    @classmethod
    def insert(cls, transmit: Transmit) -> VitaleCard:
        """Return the Vitale behind ``transmit``; raises :class:`fse.cards.CardError`."""
        reader = VitaleReader(transmit)
        return cls(reader, reader.read())

    @property
    def signer(self) -> Signer:
        """The card as a signer."""
        return Signer(self.data.certificate, self.data.issuer_certificate, self.reader.sign)


@dataclass(frozen=True, slots=True)
class CardsAtHand:
    """What is in the reader: each may be missing."""

    professional: ProfessionalCard | None = None
    vitale: Transmit | None = None
