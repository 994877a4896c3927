"""The file tree of a card, and where the host stands in it (ISO 7816-4 §7.1 and §11)."""

from __future__ import annotations

from dataclasses import dataclass

from card_sim.status_words import Refusal, StatusWord
from card_sim.tlv import encode, encode_all
from card_sim.vocabulary import APPLICATION, FILE, FILE_CONTROL, SHORT_FILE

__all__ = ["Application", "ElementaryFile", "FileTree", "card_files"]

_TRANSPARENT_FILE = b"\x01"
_DEDICATED_FILE = b"\x38"


@dataclass(frozen=True, slots=True)
class ElementaryFile:
    """A transparent file: bytes that anyone may read."""

    identifier: int
    short_identifier: int
    content: bytes

    def control(self) -> bytes:
        """Return the control information of the file: size, kind, identifiers."""
        return (
            encode(FILE_CONTROL["size"], len(self.content).to_bytes(2, "big"))
            + encode(FILE_CONTROL["descriptor"], _TRANSPARENT_FILE)
            + encode(FILE_CONTROL["identifier"], self.identifier.to_bytes(2, "big"))
            + encode(FILE_CONTROL["short_identifier"], bytes((self.short_identifier << 3,)))
        )


@dataclass(frozen=True, slots=True)
class Application:
    """A directory of the card with its name (AID) and its files; the master file has an empty name."""

    identifier: int
    name: bytes
    files: tuple[ElementaryFile, ...]

    def control(self) -> bytes:
        """Return the control information of the directory: kind, identifier, name."""
        name = encode(FILE_CONTROL["name"], self.name) if self.name else b""
        return (
            encode(FILE_CONTROL["descriptor"], _DEDICATED_FILE)
            + encode(FILE_CONTROL["identifier"], self.identifier.to_bytes(2, "big"))
            + name
        )


class FileTree:
    """A master file and one application, with the directory and the file that are current."""

    def __init__(self, master: Application, application: Application) -> None:
        self._master = master
        self._application = application
        self.reset()

    def reset(self) -> None:
        """Go back to the master file, as after power-on."""
        self._directory = self._master
        self._file: ElementaryFile | None = None

    def select_name(self, name: bytes) -> bytes:
        """Make the application called ``name`` current and return its control information; 6A82 when it is not here."""
        if name != self._application.name:
            raise Refusal(StatusWord.FILE_NOT_FOUND)
        return self._enter(self._application)

    def select_identifier(self, identifier: int) -> bytes:
        """Make a directory, or a file of the current directory, current; 6A82 when there is none."""
        for directory in (self._master, self._application):
            if identifier == directory.identifier:
                return self._enter(directory)
        for file in self._directory.files:
            if identifier == file.identifier:
                self._file = file
                return file.control()
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def select_short(self, short_identifier: int) -> ElementaryFile:
        """Make the file with this short identifier current and return it; 6A82 when there is none."""
        for file in self._directory.files:
            if short_identifier == file.short_identifier:
                self._file = file
                return file
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def current_file(self) -> ElementaryFile:
        """Return the file that was selected last; 6986 when there is none."""
        if self._file is None:
            raise Refusal(StatusWord.NO_CURRENT_FILE)
        return self._file

    def _enter(self, directory: Application) -> bytes:
        self._directory, self._file = directory, None
        return directory.control()


def card_files(family: str, label: str, data: bytes, certificate: bytes, issuer_certificate: bytes) -> FileTree:
    """Return the tree of a card of ``family``: EF.DIR in the master file, data and certificates in the application."""
    name = APPLICATION[family]
    directory = encode_all(
        FILE_CONTROL["application_template"],
        (
            encode(FILE_CONTROL["application_identifier"], name),
            encode(FILE_CONTROL["application_label"], label.encode("ascii")),
        ),
    )
    contents = {"data": data, "certificate": certificate, "issuer_certificate": issuer_certificate}
    files = tuple(ElementaryFile(FILE[key], SHORT_FILE[key], content) for key, content in contents.items())
    return FileTree(
        Application(FILE["master"], b"", (ElementaryFile(FILE["directory"], SHORT_FILE["directory"], directory),)),
        Application(FILE["application"], name, files),
    )
