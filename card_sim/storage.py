"""
A card on disk: one JSON file, readable by its owner only, replaced as a whole.

What survives power-off is saved: keys, certificates, PIN, PUK, tries and unblocks left, and where the card stands for
its issuer. A loaded card is not verified.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from card_sim.cps import AuthenticationKey, Counters, CpsCard
from card_sim.durable_files import replace_file
from card_sim.errors import ProfileInvalid, StoredCardInvalid
from card_sim.keys import belongs_to, key_from_pem, key_to_pem
from card_sim.life import CardLife, CardState
from card_sim.pin import MAXIMUM_TRIES, MAXIMUM_UNBLOCKS
from card_sim.profiles import CpsProfile, VitaleProfile
from card_sim.randomness import SystemRandomness
from card_sim.vitale import VitaleCard

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate

    from card_sim.keys import CardKey
    from card_sim.randomness import Randomness

__all__ = ["load", "save"]

_FORMAT: Final = 1
_FILE_LIMIT: Final = 1 << 18
_COMMON_FIELDS: Final = {"format", "kind", "life", "profile", "private_key", "certificate", "issuer_certificate"}
_COUNTERS: Final = {"tries_left": MAXIMUM_TRIES, "unblocks_left": MAXIMUM_UNBLOCKS}
_AUTHENTICATION: Final = {"authentication_key", "authentication_certificate"}
_FIELDS: Final = {"cps": _COMMON_FIELDS | _COUNTERS.keys() | _AUTHENTICATION, "vitale": _COMMON_FIELDS}


def save(card: CpsCard | VitaleCard, path: Path) -> None:
    """Write ``card`` to ``path`` (its folder exists): mode 0600, written beside, flushed, renamed."""
    state: dict[str, Any] = {
        "format": _FORMAT,
        "kind": "cps" if isinstance(card, CpsCard) else "vitale",
        "life": card.life.to_dict(),
        "profile": card.profile.to_dict(),
        "private_key": key_to_pem(card.private_key).decode("ascii"),
        "certificate": card.certificate.public_bytes(Encoding.PEM).decode("ascii"),
        "issuer_certificate": card.issuer_certificate.public_bytes(Encoding.PEM).decode("ascii"),
    }
    if isinstance(card, CpsCard):
        state |= {name: getattr(card.pin, name) for name in _COUNTERS}
        second = card.authentication
        state["authentication_key"] = second and key_to_pem(second.private_key).decode("ascii")
        state["authentication_certificate"] = second and second.certificate.public_bytes(Encoding.PEM).decode("ascii")
    replace_file(path, json.dumps(state, ensure_ascii=False, indent=1).encode() + b"\n")


def load(path: Path, randomness: Randomness | None = None) -> CpsCard | VitaleCard:
    """
    Return the card that :func:`save` wrote: its PIN is not verified, its tries are those that were left.

    ``randomness`` gives the card's challenges; the system's when None.

    :raises StoredCardInvalid: with the file and the place in it that is wrong.
    """
    state = _fields(path)
    life = _life(state, path)
    card = _card(state, path, randomness)
    card.life = life
    return card


def _card(state: dict[str, Any], path: Path, randomness: Randomness | None) -> CpsCard | VitaleCard:
    certificate = _certificate(state, path, "certificate")
    issuer = _certificate(state, path, "issuer_certificate")
    key = _key(state, path, "private_key", certificate)
    challenges = (randomness or SystemRandomness()).stream(f"challenges:stored:{certificate.serial_number}")
    try:
        if isinstance(key, RSAPrivateKey) and state["kind"] == "cps":
            profile = CpsProfile.from_dict(state["profile"])
            return CpsCard(
                profile,
                key,
                certificate,
                issuer,
                challenges=challenges,
                authentication=_authentication(state, path),
                counters=Counters(**{name: _counter(state, path, name) for name in _COUNTERS}),
            )
        if isinstance(key, EllipticCurvePrivateKey) and state["kind"] == "vitale":
            family = VitaleProfile.from_dict(state["profile"])
            return VitaleCard(family, key, certificate, issuer, challenges=challenges)
    except ProfileInvalid as error:
        raise StoredCardInvalid(path, error.place, reason=error.reason) from error
    raise StoredCardInvalid(path, "private_key", reason=f"not a key for a card of kind {state['kind']}")


def _fields(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_LIMIT + 1)
        if len(content) > _FILE_LIMIT:
            raise StoredCardInvalid(path, reason=f"longer than {_FILE_LIMIT} bytes")
        state = json.loads(content)
    except OSError as error:
        raise StoredCardInvalid(path, reason=error.strerror or "cannot be read") from error
    except json.JSONDecodeError as error:
        raise StoredCardInvalid(path, f"line {error.lineno}", reason="not JSON") from None
    except (ValueError, RecursionError):
        raise StoredCardInvalid(path, reason="not JSON") from None
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise StoredCardInvalid(path, "format", reason=f"a table of format {_FORMAT} is expected")
    expected = _FIELDS.get(str(state.get("kind")))
    if expected is None:
        raise StoredCardInvalid(path, "kind", reason="cps or vitale is expected")
    state.setdefault("life", {"state": CardState.IN_USE})  # cards saved before it was kept
    for name in sorted(state.keys() ^ expected):
        raise StoredCardInvalid(path, name, reason="unknown" if name in state else "missing")
    return state


def _life(state: dict[str, Any], path: Path) -> CardLife:
    try:
        return CardLife.from_dict(state["life"])
    except ValueError as error:
        raise StoredCardInvalid(path, "life", reason=str(error)) from None


def _certificate(state: dict[str, Any], path: Path, name: str) -> Certificate:
    try:
        return load_pem_x509_certificate(str(state[name]).encode())
    except ValueError as error:
        raise StoredCardInvalid(path, name, reason="not a certificate in PEM") from error


def _key(state: dict[str, Any], path: Path, name: str, certificate: Certificate) -> CardKey:
    try:
        key = key_from_pem(str(state[name]).encode())
    except ValueError as error:
        raise StoredCardInvalid(path, name, reason=str(error)) from error
    if not belongs_to(key, certificate):
        raise StoredCardInvalid(path, name, reason="not the key of the certificate")
    return key


def _authentication(state: dict[str, Any], path: Path) -> AuthenticationKey | None:
    if all(state[name] is None for name in _AUTHENTICATION):
        return None
    certificate = _certificate(state, path, "authentication_certificate")
    key = _key(state, path, "authentication_key", certificate)
    if not isinstance(key, RSAPrivateKey):
        raise StoredCardInvalid(path, "authentication_key", reason="not an RSA key")
    return AuthenticationKey(key, certificate)


def _counter(state: dict[str, Any], path: Path, name: str) -> int:
    count, most = state[name], _COUNTERS[name]
    if type(count) is not int or not 0 <= count <= most:
        raise StoredCardInvalid(path, name, reason=f"a number from 0 to {most} is expected")
    return count
