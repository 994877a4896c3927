"""A caisse or a biller: its certificate and keys, and its signature on what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fse.cms import Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

__all__ = ["Party", "signer_of"]


@dataclass(frozen=True, slots=True)
class Party:
    """A caisse or a biller: its certificate, its authority's (DER), and, for its owner alone, its private key."""

    certificate: Certificate
    issuer: bytes
    key: RSAPrivateKey


def signer_of(party: Party) -> Signer:
    """Return the signer that uses the key of ``party`` (RSA, PKCS#1 v1.5, SHA-256)."""

    def sign(digest: bytes) -> bytes:
        return party.key.sign(digest, padding.PKCS1v15(), Prehashed(SHA256()))

    return Signer(party.certificate.public_bytes(Encoding.DER), party.issuer, sign)
