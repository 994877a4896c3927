"""Rows held against what their events say of them: none changed behind the code, none put in, none gone unpurged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.errors import GatewayError
from gateway.journal import tables
from gateway.journal.chain import Subject, chain_name, chain_of, commitment
from gateway.journal.transaction import BIRTH, birth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Row, Table

    from gateway.journal.transaction import Transaction

__all__ = ["check_rows"]

_TABLES: dict[Subject, Table] = {
    Subject.SHEET: tables.sheets,
    Subject.LOT: tables.lots,
    Subject.PAPER: tables.papers,
    Subject.SUBMISSION: tables.submissions,
    Subject.RETURN: tables.returns,
}
_AT_A_TIME = 500
_ANSWER = "answer "


def check_rows(tx: Transaction) -> tuple[list[GatewayError], int]:
    """Return what is found of the rows of sheets, lots, papers and submissions, and how many were looked at."""
    findings: list[GatewayError] = []
    count = 0
    for subject, table in _TABLES.items():
        last = max(tx.highest(table), tx.highest_in_chains(subject))
        counter = subject.name.lower()
        if tx.last_number(counter) < last:
            findings.append(GatewayError("JOURNAL-COUNTER", counter=counter, given=tx.last_number(counter), found=last))
        for first in range(1, last + 1, _AT_A_TIME):
            rows = {row.number: row for row in tx.rows_between(table, first, first + _AT_A_TIME - 1)}
            count += len(rows)
            findings += _findings(tx, subject, first, rows)
    return findings, count


def _findings(tx: Transaction, subject: Subject, first: int, rows: dict[int, Row[Any]]) -> Iterator[GatewayError]:
    said: dict[int, dict[str, str]] = {}
    purged: set[int] = set()
    chains = chain_of(subject, first), chain_of(subject, first + _AT_A_TIME - 1)
    for entry in tx.chained_events(*chains):
        number = entry.chain - chain_of(subject)
        said.setdefault(number, {}).update(_object(entry.content))
        if entry.name == "purge":
            purged.add(number)
    for number in sorted(said.keys() | rows.keys()):
        name, row = chain_name(chain_of(subject, number)), rows.get(number)
        if row is None:
            if number not in purged:
                yield GatewayError("JOURNAL-ROW-GONE", chain=name)
        elif number not in said or number in purged:
            yield GatewayError("JOURNAL-ROW-STRANGE", chain=name)
        else:
            wrong = [column for column, digest in said[number].items() if _digest(tx, subject, row, column) != digest]
            wrong += _beside_the_record(row)
            if wrong:
                yield GatewayError("JOURNAL-ROW", chain=name, columns=", ".join(sorted(wrong)))


def _beside_the_record(row: Row[Any]) -> list[str]:
    """Return the columns that one searches by and that do not say what the record says."""
    if not hasattr(row, "record"):
        return []
    record = _object(row.record)
    wrong = ["state"] if row.state != record.get("state") else []
    if hasattr(row, "lot") and str(row.lot or "").zfill(6) != str(record.get("lot") or "").zfill(6):
        wrong.append("lot")
    return wrong


def _object(text: str) -> dict[str, str]:
    """Return a JSON object; nothing for what is none, which its chain or its digest tells anyway."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _digest(tx: Transaction, subject: Subject, row: Row[Any], column: str) -> str:
    """Return what an event would say of the ``column`` of ``row`` as it stands."""
    if column == "birth":
        values = {name: getattr(row, name) for name in BIRTH[subject]}
        return commitment(row.salt or b"", column, birth(values, subject).encode())
    rank = column.removeprefix(_ANSWER)
    value = tx.answer(int(rank)) if rank != column and rank.isdecimal() else getattr(row, column, None)
    if value is None:
        return ""
    return commitment(row.salt or b"", column, value.encode() if isinstance(value, str) else value)
