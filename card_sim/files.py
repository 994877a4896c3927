"""The file tree of a card, and where the host stands in it (ISO 7816-4 §7.1 and §11)."""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING

from card_sim.status_words import Refusal, StatusWord
from card_sim.tlv import encode
from card_sim.vocabulary import FILE_CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Directory", "ElementaryFile", "File", "FileTree", "Name"]

_TRANSPARENT_FILE = b"\x01"
_DEDICATED_FILE = b"\x38"


@dataclass(frozen=True, slots=True)
class ElementaryFile:
    """
    A transparent file: bytes to read, once the PIN was verified when ``needs_pin``.

    ``short_identifier`` is 1 to 30, None for a file that has none. ``access`` are security attributes (compact form,
    ISO 7816-4 §9.3.3) for the control information; none are told when it is empty.
    """

    identifier: int
    short_identifier: int | None
    content: bytes
    needs_pin: bool = False
    access: bytes = b""

    def control(self) -> bytes:
        """Return the control information of the file: size, kind, identifiers."""
        short = b"" if self.short_identifier is None else bytes((self.short_identifier << 3,))
        return (
            encode(FILE_CONTROL["size"], len(self.content).to_bytes(2, "big"))
            + encode(FILE_CONTROL["descriptor"], _TRANSPARENT_FILE)
            + encode(FILE_CONTROL["identifier"], self.identifier.to_bytes(2, "big"))
            + (encode(FILE_CONTROL["short_identifier"], short) if short else b"")
            + _access(self.access)
        )


@dataclass(frozen=True, slots=True)
class Name:
    """A name (AID) of a directory; ``answer`` is what a SELECT by it gives when that is not control information."""

    value: bytes
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of the card with its files and directories; the first of its names, if any, is its own."""

    identifier: int
    names: tuple[Name, ...]
    files: tuple[File, ...]
    access: bytes = b""

    def control(self) -> bytes:
        """Return the control information of the directory: kind, identifier, name."""
        own = self.names[0] if self.names else None
        return (
            encode(FILE_CONTROL["descriptor"], _DEDICATED_FILE)
            + encode(FILE_CONTROL["identifier"], self.identifier.to_bytes(2, "big"))
            + (encode(FILE_CONTROL["name"], own.value) if own and own.answer is None else b"")
            + _access(self.access)
        )


File = ElementaryFile | Directory
_Kind = type[ElementaryFile] | type[Directory] | UnionType


class FileTree:
    """The master file and all below it, with the directory and the file that are current."""

    def __init__(self, master: Directory) -> None:
        self._master = master
        self.reset()

    def reset(self) -> None:
        """Go back to the master file, as after power-on."""
        self._way: tuple[Directory, ...] = (self._master,)
        self._file: ElementaryFile | None = None

    def select_name(self, name: bytes) -> tuple[File, bytes | None]:
        """Make the directory called ``name`` current; return it and its own answer. 6A82 when it is not here."""
        for way in _ways((self._master,)):
            for known in way[-1].names:
                if known.value == name:
                    self._way, self._file = way, None
                    return way[-1], known.answer
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def select_identifier(self, identifier: int) -> File:
        """
        Make current the master file, a file or directory here, the parent, or one beside (ISO 7816-4 §7.3.1).

        Nearest first; 6A82 when there is none.
        """
        if identifier == self._master.identifier:
            return self.select_master()
        for position in range(len(self._way), 0, -1):
            way = self._way[:position]
            if len(way) > 1 and way[-1].identifier == identifier:
                return self._enter(way)
            # An elementary file is looked for in the current directory only.
            for file in way[-1].files:
                if file.identifier == identifier and (way == self._way or isinstance(file, Directory)):
                    return self._enter((*way, file))
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def select_master(self) -> File:
        """Make the master file current."""
        return self._enter((self._master,))

    def select_parent(self) -> File:
        """Make the directory above current; 6A82 at the top."""
        if len(self._way) == 1:
            raise Refusal(StatusWord.FILE_NOT_FOUND)
        return self._enter(self._way[:-1])

    def select_path(self, path: Sequence[int], *, from_master: bool) -> File:
        """Make current what the identifiers of ``path`` lead to; where the host stood stays when it leads nowhere."""
        way: tuple[File, ...] = (self._master,) if from_master else self._way
        for identifier in path:
            way = (*way, _child(way[-1], identifier, File))
        return self._enter(way)

    def select_here(self, identifier: int, kind: _Kind) -> File:
        """Make current the file or directory (``kind``) of the current directory; 6A82 when there is none."""
        return self._enter((*self._way, _child(self._way[-1], identifier, kind)))

    def select_short(self, short_identifier: int) -> ElementaryFile:
        """Make the file with this short identifier current and return it; 6A82 when there is none."""
        for file in self._way[-1].files:
            if isinstance(file, ElementaryFile) and file.short_identifier == short_identifier:
                self._file = file
                return file
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def current_file(self) -> ElementaryFile:
        """Return the file that was selected last; 6986 when there is none."""
        if self._file is None:
            raise Refusal(StatusWord.NO_CURRENT_FILE)
        return self._file

    def _enter(self, way: Sequence[File]) -> File:
        self._way = tuple(step for step in way if isinstance(step, Directory))
        last = way[-1]
        self._file = last if isinstance(last, ElementaryFile) else None
        return last


def _access(attributes: bytes) -> bytes:
    return encode(FILE_CONTROL["access"], encode(FILE_CONTROL["compact_access"], attributes)) if attributes else b""


def _child(parent: File, identifier: int, kind: _Kind) -> File:
    if isinstance(parent, Directory):
        for file in parent.files:
            if file.identifier == identifier and isinstance(file, kind):
                return file
    raise Refusal(StatusWord.FILE_NOT_FOUND)


def _ways(way: tuple[Directory, ...]) -> list[tuple[Directory, ...]]:
    """Return the way to every directory, from the top."""
    below = [(*way, file) for file in way[-1].files if isinstance(file, Directory)]
    return [way, *(found for one in below for found in _ways(one))]
