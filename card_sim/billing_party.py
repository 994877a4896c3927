"""The parties of billing: they sign what they send, and others encipher for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from card_sim.keys import key_to_pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

__all__ = ["BillingParty"]


@dataclass(frozen=True)
class BillingParty:
    """A caisse (``code``: 9 digits) or a biller (``code``: FINESS), with its key and its certificate."""

    role: Literal["caisse", "biller"]
    code: str
    name: str
    private_key: RSAPrivateKey
    certificate: Certificate
    issuer_certificate: Certificate

    @property
    def key_pem(self) -> bytes:
        """The private key, PKCS #8 PEM, not encrypted."""
        return key_to_pem(self.private_key)
