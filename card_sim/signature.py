"""The private key of a card, and the two steps that make it sign (ISO 7816-8)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from card_sim.status_words import Refusal, StatusWord
from card_sim.tlv import split_short
from card_sim.vocabulary import SIGNATURE

__all__ = ["EcdsaSigner", "RsaSigner", "SignatureEnvironment", "SignatureKey"]

_DIGEST_BYTES = SHA256().digest_size
_DIGEST_INFO: Final = bytes.fromhex(SIGNATURE["digest_info_sha256"])


class SignatureKey(ABC):
    """The one signature key of a card; ``algorithm`` is the reference that MSE SET must name."""

    algorithm: ClassVar[int]

    @abstractmethod
    def sign(self, data: bytes) -> bytes:
        """Return the signature over what the host gave; refused with 6A80 when that is not what the algorithm takes."""


class RsaSigner(SignatureKey):
    """RSA, PKCS #1 v1.5 padding done by the card over the DigestInfo (SHA-256) that the host gives (RFC 8017 §8.2)."""

    algorithm = SIGNATURE["rsa_pkcs1"]

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        self._private_key = private_key

    def sign(self, data: bytes) -> bytes:
        """Return the signature, as long as the modulus; 6A80 when ``data`` is not the DigestInfo of a SHA-256."""
        prefix, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if prefix != _DIGEST_INFO:
            raise Refusal(StatusWord.WRONG_DATA)
        return self._private_key.sign(digest, padding.PKCS1v15(), Prehashed(SHA256()))


class EcdsaSigner(SignatureKey):
    """ECDSA on P-256 over the SHA-256 digest that the host gives; deterministic (RFC 6979), DER."""

    algorithm = SIGNATURE["ecdsa"]

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key

    def sign(self, data: bytes) -> bytes:
        """Return the signature in DER; 6A80 when ``data`` has not the length of a SHA-256 digest."""
        if len(data) != _DIGEST_BYTES:
            raise Refusal(StatusWord.WRONG_DATA)
        return self._private_key.sign(data, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))


class SignatureEnvironment:
    """What MANAGE SECURITY ENVIRONMENT has set: a signature is computed only after the host named algorithm and key."""

    def __init__(self, key: SignatureKey) -> None:
        self.key = key
        self._set = False

    def reset(self) -> None:
        """Forget what was set, as after power-on."""
        self._set = False

    def set(self, template: bytes) -> None:
        """Set algorithm and key from ``template``: 6A80 when it is malformed, 6A88 when this card has no such key."""
        self._set = False
        fields = split_short(template) or []
        if sorted(tag for tag, _ in fields) != [SIGNATURE["algorithm_tag"], SIGNATURE["key_tag"]]:
            raise Refusal(StatusWord.WRONG_DATA)
        named = dict(fields)
        if named[SIGNATURE["algorithm_tag"]] != bytes((self.key.algorithm,)):
            raise Refusal(StatusWord.WRONG_DATA)
        if named[SIGNATURE["key_tag"]] != bytes((SIGNATURE["key"],)):
            raise Refusal(StatusWord.REFERENCE_NOT_FOUND)
        self._set = True

    def require(self) -> None:
        """Refuse with 6985 as long as algorithm and key are not set."""
        if not self._set:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
