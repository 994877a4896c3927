"""
What one may do to the journal inside a transaction: every change of a record goes with its event.

The rows hold the records of the life cycle as JSON; bytes that were signed are stored once and never rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import insert, select, true, update
from sqlalchemy.dialects.sqlite import insert as upsert

from fse.lifecycle import LotRecord, PaperRecord, SheetRecord, SheetState
from gateway.journal import tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Connection, Row

__all__ = ["Entry", "StoredLot", "StoredPaper", "StoredSheet", "Transaction"]

_SHEET, _LOT, _PAPER = TypeAdapter(SheetRecord), TypeAdapter(LotRecord), TypeAdapter(PaperRecord)
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class StoredSheet:
    """
    A sheet as the journal holds it.

    ``facts`` is the digest of the encounter as submitted, ``encounter`` the JSON of the encounter as the card corrects
    it, ``payload`` the XML that is signed.
    """

    number: int
    reference: str
    part: int
    facts: str
    organism: str
    mode: str
    specification: str
    record: SheetRecord
    encounter: str
    payload: bytes
    patient_seal: bytes | None = None
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredLot:
    """A lot as the journal holds it; ``sealed_for`` is the digest of the certificate that the envelope was made for."""

    number: int
    file_number: int
    organism: str
    mode: str
    specification: str
    record: LotRecord
    signed: bytes | None = None
    envelope: bytes | None = None
    sealed_for: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A paper as the journal holds it; ``document`` is the JSON of what it says."""

    number: int
    reference: str
    part: int
    sheet: int | None
    record: PaperRecord
    document: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the journal."""

    id: int
    at: datetime
    name: str
    sheet: int | None
    lot: int | None
    paper: int | None
    detail: str

    @property
    def subject(self) -> dict[str, int]:
        """What the event is about: the numbers of its sheet, lot or paper, those that it has."""
        numbers = {"sheet": self.sheet, "lot": self.lot, "paper": self.paper}
        return {kind: number for kind, number in numbers.items() if number is not None}


class Transaction:
    """The journal for the time of one transaction; ``now`` is the business time of all that happens in it."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now
        self.recorded: list[Entry] = []

    def take_number(self, counter: str) -> int:
        """Return the next number of ``counter``; never the same twice, even after a purge."""
        statement = upsert(tables.counters).values(name=counter, value=1)
        statement = statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": tables.counters.c.value + 1}
        )
        return int(self._connection.execute(statement.returning(tables.counters.c.value)).scalar_one())

    def record(
        self, name: str, detail: str = "", *, sheet: int | None = None, lot: int | None = None, paper: int | None = None
    ) -> None:
        """Write one event."""
        entry = Entry(self.take_number("event"), self.now, str(name), sheet, lot, paper, detail)
        values = {"id": entry.id, "at": _seconds(entry.at), "name": entry.name, "detail": detail}
        self._connection.execute(insert(tables.events).values(**values, sheet=sheet, lot=lot, paper=paper))
        self.recorded.append(entry)

    # ------------------------------------------------------------------------------------------------ submissions

    def replies(self, reference: str) -> tuple[str, str] | None:
        """Return the digest of the encounter submitted under ``reference`` and the replies it got, if any."""
        row = self._connection.execute(
            select(tables.submissions).where(tables.submissions.c.reference == reference)
        ).first()
        return None if row is None else (row.digest, row.replies)

    def keep_replies(self, reference: str, digest: str, replies: str) -> None:
        """Store what a submission was answered."""
        values = {"reference": reference, "at": _seconds(self.now), "digest": digest, "replies": replies}
        self._connection.execute(insert(tables.submissions).values(**values))
        self.record("submitted", reference)

    # ----------------------------------------------------------------------------------------------------- sheets

    def reserve_sheet(self, sheet: StoredSheet) -> None:
        """Store a sheet whose number was just taken."""
        values = {"state": sheet.record.state.value, "record": _json(_SHEET, sheet.record)}
        columns = ("number", "reference", "part", "facts", "organism", "mode", "specification", "encounter", "payload")
        values |= {name: getattr(sheet, name) for name in columns}
        self._connection.execute(insert(tables.sheets).values(**values))
        self.record("reserve", sheet=sheet.number)

    def update_sheet(
        self, number: int, record: SheetRecord, name: str, detail: str = "", **values: bytes | None
    ) -> None:
        """Store what became of a sheet, and the event ``name``; ``values`` are bytes that come with it."""
        changes: dict[str, Any] = {**values, "state": record.state.value, "record": _json(_SHEET, record)}
        changes["lot"] = int(record.lot) if record.lot else None
        self._connection.execute(update(tables.sheets).where(tables.sheets.c.number == number).values(**changes))
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

    def sheets_of_lot(self, lot: int) -> Sequence[StoredSheet]:
        """Return the sheets whose last lot is ``lot``, by number."""
        return self._sheets(tables.sheets.c.lot == lot)

    def _sheets(self, condition: ColumnElement[bool]) -> Sequence[StoredSheet]:
        query = select(tables.sheets).where(condition).order_by(tables.sheets.c.number)
        return [_sheet_of(row) for row in self._connection.execute(query)]

    # ------------------------------------------------------------------------------------------------------- lots

    def open_lot(self, lot: StoredLot) -> None:
        """Store a lot whose numbers were just taken."""
        values = {"state": lot.record.state.value, "record": _json(_LOT, lot.record)}
        values |= {name: getattr(lot, name) for name in ("number", "file_number", "organism", "mode", "specification")}
        self._connection.execute(insert(tables.lots).values(**values))
        self.record("open_lot", lot=lot.number)

    def update_lot(
        self, number: int, record: LotRecord, name: str, detail: str = "", **values: bytes | str | None
    ) -> None:
        """Store what became of a lot, and the event ``name``; ``values`` are columns that come with it."""
        changes = {**values, "state": record.state.value, "record": _json(_LOT, record)}
        self._connection.execute(update(tables.lots).where(tables.lots.c.number == number).values(**changes))
        self.record(name, detail, lot=number)

    def lot(self, number: int) -> StoredLot | None:
        """Return one lot."""
        found = self._lots(tables.lots.c.number == number)
        return found[0] if found else None

    def lots(self, *states: str) -> Sequence[StoredLot]:
        """Return the lots in ``states`` (all without), by number."""
        return self._lots(tables.lots.c.state.in_(states) if states else true())

    def _lots(self, condition: ColumnElement[bool]) -> Sequence[StoredLot]:
        query = select(tables.lots).where(condition).order_by(tables.lots.c.number)
        return [_lot_of(row) for row in self._connection.execute(query)]

    # ----------------------------------------------------------------------------------------------------- papers

    def add_paper(self, paper: StoredPaper) -> None:
        """Store a paper whose number was just taken."""
        values = {
            "number": paper.number,
            "kind": paper.record.kind.value,
            "reference": paper.reference,
            "part": paper.part,
            "sheet": paper.sheet,
        }
        values |= {"state": paper.record.state.value, "record": _json(_PAPER, paper.record), "document": paper.document}
        self._connection.execute(insert(tables.papers).values(**values))
        self.record("paper_needed", paper.record.kind.value, sheet=paper.sheet, paper=paper.number)

    def update_paper(self, number: int, record: PaperRecord, name: str, detail: str = "") -> None:
        """Store what became of a paper, and the event ``name``."""
        changes = {"state": record.state.value, "record": _json(_PAPER, record)}
        self._connection.execute(update(tables.papers).where(tables.papers.c.number == number).values(**changes))
        self.record(name, detail, paper=number)

    def paper(self, number: int) -> StoredPaper | None:
        """Return a paper, or None."""
        row = self._connection.execute(select(tables.papers).where(tables.papers.c.number == number)).one_or_none()
        return None if row is None else _paper_of(row)

    def papers(self, *, sheet: int | None = None, reference: str | None = None) -> Sequence[StoredPaper]:
        """Return the papers, of one sheet or one encounter when named, by number."""
        query = select(tables.papers).order_by(tables.papers.c.number)
        if sheet is not None:
            query = query.where(tables.papers.c.sheet == sheet)
        if reference is not None:
            query = query.where(tables.papers.c.reference == reference)
        return [_paper_of(row) for row in self._connection.execute(query)]

    def add_anonymous_paper(self, key: str, kind: str, document: str) -> None:
        """Store the paper of anonymous care under a random ``key``: no event, no time, no number."""
        self._connection.execute(insert(tables.anonymous_papers).values(id=key, kind=kind, document=document))

    def anonymous_papers(self) -> Sequence[tuple[str, str, str]]:
        """Return the key, kind and document of each anonymous paper, in the order of their random keys."""
        query = select(tables.anonymous_papers).order_by(tables.anonymous_papers.c.id)
        return [(row.id, row.kind, row.document) for row in self._connection.execute(query)]

    # ----------------------------------------------------------------------------------------------------- others

    def keep_acknowledgement(self, lot: int, result: str, file: bytes) -> None:
        """Store an acknowledgement as the caisse signed it; the law keeps them as long as the sheets (CSS R161-47)."""
        values = {"id": self.take_number("acknowledgement"), "at": _seconds(self.now), "lot": lot, "result": result}
        self._connection.execute(insert(tables.acknowledgements).values(**values, file=file))

    def acknowledgements(self, lot: int) -> Sequence[tuple[str, bytes]]:
        """Return the result and the signed file of each acknowledgement of ``lot``, oldest first."""
        table = tables.acknowledgements
        rows = self._connection.execute(select(table).where(table.c.lot == lot).order_by(table.c.id))
        return [(row.result, row.file) for row in rows]

    def put_in_quarantine(self, rule: str, message: bytes) -> None:
        """Keep a message that does not verify or match, with the rule that it breaks."""
        values = {"id": self.take_number("quarantine"), "at": _seconds(self.now), "rule": rule, "message": message}
        self._connection.execute(insert(tables.quarantine).values(**values))
        self.record("quarantined", rule)

    def quarantined(self) -> Sequence[str]:
        """Return the rules that the messages in quarantine break, oldest first."""
        return list(
            self._connection.execute(select(tables.quarantine.c.rule).order_by(tables.quarantine.c.id)).scalars()
        )

    def events(self, *, sheet: int | None = None, lot: int | None = None, after: int = 0) -> Sequence[Entry]:
        """Return the events after the one numbered ``after``, of one sheet or one lot when named, oldest first."""
        query = select(tables.events).where(tables.events.c.id > after).order_by(tables.events.c.id)
        if sheet is not None:
            query = query.where(tables.events.c.sheet == sheet)
        if lot is not None:
            query = query.where(tables.events.c.lot == lot)
        rows = self._connection.execute(query)
        return [
            Entry(row.id, datetime.fromtimestamp(row.at, UTC), row.name, row.sheet, row.lot, row.paper, row.detail)
            for row in rows
        ]

    def rank_of_the_day(self, day: date) -> int:
        """Return the next rank within ``day`` (item 2 of the sheet)."""
        return self.take_number(f"order {day.isoformat()}")


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def _json(adapter: TypeAdapter[_Record], record: _Record) -> str:
    return adapter.dump_json(record).decode()


def _sheet_of(row: Row[Any]) -> StoredSheet:
    return StoredSheet(
        number=row.number,
        reference=row.reference,
        part=row.part,
        facts=row.facts,
        organism=row.organism,
        mode=row.mode,
        specification=row.specification,
        record=_SHEET.validate_json(row.record),
        encounter=row.encounter,
        payload=row.payload,
        patient_seal=row.patient_seal,
        sealed=row.sealed,
    )


def _lot_of(row: Row[Any]) -> StoredLot:
    return StoredLot(
        number=row.number,
        file_number=row.file_number,
        organism=row.organism,
        mode=row.mode,
        specification=row.specification,
        record=_LOT.validate_json(row.record),
        signed=row.signed,
        envelope=row.envelope,
        sealed_for=row.sealed_for,
    )


def _paper_of(row: Row[Any]) -> StoredPaper:
    return StoredPaper(row.number, row.reference, row.part, row.sheet, _PAPER.validate_json(row.record), row.document)
