"""The operating system of a card: one table of instructions, chained commands, answers in parts (ISO 7816-4)."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from card_sim.apdu import HEADER_BYTES, Answer, Command
from card_sim.data_commands import get_challenge, get_data, get_data_by_template
from card_sim.file_commands import read_binary, select
from card_sim.life import CardLife
from card_sim.pin_commands import change_reference_data, reset_retry_counter, verify
from card_sim.security_commands import internal_authenticate, manage_security_environment, perform_security_operation
from card_sim.status_words import Refusal, StatusWord, status_bytes
from card_sim.vocabulary import INSTRUCTION, LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from card_sim.session import Session

__all__ = ["SoftCard"]

_SHORT_ANSWER: Final = 256
_CHAINED: Final = 0x10  # class byte: more of this command follows
_GET_RESPONSE: Final = INSTRUCTION["get_response"]

_INSTRUCTIONS: Final[Mapping[int, Callable[[Session, Command], Answer]]] = MappingProxyType(
    {
        INSTRUCTION["select"]: select,
        INSTRUCTION["read_binary"]: read_binary,
        INSTRUCTION["get_data"]: get_data,
        INSTRUCTION["get_data_by_template"]: get_data_by_template,
        INSTRUCTION["get_challenge"]: get_challenge,
        INSTRUCTION["verify"]: verify,
        INSTRUCTION["change_reference_data"]: change_reference_data,
        INSTRUCTION["reset_retry_counter"]: reset_retry_counter,
        INSTRUCTION["manage_security_environment"]: manage_security_environment,
        INSTRUCTION["perform_security_operation"]: perform_security_operation,
        INSTRUCTION["internal_authenticate"]: internal_authenticate,
    }
)


class SoftCard:
    """
    A card in memory: bytes in, bytes out. ``atr`` is what it says at power-on, ``life`` where it stands for its issuer.

    One dialogue at a time: a card is not meant for several threads.
    """

    def __init__(self, session: Session, atr: bytes) -> None:
        self.atr = atr
        self.life = CardLife()
        self._session = session
        self._waiting = b""
        self._begun: Command | None = None

    def transmit(self, command: bytes) -> bytes:
        """Return the answer to ``command``: data, then two bytes of status. Any bytes get an answer."""
        try:
            return self._execute(command)
        except Refusal as refusal:
            return refusal.answer

    def reset(self) -> None:
        """Do what power-off and power-on do: the verified code is forgotten, the tries left are kept."""
        self._session.reset()
        self._waiting, self._begun = b"", None

    def _execute(self, raw: bytes) -> bytes:
        if len(raw) < HEADER_BYTES:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if raw[0] & ~_CHAINED:
            raise Refusal(StatusWord.WRONG_CLASS)
        if raw[1] not in _INSTRUCTIONS and raw[1] != _GET_RESPONSE:
            raise Refusal(StatusWord.WRONG_INSTRUCTION)
        part = Command.parse(raw)
        if part.instruction == _GET_RESPONSE:
            return self._get_response(part)
        self._waiting = b""
        command = self._joined(part)
        if raw[0] == _CHAINED:
            self._begun = command
            return status_bytes(StatusWord.OK)
        answer = _INSTRUCTIONS[command.instruction](self._session, command)
        return self._deliver(answer, command.expected)

    def _joined(self, part: Command) -> Command:
        """Return ``part`` behind what came before it in its chain; 6883 when it belongs to another command."""
        begun, self._begun = self._begun, None
        if begun is None:
            return part
        if (part.instruction, part.parameters) != (begun.instruction, begun.parameters):
            raise Refusal(StatusWord.LAST_OF_CHAIN_EXPECTED)
        whole = replace(part, data=begun.data + part.data)
        if len(whole.data) > LIMIT["chained_bytes"]:
            raise Refusal(StatusWord.WRONG_LENGTH)
        return whole

    def _deliver(self, answer: Answer, expected: int | None) -> bytes:
        data = answer.data
        if not data:
            return status_bytes(answer.status)
        if expected is None:
            # No Le: the answer waits for GET RESPONSE, as on a card that speaks T=0.
            self._waiting = data
            return status_bytes(StatusWord.MORE_DATA, min(len(data), _SHORT_ANSWER))
        if expected < min(len(data), _SHORT_ANSWER):
            raise Refusal(StatusWord.EXACT_LENGTH, min(len(data), _SHORT_ANSWER))
        if expected < len(data):
            self._waiting = data[expected:]
            return data[:expected] + status_bytes(StatusWord.MORE_DATA, min(len(self._waiting), _SHORT_ANSWER))
        return data + status_bytes(answer.status)

    def _get_response(self, command: Command) -> bytes:
        if command.expected is None or command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if command.parameters:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        if not self._waiting:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        if command.expected < min(len(self._waiting), _SHORT_ANSWER):
            raise Refusal(StatusWord.EXACT_LENGTH, min(len(self._waiting), _SHORT_ANSWER))
        waiting, self._waiting = self._waiting, b""
        return self._deliver(Answer(waiting), command.expected)
