"""The three tables as data: complete, without dead ends, worded, and drawn from one place."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

import fse.lifecycle
import schemas
from fse.lifecycle import (
    LOTS,
    PAPERS,
    SHEET_EVENT_OF_LOT,
    SHEETS,
    Effect,
    LotEvent,
    LotState,
    PaperKind,
    PaperState,
    PolicyName,
    SheetState,
    reason_text,
    wording,
)

if TYPE_CHECKING:
    from enum import StrEnum
    from typing import Any, TypeAlias

    from fse.lifecycle import Table

    AnyTable: TypeAlias = Table[StrEnum, StrEnum, Any]

TABLES = [pytest.param(table, id=table.name) for table in (SHEETS, LOTS, PAPERS)]
BIRTH = {"sheet": SheetState.RESERVED, "lot": LotState.TO_SIGN, "paper": PaperState.TO_PRINT}
FINALS = {
    "sheet": {"void", "corrected", "closed"},
    "lot": {"settled", "abandoned"},
    "paper": {"received", "void"},
}


@pytest.mark.parametrize("table", TABLES)
def test_every_state_is_reachable(table: AnyTable) -> None:
    """Protects against a state that nothing leads to."""
    reached, frontier = set(), {BIRTH[table.name]}
    while frontier:
        reached |= frontier
        frontier = {row.to for row in table.rows if row.state in reached} - reached
    assert reached == set(table.states)


@pytest.mark.parametrize("table", TABLES)
def test_finals_are_the_states_without_a_way_out(table: AnyTable) -> None:
    """Protects the list of ends, written here by hand: elsewhere there is always a way on."""
    assert {state.value for state in table.finals} == FINALS[table.name]


@pytest.mark.parametrize("table", TABLES)
def test_every_event_has_a_row_and_every_row_a_source(table: AnyTable) -> None:
    """Protects against an event that nothing listens to and a rule that comes from nowhere."""
    assert {row.event for row in table.rows} == set(table.events)
    assert all(row.source for row in table.rows)


@pytest.mark.parametrize("table", TABLES)
def test_rows_of_one_state_and_event_exclude_each_other(table: AnyTable) -> None:
    """Protects the reading of the table: several rows of one state and event are told apart by opposite conditions."""
    opposite = {frozenset({"never_emitted", "was_emitted"}), frozenset({"secured", "degraded"})}
    for state, event in product(table.states, table.events):
        rows = [row for row in table.rows if row.state is state and row.event is event]
        names = [{guard.name for guard in row.guards} for row in rows]
        assert len(rows) < 2 or (len(rows) == 2 and frozenset(names[0] ^ names[1]) in opposite), (state, event)


@pytest.mark.parametrize("table", TABLES)
def test_timers_have_a_row(table: AnyTable) -> None:
    """Protects against a timer that fires into nothing."""
    pairs = {(row.state, row.event) for row in table.rows}
    assert {(timer.state, timer.event) for timer in table.timers} <= pairs


@pytest.mark.parametrize("table", TABLES)
def test_every_state_is_worded_and_says_what_comes_next(table: AnyTable) -> None:
    """Protects the screens: no state without its sentence, its source and its next action."""
    sentences = schemas.read_toml("lifecycle.toml")
    assert set(sentences[table.name]) == {state.value for state in table.states}
    for state in table.states:
        action = sentences["action"][sentences[table.name][state]["next"]]
        assert wording(table.name, state).source
        assert action["source"]
        assert action.get("by", "emission") in {"emission", "acknowledgement", "posting"}
        assert (action is sentences["action"]["none"]) == (state in table.finals)


def test_every_effect_guard_kind_and_profile_is_worded_once() -> None:
    """Protects the wording file against a missing sentence and against one that nothing uses."""
    sentences = schemas.read_toml("lifecycle.toml")
    guards = {guard.name for table in (SHEETS, LOTS, PAPERS) for row in table.rows for guard in row.guards}
    effects = {effect for table in (SHEETS, LOTS, PAPERS) for row in table.rows for effect in row.effects}
    nexts = {entry["next"] for name in ("sheet", "lot", "paper") for entry in sentences[name].values()}
    assert set(sentences["guard"]) == guards
    assert set(sentences["effect"]) == set(Effect) == effects
    assert set(sentences["paper_kind"]) == set(PaperKind)
    assert set(sentences["policy"]) == set(PolicyName)
    assert set(sentences["action"]) == nexts
    for kind in ("action", "effect", "guard", "paper_kind", "policy", "reason"):
        for name in sentences[kind]:
            assert wording(kind, name).text("fr") != wording(kind, name).text("en") or name == "duplicata"


def test_every_event_of_a_lot_says_what_it_is_for_its_sheets() -> None:
    """Protects the crossing: a new event of the lot cannot forget the sheets."""
    assert set(SHEET_EVENT_OF_LOT) == set(LotEvent)
    assert {event for event, sheet_event in SHEET_EVENT_OF_LOT.items() if sheet_event is None} == {
        LotEvent.SIGN,
        LotEvent.SETTLE,
    }


def test_reasons_are_worded_or_kept_as_written() -> None:
    """Protects the reason that a duplicata carries: ours in two languages, a person's as it was typed."""
    assert reason_text("first_window_over", "en") == "window of the first emission over without an emission"
    assert reason_text("emissions_spent") == "nombre d'émissions prévu épuisé"
    assert reason_text("incendie du site") == "incendie du site"


def test_public_names_are_sorted_and_exist() -> None:
    """Protects the door of the package: what it promises can be imported."""
    names = fse.lifecycle.__all__
    assert all(hasattr(fse.lifecycle, name) for name in names)
    assert len(set(names)) == len(names)
