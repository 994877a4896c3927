"""
Who is believed: a named store, never what a document carries.

A store is one root, its authorities (one per family of certificates) and their revocation lists. Only the TEST
infrastructure of the simulator is accepted: a certificate of the real world is refused on sight, so that test and
real can never mix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

import schemas
from fse.errors import FseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["FAMILIES", "TrustError", "TrustStore"]

FAMILIES: tuple[str, ...] = tuple(schemas.read_toml("pki.toml")["families"])
"""The families of certificates: ``cps``, ``vitale``, ``facturation``."""

_MARK = "TEST"
_CA = ExtensionPolicy.webpki_defaults_ca()
_HOLDER = ExtensionPolicy.permit_all()


class TrustError(FseError):
    """A certificate that this store does not vouch for, or a store that cannot be used."""


@dataclass(frozen=True)
class TrustStore:
    """One root, its authorities by family, and the revocation list of each."""

    root: x509.Certificate
    authorities: Mapping[str, x509.Certificate]
    revocations: Mapping[str, x509.CertificateRevocationList]

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> TrustStore:
        """
        Return the store held in ``files`` (PEM by name: ``root.pem``, ``authorities/cps.pem``, ``crl/cps.pem``…).

        Raises :class:`TrustError`: TRUST-STORE for a file that is missing, unreadable or not signed as it should
        be; TRUST-REAL for a certificate that does not say TEST.
        """
        root = _certificate(files, "root.pem")
        _signed_by(root, root, "root.pem")
        authorities, revocations = {}, {}
        for family in FAMILIES:
            name = f"authorities/{family}.pem"
            authorities[family] = _certificate(files, name)
            _signed_by(authorities[family], root, name)
            revocations[family] = _revocations(files, f"crl/{family}.pem", authorities[family])
        root_list = _revocations(files, "crl/root.pem", root)
        for family, authority in authorities.items():
            if root_list.get_revoked_certificate_by_serial_number(authority.serial_number):
                raise TrustError("TRUST-STORE", file=f"authorities/{family}.pem", reason="revoked by the root")
        return cls(root, authorities, revocations)

    @property
    def root_pem(self) -> bytes:
        """The root certificate, for programs that judge with openssl."""
        return self.root.public_bytes(Encoding.PEM)

    def check(self, certificate: x509.Certificate, issuer: bytes, family: str, at: datetime) -> None:
        """
        Hold ``certificate`` (with the DER of the authority's that came with it) against this store at ``at``.

        Raises :class:`TrustError`: TRUST-UNKNOWN when it does not come from the authority of ``family``,
        TRUST-PERIOD outside its validity, TRUST-LIST-OLD when the revocation list ends before ``at``, TRUST-REVOKED
        when it was revoked at ``at`` or before.
        """
        subject = _common_name(certificate)
        authority = self.authorities[family]
        chain = (certificate, authority, self.root)
        late = next((one for one in chain if not one.not_valid_before_utc <= at <= one.not_valid_after_utc), None)
        # out of its time the chain is judged where it begins: whose it is comes before whether it is too late
        moment = at if late is None else max(one.not_valid_before_utc for one in chain)
        if issuer != authority.public_bytes(Encoding.DER) or not self._leads_here(certificate, authority, moment):
            raise TrustError("TRUST-UNKNOWN", subject=subject, family=family)
        if late is not None:
            raise TrustError("TRUST-PERIOD", subject=_common_name(late), at=at.date())
        revocations = self.revocations[family]
        if revocations.next_update_utc is None or revocations.next_update_utc < at:
            raise TrustError("TRUST-LIST-OLD", family=family, next=_day(revocations.next_update_utc), at=at.date())
        entry = revocations.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None and entry.revocation_date_utc <= at:
            raise TrustError("TRUST-REVOKED", subject=subject, at=entry.revocation_date_utc.date())

    def list_number(self, family: str) -> int:
        """Return the number of the revocation list of ``family``, 0 when it has none (RFC 5280, 5.2.3)."""
        return _list_number(self.revocations[family])

    def with_list(self, family: str, data: bytes) -> TrustStore:
        """
        Return this store with the revocation list ``data`` (DER) of ``family`` in the place of the one that it holds.

        Raises :class:`TrustError`: TRUST-STORE when it is no list or its authority has not signed it, TRUST-LIST-BACK
        when its number is lower than that of the list it would replace (RFC 5280, 5.2.3).
        """
        name = f"{family}.crl"
        found = _signed_list("DER", data, name, self.authorities[family])
        held, offered = self.list_number(family), _list_number(found)
        if offered < held:
            raise TrustError("TRUST-LIST-BACK", family=family, held=held, offered=offered)
        return replace(self, revocations={**self.revocations, family: found})

    def _leads_here(self, certificate: x509.Certificate, authority: x509.Certificate, at: datetime) -> bool:
        """
        Tell whether ``certificate`` leads to the root through ``authority`` and nothing else.

        By the path validation of ``cryptography`` (RFC 5280); what a holder's certificate says is for ``fse.holders``.
        """
        builder = PolicyBuilder().store(self._anchor).time(at).extension_policies(ca_policy=_CA, ee_policy=_HOLDER)
        try:
            found = builder.build_client_verifier().verify(certificate, [authority])
        except (VerificationError, ValueError):
            return False
        return found.chain == [certificate, authority, self.root]

    @cached_property
    def _anchor(self) -> Store:
        return Store([self.root])


def _certificate(files: Mapping[str, bytes], name: str) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(files[name])
    except KeyError:
        raise TrustError("TRUST-STORE", file=name, reason="missing") from None
    except (ValueError, x509.InvalidVersion):
        raise TrustError("TRUST-STORE", file=name, reason="not a PEM certificate") from None
    if _MARK not in _common_name(certificate).split():
        raise TrustError("TRUST-REAL", subject=_common_name(certificate))
    return certificate


def _revocations(files: Mapping[str, bytes], name: str, authority: x509.Certificate) -> x509.CertificateRevocationList:
    if name not in files:
        raise TrustError("TRUST-STORE", file=name, reason="missing")
    return _signed_list("PEM", files[name], name, authority)


def _signed_list(
    form: Literal["PEM", "DER"], data: bytes, name: str, authority: x509.Certificate
) -> x509.CertificateRevocationList:
    try:
        revocations = x509.load_pem_x509_crl(data) if form == "PEM" else x509.load_der_x509_crl(data)
        sound = revocations.is_signature_valid(authority.public_key())  # type: ignore[arg-type] # any key: a foreign one is False
    except (ValueError, TypeError):
        raise TrustError("TRUST-STORE", file=name, reason=f"not a {form} revocation list") from None
    if not sound:
        raise TrustError("TRUST-STORE", file=name, reason="not signed by its authority")
    return revocations


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate, name: str) -> None:
    if not (_may_issue(certificate) and _issued_by(certificate, authority)):
        raise TrustError("TRUST-STORE", file=name, reason="not an authority signed by the root")


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _list_number(revocations: x509.CertificateRevocationList) -> int:
    """Return the number of a list, 0 when it has none."""
    try:
        return revocations.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (x509.ExtensionNotFound, ValueError):
        return 0


def _day(moment: datetime | None) -> str:
    return "?" if moment is None else moment.date().isoformat()


def _common_name(certificate: x509.Certificate) -> str:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, TypeError):
        names = []
    return str(names[0].value) if names else "?"
