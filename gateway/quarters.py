"""
The forms 709 of a quarter, one a patient, under one slip (convention 2023-212, art. 10.3.2; A20).

A form belongs to the quarter of the day on which it was drawn up, and to no other: none is lost, none goes twice. They
lie in the journal in no order of time, and leave it in the order of their random keys.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from fse.documents import Form709, Place, Slip709, read_document

if TYPE_CHECKING:
    from gateway.journal import Transaction
    from gateway.profile import ServiceProfile

__all__ = ["forms_of_quarter", "quarter_of", "slip_of"]

_MONTHS = 3


def quarter_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of the quarter of ``day``."""
    first = date(day.year, (day.month - 1) // _MONTHS * _MONTHS + 1, 1)
    following = date(first.year + (first.month + _MONTHS > 12), (first.month + _MONTHS - 1) % 12 + 1, 1)  # noqa: PLR2004 - months
    return first, following - timedelta(days=1)


def forms_of_quarter(tx: Transaction, day: date) -> tuple[Form709, ...]:
    """Return the forms 709 drawn up in the quarter of ``day``, in the order of their random keys."""
    papers = (read_document(document) for _, kind, document in tx.anonymous_papers() if kind == "form_709")
    first, last = quarter_of(day)
    return tuple(one for one in papers if isinstance(one, Form709) and first <= one.drawn_up_on <= last)


def slip_of(forms: tuple[Form709, ...], profile: ServiceProfile, site: str, on: date) -> Slip709:
    """Return the slip that goes with ``forms`` of one quarter, drawn up on the day ``on`` by the site ``site``."""
    place = profile.sites[site]
    first, last = quarter_of(forms[0].drawn_up_on)
    amounts = [one.total_cents for one in forms]
    return Slip709(
        place=Place(finess=site, name=place.name, address=place.address, biller=profile.biller),
        drawn_up_on=on,
        organism=profile.anonymous_organism(site),
        first_day=first,
        last_day=last,
        count=len(forms),
        total_cents=None if None in amounts else sum(amount or 0 for amount in amounts),
    )
