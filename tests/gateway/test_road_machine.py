"""
The whole road under random faults and jumps of time: what must hold after every step, and mutants that must be found.

The world is that of :mod:`tests.gateway.road_world`, what must hold stands in :mod:`tests.gateway.road_invariants`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fse.lifecycle import SHEETS, LotEvent, LotState, SheetEvent, SheetState, transmission
from fse.lifecycle.policy import is_over, over_at
from fse.lot import open_lot, sign_lot
from gateway import sealing, submission
from gateway.dispatch import Dispatch
from gateway.envelopes import make_envelope
from gateway.errors import GatewayError
from gateway.journal import Transaction
from gateway.lots import LotDesk
from gateway.movements import move_sheet
from gateway.sealing import SealingDesk
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE
from tests.gateway.road import AnswerFate, Fate
from tests.gateway.road_invariants import ALWAYS, FIRST_WINDOW, everything_ends, hopeful_sheets, the_same_answer_again
from tests.gateway.road_world import FAMILIES, World, at_paris, day_of, distrust, jour_ouvre

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.journal import StoredLot

AGAIN_WITH = "HYPOTHESIS_PROFILE=ci .venv/bin/pytest tests/gateway/test_road_machine.py"

# ---------------------------------------------------------------------------------------------------------- the machine

STARTS = (
    datetime(2025, 3, 27, 9, tzinfo=UTC),  # Thursday; the night of 30 March has 23 hours in a day
    datetime(2025, 4, 16, 9, tzinfo=UTC),  # Wednesday before Easter Monday, 21 April
    datetime(2025, 4, 29, 22, tzinfo=UTC),  # midnight in Paris; 1 and 8 May follow
    datetime(
        2025, 10, 23, 9, tzinfo=UTC
    ),  # Thursday; the night of 26 October has 25 hours in a day, then 1 and 11 November
    datetime(2025, 12, 23, 9, tzinfo=UTC),  # Christmas and New Year
)
HOLIDAYS = tuple(
    date.fromisoformat(day)
    for day in ("2025-03-30", "2025-04-21", "2025-05-01", "2025-05-08", "2025-10-26", "2025-11-11", "2025-12-25")
)
picks = st.integers(0, 9)
organisms = st.sampled_from((ARTOIS, OPALE))
families, ages = st.sampled_from(FAMILIES), st.sampled_from((0, 0, 1, 3, 8, 12, 20))
cares = st.lists(st.tuples(families, st.booleans(), ages), min_size=1, max_size=3)
file_fates, answer_fates = (
    st.lists(st.sampled_from(Fate), max_size=3),
    st.lists(st.sampled_from(AnswerFate), max_size=3),
)


class RoadMachine(RuleBasedStateMachine):
    """People, time and harm, in any order."""

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: datetime) -> None:
        """Open a gateway."""
        self.folder = TemporaryDirectory()
        self.world = World(Path(self.folder.name), start)

    # ------------------------------------------------------------------------------------------------------- people

    @rule(family=families, with_card=st.booleans(), days_ago=ages)
    def submit(self, family: str, *, with_card: bool, days_ago: int) -> None:
        """Care is submitted, some of it late; after its window it becomes paper."""
        (reply,) = self.world.submit(family, with_card=with_card, days_ago=days_ago)
        in_time = jour_ouvre(self.world.submissions[-1].day, FIRST_WINDOW) >= day_of(self.world.clock.now())
        assert (reply.sheet is not None) is in_time

    @precondition(lambda self: self.world.submissions)
    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        """Submit the same again: the answer is the same."""
        one = self.world.submissions[pick % len(self.world.submissions)]
        assert self.world.gateway.submit(one.encounter, self.world.cards(one.family)) == one.replies

    @precondition(lambda self: self.world.submissions)
    @rule(pick=picks)
    def contradict(self, pick: int) -> None:
        """Other facts under a used reference are refused."""
        one = self.world.submissions[pick % len(self.world.submissions)]
        other = one.encounter.model_copy(update={"at": one.encounter.at - timedelta(days=1)})
        with pytest.raises(GatewayError) as caught:
            self.world.gateway.submit(other, self.world.cards(one.family))
        assert caught.value.rule.id == "SUBMIT-REFERENCE"

    @rule(fates=file_fates, answers=answer_fates)
    def send_all(self, fates: list[Fate], answers: list[AnswerFate]) -> None:
        """Have the doctor sign the lots; something happens to them, and to what they are answered."""
        self.world.road.fates.extend(fates)
        self.world.road.answer_fates.extend(answers)
        self.world.send_all()

    @rule(cares=cares, fates=file_fates, answers=answer_fates)
    def evening(self, cares: list[tuple[str, bool, int]], fates: list[Fate], answers: list[AnswerFate]) -> None:
        """Care of the day, and the lots of its evening."""
        for family, with_card, days_ago in cares:
            self.submit(family, with_card=with_card, days_ago=days_ago)
        self.send_all(fates, answers)

    @rule(pick=picks)
    def post(self, pick: int) -> None:
        """Somebody posts a duplicata."""
        if waiting := self.world.duplicata_to_post():
            self.world.post(waiting[pick % len(waiting)])

    @rule()
    def requeue(self) -> None:
        """Somebody gives the sheets of the refused lots back to the queue."""
        for lot in self.world.lots_where(state="refused"):
            self.world.gateway.requeue(lot)

    @rule()
    def release(self) -> None:
        """Somebody releases the lots that are held, and forgets the waits."""
        for lot in self.world.lots_where(held=True):
            self.world.gateway.dispatch.release(lot)
        self.world.gateway.dispatch.hurry()

    @rule()
    def restart(self) -> None:
        """Stop the process and start it."""
        self.world.restart()

    # --------------------------------------------------------------------------------------------------------- time

    @rule()
    def run(self) -> None:
        """Dispatch does what is due."""
        self.world.run()

    @rule(minutes=st.sampled_from((1, 10, 120, 600)))
    def wait(self, minutes: int) -> None:
        """Let a while pass; dispatch runs."""
        self.world.move_to(self.world.clock.now() + timedelta(minutes=minutes))
        self.world.run()

    @rule(days=st.integers(1, 6), hour=st.sampled_from((time(0), time(2, 30), time(23, 59, 59))), fates=file_fates)
    def days_pass(self, days: int, hour: time, fates: list[Fate]) -> None:
        """Let some days pass, up to an hour that may be the first or last second of a day; dispatch runs."""
        self.world.road.fates.extend(fates)
        self.world.move_to(at_paris(day_of(self.world.clock.now()) + timedelta(days=days), hour))
        self.world.run()

    @rule()
    def next_due(self) -> None:
        """Time jumps to where the gateway says that something is due; dispatch runs."""
        due = self.world.gateway.dispatch.next_due()
        if due is not None:
            self.world.move_to(due)
            self.world.run()

    @rule(hour=st.sampled_from((time(0), time(2, 30), time(23, 59, 59))))
    def to_the_next_holiday(self, hour: time) -> None:
        """Time jumps to the next holiday or night of another length, or over the week-end; dispatch runs."""
        today = day_of(self.world.clock.now())
        days = [day for day in HOLIDAYS if today < day <= today + timedelta(days=9)]
        sunday = today + timedelta(days=7 - today.weekday())
        self.world.move_to(at_paris(min([*days, sunday]), hour))
        self.world.run()

    # --------------------------------------------------------------------------------------------------------- harm

    @rule(name=st.sampled_from((ARTOIS, OPALE, build.BILLER)), days=st.integers(1, 12))
    def outage(self, name: str, days: int) -> None:
        """Close a caisse, or the mailbox, for some days."""
        self.world.road.closed_until[name] = self.world.clock.now() + timedelta(days=days)

    @rule(organism=organisms)
    def fall_out(self, organism: str) -> None:
        """Have a caisse refuse, or take again, what the doctor signs."""
        caisse = self.world.road.caisses[organism]
        caisse.trust = distrust() if caisse.trust is self.world.road.trust else self.world.road.trust

    @rule(data=st.sampled_from((b"", b"\x30\x80", b"no envelope", bytes(300))), enveloped=st.booleans())
    def garbage(self, data: bytes, *, enveloped: bool) -> None:
        """Something that no caisse said lies in the mailbox."""
        self.world.put_garbage(data, enveloped=enveloped)

    # ------------------------------------------------------------------------------------------------------- checks

    @invariant()
    def everything_holds(self) -> None:
        """Hold the onlooker's account against the journal."""
        books = self.world.books()
        for holds in ALWAYS:
            holds(self.world, books)

    def teardown(self) -> None:
        """Let every fault end and time pass; then check once more."""
        note(f"To play this again: {AGAIN_WITH} (or with @reproduce_failure as printed below)")
        if not hasattr(self, "world"):
            return
        try:
            if sys.exception() is not None:
                return  # a step has failed already: that is what must be seen
            hopeful = hopeful_sheets(self.world, self.world.books())
            self.world.finish()
            self.everything_holds()
            everything_ends(self.world, self.world.books(), hopeful)
            the_same_answer_again(self.world)
        finally:
            self.world.journal.close()
            self.folder.cleanup()


MANY = settings.get_profile(settings.get_current_profile_name()).max_examples
RoadMachine.TestCase.settings = settings(max_examples=max(1, MANY // 10), stateful_step_count=30)
TestRoad = RoadMachine.TestCase


# ---------------------------------------------------------------------------------------------------------- mutants


def _new_lot_each_time(patch: pytest.MonkeyPatch) -> None:
    def send_one(self: Dispatch, stored: StoredLot) -> None:
        if stored.record.state is not LotState.REEMISSION_DUE:
            truly(self, stored)
            return
        with self.journal.write() as tx:
            for sheet in tx.sheets_of_lot(stored.number):
                if sheet.record.state is SheetState.REEMISSION_DUE:
                    step = SHEETS.advance(sheet.record, SheetEvent.REQUEUE, tx.now, self.profile.policy)
                    move_sheet(tx, sheet, step, self.profile)
            tx.update_lot(stored.number, replace(stored.record, state=LotState.ABANDONED), "dissolve")

    truly = Dispatch._send_one  # noqa: SLF001 - a mutant lives inside
    patch.setattr(Dispatch, "_send_one", send_one)


def _shift_the_limits(patch: pytest.MonkeyPatch, days: int) -> None:
    shift = timedelta(days=days)
    patch.setattr(transmission, "is_over", lambda day, now: is_over(day + shift, now))
    patch.setattr(transmission, "over_at", lambda day: over_at(day + shift))


def _a_day_too_early(patch: pytest.MonkeyPatch) -> None:
    _shift_the_limits(patch, -1)


def _answers_before_storing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SealingDesk, "finish", lambda _self, stored, _cps: replace(stored, sealed=b"will be stored later"))


def _forgets_what_it_answered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(submission, "_known_replies", lambda *_: None)
    patch.setattr(SealingDesk, "take_up", lambda *_: {})
    patch.setattr(Transaction, "keep_replies", lambda *_: None)


def _signs_each_time(patch: pytest.MonkeyPatch) -> None:
    def envelope(self: LotDesk, stored: StoredLot) -> bytes:
        signed = open_lot(stored.signed or b"")
        data = sign_lot(signed.lot, signed.sheets.values(), build.signer(build.cps("medecin")), self.clock.now())
        return make_envelope(data, self.caisses[stored.organism])

    patch.setattr(LotDesk, "envelope", envelope)


def _takes_a_failure_for_a_departure(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Dispatch, "_not_left", lambda self, stored, _result, why: self._move_lot(stored, LotEvent.EMIT, why))


def _forgets_the_twin(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sealing, "carry_out_paper", lambda *_: None)


def _loses_a_number(patch: pytest.MonkeyPatch) -> None:
    truly = Transaction.take_number
    patch.setattr(Transaction, "take_number", lambda self, name, count=1: truly(self, name, count + (name == "event")))


MUTANTS: list[tuple[Callable[[pytest.MonkeyPatch], None], set[str], tuple[()] | pytest.MarkDecorator]] = [
    (_new_lot_each_time, {"a_sheet_changes_its_lot_for_a_reason"}, ()),
    (_answers_before_storing, {"no_answer_is_lost"}, ()),
    (_a_day_too_early, {"nothing_is_given_up_too_early", "no_wait_is_cut_short"}, pytest.mark.long),
    (_forgets_what_it_answered, {"repeat", "contradict", "the_same_answer_again"}, pytest.mark.long),
    (_signs_each_time, {"a_lot_leaves_unchanged"}, pytest.mark.long),
    (_takes_a_failure_for_a_departure, {"attempts_are_counted"}, pytest.mark.long),
    (_forgets_the_twin, {"degraded_goes_with_its_twin"}, pytest.mark.long),
    (_loses_a_number, {"events_have_no_gap"}, pytest.mark.long),
]
"""Wrong gateways, each with the checks one of which must find it."""


@pytest.mark.parametrize(
    ("break_it", "found_by"),
    [pytest.param(mutant, checks, marks=marks, id=mutant.__name__.strip("_")) for mutant, checks, marks in MUTANTS],
)
def test_a_wrong_gateway_is_found(
    break_it: Callable[[pytest.MonkeyPatch], None], found_by: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from a machine that could not fail: each wrong gateway is found, by the check that is meant for it."""
    break_it(monkeypatch)
    bounded = settings(
        max_examples=60,
        stateful_step_count=30,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        print_blob=False,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises((AssertionError, GatewayError, pytest.fail.Exception)) as caught:
        run_state_machine_as_test(RoadMachine, settings=bounded)
    assert found_by & {entry.name for entry in caught.traceback}
