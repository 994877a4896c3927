"""A set of tables in a folder: read as a whole, or refused with the file and the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.table_text import TableError
from fse.tables import Tables

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_tables"]

_MAX_BYTES = 4_000_000


def read_tables(folder: Path) -> Tables:
    """Return the tables in ``folder``; raises :class:`fse.table_text.TableError`, TABLE-MISSING among its rules."""

    def text_of(name: str) -> str:
        try:
            with (folder / name).open("rb") as file:
                return file.read(_MAX_BYTES).decode()
        except (OSError, UnicodeDecodeError):
            raise TableError("TABLE-MISSING", file=name, line=1) from None

    return Tables.read(text_of)
