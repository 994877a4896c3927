"""
Payment returns: verified, matched to their sheets line by line, recorded once.

A return is one accounting day and one transfer of a caisse. What it says of a sheet moves the sheet; a line that fits
none of ours is kept with the reason why, and stops no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.lifecycle import SHEETS, LifecycleError, SheetEvent, SheetState
from fse.noemie import Outcome, SheetKind, verify_return
from fse.sheet_xml import read_sheet
from gateway.errors import GatewayError
from gateway.journal import ReturnLine, StoredReturn
from gateway.movements import move_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fse.noemie import Reason, Return, SheetReturn
    from fse.trust import TrustStore
    from gateway.journal import Journal, StoredSheet, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["ReturnDesk"]

_EVENTS = {
    Outcome.PAID: SheetEvent.RETURN_PAID,
    Outcome.PARTLY_PAID: SheetEvent.RETURN_PARTLY,
    Outcome.REJECTED: SheetEvent.RETURN_REJECTED,
    Outcome.DEFERRED: SheetEvent.RETURN_DEFERRED,
}
_REPLACED = frozenset({SheetState.DUPLICATA_SENT, SheetState.ATTESTATION_ASKED})


@dataclass(frozen=True, slots=True)
class ReturnDesk:
    """Where payment returns come in; ``trust`` says whom to believe."""

    journal: Journal
    profile: ServiceProfile
    trust: TrustStore

    def receive(self, file: bytes) -> Return:
        """
        Record a return; one that was recorded before changes nothing.

        Raises the errors of :func:`fse.noemie.verify_return`, and :class:`gateway.errors.GatewayError`: RETURN-BILLER
        for another biller's, RETURN-NUMBER for other content under a number that was used.
        """
        found = verify_return(file, self.trust)
        if found.biller != self.profile.biller:
            raise GatewayError("RETURN-BILLER", biller=found.biller)
        with self.journal.write() as tx:
            known = tx.return_file(found.organism, found.number)
            if known is None:
                self._record(tx, found, file)
            elif known.file != file:
                raise GatewayError("RETURN-NUMBER", organism=found.organism, number=found.number)
        return found

    def _record(self, tx: Transaction, found: Return, file: bytes) -> None:
        number = tx.take_number("return")
        mismatches = [self._move(tx, found, one) for one in found.sheets]
        kept = StoredReturn(
            number,
            found.organism,
            found.number,
            found.accounting_day,
            found.reference,
            found.transfer_cents,
            file,
        )
        tx.keep_return(kept, list(_lines(number, found, mismatches)))

    def _move(self, tx: Transaction, found: Return, line: SheetReturn) -> str:
        """Carry what a line says to its sheet; return why it fits none, empty when it does."""
        stored = tx.sheet(line.number)
        if stored is None:
            return "MATCH-UNKNOWN"
        if (mismatch := _differs(stored, found, line)) != "":
            return mismatch
        event = self._event(stored, line)
        if event is None:
            return ""
        reason = next((one.code for one in (*line.reasons, *(why for act in line.acts for why in act.reasons))), "")
        try:
            step = SHEETS.advance(stored.record, event, tx.now, self.profile.policy, reason or line.outcome.value)
        except LifecycleError as error:
            return error.rule.id
        move_sheet(tx, stored, step, self.profile, reason)
        return ""

    def _event(self, stored: StoredSheet, line: SheetReturn) -> SheetEvent | None:
        """Return what the line is for its sheet; a duplicata that is paid ends what it has replaced."""
        if line.kind is SheetKind.DUPLICATA and stored.record.state in _REPLACED:
            return SheetEvent.CLOSE if line.outcome is Outcome.PAID else None
        if line.kind is SheetKind.RECALL:
            return SheetEvent.RETURN_PAID if stored.record.state is SheetState.PARTLY_PAID else None
        return _EVENTS[line.outcome]


def _differs(stored: StoredSheet, found: Return, line: SheetReturn) -> str:
    """Return the rule that a line breaks against the sheet that it names: another caisse, other amounts."""
    if stored.organism != found.organism:
        return "MATCH-CAISSE"
    asked = read_sheet(stored.payload).advance_cents
    whole = line.acts and line.kind is not SheetKind.RECALL
    return "MATCH-AMOUNT" if whole and line.requested_cents != asked else ""


def _lines(number: int, found: Return, mismatches: Sequence[str]) -> Iterator[ReturnLine]:
    """Yield the lines of a return as the journal keeps them: each sheet, its acts, then debts and other payments."""
    rank = 0
    for sheet, mismatch in zip(found.sheets, mismatches, strict=True):
        rank += 1
        code, detail = _first(sheet.reasons)
        amounts = sheet.requested_cents, sheet.paid_cents
        kind = sheet.kind.name.lower()
        yield ReturnLine(number, rank, kind, sheet.number, 0, sheet.outcome, *amounts, code, detail, mismatch)
        for act in sheet.acts:
            rank += 1
            code, detail = _first(act.reasons)
            amounts = act.requested_cents, act.paid_cents
            yield ReturnLine(number, rank, kind, sheet.number, act.line, act.outcome, *amounts, code, detail, mismatch)
    for debt in found.debts:
        rank += 1
        yield ReturnLine(
            number,
            rank,
            "debt",
            debt.number,
            debt.line,
            debt.operation.name.lower(),
            debt.amount_cents,
            debt.balance_cents,
            debt.nature,
            debt.reference,
        )
    for other in found.others:
        rank += 1
        amounts = other.amount_cents, other.amount_cents
        yield ReturnLine(number, rank, "other", None, 0, Outcome.PAID, *amounts, other.code, other.label)


def _first(reasons: Sequence[Reason]) -> tuple[str, str]:
    """Return code and detail of the first reason, empty without any."""
    return next(((one.code, one.detail) for one in reasons), ("", ""))
