"""The entities of a payment return, in the order of its tree, with the 990 and 999 that count and sum them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

import schemas
from fse.noemie.codec import Entity
from fse.noemie.layout import layouts
from fse.noemie.rejections import rejections
from fse.noemie.return_checks import SECTIONS
from fse.noemie.returns import DebtOperation
from fse.noemie.tree import node_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fse.noemie.fields import Value
    from fse.noemie.returns import ActReturn, Debt, OtherPayment, Reason, Return, SheetReturn

__all__ = ["ACT_CODE", "HEADER", "TRANSFER_LABEL", "entities_of"]

HEADER: dict[str, str] = {
    "compaction": "", "password": "", **schemas.read_toml("noemie/tree.toml")["header"],
}  # fmt: skip
"""What 000 says besides who writes to whom."""

TRANSFER_LABEL = "VIREMENT SIMULE"
ACT_CODE = "A"
"""The code of the comment (295) that holds the whole code of an act of more than five characters."""

_EMPTY: dict[str, Value] = {"text": "", "date": None}
_OPERATIONS = tuple(DebtOperation)
_Item = TypeVar("_Item", "SheetReturn", "Debt")


def entities_of(found: Return) -> list[Entity]:
    """Return the entities that say ``found``, which holds (:func:`fse.noemie.return_checks.check_return`)."""
    sheets = sorted(found.sheets, key=lambda one: (SECTIONS[one.kind], one.lot_day, one.lot, one.number))
    sections = [
        _section(name, [_lot(lot, _sheet) for lot in _lots(list(group))])
        for name, group in groupby(sheets, key=lambda one: SECTIONS[one.kind])
    ]
    if found.others:
        sections.append(_section("03", [(_payment(one), one.amount_cents) for one in found.others]))
    if found.debts:
        debts = sorted(found.debts, key=_debt_order)
        sections.append(_section("05", [_lot(lot, _debt) for lot in _lots(debts)]))
    sections.sort(key=lambda one: one[0][0].text("type"))
    first = _node(
        "transfer",
        day=found.accounting_day,
        reference=found.reference,
        label=TRANSFER_LABEL,
        payer=found.organism,
    )
    inner, total = _closed(first, sections)
    parties: dict[str, Value] = {
        **{name: HEADER[name] for name in ("sender_kind", "sender_program", "recipient_kind", "recipient_program")},
        "application": HEADER["application"],
        "flow": HEADER["flow"],
        "sender": found.organism.zfill(14),
        "recipient": found.biller,
        "file_id": f"{found.number:06d}",
    }
    beginning = {**HEADER, **parties, "created_on": found.created_on}
    lots = sum(one.kind == "080" for one in inner)
    end = {
        **parties, "records": len(inner) + 2, "lots": lots, "amount": abs(total), "sign": _sign(total),
        "other_currency": 0,
    }  # fmt: skip
    return [Entity("000", "", beginning), *inner, Entity("999", "", end)]


def _section(name: str, items: list[tuple[list[Entity], int]]) -> tuple[list[Entity], int]:
    return _closed(_node("section", type=name), items)


def _lots(items: list[_Item]) -> Iterator[list[_Item]]:
    return (list(group) for _, group in groupby(items, key=lambda one: (one.lot_day, one.lot)))


def _lot(items: list[_Item], write: Callable[[_Item], tuple[list[Entity], int]]) -> tuple[list[Entity], int]:
    first = items[0]
    return _closed(_node("lot", day=first.lot_day, lot=_short(first.lot)), [write(one) for one in items])


def _sheet(sheet: SheetReturn) -> tuple[list[Entity], int]:
    found = [
        _invoice(sheet, type=sheet.kind.value, day=sheet.drawn_up_on, nature=sheet.nature),
        *([] if sheet.insured is None else [_insured(sheet.insured.number, sheet.insured.key)]),
        _amo("invoice_amo", sheet.requested_cents, sheet.state, sheet.paid_cents),
        *(_reason("invoice_reason", rank, one) for rank, one in enumerate(sheet.reasons, 1)),
        *(_node("signal", code=code, label=rejections()[code].label) for code in sheet.signals),
    ]
    for act in sorted(sheet.acts, key=lambda one: one.line):
        found += _act(act)
    return found, sheet.paid_cents


def _act(act: ActReturn) -> Iterable[Entity]:
    yield _node(
        "act",
        line=act.line,
        begins_on=act.on,
        ends_on=act.on,
        unit_price=act.fee_cents,
        base=act.base_cents,
        rate=act.rate_percent,
        reimbursed=act.paid_cents,
        sign="P",
        act=act.code[:3],
        complement=act.code[3:5],
        quantity=act.quantity,
        expense=act.fee_cents,
    )
    yield _amo("act_amo", act.requested_cents, act.state, act.paid_cents)
    if len(act.code) > 5:  # noqa: PLR2004 - nature of act and complement: 3 and 2 characters
        yield _node("act_code", code=ACT_CODE, text=act.code)
    for rank, one in enumerate(act.reasons, 1):
        yield _reason("act_reason", rank, one, act)


def _debt(debt: Debt) -> tuple[list[Entity], int]:
    recovered = debt.operation is DebtOperation.RECOVERED
    one = _node(
        "debt",
        line=debt.line,
        reference=debt.reference,
        day=debt.on,
        nature=debt.nature,
        operation=debt.operation.value,
        amount=debt.amount_cents,
        sign="N",
        balance=debt.balance_cents,
    )
    return [_invoice(debt), one], -debt.amount_cents if recovered else 0


def _payment(one: OtherPayment) -> list[Entity]:
    return [_node("payment", code=one.code, amount=one.amount_cents), _node("payment_text", text=one.label)]


def _invoice(one: SheetReturn | Debt, **values: Value) -> Entity:
    number, lot = f"{one.number:09d}", f"{one.lot:06d}"
    return _node("invoice", number=number, complement=lot, lot=_short(one.lot), lot_day=one.lot_day, **values)


def _insured(number: str, key: str) -> Entity:
    return _node("insured", nir=number, nir_key=key)


def _amo(name: str, requested: int, state: str, paid: int) -> Entity:
    return _node(name, requested=requested, state=str(state), paid=paid, sign="P")


def _reason(name: str, rank: int, reason: Reason, act: ActReturn | None = None) -> Entity:
    label, whole = rejections()[reason.code].label, act is None
    return _node(
        name,
        code=reason.code,
        label=label,
        level="F" if whole else "L",
        part="O",
        act="" if act is None else act.code[:5],
        care_on=None if act is None else act.on,
        line=0 if act is None else act.line,
        rank=rank,
        extra=reason.detail,
    )


def _node(name: str, **values: Value) -> Entity:
    kind = next(one for one in node_kinds().values() if one.name == name)
    empty = {
        one.name: "0" * one.len if one.kind == "digits" else _EMPTY.get(one.kind, 0)
        for one in layouts()[kind.entity].named
    }
    return Entity(kind.entity, kind.level, {**empty, **values})


def _closed(first: Entity, items: list[tuple[list[Entity], int]]) -> tuple[list[Entity], int]:
    total = sum(cents for _, cents in items)
    control: dict[str, Value] = {"closes": first.kind, "count": len(items), "amount": abs(total), "sign": _sign(total)}
    inside = [entity for entities, _ in items for entity in entities]
    return [first, *inside, Entity("990", first.level, control)], total


def _sign(cents: int) -> str:
    return "N" if cents < 0 else "P"


def _short(lot: int) -> str:
    return f"{lot % 1000:03d}"


def _debt_order(one: Debt) -> tuple[object, ...]:
    return one.lot_day, one.lot, one.number, one.reference, _OPERATIONS.index(one.operation)
