"""The order of records, the numbers of sub-records, and how many there may be (``schemas/b2/order.toml``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import schemas
from fse.b2.acts import Act
from fse.b2.errors import B2Error, Place
from fse.b2.groups import lots_of
from fse.b2.invoice import InvoiceStart
from fse.b2.stays import Stay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fse.b2.file import B2File

__all__ = ["order_findings"]


def order_findings(file: B2File) -> Iterator[B2Error]:
    """Yield B2-ORDER, B2-SUBRECORDS, B2-SEQUENCE, B2-LINES and B2-LARGE."""
    yield from _order(file)
    yield from _sub_records(file)
    limits = schemas.read_toml("b2/order.toml")["limits"]
    for lot in lots_of(file):
        for invoice in lot.invoices:
            if len(invoice.lines) > limits["lines"]:
                place = Place.of(invoice.rank, "2")
                yield B2Error("B2-LINES", place, found=len(invoice.lines), limit=limits["lines"])
    if len(file.records) > limits["records"]:
        last = Place(len(file.records), file.records[-1].type)
        yield B2Error("B2-LARGE", last, found=len(file.records), limit=limits["records"])


def _order(file: B2File) -> Iterator[B2Error]:
    follows: dict[str, list[str]] = schemas.read_toml("b2/order.toml")["follows"]
    before = "start"
    for rank, kind in enumerate([*(record.type for record in file.records), "end"], start=1):
        allowed = follows[before]
        if kind not in allowed:
            yield B2Error("B2-ORDER", Place(rank, kind, 1, 3), after=before, allowed=", ".join(allowed))
        before = kind


def _sub_records(file: B2File) -> Iterator[B2Error]:
    most: dict[str, int] = schemas.read_toml("b2/order.toml")["most"]
    counts: dict[str, int] = {}
    for rank, record in enumerate(file.records, start=1):
        if isinstance(record, InvoiceStart | Stay | Act):
            counts = {}
        if record.type not in most:
            continue
        counts[record.type] = count = counts.get(record.type, 0) + 1
        place = Place.of(rank, record.type, "sequence")
        if count > most[record.type]:
            yield B2Error("B2-SUBRECORDS", place, count=count, limit=most[record.type])
        elif record.values["sequence"] != count:
            yield B2Error("B2-SEQUENCE", place, said=record.values["sequence"], found=count)
