"""The commands that move in the file tree and read it: SELECT and READ BINARY (ISO 7816-4 §11.2 and §11.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from card_sim.apdu import Answer
from card_sim.status_words import Refusal, StatusWord
from card_sim.tlv import encode
from card_sim.vocabulary import FILE, FILE_CONTROL, PARAMETER

if TYPE_CHECKING:
    from collections.abc import Callable

    from card_sim.apdu import Command
    from card_sim.files import FileTree

__all__ = ["read_binary", "select"]

_FILE_IDENTIFIER_BYTES = 2
_AS_MUCH_AS_THERE_IS = {0x100, 0x10000}
_BY_SHORT_IDENTIFIER = 0x80
_SHORT_IDENTIFIERS = range(1, 31)
_TEMPLATES = {
    PARAMETER["select_returns_fci"]: FILE_CONTROL["fci"],
    PARAMETER["select_returns_fcp"]: FILE_CONTROL["fcp"],
}


def select(files: FileTree, command: Command) -> Answer:
    """Make an application (by its name) or a file (by its identifier) current, and tell about it when P2 asks."""
    find: Callable[[bytes], bytes]
    if command.p1 == PARAMETER["select_by_name"]:
        find = files.select_name
    elif command.p1 == PARAMETER["select_by_identifier"]:
        find = _by_identifier(files)
    else:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    if command.p2 == PARAMETER["select_returns_nothing"]:
        find(command.data)
        return Answer()
    if command.p2 not in _TEMPLATES:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    return Answer(encode(_TEMPLATES[command.p2], find(command.data)))


def read_binary(files: FileTree, command: Command) -> Answer:
    """Return bytes of the current file, or of the one whose short identifier is in P1, from an offset on."""
    if command.expected is None or command.data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    if command.p1 & _BY_SHORT_IDENTIFIER:
        short_identifier, offset = command.p1 ^ _BY_SHORT_IDENTIFIER, command.p2
        if short_identifier not in _SHORT_IDENTIFIERS:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        content = files.select_short(short_identifier).content
    else:
        offset = command.parameters
        content = files.current_file().content
    if offset >= len(content):
        raise Refusal(StatusWord.WRONG_OFFSET)
    data = content[offset : offset + command.expected]
    # Le at its maximum means «as much as there is»; any other that goes beyond the end gets a warning.
    if len(data) < command.expected and command.expected not in _AS_MUCH_AS_THERE_IS:
        return Answer(data, StatusWord.END_OF_FILE)
    return Answer(data)


def _by_identifier(files: FileTree) -> Callable[[bytes], bytes]:
    def find(data: bytes) -> bytes:
        if len(data) not in {0, _FILE_IDENTIFIER_BYTES}:
            raise Refusal(StatusWord.WRONG_LENGTH)
        return files.select_identifier(int.from_bytes(data, "big") if data else FILE["master"])

    return find
