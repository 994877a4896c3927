"""
A short day, killed at every commit: ``python -m tests.crash.day_to_kill FOLDER POSITIONS…`` (run by ``test_kill.py``).

For each position (a commit's rank, and ``before`` or ``after`` it) one process lives the day over a new journal and
kills itself there (SIGKILL); another then opens the journal and lives the same day again. What was answered, what the
journal held in between and what came out in the end is written to ``FOLDER/reports.json``. One process makes the keys,
which cost more than everything else, and forks.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from gateway.reply import replies_to_json
from tests.gateway.bench import Bench, patient, visit

if TYPE_CHECKING:
    from collections.abc import Callable

VACCINE = {"code": "VACCIN", "cip": "3400935137340"}
VISITS = [
    (visit("secured"), "dutest"),
    (visit("degraded", vitale="absent"), None),
    (visit("split", patient=patient("maquette"), acts=[{"code": "COE"}, VACCINE]), "maquette"),
]


def live(folder: Path, noted: Path) -> None:
    """Live the day: each answer, and each file that leaves, is noted durably at the moment it is there."""
    bench = Bench(folder)
    bench.wire.while_sending = lambda label, envelope: note(noted, "sent", str(label.lot_number), envelope.hex())
    bench.gateway.resume(bench.doctor())
    for encounter, family in VISITS:
        replies = bench.gateway.submit(encounter, bench.cards(family))
        note(noted, "answered", encounter.reference, replies_to_json(replies))
    bench.gateway.send_all(bench.period())
    bench.journal.close()


def note(path: Path, *words: str) -> None:
    """Write one line and have it on the disk before going on."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(words) + "\n")
        file.flush()
        os.fsync(file.fileno())


def in_a_process(work: Callable[[], None]) -> int:
    """Run ``work`` in a forked process; return the signal that ended it, 0 when it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a fork must never run on into its parent's code
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("the day ended with an error")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def die_at(rank: int, moment: str) -> None:
    """Have this process killed right before or right after its ``rank``-th commit."""
    commit: Any = SQLiteDialect_pysqlite.do_commit
    ranks = count(1)

    def do_commit(dialect: object, connection: object) -> None:
        now = next(ranks)
        if (now, moment) == (rank, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        commit(dialect, connection)
        if (now, moment) == (rank, "after"):
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(SQLiteDialect_pysqlite, "do_commit", do_commit)  # noqa: B010 - replaced for the life of this process


def held(folder: Path) -> dict[str, Any]:
    """Return what the journal's file holds, read by sqlite alone."""
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        sheets = (
            "SELECT number, reference, part, state, hex(patient_seal), hex(sealed), lot FROM sheets ORDER BY number"
        )
        papers = "SELECT reference, part, kind, sheet FROM papers WHERE state <> 'void' ORDER BY number"
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {
            "integrity": connection.execute("PRAGMA integrity_check").fetchone()[0],
            "sheets": connection.execute(sheets).fetchall() if "sheets" in known else [],
            "papers": connection.execute(papers).fetchall() if "papers" in known else [],
        }


def report(folder: Path, rank: int, moment: str) -> dict[str, Any]:
    """Kill the day once, then live it to its end; return what was seen."""
    folder.mkdir()
    noted = folder / "noted.jsonl"
    noted.touch()

    def killed() -> None:
        die_at(rank, moment)
        live(folder, noted)

    ended_by = in_a_process(killed)
    before = [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]
    between = held(folder)
    in_a_process(lambda: live(folder, noted))
    everything = [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]
    return {
        "position": f"{moment} commit {rank}",
        "killed": ended_by == signal.SIGKILL,
        "before": before,
        "between": between,
        "after": everything[len(before) :],
        "end": held(folder),
    }


def main() -> None:
    """Report on every position asked for."""
    folder, *positions = sys.argv[1:]
    Bench(Path(folder)).journal.close()  # the keys, once for all the forks
    reports = [
        report(Path(folder) / position, int(position.partition("-")[0]), position.partition("-")[2])
        for position in positions
    ]
    (Path(folder) / "reports.json").write_text(json.dumps(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
