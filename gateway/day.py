"""
A day of a PMI site, lived through.

Consultations, the evening's lots, and the days that follow until every sheet's first window is over.

The outcome of each consultation depends on its own facts alone: the file may be edited or shuffled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fse.deadlines import PARIS, end_of_day_utc
from fse.encounter import AnonymousPatient, Encounter, EncounterError, encounter_error
from fse.errors import FseError
from gateway.day_record import DayRow, day_row, export_day
from gateway.reply import Reply
from gateway.simulation import Simulation
from gateway.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.journal import Entry, StoredLot

__all__ = ["MAX_DAY_BYTES", "Day", "DayResult", "Incident", "live_day", "read_day"]

MAX_DAY_BYTES = 2_000_000
"""Largest day file that is read, in bytes."""

_CLOSING_HOUR = 18
_MORNING = timedelta(hours=9, microseconds=1)  # after the last instant of a day
_LOT_SIGNER = "99700000013"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Incident(_Part):
    """
    Something that goes wrong with the lots of one caisse.

    ``concentrator-down`` lasts, the others strike ``times`` times.
    """

    kind: Literal["alter-file", "lose-arl", "refuse-file", "concentrator-down"]
    organism: Annotated[str, StringConstraints(pattern="^[0-9]{9}$")]
    mode: Literal["securise", "degrade"] = "securise"
    times: int = Field(default=1, ge=1, le=100)


class Day(_Part):
    """The file of a day: its consultations, in any order, and its incidents."""

    title: str = Field(max_length=200)
    incidents: tuple[Incident, ...] = Field(default=(), max_length=50)
    encounters: tuple[Encounter, ...] = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class DayResult:
    """
    What a day became.

    Its rows in the order of the day, its lots with the numbers of their sheets, the digest of the run, and where
    everything lies.
    """

    rows: tuple[DayRow, ...]
    lots: tuple[tuple[StoredLot, tuple[int, ...]], ...]
    run_digest: str
    folder: Path
    ended_at: datetime


def read_day(data: bytes) -> Day:
    """
    Return the day written in ``data``, JSON in UTF-8.

    Raises :class:`fse.encounter.EncounterError` for the first thing that is wrong, with its place: DAY-SIZE,
    DAY-REFERENCE (a reference used twice), or the rules of :func:`fse.encounter.read_encounter`.
    """
    if len(data) > MAX_DAY_BYTES:
        raise EncounterError("ENC-SIZE", size=len(data), limit=MAX_DAY_BYTES)
    try:
        day = Day.model_validate_json(data)
    except ValidationError as error:
        raise encounter_error(error) from None
    references = [encounter.reference for encounter in day.encounters]
    for reference in references:
        if references.count(reference) > 1:
            raise EncounterError("DAY-REFERENCE", reference=reference)
    return day


def live_day(day: Day, folder: Path, *, seed: str | None, tell: Callable[[datetime, Reply | Entry], None]) -> DayResult:
    """
    Live through ``day`` in a new world in ``folder`` and return what became of it.

    ``tell`` is called with the simulated time and the news: each reply, and each event of the journal that concerns a
    lot. Anonymous care is told when its day is over, without its reference and in no order of time.
    """
    encounters = sorted(day.encounters, key=lambda encounter: (encounter.at, encounter.reference))
    down = tuple(incident.organism for incident in day.incidents if incident.kind == "concentrator-down")
    faults = tuple(
        Fault(FaultKind(incident.kind), incident.organism, incident.mode, incident.times)
        for incident in day.incidents
        if incident.kind != "concentrator-down"
    )
    with Simulation(folder, encounters[0].at, seed, faults, down) as world:
        if down:
            world.stop_second_concentrator()
        replies: list[tuple[Encounter, Reply]] = []
        news = _News(world, tell)
        for on, of_the_day in groupby(encounters, key=lambda encounter: encounter.day):
            secret: list[Reply] = []
            for encounter in of_the_day:
                world.run_until(encounter.at.astimezone(UTC))
                for reply in _submit(world, encounter):
                    replies.append((encounter, reply))
                    if isinstance(encounter.patient, AnonymousPatient):
                        secret.append(replace(reply, reference=""))
                    else:
                        tell(world.clock.now(), reply)
            world.clock.move_to(datetime(on.year, on.month, on.day, _CLOSING_HOUR, tzinfo=PARIS))
            world.send_all(_LOT_SIGNER)
            news.bring()
            world.run_until(end_of_day_utc(on), each_time=news.bring)
            for reply in sorted(secret, key=lambda reply: (reply.outcome, reply.reason, reply.acts, reply.total_cents)):
                tell(world.clock.now(), reply)
        limit = world.profile.policy.first_emission_limit(encounters[-1].day)
        world.run_until(end_of_day_utc(limit) + _MORNING, each_time=news.bring)
        now, policy = world.clock.now(), world.profile.policy
        with world.gateway.journal.read() as tx:
            rows = tuple(day_row(tx, encounter, reply, now, policy) for encounter, reply in replies)
            lots = tuple((lot, tuple(sheet.number for sheet in tx.sheets_of_lot(lot.number))) for lot in tx.lots())
            digest = export_day(tx, rows, folder)
        return DayResult(rows, lots, digest, folder, now)


def _submit(world: Simulation, encounter: Encounter) -> tuple[Reply, ...]:
    """Submit one encounter; what refuses it as a whole becomes its reply, so that the others go on."""
    try:
        return world.submit(encounter)
    except FseError as error:
        codes = tuple(act.code for act in encounter.acts)
        return (Reply.refused(error, "error", reference=encounter.reference, part=0, acts=codes),)


class _News:
    """Tells each event of the journal that concerns a lot, once."""

    def __init__(self, world: Simulation, tell: Callable[[datetime, Reply | Entry], None]) -> None:
        self._world = world
        self._tell = tell
        self._seen = 0

    def bring(self) -> None:
        """Tell what happened since the last time."""
        with self._world.gateway.journal.read() as tx:
            for entry in tx.events(after=self._seen):
                self._seen = entry.id
                if entry.lot is not None:
                    self._tell(entry.at, entry)
