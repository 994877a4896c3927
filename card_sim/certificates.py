"""Certificates and revocation lists of the TEST infrastructure (RFC 5280), deterministic for given keys and serials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from card_sim.keys import CardKey

__all__ = [
    "VALID_FROM",
    "VALID_TO",
    "Authority",
    "Subject",
    "Validity",
    "certify_authority",
    "self_signed_root",
    "usage",
]

# Wide enough for simulated dates and for openssl, which judges at wall-clock time.
VALID_FROM: Final = datetime(2015, 1, 1, tzinfo=UTC)
VALID_TO: Final = datetime(2050, 1, 1, tzinfo=UTC)
_ORGANIZATION: Final = "FSE-SIM TEST"


@dataclass(frozen=True, slots=True)
class Validity:
    """The first and the last instant of a certificate."""

    first: datetime
    last: datetime

    @classmethod
    def of_days(cls, first: date, last: date) -> Validity:
        """Return the validity of a card's days, both included, as UTC counts them."""
        return cls(datetime.combine(first, time.min, UTC), datetime.combine(last, time(23, 59, 59), UTC))


_WHOLE: Final = Validity(VALID_FROM, VALID_TO)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate names, under C=FR and O=FSE-SIM TEST."""

    common_name: str
    serial_number: str | None = None
    unit: str | None = None

    def name(self) -> x509.Name:
        """Return the distinguished name."""
        attributes = [
            (NameOID.COUNTRY_NAME, "FR"),
            (NameOID.ORGANIZATION_NAME, _ORGANIZATION),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, self.unit),
            (NameOID.COMMON_NAME, self.common_name),
            (NameOID.SERIAL_NUMBER, self.serial_number),
        ]
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes if value is not None])


@dataclass(frozen=True)
class Authority:
    """A certificate that may issue others, and its key."""

    certificate: x509.Certificate
    private_key: EllipticCurvePrivateKey

    def issue(
        self,
        subject: Subject,
        key: CardKey,
        serial: int,
        usage: x509.KeyUsage,
        *extensions: x509.ExtensionType,
        validity: Validity = _WHOLE,
    ) -> x509.Certificate:
        """
        Return a certificate of ``subject`` for ``key`` that cannot issue others, with these ``extensions`` of ours.

        It is valid during ``validity``, as far as its authority is.
        """
        builder = (
            _builder(subject.name(), self.certificate.subject, key, serial, validity)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(_authority_key(self.private_key), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.private_key, SHA256(), ecdsa_deterministic=True)

    def revocation_list(self, number: int, revoked: Mapping[int, datetime]) -> x509.CertificateRevocationList:
        """
        Return the list of the ``revoked`` serial numbers with their dates.

        Its own dates are those of the certificates: each list is valid at any simulated date, and who reads it compares
        the date of an entry with his own.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(VALID_FROM)
            .next_update(VALID_TO)
            .add_extension(_authority_key(self.private_key), critical=False)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for serial, moment in revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.private_key, SHA256(), ecdsa_deterministic=True)


def self_signed_root(common_name: str, key: EllipticCurvePrivateKey, serial: int) -> Authority:
    """Return a root authority."""
    subject = Subject(common_name).name()
    return Authority(_authority_certificate(subject, key, serial, subject, key, path_length=1), key)


def certify_authority(root: Authority, common_name: str, key: EllipticCurvePrivateKey, serial: int) -> Authority:
    """Return an authority below ``root``, which may issue certificates of holders only."""
    subject, issuer = Subject(common_name).name(), root.certificate.subject
    return Authority(_authority_certificate(subject, key, serial, issuer, root.private_key, path_length=0), key)


def usage(*, encipherment: bool = False, commitment: bool = False, authority: bool = False) -> x509.KeyUsage:
    """Return what a key is for: holders sign, cards commit their holder, billing parties receive enciphered keys."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=commitment,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_certificate(
    subject: x509.Name,
    key: EllipticCurvePrivateKey,
    serial: int,
    issuer: x509.Name,
    issuer_key: EllipticCurvePrivateKey,
    *,
    path_length: int,
) -> x509.Certificate:
    builder = (
        _builder(subject, issuer, key, serial, _WHOLE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage(authority=True), critical=True)
        .add_extension(_authority_key(issuer_key), critical=False)
    )
    return builder.sign(issuer_key, SHA256(), ecdsa_deterministic=True)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CardKey, serial: int, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(max(validity.first, VALID_FROM))
        .not_valid_after(min(validity.last, VALID_TO))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority_key(key: EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
