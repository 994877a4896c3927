"""
Addresses of the mail road: those of the caisses, of the billers, and of the servers between them.

The convention for a caisse is public: ``RRooo@ooo.RR.`` and a domain, RR being the régime and ooo the caisse. The
domain is one that is reserved for tests (RFC 2606, RFC 6761), always: no file can reach a real caisse. The address does
not name the centre, the last 4 digits of an organism; the label of the file does. How billers are addressed is ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fse.identifiers import OrganismCode
from gateway.addresses import check_address
from gateway.errors import GatewayError

__all__ = ["MAIL_DOMAIN", "MailServer", "biller_address", "caisse_address", "check_domain", "check_mail_address"]

MAIL_DOMAIN = "rss.test"
"""The domain under which the simulated caisses and billers have their addresses."""

_LONGEST = 254  # characters of an address (RFC 5321, 4.5.3.1.3)
_NAME = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]{2,63}"
_DOMAIN = re.compile(_NAME)
_ADDRESS = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}@({_NAME})")
_PORTS = {"smtp": 25, "smtps": 465, "imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995}


def check_domain(domain: str) -> str:
    """
    Return ``domain`` when it is reserved for tests.

    Raises :class:`gateway.errors.GatewayError`: MAIL-ADDRESS for what is no domain, ADDRESS-REAL for a real one.
    """
    if not _DOMAIN.fullmatch(domain):
        raise GatewayError("MAIL-ADDRESS", address=domain[:_LONGEST])
    _must_be_reserved(domain, domain)
    return domain


def check_mail_address(text: str) -> str:
    """
    Return ``text`` when it is one mail address under a domain reserved for tests.

    Raises :class:`gateway.errors.GatewayError`: MAIL-ADDRESS for what is no address, ADDRESS-REAL for a real one.
    """
    found = _ADDRESS.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise GatewayError("MAIL-ADDRESS", address=text[:_LONGEST])
    _must_be_reserved(found[1], text)
    return text


def caisse_address(organism: str, domain: str = MAIL_DOMAIN) -> str:
    """
    Return the address of the caisse ``organism`` (9 digits): ``01999@999.01.rss.test`` for 019990000.

    Raises :class:`fse.identifiers.IdentifierError` (ORGANISM-FORM), and those of :func:`check_mail_address`.
    """
    code = OrganismCode.parse(organism)
    return check_mail_address(f"{code.regime}{code.caisse}@{code.caisse}.{code.regime}.{domain}")


def biller_address(biller: str, domain: str = MAIL_DOMAIN) -> str:
    """
    Return the address of the biller ``biller`` (FINESS): ``629990011@facturier.rss.test``.

    Raises :class:`gateway.errors.GatewayError`, see :func:`check_mail_address`.
    """
    return check_mail_address(f"{biller}@facturier.{domain}")


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server: ``scheme`` (smtp, imap, pop3, each also with an s for TLS from the first byte), host, port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str, *schemes: str) -> MailServer:
        """
        Return the server at ``url``, such as ``smtp://127.0.0.1:2525``; its scheme is one of ``schemes``.

        Raises :class:`gateway.errors.GatewayError`: MAIL-SERVER for what is no such address, or holds a user or a
        password (a command line is no place for it); ADDRESS-REAL for a real server.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # brackets that do not close, a port that is no number
            raise GatewayError("MAIL-SERVER", schemes=", ".join(schemes)) from None
        rest = (parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.password)
        if parts.scheme not in schemes or not host or any(part is not None and part for part in rest):
            raise GatewayError("MAIL-SERVER", schemes=", ".join(schemes))
        shown = f"[{host}]" if ":" in host else host
        _must_be_reserved(shown, shown)
        return cls(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)

    @property
    def on_this_machine(self) -> bool:
        """Whether it is reached by a loopback address: the only road on which nothing needs TLS."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def tls_from_the_start(self) -> bool:
        """Whether the first byte is TLS; else TLS is asked for (STARTTLS), off this machine always."""
        return self.scheme.endswith("s")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def _must_be_reserved(host: str, shown: str) -> None:
    try:
        check_address(f"http://{host}")
    except GatewayError:
        raise GatewayError("ADDRESS-REAL", address=shown) from None
