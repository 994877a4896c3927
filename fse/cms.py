"""
Detached CAdES-BES signatures: one signer, one encoding.

A seal is a CMS SignedData (RFC 5652) over content kept beside it, with the signed attributes of CAdES-BES (ETSI EN
319 122-1: content-type, message-digest, signing-time, signing-certificate-v2, which names the signer's certificate and
its authority's) and two of our own inside the signed part: what the signature is for, and, for the professional of a
secured sheet, the digest of the beneficiary's seal.

CMS leaves much room for bytes that no signature covers. Here what was read is written again from the parts that
were understood, and any difference refuses the whole: extra signers, unsigned attributes, unused certificates,
other algorithms or another order of encoding never pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

import schemas
from fse import der
from fse.errors import FseError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CmsError", "Seal", "Signer", "make_seal"]

_OWN = schemas.read_toml("pki.toml")["oid"]

_DATA = der.oid("1.2.840.113549.1.7.1")
_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
_SIGNING_TIME = der.oid("1.2.840.113549.1.9.5")
_SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")
_PURPOSE = der.oid(_OWN["seal_purpose"])
_BENEFICIARY_SEAL = der.oid(_OWN["beneficiary_seal"])
_SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_RSA_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())
_ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))

_INTEGER, _OCTETS, _OID, _UTF8, _SEQUENCE, _SET, _CONTEXT_0 = 0x02, 0x04, 0x06, 0x0C, 0x30, 0x31, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_RSA_BITS = 2048


class CmsError(FseError):
    """A seal that is not in its one encoding, or whose signature does not hold."""


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs: a certificate, its authority's, and the key's own operation (SHA-256 digest in, signature out)."""

    certificate: bytes
    issuer: bytes
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Seal:
    """
    One detached signature, taken apart.

    ``content_digest`` is the SHA-256 of the content, ``purpose`` what the signer meant by it, ``beneficiary_seal`` the
    SHA-256 of the DER of the beneficiary's seal when this one is bound to it. Certificates are DER.
    """

    content_digest: bytes
    signing_time: datetime
    purpose: str
    beneficiary_seal: bytes | None
    certificate: bytes
    issuer: bytes
    signature: bytes

    @cached_property
    def x509(self) -> x509.Certificate:
        """The signer's certificate; raises :class:`CmsError` (SEAL-ENCODING) when it is not one."""
        try:
            certificate = x509.load_der_x509_certificate(self.certificate)
            _ = certificate.subject, certificate.issuer  # read late by the library: a name may not be UTF-8
        except (ValueError, x509.InvalidVersion):
            raise CmsError("SEAL-ENCODING") from None
        return certificate

    def signed_attributes(self) -> bytes:
        """Return the DER of the signed attributes: the bytes that the key signs."""
        return _attributes(
            self.content_digest,
            self.signing_time,
            self.purpose,
            self.beneficiary_seal,
            (self.certificate, self.issuer),
        )

    def encode(self) -> bytes:
        """Return the CMS, the only one that :meth:`decode` accepts for these parts."""
        certificate = self.x509
        signer = der.sequence(
            der.integer(1),
            der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number)),
            _SHA256,
            der.context(0, der.read(self.signed_attributes(), _SET)[0]),
            _algorithm(certificate),
            der.octets(self.signature),
        )
        signed_data = der.sequence(
            der.integer(1),
            der.set_of([_SHA256]),
            der.sequence(_DATA),
            der.context(0, b"".join(sorted((self.certificate, self.issuer)))),
            der.set_of([signer]),
        )
        return der.sequence(_SIGNED_DATA, der.context(0, signed_data))

    @classmethod
    def decode(cls, data: bytes) -> Seal:
        """Return the seal read from ``data``; raises :class:`CmsError` (SEAL-ENCODING) for any other writing of it."""
        try:
            seal = _read(data)
            if seal.encode() == data:
                return seal
        except (ValueError, TypeError, KeyError, IndexError, UnsupportedAlgorithm):
            pass
        raise CmsError("SEAL-ENCODING")

    def check_signature(self) -> None:
        """Raise :class:`CmsError` (SEAL-SIGNATURE) unless the signer's key made this signature."""
        key, signed = self.x509.public_key(), self.signed_attributes()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(self.signature, signed, padding.PKCS1v15(), SHA256())
                return
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(self.signature, signed, ec.ECDSA(SHA256()))
                return
        except InvalidSignature:
            pass
        raise CmsError("SEAL-SIGNATURE")


def make_seal(
    content: bytes, signer: Signer, at: datetime, purpose: str, beneficiary_seal: bytes | None = None
) -> Seal:
    """
    Return the seal of ``signer`` over ``content``; the card is asked for exactly one signature.

    ``beneficiary_seal`` is the DER of the seal that this one is bound to, if any.
    """
    at = at.astimezone(UTC).replace(microsecond=0)
    content_digest = sha256(content).digest()
    bound = None if beneficiary_seal is None else sha256(beneficiary_seal).digest()
    attributes = _attributes(content_digest, at, purpose, bound, (signer.certificate, signer.issuer))
    signature = signer.sign(sha256(attributes).digest())
    return Seal(content_digest, at, purpose, bound, signer.certificate, signer.issuer, signature)


def _attributes(
    digest: bytes, at: datetime, purpose: str, beneficiary_seal: bytes | None, chain: tuple[bytes, bytes]
) -> bytes:
    values = {
        _CONTENT_TYPE: _DATA,
        _MESSAGE_DIGEST: der.octets(digest),
        _SIGNING_TIME: der.time(at),
        _SIGNING_CERTIFICATE_V2: _naming(*chain),
        _PURPOSE: der.utf8(purpose),
    }
    if beneficiary_seal is not None:
        values[_BENEFICIARY_SEAL] = der.octets(beneficiary_seal)
    return der.set_of(der.sequence(oid, der.set_of([value])) for oid, value in values.items())


def _naming(certificate: bytes, issuer: bytes) -> bytes:
    """Return the value of signing-certificate-v2: the digests of the signer's certificate and of its authority's."""
    return der.sequence(
        der.sequence(*(der.sequence(der.octets(sha256(one).digest())) for one in (certificate, issuer)))
    )


def _algorithm(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS:
        return _RSA_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return _ECDSA_SHA256
    raise CmsError("SEAL-ENCODING")


def _read(data: bytes) -> Seal:
    """Walk the fixed layout; what is skipped here is checked by the comparison with :meth:`Seal.encode`."""
    content_info, _ = der.read(data, _SEQUENCE)
    _, body = der.read(content_info, _OID)
    wrapped, _ = der.read(body, _CONTEXT_0)
    body, _ = der.read(wrapped, _SEQUENCE)
    _, body = der.read(body, _INTEGER)
    _, body = der.read(body, _SET)
    _, body = der.read(body, _SEQUENCE)
    certificates, body = der.read(body, _CONTEXT_0)
    signers, _ = der.read(body, _SET)
    body, _ = der.read(signers, _SEQUENCE)
    _, body = der.read(body, _INTEGER)
    _, body = der.read(body, _SEQUENCE)
    _, body = der.read(body, _SEQUENCE)
    attributes, body = der.read(body, _CONTEXT_0)
    _, body = der.read(body, _SEQUENCE)
    signature, _ = der.read(body, _OCTETS)
    values = _values(attributes)
    certificate, issuer = _signer_first(certificates, values[_SIGNING_CERTIFICATE_V2])
    bound = values.get(_BENEFICIARY_SEAL)
    return Seal(
        content_digest=der.read(values[_MESSAGE_DIGEST], _OCTETS)[0],
        signing_time=_instant(values[_SIGNING_TIME]),
        purpose=der.read(values[_PURPOSE], _UTF8)[0].decode(),
        beneficiary_seal=None if bound is None else der.read(bound, _OCTETS)[0],
        certificate=certificate,
        issuer=issuer,
        signature=signature,
    )


def _values(attributes: bytes) -> dict[bytes, bytes]:
    found = {}
    while attributes:
        body, attributes = der.read(attributes, _SEQUENCE)
        oid, values = der.read(body, _OID)
        found[der.tlv(_OID, oid)] = der.read(values, _SET)[0]
    return found


def _signer_first(certificates: bytes, named: bytes) -> tuple[bytes, bytes]:
    """Return the two certificates in the order in which the signed attributes name them; no others are even parsed."""
    one, rest = der.read(certificates, _SEQUENCE)
    two, _ = der.read(rest, _SEQUENCE)
    pair = der.tlv(_SEQUENCE, one), der.tlv(_SEQUENCE, two)
    for signer, issuer in (pair, pair[::-1]):
        if _naming(signer, issuer) == named:
            return signer, issuer
    raise CmsError("SEAL-ENCODING")


def _instant(value: bytes) -> datetime:
    short = value[0] == _UTC_TIME
    text = der.read(value, _UTC_TIME if short else _GENERALIZED_TIME)[0].decode("ascii")
    return datetime.strptime(text, "%y%m%d%H%M%SZ" if short else "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
