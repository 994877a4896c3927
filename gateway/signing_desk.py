"""
The cards of this machine during the periods that their holders have opened.

A period lives in the memory of the process, a server or a command, and is over with it: nobody signs unattended. The
PIN goes to the card and is kept nowhere. There is one reader: one encounter, one signing of lots at a time.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING

from fse.encounter import IdentifiedPatient
from gateway.card_file import card_in_reader
from gateway.errors import GatewayError
from gateway.readers import CardsAtHand, ProfessionalCard
from gateway.signing_period import SigningPeriod

if TYPE_CHECKING:
    from fse.encounter import Encounter
    from gateway.reply import Reply
    from gateway.station import Station

__all__ = ["OpenPeriod", "SigningDesk"]


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period as its holder opened it: the card stays in the reader until it is over."""

    rpps: str
    until: datetime
    card: ProfessionalCard
    period: SigningPeriod
    stack: ExitStack


class SigningDesk:
    """The open periods of one process, by RPPS."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._open: dict[str, OpenPeriod] = {}
        self._reader = RLock()

    def open(self, rpps: str, pin: str, *, minutes: int, signatures: int) -> OpenPeriod:
        """
        Put the card of ``rpps`` into the reader, give it the PIN, and keep it there for the period.

        Raises :class:`gateway.errors.GatewayError`: API-CARD, API-PERIOD-OPEN, CARD-IN-USE, CARD-WITHDRAWN,
        SIGNING-ENTITLEMENT; and :class:`fse.cards.CardError` when the card refuses the PIN.
        """
        station = self._station
        path = station.home.cps(rpps)
        with self._reader:
            self.sweep()
            if rpps in self._open:
                raise GatewayError("API-PERIOD-OPEN", rpps=rpps)
            if not path.is_file():
                raise GatewayError("API-CARD", rpps=rpps)
            with ExitStack() as stack:
                card = ProfessionalCard.insert(stack.enter_context(card_in_reader(path)).transmit)
                card.unlock(pin)
                until = station.clock.now() + timedelta(minutes=minutes)
                period = SigningPeriod(card, station.clock, until=until, signatures=signatures)
                opened = OpenPeriod(rpps, until, card, period, stack.pop_all())
            self._open[rpps] = opened
        return opened

    def has(self, rpps: str) -> bool:
        """Tell whether the card of ``rpps`` is in the reader, its period open."""
        with self._reader:
            self.sweep()
            return rpps in self._open

    def end(self, rpps: str) -> None:
        """Give the card of ``rpps`` back; raises :class:`gateway.errors.GatewayError` (API-PERIOD) when none is in."""
        with self._reader:
            opened = self._open.pop(rpps, None)
            if opened is None:
                raise GatewayError("API-PERIOD", rpps=rpps)
            opened.stack.close()

    def close(self) -> None:
        """Give every card back."""
        with self._reader:
            for rpps in list(self._open):
                self.end(rpps)

    def sweep(self) -> None:
        """Give the cards back whose period is over."""
        with self._reader:
            for rpps in [rpps for rpps, opened in self._open.items() if not opened.period.is_open]:
                self.end(rpps)

    def submit(self, encounter: Encounter) -> tuple[Reply, ...]:
        """Bring in ``encounter`` with the cards at hand: the CPS of an open period, the Vitale if it is here."""
        with self._reader, ExitStack() as stack:
            self.sweep()
            opened = self._open.get(encounter.professional.rpps)
            vitale = None
            if isinstance(encounter.patient, IdentifiedPatient):
                path = self._station.home.vitale(encounter.patient.insured.nir)
                vitale = stack.enter_context(card_in_reader(path)).transmit if path.is_file() else None
            cards = CardsAtHand(None if opened is None else opened.card, vitale)
            return self._station.gateway.submit(encounter, cards)

    def send_all(self, rpps: str) -> tuple[int, ...]:
        """Close the lots, have the card of ``rpps`` sign them, send; raises GatewayError (API-PERIOD) without one."""
        with self._reader:
            self.sweep()
            opened = self._open.get(rpps)
            if opened is None:
                raise GatewayError("API-PERIOD", rpps=rpps)
            return self._station.gateway.send_all(opened.period)
