"""The operating system of a card: one table of instructions (ISO 7816-4, ISO 7816-8)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from card_sim.apdu import HEADER_BYTES, Answer, Command
from card_sim.file_commands import read_binary, select
from card_sim.signature import SignatureEnvironment
from card_sim.status_words import Refusal, StatusWord, status_bytes
from card_sim.vocabulary import INSTRUCTION, PARAMETER, PIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from card_sim.files import FileTree
    from card_sim.pin import Pin
    from card_sim.randomness import ByteStream
    from card_sim.signature import SignatureKey

__all__ = ["SoftCard"]

_SHORT_ANSWER = 256


class SoftCard:
    """
    A card in memory: bytes in, bytes out.

    ``pin`` is None on a card that asks for none. One dialogue at a time: a card is not meant for several threads.
    """

    def __init__(
        self, *, files: FileTree, serial: str, key: SignatureKey, pin: Pin | None, challenges: ByteStream
    ) -> None:
        self._files = files
        self._serial = serial.encode("ascii")
        self._pin = pin
        self._challenges = challenges
        self._environment = SignatureEnvironment(key)
        self._waiting = b""
        self._instructions: dict[int, Callable[[Command], Answer]] = {
            INSTRUCTION["select"]: partial(select, files),
            INSTRUCTION["read_binary"]: partial(read_binary, files),
            INSTRUCTION["get_data"]: self._get_data,
            INSTRUCTION["get_challenge"]: self._get_challenge,
            INSTRUCTION["get_response"]: self._get_response,
            INSTRUCTION["manage_security_environment"]: self._set_environment,
            INSTRUCTION["perform_security_operation"]: self._compute_signature,
        }
        if pin is not None:
            self._instructions[INSTRUCTION["verify"]] = partial(self._verify, pin)

    def transmit(self, command: bytes) -> bytes:
        """Return the answer to ``command``: data, then two bytes of status. Any bytes get an answer."""
        try:
            return self._execute(command)
        except Refusal as refusal:
            return refusal.answer

    def reset(self) -> None:
        """Do what power-off and power-on do: the verified code is forgotten, the tries left are kept."""
        self._files.reset()
        self._environment.reset()
        self._waiting = b""
        if self._pin is not None:
            self._pin.reset()

    def _execute(self, raw: bytes) -> bytes:
        if len(raw) < HEADER_BYTES:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if raw[0]:
            raise Refusal(StatusWord.WRONG_CLASS)
        handler = self._instructions.get(raw[1])
        if handler is None:
            raise Refusal(StatusWord.WRONG_INSTRUCTION)
        command = Command.parse(raw)
        if handler != self._get_response:
            self._waiting = b""
        return self._deliver(handler(command), command.expected)

    def _deliver(self, answer: Answer, expected: int | None) -> bytes:
        if not answer.data:
            return status_bytes(answer.status)
        if expected is None:
            # No Le: the answer waits for GET RESPONSE, as on a card that speaks T=0.
            self._waiting = answer.data
            return status_bytes(StatusWord.MORE_DATA, min(len(answer.data), _SHORT_ANSWER))
        if expected < len(answer.data):
            raise Refusal(StatusWord.EXACT_LENGTH, len(answer.data))
        return answer.data + status_bytes(answer.status)

    def _get_data(self, command: Command) -> Answer:
        if command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if command.parameters != PARAMETER["serial_number"]:
            raise Refusal(StatusWord.REFERENCE_NOT_FOUND)
        return Answer(self._serial)

    def _get_challenge(self, command: Command) -> Answer:
        if command.expected is None or command.expected > _SHORT_ANSWER or command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if command.parameters:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        return Answer(self._challenges.read(command.expected))

    def _get_response(self, command: Command) -> Answer:
        if command.expected is None or command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if command.parameters:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        if not self._waiting:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        if command.expected < len(self._waiting):
            raise Refusal(StatusWord.EXACT_LENGTH, len(self._waiting))
        data, self._waiting = self._waiting, b""
        return Answer(data)

    @staticmethod
    def _verify(pin: Pin, command: Command) -> Answer:
        if command.p1:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        if command.p2 != PIN["reference"]:
            raise Refusal(StatusWord.REFERENCE_NOT_FOUND)
        if command.data:
            pin.verify(command.data)
        else:
            pin.ask()
        return Answer()

    def _set_environment(self, command: Command) -> Answer:
        if command.parameters != PARAMETER["set_signature_template"]:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        self._environment.set(command.data)
        return Answer()

    def _compute_signature(self, command: Command) -> Answer:
        if command.parameters != PARAMETER["compute_signature"]:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        self._environment.require()
        if self._pin is not None and not self._pin.verified:
            raise Refusal(StatusWord.SECURITY_NOT_SATISFIED)
        if not command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        return Answer(self._environment.key.sign(command.data))
