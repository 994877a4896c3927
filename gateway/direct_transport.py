"""
Sending to a caisse without a concentrator (protocol art. 3: an OCT is optional, PROT-08).

The file goes to the caisse's own address, and its answer comes back at once. It is kept in a mailbox of this machine,
as a concentrator would keep it, until it is recorded: an answer that nobody has recorded is never lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import urllib3

from card_sim.durable_files import replace_file
from gateway.addresses import check_address
from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.errors import GatewayError
from gateway.transport import IDEMPOTENCY_KEY, Sending, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.routing_label import FileLabel

__all__ = ["DirectTransport"]

_SECONDS = 15
_ANSWERED = 200
_NOT_NOW = frozenset({408, 425, 429, 503})
_REDIRECTION, _FAULT_OF_SERVER = 300, 500
_MESSAGE = re.compile(r"[0-9]{9}-[0-9]{6}-[0-9]+")


@dataclass(frozen=True, slots=True)
class DirectTransport:
    """
    The way to caisses that are sent to directly: a :class:`gateway.transport.Transport`.

    ``addresses`` gives the address of each by its 9-digit code, ``mailbox`` the folder of their answers, one folder in
    it a biller. Raises :class:`gateway.errors.GatewayError` (ADDRESS-REAL).
    """

    addresses: Mapping[str, str]
    mailbox: Path
    _http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=_SECONDS, retries=False), init=False, repr=False
    )

    def __post_init__(self) -> None:
        for address in self.addresses.values():
            check_address(address)

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """
        See :meth:`gateway.transport.Transport.send`.

        Taken once the caisse has answered and its answer is kept. An answer that cannot be kept leaves the sending
        unknown: the same file goes again, and the caisse gives the same answer. DIRECT-ADDRESS without an address.
        """
        address = self.addresses.get(label.organism)
        if address is None:
            return Sending.REFUSED, str(GatewayError("DIRECT-ADDRESS", organism=label.organism))
        headers = label.headers() | {IDEMPOTENCY_KEY: f"{label.file_number:06d}-{attempt}"}
        try:
            answer = self._http.request("POST", address, body=envelope, headers=headers, preload_content=False)
            body = answer.read(MAX_ENVELOPE_BYTES + 1)
            answer.close()
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            return Sending.NOT_TAKEN, "connexion refusée"
        except urllib3.exceptions.HTTPError as error:
            return Sending.UNKNOWN, type(error).__name__
        if answer.status != _ANSWERED:
            return _meaning(answer.status), f"HTTP {answer.status}"
        return self._keep(label, attempt, body)

    def _keep(self, label: FileLabel, attempt: int, answer: bytes) -> tuple[Sending, str]:
        if len(answer) > MAX_ENVELOPE_BYTES:
            return Sending.UNKNOWN, "réponse trop grande"
        folder = self.mailbox / label.biller
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(folder / f"{label.organism}-{label.file_number:06d}-{attempt}", answer)
        except OSError as error:
            return Sending.UNKNOWN, error.strerror or "?"
        return Sending.TAKEN, ""

    def messages(self, biller: str) -> list[str]:
        """See :meth:`gateway.transport.Transport.messages`: the answers that are kept."""
        try:
            names = [one.name for one in (self.mailbox / biller).iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _trouble(str(self.mailbox / biller), error) from None
        return sorted(name for name in names if _MESSAGE.fullmatch(name))

    def fetch(self, biller: str, message: str) -> bytes:
        """See :meth:`gateway.transport.Transport.fetch`."""
        try:
            return self._file(biller, message).read_bytes()
        except OSError as error:
            raise _trouble(message, error) from None

    def remove(self, biller: str, message: str) -> None:
        """See :meth:`gateway.transport.Transport.remove`: a message that is gone already is no trouble."""
        try:
            self._file(biller, message).unlink(missing_ok=True)
        except OSError as error:
            raise _trouble(message, error) from None

    def _file(self, biller: str, message: str) -> Path:
        if not _MESSAGE.fullmatch(message):
            raise TransportError("TRANSPORT", address=message[:40], reason="nom de message")
        return self.mailbox / biller / message


def _meaning(status: int) -> Sending:
    if status in _NOT_NOW:
        return Sending.NOT_TAKEN
    return Sending.REFUSED if _REDIRECTION <= status < _FAULT_OF_SERVER else Sending.UNKNOWN


def _trouble(address: str, error: OSError) -> TransportError:
    return TransportError("TRANSPORT", address=address, reason=error.strerror or "?")
