"""What holds between lots and file: sums, addressee, numbers given once (ALCIDE; readings of ours are warnings)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import schemas
from fse.b2.envelope import FileEnd, FileStart
from fse.b2.errors import B2Error, Place
from fse.b2.groups import lots_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fse.b2.envelope import LotEnd
    from fse.b2.file import B2File
    from fse.b2.groups import Lot

__all__ = ["file_findings", "recipient_of"]

_REPEATED = (
    "sender_kind", "sender", "sender_program", "recipient_kind", "recipient", "recipient_program", "application",
    "file_id",
)  # fmt: skip


def file_findings(file: B2File) -> Iterator[B2Error]:
    """
    Yield the findings of lots and of the file.

    B2-LOT-SAME, B2-LOT-COUNT, B2-LOT-TOTAL, B2-DESTINATION, B2-TWICE, B2-RECIPIENT, B2-FILE-SAME, B2-FILE-COUNT, and
    the warning B2-LOT-PART, whose zones have no sure meaning.
    """
    lots = lots_of(file)
    for lot in lots:
        yield from _same(lot)
        yield from _destination(lot)
        if lot.end is not None:
            yield from _sums(lot, *lot.end)
    yield from _twice(lots)
    yield from _file(file, len(lots))


def recipient_of(regime: str, caisse: str, centre: str) -> tuple[str, str]:
    """
    Return kind and number of the recipient of a file (ALCIDE): ``000000``, régime, computing centre, organism.

    Raises KeyError for a régime of which no kind of recipient is known.
    """
    return schemas.read_toml("b2/order.toml")["recipient"][regime], f"000000{regime}{centre}{caisse}"


def _same(lot: Lot) -> Iterator[B2Error]:
    for invoice in lot.invoices:
        if invoice.start.biller != lot.start.biller:
            yield B2Error("B2-LOT-SAME", Place.of(invoice.rank, "2", "biller"), start=lot.rank)
    if lot.end is not None:
        rank, end = lot.end
        for name in ("biller", "lot"):
            if end.values[name] != lot.start.values[name]:
                yield B2Error("B2-LOT-SAME", Place.of(rank, "6", name), start=lot.rank)


def _destination(lot: Lot) -> Iterator[B2Error]:
    for invoice in lot.invoices:
        if invoice.start.caisse != lot.start.organism:
            place = Place.of(invoice.rank, "2", "caisse")
            yield B2Error("B2-DESTINATION", place, said=invoice.start.caisse, found=lot.start.organism)


def _sums(lot: Lot, rank: int, end: LotEnd) -> Iterator[B2Error]:
    count = len(lot.invoices)
    acts = sum(len(invoice.stays) + len(invoice.acts) for invoice in lot.invoices)
    for name, found in (("invoices", count), ("acts", acts), ("invoices_again", count), ("invoices_thrice", count)):
        if end.values[name] != found:
            yield B2Error("B2-LOT-COUNT", Place.of(rank, "6", name), said=end.values[name], found=found)
    total = sum(invoice.billed for invoice in lot.invoices)
    if end.total != total:
        yield B2Error("B2-LOT-TOTAL", Place.of(rank, "6", "total"), said=end.total, found=total)
    amo = sum(invoice.amo for invoice in lot.invoices)
    amc = sum(invoice.amc for invoice in lot.invoices)
    if end.total_amo not in {amo, total}:
        yield B2Error("B2-LOT-PART", Place.of(rank, "6", "total_amo"), said=end.total_amo, found=amo)
    if end.total_amc not in {amc, 0}:
        yield B2Error("B2-LOT-PART", Place.of(rank, "6", "total_amc"), said=end.total_amc, found=amc)


def _twice(lots: list[Lot]) -> Iterator[B2Error]:
    seen: dict[tuple[str, ...], int] = {}
    for lot in lots:
        numbers = [(lot.rank, "1", "lot", (lot.start.organism, lot.start.lot))]
        numbers += [(one.rank, "2", "invoice", (one.start.biller, one.start.invoice)) for one in lot.invoices]
        for rank, kind, name, number in numbers:
            first = seen.setdefault((kind, *number), rank)
            if first != rank:
                yield B2Error("B2-TWICE", Place.of(rank, kind, name), number=number[1], first=first)


def _file(file: B2File, lots: int) -> Iterator[B2Error]:
    start = file.records[0] if file.records else None
    end, rank = (file.records[-1] if file.records else None), len(file.records)
    if isinstance(start, FileStart):
        yield from _recipient(file, start)
    if not isinstance(end, FileEnd):
        return
    for name, said, found in (("records", end.records, rank), ("lots", end.lots, lots)):
        if said != found:
            yield B2Error("B2-FILE-COUNT", Place.of(rank, "999", name), said=said, found=found)
    for name in _REPEATED if isinstance(start, FileStart) else ():
        if start is not None and end.values[name] != start.values[name]:
            yield B2Error("B2-FILE-SAME", Place.of(rank, "999", name))


def _recipient(file: B2File, start: FileStart) -> Iterator[B2Error]:
    """Hold the address of the file against the invoices, when it is that of a scheme and not of a concentrator."""
    kinds: dict[str, str] = schemas.read_toml("b2/order.toml")["recipient"]
    if start.recipient_kind not in kinds.values():
        return
    for lot in lots_of(file):
        for invoice in lot.invoices:
            regime, caisse = invoice.start.regime, invoice.start.caisse
            centre = start.recipient[8:11]
            if (start.recipient_kind, start.recipient) != (kinds.get(regime), f"000000{regime}{centre}{caisse}"):
                place = Place.of(1, "000", "recipient")
                yield B2Error("B2-RECIPIENT", place, regime=regime, caisse=caisse, invoice=invoice.rank)
                return
