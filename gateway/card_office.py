"""
The issuer's counter: makes cards from descriptions and lives their life on disk, with the local test infrastructure.

A CPS in opposition has its certificates revoked, from a day on (model «CarteProfessionnel»: the opposition implies the
revocation); a Vitale goes on the local opposition list by its serial number. What was signed before stays good.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NoReturn

from card_sim.cps import CpsCard
from card_sim.description import read_description, read_table
from card_sim.durable_files import replace_file
from card_sim.errors import CardLifeError
from card_sim.life import CardEvent
from card_sim.pki import TestPki
from card_sim.profiles import CpsProfile, VitaleProfile
from card_sim.randomness import SystemRandomness
from card_sim.storage import load, save
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from pathlib import Path

    from card_sim.life import CardLife
    from card_sim.vitale import VitaleCard
    from gateway.home import Home

__all__ = ["CardOffice"]

_PKI = "pki"


@dataclass(frozen=True, slots=True)
class CardOffice:
    """The counter of the infrastructure in ``home``, which is there. Days are those of UTC."""

    home: Home

    def new(self, description: Path, output: Path, *, replaces: Path | None = None, on: date) -> CpsCard | VitaleCard:
        """
        Make the card that ``description`` (TOML) tells, in ``output``; it takes the place of ``replaces`` on ``on``.

        Raises :class:`card_sim.errors.CardSimError` for a wrong description, :class:`gateway.errors.GatewayError`
        CARD-TAKEN when there is something in ``output`` already, CARD-KIND when the old card is of the other kind.
        """
        profile = read_description(description)
        if output.exists():
            raise GatewayError("CARD-TAKEN", file=output)
        old = None if replaces is None else load(replaces)
        if old is not None and replaces is not None and isinstance(old, CpsCard) is not isinstance(profile, CpsProfile):
            _wrong_kind(replaces, old)
        pki = self._pki()
        card = pki.issue_cps(profile) if isinstance(profile, CpsProfile) else pki.issue_vitale(profile)
        if old is not None and replaces is not None:
            successor = profile.card_serial if isinstance(profile, CpsProfile) else profile.serial
            old.life = _after(replaces, old, CardEvent.REPLACE, on, successor)
        output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        save(card, output)
        if old is not None and replaces is not None:
            self._strike(pki, old, on)
            save(old, replaces)
        self._keep(pki)
        return card

    def oppose(self, path: Path, on: date) -> None:
        """Put the card in ``path`` in opposition from ``on``; CARD-LIFE when it is no longer in use."""
        card = load(path)
        card.life = _after(path, card, CardEvent.OPPOSE, on)
        pki = self._pki()
        self._strike(pki, card, on)
        self._keep(pki)
        save(card, path)

    def withdraw(self, path: Path, on: date) -> None:
        """Take the card in ``path`` back on ``on``: no reader takes it any more."""
        card = load(path)
        card.life = _after(path, card, CardEvent.WITHDRAW, on)
        pki = self._pki()
        self._strike(pki, card, on)
        self._keep(pki)
        save(card, path)

    def expire(self, path: Path, on: date) -> CpsCard:
        """Move the end of a CPS to the day before ``on``, with a new certificate that says so."""
        card = load(path)
        if not isinstance(card, CpsCard):
            _wrong_kind(path, card)
        card.life = _after(path, card, CardEvent.EXPIRE, on)
        last = on - timedelta(days=1)
        pki = self._pki()
        first = min(card.profile.valid_from, last)
        expired = pki.renew_cps(card, replace(card.profile, valid_from=first, valid_to=last))
        self._keep(pki)
        save(expired, path)
        return expired

    def update(self, path: Path, on: date, changes: Path | None = None) -> VitaleCard:
        """
        Bring a Vitale up to date on ``on``, as the machine of a pharmacy does.

        ``changes`` is a TOML file with the fields of the profile that are new (rights, cover, exemption…).
        """
        card = load(path)
        if isinstance(card, CpsCard):
            _wrong_kind(path, card)
        card.life = _after(path, card, CardEvent.UPDATE, on)
        new = {} if changes is None else read_table(changes)
        place = str(path if changes is None else changes)
        profile = VitaleProfile.from_dict(card.profile.to_dict() | new | {"updated_on": on.isoformat()}, place)
        pki = self._pki()
        updated = pki.renew_vitale(card, profile)
        self._keep(pki)
        save(updated, path)
        return updated

    def _strike(self, pki: TestPki, card: CpsCard | VitaleCard, on: date) -> None:
        """Make the card worth nothing from ``on``."""
        if isinstance(card, CpsCard):
            at = datetime.combine(on, time.min, UTC)
            pki.revoke(card.certificate, at)
            if card.authentication is not None:
                pki.revoke(card.authentication.certificate, at)
            return
        listed = sorted(self.home.opposed_cards() | {card.profile.serial})
        replace_file(self.home.opposed, "".join(f"{serial}\n" for serial in listed).encode("ascii"))

    def _pki(self) -> TestPki:
        return TestPki.load(self.home.folder / _PKI, SystemRandomness())

    def _keep(self, pki: TestPki) -> None:
        pki.save(self.home.folder / _PKI)
        pki.export_trust(self.home.trust)


def _after(path: Path, card: CpsCard | VitaleCard, event: CardEvent, on: date, successor: str = "") -> CardLife:
    """Return the life of the card after ``event``; GatewayError (CARD-LIFE) when it cannot happen any more."""
    try:
        return card.life.after(event, on, successor)
    except CardLifeError:
        raise GatewayError("CARD-LIFE", file=path, state=card.life.state.value, event=event.value) from None


def _wrong_kind(path: Path, card: CpsCard | VitaleCard) -> NoReturn:
    kind, expected = ("CPS", "Vitale") if isinstance(card, CpsCard) else ("Vitale", "CPS")
    raise GatewayError("CARD-KIND", file=path, kind=kind, expected=expected)
