"""
``python -m benchmarks.agenda``: a year of the Pas-de-Calais in one journal, opened, listed and asked for its agenda.

The journal holds copies of one sheet that was really sealed, sent and acknowledged, with its events, its lot and its
acknowledgement, under new numbers; the chains of the copies are copies too and would not verify. Nearly all are
settled, as at the end of a year; sixty are open. The yardstick is a bare ``sqlite3`` scan of the table of sheets in the
same file, in the same rounds: a ratio below 1 means that less is read than the table holds.
"""

from __future__ import annotations

import json
import platform
import sqlite3
import statistics
import time
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sqlalchemy import __version__ as sqlalchemy_version
from sqlalchemy import func, insert, select, update

from fse.encounter import read_encounter
from fse.lifecycle import LotState, SheetMode, SheetRecord, SheetState
from gateway.agenda import read_agenda
from gateway.clock import SimulatedClock
from gateway.journal import Journal, tables
from gateway.journal.chain import Subject, chain_of
from gateway.journal.database import open_engine, with_purpose
from gateway.journal.rows import SHEET, to_json
from gateway.profile import load_profile
from gateway.simulation import Simulation
from gateway.status import read_status
from gateway.timeline import read_timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Table

SEED = "bench"
SHEETS, SHEETS_A_LOT = 11_700, 15
OPEN, ACKNOWLEDGED = 60, 900
ROUNDS = 15
NOW = datetime(2025, 3, 4, 9, tzinfo=UTC)


def live_one(folder: Path) -> Path:
    """Have one encounter sealed, sent and acknowledged in a world in ``folder``; return its journal."""
    encounter = read_encounter(Path("examples/encounter.json").read_bytes())
    with Simulation(folder, NOW, SEED) as world:
        (record,) = world.acknowledge(encounter)
    if record.state is not SheetState.ACKNOWLEDGED:
        raise SystemExit(record.state)
    return folder / "journal.db"


@dataclass
class Copier:
    """Fills a journal with copies of its first sheet and its first lot."""

    connection: Connection

    def fill(self) -> None:
        """Write the lots, the sheets, the acknowledgements, the events, and the numbers that were given."""
        lots = -(-SHEETS // SHEETS_A_LOT)
        lot, answer = self._first(tables.lots, "number"), self._first(tables.acknowledgements, "id")
        lot["record"] = json.loads(lot["record"]) | {"state": LotState.SETTLED.value}
        self._add(
            tables.lots,
            [
                lot
                | {"number": number, "file_number": number, "state": LotState.SETTLED.value}
                | {"record": json.dumps(lot["record"] | {"number": f"{number:06d}"})}
                for number in range(2, lots + 1)
            ],
        )
        self._add(tables.acknowledgements, [answer | {"id": one, "lot": one} for one in range(2, lots + 1)])
        sheet = self._first(tables.sheets, "number")
        record = SHEET.validate_json(sheet["record"])
        self._add(tables.sheets, [sheet | _sheet(number, record) for number in range(2, SHEETS + 1)])
        events = self._copy_events(Subject.LOT, "lot", lots) + self._copy_events(Subject.SHEET, "sheet", SHEETS)
        last = self.connection.execute(select(func.max(tables.events.c.id))).scalar_one()
        self._add(tables.events, [event | {"id": last + rank} for rank, event in enumerate(events, 1)])
        for name, value in (("sheet", SHEETS), ("lot", lots), ("event", last + len(events))):
            counter = update(tables.counters).where(tables.counters.c.name == name)
            self.connection.execute(counter.values(value=value))

    def _first(self, table: Table, key: str) -> dict[str, Any]:
        return dict(self.connection.execute(select(table).where(table.c[key] == 1)).mappings().one())

    def _copy_events(self, subject: Subject, column: str, last: int) -> list[dict[str, Any]]:
        table = tables.events
        found = self.connection.execute(select(table).where(table.c.chain == chain_of(subject, 1))).mappings().all()
        return [
            {**event, column: number, "chain": chain_of(subject, number)}
            | ({"detail": f"{_lot_of(number):06d}"} if event["name"] == "put_in_lot" else {})
            for number in range(2, last + 1)
            for event in found
        ]

    def _add(self, table: Table, rows: list[dict[str, Any]]) -> None:
        self.connection.execute(insert(table), rows)


def _lot_of(sheet: int) -> int:
    return (sheet - 1) // SHEETS_A_LOT + 1


def _sheet(number: int, record: SheetRecord) -> dict[str, Any]:
    """Return what the copy ``number`` has of its own; the last ones are the open ones, of the last eight days."""
    lot: int | None = _lot_of(number)
    left = SHEETS - number
    if left < OPEN:
        day = (NOW - timedelta(days=left % 8)).date()
        new = SheetRecord.reserve(f"{number:09d}", SheetMode.SECURED, day, load_profile().policy)
        record, lot = replace(new, state=SheetState.QUEUED), None
    else:
        state = SheetState.ACKNOWLEDGED if left < OPEN + ACKNOWLEDGED else SheetState.CLOSED
        record = replace(record, number=f"{number:09d}", state=state, lot=f"{lot:06d}")
    return {
        "number": number,
        "reference": f"copy-{number}",
        "state": record.state.value,
        "record": to_json(SHEET, record),
        "lot": lot,
    }


def scan(path: Path) -> int:
    """Read every row of the table of sheets, with nothing between us and the database; return their number."""
    with closing(sqlite3.connect(path)) as connection:
        return sum(1 for _ in connection.execute("SELECT * FROM sheets"))


def seconds(operation: Callable[[], object]) -> float:
    """Return how long ``operation`` takes."""
    start = time.perf_counter()
    operation()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    clock, profile = SimulatedClock(NOW), load_profile()
    with TemporaryDirectory() as folder:
        path = live_one(Path(folder) / "world")
        engine = open_engine(path)
        with with_purpose(engine, "write").begin() as connection:
            Copier(connection).fill()
        engine.dispose()
        journal = Journal(path, clock)
        operations: dict[str, Callable[[], object]] = {
            "open the journal": lambda: Journal(path, clock).close(),
            "list what is open (status)": lambda: read_status(journal, profile, NOW),
            "answer the agenda": lambda: read_agenda(journal, profile, NOW),
            "tell the story of one settled sheet (show)": lambda: read_timeline(journal, profile, SHEETS // 2, NOW),
        }
        yardstick: list[float] = []
        times: dict[str, list[float]] = {name: [] for name in operations}
        for _ in range(ROUNDS):
            yardstick.append(seconds(lambda: scan(path)))
            for name, operation in operations.items():
                times[name].append(seconds(operation))
        lines = len(read_agenda(journal, profile, NOW).lines)
        with journal.read() as tx:
            count = tx.last_number("event")
        journal.close()
        versions = f"SQLite {sqlite3.sqlite_version}, SQLAlchemy {sqlalchemy_version}"
        print(f"Python {platform.python_version()}, {versions}, {platform.machine()}, seed {SEED}")
        size = path.stat().st_size / 1_000_000
        print(
            f"{scan(path)} sheets, {count} events, {size:.0f} MB; {lines} lines in the agenda; {ROUNDS} rounds in turn"
        )
    print(f"{'yardstick: bare scan of the sheets':<50}{statistics.median(yardstick) * 1000:>9.1f} ms  1.00")
    for name, found in times.items():
        ratios = sorted(one / bare for one, bare in zip(found, yardstick, strict=True))
        spread = f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"{name:<50}{statistics.median(found) * 1000:>9.1f} ms  {statistics.median(ratios):.2f} {spread}")


if __name__ == "__main__":
    main()
