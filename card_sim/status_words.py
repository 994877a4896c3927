"""The status words of ISO 7816-4 that the cards answer, and the way a command is refused."""

from __future__ import annotations

from enum import IntEnum

from card_sim.vocabulary import STATUS

__all__ = ["Refusal", "StatusWord", "status_bytes"]


class StatusWord(IntEnum):
    """The two last bytes of every answer; three of them carry a count in their low digits."""

    OK = STATUS["ok"]
    MORE_DATA = STATUS["more_data"]
    END_OF_FILE = STATUS["end_of_file"]
    WRONG_PIN = STATUS["wrong_pin"]
    WRONG_LENGTH = STATUS["wrong_length"]
    LAST_OF_CHAIN_EXPECTED = STATUS["last_of_chain_expected"]
    SECURITY_NOT_SATISFIED = STATUS["security_not_satisfied"]
    PIN_BLOCKED = STATUS["pin_blocked"]
    CONDITIONS_NOT_SATISFIED = STATUS["conditions_not_satisfied"]
    NO_CURRENT_FILE = STATUS["no_current_file"]
    WRONG_DATA = STATUS["wrong_data"]
    FILE_NOT_FOUND = STATUS["file_not_found"]
    WRONG_PARAMETERS = STATUS["wrong_parameters"]
    REFERENCE_NOT_FOUND = STATUS["reference_not_found"]
    WRONG_OFFSET = STATUS["wrong_offset"]
    EXACT_LENGTH = STATUS["exact_length"]
    WRONG_INSTRUCTION = STATUS["wrong_instruction"]
    WRONG_CLASS = STATUS["wrong_class"]


def status_bytes(word: StatusWord, count: int = 0) -> bytes:
    """Return ``word`` as two bytes, with ``count`` in its low digits (256 is written 00, as ISO 7816-4 does)."""
    return (word | count & 0xFF).to_bytes(2, "big")


class Refusal(Exception):
    """A command is refused with a status word; it never leaves the card."""

    def __init__(self, word: StatusWord, count: int = 0) -> None:
        super().__init__(word, count)
        self.answer = status_bytes(word, count)
