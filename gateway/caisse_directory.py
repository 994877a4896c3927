"""
The caisses' encryption certificates, found by mail address: a folder of PEM files, one certificate in each.

The real directory is an LDAP searched by address, where the highest serial among the valid certificates counts; so
here. What a certificate is for it says itself, and the trust store vouches for it: the name of its file means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fse.errors import FseError
from fse.holders import BillingParty
from fse.trust import TrustError
from gateway.errors import GatewayError
from gateway.mail_address import MAIL_DOMAIN, caisse_address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from fse.trust import TrustStore

__all__ = ["CaisseDirectory"]

_FAMILY, _CAISSE = "facturation", "caisse"
_MAX_BYTES = 100_000


@dataclass(frozen=True)
class CaisseDirectory:
    """The certificates of each address, the highest serial number first."""

    certificates: Mapping[str, tuple[x509.Certificate, ...]]

    @classmethod
    def load(cls, folder: Path, domain: str = MAIL_DOMAIN) -> CaisseDirectory:
        """
        Return the directory of the files ``*.pem`` in ``folder``.

        Raises :class:`gateway.errors.GatewayError`: MAIL-CERTIFICATE-FILE for what is no certificate of a caisse,
        naming the file, and those of :func:`gateway.mail_address.caisse_address`.
        """
        found: dict[str, list[x509.Certificate]] = {}
        for path in sorted(folder.glob("*.pem")):
            certificate, code = _read(path)
            found.setdefault(caisse_address(code, domain), []).append(certificate)
        return cls(
            {
                address: tuple(sorted(ones, key=lambda one: one.serial_number, reverse=True))
                for address, ones in found.items()
            }
        )

    def find(self, address: str, trust: TrustStore, at: datetime) -> x509.Certificate:
        """
        Return the certificate to use for ``address`` at ``at``: the highest serial number among the valid ones.

        Raises :class:`gateway.errors.GatewayError` (MAIL-CERTIFICATE-NONE) for an address without a certificate, and
        :class:`fse.trust.TrustError` when none is valid, for the reason of the first: of another authority
        (TRUST-UNKNOWN), expired or not begun (TRUST-PERIOD), revoked (TRUST-REVOKED).
        """
        refusals = []
        for certificate in self.certificates.get(address, ()):
            try:
                trust.check(certificate, trust.authorities[_FAMILY].public_bytes(Encoding.DER), _FAMILY, at)
            except TrustError as error:
                refusals.append(error)
            else:
                return certificate
        if refusals:
            raise refusals[0]
        raise GatewayError("MAIL-CERTIFICATE-NONE", address=address)


def _read(path: Path) -> tuple[x509.Certificate, str]:
    """Return the certificate in ``path``, and the caisse that it names."""
    try:
        with path.open("rb") as file:
            certificate = x509.load_pem_x509_certificate(file.read(_MAX_BYTES))
        party = BillingParty.of(certificate)
    except (OSError, ValueError, x509.InvalidVersion) as error:
        raise GatewayError("MAIL-CERTIFICATE-FILE", file=path.name, reason=type(error).__name__) from None
    except FseError as error:
        raise GatewayError("MAIL-CERTIFICATE-FILE", file=path.name, reason=error.rule.id) from None
    if party.role != _CAISSE:
        raise GatewayError("MAIL-CERTIFICATE-FILE", file=path.name, reason=party.role)
    return certificate, party.code
