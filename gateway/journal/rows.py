"""What the journal holds, as values: sheets, lots, papers, events, and how the rows of the tables become them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from fse.lifecycle import LotRecord, PaperRecord, SheetRecord

if TYPE_CHECKING:
    from sqlalchemy import Row

__all__ = ["Checkpoint", "Entry", "ReturnLine", "StoredLot", "StoredPaper", "StoredReturn", "StoredSheet"]

_Record = TypeVar("_Record")
SHEET, LOT, PAPER = TypeAdapter(SheetRecord), TypeAdapter(LotRecord), TypeAdapter(PaperRecord)


@dataclass(frozen=True, slots=True)
class StoredSheet:
    """
    A sheet as the journal holds it.

    ``facts`` is the digest of the encounter as submitted, ``encounter`` the JSON of the encounter as the card corrects
    it, ``payload`` the XML that is signed, ``site`` the FINESS of the place of care.
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
    site: str = ""


@dataclass(frozen=True, slots=True)
class StoredLot:
    """
    A lot as the journal holds it; ``sealed_for`` is the digest of the certificate that the envelope was made for.

    ``not_before`` is when it may be tried again, ``hold`` the reason why it is not tried until a person says so.
    """

    number: int
    file_number: int
    organism: str
    mode: str
    specification: str
    record: LotRecord
    signed: bytes | None = None
    envelope: bytes | None = None
    sealed_for: str | None = None
    not_before: datetime | None = None
    hold: str = ""


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A paper as the journal holds it; ``document`` is the JSON of what it says, ``site`` the FINESS of the place."""

    number: int
    reference: str
    part: int
    sheet: int | None
    record: PaperRecord
    document: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class StoredReturn:
    """
    A payment return as the journal holds it: one accounting day and one transfer of a caisse, and its signed file.

    ``statement`` names the line of the bank's statement by which the transfer arrived, empty until then.
    """

    number: int
    organism: str
    file_number: int
    accounting_day: date
    reference: str
    transfer_cents: int
    file: bytes
    at: datetime | None = None
    statement: str = ""


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """
    One line of a return. Amounts in cents, AMO part.

    ``kind`` is ``sheet``, ``debt`` or ``other``; ``act`` the rank of the act, 0 for the whole; ``code`` the reason with
    its ``detail``; ``mismatch`` names why it fits no sheet of ours, empty when it does.
    """

    return_number: int
    rank: int
    kind: str
    sheet: int | None
    act: int
    outcome: str
    requested_cents: int
    paid_cents: int
    code: str = ""
    detail: str = ""
    mismatch: str = ""

    def values(self) -> dict[str, int | str | None]:
        """Return the columns of its row."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One event of the journal.

    ``chain`` and ``rank`` say where it stands, ``content`` what it says of its row without showing it (a JSON object
    of salted digests by column), ``digest`` closes it (:mod:`gateway.journal.chain`).
    """

    id: int
    at: datetime
    name: str
    sheet: int | None
    lot: int | None
    paper: int | None
    detail: str
    chain: int = 0
    rank: int = 0
    content: str = ""
    digest: bytes = b""

    @property
    def subject(self) -> dict[str, int]:
        """What the event is about: the numbers of its sheet, lot or paper, those that it has."""
        numbers = {"sheet": self.sheet, "lot": self.lot, "paper": self.paper}
        return {kind: number for kind, number in numbers.items() if number is not None}

    @property
    def facts(self) -> dict[str, int | str | None]:
        """What the digest covers, beside the digest of the event before."""
        names = ("id", "name", "sheet", "lot", "paper", "detail", "chain", "rank", "content")
        return {name: getattr(self, name) for name in names} | {"at": seconds(self.at)}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint: its number, the last event that it covers, the statement and the detached signature (DER)."""

    number: int
    last_event: int
    statement: str
    signature: bytes

    @property
    def digest(self) -> str:
        """What the next one names it by."""
        return sha256(self.statement.encode() + self.signature).hexdigest()


def seconds(instant: datetime) -> int:
    """Return an instant as the tables hold it."""
    return int(instant.timestamp())


def instant(at: int) -> datetime:
    """Return the instant that the tables hold as ``at``."""
    return datetime.fromtimestamp(at, UTC)


def to_json(adapter: TypeAdapter[_Record], record: _Record) -> str:
    """Return a record of the life cycle as the tables hold it."""
    return adapter.dump_json(record).decode()


def entry_of(row: Row[Any]) -> Entry:
    """Return an event."""
    names = ("name", "sheet", "lot", "paper", "detail", "chain", "rank", "content", "digest")
    return Entry(row.id, instant(row.at), **{name: getattr(row, name) for name in names})


def sheet_of(row: Row[Any]) -> StoredSheet:
    """Return a sheet."""
    return StoredSheet(
        number=row.number,
        reference=row.reference,
        part=row.part,
        facts=row.facts,
        organism=row.organism,
        mode=row.mode,
        specification=row.specification,
        record=SHEET.validate_json(row.record),
        encounter=row.encounter,
        payload=row.payload,
        patient_seal=row.patient_seal,
        sealed=row.sealed,
        site=row.site,
    )


def lot_of(row: Row[Any]) -> StoredLot:
    """Return a lot."""
    return StoredLot(
        number=row.number,
        file_number=row.file_number,
        organism=row.organism,
        mode=row.mode,
        specification=row.specification,
        record=LOT.validate_json(row.record),
        signed=row.signed,
        envelope=row.envelope,
        sealed_for=row.sealed_for,
        not_before=instant(row.not_before) if row.not_before else None,
        hold=row.hold,
    )


def paper_of(row: Row[Any]) -> StoredPaper:
    """Return a paper."""
    return StoredPaper(
        row.number,
        row.reference,
        row.part,
        row.sheet,
        PAPER.validate_json(row.record),
        row.document,
        row.site,
    )


def return_of(row: Row[Any]) -> StoredReturn:
    """Return a payment return."""
    return StoredReturn(
        row.number,
        row.organism,
        row.file_number,
        date.fromisoformat(row.accounting_day),
        row.reference,
        row.transfer_cents,
        row.file,
        instant(row.at),
        row.statement,
    )


def line_of(row: Row[Any]) -> ReturnLine:
    """Return a line of a return."""
    return ReturnLine(**row._mapping)  # noqa: SLF001 - the public way to the columns of a row, in spite of its name
