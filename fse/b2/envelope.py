"""The records around invoices: file and lot (norme B2). Fields as in ``schemas/b2/envelope.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fse.b2.record import Record

if TYPE_CHECKING:
    from datetime import date

__all__ = ["FileEnd", "FileStart", "LotEnd", "LotStart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStart(Record):
    """Start of file: who sends to whom, what and when."""

    type: ClassVar[str] = "000"

    sender_kind: str
    sender: str
    sender_program: str | None = None
    recipient_kind: str
    recipient: str
    recipient_program: str | None = None
    application: str | None = None
    file_id: str
    created_on: date
    norm: str | None = None
    version: str | None = None
    compaction: str | None = None
    encryption: str | None = None
    currency: str | None = None
    flow: str | None = None
    password: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotStart(Record):
    """Start of lot: the biller, the caisse, the number of the lot."""

    type: ClassVar[str] = "1"

    biller: str
    organism: str
    lot: str
    category: str | None = None
    status: str | None = None
    tariff_mode: str | None = None
    biller_name: str | None = None
    lot_on: date
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotEnd(Record):
    """End of lot: counts and totals in cents; the meaning of several zones is uncertain."""

    type: ClassVar[str] = "6"

    biller: str
    invoices: int = 0
    acts: int = 0
    invoices_again: int = 0
    invoices_thrice: int = 0
    total: int = 0
    total_amo: int = 0
    total_amc: int = 0
    lot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEnd(Record):
    """End of file: repeats the start, counts records and lots."""

    type: ClassVar[str] = "999"

    sender_kind: str
    sender: str
    sender_program: str | None = None
    recipient_kind: str
    recipient: str
    recipient_program: str | None = None
    application: str | None = None
    file_id: str
    records: int = 0
    flow: str | None = None
    lots: int = 0
    total: int = 0
    sign: str | None = None
    total_other: int = 0
