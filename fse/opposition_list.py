"""
The opposition list: serial numbers of Vitale cards, of every régime, that sign no secured sheet any more.

It comes whole, or as a daily increment that names the list before it by number and digest (CSS R161-33-7; protocol art.
7). It only grows: an opposed card is replaced, never restored. A card on it makes a degraded sheet or holds it, as the
service has chosen; the patient never pays for it (A27).

    OppositionFile ::= SEQUENCE { format UTF8String, payload OCTET STRING, seal OCTET STRING }

The payload is JSON in one writing, the seal a detached CAdES-BES signature of the issuer. The layout is ours: the real
one is not public.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from fse import der
from fse.cms import Seal, make_seal
from fse.errors import FseError
from fse.holders import BillingParty
from fse.seals import WrongPurpose, check_seal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fse.cms import Signer
    from fse.trust import TrustStore

__all__ = [
    "ISSUER",
    "OpposedCard",
    "Opposition",
    "OppositionError",
    "OppositionList",
    "follow",
    "in_order",
    "read_list",
    "write_list",
]

ISSUER = "000000000"
"""The code of whoever issues the list for every régime: no régime is 00, so it is nobody's caisse."""

_FORMAT = b"FSE-SIM opposition 1"
_PURPOSE = "opposition"
_SEQUENCE, _UTF8, _OCTETS = 0x30, 0x0C, 0x04
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_CARD = re.compile(r"([0-9]{2}):([0-9]{12})")
_ONE_DAY = timedelta(days=1)


class OppositionError(FseError):
    """A list that is none, that its issuer has not signed, or that does not follow the one that is held."""


class OpposedCard(NamedTuple):
    """One card: its serial number (12 digits) and its régime (2 digits); in this order the list is sorted."""

    serial: str
    regime: str

    @classmethod
    def parse(cls, text: str) -> OpposedCard:
        """Return the card written as ``01:990000000013``; raises :class:`OppositionError` (OPPOSITION-CARD)."""
        found = _CARD.fullmatch(text)
        if found is None:
            raise OppositionError("OPPOSITION-CARD", value=text[:20])
        return cls(found[2], found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class OppositionList:
    """
    One list as it was published: whole, or what came on top of ``previous`` (number, SHA-256 of its payload).

    ``cards`` stand in ascending order of their serial numbers (MK07 7.3.4 d), each once.
    """

    number: int
    published: datetime
    cards: tuple[OpposedCard, ...]
    previous: tuple[int, str] | None = None

    def payload(self) -> bytes:
        """Return the bytes that the issuer signs."""
        content = {
            "number": self.number,
            "published": self.published.astimezone(UTC).strftime(_INSTANT),
            "previous": self.previous,
            "cards": self.cards,
        }
        return json.dumps(content, separators=(",", ":")).encode("ascii")

    @property
    def digest(self) -> str:
        """The SHA-256 of the payload, by which the next increment names this list."""
        return sha256(self.payload()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposition:
    """What is held: the cards of a whole list and of the increments on top of it; number, date, digest of the last."""

    number: int
    published: datetime
    digest: str
    cards: frozenset[OpposedCard]

    def warning(self, now: datetime) -> OppositionError | None:
        """Return what is to be told of its age at ``now`` (OPPOSITION-OLD beyond one day), None when nothing is."""
        age = now - self.published
        return OppositionError("OPPOSITION-OLD", number=self.number, days=age.days) if age > _ONE_DAY else None


def in_order(cards: Iterable[OpposedCard]) -> tuple[OpposedCard, ...]:
    """
    Return ``cards`` as a list holds them.

    Raises :class:`OppositionError` (OPPOSITION-CARD) for a serial number that stands there twice.
    """
    found = tuple(sorted(cards))
    for one, next_one in pairwise(found):
        if one.serial == next_one.serial:
            raise OppositionError("OPPOSITION-CARD", value=one.serial)
    return found


def write_list(one: OppositionList, issuer: Signer) -> bytes:
    """Return the list as a file sealed by its issuer, at the second of its publication."""
    payload = one.payload()
    seal = make_seal(payload, issuer, one.published, _PURPOSE).encode()
    return _encode(payload, seal)


def read_list(data: bytes, trust: TrustStore, now: datetime | None = None) -> OppositionList:
    """
    Return the list in ``data`` when its issuer has signed it; ``now``: it is offered at this moment, not kept already.

    Raises :class:`OppositionError` (OPPOSITION-FORM, OPPOSITION-ISSUER; OPPOSITION-DATE for one that is dated after
    ``now``), :class:`fse.cms.CmsError`, :class:`fse.trust.TrustError`, :class:`fse.holders.HolderError`, and the errors
    of :mod:`fse.seals`.
    """
    payload, encoded = _decode(data)
    seal = Seal.decode(encoded)
    check_seal(seal, payload, trust, "facturation")
    if seal.purpose != _PURPOSE:
        raise WrongPurpose(purpose=seal.purpose)
    signer = BillingParty.of(seal.x509)
    if signer != BillingParty("caisse", ISSUER):
        raise OppositionError("OPPOSITION-ISSUER", signer=f"{signer.role} {signer.code}")
    found = _parse(payload)
    if seal.signing_time != found.published:
        raise OppositionError("OPPOSITION-DATE", published=found.published, limit=seal.signing_time)
    if now is not None:
        if found.published > now:
            raise OppositionError("OPPOSITION-DATE", published=found.published, limit=now)
        trust.check(seal.x509, seal.issuer, "facturation", now)  # an issuer revoked since could write any date
    return found


def follow(held: Opposition | None, one: OppositionList) -> Opposition:
    """
    Return what is held once ``one`` is applied on top of ``held`` (None: nothing yet).

    Raises :class:`OppositionError`: OPPOSITION-BACK for one that is not newer, OPPOSITION-DATE for one that is dated
    before, OPPOSITION-GAP for an increment of another list, OPPOSITION-LIFTED for a whole list that leaves a card out.
    """
    if held is None:
        if one.previous is not None:
            raise OppositionError("OPPOSITION-GAP", offered=one.number, held=0)
        return _held(one, frozenset())
    if one.number <= held.number:
        raise OppositionError("OPPOSITION-BACK", offered=one.number, held=held.number)
    if one.published < held.published:
        raise OppositionError("OPPOSITION-DATE", published=one.published, limit=held.published)
    if one.previous is None:
        lifted = {card.serial for card in held.cards} - {card.serial for card in one.cards}
        if lifted:
            raise OppositionError("OPPOSITION-LIFTED", offered=one.number, count=len(lifted))
        return _held(one, frozenset())
    if one.previous != (held.number, held.digest):
        raise OppositionError("OPPOSITION-GAP", offered=one.number, held=held.number)
    return _held(one, held.cards)


def _held(one: OppositionList, before: frozenset[OpposedCard]) -> Opposition:
    known = {card.serial for card in before}
    added = frozenset(card for card in one.cards if card.serial not in known)
    return Opposition(number=one.number, published=one.published, digest=one.digest, cards=before | added)


def _encode(payload: bytes, seal: bytes) -> bytes:
    return der.sequence(der.tlv(_UTF8, _FORMAT), der.octets(payload), der.octets(seal))


def _decode(data: bytes) -> tuple[bytes, bytes]:
    try:
        body, _ = der.read(data, _SEQUENCE)
        _, body = der.read(body, _UTF8)
        payload, body = der.read(body, _OCTETS)
        seal, _ = der.read(body, _OCTETS)
        if _encode(payload, seal) == data:
            return payload, seal
    except der.DerError:
        pass
    raise OppositionError("OPPOSITION-FORM")


def _parse(payload: bytes) -> OppositionList:
    """Return the list written in ``payload``: what is not written again to the same bytes is none."""
    try:
        content: Any = json.loads(payload)
        found = OppositionList(
            number=int(content["number"]),
            published=datetime.strptime(content["published"], _INSTANT).replace(tzinfo=UTC),
            cards=tuple(OpposedCard.parse(f"{regime}:{serial}") for serial, regime in content["cards"]),
            previous=_previous(content["previous"]),
        )
        follows = found.previous is None or found.number == found.previous[0] + 1
        if found.number > 0 and follows and in_order(found.cards) == found.cards and found.payload() == payload:
            return found
    except (ValueError, TypeError, KeyError, OppositionError):
        pass
    raise OppositionError("OPPOSITION-FORM")


def _previous(written: Any) -> tuple[int, str] | None:  # noqa: ANN401 - JSON of anybody
    if written is None:
        return None
    number, digest = written
    return int(number), str(digest)
