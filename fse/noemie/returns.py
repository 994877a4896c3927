"""
A payment return as values: one caisse, one biller, one accounting day, one bank transfer.

Amounts are whole cents, AMO part only. What the caisse says of each sheet and act, debts notified and recovered,
recalls and other payments add up to the transfer, to the cent (:func:`fse.noemie.return_checks.check_return`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from fse.identifiers import Nir

__all__ = [
    "ActReturn",
    "ActState",
    "Debt",
    "DebtOperation",
    "OtherPayment",
    "Outcome",
    "Reason",
    "Return",
    "SheetKind",
    "SheetReturn",
]


class ActState(StrEnum):
    """What the caisse decided of an act, in the letters of entity 198."""

    PAID = "P"
    REJECTED = "R"
    DEFERRED = "D"


class Outcome(StrEnum):
    """What a return says of a sheet or an act, in one word."""

    PAID = "paid"
    PARTLY_PAID = "partly_paid"
    REJECTED = "rejected"
    DEFERRED = "deferred"


class SheetKind(StrEnum):
    """What the line answers, in the letters of entity 102."""

    SECURED = "F"
    DEGRADED = "B"
    DUPLICATA = "P"
    RECALL = "E"
    """A sheet that was paid too little: ``requested`` is the difference (rappel, convention art. 17)."""


class DebtOperation(StrEnum):
    """What happens to a debt (indu) of the biller, in the order in which it may happen; the words are ours."""

    NOTIFIED = "NOT"
    """No money moves yet."""
    RECOVERED = "REC"
    """Taken from this transfer."""
    CANCELLED = "ANN"
    """No longer due; no money moves."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of our table, and what makes it precise (the right caisse, a rule, a sheet): 30 characters at most."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActReturn:
    """
    One act: its rank in the sheet (from 1), what was asked for, what is paid, and why not more.

    ``base_cents`` and ``rate_percent`` are those that the caisse applied.
    """

    line: int
    code: str
    on: date
    fee_cents: int
    base_cents: int
    rate_percent: int
    requested_cents: int
    state: ActState
    paid_cents: int = 0
    quantity: int = 1
    reasons: tuple[Reason, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Return what became of it."""
        if self.state is ActState.PAID:
            return Outcome.PAID if self.paid_cents == self.requested_cents else Outcome.PARTLY_PAID
        return Outcome.REJECTED if self.state is ActState.REJECTED else Outcome.DEFERRED


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetReturn:
    """
    One sheet: by its FSE number, its lot, and its acts.

    ``nature``: AS, MA (AM is read too), AT, PM, or empty. A sheet whose content the caisse could not believe has no
    acts, no day and no nature: it is rejected as a whole, for ``reasons``, and its amount is known to its sender alone.
    ``signals`` are codes without effect on the payment.
    """

    kind: SheetKind
    number: int
    lot: int
    lot_day: date
    drawn_up_on: date | None
    nature: str
    acts: tuple[ActReturn, ...]
    insured: Nir | None = None
    reasons: tuple[Reason, ...] = ()
    signals: tuple[str, ...] = ()

    @property
    def requested_cents(self) -> int:
        """The AMO part asked for."""
        return sum(act.requested_cents for act in self.acts)

    @property
    def paid_cents(self) -> int:
        """The AMO part paid by this transfer."""
        return sum(act.paid_cents for act in self.acts)

    @property
    def outcome(self) -> Outcome:
        """Return what became of it: paid in part as soon as one act is paid and another is not, or not in full."""
        found = {act.outcome for act in self.acts}
        if len(found) == 1:
            return found.pop()
        if found & {Outcome.PAID, Outcome.PARTLY_PAID}:
            return Outcome.PARTLY_PAID
        return Outcome.DEFERRED if found else Outcome.REJECTED

    @property
    def state(self) -> ActState:
        """Return the letter that entity 198 writes for the sheet."""
        return _LETTER.get(self.outcome, ActState.PAID)


_LETTER = {Outcome.REJECTED: ActState.REJECTED, Outcome.DEFERRED: ActState.DEFERRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """
    One operation on a debt (indu) that a sheet left: notified, recovered on this transfer, or cancelled.

    ``line``: the act, 0 for the whole sheet. ``nature``: DBL, TRP, DRT, CTL (ours). ``balance_cents``: still due
    after it.
    """

    reference: str
    operation: DebtOperation
    number: int
    lot: int
    lot_day: date
    line: int
    on: date
    nature: str
    amount_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class OtherPayment:
    """A payment apart from sheets (a flat rate, anonymous care on paper): code of 5 digits, amount, label."""

    code: str
    amount_cents: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """
    One return: the transfer of one accounting day of one caisse to one biller, and all that it is made of.

    ``number`` is that of the file (1 to 999999), ``reference`` the one that the bank shows, empty when nothing is
    transferred. ``transfer_cents`` is what the bank was told; it is held against the lines.
    """

    organism: str
    biller: str
    number: int
    created_on: date
    accounting_day: date
    reference: str
    transfer_cents: int
    sheets: tuple[SheetReturn, ...] = ()
    others: tuple[OtherPayment, ...] = ()
    debts: tuple[Debt, ...] = ()

    @property
    def recovered_cents(self) -> int:
        """What is taken from this transfer."""
        return sum(one.amount_cents for one in self.debts if one.operation is DebtOperation.RECOVERED)

    @property
    def total_cents(self) -> int:
        """The sum of the lines: sheets, recalls and other payments, less what is recovered."""
        paid = sum(one.paid_cents for one in self.sheets) + sum(one.amount_cents for one in self.others)
        return paid - self.recovered_cents
