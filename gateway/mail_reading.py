"""
Reads a message of the mail road as strictly as it was written: whoever can send mail can send anything.

One pass over bytes, one level of parts, every length bounded, no repair of what is malformed and no guess. Headers that
servers add on the way (Received, Return-Path…) are let pass; those that are read may stand once.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.errors import GatewayError
from gateway.mail_address import check_mail_address
from gateway.mail_message import MAX_MESSAGE_BYTES, PART_TYPE, MailError, MailMessage, Nature
from gateway.routing_label import FileLabel, LabelError

__all__ = ["read_message"]

_MAX_HEAD_BYTES, _MAX_HEADERS, _MAX_LINE, _MAX_PARTS = 32_000, 100, 998, 4
_ALLOWED = bytes(range(0x20, 0x7F)) + b"\t\n"
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)\s*(?:;|$)")
_BOUNDARY = re.compile(r";\s*boundary=(\"?)([0-9A-Za-z'()+_./:=?-]{1,70})\1\s*(?:;|$)", re.IGNORECASE)
_SUBJECT = re.compile(r"(FS|AR)000100/([0-9A-Z]{14})/([0-9]{14})([0-9]{5})/00001")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,200}>")
_BRACKETS = re.compile(r"<([^<>]+)>")
_READ_ONCE = frozenset(
    {"from", "to", "date", "message-id", "subject", "mime-version", "content-type", "content-transfer-encoding"}
    | {"content-description"}
)


def read_message(data: bytes) -> MailMessage:
    """
    Return the message written in ``data``.

    Raises :class:`gateway.mail_message.MailError` (MAIL-MESSAGE) naming what is wrong: a header, or ``size``,
    ``bytes`` (other than ASCII text), ``parts``, ``base64``, ``envelope`` (none, or too large).
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise MailError(reason="size")
    text = data.replace(b"\r\n", b"\n")
    if text.translate(None, _ALLOWED):
        raise MailError(reason="bytes")
    headers, body = _Headers.split(text.decode("ascii"))
    nature, biller, at = _subject(headers)
    label = headers.label()
    part, encoded = _part(headers, body)
    found = MailMessage(
        nature=nature,
        sender=headers.address("From"),
        recipient=headers.address("To"),
        label=label,
        message_id=headers.matched("Message-ID", _MESSAGE_ID)[0],
        at=at,
        envelope=_envelope(part, encoded),
    )
    if biller != f"{label.biller:0>14}":
        raise MailError(reason="Subject")
    if part.one("Content-Description") != found.description:
        raise MailError(reason="Content-Description")
    return found


class _Headers:
    """The headers of a message or of a part, by name in small letters."""

    def __init__(self, lines: list[str]) -> None:
        self._values: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not _HEADER_NAME.fullmatch(name):
                raise MailError(reason="headers")
            key = name.lower()
            if key in self._values and (key in _READ_ONCE or key.startswith("fse-")):
                raise MailError(reason=name[:40])
            self._values[key] = value.strip()

    @classmethod
    def split(cls, text: str) -> tuple[_Headers, str]:
        """Return the headers at the start of ``text``, and what follows their blank line."""
        head, blank, rest = text.partition("\n\n")
        lines: list[str] = []
        for line in head[: _MAX_HEAD_BYTES + 1].split("\n"):
            if line[:1] in {" ", "\t"} and lines:
                lines[-1] += line
            else:
                lines.append(line)
        if not blank or len(head) > _MAX_HEAD_BYTES or len(lines) > _MAX_HEADERS:
            raise MailError(reason="headers")
        if any(len(line) > _MAX_LINE for line in lines):
            raise MailError(reason="headers")
        return cls(lines), rest

    def one(self, name: str) -> str:
        return self._values.get(name.lower(), "")

    def matched(self, name: str, form: re.Pattern[str]) -> re.Match[str]:
        found = form.fullmatch(self.one(name))
        if found is None:
            raise MailError(reason=name)
        return found

    def address(self, name: str) -> str:
        value = self.one(name)
        inside = _BRACKETS.fullmatch(value)
        try:
            return check_mail_address(inside[1] if inside else value)
        except GatewayError:
            raise MailError(reason=name) from None

    def content_type(self) -> str:
        found = _TYPE.match(self.one("Content-Type"))
        return found[1].lower() if found else ""

    def label(self) -> FileLabel:
        try:
            return FileLabel.read(_AnyCase(self._values))
        except LabelError as error:
            raise MailError(reason=error.facts["header"]) from None


class _AnyCase(dict[str, str]):
    """Headers by small letters, asked for by a name in any letters."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override] # narrower: what FileLabel asks
        return super().get(name.lower(), default)


def _subject(headers: _Headers) -> tuple[Nature, str, datetime]:
    found = headers.matched("Subject", _SUBJECT)
    try:
        moment = datetime.strptime(found[3], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise MailError(reason="Subject") from None
    return Nature(found[1]), found[2], moment + timedelta(microseconds=10 * int(found[4]))


def _part(headers: _Headers, body: str) -> tuple[_Headers, str]:
    """Return headers and body of the one part that holds an envelope; short texts beside it are let pass."""
    boundary = _BOUNDARY.search(headers.one("Content-Type"))
    if headers.content_type() != "multipart/mixed" or boundary is None:
        raise MailError(reason="Content-Type")
    pieces = f"\n{body}".split(f"\n--{boundary[2]}", _MAX_PARTS + 2)
    if len(pieces) > _MAX_PARTS + 2 or pieces[-1].rstrip("\n") != "--":
        raise MailError(reason="parts")
    parts = []
    for piece in pieces[1:-1]:
        if not piece.startswith("\n"):
            raise MailError(reason="parts")
        parts.append(_Headers.split(piece[1:]) if not piece.startswith("\n\n") else (_Headers([]), piece[2:]))
    found = [(part, inside) for part, inside in parts if part.content_type() == PART_TYPE.lower()]
    if len(found) != 1:
        raise MailError(reason="parts")
    return found[0]


def _envelope(part: _Headers, encoded: str) -> bytes:
    if part.one("Content-Transfer-Encoding").lower() != "base64":
        raise MailError(reason="Content-Transfer-Encoding")
    try:
        envelope = base64.b64decode(encoded.replace("\n", ""), validate=True)
    except binascii.Error:
        raise MailError(reason="base64") from None
    if not 0 < len(envelope) <= MAX_ENVELOPE_BYTES:
        raise MailError(reason="envelope")
    return envelope
