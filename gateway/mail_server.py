"""
What talking to a mail server needs: an account, TLS that verifies, answers that end.

Off this machine everything is TLS and the server's certificate is verified; the password never shows in a log, in an
error or on a command line.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.mail_address import MailServer

__all__ = ["BoundedReader", "MailAccount", "tls_context"]

_MAX_ACCOUNT_BYTES = 1000
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class MailAccount:
    """Name and password at a mail server."""

    name: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> MailAccount:
        """
        Return the account in ``path``: the name on its first line, the password on the second.

        Raises :class:`gateway.errors.GatewayError` (MAIL-ACCOUNT): no such file, one that others may read, or
        something else than two lines of printable ASCII.
        """
        try:
            with path.open("rb") as file:
                if path.stat().st_mode & _OTHERS:
                    raise GatewayError("MAIL-ACCOUNT", file=path, reason="chmod 600")
                text = file.read(_MAX_ACCOUNT_BYTES).decode("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise GatewayError("MAIL-ACCOUNT", file=path, reason=type(error).__name__) from None
        match text.splitlines():
            case [name, password] if name and password and (name + password).isprintable():
                return cls(name, password)
        raise GatewayError("MAIL-ACCOUNT", file=path, reason="2 ×")


def tls_context(server: MailServer, given: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """
    Return the TLS configuration to talk to ``server`` with: ``given``, else the system's; None for loopback without.

    Raises :class:`gateway.errors.GatewayError` (MAIL-TLS) for one that verifies neither certificate nor name.
    """
    if given is not None and not (given.check_hostname and given.verify_mode is ssl.CERT_REQUIRED):
        raise GatewayError("MAIL-TLS", server=server)
    if server.on_this_machine and not server.tls_from_the_start and given is None:
        return None
    return given or ssl.create_default_context()


class BoundedReader:
    """The answers of a server, at most ``left`` bytes of them: beyond, the connection is of no use any more."""

    def __init__(self, file: IO[bytes], left: int) -> None:
        self._file = file
        self._left = left

    def readline(self, size: int = -1) -> bytes:
        """Return a line; raises ConnectionAbortedError beyond the bound."""
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise ConnectionAbortedError
        return line

    def close(self) -> None:
        """Close what is read from."""
        self._file.close()
