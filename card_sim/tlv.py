"""Tag, length, value: how cards and certificates write their data (ITU-T X.690, definite lengths, one-byte tags)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["encode", "encode_all", "split_short"]

_LONG_FORM = 0x80
_SHORT_HEADER = 2


def encode(tag: int, value: bytes) -> bytes:
    """Return ``value`` under ``tag``, with the shortest length, as DER wants it."""
    size = len(value)
    if size < _LONG_FORM:
        return bytes((tag, size)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + value


def encode_all(tag: int, parts: Iterable[bytes]) -> bytes:
    """Return the encoded ``parts``, one after the other, under the constructed ``tag``."""
    return encode(tag, b"".join(parts))


def split_short(data: bytes) -> list[tuple[int, bytes]] | None:
    """Return the tags and values of ``data``, all of them in the short form of length; None when it is not that."""
    found: list[tuple[int, bytes]] = []
    rest = data
    while rest:
        end = _SHORT_HEADER + rest[1] if len(rest) >= _SHORT_HEADER else len(rest) + 1
        if end > len(rest):
            return None
        found.append((rest[0], rest[_SHORT_HEADER:end]))
        rest = rest[end:]
    return found
