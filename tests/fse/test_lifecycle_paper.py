"""Lives of papers worked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fse.lifecycle import (
    PAPERS,
    SHEET_EVENT_OF_PAPER,
    DetailMissing,
    Effect,
    ImpossibleTransition,
    PaperEvent,
    PaperKind,
    PaperRecord,
    PaperState,
    Policy,
    SheetEvent,
)
from fse.working_days import Calendar, Place

POLICY = Policy(calendar=Calendar(Place("62")))
E, S = PaperEvent, PaperState


def at(text: str) -> datetime:
    """Read an instant, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def live(record: PaperRecord, now: str, *events: PaperEvent, detail: str = "") -> PaperRecord:
    """Return ``record`` after ``events``."""
    for event in events:
        record = PAPERS.advance(record, event, at(now), POLICY, detail).record
    return record


@pytest.mark.parametrize(
    ("kind", "post_by"),
    [
        (PaperKind.TWIN, date(2025, 2, 18)),
        (PaperKind.DUPLICATA, date(2025, 2, 18)),
        (PaperKind.PLAIN, date(2025, 2, 28)),
        (PaperKind.FORM_708, date(2025, 2, 28)),
        (PaperKind.FORM_709, date(2025, 3, 31)),
        (PaperKind.RECAP, date(2025, 2, 28)),
    ],
)
def test_each_kind_has_its_cadence(kind: PaperKind, post_by: date) -> None:
    """Protects the cadences: 8 plain days for what goes at once, month and quarter for the rest."""
    paper = PaperRecord.needed("P1", kind, date(2025, 2, 10), POLICY)
    assert paper.post_by == post_by
    action = PAPERS.next_action(paper, at("2025-02-10 09:00"), POLICY)
    assert (action.code, action.by) == ("print", post_by)


def test_a_quarter_ends_with_its_own_last_month() -> None:
    """Protects the quarters at both ends of the year."""
    ends = [PaperRecord.needed("P1", PaperKind.FORM_709, date(2025, m, 1), POLICY).post_by for m in (1, 4, 9, 12)]
    assert ends == [date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30), date(2025, 12, 31)]


def test_from_the_printer_to_the_caisse() -> None:
    """Protects the plain way, a second printing included."""
    paper = PaperRecord.needed("P1", PaperKind.TWIN, date(2025, 3, 3), POLICY, sheet="000000001")
    paper = live(paper, "2025-03-04 09:00", E.PRINT, E.PRINT, E.POST)
    assert (paper.state, paper.posted_at, paper.sheet) == (S.POSTED, at("2025-03-04 09:00"), "000000001")
    assert PAPERS.next_due(paper, POLICY) is None
    paper = live(paper, "2025-03-07 09:00", E.RECEIVE)
    assert (paper.state, paper.received_at) == (S.RECEIVED, at("2025-03-07 09:00"))


def test_one_alert_past_eight_days() -> None:
    """Protects the alert: on the ninth day, once, for a twin or a duplicata that has not left."""
    paper = PaperRecord.needed("P1", PaperKind.DUPLICATA, date(2025, 3, 3), POLICY)
    assert PAPERS.next_due(paper, POLICY) == at("2025-03-11 23:00")
    assert PAPERS.settle(paper, at("2025-03-11 22:59"), POLICY) == ()
    with pytest.raises(ImpossibleTransition):
        live(paper, "2025-03-11 22:59", E.ALERT)
    steps = PAPERS.settle(live(paper, "2025-03-04 09:00", E.PRINT), at("2025-03-20 09:00"), POLICY)
    assert [(step.record.state, step.effects) for step in steps] == [(S.PRINTED, (Effect.TELL_PERSON,))]
    assert PAPERS.next_due(steps[0].record, POLICY) is None


def test_no_alert_for_monthly_paper() -> None:
    """Protects against alarms on paper that waits for the end of its month."""
    paper = PaperRecord.needed("P1", PaperKind.FORM_708, date(2025, 3, 3), POLICY)
    assert PAPERS.next_due(paper, POLICY) is None
    assert PAPERS.due_event(paper, at("2026-03-03 09:00"), POLICY) is None


def test_a_void_paper_has_a_reason() -> None:
    """Protects papers against disappearing: a reason, and somebody told when it had left."""
    paper = PaperRecord.needed("P1", PaperKind.TWIN, date(2025, 3, 3), POLICY)
    with pytest.raises(DetailMissing):
        live(paper, "2025-03-04 09:00", E.VOID)
    assert live(paper, "2025-03-04 09:00", E.VOID, detail="carte retrouvée").reason == "carte retrouvée"
    posted = live(paper, "2025-03-04 09:00", E.PRINT, E.POST)
    step = PAPERS.advance(posted, E.VOID, at("2025-04-04 09:00"), POLICY, "perdu")
    assert (step.record.state, step.effects) == (S.VOID, (Effect.TELL_PERSON,))


def test_only_a_posted_duplicata_moves_its_sheet() -> None:
    """Protects the crossing from paper to sheet: a twin never replaces its sheet."""
    assert dict(SHEET_EVENT_OF_PAPER) == {(PaperKind.DUPLICATA, PaperEvent.POST): SheetEvent.DUPLICATA_ISSUED}
