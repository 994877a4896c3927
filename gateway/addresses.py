"""
Where the simulator may send anything: this machine, or a name that can never exist on the Internet.

Names under .test, .example, .invalid and .localhost are reserved (RFC 2606, RFC 6761). Anything else is refused, so
that a simulated sheet can never reach a real concentrator.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.errors import GatewayError

__all__ = ["check_address"]

_RESERVED = (".test", ".example", ".invalid", ".localhost")


def check_address(url: str, schemes: frozenset[str] = frozenset({"http", "https"})) -> str:
    """Return ``url`` when it leads by one of ``schemes`` to a reserved name or to loopback; else raise ADDRESS-REAL."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as brackets that do not close
        raise GatewayError("ADDRESS-REAL", address=url) from None
    host = parts.hostname or ""
    if parts.scheme not in schemes or not (_is_loopback(host) or f".{host}".endswith(_RESERVED)):
        raise GatewayError("ADDRESS-REAL", address=url)
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
