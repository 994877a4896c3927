"""A B2 file: its records in order, and its bytes. Whether it holds together is for :mod:`fse.b2.check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fse.b2.acts import Act, ActBiology, ActCcam, ActIds, ActMedicine, ActMore
from fse.b2.codec import scan_record
from fse.b2.envelope import FileEnd, FileStart, LotEnd, LotStart
from fse.b2.errors import B2Error, Place
from fse.b2.invoice import InvoiceEnd, InvoiceMore, InvoiceStart
from fse.b2.layout import RECORD_LENGTH
from fse.b2.stays import Stay, StayDevice, StayIds, StayMedicine, StayMore
from fse.b2.values import OF_THIS_CENTURY

if TYPE_CHECKING:
    from datetime import date

    from fse.b2.record import Record

__all__ = ["RECORDS", "B2File", "scan_file"]

RECORDS: dict[str, type[Record]] = {
    kind.type: kind
    for kind in (
        FileStart, LotStart, InvoiceStart, InvoiceMore, Stay, StayMore, StayIds, StayDevice, StayMedicine,
        Act, ActMore, ActIds, ActBiology, ActMedicine, ActCcam, InvoiceEnd, LotEnd, FileEnd,
    )
}  # fmt: skip
"""Every typed record by the type of its layout."""


@dataclass(frozen=True, slots=True)
class B2File:
    """
    Records in the order of the file.

    The two digits of their years are read by the date of the file (record 000): the hundred years that end with the
    year after it.
    """

    records: tuple[Record, ...]

    @property
    def day(self) -> date:
        """Return the date of the file; where it has no first record, a day of the end of this century."""
        first = self.records[0] if self.records else None
        return first.created_on if isinstance(first, FileStart) else OF_THIS_CENTURY

    def encode(self) -> bytes:
        """Return the bytes: records of 128 characters, nothing between them; raises :class:`B2Error`."""
        return "".join(record.encode(self.day, rank) for rank, record in enumerate(self.records, start=1)).encode()

    @classmethod
    def decode(cls, data: bytes) -> B2File:
        """Return the file in ``data``; raises :class:`B2Error`, the first of :func:`scan_file`."""
        file, wrong = scan_file(data)
        if wrong:
            raise wrong[0]
        return file


def scan_file(data: bytes) -> tuple[B2File, tuple[B2Error, ...]]:
    """
    Return the records of ``data`` that can be read, and everything that cannot, in order.

    B2-LENGTH: the bytes are no whole number of records of 128 characters (line ends, for one, do not belong there);
    then the errors of :func:`fse.b2.codec.scan_record`.
    """
    text = data.decode("latin-1")  # one character a byte, so that a position is a position; the codec refuses the rest
    records: list[Record] = []
    wrong: list[B2Error] = []
    day = OF_THIS_CENTURY
    for rank, start in enumerate(range(0, len(text), RECORD_LENGTH), start=1):
        kind, values, found = scan_record(text[start : start + RECORD_LENGTH], day, rank)
        wrong += found
        if not found:
            typed: Any = RECORDS[kind]
            record: Record = typed(**values)
            day = record.created_on if isinstance(record, FileStart) else day
            records.append(record)
    if not data:
        wrong.append(B2Error("B2-LENGTH", Place(1, "?"), length=0))
    return B2File(tuple(records)), tuple(wrong)
