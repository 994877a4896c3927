"""What every command shares: consoles, language, reading a bounded file, words for dates and amounts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from fse.sealed_file import MAX_FILE_BYTES, FileError

if TYPE_CHECKING:
    from datetime import date

    from fse.rules import Language

__all__ = [
    "LanguageOption",
    "console",
    "day_text",
    "errors",
    "euros",
    "language",
    "plain",
    "read_file",
    "say",
    "write_file",
]

_WIDE = 150
"""Columns where there is no terminal to ask: a log, a file."""

console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE, emoji=False)
errors = Console(stderr=True, emoji=False)

_WEEKDAYS = {
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_LANGUAGES_KNOWN = "fr | en"
_chosen: list[Language] = ["fr"]


def _choose(value: str) -> str:
    if value not in {"fr", "en"}:
        raise typer.BadParameter(_LANGUAGES_KNOWN)
    _chosen[0] = "en" if value == "en" else "fr"
    return value


LanguageOption = Annotated[str, typer.Option("--lang", callback=_choose, is_eager=True, help="fr (défaut) ou en")]


def language() -> Language:
    """Return the language that the command was asked to speak."""
    return _chosen[0]


def say(fr: str, en: str) -> str:
    """Return the sentence in the language of the command."""
    return fr if language() == "fr" else en


def day_text(day: date) -> str:
    """Return a day as people write it: ven. 14/03/2025."""
    return f"{_WEEKDAYS[language()][day.weekday()]} {day:%d/%m/%Y}"


def euros(cents: int) -> str:
    """Return an amount of ``cents`` in euros."""
    return f"{cents // 100},{cents % 100:02d} €" if language() == "fr" else f"€{cents // 100}.{cents % 100:02d}"


def plain(text: str) -> Text:
    """Return ``text``, which may come from anybody, as it is: no markup, no control character for the terminal."""
    return Text("".join(letter for letter in text if letter.isprintable()))


def read_file(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of ``path``; raises :class:`fse.sealed_file.FileError` (FILE-SIZE) beyond ``limit``."""
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise FileError("FILE-SIZE", limit=limit)
    return data


def write_file(path: Path, data: bytes) -> None:
    """Write ``path`` as a whole: beside, then renamed, so that nothing is ever half-written."""
    beside = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            beside = Path(file.name)
            file.write(data)
        beside.replace(path)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
