"""
The issuer's counter: makes cards from descriptions and lives their life on disk, with the local test infrastructure.

A CPS in opposition has its certificates revoked, from a day on (model «CarteProfessionnel»: the opposition implies the
revocation); a Vitale goes on the local opposition list by its serial number. What was signed before stays good.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NoReturn

from card_sim.cps import CpsCard
from card_sim.description import read_description, read_table
from card_sim.durable_files import replace_file
from card_sim.errors import CardLifeError
from card_sim.life import CardEvent, CardState
from card_sim.pki import TestPki
from card_sim.profiles import CpsProfile, VitaleProfile
from card_sim.randomness import SystemRandomness
from card_sim.storage import save
from fse.deadlines import PARIS
from fse.holders import ApcvRights
from gateway.card_file import held_card
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from card_sim.life import CardLife
    from card_sim.vitale import VitaleCard
    from gateway.home import Home

__all__ = ["CardOffice"]

_PKI = "pki"
_LOCK = "counter.lock"


@dataclass(frozen=True, slots=True)
class CardOffice:
    """The counter of the infrastructure in ``home``, which is there. A day begins in Paris."""

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
        if replaces is None:
            return self._issue(profile, output)
        with held_card(replaces) as old:
            if isinstance(old, CpsCard) is not isinstance(profile, CpsProfile):
                _wrong_kind(replaces, old)
            successor = profile.card_serial if isinstance(profile, CpsProfile) else profile.serial
            old.life = _after(replaces, old, CardEvent.REPLACE, on, successor)
            card = self._issue(profile, output)
            self._strike(old, on)
            save(old, replaces)
        return card

    def oppose(self, path: Path, on: date) -> None:
        """Put the card in ``path`` in opposition from ``on``; CARD-LIFE when it is no longer in use."""
        self._end(path, CardEvent.OPPOSE, on)

    def withdraw(self, path: Path, on: date) -> None:
        """Take the card in ``path`` back on ``on``: no reader takes it any more."""
        self._end(path, CardEvent.WITHDRAW, on)

    def expire(self, path: Path, on: date) -> CpsCard:
        """Move the end of a CPS to the day before ``on``, with a new certificate that says so."""
        with held_card(path) as card:
            if not isinstance(card, CpsCard):
                _wrong_kind(path, card)
            card.life = _after(path, card, CardEvent.EXPIRE, on)
            last = on - timedelta(days=1)
            first = min(card.profile.valid_from, last)
            with self._pki() as pki:
                expired = pki.renew_cps(card, replace(card.profile, valid_from=first, valid_to=last))
            save(expired, path)
        return expired

    def update(self, path: Path, on: date, changes: Path | None = None) -> VitaleCard:
        """
        Bring a Vitale up to date on ``on``, as the machine of a pharmacy does.

        ``changes`` is a TOML file with the fields of the profile that are new (rights, cover, exemption…).
        """
        with held_card(path) as held:
            card = _vitale(path, held)
            card.life = _after(path, card, CardEvent.UPDATE, on)
            new = {} if changes is None else read_table(changes)
            place = str(path if changes is None else changes)
            profile = VitaleProfile.from_dict(card.profile.to_dict() | new | {"updated_on": on.isoformat()}, place)
            with self._pki() as pki:
                updated = pki.renew_vitale(card, profile)
            save(updated, path)
        return updated

    def telephone(self, path: Path, output: Path, *, first: datetime, minutes: int) -> VitaleCard:
        """
        Make the apCV-sim of the Vitale in ``path``, in ``output``: the card on a telephone, good for ``minutes``.

        Raises as :meth:`new` does, and CARD-LIFE for a card that is no longer in use.
        """
        if output.exists():
            raise GatewayError("CARD-TAKEN", file=output)
        with held_card(path) as held:
            card = _vitale(path, held)
            if card.life.state is not CardState.IN_USE:
                raise GatewayError("CARD-LIFE", file=path, state=card.life.state.value, event="telephone")
            with self._pki() as pki:
                token = pki.issue_apcv(card.profile, first, first + timedelta(minutes=minutes))
        output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        save(token, output)
        return token

    def _issue(self, profile: CpsProfile | VitaleProfile, output: Path) -> CpsCard | VitaleCard:
        """Make a card and save it."""
        with self._pki() as pki:
            card = pki.issue_cps(profile) if isinstance(profile, CpsProfile) else pki.issue_vitale(profile)
        output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        save(card, output)
        return card

    def _end(self, path: Path, event: CardEvent, on: date) -> None:
        """Take a card out of use."""
        with held_card(path) as card:
            card.life = _after(path, card, event, on)
            self._strike(card, on)
            save(card, path)

    def _strike(self, card: CpsCard | VitaleCard, on: date) -> None:
        """Make the card worth nothing from ``on``; before its file says so: after a crash it can be done again."""
        with self._pki() as pki:
            if isinstance(card, CpsCard):
                at = datetime.combine(on, time.min, PARIS)
                pki.revoke(card.certificate, at)
                if card.authentication is not None:
                    pki.revoke(card.authentication.certificate, at)
                return
            listed = sorted(self.home.opposed_cards() | {card.profile.serial})
            replace_file(self.home.opposed, "".join(f"{serial}\n" for serial in listed).encode("ascii"))

    @contextmanager
    def _pki(self) -> Iterator[TestPki]:
        """Yield the infrastructure, for this process alone, and keep what became of it: counters, revocation lists."""
        folder = self.home.folder / _PKI
        with (self.home.folder / _LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            pki = TestPki.load(folder, SystemRandomness())
            yield pki
            pki.save(folder)
            pki.export_trust(self.home.trust)


def _after(path: Path, card: CpsCard | VitaleCard, event: CardEvent, on: date, successor: str = "") -> CardLife:
    """Return the life of the card after ``event``; GatewayError (CARD-LIFE) when it cannot happen any more."""
    try:
        return card.life.after(event, on, successor)
    except CardLifeError:
        raise GatewayError("CARD-LIFE", file=path, state=card.life.state.value, event=event.value) from None


def _vitale(path: Path, card: CpsCard | VitaleCard) -> VitaleCard:
    """Return ``card``, a Vitale of plastic; GatewayError (CARD-KIND) for a CPS or an apCV-sim."""
    if isinstance(card, CpsCard):
        _wrong_kind(path, card)
    if ApcvRights.of(card.certificate) is not None:
        raise GatewayError("CARD-KIND", file=path, kind="apCV-sim", expected="Vitale")
    return card


def _wrong_kind(path: Path, card: CpsCard | VitaleCard) -> NoReturn:
    kind, expected = ("CPS", "Vitale") if isinstance(card, CpsCard) else ("Vitale", "CPS")
    raise GatewayError("CARD-KIND", file=path, kind=kind, expected=expected)
