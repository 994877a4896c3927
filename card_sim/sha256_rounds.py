"""SHA-256 from an intermediate value on (FIPS 180-4 §6.2.2): hashlib cannot begin in the middle of a message."""

from __future__ import annotations

from math import isqrt
from typing import Final

__all__ = ["BLOCK_BYTES", "STATE_BYTES", "finish"]

BLOCK_BYTES: Final = 64
STATE_BYTES: Final = 32
_WORD: Final = 0xFFFFFFFF
_LENGTH_BYTES: Final = 8


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(number: int) -> int:
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle - 1)
    return low


# The first 32 bits of the fractional parts of square and cube roots of the first primes (§4.2.2 and §5.3.3).
_START: Final = b"".join((isqrt(prime << 64) & _WORD).to_bytes(4, "big") for prime in _primes(8))
_CONSTANTS: Final = tuple(_cube_root(prime << 96) & _WORD for prime in _primes(64))


def finish(state: bytes, bits_before: int, last: bytes) -> bytes:
    """
    Return the SHA-256 of a message of which ``state`` is the value after ``bits_before`` bits, and ``last`` the rest.

    Without ``state`` the message begins with ``last``. ``bits_before`` is a multiple of a block.
    """
    length = (bits_before + 8 * len(last)).to_bytes(_LENGTH_BYTES, "big")
    zeros = -(len(last) + 1 + _LENGTH_BYTES) % BLOCK_BYTES
    padded = last + b"\x80" + bytes(zeros) + length
    value = state or _START
    for at in range(0, len(padded), BLOCK_BYTES):
        value = _compress(value, padded[at : at + BLOCK_BYTES])
    return value


def _compress(state: bytes, block: bytes) -> bytes:
    schedule = _words(block)
    for at in range(16, 64):
        early, late = schedule[at - 15], schedule[at - 2]
        small0 = _rotated(early, 7) ^ _rotated(early, 18) ^ early >> 3
        small1 = _rotated(late, 17) ^ _rotated(late, 19) ^ late >> 10
        schedule.append(schedule[at - 16] + small0 + schedule[at - 7] + small1 & _WORD)
    a, b, c, d, e, f, g, h = before = _words(state)
    for constant, word in zip(_CONSTANTS, schedule, strict=True):
        choice = e & f ^ ~e & g
        first = h + (_rotated(e, 6) ^ _rotated(e, 11) ^ _rotated(e, 25)) + choice + constant + word
        majority = a & b ^ a & c ^ b & c
        second = (_rotated(a, 2) ^ _rotated(a, 13) ^ _rotated(a, 22)) + majority
        a, b, c, d, e, f, g, h = first + second & _WORD, a, b, c, d + first & _WORD, e, f, g
    after = (a, b, c, d, e, f, g, h)
    return b"".join((old + new & _WORD).to_bytes(4, "big") for old, new in zip(before, after, strict=True))


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]


def _rotated(word: int, by: int) -> int:
    return (word >> by | word << 32 - by) & _WORD
