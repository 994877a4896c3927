"""On time, at risk, late: the worked deadlines of the law, counted on a calendar by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

import schemas
from fse.lifecycle import (
    LOTS,
    PAPERS,
    SHEETS,
    LotEvent,
    LotRecord,
    PaperEvent,
    PaperKind,
    PaperRecord,
    Policy,
    SheetEvent,
    SheetMode,
    SheetRecord,
    SheetState,
    Unit,
    wording,
)
from fse.lifecycle.punctuality import Punctuality, lot_timing, paper_timing, sheet_timing
from fse.working_days import Calendar, Place

E = SheetEvent
ARRAS = Policy(calendar=Calendar(Place("62")))
MULHOUSE = Policy(calendar=Calendar(Place("68")))
PLAIN_DAYS = Policy(calendar=Calendar(Place("62")), unit=Unit.CALENDAR)
ON_TIME, AT_RISK, LATE = Punctuality
DETAIL = {E.PUT_IN_LOT: "000001", E.VOID: "erreur", E.BLOCKED: "incendie", E.RETURN_REJECTED: "9001"}
TO_LOT = (E.PATIENT_SIGN, E.SEAL, E.QUEUE, E.PUT_IN_LOT)
TO_SENT = (*TO_LOT, E.START_EMISSION, E.EMIT)
MARCH = "2025-03-03"
"""Monday 3 March 2025: the 8th jour ouvré is Thursday 13 March, the 8th plain day Tuesday 11 March."""


def at(text: str) -> datetime:
    """Read an instant «2025-03-06 10:00», UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sheet(start: str = MARCH, policy: Policy = ARRAS) -> SheetRecord:
    """Return a reserved sheet of the day ``start``."""
    return SheetRecord.reserve("000000001", SheetMode.SECURED, date.fromisoformat(start), policy)


def live(record: SheetRecord, now: str, *events: SheetEvent) -> SheetRecord:
    """Return ``record`` after ``events``, all at ``now``."""
    for event in events:
        record = SHEETS.advance(record, event, at(now), ARRAS, DETAIL.get(event, "")).record
    return record


def seen(record: SheetRecord, now: str, policy: Policy = ARRAS) -> tuple[str, str, str | None]:
    """Return verdict, reason and day of ``record`` at ``now``."""
    found = sheet_timing(record, at(now), policy)
    return found.punctuality.value, found.reason, found.day.isoformat() if found.day else None


@pytest.mark.parametrize(
    ("policy", "start", "two_left", "one_left", "last", "over"),
    [
        (ARRAS, "2024-03-28", "2024-04-08", "2024-04-09", "2024-04-10", "2024-04-10 22:00"),
        (ARRAS, "2024-04-26", "2024-05-07", "2024-05-10", "2024-05-13", "2024-05-13 22:00"),
        (ARRAS, "2024-04-26", "2024-05-08", "2024-05-11", "2024-05-13", "2024-05-13 22:00"),
        (ARRAS, "2025-03-03", "2025-03-11", "2025-03-12", "2025-03-13", "2025-03-13 23:00"),
        (ARRAS, "2025-04-16", "2025-04-25", "2025-04-28", "2025-04-29", "2025-04-29 22:00"),
        (ARRAS, "2025-04-30", "2025-05-12", "2025-05-13", "2025-05-14", "2025-05-14 22:00"),
        (ARRAS, "2025-05-28", "2025-06-06", "2025-06-10", "2025-06-11", "2025-06-11 22:00"),
        (ARRAS, "2025-12-22", "2025-12-31", "2026-01-02", "2026-01-05", "2026-01-05 23:00"),
        (ARRAS, "2026-04-01", "2026-04-10", "2026-04-13", "2026-04-14", "2026-04-14 22:00"),
        (ARRAS, "2026-05-12", "2026-05-21", "2026-05-22", "2026-05-26", "2026-05-26 22:00"),
        (ARRAS, "2026-12-23", "2027-01-04", "2027-01-05", "2027-01-06", "2027-01-06 23:00"),
        (MULHOUSE, "2024-03-28", "2024-04-09", "2024-04-10", "2024-04-11", "2024-04-11 22:00"),
        (PLAIN_DAYS, "2024-03-28", "2024-04-03", "2024-04-04", "2024-04-05", "2024-04-05 22:00"),
    ],
)
def test_the_worked_deadlines_of_the_law(
    policy: Policy, start: str, two_left: str, one_left: str, last: str, over: str
) -> None:
    """Protects the verdict on each worked deadline: green until two jours ouvrés are left, red at midnight in Paris."""
    record = sheet(start, policy)
    assert seen(record, f"{two_left} 10:00", policy) == ("on_time", "first_emission", last)
    assert seen(record, f"{one_left} 10:00", policy) == ("at_risk", "first_emission", last)
    assert seen(record, f"{last} 10:00", policy) == ("at_risk", "first_emission", last)
    sealed = live(record, f"{start} 09:00", *TO_LOT)
    assert seen(sealed, over, policy) == ("late", "duplicata", last)


def test_the_last_second_of_the_last_day_is_not_late() -> None:
    """Protects the end of the delay: 13 March ends at 23:00 UTC, and the second before it is still in time."""
    assert seen(live(sheet(), "2025-03-03 09:00", *TO_LOT), "2025-03-13 22:59:59")[0] == "at_risk"


def test_how_near_is_near_is_a_parameter() -> None:
    """Protects the margin: 2 jours ouvrés make 11 March a risk, none at all leaves the eve in green."""
    assert sheet_timing(sheet(), at("2025-03-11 10:00"), ARRAS, margin=2).punctuality is AT_RISK
    assert sheet_timing(sheet(), at("2025-03-12 10:00"), ARRAS, margin=0).punctuality is ON_TIME
    assert sheet_timing(sheet(), at("2025-03-13 10:00"), ARRAS, margin=0).punctuality is AT_RISK


@pytest.mark.parametrize(
    ("now", "used"), [("2025-03-03", 0), ("2025-03-06", 3), ("2025-03-09", 4), ("2025-03-13", 8), ("2025-04-30", 8)]
)
def test_days_used_of_days_allowed(now: str, used: int) -> None:
    """Protects the bar: jours ouvrés since 3 March, the weekend of the 8th not counted, never more than the 8."""
    found = sheet_timing(live(sheet(), "2025-03-03 09:00", *TO_LOT), at(f"{now} 10:00"), ARRAS)
    assert (found.used, found.allowed) == (used, 8)


def test_who_waits_for_an_answer_is_judged_by_the_emission() -> None:
    """Protects A5: emitted in the last minute of the window is in time, on the way, once sent, acknowledged, paid."""
    minute = "2025-03-13 22:59"
    started = live(live(sheet(), "2025-03-03 09:00", *TO_LOT), minute, E.START_EMISSION)
    in_time = ("on_time", "emitted_in_time", "2025-03-13")
    assert seen(started, "2025-03-14 08:00") == in_time
    sent = live(started, "2025-03-14 00:10", E.EMIT)
    assert seen(sent, "2025-03-14 08:00") == in_time
    acknowledged = live(sent, "2025-03-14 09:00", E.ACKNOWLEDGE_POSITIVE)
    assert seen(acknowledged, "2025-06-01 08:00") == in_time
    closed = live(acknowledged, "2025-04-01 09:00", E.RETURN_PAID, E.CLOSE)
    assert seen(closed, "2025-06-01 08:00") == in_time


@pytest.mark.parametrize("state", [SheetState.SENT, SheetState.ACKNOWLEDGED, SheetState.PAID, SheetState.CLOSED])
def test_an_emission_after_the_window_stays_late(state: SheetState) -> None:
    """Protects the truth about the past: emitted on 14 March for the 13th is late, whatever became of it since."""
    emitted_at = at("2025-03-13 23:00")
    record = replace(sheet(), state=state, emissions=1, first_emitted_at=emitted_at, last_emitted_at=emitted_at)
    assert seen(record, "2025-03-14 08:00") == ("late", "emitted_late", "2025-03-13")


def test_a_failed_emission_that_left_late_is_late_at_once() -> None:
    """Protects the same truth while the sheet is to be emitted again: its new limit makes nothing good."""
    emitted_at = at("2025-03-13 23:00")
    record = replace(
        sheet(), state=SheetState.SENT, emissions=1, first_emitted_at=emitted_at, last_emitted_at=emitted_at
    )
    altered = live(record, "2025-03-17 08:00", E.ACKNOWLEDGE_ALTERED)
    assert seen(altered, "2025-03-17 09:00") == ("late", "reemission", "2025-03-19")


def test_a_reemission_has_its_own_day() -> None:
    """
    Protects the second clock.

    Emitted on Thursday 13 March; silence is known on Monday 17; again until Wednesday 19 (2 jours ouvrés); then a
    duplicata is due, and the sheet stays late once it is posted.
    """
    sent = live(sheet(), "2025-03-13 09:00", *TO_SENT)
    assert seen(sent, "2025-03-17 10:00") == ("on_time", "emitted_in_time", "2025-03-13")
    assert seen(sent, "2025-03-18 10:00") == ("at_risk", "reemission", "2025-03-19")
    assert seen(sent, "2025-03-20 10:00") == ("late", "duplicata", "2025-03-19")
    due = SHEETS.settle(sent, at("2025-03-20 10:00"), ARRAS)[-1].record
    posted = live(due, "2025-03-20 11:00", E.DUPLICATA_ISSUED)
    assert seen(posted, "2025-03-21 10:00") == ("late", "window_missed", "2025-03-19")


def test_a_duplicata_leaves_without_waiting() -> None:
    """Protects a blocked sheet: at risk from its first day, late on the 14th, and no more once the duplicata left."""
    blocked = live(sheet(), "2025-03-03 09:00", *TO_LOT, E.BLOCKED)
    assert seen(blocked, "2025-03-04 10:00") == ("at_risk", "duplicata", "2025-03-13")
    assert seen(blocked, "2025-03-14 10:00") == ("late", "duplicata", "2025-03-13")
    assert seen(live(blocked, "2025-03-05 10:00", E.DUPLICATA_ISSUED), "2025-03-20 10:00") == (
        "on_time",
        "nothing",
        None,
    )


def test_a_duplicata_for_a_closed_window_is_late_whatever_its_limit() -> None:
    """Protects a reason that was given: the window was over, even read under a longer limit."""
    due = SHEETS.settle(live(sheet(), "2025-03-03 09:00", *TO_LOT), at("2025-03-14 10:00"), ARRAS)[-1].record
    assert seen(replace(due, deadline=date(2025, 3, 31)), "2025-03-14 10:00")[0] == "late"


def test_a_number_given_up() -> None:
    """Protects what is void: an error of entry owes nothing, a window that closed before the seal stays red."""
    assert seen(live(sheet(), "2025-03-03 09:00", E.VOID), "2025-06-01 10:00") == ("on_time", "nothing", None)
    assert seen(sheet(), "2025-03-14 10:00") == ("late", "window_missed", "2025-03-13")


def test_the_correction_of_a_rejected_sheet() -> None:
    """Protects R161-42 10°: rejected on Monday 24 March, the new sheet may leave until Thursday 3 April."""
    record = live(live(sheet(), "2025-03-04 09:00", *TO_SENT), "2025-03-24 10:00", E.RETURN_REJECTED)
    assert seen(record, "2025-04-01 10:00") == ("on_time", "correction", "2025-04-03")
    assert seen(record, "2025-04-02 10:00") == ("at_risk", "correction", "2025-04-03")
    assert seen(record, "2025-04-04 10:00") == ("late", "correction", "2025-04-03")
    assert seen(live(record, "2025-04-04 10:00", E.CLOSE), "2025-04-05 10:00")[0] == "on_time"


def test_a_lot_has_the_limit_of_its_most_urgent_sheet() -> None:
    """Protects lots: a sheet of 3 March and one of 10 March in one lot must leave by the 13th."""
    lot = LotRecord.of("000001", [sheet("2025-03-10"), sheet()])
    found = lot_timing(lot, at("2025-03-12 10:00"), ARRAS)
    assert (found.punctuality, found.reason, found.day) == (AT_RISK, "first_emission", date(2025, 3, 13))
    for event in (LotEvent.SIGN, LotEvent.START_EMISSION, LotEvent.EMIT):
        lot = LOTS.advance(lot, event, at("2025-03-13 10:00"), ARRAS).record
    again = lot_timing(lot, at("2025-03-18 10:00"), ARRAS)
    assert (again.punctuality, again.reason, again.day) == (AT_RISK, "reemission", date(2025, 3, 19))


def paper(kind: PaperKind, sheet_number: str = "") -> PaperRecord:
    """Return a paper needed since 3 March 2025."""
    return PaperRecord.needed("000001", kind, date.fromisoformat(MARCH), ARRAS, sheet=sheet_number)


def posted(record: PaperRecord, now: str) -> PaperRecord:
    """Return ``record`` printed and posted at ``now``."""
    for event in (PaperEvent.PRINT, PaperEvent.POST):
        record = PAPERS.advance(record, event, at(now), ARRAS).record
    return record


@pytest.mark.parametrize(
    ("kind", "now", "verdict", "day"),
    [
        (PaperKind.TWIN, "2025-03-07", ON_TIME, date(2025, 3, 11)),
        (PaperKind.TWIN, "2025-03-10", AT_RISK, date(2025, 3, 11)),
        (PaperKind.TWIN, "2025-03-11", AT_RISK, date(2025, 3, 11)),
        (PaperKind.DUPLICATA, "2025-03-12", LATE, date(2025, 3, 11)),
        (PaperKind.PLAIN, "2025-03-12", ON_TIME, date(2025, 3, 31)),
        (PaperKind.FORM_708, "2025-03-28", AT_RISK, date(2025, 3, 31)),
        (PaperKind.FORM_708, "2025-04-01", LATE, date(2025, 3, 31)),
    ],
)
def test_papers_have_their_day(kind: PaperKind, now: str, verdict: Punctuality, day: date) -> None:
    """Protects A50: 8 plain days for a twin and a duplicata (11 March), the end of the month for the others."""
    found = paper_timing(paper(kind), at(f"{now} 10:00"), ARRAS)
    assert (found.punctuality, found.reason, found.day) == (verdict, "posting", day)


def test_papers_that_left() -> None:
    """Protects what was posted: judged by its day, for good; a voided paper owes nothing."""
    twin = paper(PaperKind.TWIN)
    assert paper_timing(posted(twin, "2025-03-11 22:59"), at("2025-06-01 10:00"), ARRAS).reason == "posted_in_time"
    late = paper_timing(posted(twin, "2025-03-11 23:00"), at("2025-06-01 10:00"), ARRAS)
    assert (late.punctuality, late.reason) == (LATE, "posted_late")
    void = PAPERS.advance(twin, PaperEvent.VOID, at("2025-03-04 10:00"), ARRAS, "erreur").record
    assert paper_timing(void, at("2025-06-01 10:00"), ARRAS) == paper_timing(void, at("2025-03-05 10:00"), ARRAS)
    assert paper_timing(void, at("2025-06-01 10:00"), ARRAS).reason == "nothing"


def test_a_paper_for_a_sheet_found_after_its_window_is_red() -> None:
    """Protects the agenda: the plain paper that replaces a sheet is late as from the sheet's own 13 March."""
    found = paper_timing(paper(PaperKind.PLAIN, "000000001"), at("2025-03-14 10:00"), ARRAS)
    assert (found.punctuality, found.reason, found.day) == (LATE, "window_missed", date(2025, 3, 13))


def test_every_verdict_and_reason_has_its_sentence() -> None:
    """Protects the screens: each word in two languages, with its source, and none that nothing uses."""
    reasons = {"first_emission", "reemission", "duplicata", "correction", "window_missed", "posting", "nothing"}
    reasons |= {f"{done}_{how}" for done in ("emitted", "posted") for how in ("in_time", "late")}
    assert set(schemas.read_toml("lifecycle.toml")["punctuality"]) == reasons | {one.value for one in Punctuality}
    for name in schemas.read_toml("lifecycle.toml")["punctuality"]:
        words = wording("punctuality", name)
        assert words.fr != words.en
        assert words.source
    assert LATE.text() == "en retard"
    assert sheet_timing(sheet(), at("2025-03-04 10:00"), ARRAS).text("en") == "first emission expected"
