"""What public readers of Vitale cards find without authentication: identities, and in an application the NIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from card_sim.tlv import encode, encode_all
from card_sim.vocabulary import VITALE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from card_sim.profiles import Beneficiary, VitaleProfile

__all__ = ["PUBLIC", "public_identity", "public_numbers"]

PUBLIC: Final[Mapping[str, Any]] = VITALE["public"]
_COUNTRY: Final = "FR"


def public_identity(profile: VitaleProfile) -> bytes:
    """Return the identity file: a template per beneficiary, the insured first, then one for the card."""
    card = encode(PUBLIC["card"], encode(PUBLIC["valid_from"], f"{profile.valid_from:%Y%m%d}".encode()))
    return b"".join(map(_identity, _everybody(profile))) + card


def public_numbers(profile: VitaleProfile) -> bytes:
    """Return the file of the NIR: a template per beneficiary in the same order, empty for who has no number."""
    return b"".join(
        encode(PUBLIC["person"], b"" if one.nir is None else encode(PUBLIC["nir"], one.nir.encode()))
        for one in _everybody(profile)
    )


def _everybody(profile: VitaleProfile) -> tuple[VitaleProfile | Beneficiary, ...]:
    return (profile, *profile.beneficiaries)


def _identity(one: VitaleProfile | Beneficiary) -> bytes:
    values = {
        "family_name": one.family_name,
        "first_name": one.first_name,
        "birth_date": f"{one.birth_date:%Y%m%d}",
        "country": _COUNTRY,
    }
    return encode_all(PUBLIC["person"], (encode(PUBLIC[name], value.encode()) for name, value in values.items()))
