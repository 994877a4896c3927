"""What holds inside one invoice: one identity, counts, sums in cents, dates (FIDES-TF)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import schemas
from fse.act_window import add_months
from fse.b2.errors import B2Error, Place
from fse.b2.groups import invoices_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from fse.b2.file import B2File
    from fse.b2.groups import Invoice
    from fse.b2.invoice import InvoiceEnd
    from fse.b2.record import OfLine

__all__ = ["Totals", "invoice_findings", "totals"]

_IDENTITY = ("biller", "nir", "nir_key", "rank", "invoice")


class Totals(TypedDict):
    """What record 5 says of its invoice: a count of records, then cents."""

    lines: int
    stay_base: int
    stay_amo: int
    act_fees: int
    act_amo: int
    insured_share: int
    stay_amc: int
    act_amc: int
    stay_expense: int


def invoice_findings(file: B2File) -> Iterator[B2Error]:
    """Yield B2-SAME, B2-COUNT, B2-TOTAL, B2-SHARE, B2-DATES, and the warnings B2-CARE-DATE and B2-DELAY."""
    for invoice in invoices_of(file):
        yield from _same(invoice)
        if invoice.end is not None:
            yield from _sums(invoice, *invoice.end)
        yield from _dates(invoice, file.day)


def totals(invoice: Invoice) -> Totals:
    """
    Return what record 5 must say: the count of lines, sub-records included, and the sums in cents.

    The share of the insured is (expense - AMO) of type 3 + (fees - AMO) of type 4; it is negative when the insurance
    pays more than is billed, which no record can say.
    """
    stays, acts = invoice.stays.values(), invoice.acts.values()
    return Totals(
        lines=len(invoice.lines),
        stay_base=sum(stay.base for stay in stays),
        stay_amo=sum(stay.amo for stay in stays),
        act_fees=sum(act.fee for act in acts),
        act_amo=sum(act.amo for act in acts),
        insured_share=invoice.billed - invoice.amo,
        stay_amc=sum(stay.amc for stay in stays),
        act_amc=sum(act.amc for act in acts),
        stay_expense=sum(stay.expense for stay in stays),
    )


def _same(invoice: Invoice) -> Iterator[B2Error]:
    ours = invoice.start.values
    others: dict[int, OfLine] = dict(invoice.records)
    if invoice.end is not None:
        others[invoice.end[0]] = invoice.end[1]
    for rank, record in others.items():
        theirs = record.values
        for name in _IDENTITY:
            if name in theirs and theirs[name] != ours[name]:
                yield B2Error("B2-SAME", Place.of(rank, record.type, name), start=invoice.rank)


def _sums(invoice: Invoice, rank: int, end: InvoiceEnd) -> Iterator[B2Error]:
    said = end.values
    for name, found in totals(invoice).items():
        if said[name] != found:
            place = Place.of(rank, "5", name)
            known = {"lines": "B2-COUNT", "insured_share": "B2-SHARE"}
            yield B2Error(known.get(name, "B2-TOTAL"), place, said=said[name], found=found)


def _dates(invoice: Invoice, day: date) -> Iterator[B2Error]:
    born, limit = invoice.start.birth_on, schemas.read_toml("b2/order.toml")["limits"]["months"]
    cared = [(Place.of(rank, "3", "start_on"), stay.start_on) for rank, stay in invoice.stays.items()]
    cared += [(Place.of(rank, "4", "care_on"), act.care_on) for rank, act in invoice.acts.items()]
    cared.sort(key=lambda one: one[0].rank)
    for place, on in cared:
        if on > day:
            yield B2Error("B2-DATES", place, first=on, second=day)
        elif born is not None and on < born:
            yield B2Error("B2-DATES", place, first=born, second=on)
        elif add_months(on, limit) <= day:
            yield B2Error("B2-DELAY", place, on=on, day=day)
        if on != cared[0][1]:
            yield B2Error("B2-CARE-DATE", place, on=on, first=cared[0][1])
    for rank, stay in invoice.stays.items():
        if stay.end_on is not None and stay.end_on < stay.start_on:
            yield B2Error("B2-DATES", Place.of(rank, "3", "end_on"), first=stay.start_on, second=stay.end_on)
