"""
A message of the mail road: what a file, or the answer to one, looks like while it travels as mail.

One ``multipart/mixed`` with one part ``application/EDI-consent`` in base64: the envelope, byte for byte as it is
stored. Shape of Subject and Content-Description as in the public sources for the B2 flow (ETS-DT-001 by way of ALCIDE);
those of the FSE flow are not public, so ours say SIM. The label stands in the same five headers as over HTTP. The count
at the end of the Subject counts files, not sheets: how many sheets a file holds is not for its carrier to know.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.routing_label import FileLabel

__all__ = ["MAX_MESSAGE_BYTES", "PART_TYPE", "MailError", "MailMessage", "Nature", "build_message", "file_message_id"]

MAX_MESSAGE_BYTES = MAX_ENVELOPE_BYTES * 78 // 57 + 50_000
"""Largest message, in bytes: the largest envelope in lines of base64 (57 bytes make 78), and headers."""

PART_TYPE = "application/EDI-consent"
"""The type of the part that holds the envelope."""

_BOUNDARY = "=_fse-sim"  # no line of base64 starts with a dash
_STAMP_UNIT = 10  # microseconds: the Subject's stamp has 5 decimals


class MailError(GatewayError):
    """A message that does not follow the conventions of this road, or is larger than they allow."""

    default_rule = "MAIL-MESSAGE"


class Nature(StrEnum):
    """What a message carries; the value opens its Subject."""

    FILE = "FS"
    """A file for a caisse."""
    ANSWER = "AR"
    """What a caisse answers to a file."""

    @property
    def word(self) -> str:
        """Return the word that opens the Content-Description."""
        return {Nature.FILE: "FSE", Nature.ANSWER: "ARL"}[self]


@dataclass(frozen=True, slots=True)
class MailMessage:
    """
    One message: from whom, to whom, the label of the file (or of the one it answers), the envelope.

    ``at`` is aware; it travels in UTC, to 10 microseconds. ``message_id`` stands in angle brackets.
    """

    nature: Nature
    sender: str
    recipient: str
    label: FileLabel
    message_id: str
    at: datetime
    envelope: bytes

    @property
    def subject(self) -> str:
        """The Subject: nature and version / biller on 14 characters / stamp on 19 digits / files on 5 digits."""
        return f"{self.nature}000100/{self.label.biller:0>14}/{_stamp(self.at)}/00001"

    @property
    def description(self) -> str:
        """The Content-Description: nature, mode, and Z for compressed."""
        return f"{self.nature.word}-SIM/{self.label.mode.upper()}/Z"


def file_message_id(label: FileLabel, envelope: bytes, attempt: int, domain: str) -> str:
    """
    Return the Message-ID of one attempt to send a file: the same for the same attempt with the same envelope.

    By it whoever receives tells a repetition, which has one effect.
    """
    content = sha256(repr(label).encode() + envelope).hexdigest()[:16]
    return f"<{label.file_number:06d}-{attempt}-{content}@{domain}>"


def build_message(message: MailMessage) -> bytes:
    """Return ``message`` as it travels: ASCII, lines of at most 78 characters ended by CRLF."""
    headers = {
        "From": message.sender,
        "To": message.recipient,
        "Date": format_datetime(message.at.astimezone(UTC)),
        "Message-ID": message.message_id,
        "Subject": message.subject,
        **message.label.headers(),
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/mixed; boundary="{_BOUNDARY}"',
    }
    part = {
        "Content-Type": PART_TYPE,
        "Content-Transfer-Encoding": "base64",
        "Content-Description": message.description,
    }
    body = base64.encodebytes(message.envelope).decode("ascii")
    text = f"{_lines(headers)}\n--{_BOUNDARY}\n{_lines(part)}\n{body}--{_BOUNDARY}--\n"
    return text.replace("\n", "\r\n").encode("ascii")


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in headers.items())


def _stamp(at: datetime) -> str:
    moment = at.astimezone(UTC)
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // _STAMP_UNIT:05d}"
