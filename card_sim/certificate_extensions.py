"""The extensions that say who a certificate is for (layouts and identifiers: ``schemas/pki.toml``), in DER."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.x509 import ObjectIdentifier, UnrecognizedExtension

import schemas
from card_sim.tlv import encode, encode_all

if TYPE_CHECKING:
    from datetime import date

    from card_sim.profiles import CpsProfile, VitaleProfile

__all__ = ["apcv_rights", "billing_party", "cps_entitlement", "vitale_holders"]

_BOOLEAN: Final = 0x01
_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_PRINTABLE: Final = 0x13
_SEQUENCE: Final = 0x30
_CONTEXT_0: Final = 0x80
_NIR_WITHOUT_KEY: Final = 13
_OID = schemas.read_toml("pki.toml")["oid"]


def cps_entitlement(profile: CpsProfile) -> UnrecognizedExtension:
    """Return the extension of a professional's certificate: RPPS, profession, structures, rights to sign."""
    return _extension(
        "cps_entitlement",
        _text(profile.rpps),
        _text(profile.profession),
        encode_all(_SEQUENCE, map(_text, profile.structures)),
        _flag(profile.may_sign_sheet),
        _flag(profile.may_sign_lot),
    )


def vitale_holders(profile: VitaleProfile) -> UnrecognizedExtension:
    """Return the extension of a Vitale certificate: serial number, insured, everybody covered (the insured first)."""
    covered = [_holder(profile.birth_date, 1, profile.nir)]
    covered += [_holder(one.birth_date, one.birth_rank, one.nir) for one in profile.beneficiaries]
    return _extension(
        "vitale_holders",
        _text(profile.serial),
        _text(profile.nir[:_NIR_WITHOUT_KEY]),
        encode_all(_SEQUENCE, covered),
    )


def apcv_rights(data: bytes) -> UnrecognizedExtension:
    """Return the extension that binds the data of an apCV-sim, rights included, to its certificate."""
    return _extension("apcv_rights", encode(_OCTETS, sha256(data).digest()))


def billing_party(role: str, code: str) -> UnrecognizedExtension:
    """Return the extension of the certificate of a caisse or a biller."""
    return _extension("billing_party", _text(role), _text(code))


def _holder(birth_date: date, birth_rank: int, nir: str | None) -> bytes:
    parts = [_text(birth_date.isoformat()), encode(_INTEGER, bytes((birth_rank,)))]
    if nir is not None:
        parts.append(encode(_CONTEXT_0, nir[:_NIR_WITHOUT_KEY].encode()))
    return encode_all(_SEQUENCE, parts)


def _extension(name: str, *parts: bytes) -> UnrecognizedExtension:
    return UnrecognizedExtension(ObjectIdentifier(_OID[name]), encode_all(_SEQUENCE, parts))


def _text(value: str) -> bytes:
    return encode(_PRINTABLE, value.encode("ascii"))


def _flag(value: bool) -> bytes:  # noqa: FBT001 - a value to encode, not an option
    return encode(_BOOLEAN, b"\xff" if value else b"\x00")
