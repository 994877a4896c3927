"""A file taken apart into lots and invoices, as far as its order allows; each record keeps its rank."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fse.b2.acts import Act
from fse.b2.envelope import LotEnd, LotStart
from fse.b2.invoice import InvoiceEnd, InvoiceMore, InvoiceStart
from fse.b2.record import OfLine
from fse.b2.stays import Stay

if TYPE_CHECKING:
    from fse.b2.file import B2File

__all__ = ["Invoice", "Lot", "invoices_of", "lots_of"]


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice: its records by rank; ``end`` is None when the file leaves it open."""

    rank: int
    start: InvoiceStart
    records: dict[int, OfLine] = field(default_factory=dict)
    end: tuple[int, InvoiceEnd] | None = None

    @property
    def more(self) -> tuple[int, InvoiceMore] | None:
        """Return the record 2S with its rank."""
        return next(((rank, one) for rank, one in self.records.items() if isinstance(one, InvoiceMore)), None)

    @property
    def lines(self) -> dict[int, OfLine]:
        """Return every record of type 3 and 4, sub-records included, by rank."""
        return {rank: one for rank, one in self.records.items() if one.type[0] in "34"}

    @property
    def stays(self) -> dict[int, Stay]:
        """Return the lines of type 3, without their sub-records, by rank."""
        return {rank: one for rank, one in self.records.items() if isinstance(one, Stay)}

    @property
    def acts(self) -> dict[int, Act]:
        """Return the lines of type 4, without their sub-records, by rank."""
        return {rank: one for rank, one in self.records.items() if isinstance(one, Act)}

    @property
    def billed(self) -> int:
        """Return what is billed, in cents: expenses of type 3 and fees of type 4."""
        return sum(stay.expense for stay in self.stays.values()) + sum(act.fee for act in self.acts.values())

    @property
    def amo(self) -> int:
        """Return the part of the compulsory insurance, in cents."""
        return sum(stay.amo for stay in self.stays.values()) + sum(act.amo for act in self.acts.values())

    @property
    def amc(self) -> int:
        """Return the part of the complementary insurance, in cents."""
        return sum(stay.amc for stay in self.stays.values()) + sum(act.amc for act in self.acts.values())


@dataclass(frozen=True, slots=True)
class Lot:
    """One lot: its start, its invoices; ``end`` is None when the file leaves it open."""

    rank: int
    start: LotStart
    invoices: tuple[Invoice, ...] = ()
    end: tuple[int, LotEnd] | None = None


def lots_of(file: B2File) -> list[Lot]:
    """Return the lots of a file; a record that is out of every lot or invoice belongs to none."""
    lots: list[Lot] = []
    open_invoice = False
    for rank, record in enumerate(file.records, start=1):
        lot = lots[-1] if lots and lots[-1].end is None else None
        match record:
            case LotStart():
                lots.append(Lot(rank, record))
                open_invoice = False
            case LotEnd() if lot is not None:
                lots[-1], open_invoice = replace(lot, end=(rank, record)), False
            case InvoiceStart() if lot is not None:
                lots[-1] = replace(lot, invoices=(*lot.invoices, Invoice(rank, record)))
                open_invoice = True
            case InvoiceEnd() if lot is not None and open_invoice:
                lots[-1], open_invoice = _last(lot, end=(rank, record)), False
            case OfLine() if lot is not None and open_invoice:
                lots[-1] = _last(lot, records={**lot.invoices[-1].records, rank: record})
            case _:
                pass
    return lots


def _last(lot: Lot, **changes: Any) -> Lot:  # noqa: ANN401 - fields of an invoice
    """Return ``lot`` with its last invoice changed."""
    return replace(lot, invoices=(*lot.invoices[:-1], replace(lot.invoices[-1], **changes)))


def invoices_of(file: B2File) -> list[Invoice]:
    """Return the invoices of all the lots."""
    return [invoice for lot in lots_of(file) for invoice in lot.invoices]
