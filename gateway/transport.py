"""
The way to the concentrator, over HTTP: send a file, collect what came back.

A sending never just works or fails. It was sent: taken, or unknown (bytes may have left and no answer came: wait for
the acknowledgement). It was not taken, and nothing was kept: try again. Or it failed for good: refused in a way that no
repetition can change, so that a person must look.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import urllib3
from pydantic import TypeAdapter, ValidationError

from gateway.addresses import check_address
from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.routing_label import FileLabel

__all__ = ["IDEMPOTENCY_KEY", "ConcentratorClient", "Sending", "Transport", "TransportError"]

_SECONDS = 15
_TAKEN = 202
_NOT_NOW = frozenset({408, 425, 429, 503})
_REDIRECTION, _FAULT_OF_SERVER = 300, 500
_MAILBOX = TypeAdapter(dict[str, list[int]])


IDEMPOTENCY_KEY = "Idempotency-Key"
"""The header by which an attempt that is sent twice is taken once (draft-ietf-httpapi-idempotency-key-header)."""


class TransportError(GatewayError):
    """The concentrator cannot be reached, or answers something else than its protocol."""


class Sending(StrEnum):
    """What became of one sending."""

    TAKEN = "taken"
    NOT_TAKEN = "not-taken"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Transport(Protocol):
    """Anything that carries files to a caisse and brings back what it answered."""

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """
        Send one file; return what became of it and, for people, why.

        ``attempt`` ranks the attempts of this file: the same one sent twice has one effect.
        """
        ...

    def messages(self, biller: str) -> list[str]:
        """Return the names of the messages that wait for ``biller``; raises :class:`TransportError`."""
        ...

    def fetch(self, biller: str, message: str) -> bytes:
        """Return one message; raises :class:`TransportError`."""
        ...

    def remove(self, biller: str, message: str) -> None:
        """Remove a message that was recorded; raises :class:`TransportError`."""
        ...


class ConcentratorClient:
    """
    A client of one or several concentrators.

    ``routes`` gives the address by organism, ``default`` the one for the rest; a real one is refused (ADDRESS-REAL).
    """

    def __init__(self, default: str, routes: Mapping[str, str] | None = None) -> None:
        self._default = check_address(default)
        self._routes = {organism: check_address(address) for organism, address in (routes or {}).items()}
        self._http = urllib3.PoolManager(timeout=_SECONDS, retries=False)

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """
        See :meth:`Transport.send`.

        A refused connection, and an answer that says «not now», are «not taken»: nothing was kept. Any other refusal
        by HTTP 3xx or 4xx is for good. Any other failure may come after the concentrator has taken the file.
        """
        address = self._routes.get(label.organism, self._default)
        try:
            answer = self._http.request(
                "POST",
                f"{address}/fichiers",
                body=envelope,
                headers=label.headers() | {IDEMPOTENCY_KEY: f"{label.file_number:06d}-{attempt}"},
                preload_content=False,
            )
            answer.close()  # its status says everything
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            return Sending.NOT_TAKEN, "connexion refusée"
        except urllib3.exceptions.HTTPError as error:
            return Sending.UNKNOWN, type(error).__name__
        if answer.status == _TAKEN:
            return Sending.TAKEN, ""
        return _meaning(answer.status), f"HTTP {answer.status}"

    def messages(self, biller: str) -> list[str]:
        """See :meth:`Transport.messages`: the mailboxes of every concentrator that answers."""
        found: list[str] = []
        for address in sorted({self._default, *self._routes.values()}):
            try:
                listed = _MAILBOX.validate_json(self._request("GET", f"{address}/boites/{biller}"))
            except (TransportError, ValidationError):
                continue  # one that is down, or out of its mind, keeps its messages; the others go on
            found += [f"{address}/boites/{biller}/{name}" for name in listed.get("messages", [])]
        return found

    def fetch(self, biller: str, message: str) -> bytes:
        """See :meth:`Transport.fetch`."""
        del biller
        return self._request("GET", message)

    def remove(self, biller: str, message: str) -> None:
        """See :meth:`Transport.remove`."""
        del biller
        self._request("DELETE", message)

    def _request(self, method: str, address: str) -> bytes:
        try:
            answer = self._http.request(method, address, preload_content=False)
            body = answer.read(MAX_ENVELOPE_BYTES + 1)
            if len(body) > MAX_ENVELOPE_BYTES:
                answer.close()  # the rest of it must not wait in a connection that is used again
            else:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise TransportError("TRANSPORT", address=address, reason=type(error).__name__) from None
        if answer.status >= _REDIRECTION or len(body) > MAX_ENVELOPE_BYTES:
            raise TransportError("TRANSPORT", address=address, reason=f"HTTP {answer.status}")
        return body


def _meaning(status: int) -> Sending:
    if status in _NOT_NOW:
        return Sending.NOT_TAKEN
    return Sending.REFUSED if _REDIRECTION <= status < _FAULT_OF_SERVER else Sending.UNKNOWN
