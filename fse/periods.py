"""Lines of a table that hold from a day to a day: neither two at once, nor a hole between two."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Protocol, TypeVar

from fse.table_text import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

__all__ = ["Dated", "check_periods", "in_force"]

_NEXT_DAY = timedelta(days=1)


class Dated(Protocol):
    """A line with a period; both days belong to it, no last day means that none was read."""

    @property
    def valid_from(self) -> date:
        """The first day."""

    @property
    def valid_to(self) -> date | None:
        """The last day, None when none was read."""


_Line = TypeVar("_Line", bound=Dated)


def in_force(line: Dated, on: date) -> bool:
    """Tell whether ``line`` holds on the day ``on``."""
    return line.valid_from <= on and (line.valid_to is None or on <= line.valid_to)


def check_periods(rows: Iterable[tuple[int, _Line]], file: str, key: Callable[[_Line], str]) -> None:
    """
    Hold the lines of each ``key`` against each other.

    Raises :class:`fse.table_text.TableError`: TABLE-DATES (a period that ends before it begins), TABLE-OVERLAP,
    TABLE-GAP (a day between two lines that neither holds), with the line.
    """
    ordered = sorted(rows, key=lambda row: (key(row[1]), row[1].valid_from, row[0]))
    for number, line in ordered:
        if line.valid_to is not None and line.valid_to < line.valid_from:
            raise TableError("TABLE-DATES", file=file, line=number)
    for code, group in groupby(ordered, key=lambda row: key(row[1])):
        for (number, line), (following, other) in pairwise(group):
            if in_force(line, other.valid_from):
                first, last = sorted((number, following))
                raise TableError("TABLE-OVERLAP", file=file, line=last, code=code, other_line=first)
            if line.valid_to is not None and line.valid_to + _NEXT_DAY < other.valid_from:
                raise TableError("TABLE-GAP", file=file, line=following, code=code, day=line.valid_to + _NEXT_DAY)
