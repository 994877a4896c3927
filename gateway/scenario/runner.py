"""
A scenario, lived through: each step done in the simulated world, each expectation held against what is there.

A step that differs from what was expected fails and the story goes on, so that one run shows every difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.errors import FseError
from fse.lifecycle import SHEETS
from fse.seals import verify_sheet
from gateway.errors import GatewayError
from gateway.scenario.people import check_names, encounter_of
from gateway.simulation import Simulation
from gateway.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from gateway.journal import StoredSheet, Transaction
    from gateway.reply import Reply
    from gateway.scenario.file import Check, Consult, Decide, Expected, PaperStep, Scenario, Step

__all__ = ["Difference", "ScenarioResult", "Status", "StepResult", "run_scenario"]


_RIGHTS_DOWN = "rights-down"


class Status(StrEnum):
    """What became of a step."""

    TOLD = "told"
    """Nothing to judge."""
    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"
    """The scene waits for something that is not built yet."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected: where, what was expected, what was found."""

    place: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class StepResult:
    """
    One step and what became of it.

    ``at`` is the simulated time after it, ``line`` its place in the file, ``replies`` what a consultation was answered,
    ``error`` what refused it as a whole.
    """

    step: Step
    line: int
    at: datetime
    status: Status
    differences: tuple[Difference, ...] = ()
    replies: tuple[Reply, ...] = ()
    error: FseError | None = None


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """A scenario that was run."""

    scenario: Scenario
    steps: tuple[StepResult, ...]

    def count(self, status: Status) -> int:
        """Return how many steps ended so."""
        return sum(result.status is status for result in self.steps)

    @property
    def passed(self) -> bool:
        """Whether nothing differs from what was expected; a pending scene does not count."""
        return self.count(Status.FAILED) == 0


def run_scenario(
    scenario: Scenario, folder: Path, tell: Callable[[StepResult], None] = lambda _: None
) -> ScenarioResult:
    """
    Live through ``scenario`` in a new world in ``folder``; ``tell`` hears of each step as soon as it is done.

    The same scenario makes the same sheets each time: its name is the seed. Raises
    :class:`gateway.scenario.ScenarioError` (SCENARIO-NAME) before anything is done.
    """
    with Simulation(folder, scenario.start, scenario.name) as world:
        check_names(scenario, world.wallet)
        story = _Story(world)
        results = []
        for rank, step in enumerate(scenario.steps):
            result = story.live(step, scenario.line_of(rank))
            tell(result)
            results.append(result)
    return ScenarioResult(scenario, tuple(results))


class _Story:
    """A world, and what each step does to it."""

    def __init__(self, world: Simulation) -> None:
        self._world = world

    def live(self, step: Step, line: int) -> StepResult:
        """Do ``step`` and say what became of it."""
        world, error = self._world, None
        replies: tuple[Reply, ...] = ()
        differences: tuple[Difference, ...] = ()
        status = Status.PASSED
        try:
            if step.consult is not None:
                replies, error = self._consult(step.consult)
                differences = tuple(_answered(step, replies, error))
            elif step.decide is not None:
                error = self._decide(step.decide)
                differences = tuple(_answered(step, (), error))
            elif step.check is not None:
                differences = tuple(self._check(step.check))
            else:
                status = self._do(step)
        except FseError as failure:  # a step that cannot be done is a result, with its reason
            error, differences = failure, (Difference(step.action, "–", failure.rule.id),)
        if differences:
            status = Status.FAILED
        return StepResult(step, line, world.clock.now(), status, differences, replies, error)

    def _do(self, step: Step) -> Status:
        world = self._world
        if step.pending is not None:
            return Status.PENDING
        if step.clock is not None:
            world.run_until(step.clock)
        elif step.send is not None:
            world.send_all(world.wallet.cps[step.send.by].rpps)
        elif step.incident is not None:
            incident = step.incident
            if incident.kind == _RIGHTS_DOWN:
                world.rights.down = True
                return Status.TOLD
            world.faults_on_the_way.add(
                Fault(FaultKind(incident.kind), incident.organism or "", incident.mode, incident.times)
            )
        elif step.end_incident == _RIGHTS_DOWN:
            world.rights.down = False
        elif step.end_incident is not None:
            world.faults_on_the_way.end(FaultKind(step.end_incident))
        elif step.paper is not None:
            self._paper(step.paper)
        return Status.TOLD

    def _consult(self, consult: Consult) -> tuple[tuple[Reply, ...], FseError | None]:
        world = self._world
        try:
            encounter = encounter_of(consult, world.wallet, world.clock.now())
            world.run_until(encounter.at)
            replaced = None if consult.replaces is None else self._sheet(consult.replaces, 0)
            return world.submit(encounter, replaces=replaced), None
        except FseError as error:
            return (), error

    def _decide(self, decide: Decide) -> FseError | None:
        try:
            self._world.gateway.move_sheet(self._sheet(decide.of, decide.part), decide.event, decide.reason)
        except FseError as error:
            return error
        return None

    def _sheet(self, reference: str, part: int) -> int:
        """Return the number of the sheet of a consultation; raises GatewayError (SCENARIO-SHEET) when it has none."""
        with self._world.gateway.journal.read() as tx:
            held = [sheet.number for sheet in tx.live_sheets(reference) if sheet.part == part]
        if not held:
            raise GatewayError("SCENARIO-SHEET", reference=reference)
        return held[-1]

    def _paper(self, wanted: PaperStep) -> None:
        with self._world.gateway.journal.read() as tx:
            held = [paper.number for paper in tx.papers(reference=wanted.of) if paper.record.kind is wanted.kind]
        if not held:
            raise GatewayError("SCENARIO-PAPER", reference=wanted.of, kind=wanted.kind.value)
        for event in wanted.do:
            self._world.move_paper(held[0], event)

    def _check(self, check: Check) -> Iterator[Difference]:
        world = self._world
        with world.gateway.journal.read() as tx:
            yield from _papers(tx, check)
            live = [sheet for sheet in tx.sheets() if (sheet.reference, sheet.part) == (check.of, check.part)]
            if not live:
                if check.of_sheet:
                    yield Difference(check.of, "FSE", "–")
                return
            stored = live[-1]
            events = tx.events(sheet=stored.number)
        record, now = stored.record, world.clock.now()
        action = SHEETS.next_action(record, now, world.profile.policy)
        found: dict[str, object] = {
            "state": record.state,
            "action": action.code,
            "deadline": record.deadline,
            "seals": self._seals(stored),
            "at_caisse": (world.profile.biller, stored.number) in world.caisses[stored.organism].sheets,
            "lots": sum(event.name == "put_in_lot" for event in events),
        }
        for name, value in found.items():
            expected = getattr(check, name)
            if expected is not None and expected != value:
                yield Difference(name, str(expected), str(value))

    def _seals(self, stored: StoredSheet) -> str:
        """Return who has signed, as the caisse that receives the sheet would verify it; else the rule that breaks."""
        try:
            verified = verify_sheet(stored.sealed or b"", self._world.trust, self._world.clock.now())
        except FseError as error:
            return error.rule.id
        return "professional" if verified.patient is None else "both"


def _answered(step: Step, replies: tuple[Reply, ...], error: FseError | None) -> Iterator[Difference]:
    """Hold what a consultation was answered against what the step expects."""
    found = "" if error is None else error.rule.id
    if (step.error or "") != found:
        yield Difference("error", step.error or "–", found or "–")
    if step.expect is None or error is not None:
        return
    if len(step.expect) != len(replies):
        outcomes = ", ".join(reply.outcome for reply in replies)
        yield Difference("expect", ", ".join(expected.outcome for expected in step.expect), outcomes)
        return
    for rank, (expected, reply) in enumerate(zip(step.expect, replies, strict=True)):
        yield from _reply_differs(f"expect[{rank}]", expected, reply)


def _reply_differs(place: str, expected: Expected, reply: Reply) -> Iterator[Difference]:
    for name in ("outcome", "reason", "rule", "acts", "total_cents", "amo_cents", "deadline", "warnings"):
        wanted, got = getattr(expected, name), getattr(reply, name)
        if wanted is not None and wanted != got:
            yield Difference(f"{place}.{name}", _text(wanted), _text(got))


def _text(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)


def _papers(tx: Transaction, check: Check) -> Iterator[Difference]:
    if check.papers is None:
        return
    held = [paper.record for paper in tx.papers(reference=check.of) if paper.part == check.part]
    kinds = sorted(record.kind for record in held)
    wanted_kinds = sorted(paper.kind for paper in check.papers)
    if kinds != wanted_kinds:
        yield Difference("papers", _text(tuple(wanted_kinds)) or "–", _text(tuple(kinds)) or "–")
        return
    for wanted in check.papers:
        record = next(record for record in held if record.kind is wanted.kind)
        for name in ("state", "post_by"):
            expected = getattr(wanted, name)
            if expected is not None and expected != getattr(record, name):
                yield Difference(f"papers.{wanted.kind}.{name}", str(expected), str(getattr(record, name)))
