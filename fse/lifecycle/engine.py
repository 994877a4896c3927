"""
One engine for the three life cycles: a table is rows, timers and limits; this module only walks it.

(record, event, now, policy) → (record, effects). Nothing here knows what a sheet is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fse.lifecycle.errors import DetailMissing, ImpossibleTransition
from fse.lifecycle.wording import NextAction, section, wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime

    from fse.lifecycle.effects import Effect
    from fse.lifecycle.policy import Policy
    from fse.lifecycle.rows import Row, Timer

__all__ = ["Step", "Table"]


class Recorded(Protocol):
    """What the engine needs of a record: how people name it, and where it stands."""

    @property
    def number(self) -> str:
        """The name that people know it by."""

    @property
    def state(self) -> StrEnum:
        """Where it stands."""


S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)
R = TypeVar("R", bound=Recorded)


@dataclass(frozen=True, slots=True)
class Step(Generic[S, E, R]):
    """One transition that took place: the row that was taken, the record after it, and what to do now."""

    row: Row[S, E]
    record: R

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What the transition asks of the world."""
        return self.row.effects


@dataclass(frozen=True, slots=True)
class Table(Generic[S, E, R]):
    """
    A whole life cycle.

    ``details`` names the events that must say something. ``mark`` writes the facts of a row into the record.
    ``limits`` gives the day that a next action must be done by, under the name that the wording file uses.
    """

    name: str
    states: type[S]
    events: type[E]
    rows: tuple[Row[S, E], ...]
    timers: tuple[Timer[S, E], ...]
    details: Mapping[E, str]
    limits: Mapping[str, Callable[[R, Policy], date | None]]
    mark: Callable[[R, Row[S, E], datetime, Policy, str], R]

    def advance(self, record: R, event: E, now: datetime, policy: Policy, detail: str = "") -> Step[S, E, R]:
        """
        Return what ``event`` makes of ``record`` at ``now`` (an aware instant); the record given is left as it was.

        ``detail`` is what the event must say: the reason of a void, the number of the lot, of the successor.

        :raises ImpossibleTransition: when no row applies.
        :raises DetailMissing: when the event must say something and ``detail`` is blank.
        """
        row = self._row(record, event, now, policy)
        if row is None:
            raise self._impossible(record, event, now, policy)
        if event in self.details and not detail.strip():
            raise DetailMissing(table=self.name, number=record.number, event=event.value, detail=self.details[event])
        return Step(row, self.mark(record, row, now, policy, detail.strip()))

    def possible(self, record: R, now: datetime, policy: Policy) -> tuple[E, ...]:
        """Return the events that ``record`` accepts at ``now``, in the order of their declaration."""
        return tuple(event for event in self.events if self._row(record, event, now, policy))

    def due_event(self, record: R, now: datetime, policy: Policy) -> E | None:
        """Return the event that time alone has made due at ``now``, if any."""
        for timer in self._timers(record):
            at = timer.at(record, policy)
            if at is not None and at <= now and self._row(record, timer.event, now, policy):
                return timer.event
        return None

    def next_due(self, record: R, policy: Policy) -> datetime | None:
        """Return the first instant at which an event is due of itself, be it past; None when time changes nothing."""
        instants = ((timer.event, timer.at(record, policy)) for timer in self._timers(record))
        return min((at for event, at in instants if at and self._row(record, event, at, policy)), default=None)

    def settle(self, record: R, now: datetime, policy: Policy) -> tuple[Step[S, E, R], ...]:
        """Return the steps of everything that is due at ``now``, one after the other; none when nothing is."""
        steps: list[Step[S, E, R]] = []
        while (event := self.due_event(record, now, policy)) is not None:
            steps.append(self.advance(record, event, now, policy))
            record = steps[-1].record
        return tuple(steps)

    def next_action(self, record: R, now: datetime, policy: Policy) -> NextAction:
        """Return what is expected next, and by when, once everything that is due at ``now`` has happened."""
        for step in self.settle(record, now, policy):
            record = step.record
        code: str = section(self.name, record.state)["next"]
        action = section("action", code)
        limit = self.limits[action["by"]](record, policy) if "by" in action else None
        return NextAction(code, limit, action["source"])

    @property
    def finals(self) -> frozenset[S]:
        """The states that nothing leaves; late answers may still be noted there."""
        return frozenset(self.states) - {row.state for row in self.rows if row.to is not row.state}

    @property
    def timed(self) -> frozenset[S]:
        """The states in which time alone may do something; a record in another need not be looked at."""
        return frozenset(timer.state for timer in self.timers)

    def _timers(self, record: R) -> Iterable[Timer[S, E]]:
        return (timer for timer in self.timers if timer.state is record.state)

    def _candidates(self, record: R, event: E) -> Iterable[Row[S, E]]:
        return (row for row in self.rows if row.state is record.state and row.event is event)

    def _row(self, record: R, event: E, now: datetime, policy: Policy) -> Row[S, E] | None:
        rows = self._candidates(record, event)
        return next((row for row in rows if all(guard.holds(record, now, policy) for guard in row.guards)), None)

    def _impossible(self, record: R, event: E, now: datetime, policy: Policy) -> ImpossibleTransition:
        possible = ", ".join(self.possible(record, now, policy)) or "—"
        facts = {"table": self.name, "number": record.number, "state": record.state.value, "event": event.value}
        failed = {
            guard.name: None
            for row in self._candidates(record, event)
            for guard in row.guards
            if not guard.holds(record, now, policy)
        }
        if not failed:
            return ImpossibleTransition("LIFE-NO-ROW", **facts, possible=possible)
        conditions = [wording("guard", name) for name in failed]
        return ImpossibleTransition(
            "LIFE-CONDITION",
            **facts,
            possible=possible,
            condition_fr=" ; ".join(condition.fr for condition in conditions),
            condition_en="; ".join(condition.en for condition in conditions),
        )
