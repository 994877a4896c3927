"""What holds together in a payment return: amounts and states, reasons, debts, and the transfer to the cent."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from fse.identifiers import OrganismCode, check_finess
from fse.noemie.errors import ReturnError
from fse.noemie.rejections import RejectionKind, rejections
from fse.noemie.returns import ActState, DebtOperation, Outcome, SheetKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fse.noemie.returns import ActReturn, Debt, Reason, Return, SheetReturn

__all__ = ["SECTIONS", "check_return"]

SECTIONS = {SheetKind.SECURED: "01", SheetKind.DEGRADED: "01", SheetKind.DUPLICATA: "02", SheetKind.RECALL: "04"}
"""The type of return (entity 081) under which a sheet stands."""

_NEEDS = {
    Outcome.REJECTED: RejectionKind.REJECTION,
    Outcome.PARTLY_PAID: RejectionKind.REDUCTION,
    Outcome.DEFERRED: RejectionKind.DEFERRAL,
}
"""The kind of reason that an act asks for when it is not paid in full."""

_OPERATIONS = tuple(DebtOperation)
_ACT_CODE = re.compile(r"[A-Z0-9][A-Z0-9+]{0,9}")
_LAST_FILE = _LAST_LOT = 999_999
_LAST_SHEET = 999_999_999
_LAST_LINE = 99


def check_return(found: Return) -> None:
    """
    Hold a return against the rules that its layout cannot say, when it is written and when it is read.

    Raises :class:`fse.noemie.errors.ReturnError`: RETURN-VALUE, RETURN-AMOUNT, RETURN-REASON, RETURN-CODE,
    RETURN-TWICE, RETURN-DEBT, RETURN-TRANSFER; or the rule of an identifier (organism, biller).
    """
    OrganismCode.parse(found.organism)
    check_finess(found.biller, "facturier")
    _within("fichier", "numéro", found.number, _LAST_FILE)
    for sheet in found.sheets:
        _check_sheet(sheet)
    _once((f"feuille {one.number}", SECTIONS[one.kind], one.number) for one in found.sheets)
    _check_debts(found.debts)
    total, transfer = found.total_cents, found.transfer_cents
    if not transfer == total >= 0 or bool(found.reference) is not bool(total):
        raise ReturnError("RETURN-TRANSFER", stated=transfer, found=total)


def _check_sheet(sheet: SheetReturn) -> None:
    place = f"feuille {sheet.number}"
    _within(place, "numéro", sheet.number, _LAST_SHEET)
    _within(place, "lot", sheet.lot, _LAST_LOT)
    for act in sheet.acts:
        _check_act(sheet, act)
    _once((f"{place}, ligne {act.line}", act.line) for act in sheet.acts)
    if not sheet.acts and not sheet.reasons:
        raise ReturnError("RETURN-REASON", place=place, state=sheet.outcome.value)
    _check_reasons(place, "F", sheet.outcome, sheet.reasons)
    for code in sheet.signals:
        _check_code(place, "F", code, RejectionKind.SIGNAL)


def _check_act(sheet: SheetReturn, act: ActReturn) -> None:
    place = f"feuille {sheet.number}, ligne {act.line}"
    _within(place, "ligne", act.line, _LAST_LINE)
    if _ACT_CODE.fullmatch(act.code) is None:
        raise ReturnError("RETURN-VALUE", place=place, field="code", expected="1 à 10 lettres, chiffres ou +")
    paid, requested = act.paid_cents, act.requested_cents
    fits = 0 < paid <= requested or paid == requested == 0 if act.state is ActState.PAID else paid == 0
    if not fits:
        raise ReturnError("RETURN-AMOUNT", place=place, paid=paid, requested=requested)
    if act.reasons or not sheet.reasons or act.outcome is not sheet.outcome:
        if bool(act.reasons) is (act.outcome is Outcome.PAID):
            raise ReturnError("RETURN-REASON", place=place, state=act.outcome.value)
        _check_reasons(place, "L", act.outcome, act.reasons)


def _check_reasons(place: str, level: str, outcome: Outcome, reasons: Iterable[Reason]) -> None:
    for reason in reasons:
        if outcome not in _NEEDS:
            raise ReturnError("RETURN-REASON", place=place, state=outcome.value)
        _check_code(place, level, reason.code, _NEEDS[outcome])


def _check_code(place: str, level: str, code: str, kind: RejectionKind) -> None:
    known = rejections().get(code)
    if known is None or known.kind is not kind or level not in known.level:
        raise ReturnError("RETURN-CODE", place=place, code=code[:10])


def _check_debts(debts: Iterable[Debt]) -> None:
    by_reference: dict[str, list[Debt]] = {}
    for debt in debts:
        place = f"créance {debt.reference}"
        _within(place, "feuille", debt.number, _LAST_SHEET)
        _within(place, "lot", debt.lot, _LAST_LOT)
        by_reference.setdefault(debt.reference, []).append(debt)
    for reference, found in by_reference.items():
        found.sort(key=lambda one: _OPERATIONS.index(one.operation))
        _once((f"créance {reference}", one.operation) for one in found)
        first = found[0]
        notified = first.operation is DebtOperation.NOTIFIED
        sound = all(one.amount_cents > 0 <= one.balance_cents for one in found)
        sound = sound and (not notified or first.balance_cents == first.amount_cents)
        for before, after in pairwise(found):
            sound = sound and _origin(before) == _origin(after)
            sound = sound and after.balance_cents == before.balance_cents - after.amount_cents
        if not sound:
            raise ReturnError("RETURN-DEBT", reference=reference)


def _origin(debt: Debt) -> tuple[object, ...]:
    return debt.number, debt.lot, debt.lot_day, debt.line, debt.on, debt.nature


def _once(things: Iterable[tuple[object, ...]]) -> None:
    seen = set()
    for thing in things:
        if thing in seen:
            raise ReturnError("RETURN-TWICE", place=thing[0])
        seen.add(thing)


def _within(place: str, field: str, value: int, last: int) -> None:
    if not 1 <= value <= last:
        raise ReturnError("RETURN-VALUE", place=place, field=field, expected=f"1 à {last}")
