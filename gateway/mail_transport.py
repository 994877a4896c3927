"""
The mail road: files leave by SMTP (RFC 5321), answers are collected from a mailbox.

A reply of a server is its word: 250 to the end of the data is «taken», 4xx «not now, nothing was kept», 5xx «never». A
connection that breaks before the data has begun left nothing; one that breaks after may have left the whole file:
unknown, so the gateway waits for the acknowledgement.
"""

from __future__ import annotations

import smtplib
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, cast

from gateway.mail_address import MAIL_DOMAIN, MailServer, biller_address, caisse_address, check_domain
from gateway.mail_message import MailError, MailMessage, Nature, build_message, file_message_id
from gateway.mail_reading import read_message
from gateway.mail_server import BoundedReader, MailAccount, tls_context
from gateway.mailboxes import ImapMailbox, Mailbox, Pop3Mailbox
from gateway.transport import Sending

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.routing_label import FileLabel

__all__ = ["MailTransport", "mail_road"]

_SECONDS = 15
_MAX_REPLY_BYTES = 100_000  # of a whole session
_GO_AHEAD, _DONE = 354, 250


class MailTransport:
    """
    A :class:`gateway.transport.Transport` by mail: sends through ``server``, collects from ``mailbox``.

    ``account`` is the sender's at the server, used where it offers to log in. ``tls`` stands for what the system
    trusts; it must verify (MAIL-TLS). A domain that is not reserved for tests is refused (ADDRESS-REAL).
    """

    def __init__(
        self,
        server: MailServer,
        mailbox: Mailbox,
        clock: Clock,
        *,
        domain: str = MAIL_DOMAIN,
        account: MailAccount | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server, self._mailbox, self._clock = server, mailbox, clock
        self._domain = check_domain(domain)
        self._account = account
        self._tls = tls_context(server, tls)

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """See :meth:`gateway.transport.Transport.send`; a repeated attempt bears the same Message-ID."""
        message = MailMessage(
            nature=Nature.FILE,
            sender=biller_address(label.biller, self._domain),
            recipient=caisse_address(label.organism, self._domain),
            label=label,
            message_id=file_message_id(label, envelope, attempt, self._domain),
            at=self._clock.now(),
            envelope=envelope,
        )
        try:
            with self._session() as smtp:
                return _deliver(smtp, message)
        except smtplib.SMTPResponseException as error:
            return _refusal(error.smtp_code, Sending.NOT_TAKEN)
        except OSError as error:  # smtplib's own errors are of this family
            return Sending.NOT_TAKEN, type(error).__name__

    def messages(self, biller: str) -> list[str]:
        """See :meth:`gateway.transport.Transport.messages`: the mailbox is the biller's alone."""
        del biller
        return self._mailbox.names()

    def fetch(self, biller: str, message: str) -> bytes:
        """
        See :meth:`gateway.transport.Transport.fetch`: the envelope that the message carries.

        What is no answer to this biller comes whole, as it was delivered: it will not open, and goes to quarantine.
        """
        data = self._mailbox.fetch(message)
        try:
            found = read_message(data)
        except MailError:
            return data
        ours = (Nature.ANSWER, biller_address(biller, self._domain), biller)
        return found.envelope if (found.nature, found.recipient, found.label.biller) == ours else data

    def remove(self, biller: str, message: str) -> None:
        """See :meth:`gateway.transport.Transport.remove`."""
        del biller
        self._mailbox.remove(message)

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Yield a connection that is ready for a message: greeted, in TLS where it must be, logged in."""
        server, host = self._server, f"facturier.{self._domain}"
        if self._tls is not None and server.tls_from_the_start:
            smtp: smtplib.SMTP = _SmtpTls(server.host, server.port, host, timeout=_SECONDS, context=self._tls)
        else:
            smtp = _Smtp(server.host, server.port, host, timeout=_SECONDS)
        try:
            if self._tls is not None and not server.tls_from_the_start:
                smtp.starttls(context=self._tls)
            smtp.ehlo_or_helo_if_needed()
            if self._account is not None and smtp.has_extn("auth"):
                smtp.login(self._account.name, self._account.password)
            yield smtp
        finally:
            with suppress(OSError):
                smtp.quit()
            smtp.close()


def mail_road(send_to: str, collect_from: str, account: Path, clock: Clock) -> MailTransport:
    """
    Return the transport that sends to ``send_to`` and collects from ``collect_from``, with the account in ``account``.

    ``smtp://127.0.0.1:2525`` and ``imaps://boite.example``, for instance (smtps, imap, pop3, pop3s too).

    Raises :class:`gateway.errors.GatewayError`: MAIL-SERVER, ADDRESS-REAL, MAIL-ACCOUNT.
    """
    server = MailServer.parse(send_to, "smtp", "smtps")
    box = MailServer.parse(collect_from, "imap", "imaps", "pop3", "pop3s")
    known = MailAccount.read(account)
    mailbox = ImapMailbox(box, known) if box.scheme.startswith("imap") else Pop3Mailbox(box, known)
    return MailTransport(server, mailbox, clock, account=known)


class _Smtp(smtplib.SMTP):
    """A connection whose replies end: a server may continue one for ever."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = BoundedReader(cast("IO[bytes]", self.sock.makefile("rb")), _MAX_REPLY_BYTES)
        return super().getreply()


class _SmtpTls(_Smtp, smtplib.SMTP_SSL):
    """The same, TLS from the first byte."""


def _deliver(smtp: smtplib.SMTP, message: MailMessage) -> tuple[Sending, str]:
    """Return what became of ``message``; raises OSError when the connection breaks before the data has begun."""
    data = build_message(message)
    size = [f"SIZE={len(data)}"] if smtp.has_extn("size") else []
    code, _ = smtp.mail(message.sender, size)
    if code == _DONE:
        code, _ = smtp.rcpt(message.recipient)
    if code == _DONE:
        code, _ = smtp.docmd("DATA")
    if code != _GO_AHEAD:
        return _refusal(code, Sending.NOT_TAKEN)
    try:
        smtp.send(data + b".\r\n")  # no line of ours starts with a dot
        code, _ = smtp.getreply()
    except OSError as error:
        return Sending.UNKNOWN, type(error).__name__
    return (Sending.TAKEN, "") if code == _DONE else _refusal(code, Sending.UNKNOWN)


def _refusal(code: int, otherwise: Sending) -> tuple[Sending, str]:
    """Return what the reply ``code`` means; ``otherwise`` for one that is neither 4xx nor 5xx."""
    meaning = {4: Sending.NOT_TAKEN, 5: Sending.REFUSED}.get(code // 100, otherwise)
    return meaning, f"SMTP {code}"
