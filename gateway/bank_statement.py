"""
The statement of the account, as a bank exports it: CSV in UTF-8 with ``;``: date, reference, label, amount.

Amounts are written ``1234,56``; a debit has a minus. The layout is ours: banks have as many as there are banks.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["MAX_STATEMENT_BYTES", "StatementLine", "read_statement"]

MAX_STATEMENT_BYTES = 2_000_000
"""Largest statement that is read, in bytes."""

_COLUMNS = ["date", "reference", "libelle", "montant"]
_AMOUNT = re.compile(r"(-?)([0-9]{1,10}),([0-9]{2})")


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line: the day, the reference of the transfer, the label, the amount in cents (negative: a debit)."""

    on: date
    reference: str
    label: str
    cents: int

    @property
    def name(self) -> str:
        """How the journal names it."""
        return f"{self.on.isoformat()} {self.reference}"[:80]

    def third_party(self, names: Collection[str]) -> bool:
        """Tell whether the label is that of a third party, whose money is never ours (PAY-11)."""
        label = self.label.casefold()
        return any(name.casefold() in label for name in names)


def read_statement(data: bytes) -> tuple[StatementLine, ...]:
    """
    Return the lines of a statement.

    Raises :class:`gateway.errors.GatewayError` (STATEMENT-LINE) with the number of the first line that is wrong.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise GatewayError("STATEMENT-LINE", line=1, column="UTF-8") from None
    rows = csv.reader(StringIO(text, newline=""), delimiter=";", strict=True)
    found = []
    try:
        for row in rows:
            if rows.line_num == 1:
                if row != _COLUMNS:
                    raise GatewayError("STATEMENT-LINE", line=1, column=";".join(_COLUMNS))
                continue
            if row:
                found.append(_line(row, rows.line_num))
    except csv.Error:
        raise GatewayError("STATEMENT-LINE", line=rows.line_num, column="CSV") from None
    return tuple(found)


def _line(row: list[str], number: int) -> StatementLine:
    if len(row) != len(_COLUMNS):
        raise GatewayError("STATEMENT-LINE", line=number, column=";".join(_COLUMNS))
    day, reference, label, amount = row
    cents = _AMOUNT.fullmatch(amount)
    if cents is None:
        raise GatewayError("STATEMENT-LINE", line=number, column="montant")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise GatewayError("STATEMENT-LINE", line=number, column="date") from None
    value = int(cents[2]) * 100 + int(cents[3])
    return StatementLine(on, reference.strip(), label, -value if cents[1] else value)
