"""Where each document of a day stands in the end, and everything the day made, written beside the journal."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from fse.arl import ArlResult
from fse.encounter import AnonymousPatient
from fse.lifecycle import PAPERS, SHEETS, NextAction, PaperKind, PaperState
from gateway.papers import PAPER_OF

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from fse.encounter import Encounter
    from fse.lifecycle import PaperRecord, Policy
    from gateway.journal import Transaction
    from gateway.reply import Reply

__all__ = ["DayRow", "Expected", "day_row", "export_day"]

_MONTHS_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected next of a sheet, or of a paper of the kind ``paper``."""

    action: NextAction
    paper: PaperKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One document that a consultation became, and where it stands at the end. ``state`` is a key of the life cycle."""

    encounter: Encounter
    reply: Reply
    state: str
    expected: tuple[Expected, ...]

    @property
    def anonymous(self) -> bool:
        """Whether the care must stay secret."""
        return isinstance(self.encounter.patient, AnonymousPatient)

    @property
    def patient_age(self) -> tuple[int, str]:
        """The patient's age as a number and a unit: ``days``, ``months``, ``years``, or ``anonymous``."""
        born, day = self.encounter.patient_birth_date, self.encounter.day
        if born is None:
            return 0, "anonymous"
        months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
        if months < 1:
            return (day - born).days, "days"
        return (months, "months") if months <= _MONTHS_SHOWN else (months // 12, "years")


def day_row(tx: Transaction, encounter: Encounter, reply: Reply, now: datetime, policy: Policy) -> DayRow:
    """Return where the document of ``reply`` stands at ``now``, with what is expected next of it and of its papers."""
    if reply.rule or not reply.next_action:
        return DayRow(encounter=encounter, reply=reply, state="", expected=())
    stored = None if reply.sheet is None else tx.sheet(reply.sheet)
    if stored is None:
        return DayRow(
            encounter=encounter, reply=reply, state="paper.to_print", expected=_paper_alone(tx, encounter, reply)
        )
    papers = [paper.record for paper in tx.papers(sheet=stored.number) if paper.record.state in _OPEN]
    action = SHEETS.next_action(stored.record, now, policy)
    duplicata = next((paper for paper in papers if paper.kind is PaperKind.DUPLICATA), None)
    if duplicata is not None:
        action = replace(action, by=duplicata.post_by)
    others = (paper for paper in papers if paper is not duplicata)
    expected = (Expected(action), *(_posting(paper, now, policy) for paper in others))
    return DayRow(encounter=encounter, reply=reply, state=f"sheet.{stored.record.state}", expected=expected)


_OPEN = frozenset({PaperState.TO_PRINT, PaperState.PRINTED, PaperState.POSTED})


def _paper_alone(tx: Transaction, encounter: Encounter, reply: Reply) -> tuple[Expected, ...]:
    if isinstance(encounter.patient, AnonymousPatient):
        return (Expected(NextAction(reply.next_action, reply.deadline, ""), PAPER_OF[reply.outcome]),)
    papers = tx.papers(reference=reply.reference)
    return tuple(
        Expected(NextAction(reply.next_action, paper.record.post_by, ""), paper.record.kind)
        for paper in papers
        if paper.sheet is None and paper.part == reply.part
    )


def _posting(paper: PaperRecord, now: datetime, policy: Policy) -> Expected:
    return Expected(PAPERS.next_action(paper, now, policy), paper.kind)


def export_day(tx: Transaction, rows: tuple[DayRow, ...], folder: Path) -> str:
    """
    Write the sheets, lots, acknowledgements and papers beside the journal.

    Return the digest of all that a seed repeats.
    """
    digest = sha256()
    for stored in tx.sheets():
        if stored.sealed is None:
            continue  # void
        _write(folder / "feuilles" / f"{stored.record.number}.fse", stored.sealed or b"", digest.update)
    for lot in tx.lots():
        _write(folder / "lots" / f"{lot.record.number}.lot", lot.signed or b"", digest.update)
        for rank, (result, file) in enumerate(tx.acknowledgements(lot.number), 1):
            _write(
                folder / "accuses" / f"{lot.record.number}-{rank}.arl",
                file,
                digest.update if _repeats(result) else None,
            )
    documents = [(f"{paper.record.number}-{paper.record.kind}", paper.document) for paper in tx.papers()]
    documents += [(f"anonyme-{key}-{kind}", document) for key, kind, document in tx.anonymous_papers()]
    for name, document in documents:
        text = json.dumps(json.loads(document), ensure_ascii=False, indent=2) + "\n"
        _write(folder / "papiers" / f"{name}.json", text.encode(), digest.update)
    named = [_summary(row, row.reply.reference) for row in rows if not row.anonymous]
    # neither reference nor place in time of anonymous care (convention, 10.3): last, in the order of what they say
    nameless = sorted((_summary(row, None) for row in rows if row.anonymous), key=_content)
    summary = json.dumps(named + nameless, ensure_ascii=False, indent=2) + "\n"
    _write(folder / "resultat.json", summary.encode(), digest.update)
    return digest.hexdigest()


def _summary(row: DayRow, reference: str | None) -> dict[str, object]:
    return {
        "reference": reference,
        "issue": row.reply.outcome,
        "motif": row.reply.reason,
        "regle": row.reply.rule,
        "numero_fse": row.reply.sheet,
        "etat": row.state,
        "date_limite": row.reply.deadline.isoformat() if row.reply.deadline else None,
        "suite": [
            {"action": action.code, "avant": action.by.isoformat() if action.by else None}
            for action in (expected.action for expected in row.expected)
        ],
        "total_centimes": row.reply.total_cents,
        "part_amo_centimes": row.reply.amo_cents,
    }


def _content(summary: dict[str, object]) -> tuple[str, str, str]:
    return str(summary["issue"]), str(summary["motif"]), json.dumps(summary)


def _repeats(result: str) -> bool:
    """Tell whether a seed repeats the acknowledgement: an altered one names the ciphertext, which has no seed."""
    return result != ArlResult.ALTERED


def _write(path: Path, data: bytes, update: Callable[[bytes], None] | None) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(0o600)
    path.write_bytes(data)
    if update is not None:
        update(data)
