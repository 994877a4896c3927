"""Mailboxes in memory, one an address: what stands for a mail server while a simulation runs in one process."""

from __future__ import annotations

from itertools import count
from threading import Lock

from gateway.transport import TransportError

__all__ = ["MailStore", "StoredMailbox"]


class MailStore:
    """Every mailbox; :meth:`deliver` is how a message gets into one."""

    def __init__(self) -> None:
        self._boxes: dict[str, dict[str, bytes]] = {}
        self._numbers = count(1)
        self._lock = Lock()

    def deliver(self, address: str, message: bytes) -> None:
        """Put ``message`` into the mailbox of ``address``."""
        with self._lock:
            self._boxes.setdefault(address, {})[f"{next(self._numbers):06d}"] = message

    def mailbox(self, address: str) -> StoredMailbox:
        """Return the mailbox of ``address``, and nobody else's."""
        with self._lock:
            return StoredMailbox(self._boxes.setdefault(address, {}), self._lock)


class StoredMailbox:
    """One mailbox, as :class:`gateway.mailboxes.Mailbox` describes it."""

    def __init__(self, messages: dict[str, bytes], lock: Lock) -> None:
        self._messages, self._lock = messages, lock

    def names(self) -> list[str]:
        """Return the names of the messages that wait, oldest first."""
        with self._lock:
            return list(self._messages)

    def fetch(self, name: str) -> bytes:
        """Return one message; raises :class:`gateway.transport.TransportError` when it is not there."""
        with self._lock:
            found = self._messages.get(name)
        if found is None:
            raise TransportError("TRANSPORT", address=name, reason="absent")
        return found

    def remove(self, name: str) -> None:
        """Remove one message, if it is there."""
        with self._lock:
            self._messages.pop(name, None)
