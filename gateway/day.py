"""
A day of a PMI site, lived through.

Consultations, the evening's lots, and the days that follow until every sheet's first window is over.

The outcome of each consultation depends on its own facts alone: the file may be edited or shuffled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fse.deadlines import end_of_day_utc
from fse.encounter import AnonymousPatient, Encounter, EncounterError, encounter_error
from fse.errors import FseError
from fse.lifecycle import PAPERS, SHEETS, NextAction, PaperState
from fse.routing import Outcome
from gateway.reply import LANGUAGES, Reply
from gateway.simulation import Simulation
from gateway.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.journal import Entry, StoredLot, Transaction

__all__ = ["MAX_DAY_BYTES", "Day", "DayResult", "DayRow", "Incident", "live_day", "read_day"]

MAX_DAY_BYTES = 2_000_000
"""Largest day file that is read, in bytes."""

_PARIS = ZoneInfo("Europe/Paris")
_CLOSING_HOUR = 18
_MORNING = timedelta(hours=9)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One document that a consultation became, and where it stands at the end. ``state`` is a key of the life cycle."""

    encounter: Encounter
    reply: Reply
    state: str
    next_actions: tuple[NextAction, ...]

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


_MONTHS_SHOWN = 24


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
    lot.
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
            for encounter in of_the_day:
                world.run_until(encounter.at.astimezone(UTC))
                for reply in _submit(world, encounter):
                    replies.append((encounter, reply))
                    tell(world.clock.now(), reply)
            world.clock.move_to(datetime(on.year, on.month, on.day, _CLOSING_HOUR, tzinfo=_PARIS))
            world.send_all(_LOT_SIGNER)
            news.bring()
        limit = world.profile.policy.first_emission_limit(encounters[-1].day)
        world.run_until(end_of_day_utc(limit) + _MORNING, each_time=news.bring)
        with world.gateway.journal.read() as tx:
            rows = tuple(_row(world, tx, encounter, reply) for encounter, reply in replies)
            lots = tuple((lot, tuple(sheet.number for sheet in tx.sheets_of_lot(lot.number))) for lot in tx.lots())
            digest = _export(tx, rows, folder)
        return DayResult(rows, lots, digest, folder, world.clock.now())


def _submit(world: Simulation, encounter: Encounter) -> tuple[Reply, ...]:
    """Submit one encounter; what refuses it as a whole becomes its reply, so that the others go on."""
    try:
        return world.submit(encounter)
    except FseError as error:
        messages: dict[str, str] = {language: error.message(language) for language in LANGUAGES}
        codes = tuple(act.code for act in encounter.acts)
        return (
            Reply(
                reference=encounter.reference,
                part=0,
                outcome=Outcome.REFUSED,
                reason="error",
                acts=codes,
                rule=error.rule.id,
                messages=messages,
            ),
        )


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


def _row(world: Simulation, tx: Transaction, encounter: Encounter, reply: Reply) -> DayRow:
    policy, now = world.profile.policy, world.clock.now()
    actions: list[NextAction] = []
    state = ""
    if reply.sheet is not None and (stored := tx.sheet(reply.sheet)) is not None:
        state = f"sheet.{stored.record.state}"
        actions.append(SHEETS.next_action(stored.record, now, policy))
        papers = tx.papers(sheet=reply.sheet)
    else:
        papers = () if isinstance(encounter.patient, AnonymousPatient) else tx.papers(reference=reply.reference)
        papers = [paper for paper in papers if paper.sheet is None and paper.part == reply.part]
        state = "paper.to_print" if reply.next_action else ""
        if not papers and reply.next_action:
            actions.append(NextAction(reply.next_action, reply.deadline, ""))
    open_papers = (paper.record for paper in papers if paper.record.state not in {PaperState.VOID, PaperState.RECEIVED})
    actions.extend(PAPERS.next_action(record, now, policy) for record in open_papers)
    return DayRow(encounter=encounter, reply=reply, state=state, next_actions=tuple(actions))


def _export(tx: Transaction, rows: tuple[DayRow, ...], folder: Path) -> str:
    """
    Write the sheets, lots, acknowledgements and papers beside the journal.

    Return the digest of all that a seed repeats.
    """
    digest = sha256()
    for stored in tx.sheets():
        _write(folder / "feuilles" / f"{stored.record.number}.fse", stored.sealed or b"", digest.update)
    for lot in tx.lots():
        _write(folder / "lots" / f"{lot.record.number}.lot", lot.signed or b"", digest.update)
        for rank, (_, file) in enumerate(tx.acknowledgements(lot.number), 1):
            _write(folder / "accuses" / f"{lot.record.number}-{rank}.arl", file, digest.update)
    documents = [(f"{paper.record.number}-{paper.record.kind}", paper.document) for paper in tx.papers()]
    documents += [(f"anonyme-{key}-{kind}", document) for key, kind, document in tx.anonymous_papers()]
    for name, document in documents:
        text = json.dumps(json.loads(document), ensure_ascii=False, indent=2) + "\n"
        _write(folder / "papiers" / f"{name}.json", text.encode(), digest.update)
    summary = [
        {
            "reference": row.reply.reference,
            "issue": row.reply.outcome,
            "motif": row.reply.reason,
            "regle": row.reply.rule,
            "numero_fse": row.reply.sheet,
            "etat": row.state,
            "date_limite": row.reply.deadline.isoformat() if row.reply.deadline else None,
            "suite": [
                {"action": action.code, "avant": action.by.isoformat() if action.by else None}
                for action in row.next_actions
            ],
            "total_centimes": row.reply.total_cents,
            "part_amo_centimes": row.reply.amo_cents,
        }
        for row in rows
    ]
    _write(folder / "resultat.json", (json.dumps(summary, ensure_ascii=False, indent=2) + "\n").encode(), digest.update)
    return digest.hexdigest()


def _write(path: Path, data: bytes, update: Callable[[bytes], None]) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(0o600)
    path.write_bytes(data)
    update(data)
