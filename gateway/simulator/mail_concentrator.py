"""
A simulated concentrator (OCT) by mail: takes files by SMTP, has the caisse answer, puts the answer into a mailbox.

It routes by addresses and label alone: it has no key, so it can read neither a file nor an answer. It delivers the
envelope as it received it (protocol art. 3), unless a fault was asked of it. What a caisse is to it is a callable: an
address over HTTP (:func:`caisse_over_http`), or a function of this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

import urllib3

from gateway.mail_address import MAIL_DOMAIN, biller_address, caisse_address
from gateway.mail_message import MailError, MailMessage, Nature, build_message
from gateway.mail_reading import read_message
from gateway.routing_label import FileLabel
from gateway.simulator.faults import FaultKind, FaultPlan
from gateway.simulator.smtp_server import LocalSmtpServer
from gateway.transport import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosmtpd.smtp import SMTP, Envelope, Session

    from gateway.clock import Clock

__all__ = ["CaisseDoor", "MailConcentrator", "caisse_over_http"]

CaisseDoor = Callable[[FileLabel, bytes], bytes]
"""Gives a file to a caisse and returns its answer; raises TransportError when the caisse does not answer."""

_SECONDS = 10
_ANSWERED = 200
_OK = "250 2.0.0 recu"
_NOT_NOW = "451 4.3.0 concentrateur indisponible"


def caisse_over_http(address: str) -> CaisseDoor:
    """Return the door of the caisse that listens at ``address``."""

    def give(label: FileLabel, envelope: bytes) -> bytes:
        try:
            answer = urllib3.request(
                "POST", address, body=envelope, headers=label.headers(), retries=False, timeout=_SECONDS
            )
        except urllib3.exceptions.HTTPError as error:
            raise TransportError("TRANSPORT", address=address, reason=type(error).__name__) from None
        if answer.status != _ANSWERED:
            raise TransportError("TRANSPORT", address=address, reason=f"HTTP {answer.status}")
        return answer.data

    return give


class MailConcentrator:
    """
    One OCT by mail.

    ``caisses`` gives the door of each caisse by its 9-digit code, ``contracts`` the billers that it works for (protocol
    art. 3: one without a contract is turned away), ``deliver`` puts a message into the mailbox of an address.
    """

    def __init__(
        self,
        caisses: Mapping[str, CaisseDoor],
        contracts: frozenset[str],
        faults: FaultPlan,
        deliver: Callable[[str, bytes], None],
        clock: Clock,
        *,
        domain: str = MAIL_DOMAIN,
    ) -> None:
        self._caisses = caisses
        self._addresses = frozenset(caisse_address(organism, domain) for organism in caisses)
        self._contracts = {biller_address(biller, domain): biller for biller in contracts}
        self._faults, self._deliver, self._clock, self._domain = faults, deliver, clock, domain
        self._attempts: dict[str, bool] = {}  # whether each is through, by its Message-ID and content
        self._lock = Lock()

    def serve(self) -> LocalSmtpServer:
        """Return a server of this concentrator, listening on loopback."""
        return LocalSmtpServer(self, f"oct.{self._domain}")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take one recipient that it serves, from a sender under contract."""
        del server, session
        if envelope.mail_from not in self._contracts:
            return "550 5.7.1 aucun contrat avec cet expediteur"
        if address not in self._addresses:
            return "550 5.1.1 destinataire inconnu de ce concentrateur"
        if envelope.rcpt_tos:
            return "452 4.5.3 un destinataire par message"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 destinataire connu"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Take one message, off the thread of the server."""
        del server, session
        return await asyncio.to_thread(
            self._take, envelope.mail_from or "", envelope.rcpt_tos[0], envelope.original_content or b""
        )

    async def handle_exception(self, error: Exception) -> str:
        """Answer «not now» to whatever goes wrong on this side: a caisse or a mailbox out of reach."""
        del error
        return _NOT_NOW

    def _take(self, sender: str, recipient: str, data: bytes) -> str:
        try:
            found = read_message(data)
        except MailError as error:
            return f"554 5.6.0 message hors convention: {error.facts['reason']}"
        label = found.label
        if (found.nature, found.sender, found.recipient) != (Nature.FILE, sender, recipient):
            return "550 5.7.1 message et enveloppe ne disent pas la meme chose"
        if self._contracts[sender] != label.biller or not self._serves(label, recipient):
            return "550 5.7.1 etiquette et adresses ne disent pas la meme chose"
        if self._faults.strikes(FaultKind.REFUSE_FILE, label.organism, label.mode):
            return _NOT_NOW
        return self._take_once(found)

    def _serves(self, label: FileLabel, recipient: str) -> bool:
        return label.organism in self._caisses and caisse_address(label.organism, self._domain) == recipient

    def _take_once(self, message: MailMessage) -> str:
        """Carry the file, unless this very attempt was here before: it has one effect."""
        content = repr((message.message_id, message.label)).encode() + message.envelope
        attempt = sha256(content).hexdigest()
        with self._lock:
            through = self._attempts.get(attempt)
            self._attempts.setdefault(attempt, False)
        if through is not None:
            return _OK if through else _NOT_NOW
        carried = False
        try:
            self._carry(message.label, message.envelope)
            carried = True
        finally:
            with self._lock:
                if carried:
                    self._attempts[attempt] = True
                else:
                    del self._attempts[attempt]
        return _OK

    def _carry(self, label: FileLabel, envelope: bytes) -> None:
        if self._faults.strikes(FaultKind.ALTER_FILE, label.organism, label.mode):
            envelope = envelope[:-1] + bytes((envelope[-1] ^ 1,))
        answer = self._caisses[label.organism](label, envelope)
        if self._faults.strikes(FaultKind.LOSE_ARL, label.organism, label.mode):
            return
        recipient = biller_address(label.biller, self._domain)
        message = MailMessage(
            nature=Nature.ANSWER,
            sender=caisse_address(label.organism, self._domain),
            recipient=recipient,
            label=label,
            message_id=f"<{sha256(answer).hexdigest()[:32]}@{self._domain}>",
            at=self._clock.now(),
            envelope=answer,
        )
        self._deliver(recipient, build_message(message))
