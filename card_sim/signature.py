"""The private keys of a card and what each makes of what the host gives (ISO 7816-8, PKCS #1)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from card_sim.status_words import Refusal, StatusWord
from card_sim.vocabulary import SIGNATURE

__all__ = ["DIGEST_BYTES", "DIGEST_INFO", "EcdsaSigner", "RsaAuthenticator", "RsaSigner", "SignatureKey"]

DIGEST_BYTES: Final = SHA256().digest_size
DIGEST_INFO: Final = bytes.fromhex(SIGNATURE["digest_info_sha256"])


class SignatureKey(ABC):
    """A key of a card; ``algorithms`` gives the algorithm references that MSE SET may name, by template."""

    algorithms: ClassVar[dict[int, frozenset[int]]]

    @abstractmethod
    def sign(self, data: bytes) -> bytes:
        """Return the signature over what the host gave; refused with 6A80 when that is not what the algorithm takes."""


class RsaSigner(SignatureKey):
    """RSA, PKCS #1 v1.5 padding done by the card over the DigestInfo (SHA-256) that the host gives (RFC 8017 §8.2)."""

    algorithms: ClassVar = {
        SIGNATURE["signature_template"]: frozenset({SIGNATURE["rsa_pkcs1"], SIGNATURE["rsa_sha256_on_card"]}),
    }

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        self._private_key = private_key

    def sign(self, data: bytes) -> bytes:
        """Return the signature, as long as the modulus; 6A80 when ``data`` is not the DigestInfo of a SHA-256."""
        prefix, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        if prefix != DIGEST_INFO:
            raise Refusal(StatusWord.WRONG_DATA)
        return self._private_key.sign(digest, padding.PKCS1v15(), Prehashed(SHA256()))


class RsaAuthenticator(SignatureKey):
    """RSA, PKCS #1 v1.5 padding over any data up to 40 % of the modulus: proves who holds the card, signs no sheet."""

    algorithms: ClassVar = {
        SIGNATURE["signature_template"]: frozenset({SIGNATURE["rsa_pkcs1"]}),
        SIGNATURE["authentication_template"]: frozenset({SIGNATURE["rsa_pkcs1"], SIGNATURE["rsa_authentication"]}),
    }

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        self._private_key = private_key
        self._most = private_key.key_size // 8 * SIGNATURE["authentication_share"] // 100

    def sign(self, data: bytes) -> bytes:
        """Return the padded ``data`` under the key; 6A80 when there are more than 40 % of the modulus."""
        if len(data) > self._most:
            raise Refusal(StatusWord.WRONG_DATA)
        return self._private_key.sign(data, padding.PKCS1v15(), NoDigestInfo())


class EcdsaSigner(SignatureKey):
    """ECDSA on P-256 over the SHA-256 digest that the host gives; deterministic (RFC 6979), DER."""

    algorithms: ClassVar = {SIGNATURE["signature_template"]: frozenset({SIGNATURE["ecdsa"]})}

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key

    def sign(self, data: bytes) -> bytes:
        """Return the signature in DER; 6A80 when ``data`` has not the length of a SHA-256 digest."""
        if len(data) != DIGEST_BYTES:
            raise Refusal(StatusWord.WRONG_DATA)
        return self._private_key.sign(data, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))
