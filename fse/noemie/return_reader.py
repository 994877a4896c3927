"""From the tree of a payment return to its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.identifiers import Nir
from fse.noemie.errors import NoemieError
from fse.noemie.returns import (
    ActReturn,
    ActState,
    Debt,
    DebtOperation,
    OtherPayment,
    Reason,
    Return,
    SheetKind,
    SheetReturn,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from fse.noemie.codec import Entity
    from fse.noemie.tree import Node

__all__ = ["read_tree"]

_DEBTS = "05"


def read_tree(root: Node, end: Entity) -> Return:
    """
    Return what the tree says; ``end`` is its 999.

    Raises :class:`NoemieError`: NOEMIE-FIELD for a value that means nothing in a return, NOEMIE-TOTAL when the AMO part
    of a sheet is not the sum of its acts; and the rule of an identifier.
    """
    (transfer,) = root.children
    sheets, others, debts = [], [], []
    for section in transfer.children:
        others += [_payment(one) for one in section.of("payment")]
        for invoice in (one for lot in section.of("lot") for one in lot.children):
            if section.entity.text("type") == _DEBTS:
                debts += list(_debts(invoice))
            else:
                sheets.append(_sheet(invoice))
    return Return(
        organism=root.entity.text("sender")[-9:],
        biller=root.entity.text("recipient"),
        number=_whole(root.entity, "file_id"),
        created_on=_day(root.entity, "created_on"),
        accounting_day=_day(transfer.entity, "day"),
        reference=transfer.entity.text("reference"),
        transfer_cents=end.signed("amount"),
        sheets=tuple(sheets),
        others=tuple(others),
        debts=tuple(debts),
    )


def _sheet(node: Node) -> SheetReturn:
    entity = node.entity
    if entity.text("type") not in set(SheetKind):
        raise _meaningless(entity, "type")
    sheet = SheetReturn(
        kind=SheetKind(entity.text("type")),
        number=_whole(entity, "number"),
        lot=_whole(entity, "complement"),
        lot_day=_day(entity, "lot_day"),
        drawn_up_on=entity.day("day"),
        nature=entity.text("nature"),
        acts=tuple(_act(one) for one in node.of("act")),
        insured=next((_nir(one.entity) for one in node.of("insured")), None),
        reasons=tuple(map(_reason, node.of("invoice_reason"))),
        signals=tuple(one.entity.text("code") for one in node.of("signal")),
    )
    for part in (one.entity for one in node.of("invoice_amo")):
        for name, found in (("requested", sheet.requested_cents), ("paid", sheet.paid_cents)):
            if part.number(name) != found:
                place = {"rank": part.rank, "kind": part.kind, "position": part.position}
                raise NoemieError("NOEMIE-TOTAL", **place, stated=part.number(name), found=found)
    return sheet


def _act(node: Node) -> ActReturn:
    entity = node.entity
    (part,) = node.of("act_amo")
    if part.entity.text("state") not in set(ActState):
        raise _meaningless(part.entity, "state")
    whole = [one.entity.text("text") for one in node.of("act_code")]
    return ActReturn(
        line=entity.number("line"),
        code=whole[0] if whole else entity.text("act") + entity.text("complement"),
        on=_day(entity, "begins_on"),
        fee_cents=entity.number("expense"),
        base_cents=entity.number("base"),
        rate_percent=entity.number("rate"),
        requested_cents=part.entity.number("requested"),
        state=ActState(part.entity.text("state")),
        paid_cents=part.entity.number("paid"),
        quantity=entity.number("quantity"),
        reasons=tuple(map(_reason, node.of("act_reason"))),
    )


def _debts(node: Node) -> Iterator[Debt]:
    invoice = node.entity
    for entity in (one.entity for one in node.of("debt")):
        if entity.text("operation") not in set(DebtOperation):
            raise _meaningless(entity, "operation")
        yield Debt(
            reference=entity.text("reference"),
            operation=DebtOperation(entity.text("operation")),
            number=_whole(invoice, "number"),
            lot=_whole(invoice, "complement"),
            lot_day=_day(invoice, "lot_day"),
            line=entity.number("line"),
            on=_day(entity, "day"),
            nature=entity.text("nature"),
            amount_cents=entity.number("amount"),
            balance_cents=entity.number("balance"),
        )


def _payment(node: Node) -> OtherPayment:
    (detail,) = node.of("payment_text")
    return OtherPayment(node.entity.text("code"), node.entity.number("amount"), detail.entity.text("text"))


def _reason(node: Node) -> Reason:
    return Reason(node.entity.text("code"), node.entity.text("extra"))


def _nir(entity: Entity) -> Nir:
    return Nir(entity.text("nir"), entity.text("nir_key"), "103")


def _whole(entity: Entity, name: str) -> int:
    text = entity.text(name)
    if not (text.isascii() and text.isdigit()):
        raise _meaningless(entity, name)
    return int(text)


def _day(entity: Entity, name: str) -> date:
    day = entity.day(name)
    if day is None:
        raise _meaningless(entity, name)
    return day


def _meaningless(entity: Entity, name: str) -> NoemieError:
    field = next(one for one in entity.layout.named if one.name == name)
    return NoemieError(
        "NOEMIE-FIELD",
        rank=entity.rank,
        kind=entity.kind,
        position=entity.position + field.start - 1,
        field=field.fr,
        expected="celle d'un retour « FSE-SIM retour 1 »",
    )
