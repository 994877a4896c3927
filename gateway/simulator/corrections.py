"""
What a caisse corrects after it has paid (convention 2023-212, art. 17): debts claimed back, recalls of what lacked.

A debt (indu) is notified in one return and recovered on later transfers, never for more than a transfer holds; what is
left stays due. A recall (rappel) is paid with the next return.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from fse.noemie import ActState, Debt, DebtOperation, SheetKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from fse.noemie import SheetReturn

__all__ = ["Corrections"]

_WHOLE = 0


@dataclass(slots=True)
class Corrections:
    """The corrections of one caisse, by biller; debts stand from the oldest on."""

    _debts: dict[str, dict[str, Debt]] = field(default_factory=dict)
    _news: dict[str, list[Debt]] = field(default_factory=dict)
    _recalls: dict[str, dict[int, SheetReturn]] = field(default_factory=dict)
    _recalled: dict[tuple[str, int, int], int] = field(default_factory=dict)
    _claimed: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)
    _ranks: Iterator[int] = field(default_factory=lambda: count(1))

    def claim_back(
        self, biller: str, answer: SheetReturn, line: int, cents: int | None, nature: str, on: date
    ) -> Debt | None:
        """
        Notify a debt on a sheet, on its act ``line`` or, 0, on the whole of it; the next return will say it.

        At most what was paid there and is not claimed back, which is the amount when ``cents`` is None; None, and no
        debt, when nothing is.
        """
        number, claimed = answer.number, self._claimed.setdefault((biller, answer.number), {})
        paid = {act.line: act.paid_cents + self._recalled.get((biller, number, act.line), 0) for act in answer.acts}
        left = sum(paid.values()) - sum(claimed.values())
        if line != _WHOLE:
            left = min(left, paid.get(line, 0) - claimed.get(line, 0))
        amount = left if cents is None else min(cents, left)
        if amount <= 0:
            return None
        debt = Debt(
            reference=f"D{next(self._ranks):09d}",
            operation=DebtOperation.NOTIFIED,
            number=number,
            lot=answer.lot,
            lot_day=answer.lot_day,
            line=line,
            on=on,
            nature=nature,
            amount_cents=amount,
            balance_cents=amount,
        )
        claimed[line] = claimed.get(line, 0) + amount
        self._say(biller, debt)
        return debt

    def cancel(self, biller: str, reference: str) -> None:
        """Give up what is still due of a debt, if anything; the next return will say it."""
        last = self._debts[biller][reference]
        if last.balance_cents:
            amount = last.balance_cents
            self._claimed[biller, last.number][last.line] -= amount
            self._say(biller, replace(last, operation=DebtOperation.CANCELLED, amount_cents=amount, balance_cents=0))

    def owed(self, biller: str) -> int:
        """Return what ``biller`` still owes, in cents."""
        return sum(one.balance_cents for one in self._debts.get(biller, {}).values())

    def recall(self, biller: str, answer: SheetReturn, line: int, cents: int) -> int:
        """
        Have the next return pay what lacks of an act that was paid in part; return how much, in cents.

        At most what was asked for; 0 for an act that was not paid at all.
        """
        act = next((one for one in answer.acts if one.line == line and one.state is ActState.PAID), None)
        if act is None:
            return 0
        key = biller, answer.number, line
        amount = min(cents, act.requested_cents - act.paid_cents - self._recalled.get(key, 0))
        if amount <= 0:
            return 0
        self._recalled[key] = self._recalled.get(key, 0) + amount
        pending = self._recalls.setdefault(biller, {})
        known = pending.get(answer.number) or replace(answer, kind=SheetKind.RECALL, acts=(), reasons=(), signals=())
        before = next((one.paid_cents for one in known.acts if one.line == line), 0)
        paid = replace(act, requested_cents=before + amount, paid_cents=before + amount, reasons=())
        others = (one for one in known.acts if one.line != line)
        acts = tuple(sorted((*others, paid), key=lambda one: one.line))
        pending[answer.number] = replace(known, acts=acts)
        return amount

    def has_news(self, biller: str) -> bool:
        """Tell whether a return must be made for them, whatever else is due."""
        return bool(self._news.get(biller) or self._recalls.get(biller))

    def take_recalls(self, biller: str) -> tuple[SheetReturn, ...]:
        """Return the recalls that the next return pays."""
        return tuple(self._recalls.pop(biller, {}).values())

    def take_debts(self, biller: str, available: int) -> tuple[Debt, ...]:
        """Return the operations of one return: the news, then what is recovered of ``available`` cents."""
        found = self._news.pop(biller, [])
        told = {one.reference for one in found}
        for reference, last in self._debts.get(biller, {}).items():
            amount = min(last.balance_cents, available)
            if reference in told or not amount:
                continue
            available -= amount
            left = last.balance_cents - amount
            taken = replace(last, operation=DebtOperation.RECOVERED, amount_cents=amount, balance_cents=left)
            self._debts[biller][reference] = taken
            found.append(taken)
        return tuple(found)

    def _say(self, biller: str, debt: Debt) -> None:
        self._debts.setdefault(biller, {})[debt.reference] = debt
        self._news.setdefault(biller, []).append(debt)
