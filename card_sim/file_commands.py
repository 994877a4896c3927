"""The commands that move in the file tree and read it: SELECT and READ BINARY (ISO 7816-4 §11.2 and §11.3)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from card_sim.apdu import Answer
from card_sim.files import Directory, ElementaryFile
from card_sim.status_words import Refusal, StatusWord
from card_sim.tlv import encode
from card_sim.vocabulary import FILE, FILE_CONTROL, PARAMETER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from card_sim.apdu import Command
    from card_sim.files import File, FileTree
    from card_sim.session import Session

__all__ = ["read_binary", "select"]

_IDENTIFIER_BYTES = 2
_AS_MUCH_AS_THERE_IS = {0x100, 0x10000}
_BY_SHORT_IDENTIFIER = 0x80
_SHORT_IDENTIFIERS = range(1, 31)
_TEMPLATES = {
    PARAMETER["select_returns_fci"]: FILE_CONTROL["fci"],
    PARAMETER["select_returns_fcp"]: FILE_CONTROL["fcp"],
}


def select(session: Session, command: Command) -> Answer:
    """Make a directory (by name, identifier or path) or a file current, and tell about it when P2 asks."""
    find = _FINDERS.get(command.p1)
    if find is None or command.p2 not in {PARAMETER["select_returns_nothing"], *_TEMPLATES}:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    found, own_answer = find(session.files, command.data)
    if command.p2 == PARAMETER["select_returns_nothing"]:
        return Answer()
    if own_answer is not None:
        return Answer(own_answer)
    return Answer(encode(_TEMPLATES[command.p2], found.control()))


def read_binary(session: Session, command: Command) -> Answer:
    """Return bytes of the current file, or of the one whose short identifier is in P1, from an offset on."""
    if command.expected is None or command.data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    if command.p1 & _BY_SHORT_IDENTIFIER:
        short_identifier, offset = command.p1 ^ _BY_SHORT_IDENTIFIER, command.p2
        if short_identifier not in _SHORT_IDENTIFIERS:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        file = session.files.select_short(short_identifier)
    else:
        offset = command.parameters
        file = session.files.current_file()
    if file.needs_pin:
        session.require_pin()
    if offset >= len(file.content):
        raise Refusal(StatusWord.WRONG_OFFSET)
    data = file.content[offset : offset + command.expected]
    # Le at its maximum means «as much as there is»; any other that goes beyond the end gets a warning.
    if len(data) < command.expected and command.expected not in _AS_MUCH_AS_THERE_IS:
        return Answer(data, StatusWord.END_OF_FILE)
    return Answer(data)


def _identifiers(data: bytes) -> list[int]:
    if len(data) % _IDENTIFIER_BYTES:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return [int.from_bytes(data[at : at + _IDENTIFIER_BYTES], "big") for at in range(0, len(data), _IDENTIFIER_BYTES)]


def _one_identifier(data: bytes) -> int:
    if len(data) != _IDENTIFIER_BYTES:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return int.from_bytes(data, "big")


def _by_identifier(files: FileTree, data: bytes) -> tuple[File, None]:
    return files.select_identifier(_one_identifier(data) if data else FILE["master"]), None


def _directory_here(files: FileTree, data: bytes) -> tuple[File, None]:
    return files.select_here(_one_identifier(data), Directory), None


def _file_here(files: FileTree, data: bytes) -> tuple[File, None]:
    identifier = _one_identifier(data)
    if identifier == FILE["master"]:
        return files.select_master(), None  # OpenSC's driver for IAS-ECC goes to the master file in this way
    return files.select_here(identifier, ElementaryFile), None


def _parent(files: FileTree, data: bytes) -> tuple[File, None]:
    if data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return files.select_parent(), None


def _by_path(files: FileTree, data: bytes, *, from_master: bool) -> tuple[File, None]:
    path = _identifiers(data)
    if not path:
        raise Refusal(StatusWord.WRONG_LENGTH)
    if path[0] == FILE["master"]:
        return files.select_path(path[1:], from_master=True), None
    return files.select_path(path, from_master=from_master), None


def _path_from_master(files: FileTree, data: bytes) -> tuple[File, None]:
    return _by_path(files, data, from_master=True)


def _path_from_here(files: FileTree, data: bytes) -> tuple[File, None]:
    return _by_path(files, data, from_master=False)


_FINDERS: Mapping[int, Callable[[FileTree, bytes], tuple[File, bytes | None]]] = MappingProxyType(
    {
        PARAMETER["select_by_identifier"]: _by_identifier,
        PARAMETER["select_directory"]: _directory_here,
        PARAMETER["select_file"]: _file_here,
        PARAMETER["select_parent"]: _parent,
        PARAMETER["select_by_name"]: lambda files, data: files.select_name(data),
        PARAMETER["select_path_from_master"]: _path_from_master,
        PARAMETER["select_path_from_here"]: _path_from_here,
    }
)
