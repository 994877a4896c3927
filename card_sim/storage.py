"""
A card on disk: one JSON file, readable by its owner only, replaced as a whole.

What survives power-off is saved: the key, the certificates, the PIN, the tries left. A loaded card is not verified.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from card_sim.cps import CpsCard
from card_sim.durable_files import replace_file
from card_sim.errors import ProfileInvalid, StoredCardInvalid
from card_sim.keys import belongs_to, key_from_pem, key_to_pem
from card_sim.pin import MAXIMUM_TRIES
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
_COMMON_FIELDS: Final = {"format", "kind", "profile", "private_key", "certificate", "issuer_certificate"}
_FIELDS: Final = {"cps": _COMMON_FIELDS | {"tries_left"}, "vitale": _COMMON_FIELDS}


def save(card: CpsCard | VitaleCard, path: Path) -> None:
    """Write ``card`` to ``path`` (its folder exists): mode 0600, written beside, flushed, renamed."""
    state: dict[str, Any] = {
        "format": _FORMAT,
        "kind": "cps" if isinstance(card, CpsCard) else "vitale",
        "profile": card.profile.to_dict(),
        "private_key": key_to_pem(card.private_key).decode("ascii"),
        "certificate": card.certificate.public_bytes(Encoding.PEM).decode("ascii"),
        "issuer_certificate": card.issuer_certificate.public_bytes(Encoding.PEM).decode("ascii"),
    }
    if isinstance(card, CpsCard):
        state["tries_left"] = card.pin.tries_left
    replace_file(path, json.dumps(state, ensure_ascii=False, indent=1).encode() + b"\n")


def load(path: Path, randomness: Randomness | None = None) -> CpsCard | VitaleCard:
    """
    Return the card that :func:`save` wrote: its PIN is not verified, its tries are those that were left.

    ``randomness`` gives the card's challenges; the system's when None.

    :raises StoredCardInvalid: with the file and the place in it that is wrong.
    """
    state = _fields(path)
    certificate = _certificate(state, path, "certificate")
    issuer = _certificate(state, path, "issuer_certificate")
    key = _key(state, path, certificate)
    challenges = (randomness or SystemRandomness()).stream(f"challenges:stored:{certificate.serial_number}")
    try:
        if isinstance(key, RSAPrivateKey) and state["kind"] == "cps":
            profile = CpsProfile.from_dict(state["profile"])
            tries_left = _tries_left(state, path)
            return CpsCard(profile, key, certificate, issuer, challenges=challenges, tries_left=tries_left)
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
    for name in sorted(state.keys() ^ expected):
        raise StoredCardInvalid(path, name, reason="unknown" if name in state else "missing")
    return state


def _certificate(state: dict[str, Any], path: Path, name: str) -> Certificate:
    try:
        return load_pem_x509_certificate(str(state[name]).encode())
    except ValueError as error:
        raise StoredCardInvalid(path, name, reason="not a certificate in PEM") from error


def _key(state: dict[str, Any], path: Path, certificate: Certificate) -> CardKey:
    try:
        key = key_from_pem(str(state["private_key"]).encode())
    except ValueError as error:
        raise StoredCardInvalid(path, "private_key", reason=str(error)) from error
    if not belongs_to(key, certificate):
        raise StoredCardInvalid(path, "private_key", reason="not the key of the certificate")
    return key


def _tries_left(state: dict[str, Any], path: Path) -> int:
    tries = state["tries_left"]
    if type(tries) is not int or not 0 <= tries <= MAXIMUM_TRIES:
        raise StoredCardInvalid(path, "tries_left", reason=f"a number from 0 to {MAXIMUM_TRIES} is expected")
    return tries
