"""Lives of lots worked by hand, and what they do to their sheets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fse.lifecycle import (
    LOTS,
    SHEETS,
    Effect,
    ImpossibleTransition,
    LifecycleError,
    LotEvent,
    LotRecord,
    LotState,
    Policy,
    SheetEvent,
    SheetFlag,
    SheetMode,
    SheetRecord,
    carry,
)
from fse.working_days import Calendar, Place

POLICY = Policy(calendar=Calendar(Place("62")))
E, S = LotEvent, LotState


def at(text: str) -> datetime:
    """Read an instant «2025-03-06 10:00», UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sealed(number: str, established_on: str) -> SheetRecord:
    """Return a secured sheet in the queue."""
    record = SheetRecord.reserve(number, SheetMode.SECURED, date.fromisoformat(established_on), POLICY)
    for event in (SheetEvent.PATIENT_SIGN, SheetEvent.SEAL, SheetEvent.QUEUE):
        record = SHEETS.advance(record, event, at(f"{established_on} 15:00"), POLICY).record
    return record


class World:
    """One lot and the sheets that were chosen for it, moved together."""

    def __init__(self, number: str, now: str, *sheets: SheetRecord) -> None:
        """Form the lot."""
        self.lot = LotRecord.of(number, sheets)
        put = SheetEvent.PUT_IN_LOT
        self.sheets = [SHEETS.advance(sheet, put, at(now), POLICY, number).record for sheet in sheets]

    def happen(self, now: str, *events: LotEvent, detail: str = "") -> tuple[Effect, ...]:
        """Move the lot, then its sheets; return what the last event asks of the world."""
        effects: tuple[Effect, ...] = ()
        for event in events:
            step = LOTS.advance(self.lot, event, at(now), POLICY, detail)
            self.lot, effects = step.record, step.effects
            moved = {s.record.number: s.record for s in carry(step, self.sheets, at(now), POLICY, detail)}
            self.sheets = [moved.get(sheet.number, sheet) for sheet in self.sheets]
        return effects

    @property
    def states(self) -> list[str]:
        """Where the sheets stand."""
        return [sheet.state.value for sheet in self.sheets]


def test_altered_goes_again_under_the_same_number() -> None:
    """Protects the altered lot: same lot, same sheets, sent again, acknowledged."""
    world = World("L1", "2025-03-04 09:00", sealed("1", "2025-03-03"), sealed("2", "2025-03-04"))
    assert world.happen("2025-03-04 09:00", E.SIGN) == (Effect.SEND,)
    world.happen("2025-03-04 09:10", E.START_EMISSION, E.EMIT)
    assert world.states == ["sent", "sent"]
    world.happen("2025-03-04 10:00", E.ACKNOWLEDGE_ALTERED)
    assert world.states == ["altered", "altered"]
    assert LOTS.due_event(world.lot, at("2025-03-04 10:00"), POLICY) is E.REEMIT
    assert world.happen("2025-03-04 10:00", E.REEMIT) == (Effect.SEND_AGAIN,)
    world.happen("2025-03-04 10:05", E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_POSITIVE)
    assert (world.lot.state, world.lot.emissions) == (S.POSITIVE, 2)
    assert world.states == ["acknowledged", "acknowledged"]
    assert {sheet.lot for sheet in world.sheets} == {"L1"}
    assert world.happen("2025-04-01 09:00", E.SETTLE) == ()
    assert world.lot.state is S.SETTLED


def test_a_closed_door_is_tried_again() -> None:
    """Protects the attempt whose bytes never left: the lot stays signed, and is to be sent."""
    world = World("L1", "2025-03-04 09:00", sealed("1", "2025-03-03"))
    assert world.happen("2025-03-04 09:00", E.SIGN, E.START_EMISSION, E.EMISSION_FAILED) == (Effect.SEND,)
    assert (world.lot.state, world.lot.attempts, world.lot.emissions) == (S.SIGNED, 1, 0)
    assert world.states == ["in_lot"]


def test_refused_lot_gives_its_sound_sheets_back() -> None:
    """Protects the refused lot: the faulty sheet is rejected, the other travels in a new lot inside its own limit."""
    world = World("L1", "2025-03-12 09:00", sealed("1", "2025-03-03"), sealed("2", "2025-03-03"))
    world.happen("2025-03-12 09:00", E.SIGN, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_REFUSED)
    fault = SHEETS.advance(world.sheets[0], SheetEvent.FAULT_FOUND, at("2025-03-12 10:00"), POLICY, "9001")
    world.sheets[0] = fault.record
    world.happen("2025-03-12 11:00", E.REQUEUE)
    assert world.lot.state is S.ABANDONED
    assert world.states == ["rejected", "queued"]
    again = World("L2", "2025-03-13 09:00", world.sheets[1])
    assert (again.lot.emission_limit, again.lot.emissions) == (date(2025, 3, 14), 1)
    again.happen("2025-03-14 09:00", E.SIGN, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_POSITIVE)
    assert again.states == ["acknowledged"]


def test_the_most_urgent_sheet_decides_and_the_others_travel_on() -> None:
    """Protects sheets of several days in one lot: the first limit ends the lot, the sheets that still can travel on."""
    world = World("L1", "2025-03-05 09:00", sealed("1", "2025-03-03"), sealed("2", "2025-03-05"))
    assert world.lot.deadline == date(2025, 3, 13)
    world.happen("2025-03-05 09:00", E.SIGN)
    sent = World("L1", "2025-03-05 09:00", sealed("1", "2025-03-03"), sealed("2", "2025-03-05"))
    sent.happen("2025-03-05 09:00", E.SIGN, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_ALTERED)
    assert sent.lot.reemission_limit == date(2025, 3, 13)
    assert [sheet.reemission_limit for sheet in sent.sheets] == [date(2025, 3, 13), date(2025, 3, 17)]
    night = "2025-03-13 23:00"
    assert LOTS.next_due(world.lot, POLICY) == at(night)
    world.happen(night, E.WINDOW_CLOSED)
    assert (world.lot.state, world.lot.reason) == (S.ABANDONED, "first_window_over")
    assert world.states == ["queued", "queued"]
    first, second = (SHEETS.due_event(sheet, at(night), POLICY) for sheet in world.sheets)
    assert (first, second) == (SheetEvent.WINDOW_CLOSED, None)


def test_a_new_lot_takes_over_what_its_sheets_lived() -> None:
    """Protects the limit of a sheet that failed before: a new lot beside a fresh sheet does not lengthen it."""
    fresh = sealed("2", "2025-03-10")
    failed = replace(
        sealed("1", "2025-03-03"),
        emissions=1,
        first_emitted_at=at("2025-03-10 09:00"),
        last_emitted_at=at("2025-03-10 09:00"),
        first_failure_on=date(2025, 3, 12),
        last_failure_at=at("2025-03-12 23:00"),
        reemission_limit=date(2025, 3, 14),
    )
    lot = LotRecord.of("L2", [fresh, failed])
    assert (lot.emission_limit, lot.first_failure_on, lot.emissions) == (date(2025, 3, 14), date(2025, 3, 12), 1)
    other = replace(failed, first_emitted_at=at("2025-03-11 09:00"), last_failure_at=at("2025-03-13 23:00"))
    both = LotRecord.of("L2", [other, failed])
    assert (both.first_emitted_at, both.last_failure_at) == (at("2025-03-10 09:00"), at("2025-03-13 23:00"))
    alone = LotRecord.of("L3", [fresh])
    assert (alone.emission_limit, alone.reemission_limit, alone.emissions) == (date(2025, 3, 20), None, 0)
    with pytest.raises(LifecycleError, match="LIFE-EMPTY-LOT"):
        LotRecord.of("L4", [])


def test_dissolved_before_it_left() -> None:
    """Protects a sheet to be regularised: its unsent lot is dissolved with a reason, all go back to the queue."""
    world = World("L1", "2025-03-04 09:00", sealed("1", "2025-03-03"))
    world.happen("2025-03-04 09:00", E.SIGN)
    world.happen("2025-03-04 09:30", E.DISSOLVE, detail="carte retrouvée")
    assert (world.lot.state, world.lot.reason, world.states) == (S.ABANDONED, "carte retrouvée", ["queued"])
    with pytest.raises(ImpossibleTransition):
        world.happen("2025-03-04 09:40", E.ACKNOWLEDGE_POSITIVE)


def test_blocked_beyond_control() -> None:
    """Protects the reason that no failed attempt is needed for: every sheet gets it with its duplicata."""
    world = World("L1", "2025-03-04 09:00", sealed("1", "2025-03-03"))
    world.happen("2025-03-04 09:30", E.BLOCKED, detail="incendie du site")
    assert world.states == ["duplicata_due"]
    assert world.sheets[0].reason == "incendie du site"


def test_an_abandoned_lot_may_still_be_answered() -> None:
    """Protects the late acknowledgement: kept on the lot, and it spares the duplicata that was not sent yet."""
    world = World("L1", "2025-03-13 09:00", sealed("1", "2025-03-03"), sealed("2", "2025-03-03"))
    world.happen("2025-03-13 09:00", E.SIGN, E.START_EMISSION, E.EMIT)
    world.happen("2025-03-17 23:00", E.WAIT_EXPIRED)
    world.happen("2025-03-19 23:00", E.WINDOW_CLOSED)
    closed = [
        SHEETS.advance(sheet, SheetEvent.WINDOW_CLOSED, at("2025-03-19 23:00"), POLICY).record for sheet in world.sheets
    ]
    issued = SHEETS.advance(closed[1], SheetEvent.DUPLICATA_ISSUED, at("2025-03-20 09:00"), POLICY).record
    world.sheets = [closed[0], issued, replace(issued, number="3", lot="L9")]
    assert world.happen("2025-03-20 10:00", E.ACKNOWLEDGE_POSITIVE) == (Effect.FLAG_LATE_ANSWER,)
    assert world.lot.late_answer
    assert world.states == ["acknowledged", "duplicata_sent", "duplicata_sent"]
    assert [sheet.flags for sheet in world.sheets] == [frozenset(), {SheetFlag.LATE_ANSWER}, frozenset()]


def test_a_sheet_paid_meanwhile_is_left_alone() -> None:
    """Protects a payment that overtakes the acknowledgement: the lot goes on, the paid sheet does not move."""
    world = World("L1", "2025-03-04 09:00", sealed("1", "2025-03-03"), sealed("2", "2025-03-03"))
    world.happen("2025-03-04 09:00", E.SIGN, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_ALTERED)
    world.sheets[0] = SHEETS.advance(world.sheets[0], SheetEvent.RETURN_PAID, at("2025-03-05 09:00"), POLICY).record
    world.happen("2025-03-05 10:00", E.REEMIT, E.START_EMISSION, E.EMIT, E.ACKNOWLEDGE_POSITIVE)
    assert world.states == ["paid", "acknowledged"]


def test_the_agenda_shows_a_lot_to_sign_with_its_limit() -> None:
    """Protects unattended lots: nobody signs for a person, the agenda says by when."""
    lot = LotRecord.of("L1", [sealed("1", "2025-03-03")])
    action = LOTS.next_action(lot, at("2025-03-04 09:00"), POLICY)
    assert (action.code, action.by, action.text()) == ("sign_lot", date(2025, 3, 13), "Signer le lot.")
