"""
What one may do to the journal inside a transaction: every change of a record goes with its event.

The rows hold the records of the life cycle as JSON; bytes that were signed are stored once and never rewritten.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVarTuple

from sqlalchemy import delete, exists, func, insert, select, true, update

from fse.lifecycle import SheetEvent, SheetState
from gateway.journal import tables
from gateway.journal.answers import Answers
from gateway.journal.chain import Subject, chain_of
from gateway.journal.rows import (
    LOT,
    PAPER,
    SHEET,
    StoredLot,
    StoredPaper,
    StoredSheet,
    entry_of,
    lot_of,
    paper_of,
    seconds,
    sheet_of,
    to_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Row, Select, Table

    from fse.lifecycle import LotRecord, PaperRecord, SheetRecord
    from gateway.journal.rows import Entry

__all__ = ["Transaction"]

_Columns = TypeVarTuple("_Columns")
_LAST_NUMBER = 999_999_999
_SHEET_BIRTH = ("number", "reference", "part", "facts", "organism", "mode", "specification", "site")
_LOT_BIRTH = ("number", "file_number", "organism", "mode", "specification")
_PAPER_BIRTH = ("number", "kind", "reference", "part", "sheet", "site")
BIRTH = {Subject.SHEET: _SHEET_BIRTH, Subject.LOT: _LOT_BIRTH, Subject.PAPER: _PAPER_BIRTH}
"""The columns that never change; events speak of them together, as ``birth``."""


def birth(values: dict[str, Any], subject: Subject) -> str:
    """Return what the first event of a row says of the columns that never change."""
    return json.dumps([values[name] for name in BIRTH[subject]])


class Transaction(Answers):
    """The journal for the time of one transaction; ``now`` is the business time of all that happens in it."""

    # ------------------------------------------------------------------------------------------------ submissions

    def replies(self, reference: str) -> tuple[str, str] | None:
        """Return the digest of the encounter submitted under ``reference`` and the replies it got, if any."""
        row = self._connection.execute(
            select(tables.submissions).where(tables.submissions.c.reference == reference)
        ).first()
        return None if row is None else (row.digest, row.replies)

    def keep_replies(self, reference: str, digest: str, replies: str) -> None:
        """Store what a submission was answered."""
        number = self.take_number("submission")
        chain = chain_of(Subject.SUBMISSION, number)
        values: dict[str, Any] = {"reference": reference, "digest": digest, "replies": replies}
        self._connection.execute(
            insert(tables.submissions).values(
                **values, at=seconds(self.now), number=number, salt=self._give_salt(chain)
            )
        )
        self._say(chain, values)
        self._record("submitted", "", chain)

    # ----------------------------------------------------------------------------------------------------- sheets

    def reserve_sheet(self, sheet: StoredSheet) -> None:
        """Store a sheet whose number was just taken."""
        values: dict[str, Any] = {name: getattr(sheet, name) for name in (*_SHEET_BIRTH, "encounter", "payload")}
        chain = chain_of(Subject.SHEET, sheet.number)
        record = to_json(SHEET, sheet.record)
        self._connection.execute(
            insert(tables.sheets).values(
                **values, state=sheet.record.state.value, record=record, salt=self._give_salt(chain)
            )
        )
        said: dict[str, bytes | str] = {"record": record, "encounter": sheet.encounter, "payload": sheet.payload}
        self._say(chain, {"birth": birth(values, Subject.SHEET), **said})
        self.record("reserve", sheet=sheet.number)

    def update_sheet(
        self, number: int, record: SheetRecord, name: str, detail: str = "", **values: bytes | None
    ) -> None:
        """Store what became of a sheet, and the event ``name``; ``values`` are bytes that come with it."""
        written = to_json(SHEET, record)
        changes: dict[str, Any] = {**values, "state": record.state.value, "record": written}
        changes["lot"] = int(record.lot) if record.lot else None
        self._connection.execute(update(tables.sheets).where(tables.sheets.c.number == number).values(**changes))
        self._say(chain_of(Subject.SHEET, number), {**values, "record": written})
        self.record(name, detail, sheet=number)

    def sheet(self, number: int) -> StoredSheet | None:
        """Return one sheet."""
        found = self._sheets(tables.sheets.c.number == number)
        return found[0] if found else None

    def live_sheets(self, reference: str) -> Sequence[StoredSheet]:
        """Return the sheets of an encounter that were not voided, by number."""
        same = tables.sheets.c.reference == reference
        return self._sheets(same & (tables.sheets.c.state != SheetState.VOID.value))

    def sheets(self, *states: str) -> Sequence[StoredSheet]:
        """Return the sheets in ``states`` (all without), by number."""
        return self._sheets(tables.sheets.c.state.in_(states) if states else true())

    def sheet_records(self, *states: str) -> Sequence[tuple[int, SheetRecord]]:
        """Return number and record of the sheets in ``states``, by number; their bytes are not read."""
        table = tables.sheets
        query = select(table.c.number, table.c.record).where(table.c.state.in_(states)).order_by(table.c.number)
        return [(row.number, SHEET.validate_json(row.record)) for row in self._connection.execute(query)]

    def queued_organisms(self) -> Sequence[str]:
        """Return the caisses for which a sheet waits for a lot."""
        table = tables.sheets
        query = select(table.c.organism).where(table.c.state == SheetState.QUEUED.value).distinct()
        return sorted(self._connection.execute(query).scalars())

    def sheets_between(self, first: int, last: int) -> Sequence[StoredSheet]:
        """Return the sheets numbered from ``first`` to ``last``, by number."""
        return self._sheets(tables.sheets.c.number.between(first, last))

    def sheets_of_lot(self, lot: int) -> Sequence[StoredSheet]:
        """Return the sheets whose last lot is ``lot``, by number."""
        return self._sheets(tables.sheets.c.lot == lot)

    def _sheets(self, condition: ColumnElement[bool]) -> Sequence[StoredSheet]:
        query = select(tables.sheets).where(condition).order_by(tables.sheets.c.number)
        rows = self._connection.execute(query).all()
        self._salts |= {chain_of(Subject.SHEET, row.number): row.salt for row in rows}
        return [sheet_of(row) for row in rows]

    # ------------------------------------------------------------------------------------------------------- lots

    def open_lot(self, lot: StoredLot) -> None:
        """Store a lot whose numbers were just taken."""
        values: dict[str, Any] = {name: getattr(lot, name) for name in _LOT_BIRTH}
        chain = chain_of(Subject.LOT, lot.number)
        record = to_json(LOT, lot.record)
        self._connection.execute(
            insert(tables.lots).values(
                **values, state=lot.record.state.value, record=record, salt=self._give_salt(chain)
            )
        )
        self._say(chain, {"birth": birth(values, Subject.LOT), "record": record})
        self.record("open_lot", lot=lot.number)

    def update_lot(
        self, number: int, record: LotRecord, name: str, detail: str = "", **values: bytes | str | None
    ) -> None:
        """Store what became of a lot, and the event ``name``; ``values`` are columns that come with it."""
        written = to_json(LOT, record)
        changes = {**values, "state": record.state.value, "record": written}
        self._connection.execute(update(tables.lots).where(tables.lots.c.number == number).values(**changes))
        self._say(chain_of(Subject.LOT, number), {**values, "record": written})
        self.record(name, detail, lot=number)

    def postpone_lot(self, number: int, until: datetime) -> None:
        """Have no worker try the lot before ``until``."""
        change = update(tables.lots).where(tables.lots.c.number == number)
        self._connection.execute(change.values(not_before=seconds(until)))

    def hold_lot(self, number: int, reason: str) -> None:
        """Have no worker try the lot until a person releases it (an empty ``reason``); the event says why."""
        change = update(tables.lots).where(tables.lots.c.number == number)
        self._connection.execute(change.values(hold=reason, not_before=0))
        self.record("held" if reason else "released", reason, lot=number)

    def lot(self, number: int) -> StoredLot | None:
        """Return one lot."""
        found = self._lots(tables.lots.c.number == number)
        return found[0] if found else None

    def lots(self, *states: str) -> Sequence[StoredLot]:
        """Return the lots in ``states`` (all without), by number."""
        return self._lots(tables.lots.c.state.in_(states) if states else true())

    def lot_records(self, *states: str) -> Sequence[tuple[int, LotRecord]]:
        """Return number and record of the lots in ``states``, by number; their bytes are not read."""
        table = tables.lots
        query = select(table.c.number, table.c.record).where(table.c.state.in_(states)).order_by(table.c.number)
        return [(row.number, LOT.validate_json(row.record)) for row in self._connection.execute(query)]

    def _lots(self, condition: ColumnElement[bool]) -> Sequence[StoredLot]:
        query = select(tables.lots).where(condition).order_by(tables.lots.c.number)
        rows = self._connection.execute(query).all()
        self._salts |= {chain_of(Subject.LOT, row.number): row.salt for row in rows}
        return [lot_of(row) for row in rows]

    # ----------------------------------------------------------------------------------------------------- papers

    def add_paper(self, paper: StoredPaper) -> None:
        """Store a paper whose number was just taken."""
        values = {
            "number": paper.number,
            "kind": paper.record.kind.value,
            "reference": paper.reference,
            "part": paper.part,
            "sheet": paper.sheet,
            "site": paper.site,
        }
        chain = chain_of(Subject.PAPER, paper.number)
        written = {"record": to_json(PAPER, paper.record), "document": paper.document}
        self._connection.execute(
            insert(tables.papers).values(
                **values, **written, state=paper.record.state.value, salt=self._give_salt(chain)
            )
        )
        self._say(chain, {"birth": birth(values, Subject.PAPER), **written})
        self._record("paper_needed", paper.record.kind.value, chain, sheet=paper.sheet, paper=paper.number)

    def update_paper(self, number: int, record: PaperRecord, name: str, detail: str = "") -> None:
        """Store what became of a paper, and the event ``name``."""
        changes = {"state": record.state.value, "record": to_json(PAPER, record)}
        self._connection.execute(update(tables.papers).where(tables.papers.c.number == number).values(**changes))
        self._say(chain_of(Subject.PAPER, number), {"record": changes["record"]})
        self.record(name, detail, paper=number)

    def paper(self, number: int) -> StoredPaper | None:
        """Return a paper, or None."""
        row = self._connection.execute(select(tables.papers).where(tables.papers.c.number == number)).one_or_none()
        return None if row is None else paper_of(row)

    def papers(self, *states: str, sheet: int | None = None, reference: str | None = None) -> Sequence[StoredPaper]:
        """Return the papers in ``states`` (all without), of one sheet or one encounter when named, by number."""
        query = select(tables.papers).order_by(tables.papers.c.number)
        if states:
            query = query.where(tables.papers.c.state.in_(states))
        if sheet is not None:
            query = query.where(tables.papers.c.sheet == sheet)
        if reference is not None:
            query = query.where(tables.papers.c.reference == reference)
        rows = self._connection.execute(query).all()
        self._salts |= {chain_of(Subject.PAPER, row.number): row.salt for row in rows}
        return [paper_of(row) for row in rows]

    def add_anonymous_paper(self, key: str, kind: str, document: str) -> None:
        """Store the paper of anonymous care under a random ``key``: no event, no time, no number."""
        self._connection.execute(insert(tables.anonymous_papers).values(id=key, kind=kind, document=document))

    def anonymous_papers(self) -> Sequence[tuple[str, str, str]]:
        """Return the key, kind and document of each anonymous paper, in the order of their random keys."""
        query = select(tables.anonymous_papers).order_by(tables.anonymous_papers.c.id)
        return [(row.id, row.kind, row.document) for row in self._connection.execute(query)]

    def rank_of_the_day(self, day: date) -> int:
        """Return the next rank within ``day`` (item 2 of the sheet)."""
        return self.take_number(f"order {day.isoformat()}")

    # ------------------------------------------------------------------------------------------------------- views

    def select(self, query: Select[*_Columns]) -> Sequence[Row[*_Columns]]:
        """Return the rows of a ``query`` that only reads: counts and columns that no record or value of here gives."""
        return self._connection.execute(query).all()

    # ------------------------------------------------------------------------------------------------ verification

    def highest(self, table: Table) -> int:
        """Return the highest number in ``table``, 0 when it is empty."""
        return int(self._connection.execute(select(func.max(table.c.number))).scalar() or 0)

    def highest_in_chains(self, subject: Subject) -> int:
        """Return the highest number that an event of ``subject`` speaks of, 0 when there is none."""
        table, first = tables.chains, chain_of(subject)
        query = select(func.max(table.c.chain)).where(table.c.chain.between(first, chain_of(subject, _LAST_NUMBER)))
        return int(self._connection.execute(query).scalar() or first) - first

    def rows_between(self, table: Table, first: int, last: int) -> Sequence[Row[Any]]:
        """Return the rows of ``table`` numbered from ``first`` to ``last``, as they are."""
        return self._connection.execute(select(table).where(table.c.number.between(first, last))).all()

    # ------------------------------------------------------------------------------------------------------- purge

    def quiet_sheets(self, states: Iterable[str], until: datetime) -> Sequence[tuple[int, str]]:
        """Return number and reference of the sheets in ``states`` to which nothing has happened after ``until``."""
        table, event = tables.sheets, tables.events
        later = exists().where(event.c.sheet == table.c.number, event.c.at > seconds(until))
        query = select(table.c.number, table.c.reference).where(table.c.state.in_(tuple(states)), ~later)
        return [(row.number, row.reference) for row in self._connection.execute(query.order_by(table.c.number))]

    def quiet_lots(self, until: datetime) -> Sequence[int]:
        """Return the numbers of the lots to which nothing has happened after ``until``."""
        table, event = tables.lots, tables.events
        later = exists().where(event.c.lot == table.c.number, event.c.at > seconds(until))
        return list(self._connection.execute(select(table.c.number).where(~later).order_by(table.c.number)).scalars())

    def travels(self) -> Sequence[tuple[int, int]]:
        """Return sheet and lot of each time that a sheet still held was put in a lot: all the lots, not the last."""
        event = tables.events
        held = event.c.sheet.in_(select(tables.sheets.c.number))
        query = select(event.c.sheet, event.c.detail).where(event.c.name == SheetEvent.PUT_IN_LOT.value, held)
        return [(row.sheet, int(row.detail)) for row in self._connection.execute(query.order_by(event.c.id))]

    def forget_sheet(self, sheet: StoredSheet) -> None:
        """Delete what a sheet, its papers and its submission say, with their salts; their events stay."""
        number = sheet.number
        for paper in self.papers(sheet=number):
            self._forget_paper(paper.number)
        if not [one for one in self.live_sheets(sheet.reference) if one.number != number]:
            for paper in self.papers(reference=sheet.reference):
                self._forget_paper(paper.number)
            table = tables.submissions
            rows = self._connection.execute(
                delete(table).where(table.c.reference == sheet.reference).returning(table.c.number)
            )
            for gone in rows.scalars().all():
                if gone is not None:
                    self._record("purge", "", chain_of(Subject.SUBMISSION, gone))
        self._connection.execute(delete(tables.sheets).where(tables.sheets.c.number == number))
        self.record("purge", sheet=number)

    def _forget_paper(self, number: int) -> None:
        self._connection.execute(delete(tables.papers).where(tables.papers.c.number == number))
        self.record("purge", paper=number)

    def forget_lot(self, number: int) -> None:
        """Delete the bytes of a lot and its acknowledgements; no sheet of it may be left."""
        self._connection.execute(delete(tables.acknowledgements).where(tables.acknowledgements.c.lot == number))
        self._connection.execute(delete(tables.lots).where(tables.lots.c.number == number))
        self.record("purge", lot=number)

    def purged_after(self, event: int) -> Sequence[tuple[Entry, bytes]]:
        """Return each purge after the ``event`` of that number, with the head that its chain had before."""
        self.flush()
        purge, before = tables.events, tables.events.alias()
        query = (
            select(purge, before.c.digest.label("head"))
            .join(before, (before.c.chain == purge.c.chain) & (before.c.rank == purge.c.rank - 1))
            .where(purge.c.name == "purge", purge.c.id > event)
            .order_by(purge.c.id)
        )
        return [(entry_of(row), row.head) for row in self._connection.execute(query)]

    def add_purge(self, number: int, statement: str, signature: bytes) -> None:
        """Store the signed ``statement`` of what was purged, and its event; the ``number`` was just taken."""
        values = {"number": number, "statement": statement, "signature": signature}
        self._connection.execute(insert(tables.purges).values(**values))
        self.record("purge_stated", str(number))

    def purges(self) -> Sequence[tuple[int, str, bytes]]:
        """Return number, statement and signature (DER) of each purge, oldest first."""
        table = tables.purges
        query = select(table.c.number, table.c.statement, table.c.signature).order_by(table.c.number)
        return [(row.number, row.statement, row.signature) for row in self._connection.execute(query)]
