"""
The mailbox of a biller at a mail server, by IMAP (RFC 9051) or POP3 (RFC 1939).

Each call is a session of its own: nothing is held between two, so that a server that restarts, or a worker that dies,
leaves nothing half done. A message keeps its name over sessions: its UID under the box's UIDVALIDITY, or its UIDL.
"""

from __future__ import annotations

import imaplib
import poplib
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from gateway.mail_message import MAX_MESSAGE_BYTES
from gateway.mail_server import BoundedReader, tls_context
from gateway.transport import TransportError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from io import BufferedReader

    from gateway.mail_address import MailServer
    from gateway.mail_server import MailAccount

__all__ = ["ImapMailbox", "Mailbox", "Pop3Mailbox"]

_SECONDS = 15
_MAX_ANSWER_BYTES = MAX_MESSAGE_BYTES + 500_000  # of a whole session: lists, one message
_MAX_NAMES = 1000  # of one collection; the others come with the next
_FAILURES = (imaplib.IMAP4.error, poplib.error_proto, OSError, ValueError, TypeError, LookupError)
_WORDS = {"error": "IMAP", "abort": "IMAP", "error_proto": "POP3"}
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class Mailbox(Protocol):
    """Messages that wait, by name; every method raises :class:`gateway.transport.TransportError`."""

    def names(self) -> list[str]:
        """Return the names of the messages that wait, oldest first."""
        ...

    def fetch(self, name: str) -> bytes:
        """Return one message as it was delivered."""
        ...

    def remove(self, name: str) -> None:
        """Remove one message; one that is not there any more is no error."""
        ...


class ImapMailbox:
    """The INBOX of ``account`` at an IMAP server; raises MAIL-TLS (see :func:`gateway.mail_server.tls_context`)."""

    def __init__(self, server: MailServer, account: MailAccount, tls: ssl.SSLContext | None = None) -> None:
        self._server, self._account, self._tls = server, account, tls_context(server, tls)

    def names(self) -> list[str]:
        """See :meth:`Mailbox.names`."""
        with self._session() as (imap, box):
            found = b" ".join(_flat(_said(imap.uid("SEARCH", "UNDELETED"))))
            return [f"{box}-{int(uid)}" for uid in found.split()[:_MAX_NAMES]]

    def fetch(self, name: str) -> bytes:
        """See :meth:`Mailbox.fetch`; one that is too large stays where it is."""
        with self._session() as (imap, box):
            uid = _uid(name, box)
            size = _SIZE.search(b"".join(_flat(_said(imap.uid("FETCH", uid, "(RFC822.SIZE)")))))
            if size is None or int(size[1]) > MAX_MESSAGE_BYTES:
                raise imaplib.IMAP4.error
            literals = [part[1] for part in _said(imap.uid("FETCH", uid, "(BODY.PEEK[])")) if isinstance(part, tuple)]
            return literals[0]

    def remove(self, name: str) -> None:
        """See :meth:`Mailbox.remove`."""
        with self._session() as (imap, box):
            uid = _uid(name, box)
            _said(imap.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
            if "UIDPLUS" in imap.capabilities:
                _said(imap.uid("EXPUNGE", uid))
            else:
                _said(imap.expunge())

    @contextmanager
    def _session(self) -> Iterator[tuple[imaplib.IMAP4, int]]:
        """Yield a connection on the open INBOX, and its UIDVALIDITY."""
        with _failures_named(self._server):
            imap = _open_imap(self._server, self._tls)
            try:
                imap.login(self._account.name, self._account.password)
                _said(imap.select())
                yield imap, int(cast("bytes", imap.response("UIDVALIDITY")[1][0]))
            finally:
                with suppress(*_FAILURES):
                    imap.logout()
                with suppress(OSError):
                    imap.shutdown()


class Pop3Mailbox:
    """The mailbox of ``account`` at a POP3 server; raises MAIL-TLS (see :func:`gateway.mail_server.tls_context`)."""

    def __init__(self, server: MailServer, account: MailAccount, tls: ssl.SSLContext | None = None) -> None:
        self._server, self._account, self._tls = server, account, tls_context(server, tls)

    def names(self) -> list[str]:
        """See :meth:`Mailbox.names`."""
        with self._session() as pop:
            return list(_ranks(pop))[:_MAX_NAMES]

    def fetch(self, name: str) -> bytes:
        """See :meth:`Mailbox.fetch`; one that is too large stays where it is."""
        with self._session() as pop:
            rank = _ranks(pop)[name]
            if int(cast("bytes", pop.list(rank)).split()[2]) > MAX_MESSAGE_BYTES:
                raise poplib.error_proto
            return b"".join(line + b"\r\n" for line in pop.retr(rank)[1])

    def remove(self, name: str) -> None:
        """See :meth:`Mailbox.remove`."""
        with self._session() as pop:
            rank = _ranks(pop).get(name)
            if rank is not None:
                pop.dele(rank)
            pop.quit()  # it is the end of the session that deletes

    @contextmanager
    def _session(self) -> Iterator[poplib.POP3]:
        with _failures_named(self._server):
            pop = _open_pop3(self._server, self._tls)
            try:
                pop.user(self._account.name)
                pop.pass_(self._account.password)
                yield pop
            finally:
                with suppress(OSError):
                    pop.close()


class _Imap(imaplib.IMAP4):
    """A connection whose answers end: a server may announce a literal of any size, and send lines for ever."""

    _left = _MAX_ANSWER_BYTES

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ConnectionAbortedError


class _ImapTls(_Imap, imaplib.IMAP4_SSL):
    """The same, TLS from the first byte."""


def _open_imap(server: MailServer, tls: ssl.SSLContext | None) -> imaplib.IMAP4:
    if tls is not None and server.tls_from_the_start:
        return _ImapTls(server.host, server.port, ssl_context=tls, timeout=_SECONDS)
    imap = _Imap(server.host, server.port, timeout=_SECONDS)
    if tls is not None:
        try:
            imap.starttls(tls)
        except _FAILURES:
            with suppress(OSError):
                imap.shutdown()
            raise
    return imap


def _open_pop3(server: MailServer, tls: ssl.SSLContext | None) -> poplib.POP3:
    if tls is not None and server.tls_from_the_start:
        pop: poplib.POP3 = poplib.POP3_SSL(server.host, server.port, timeout=_SECONDS, context=tls)
    else:
        pop = poplib.POP3(server.host, server.port, timeout=_SECONDS)
        _bound(pop)
        if tls is not None:
            try:
                pop.stls(tls)
            except _FAILURES:
                with suppress(OSError):
                    pop.close()
                raise
    _bound(pop)
    return pop


@contextmanager
def _failures_named(server: MailServer) -> Iterator[None]:
    """Raise :class:`gateway.transport.TransportError` for whatever goes wrong, never with the server's own text."""
    try:
        yield
    except _FAILURES as error:
        reason = _WORDS.get(type(error).__name__, type(error).__name__)
        raise TransportError("TRANSPORT", address=server, reason=reason) from None


def _said(answer: tuple[str, list[Any]]) -> list[bytes | tuple[bytes, bytes]]:
    """Return the data of an answer that is OK; raises imaplib's error for another."""
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error
    return cast("list[bytes | tuple[bytes, bytes]]", data)


def _flat(data: list[bytes | tuple[bytes, bytes]]) -> Iterator[bytes]:
    for part in data:
        yield from part if isinstance(part, tuple) else (part or b"",)


def _uid(name: str, box: int) -> str:
    """Return the UID in ``name``; raises ValueError when it is one of another life of the box."""
    life, _, uid = name.partition("-")
    if int(life) != box:
        raise ValueError(name)
    return str(int(uid))


def _ranks(pop: poplib.POP3) -> dict[str, str]:
    """Return the rank of each message in this session by its lasting name."""
    pairs = (line.decode("ascii").split() for line in pop.uidl()[1])
    return {name: rank for rank, name in pairs}


def _bound(pop: poplib.POP3) -> None:
    pop.file = cast("BufferedReader", BoundedReader(pop.file, _MAX_ANSWER_BYTES))
