"""
DER, as little of it as seals and sheet files need (ITU-T X.690).

Written by hand because building CMS through object trees costs twenty times the signature itself. What is read from
outside is written again with these functions and compared.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = [
    "DerError",
    "context",
    "integer",
    "null",
    "octets",
    "oid",
    "read",
    "sequence",
    "set_of",
    "time",
    "utf8",
]

_LONG_FORM = 0x80
_SHORTEST = 2
"""A tag and a length."""

_LAST_UTC_TIME_YEAR = 2049


class DerError(ValueError):
    """Bytes that are not the DER expected at this place; callers turn it into their own named error."""


def tlv(tag: int, body: bytes) -> bytes:
    """Return one element: ``tag``, the shortest length, ``body``."""
    return bytes((tag,)) + _length(len(body)) + body


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of elements already encoded."""
    return tlv(0x30, b"".join(parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """Return a SET OF, its elements in the order that DER asks for."""
    return tlv(0x31, b"".join(sorted(parts)))


def context(number: int, body: bytes) -> bytes:
    """Return a constructed context-specific element ``[number]``."""
    return tlv(0xA0 | number, body)


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER; raises :class:`DerError` for another."""
    if value < 0:
        message = "a negative number"
        raise DerError(message)
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv(0x04, value)


def null() -> bytes:
    """Return NULL."""
    return b"\x05\x00"


def utf8(value: str) -> bytes:
    """Return a UTF8String."""
    return tlv(0x0C, value.encode("utf-8"))


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return tlv(0x06, bytes(body))


def time(instant: datetime) -> bytes:
    """Return ``instant`` to the second: UTCTime until 2049, GeneralizedTime after (RFC 5652, 11.3)."""
    utc = instant.astimezone(UTC)
    if utc.year <= _LAST_UTC_TIME_YEAR:
        return tlv(0x17, utc.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, utc.strftime("%Y%m%d%H%M%SZ").encode())


def read(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """
    Return the body of the first element of ``data``, which must have ``tag``, and what follows it.

    Raises :class:`DerError` for another tag, a length that is not the shortest, or bytes that are missing.
    """
    if len(data) < _SHORTEST or data[0] != tag:
        message = f"tag {tag:02x} expected"
        raise DerError(message)
    size, start = data[1], 2
    if size & _LONG_FORM:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    if data[1:start] != _length(size):
        message = "length not in its shortest form"
        raise DerError(message)
    if len(data) < start + size:
        message = "bytes are missing"
        raise DerError(message)
    return data[start : start + size], data[start + size :]


def _length(size: int) -> bytes:
    if size < _LONG_FORM:
        return bytes((size,))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((_LONG_FORM | len(length),)) + length
