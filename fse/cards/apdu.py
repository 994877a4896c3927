"""Commands and responses of ISO 7816-4, short lengths, over whatever carries the bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fse.cards.errors import CardDataInvalid, CardError, CardMute, UnexpectedStatus
from fse.cards.vocabulary import INSTRUCTION, STATUS

if TYPE_CHECKING:
    from fse.cards.errors import CardName

__all__ = ["Command", "Dialogue", "Response", "Transmit"]

Transmit = Callable[[bytes], bytes]
"""Carries one command to the card and returns its response, data and status word, as bytes."""

_LARGEST_ANSWER = 256
_STATUS_BYTES = 2
_HIGH_BYTE = 0xFF00


@dataclass(frozen=True, slots=True)
class Command:
    """
    One command; ``parameters`` is P1 and P2 as one number.

    ``expected`` is the greatest number of bytes to be answered (1 to 256), None for none. The data, which may be a PIN,
    never show in the representation.
    """

    name: str
    parameters: int
    data: bytes = b""
    expected: int | None = None

    def encode(self) -> bytes:
        """Return the bytes of the command."""
        header = bytes((0, INSTRUCTION[self.name], self.parameters >> 8, self.parameters & 0xFF))
        body = bytes((len(self.data),)) + self.data if self.data else b""
        return header + body + (b"" if self.expected is None else bytes((self.expected % _LARGEST_ANSWER,)))

    def __repr__(self) -> str:
        return f"Command({self.name} {self.parameters:04X}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Response:
    """What the card answered: data, and the status word."""

    data: bytes
    sw: int


class Dialogue:
    """Commands to one card, one after the other; nothing that the card answers is believed before it was looked at."""

    def __init__(self, transmit: Transmit, card: CardName) -> None:
        self._transmit = transmit
        self.card: CardName = card

    def exchange(self, command: Command) -> Response:
        """
        Return the response to ``command``, after GET RESPONSE (61xx) or once more with the right Le (6Cxx).

        :raises CardMute: when the transport fails or the answer has no status word.
        :raises CardDataInvalid: when the answer is longer than what was asked, or announces more and brings nothing.
        """
        response = self._once(command)
        if response.sw & _HIGH_BYTE == STATUS["exact_length"]:
            response = self._once(replace(command, expected=_count(response.sw)))
        collected = response.data
        while response.sw & _HIGH_BYTE == STATUS["more_data"]:
            response = self._once(Command("get_response", 0, expected=_count(response.sw)))
            collected += response.data
            if not response.data or len(collected) > _LARGEST_ANSWER:
                raise CardDataInvalid(self.card, command.name, "size")
        return Response(collected, response.sw)

    def expect_ok(self, command: Command) -> bytes:
        """Return the data of the response to ``command``; UnexpectedStatus when its status word is not 9000."""
        response = self.exchange(command)
        if response.sw != STATUS["ok"]:
            raise self.refused(command, response)
        return response.data

    def refused(self, command: Command, response: Response) -> UnexpectedStatus:
        """Return the error that says that the card refused ``command``."""
        return UnexpectedStatus(self.card, command.name.replace("_", " ").upper(), response.sw)

    def _once(self, command: Command) -> Response:
        try:
            answer = self._transmit(command.encode())
        except CardError:
            raise
        except Exception as error:  # noqa: BLE001 - the transport is handed in: its errors are not known here
            # Without the cause: what the transport says may hold the command, hence a PIN.
            raise CardMute(self.card, type(error).__name__) from None
        if len(answer) < _STATUS_BYTES:
            raise CardMute(self.card, "no-status-word")
        data, status = answer[:-_STATUS_BYTES], answer[-_STATUS_BYTES:]
        if len(data) > (command.expected or 0):
            raise CardDataInvalid(self.card, command.name, "size")
        return Response(data, int.from_bytes(status, "big"))


def _count(sw: int) -> int:
    return sw & 0xFF or _LARGEST_ANSWER
