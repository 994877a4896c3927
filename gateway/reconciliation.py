"""
What is owed, paid and arrived, held against each other: sheet, return line, transfer, bank statement, budget heading.

The caisse pays within the month after it has received what it pays on (convention 2023-212, art. 16): a secured sheet
from its acknowledgement, a degraded one from the later of its two halves (protocol art. 6; our reading A23: the same
day of the next month). What fits nothing on the other side is listed, never dropped; money of a third party is kept
apart. Amounts in cents, AMO part.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from fse.deadlines import paris_date
from fse.lifecycle import SHEETS, PaperKind, SheetEvent, SheetMode, SheetState
from fse.sheet_xml import read_sheet
from gateway.journal import tables
from gateway.journal.rows import instant
from gateway.movements import move_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.bank_statement import StatementLine
    from gateway.journal import Journal, ReturnLine, StoredReturn, StoredSheet, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["Awaited", "Reconciliation", "a_month_after", "match_statement", "reconcile"]

_AWAITED = (SheetState.ACKNOWLEDGED, SheetState.DEFERRED)
_WITH_PAPER = PaperKind.TWIN


@dataclass(frozen=True, slots=True)
class Awaited:
    """A sheet whose payment is awaited; ``due`` is None while its paper half has not been received."""

    sheet: int
    organism: str
    asked_cents: int
    due: date | None
    excused: bool

    def is_overdue(self, today: date) -> bool:
        """Tell whether the month is over; force majeure is an exception that was recorded (art. 16)."""
        return self.due is not None and self.due < today and not self.excused


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """
    Where the money stands on the day ``on``.

    ``unmatched`` are lines of returns that fit no sheet of ours, ``not_arrived`` returns whose transfer no statement
    has shown yet, ``strange`` lines of the statement that no return announces, ``apart`` those of third parties.
    ``headings`` are the cents paid by budget heading.
    """

    on: date
    awaited: tuple[Awaited, ...]
    unmatched: tuple[ReturnLine, ...]
    not_arrived: tuple[StoredReturn, ...]
    strange: tuple[StatementLine, ...]
    apart: tuple[StatementLine, ...]
    headings: Mapping[str, int]

    @property
    def overdue(self) -> tuple[Awaited, ...]:
        """What should have been paid by now."""
        return tuple(one for one in self.awaited if one.is_overdue(self.on))

    @property
    def awaited_cents(self) -> int:
        """The AMO part that is still awaited."""
        return sum(one.asked_cents for one in self.awaited)


def a_month_after(day: date) -> date:
    """Return the same day of the next month, its last day when it has no such day."""
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)  # noqa: PLR2004 - months of a year
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def reconcile(
    journal: Journal, profile: ServiceProfile, statement: Sequence[StatementLine] | None = None
) -> Reconciliation:
    """Return where the money stands now; nothing is changed. Without a ``statement`` nothing is strange to the bank."""
    with journal.read() as tx:
        today = paris_date(tx.now)
        returns = tx.returns()
        announced = {one.reference for one in returns if one.reference}
        apart = [line for line in statement or () if line.third_party(profile.third_parties)]
        strange = [line for line in statement or () if line not in apart and line.reference not in announced]
        wrong_amount = _wrong_amounts(returns, statement or ())
        return Reconciliation(
            on=today,
            awaited=tuple(_awaited(tx, profile)),
            unmatched=tuple(line for line in tx.return_lines() if line.mismatch and line.act == 0),
            not_arrived=tuple(one for one in returns if one.transfer_cents and not one.statement),
            strange=(*strange, *wrong_amount),
            apart=tuple(apart),
            headings=_headings(tx, profile),
        )


def match_statement(journal: Journal, profile: ServiceProfile, statement: Sequence[StatementLine]) -> int:
    """
    Note which transfers have arrived, by reference and amount; return how many are new.

    Each in its transaction, with the sheets that it pays in full: they are closed. A line of another amount, of a third
    party or without its return matches nothing.
    """
    lines = {line.reference: line for line in statement if not line.third_party(profile.third_parties)}
    with journal.read() as tx:
        awaited = [one for one in tx.returns() if one.transfer_cents and not one.statement]
    count = 0
    for one in awaited:
        line = lines.get(one.reference)
        if line is None or line.cents != one.transfer_cents:
            continue
        with journal.write() as tx:
            tx.match_transfer(one.number, line.name)
            for paid in tx.return_lines(number=one.number):
                _close(tx, paid, profile)
        count += 1
    return count


def _close(tx: Transaction, line: ReturnLine, profile: ServiceProfile) -> None:
    if line.sheet is None or line.act or line.mismatch:
        return
    stored = tx.sheet(line.sheet)
    if stored is not None and stored.record.state is SheetState.PAID:
        step = SHEETS.advance(stored.record, SheetEvent.CLOSE, tx.now, profile.policy)
        move_sheet(tx, stored, step, profile)


def _wrong_amounts(returns: Iterable[StoredReturn], statement: Iterable[StatementLine]) -> list[StatementLine]:
    announced = {one.reference: one.transfer_cents for one in returns if one.reference}
    return [line for line in statement if announced.get(line.reference, line.cents) != line.cents]


def _awaited(tx: Transaction, profile: ServiceProfile) -> Iterable[Awaited]:
    sheets = tx.sheets(*_AWAITED)
    table = tables.events
    query = (
        select(table.c.sheet, func.min(table.c.at).label("at"))
        .where(table.c.name == SheetEvent.ACKNOWLEDGE_POSITIVE.value)
        .where(table.c.sheet.in_([sheet.number for sheet in sheets]))
        .group_by(table.c.sheet)
    )
    acknowledged = {row.sheet: paris_date(instant(row.at)) for row in tx.select(query)}
    for sheet in sheets:
        start = _later_half(tx, sheet, acknowledged.get(sheet.number))
        due = None if start is None else a_month_after(start)
        excused = due is not None and any(
            one.organism == sheet.organism and one.first <= due <= one.last for one in profile.force_majeure
        )
        yield Awaited(sheet.number, sheet.organism, read_sheet(sheet.payload).advance_cents, due, excused)


def _later_half(tx: Transaction, sheet: StoredSheet, acknowledged: date | None) -> date | None:
    """Return the day on which the caisse had all that it pays on; None while a half is missing."""
    if acknowledged is None or sheet.record.mode is SheetMode.SECURED:
        return acknowledged
    received = [paper.record.received_at for paper in tx.papers(sheet=sheet.number) if paper.record.kind is _WITH_PAPER]
    days = [paris_date(at) for at in received if at is not None]
    return max(acknowledged, *days) if days else None


def _headings(tx: Transaction, profile: ServiceProfile) -> dict[str, int]:
    """Return what was paid by budget heading: the titre of a sheet decides (convention; deliberation 2023-212)."""
    found = dict.fromkeys(profile.headings.values(), 0)
    for line in tx.return_lines():
        stored = tx.sheet(line.sheet) if line.sheet is not None and not line.act and not line.mismatch else None
        if stored is not None and line.kind != "debt":
            heading = profile.headings.get(read_sheet(stored.payload).titre, "?")
            found[heading] = found.get(heading, 0) + line.paid_cents
    return found
