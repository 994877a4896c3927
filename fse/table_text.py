"""
The text of a dated table: comma separated, one fact per line, a label on top.

The first line is ``# label: …``; further ``#`` lines are remarks; then the header, then the rows. A table holds as a
whole or not at all: an error names file, line and rule.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError

from fse.errors import FseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["IsoDay", "TableError", "TableVersion", "checked", "read_rows", "table_version"]

_LABEL = "# label: "
_LARGEST_CHARACTERS = 2_000_000

Row = TypeVar("Row", bound=BaseModel)


def _iso_day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
        message = "not written YYYY-MM-DD"
        raise ValueError(message)
    return value


IsoDay = Annotated[date, BeforeValidator(_iso_day)]
"""A day in a cell, written YYYY-MM-DD and no other way."""


def checked(check: Callable[[str], str]) -> AfterValidator:
    """Return what holds a cell against a check of ``fse.identifiers``; the cell is then wrong, not the program."""

    def validate(value: str) -> str:
        try:
            return check(value)
        except FseError as error:
            raise ValueError(error.rule.id) from None

    return AfterValidator(validate)


class TableError(FseError):
    """A table is refused; the facts name ``file`` and ``line`` (1 is the first line of the file)."""


@dataclass(frozen=True, slots=True)
class TableVersion:
    """Which table this is: its own label, and the SHA-256 (hexadecimal) of its text in UTF-8."""

    label: str
    digest: str


def table_version(text: str, file: str) -> TableVersion:
    """
    Return the label and digest of a table.

    :raises TableError: ``TABLE-SIZE`` when the text is too long, ``TABLE-LABEL`` when its first line is no label.
    """
    if len(text) > _LARGEST_CHARACTERS:
        raise TableError("TABLE-SIZE", file=file, line=1, limit=_LARGEST_CHARACTERS)
    label = text.partition("\n")[0].strip()
    if not label.startswith(_LABEL):
        raise TableError("TABLE-LABEL", file=file, line=1)
    return TableVersion(label.removeprefix(_LABEL), hashlib.sha256(text.encode()).hexdigest())


def _cells(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Give the cells of each line that holds some, with its number; a row never spans two lines."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("#") and line.strip():
            try:
                yield number, next(csv.reader([line], strict=True))
            except csv.Error:
                raise TableError("TABLE-LINE", file=file, line=number) from None


def read_rows(text: str, row: type[Row], file: str) -> Iterator[tuple[int, Row]]:
    """
    Give each row of the table with the number of its line, checked against the model ``row``; an empty cell is None.

    :raises TableError: ``TABLE-HEADER``, ``TABLE-LINE`` or ``TABLE-FIELD``.
    """
    columns = list(row.model_fields)
    lines = _cells(text, file)
    number, header = next(lines, (1, []))
    if header != columns:
        raise TableError("TABLE-HEADER", file=file, line=number, columns=",".join(columns))
    for number, cells in lines:
        if len(cells) != len(columns):
            raise TableError("TABLE-LINE", file=file, line=number)
        values = {column: cell or None for column, cell in zip(columns, cells, strict=True)}
        try:
            yield number, row.model_validate(values)
        except ValidationError as error:
            raise _field_error(error, row, file, number) from None


def _field_error(error: ValidationError, row: type[BaseModel], file: str, line: int) -> TableError:
    column = str(error.errors()[0]["loc"][0])
    expected = row.model_fields[column].description
    return TableError("TABLE-FIELD", file=file, line=line, column=column, expected=expected)
