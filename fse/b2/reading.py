"""What can be read back of the sheets that a B2 file was projected from, in the values of :mod:`fse.sheet`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.b2.acts import Act, ActIds, ActMore
from fse.b2.groups import invoices_of
from fse.identifiers import Nir
from fse.sheet import Beneficiary, Line

if TYPE_CHECKING:
    from datetime import date

    from fse.b2.file import B2File
    from fse.b2.groups import Invoice

__all__ = ["ReadInvoice", "read_invoices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadInvoice:
    """
    One invoice in the words of a sheet; what B2 does not carry (:mod:`fse.b2.projection`) is not there.

    ``biller`` and ``structure`` are as the records write them: digits for the biller, the FINESS for the structure.
    ``nature`` is the code of the billing record (10, 30, 41). Amounts in cents.
    """

    number: int
    insured: Nir
    beneficiary: Beneficiary | None
    organism: str
    biller: str
    structure: str | None
    rpps: str | None
    prescriber_rpps: str | None
    nature: str
    exemption: str | None
    accident: str | None
    prior_agreement: date | None
    lines: tuple[Line, ...]
    total_cents: int
    advance_cents: int


def read_invoices(file: B2File) -> tuple[ReadInvoice, ...]:
    """Return the invoices of a sound file; raises :class:`fse.identifiers.IdentifierError` for a wrong NIR."""
    return tuple(_invoice(invoice) for invoice in invoices_of(file))


def _invoice(invoice: Invoice) -> ReadInvoice:
    start = invoice.start
    ids = next((one for one in invoice.records.values() if isinstance(one, ActIds)), None)
    more = next((one for one in invoice.records.values() if isinstance(one, ActMore)), None)
    return ReadInvoice(
        number=int(start.invoice),
        insured=Nir(start.nir, start.nir_key),
        beneficiary=_beneficiary(invoice),
        organism=start.regime + start.caisse + start.centre,
        biller=start.biller,
        structure=ids.performer_structure if ids else None,
        rpps=ids.performer_rpps if ids else None,
        prescriber_rpps=ids.prescriber_rpps if ids else None,
        nature=start.nature,
        exemption=start.exemption,
        accident=start.accident,
        prior_agreement=more.agreement_on if more else None,
        lines=tuple(_line(act) for act in invoice.acts.values()),
        total_cents=invoice.billed,
        advance_cents=invoice.amo,
    )


def _beneficiary(invoice: Invoice) -> Beneficiary | None:
    start, more = invoice.start, invoice.more
    if more is not None and more[1].own_nir is not None:
        return Beneficiary(nir=Nir(more[1].own_nir, more[1].own_nir_key or ""))
    if start.birth_on is None:
        return None
    return Beneficiary(birth_date=start.birth_on, birth_rank=int(start.birth_rank) if start.birth_rank else None)


def _line(act: Act) -> Line:
    return Line(
        on=act.care_on,
        code=act.act,
        fee_cents=act.fee,
        rate_percent=act.rate,
        amo_cents=act.amo,
        quantity=act.quantity,
        coefficient=act.coefficient or None,
        exemption=act.exemption,
    )
