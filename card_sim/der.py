"""The few types of DER that the directories of PKCS #15 are written in (ITU-T X.690)."""

from __future__ import annotations

from card_sim.tlv import encode, encode_all

__all__ = ["bits", "context", "enumerated", "integer", "octets", "sequence", "text"]

_BITS_OF_A_BYTE = 8


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of encoded ``parts``."""
    return encode_all(0x30, parts)


def context(number: int, *parts: bytes) -> bytes:
    """Return ``parts`` under the constructed context tag ``number``."""
    return encode_all(0xA0 | number, parts)


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return encode(0x04, value)


def text(value: str, tag: int = 0x0C) -> bytes:
    """Return a UTF8String, under another ``tag`` when it is implicit."""
    return encode(tag, value.encode())


def integer(value: int, tag: int = 0x02) -> bytes:
    """Return an INTEGER that is not negative, under another ``tag`` when it is implicit."""
    return encode(tag, value.to_bytes(value.bit_length() // _BITS_OF_A_BYTE + 1, "big"))


def enumerated(value: int) -> bytes:
    """Return an ENUMERATED."""
    return integer(value, 0x0A)


def bits(*positions: int) -> bytes:
    """Return a BIT STRING with named bits at ``positions``, without trailing zeros."""
    if not positions:
        return encode(0x03, b"\x00")
    count = max(positions) + 1
    unused = -count % _BITS_OF_A_BYTE
    number = sum(1 << count - 1 - position for position in positions) << unused
    return encode(0x03, bytes((unused,)) + number.to_bytes((count + unused) // _BITS_OF_A_BYTE, "big"))
