"""
How long the journal keeps a sheet, and how it forgets one.

Sheets and acknowledgements are kept at least 90 days (CSS R161-47), and until the sheet is paid or replaced. Then the
bytes go, with the salts that made events speak of them; the events stay, so that the chains still verify, and a
statement signed by the biller says what went. A lot holds the bytes of its sheets: they leave together, or the purge
of one would be a word only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.cms import make_seal
from fse.lifecycle import PAPERS, SHEETS, PaperState
from gateway.journal.chain import Subject, chain_of
from gateway.party import signer_of
from gateway.retention_traces import TRACES, erase_traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from gateway.journal import Journal, Transaction
    from gateway.party import Party
    from gateway.profile import ServiceProfile

__all__ = ["PURGE_PURPOSE", "Due", "Proof", "due_for_purge", "proof_of", "purge"]

PURGE_PURPOSE = "purge"
"""What the seal of a statement of purge says that it is for."""

_SOURCE = "CSS R161-47: sheets and acknowledgements at least 90 days, and until paid or replaced"
_SUBJECTS = (Subject.SHEET, Subject.LOT, Subject.PAPER, Subject.SUBMISSION)
_SETTLED_PAPERS = PAPERS.finals | {PaperState.POSTED}
_OPEN_PAPERS = tuple(state for state in PaperState if state not in _SETTLED_PAPERS)


@dataclass(frozen=True, slots=True)
class Due:
    """The numbers of the sheets and lots that may go, in order."""

    sheets: tuple[int, ...]
    lots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """A statement of purge: its number, its canonical JSON, and the biller's detached CAdES signature (DER)."""

    number: int
    statement: str
    signature: bytes

    def count(self, kind: str) -> int:
        """Return how many ``kind`` (``sheets``, ``lots``, ``papers``, ``submissions``) it states."""
        return len(json.loads(self.statement)[kind])


def due_for_purge(tx: Transaction, profile: ServiceProfile, now: datetime) -> Due:
    """
    Return what may be purged at ``now``.

    A sheet is in a final state, nothing has happened to it for ``profile.retention``, every paper of its encounter is
    posted, received or void, and so it is with all that it has travelled with. A lot: its last acknowledgement is as
    old, and all its sheets are gone or may go. A sheet that is open is kept however old it is.
    """
    until = now - profile.retention
    unposted = {paper.reference for paper in tx.papers(*_OPEN_PAPERS)}
    may_go = {number for number, reference in tx.quiet_sheets(SHEETS.finals, until) if reference not in unposted}
    quiet = set(tx.quiet_lots(until))
    aboard: dict[int, set[int]] = {lot: set() for lot in quiet}
    for sheet, lot in tx.travels():
        aboard.setdefault(lot, set()).add(sheet)
    kept = {lot for lot, sheets in aboard.items() if lot not in quiet or not sheets <= may_go}
    while held := may_go & {sheet for lot in kept for sheet in aboard[lot]}:
        may_go -= held
        kept |= {lot for lot, sheets in aboard.items() if not sheets <= may_go}
    return Due(tuple(sorted(may_go)), tuple(sorted(quiet - kept)))


def purge(
    journal: Journal,
    profile: ServiceProfile,
    party: Party,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Proof | None:
    """
    Forget all that is due, one sheet or lot in a transaction; return the signed statement of it, None for nothing.

    What an interrupted purge has deleted is stated by the next one: the statement is made of the events. ``tell`` is
    told how many of how many are gone. Raises :class:`gateway.errors.GatewayError` (PURGE-TRACES) when everything is
    deleted and stated and another user of the file kept it from being rewritten.
    """
    with journal.read() as tx:
        due = due_for_purge(tx, profile, tx.now)
    everything = len(due.sheets) + len(due.lots)
    for done, number in enumerate(due.sheets, 1):
        with journal.write() as tx:
            _forget_sheet(tx, number, profile)
        tell(done, everything)
    with journal.read() as tx:
        full = {lot for _, lot in tx.travels()}
    for done, number in enumerate(due.lots, len(due.sheets) + 1):
        with journal.write() as tx:
            if number not in full:
                _forget_lot(tx, number, profile)
        tell(done, everything)
    proof = _state(journal, party)
    erase_traces(journal)
    return proof


def _forget_sheet(tx: Transaction, number: int, profile: ServiceProfile) -> None:
    """Forget a sheet, unless something has happened to it since it was found due."""
    stored = tx.sheet(number)
    if stored is not None and tx.events(sheet=number)[-1].at <= tx.now - profile.retention:
        tx.set_mark(TRACES, "left")
        tx.forget_sheet(stored)


def _forget_lot(tx: Transaction, number: int, profile: ServiceProfile) -> None:
    """Forget a lot, unless something has happened to it since it was found due."""
    if tx.lot(number) is not None and tx.events(lot=number)[-1].at <= tx.now - profile.retention:
        tx.set_mark(TRACES, "left")
        tx.forget_lot(number)


def _state(journal: Journal, party: Party) -> Proof | None:
    """Sign what was purged since the last statement, with the heads that the chains had before."""
    with journal.write() as tx:
        gone = tx.purged_after(_last_event(tx.purges()))
        if not gone:
            return None
        number = tx.take_number("purge")
        lists: dict[str, list[dict[str, object]]] = {f"{subject.name.lower()}s": [] for subject in _SUBJECTS}
        for event, head in gone:
            subject, which = divmod(event.chain, chain_of(Subject.SHEET))
            facts = {"number": which, "head": head.hex(), "at": event.at.isoformat()}
            lists[f"{Subject(subject).name.lower()}s"].append(facts)
        statement = json.dumps(
            {
                "simulation": "non homologué",
                "journal": tx.mark("journal"),
                "number": number,
                "at": tx.now.isoformat(),
                "source": _SOURCE,
                "last_event": gone[-1][0].id,
                **lists,
            },
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        seal = make_seal(statement.encode(), signer_of(party), tx.now, PURGE_PURPOSE)
        proof = Proof(number, statement, seal.encode())
        tx.add_purge(proof.number, proof.statement, proof.signature)
    return proof


def proof_of(tx: Transaction, event: int) -> Proof | None:
    """Return the statement that covers the purge of that ``event`` number; None before it was made."""
    return next((Proof(*one) for one in tx.purges() if _last_event([one]) >= event), None)


def _last_event(purges: Iterable[tuple[int, str, bytes]]) -> int:
    return max((int(json.loads(statement)["last_event"]) for _, statement, _ in purges), default=0)
