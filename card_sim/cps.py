"""The card of a professional (CPS): holder data to read, a PIN, an RSA key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.card import SoftCard
from card_sim.files import card_files
from card_sim.pin import MAXIMUM_TRIES, Pin
from card_sim.signature import RsaSigner
from card_sim.tlv import encode, encode_all
from card_sim.vocabulary import CPS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from card_sim.profiles import CpsProfile
    from card_sim.randomness import ByteStream

__all__ = ["CpsCard", "holder_data"]


class CpsCard(SoftCard):
    """A simulated CPS; everything but the signature is readable without the PIN."""

    def __init__(
        self,
        profile: CpsProfile,
        private_key: RSAPrivateKey,
        certificate: Certificate,
        issuer_certificate: Certificate,
        *,
        challenges: ByteStream,
        tries_left: int = MAXIMUM_TRIES,
    ) -> None:
        self.profile = profile
        self.private_key = private_key
        self.certificate = certificate
        self.issuer_certificate = issuer_certificate
        self.pin = Pin(profile.pin, tries_left)
        files = card_files(
            "cps",
            "CPS TEST",
            holder_data(profile),
            certificate.public_bytes(Encoding.DER),
            issuer_certificate.public_bytes(Encoding.DER),
        )
        super().__init__(
            files=files,
            serial=profile.card_serial,
            key=RsaSigner(private_key),
            pin=self.pin,
            challenges=challenges,
        )


def holder_data(profile: CpsProfile) -> bytes:
    """Return the holder's data as the card stores it (layout: ``[cps.tags]`` of the card vocabulary)."""
    structure = CPS["items"]["structure"]
    values = {
        "card_serial": profile.card_serial.encode(),
        "card_type": CPS["kind"].encode(),
        "rpps": profile.rpps.encode(),
        "family_name": profile.family_name.encode(),
        "first_name": profile.first_name.encode(),
        "profession": profile.profession.encode(),
        "structures": b"".join(encode(structure, finess.encode()) for finess in profile.structures),
        "valid_from": f"{profile.valid_from:%Y%m%d}".encode(),
        "valid_to": f"{profile.valid_to:%Y%m%d}".encode(),
        "may_sign_sheet": bytes((profile.may_sign_sheet,)),
        "may_sign_lot": bytes((profile.may_sign_lot,)),
    }
    tags = CPS["tags"]
    return encode_all(tags["template"], (encode(tags[name], value) for name, value in values.items()))
