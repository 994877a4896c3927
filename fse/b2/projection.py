"""
Sealed sheets as a B2 file: a pure, checked projection; and back, as far as B2 carries.

B2 is for programs that speak it. What proves the care is the sealed sheet: a B2 file travels beside its sheets in their
signed lot and is never accepted alone (:func:`check_projection`).

B2 has no place for: the mode (secured or degraded, and its cause), names and profession of who did the acts, day and
order of the sheet, start of the delay, cahier des charges, titre, the date behind a maternity, the date of an accident
by a third party, the action of prevention, the date of prescription, and the transmission to a complementary payer.
These are lost. A sheet is refused (B2-PROJECTION) rather than bent when it holds travel or mileage, an excess fee,
modifiers, a tooth, an act code of more than five characters, a coefficient of more than two decimals, an amount of more
than seven digits, an accident number that is not at most nine digits, or a device that is not at most 14 digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

from fse.b2.acts import Act, ActIds, ActMore
from fse.b2.check import check
from fse.b2.envelope import FileEnd, FileStart, LotEnd, LotStart
from fse.b2.errors import B2Error, Place
from fse.b2.file import B2File
from fse.b2.file_rules import recipient_of
from fse.b2.groups import Invoice, lots_of
from fse.b2.invoice import InvoiceEnd, InvoiceMore, InvoiceStart
from fse.b2.invoice_rules import totals
from fse.b2.sheet_limits import ProjectionError, digits_of_finess, require_projectable
from fse.sheet import Accident, Illness, Maternity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from fse.b2.record import OfLine, Record
    from fse.sheet import Line, Sheet

__all__ = ["Shipment", "check_projection", "project", "shipment_of"]

_NATURES = {Illness: "10", Maternity: "30", Accident: "41"}
_SPECIALTIES = {"sage-femme": "21", "infirmier": "24"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """
    What the sheets do not say: the day of the file, its 6-character identifier, the lot number, the biller's name.

    ``computing_centre`` (3 characters) is part of the address of the caisse. ``category`` is that of a PMI (223);
    ``status`` and ``tariff_mode`` are the constants of a field-used generator, their meaning uncertain. ``flow`` is a
    test: nothing here is real.
    """

    day: date
    file_id: str
    lot: int
    biller_name: str
    computing_centre: str = "000"
    category: str = "223"
    status: str = "60"
    tariff_mode: str = "05"
    program: str = "FSESIM"
    flow: str = "T"


class _Opening(TypedDict):
    biller: str
    nir: str
    nir_key: str
    invoice: str


def project(sheets: Sequence[Sheet], shipment: Shipment) -> B2File:
    """
    Return the B2 file of ``sheets``: one lot, one invoice a sheet, one act a line; sound by :func:`fse.b2.check.check`.

    Raises :class:`ProjectionError` (B2-MIXED: not one biller, caisse and mode; B2-PROJECTION: what B2 cannot carry) and
    :class:`fse.b2.errors.B2Error`, the first finding that is no warning.
    """
    groups = {(sheet.professional.biller, sheet.organism, sheet.mode.kind) for sheet in sheets}
    if len(groups) != 1:
        raise ProjectionError("B2-MIXED", count=len(groups))
    for sheet in sheets:
        require_projectable(sheet)
    body: list[Record] = []
    for sheet in sheets:
        body += _invoice(sheet)
    start, lot = _starts(sheets[0], shipment)
    file = B2File((start, lot, *body))
    end = LotEnd(biller=lot.biller, lot=lot.lot, **_lot_totals(lots_of(file)[0].invoices))
    last = FileEnd(
        sender_kind=start.sender_kind,
        sender=start.sender,
        sender_program=start.sender_program,
        recipient_kind=start.recipient_kind,
        recipient=start.recipient,
        recipient_program=start.recipient_program,
        application=start.application,
        file_id=start.file_id,
        records=len(file.records) + 2,
        lots=1,
    )
    whole = B2File((*file.records, end, last))
    whole.encode()
    for finding in check(whole):
        if finding.rule.severity == "error":
            raise finding
    return whole


def shipment_of(file: B2File) -> Shipment:
    """Return what the file says beside its sheets; raises :class:`B2Error` (B2-ORDER) when it does not start so."""
    start, lot = (*file.records, None, None)[:2]
    if not isinstance(start, FileStart) or not isinstance(lot, LotStart):
        raise B2Error("B2-ORDER", Place(1, "?", 1, 3), after="start", allowed="000, 1")
    return Shipment(
        day=start.created_on,
        file_id=start.file_id,
        lot=int(lot.lot),
        biller_name=lot.biller_name or "",
        computing_centre=start.recipient[8:11],
        category=lot.category or "",
        status=lot.status or "",
        tariff_mode=lot.tariff_mode or "",
        program=start.sender_program or "",
        flow=start.flow or "",
    )


def check_projection(file: B2File, sheets: Sequence[Sheet]) -> None:
    """
    Hold a B2 file against the sealed sheets that it travels with: it must be their projection, to the character.

    Raises :class:`B2Error` (B2-NOT-PROJECTION, at the first field that differs) and the errors of :func:`project`.
    """
    ours = project(sheets, shipment_of(file))
    for rank, record in enumerate(ours.records, start=1):
        theirs = file.records[rank - 1] if rank <= len(file.records) else None
        if theirs is None or theirs.type != record.type:
            raise B2Error("B2-NOT-PROJECTION", Place(rank, record.type))
        for name, value in record.values.items():
            if theirs.values[name] != value:
                raise B2Error("B2-NOT-PROJECTION", Place.of(rank, record.type, name))
    if len(file.records) > len(ours.records):
        raise B2Error("B2-NOT-PROJECTION", Place(len(ours.records) + 1, file.records[len(ours.records)].type))


def _starts(sheet: Sheet, shipment: Shipment) -> tuple[FileStart, LotStart]:
    regime, caisse = sheet.organism[:2], sheet.organism[2:5]
    biller = digits_of_finess(sheet.professional.biller)
    try:
        kind, recipient = recipient_of(regime, caisse, shipment.computing_centre)
    except KeyError:
        raise ProjectionError.of(sheet, f"un régime sans type de destinataire ({regime})", f"régime {regime}") from None
    start = FileStart(
        sender_kind="TE",
        sender=biller.rjust(14, "0"),
        sender_program=shipment.program or None,
        recipient_kind=kind,
        recipient=recipient,
        application="TR",
        file_id=shipment.file_id,
        created_on=shipment.day,
        norm="CP",
        version="B2",
        encryption="N",
        currency="U",
        flow=shipment.flow or None,
    )
    lot = LotStart(
        biller=biller,
        organism=caisse,
        lot=f"{shipment.lot:03d}",
        category=shipment.category or None,
        status=shipment.status or None,
        tariff_mode=shipment.tariff_mode or None,
        biller_name=shipment.biller_name or None,
        lot_on=shipment.day,
        currency="U",
    )
    return start, lot


def _lot_totals(invoices: Sequence[Invoice]) -> dict[str, int]:
    count = len(invoices)
    return {
        "invoices": count,
        "acts": sum(len(one.acts) for one in invoices),
        "invoices_again": count,
        "invoices_thrice": count,
        "total": sum(one.billed for one in invoices),
        "total_amo": sum(one.amo for one in invoices),
    }


def _invoice(sheet: Sheet) -> list[Record]:
    who, cover = sheet.beneficiary, sheet.cover
    opening = _opening(sheet)
    start = InvoiceStart(
        **opening,
        operation="1",
        regime=sheet.organism[:2],
        caisse=sheet.organism[2:5],
        centre=sheet.organism[5:],
        nature=_NATURES[type(cover)],
        exemption=cover.exemption if isinstance(cover, Illness) else "0",
        accident=_accident(cover) if isinstance(cover, Accident) else None,
        birth_on=who.birth_date if who else None,
        birth_rank=str(who.birth_rank) if who and who.birth_rank else None,
    )
    lines: dict[int, OfLine] = {}
    for line in sheet.lines:
        for record in _act(sheet, line):
            lines[len(lines)] = record
    more = [] if who is None or who.nir is None else [_individual(opening, who.nir.number, who.nir.key)]
    end = InvoiceEnd(**opening, **totals(Invoice(0, start, lines)))
    return [start, *more, *lines.values(), end]


def _individual(opening: _Opening, number: str, key: str) -> InvoiceMore:
    return InvoiceMore(**opening, own_nir=number, own_nir_key=key)


def _opening(sheet: Sheet) -> _Opening:
    return {
        "biller": digits_of_finess(sheet.professional.biller),
        "nir": sheet.insured.number,
        "nir_key": sheet.insured.key,
        "invoice": f"{sheet.number:09d}",
    }


def _act(sheet: Sheet, line: Line) -> tuple[Act, ActMore, ActIds]:
    opening, imaging, who = _opening(sheet), sheet.imaging, sheet.professional
    act = Act(
        **opening,
        exemption=line.exemption,
        performer=digits_of_finess(who.structure),
        specialty=_SPECIALTIES.get(who.profession),
        care_on=line.on,
        act=line.code,
        quantity=line.quantity,
        coefficient=line.coefficient or Decimal(0),
        unit_price=_unit_price(line),
        base=line.fee_cents,
        rate=line.rate_percent,
        amo=line.amo_cents,
        fee=line.fee_cents,
    )
    more = ActMore(
        **opening,
        agreement_on=sheet.prior_agreement,
        technical_order=f"{imaging.order:05d}" if imaging else None,
        device=imaging.device.rjust(14, "0") if imaging else None,
    )
    ids = ActIds(
        **opening,
        prescriber_rpps=sheet.prescriber.rpps if sheet.prescriber else None,
        performer_rpps=who.rpps,
        performer_structure=who.structure,
    )
    return act, more, ids


def _unit_price(line: Line) -> int:
    """Return the price of one, in cents; 0 where the fee is no whole number of them."""
    parts = line.quantity * (line.coefficient or 1)
    return int(line.fee_cents / Decimal(parts)) if parts and line.fee_cents % Decimal(parts) == 0 else 0


def _accident(cover: Accident) -> str | None:
    if cover.number is not None:
        return cover.number.rjust(9, "0")
    return f"{cover.on:000%y%m%d}" if cover.on else None
