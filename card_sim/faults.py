"""
What goes wrong with a card or its reader, on demand and predictable.

A fault sits between the host and the card: it strikes from the nth command on, so many times, and is
over; without a count it lasts as long as the slot. What a card is (expired, revoked, blocked, opposed) is no fault of
its answers: such a card is made (``schemas/card_faults.toml``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from card_sim.errors import CardFaultInvalid
from card_sim.tlv import encode
from card_sim.vocabulary import CPS, INSTRUCTION, VITALE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CardAbsent", "CardFault", "CardPulled", "CardSilent", "FaultKind", "FaultySlot", "ReaderBroken"]

_STATUS_BYTES: Final = 2
_ALWAYS: Final = 1_000_000
_NUMBERS, _DIGITS = 2, 6  # first and times, and how long they may be

_REAL: Final = tuple(
    (encode(tags["tags"][name], test.encode()), encode(tags["tags"][name], real.encode()))
    for tags, name, test, real in ((CPS, "card_type", CPS["kind"], "00"), (VITALE, "nature", VITALE["nature"], "R"))
)
"""What a test card says of itself, and what a real one would say in its place (2005 manual; GIE training code)."""


class FaultKind(StrEnum):
    """What can go wrong between the host and the card."""

    ABSENT = "absent"
    PULLED = "pulled"
    """Out of the reader from that command on; put back when the fault is over, its PIN forgotten."""
    MUTE = "mute"
    SLOW = "slow"
    READER_ERROR = "reader-error"
    TAMPERED = "tampered"
    """One bit of the data that are read is another."""
    REAL = "real"
    """The card says that it is a real one, not a test card."""


class CardAbsent(Exception):
    """No card in the slot."""


class CardPulled(Exception):
    """The card left the slot between two commands."""


class CardSilent(Exception):
    """The card has not answered in time."""


class ReaderBroken(Exception):
    """The reader failed."""


_RAISED: Final = {
    FaultKind.ABSENT: CardAbsent,
    FaultKind.PULLED: CardPulled,
    FaultKind.MUTE: CardSilent,
    FaultKind.READER_ERROR: ReaderBroken,
}


@dataclass(frozen=True, slots=True)
class CardFault:
    """``kind`` strikes the command of rank ``first`` (1 is the first) and those after it, ``times`` in all."""

    kind: FaultKind
    first: int = 1
    times: int = _ALWAYS
    seconds: int = 5
    """How long a slow card takes."""

    def __post_init__(self) -> None:
        if self.first < 1 or self.times < 0 or self.seconds < 0:
            raise CardFaultInvalid(self.kind.value, reason="first is at least 1, times and seconds at least 0")

    @classmethod
    def parse(cls, text: str) -> CardFault:
        """
        Return the fault written as ``kind``, ``kind:first`` or ``kind:first:times``.

        :raises CardFaultInvalid: for anything else.
        """
        name, *numbers = text.split(":")
        if name not in {kind.value for kind in FaultKind} or len(numbers) > _NUMBERS:
            kinds = ", ".join(FaultKind)
            raise CardFaultInvalid(text[:40], reason=f"kind:first:times is expected, kind one of {kinds}")
        if not all(number.isascii() and number.isdigit() and len(number) <= _DIGITS for number in numbers):
            raise CardFaultInvalid(text[:40], reason="first and times are numbers")
        return cls(FaultKind(name), *map(int, numbers))


class FaultySlot:
    """
    A slot with a card behind ``transmit`` and one fault.

    ``commands`` counts what was asked; ``reset`` powers the card off when it is pulled out; ``wait`` lets the seconds
    of a slow card pass: a simulated clock moves, a program sleeps.
    """

    def __init__(
        self,
        transmit: Callable[[bytes], bytes],
        fault: CardFault,
        *,
        reset: Callable[[], None],
        wait: Callable[[int], object],
    ) -> None:
        self._transmit = transmit
        self._fault = fault
        self._reset = reset
        self._wait = wait
        self.commands = 0
        self._struck = 0

    def transmit(self, command: bytes) -> bytes:
        """Carry ``command`` to the card; raises CardAbsent, CardPulled, CardSilent or ReaderBroken when it cannot."""
        self.commands += 1
        if not self._strikes(command):
            return self._transmit(command)
        self._struck += 1
        kind = self._fault.kind
        if kind in _RAISED:
            if kind in {FaultKind.ABSENT, FaultKind.PULLED}:
                self._reset()
            raise _RAISED[kind]
        if kind is FaultKind.SLOW:
            self._wait(self._fault.seconds)
            return self._transmit(command)
        answer = self._transmit(command)
        return _tampered(answer) if kind is FaultKind.TAMPERED else _real(answer)

    def _strikes(self, command: bytes) -> bool:
        fault = self._fault
        if self.commands < fault.first or self._struck >= fault.times:
            return False
        reads = command[1:2] == bytes((INSTRUCTION["read_binary"],))
        return reads or fault.kind not in {FaultKind.TAMPERED, FaultKind.REAL}


def _tampered(answer: bytes) -> bytes:
    """Return ``answer`` with one bit changed in the middle of its data, if it has data."""
    middle = (len(answer) - _STATUS_BYTES) // 2
    if len(answer) <= _STATUS_BYTES:
        return answer
    return answer[:middle] + bytes((answer[middle] ^ 1,)) + answer[middle + 1 :]


def _real(answer: bytes) -> bytes:
    for test, real in _REAL:
        answer = answer.replace(test, real)
    return answer
