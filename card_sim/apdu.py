"""Commands as a card receives them: ISO 7816-4 §5, the four cases, short and extended lengths."""

from __future__ import annotations

from dataclasses import dataclass

from card_sim.status_words import Refusal, StatusWord

__all__ = ["HEADER_BYTES", "Answer", "Command"]

HEADER_BYTES = 4
_SHORT_MAXIMUM = 0x100
_EXTENDED_MAXIMUM = 0x10000
_EXTENDED_PREFIX = 3


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command.

    ``data`` may be a secret, and stays out of the representation. ``expected`` is the greatest number of bytes that
    the host takes (Ne), None when it wants none.
    """

    instruction: int
    p1: int
    p2: int
    data: bytes
    expected: int | None

    @property
    def parameters(self) -> int:
        """P1 and P2 as one number."""
        return self.p1 << 8 | self.p2

    def __repr__(self) -> str:
        """Show the header only: the data may be a PIN."""
        return f"Command({self.instruction:02X} {self.parameters:04X}, {len(self.data)} bytes, Ne={self.expected})"

    @classmethod
    def parse(cls, raw: bytes) -> Command:
        """Return the command of ``raw``, at least a header long; refuse it (6700) when its lengths do not add up."""
        data, expected = _body(raw[HEADER_BYTES:])
        return cls(raw[1], raw[2], raw[3], data, expected)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command gives when it is not refused."""

    data: bytes = b""
    status: StatusWord = StatusWord.OK


def _body(body: bytes) -> tuple[bytes, int | None]:
    if not body:
        return b"", None
    if len(body) == 1:
        return b"", body[0] or _SHORT_MAXIMUM
    if body[0]:
        return _data_and_expected(body[0], body[1:], 1, _SHORT_MAXIMUM)
    if len(body) == _EXTENDED_PREFIX:
        return b"", int.from_bytes(body[1:], "big") or _EXTENDED_MAXIMUM
    length = int.from_bytes(body[1:_EXTENDED_PREFIX], "big")
    return _data_and_expected(length, body[_EXTENDED_PREFIX:], 2, _EXTENDED_MAXIMUM)


def _data_and_expected(length: int, rest: bytes, le_bytes: int, maximum: int) -> tuple[bytes, int | None]:
    data, le = rest[:length], rest[length:]
    if not length or len(data) < length or len(le) not in {0, le_bytes}:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return data, (int.from_bytes(le, "big") or maximum) if le else None
