"""
The accounts of a caisse: what it has received, judged and paid, one return and one transfer for a biller and a day.

It pays within the month after the supporting documents (convention 2023-212, art. 16; A23: after the acknowledgement,
for a degraded sheet after the later of its two halves, for a duplicata after its receipt), unless it was told to be
late. A pair of a sheet and its duplicata is paid once, whichever comes first (S5.5). AMO part only, in cents.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from fse.lifecycle import PaperKind
from fse.noemie import Outcome, Return, SheetKind, sign_return
from gateway.envelopes import make_envelope
from gateway.party import signer_of
from gateway.simulator.bank import Transfer
from gateway.simulator.claims import Claim
from gateway.simulator.corrections import Corrections
from gateway.simulator.faults import FaultKind
from gateway.simulator.judgement import Files, Judge

if TYPE_CHECKING:
    from datetime import date

    from fse.noemie import Debt, OtherPayment, SheetReturn
    from fse.sheet import Sheet
    from gateway.simulator.bank import Bank
    from gateway.simulator.caisse import Caisse
    from gateway.simulator.claims import ClaimKey
    from gateway.simulator.faults import FaultPlan

__all__ = ["DAYS_LATE", "DAYS_TO_PAY", "Accounts"]

DAYS_TO_PAY = 20
"""Plain days from the supporting documents to the payment: with a long weekend still within the month of art. 16."""

DAYS_LATE = 20
"""Plain days that the fault «pay-late» adds: day 40, after the month."""

_WAITS_FOR_PAPER, _UNDER_CONTROL = "9503", "9502"
_PAID = frozenset({Outcome.PAID, Outcome.PARTLY_PAID})
_MODES = {SheetKind.SECURED: "securise", SheetKind.DEGRADED: "degrade", SheetKind.DUPLICATA: "papier"}
_HALVES = {SheetKind.SECURED: "feuille", SheetKind.DEGRADED: "feuille", SheetKind.DUPLICATA: "duplicata"}


@dataclass(slots=True, kw_only=True)
class Accounts:
    """
    The accounts of ``caisse``, which orders its transfers from ``bank``.

    ``under_control`` are sheets (biller, number) whose payment waits for a control (convention art. 17): put them in,
    take them out again.
    """

    caisse: Caisse
    bank: Bank
    faults: FaultPlan
    files: Files = field(default_factory=Files)
    days_to_pay: int = DAYS_TO_PAY
    days_late: int = DAYS_LATE
    under_control: set[tuple[str, int]] = field(default_factory=set)
    corrections: Corrections = field(default_factory=Corrections)
    _judge: Judge = field(init=False)
    _duplicatas: dict[ClaimKey, Claim] = field(default_factory=dict)
    _twins: dict[tuple[str, int], date] = field(default_factory=dict)
    _late: dict[ClaimKey, int] = field(default_factory=dict)
    _told: dict[ClaimKey, str] = field(default_factory=dict)
    _answers: dict[ClaimKey, SheetReturn] = field(default_factory=dict)
    _others: dict[str, list[OtherPayment]] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        self._judge = Judge(self.caisse.organism, self.files)

    # ------------------------------------------------------------------------------------------- what comes by post

    def receive_paper(
        self,
        kind: PaperKind,
        biller: str,
        number: int,
        on: date,
        *,
        sheet: Sheet | None = None,
        lot: int = 0,
        lot_day: date | None = None,
    ) -> None:
        """
        Take the paper of the sheet ``number`` on the day ``on``; the same one again changes nothing.

        A twin lets the degraded sheet be paid. A duplicata is a claim of its own: ``sheet`` is what is read from it,
        ``lot`` and ``lot_day`` the references that it carries (MK07 7.3.5 c). Other kinds claim nothing here.
        """
        if kind is PaperKind.TWIN:
            self._twins.setdefault((biller, number), on)
        elif kind is PaperKind.DUPLICATA and sheet is not None:
            claim = Claim(
                kind=SheetKind.DUPLICATA,
                biller=biller,
                number=number,
                lot=lot,
                lot_day=lot_day or on,
                received_on=on,
                sheet=sheet,
            )
            self._duplicatas.setdefault(claim.key, claim)

    # --------------------------------------------------------------------------------------- what is found wrong later

    def notify_debt(
        self, biller: str, number: int, on: date, *, line: int = 0, cents: int | None = None, nature: str = "CTL"
    ) -> Debt | None:
        """
        Claim back a payment that was found wrong on the day ``on`` (indu); ``line`` 0 is the whole sheet.

        ``nature``: DBL (paid twice), TRP (too much), DRT (rights closed) or CTL (not established at a control). All
        that was paid when ``cents`` is None, never more. None when nothing is left to claim.
        """
        answer = self.answer(biller, number)
        return None if answer is None else self.corrections.claim_back(biller, answer, line, cents, nature, on)

    def recall(self, biller: str, number: int, line: int, cents: int) -> int:
        """Have the next return pay what lacks of an act that was paid in part (rappel); return how much, in cents."""
        answer = self.answer(biller, number)
        return 0 if answer is None else self.corrections.recall(biller, answer, line, cents)

    def pay_apart(self, biller: str, payment: OtherPayment) -> None:
        """Have the next return pay what is no sheet: anonymous care on paper, on behalf of the schemes (PAY-07)."""
        self._others.setdefault(biller, []).append(payment)

    # ------------------------------------------------------------------------------------------------- the day's work

    def answer(self, biller: str, number: int) -> SheetReturn | None:
        """Return the last word on a sheet number: the payment when there was one, None before any."""
        found = [
            self._answers[key] for key in ((biller, number, False), (biller, number, True)) if key in self._answers
        ]
        return next((one for one in found if one.outcome in _PAID), found[0] if found else None)

    def close_day(self, day: date) -> list[tuple[str, bytes]]:
        """
        Close the accounting day: return (biller, file) of each return that is due, in the order of the billers.

        A file is signed by the caisse and enveloped for its biller; its transfer goes to the bank.
        """
        lines: dict[str, list[SheetReturn]] = {}
        for claim in self._due(day):
            line = self._judged(claim)
            if line is not None:
                lines.setdefault(claim.biller, []).append(line)
        billers = {*lines, *self._others, *(one for one in self.caisse.billers if self.corrections.has_news(one))}
        return [(biller, self._file(biller, day, lines.get(biller, []))) for biller in sorted(billers)]

    def _due(self, day: date) -> list[Claim]:
        """Return what is to be answered on that day and was not yet, in the order of its arrival."""
        received = (Claim.of(*one) for one in self.caisse.received() if (one[0], one[1], False) not in self._answers)
        papers = (one for one in self._duplicatas.values() if one.key not in self._answers)
        claims = [claim for claim in (*received, *papers) if self._due_on(claim, day) <= day]
        return sorted(claims, key=lambda one: (one.received_on, one.biller, one.number, one.kind))

    def _due_on(self, claim: Claim, day: date) -> date:
        """Return the day on which a claim is to be answered; «pay-late» strikes when that day has come."""
        start = claim.received_on
        if claim.kind is SheetKind.DEGRADED:
            start = max(start, self._twins.get(claim.key[:2], start))
        due = start + timedelta(days=self.days_to_pay)
        if due <= day and claim.key not in self._late:
            late = self.faults.strikes(FaultKind.PAY_LATE, self.caisse.organism, _MODES[claim.kind])
            self._late[claim.key] = self.days_late if late else 0
        return due + timedelta(days=self._late.get(claim.key, 0))

    def _judged(self, claim: Claim) -> SheetReturn | None:
        """Return the answer to a claim, None when it would say again that the claim waits."""
        key = claim.key
        waiting = _UNDER_CONTROL if key[:2] in self.under_control else ""
        if claim.kind is SheetKind.DEGRADED and key[:2] not in self._twins:
            waiting = _WAITS_FOR_PAPER
        other = self._answers.get(claim.counterpart)
        doubled = _HALVES[other.kind] if other is not None and other.outcome in _PAID else ""
        line = self._judge.judge(claim, doubled=doubled, waiting=waiting)
        if line.outcome is not Outcome.DEFERRED:
            self._answers[key] = line
            return line
        told, self._told[key] = self._told.get(key), line.reasons[0].code
        return None if told == self._told[key] else line

    def _file(self, biller: str, day: date, lines: list[SheetReturn]) -> bytes:
        self._made += 1
        sheets = (*lines, *self.corrections.take_recalls(biller))
        others = tuple(self._others.pop(biller, []))
        paid = sum(one.paid_cents for one in sheets) + sum(one.amount_cents for one in others)
        debts = self.corrections.take_debts(biller, paid)
        organism = self.caisse.organism
        found = Return(
            organism=organism,
            biller=biller,
            number=self._made,
            created_on=day,
            accounting_day=day,
            reference="",
            transfer_cents=0,
            sheets=sheets,
            others=others,
            debts=debts,
        )
        if found.total_cents:
            # the name of the transfer is unique at the bank: caisse and file
            reference, cents = f"SIM {organism} {self._made:06d}", found.total_cents
            found = replace(found, reference=reference, transfer_cents=cents)
            self.bank.transfers.append(
                Transfer(reference=reference, day=day, cents=cents, organism=organism, biller=biller)
            )
        signed = sign_return(found, signer_of(self.caisse.party), self.caisse.clock.now())
        return make_envelope(signed, self.caisse.billers[biller])
