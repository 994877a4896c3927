"""
Random lives of sheets, lots and papers under every profile, judged by a second count of the limits.

The judge keeps its own notes (when bytes left, when the first failure was known) and counts days with the
``holidays`` package; it shares nothing with the code under test but the events.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fse.lifecycle import (
    LOTS,
    PAPERS,
    SHEETS,
    ImpossibleTransition,
    LotEvent,
    LotRecord,
    LotState,
    PaperEvent,
    PaperKind,
    PaperRecord,
    Policy,
    PolicyName,
    SheetEvent,
    SheetMode,
    SheetRecord,
    SheetState,
    Unit,
    carry,
)
from fse.working_days import Calendar, Place

if TYPE_CHECKING:
    from fse.lifecycle import Step, Table

    SheetStep = Step[SheetState, SheetEvent, SheetRecord]

PARIS = ZoneInfo("Europe/Paris")
FRANCE = holidays.country_holidays("FR", years=range(2024, 2028))
CALENDAR = Calendar(Place("62"))
E, S = SheetEvent, SheetState

policies = st.builds(
    Policy,
    calendar=st.just(CALENDAR),
    name=st.sampled_from(PolicyName),
    unit=st.sampled_from(Unit),
    max_emissions=st.sampled_from([None, 2, 3]),
)
starts = st.dates(date(2024, 3, 1), date(2026, 6, 1))
waits = st.timedeltas(timedelta(0), timedelta(days=4))


def working_days_after(day: date, count: int) -> date:
    """Count jours ouvrés with another library."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in FRANCE
    return day


@dataclass
class Judge:
    """What an outsider notes of one sheet, and what the law lets it do."""

    policy: Policy
    established_on: date
    started_at: datetime | None = None
    left_at: datetime | None = None
    emissions: int = 0
    failure_on: date | None = None
    blocked: bool = False

    def limit(self) -> date:
        """Return the last day to emit, by the letter of the profile."""
        if self.policy.unit is Unit.WORKING:
            window = working_days_after(self.established_on, 8)
        else:
            window = self.established_on + timedelta(days=8)
        if self.failure_on is None or self.policy.name is PolicyName.SAME_WINDOW:
            return window
        after = working_days_after(self.failure_on, 2)
        return max(window, after) if self.policy.name is PolicyName.REGULATION else after

    def may_emit(self, now: datetime) -> bool:
        """Tell whether the law lets the sheet leave at ``now``."""
        spent = self.policy.max_emissions is not None and self.emissions >= self.policy.max_emissions
        return not spent and now.astimezone(PARIS).date() <= self.limit()

    def note(self, event: SheetEvent, before: SheetRecord, after: SheetRecord, now: datetime) -> None:
        """Judge one transition, then write down what it means."""
        if event is E.START_EMISSION:
            assert self.may_emit(now)
            self.started_at = now
        elif event is E.EMISSION_FAILED:
            self.started_at = None
        elif self.started_at is not None:
            self.emissions, self.left_at, self.started_at = self.emissions + 1, self.started_at, None
        if self.failure_on is None and after.state in {S.ALTERED, S.REFUSED, S.OVERDUE}:
            if event is E.WAIT_EXPIRED:
                assert self.left_at is not None
                self.failure_on = working_days_after(self.left_at.astimezone(PARIS).date(), 2)
                assert now.astimezone(PARIS).date() > self.failure_on
            else:
                self.failure_on = now.astimezone(PARIS).date()
        self.blocked = self.blocked or event is E.BLOCKED
        if after.state is S.DUPLICATA_DUE and before.state is not S.DUPLICATA_DUE:
            assert (self.blocked and after.reason) or not self.may_emit(now), "a re-emission was skipped"
        assert after.emissions == self.emissions
        judge_record(before, after)


def judge_record(before: SheetRecord, after: SheetRecord) -> None:
    """Judge what must hold of any sheet at any moment."""
    assert after.number == before.number
    assert not (after.paid and after.replaced)
    assert after.paid or after.state not in {S.PAID, S.PARTLY_PAID}
    assert after.has_return or not after.paid
    assert after.has_return or after.replaced or after.state is not S.CLOSED
    assert after.state is not S.VOID or (after.reason or after.successor)
    assert after.state is not S.VOID or after.emissions == 0
    assert before.state not in SHEETS.finals or after.state is before.state
    assert after.flags >= before.flags
    assert after.attempts >= after.emissions


class SheetLife(RuleBasedStateMachine):
    """One sheet to which anything may happen at any time, timers included or forgotten."""

    @initialize(policy=policies, start=starts, mode=st.sampled_from(SheetMode))
    def reserve(self, policy: Policy, start: date, mode: SheetMode) -> None:
        """Start from the reservation."""
        self.policy = policy
        self.now = datetime(start.year, start.month, start.day, 9, tzinfo=UTC)
        self.record = SheetRecord.reserve("000000001", mode, start, policy)
        self.judge = Judge(policy, start)

    def move(self, event: SheetEvent) -> None:
        """Take one event and judge it."""
        before = self.record
        self.record = SHEETS.advance(before, event, self.now, self.policy, "detail").record
        self.judge.note(event, before, self.record, self.now)

    @rule(choice=st.integers(0, 1000))
    def something_possible(self, choice: int) -> None:
        """Anything that the table allows."""
        possible = SHEETS.possible(self.record, self.now, self.policy)
        if possible:
            self.move(possible[choice % len(possible)])

    @rule(event=st.sampled_from(SheetEvent))
    def something_at_all(self, event: SheetEvent) -> None:
        """Anything: it has a row, or it raises and nothing has changed."""
        if event in SHEETS.possible(self.record, self.now, self.policy):
            self.move(event)
        else:
            with pytest.raises(ImpossibleTransition):
                SHEETS.advance(self.record, event, self.now, self.policy, "detail")

    @rule(wait=waits)
    def time_passes(self, wait: timedelta) -> None:
        """Time passes and nobody looks."""
        self.now += wait

    @rule()
    def clock_jumps(self) -> None:
        """Jump to the next timed event, which is then due, and not a moment earlier."""
        at = SHEETS.next_due(self.record, self.policy)
        if at is None:
            assert SHEETS.due_event(self.record, self.now + timedelta(days=400), self.policy) is None
            return
        assert SHEETS.due_event(self.record, at - timedelta(microseconds=1), self.policy) is None
        self.now = max(self.now, at)
        event = SHEETS.due_event(self.record, self.now, self.policy)
        assert event is not None
        self.move(event)

    @invariant()
    def there_is_a_way_out(self) -> None:
        """Check that a sheet which is not at its end can move on, now or when its time comes."""
        if not hasattr(self, "record") or self.record.state in SHEETS.finals:
            return
        at = SHEETS.next_due(self.record, self.policy)
        assert SHEETS.possible(self.record, self.now, self.policy) or at is not None

    @invariant()
    def the_next_action_has_words(self) -> None:
        """Check that a person can always be told what comes next."""
        if hasattr(self, "record"):
            assert SHEETS.next_action(self.record, self.now, self.policy).text("fr")


class SiteLife(RuleBasedStateMachine):
    """A site: sheets of several days in lots, lots moved first, and answers in any order."""

    @initialize(policy=policies, start=starts)
    def open_site(self, policy: Policy, start: date) -> None:
        """Open the site in the morning."""
        self.policy = policy
        self.now = datetime(start.year, start.month, start.day, 9, tzinfo=UTC)
        self.sheets: dict[str, SheetRecord] = {}
        self.judges: dict[str, Judge] = {}
        self.lots: dict[str, LotRecord] = {}

    def keep(self, step: SheetStep) -> None:
        """Write down one step of a sheet and judge it."""
        before, after = self.sheets[step.record.number], step.record
        self.judges[after.number].note(step.row.event, before, after, self.now)
        self.sheets[after.number] = after

    def move_sheet(self, number: str, event: SheetEvent, detail: str = "detail") -> None:
        """Move one sheet."""
        self.keep(SHEETS.advance(self.sheets[number], event, self.now, self.policy, detail))

    def move_lot(self, number: str, event: LotEvent) -> None:
        """Move one lot, then its sheets."""
        step = LOTS.advance(self.lots[number], event, self.now, self.policy, "detail")
        self.lots[number] = step.record
        for moved in carry(step, self.sheets.values(), self.now, self.policy, "detail"):
            self.keep(moved)

    @rule(mode=st.sampled_from(SheetMode))
    def new_sheet(self, mode: SheetMode) -> None:
        """End a consultation: one more sheet waits for a lot."""
        number, day = f"{len(self.sheets):09}", self.now.astimezone(PARIS).date()
        self.sheets[number] = SheetRecord.reserve(number, mode, day, self.policy)
        self.judges[number] = Judge(self.policy, day)
        if mode is SheetMode.SECURED:
            self.move_sheet(number, E.PATIENT_SIGN)
        self.move_sheet(number, E.SEAL)
        self.move_sheet(number, E.QUEUE)

    @precondition(lambda self: any(sheet.state is S.QUEUED for sheet in self.sheets.values()))
    @rule(data=st.data())
    def new_lot(self, data: st.DataObject) -> None:
        """Somebody forms a lot of what is queued, new sheets and old ones together."""
        queued = [number for number, sheet in self.sheets.items() if sheet.state is S.QUEUED]
        chosen = data.draw(st.lists(st.sampled_from(queued), min_size=1, max_size=4, unique=True))
        number = f"L{len(self.lots)}"
        self.lots[number] = LotRecord.of(number, [self.sheets[name] for name in chosen])
        for name in chosen:
            self.move_sheet(name, E.PUT_IN_LOT, number)

    @precondition(lambda self: self.lots)
    @rule(data=st.data())
    def lot_moves(self, data: st.DataObject) -> None:
        """Something that the table allows happens to a lot; no sheet of it may contradict."""
        number = data.draw(st.sampled_from(sorted(self.lots)))
        possible = LOTS.possible(self.lots[number], self.now, self.policy)
        if possible:
            self.move_lot(number, data.draw(st.sampled_from(possible)))

    @precondition(lambda self: self.sheets)
    @rule(data=st.data())
    def sheet_moves(self, data: st.DataObject) -> None:
        """Something that is no matter of a lot happens to a sheet: a return, a duplicata, a void."""
        number = data.draw(st.sampled_from(sorted(self.sheets)))
        lots_matter = {E.START_EMISSION, E.EMISSION_FAILED, E.EMIT, E.REQUEUE, E.BLOCKED, E.PUT_IN_LOT, E.REEMIT}
        lots_matter |= {E.ACKNOWLEDGE_POSITIVE, E.ACKNOWLEDGE_ALTERED, E.ACKNOWLEDGE_REFUSED, E.WAIT_EXPIRED}
        possible = SHEETS.possible(self.sheets[number], self.now, self.policy)
        own = [event for event in possible if event not in lots_matter]
        if own:
            self.move_sheet(number, data.draw(st.sampled_from(own)))

    @rule(wait=waits)
    def time_passes(self, wait: timedelta) -> None:
        """Time passes; what is due happens, lots first."""
        self.now += wait
        for number in self.lots:
            while (lot_event := LOTS.due_event(self.lots[number], self.now, self.policy)) is not None:
                self.move_lot(number, lot_event)
        for number in self.sheets:
            while (event := SHEETS.due_event(self.sheets[number], self.now, self.policy)) is not None:
                self.move_sheet(number, event)

    @invariant()
    def a_live_lot_and_its_sheets_agree(self) -> None:
        """Check that a lot on its way holds no sheet that was replaced on paper, voided or queued again."""
        for sheet in getattr(self, "sheets", {}).values():
            lot = self.lots.get(sheet.lot)
            if lot and lot.state not in {LotState.ABANDONED, LotState.SETTLED}:
                assert sheet.state not in {S.QUEUED, S.DUPLICATA_DUE, S.DUPLICATA_SENT, S.VOID}


TestSheetLife = SheetLife.TestCase
TestSheetLife.settings = settings(max_examples=150, stateful_step_count=40)
TestSiteLife = SiteLife.TestCase
TestSiteLife.settings = settings(max_examples=100, stateful_step_count=40)


def walk_with_the_clock(table: Table[Any, Any, Any], record: Any, policy: Policy, now: datetime) -> Any:  # noqa: ANN401 - any of the three records
    """Let time alone act on ``record``; return it when nothing is due any more, and fail when that never comes."""
    for _ in range(20):
        at = table.next_due(record, policy)
        if at is None:
            return record
        now = max(now, at)
        steps = table.settle(record, now, policy)
        assert steps, "an event was announced and is not due"
        record = steps[-1].record
    pytest.fail("time never ends")


@given(policies, starts, st.integers(0, 6), waits)
def test_time_alone_brings_every_sheet_to_a_rest(policy: Policy, start: date, done: int, late: timedelta) -> None:
    """Protects the jumping clock: from any point of the way it ends where a person or the caisse must act."""
    events = (E.PATIENT_SIGN, E.SEAL, E.QUEUE, E.PUT_IN_LOT, E.START_EMISSION, E.EMIT)[:done]
    now = datetime(start.year, start.month, start.day, 9, tzinfo=UTC)
    record = SheetRecord.reserve("000000001", SheetMode.SECURED, start, policy)
    for event in events:
        record = SHEETS.advance(record, event, now, policy, "L1").record
    rest = walk_with_the_clock(SHEETS, record, policy, now + late)
    assert rest.state is (S.VOID if done < 2 else S.DUPLICATA_DUE)


@given(policies, starts, waits)
def test_time_alone_brings_every_lot_to_an_end(policy: Policy, start: date, late: timedelta) -> None:
    """Protects lots that nobody signs and lots that nobody answers."""
    now = datetime(start.year, start.month, start.day, 9, tzinfo=UTC)
    to_sign = LotRecord.of("L1", [SheetRecord.reserve("000000001", SheetMode.SECURED, start, policy)])
    sent = to_sign
    for event in (LotEvent.SIGN, LotEvent.START_EMISSION, LotEvent.EMIT):
        sent = LOTS.advance(sent, event, now, policy).record
    for lot in (to_sign, sent):
        assert walk_with_the_clock(LOTS, lot, policy, now + late).state is LotState.ABANDONED


@given(
    policies,
    starts,
    st.sampled_from(PaperKind),
    st.lists(st.tuples(st.sampled_from(PaperEvent), st.timedeltas(timedelta(0), timedelta(days=5))), max_size=12),
)
def test_any_life_of_a_paper(
    policy: Policy, start: date, kind: PaperKind, life: list[tuple[PaperEvent, timedelta]]
) -> None:
    """Protects papers: one alert at most, never after posting, and no end without a post or a reason."""
    now = datetime(start.year, start.month, start.day, 9, tzinfo=UTC)
    record, alerts = PaperRecord.needed("P1", kind, start, policy), 0
    for event, wait in life:
        now += wait
        if event not in PAPERS.possible(record, now, policy):
            with pytest.raises(ImpossibleTransition):
                PAPERS.advance(record, event, now, policy, "detail")
            continue
        record = PAPERS.advance(record, event, now, policy, "detail").record
        if event is PaperEvent.ALERT:
            alerts += 1
            assert record.posted_at is None
            assert now.astimezone(PARIS).date() > start + timedelta(days=8)
            assert kind in {PaperKind.TWIN, PaperKind.DUPLICATA}
        assert record.state.value != "received" or record.posted_at
        assert record.state.value != "void" or record.reason
    assert alerts < 2
    walk_with_the_clock(PAPERS, record, policy, now)
