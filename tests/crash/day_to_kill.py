"""
Two weeks of a service, killed at commits and at random: run by ``test_kill.py``.

``python -m tests.crash.day_to_kill FOLDER WHERE POSITIONS LIVES SEED``: ``WHERE`` is ``sqlite`` or the address of a
database of PostgreSQL that is emptied each time. For each of ``POSITIONS`` commits that write (0: all of them), drawn
by the seed, a process lives the time over a new journal and kills itself right before or right after it (SIGKILL); in
each of ``LIVES`` more, the parent kills three processes in turn, each after a part of a life's duration drawn by the
seed. Then another one opens the journal and lives to the end. What was answered, what the journal held in between and
what came out is written to ``FOLDER/reports.json``. One process makes the keys, which cost more than everything else,
and forks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import psycopg.rows
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from fse.lifecycle import PaperEvent, PaperKind, PaperState, SheetEvent, SheetState
from gateway.journal.verification import verify_journal
from gateway.reply import replies_to_json
from gateway.retention import purge
from tests.crash.outside_world import OutsideWorld, write
from tests.fse import sheet_builders as build
from tests.gateway.bench import ANONYMOUS_IVG, TUESDAY, Bench, patient, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.journal import StoredPaper

VACCINE = {"code": "VACCIN", "cip": "3400935137340"}
VISITS = [
    (visit("secured"), "dutest"),
    (visit("degraded", vitale="absent"), None),
    (visit("split", patient=patient("maquette"), acts=[{"code": "COE"}, VACCINE]), "maquette"),
    (visit("down", patient=patient("imaginaire")), "imaginaire"),
    (visit("late", patient=patient("imaginaire"), vitale="absent"), None),
    (visit("anonymous", **ANONYMOUS_IVG), None),
]
ANSWERS_COME = datetime(2025, 3, 18, 9, tzinfo=UTC)
TIMES = (
    datetime(2025, 3, 4, 17, tzinfo=UTC),
    datetime(2025, 3, 5, 9, tzinfo=UTC),
    # the wait for an acknowledgement of Tuesday ends with Thursday: 2 jours ouvrés
    datetime(2025, 3, 7, 9, tzinfo=UTC),
    # the first window ends with Friday 14: 8 jours ouvrés
    datetime(2025, 3, 17, 9, tzinfo=UTC),
    ANSWERS_COME,
)
AFTER_RETENTION = datetime(2025, 7, 1, 9, tzinfo=UTC)
"""More than 90 days after the last thing that happened."""

CLOSING = (
    (SheetState.ACKNOWLEDGED, SheetEvent.RETURN_PAID),
    (SheetState.PAID, SheetEvent.CLOSE),
    (SheetState.DUPLICATA_SENT, SheetEvent.CLOSE),
)
_WRITING = {"write", "claim"}


def live(folder: Path, where: str, noted: Path) -> None:
    """Live the two weeks from the moment they have reached: each answer is noted durably when it is there."""
    reached = folder / "clock"
    start = datetime.fromisoformat(reached.read_text(encoding="ascii")) if reached.exists() else TUESDAY
    bench = Bench(folder, start, where="" if where == "sqlite" else where)
    bench.random_keys = (str(uuid4()) for _ in count())  # no two processes the same
    world = OutsideWorld(folder, bench.clock, ANSWERS_COME)
    bench.wire.send, bench.wire.messages = world.send, world.messages  # type: ignore[method-assign] # the world's own
    bench.wire.fetch, bench.wire.remove = world.fetch, world.remove  # type: ignore[method-assign] # the world's own
    note(noted, "found", *findings(bench))
    bench.gateway.resume(bench.doctor())
    if start < AFTER_RETENTION:
        for encounter, family in VISITS:
            submit(bench, encounter, family, noted)
        bench.gateway.send_all(bench.period())
        for instant in TIMES:
            write(reached, max(instant, bench.clock.now()).isoformat().encode())
            bench.clock.move_to(instant)
            bench.gateway.run()
            post_duplicatas(bench)
        settle(bench)
        everything = held(folder, where) | {"received": world.received()}
        write(folder / "settled.json", json.dumps(everything).encode())
        write(reached, AFTER_RETENTION.isoformat().encode())
    bench.clock.move_to(AFTER_RETENTION)
    bench.gateway.run()
    purge(bench.journal, bench.profile, bench.biller)
    note(noted, "found", *findings(bench))
    bench.journal.close()


def submit(bench: Bench, encounter: Any, family: str | None, noted: Path) -> None:  # noqa: ANN401 - an encounter
    """Submit one encounter; an anonymous one leaves nothing to know it by, so that an answered one is not repeated."""
    anonymous = encounter.reference == "anonymous"
    if anonymous and any(word[:2] == ["answered", "anonymous"] for word in notes(noted)):
        return
    if anonymous:
        note(noted, "asked", encounter.reference)
    replies = bench.gateway.submit(encounter, bench.cards(family))
    note(noted, "answered", encounter.reference, replies_to_json(replies))


def post_duplicatas(bench: Bench) -> None:
    """Post what replaces sheets."""
    for paper in papers_to_post(bench):
        if paper.record.kind is PaperKind.DUPLICATA:
            post(bench, paper)


def settle(bench: Bench) -> None:
    """Record the payment of what the caisses have received, post the other papers, close every sheet."""
    gateway = bench.gateway
    for paper in papers_to_post(bench):
        post(bench, paper)
    for state, step in CLOSING:
        with bench.journal.read() as tx:
            found = tx.sheets(state)
        for sheet in found:
            gateway.move_sheet(sheet.number, step)


def papers_to_post(bench: Bench) -> list[StoredPaper]:
    """Return the papers that have not left."""
    with bench.journal.read() as tx:
        return list(tx.papers(PaperState.TO_PRINT, PaperState.PRINTED))


def post(bench: Bench, paper: StoredPaper) -> None:
    """Print a paper, unless it is, and post it."""
    if paper.record.state is PaperState.TO_PRINT:
        bench.gateway.move_paper(paper.number, PaperEvent.PRINT)
    bench.gateway.move_paper(paper.number, PaperEvent.POST)


def findings(bench: Bench) -> list[str]:
    """Return the rules that the journal breaks."""
    return [error.rule.id for error in verify_journal(bench.journal, bench.trust, build.BILLER).findings]


def note(path: Path, *words: str) -> None:
    """Write one line and have it on the disk before going on."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(words) + "\n")
        file.flush()
        os.fsync(file.fileno())


def notes(path: Path) -> list[list[str]]:
    """Return what was noted; the line at which a process was killed is no note."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


# ---------------------------------------------------------------------------------------------------------------- kills


def in_a_process(work: Callable[[], None], seconds: float | None = None) -> bool:
    """Run ``work`` in a forked process, killed after ``seconds``; tell whether a kill ended it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a fork must never run on into its parent's code
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)  # a child that has come to its end is still there to be waited for
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a life ended with an error")
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def at_each_commit(call: Callable[[int, str], None]) -> None:
    """Have ``call`` told the rank of each commit that writes, ``before`` and ``after`` it."""
    commit: Any = DefaultDialect.do_commit
    ranks = count(1)
    purposes: list[str] = []

    def purpose(connection: Any) -> None:  # noqa: ANN401 - what SQLAlchemy gives
        purposes.append(connection.get_execution_options().get("purpose", ""))

    def do_commit(dialect: object, connection: object) -> None:
        if purposes.pop() not in _WRITING:
            commit(dialect, connection)
            return
        rank = next(ranks)
        call(rank, "before")
        commit(dialect, connection)
        call(rank, "after")

    event.listen(Engine, "commit", purpose)
    setattr(DefaultDialect, "do_commit", do_commit)  # noqa: B010 - replaced for the life of this process


def die_at(position: tuple[int, str]) -> None:
    """Have this process killed right before or right after one of its commits."""

    def call(rank: int, moment: str) -> None:
        if (rank, moment) == position:
            os.kill(os.getpid(), signal.SIGKILL)

    at_each_commit(call)


# --------------------------------------------------------------------------------------------------------- what stands


def rows(folder: Path, where: str, query: str) -> list[list[Any]]:
    """Return what the journal's database gives, asked without the gateway; nothing while it has no such table."""
    try:
        if where == "sqlite":
            with closing(sqlite3.connect(folder / "journal.db")) as connection:
                return [list(row) for row in connection.execute(query)]
        with psycopg.connect(where, row_factory=psycopg.rows.tuple_row) as server:
            return [list(row) for row in server.execute(query)]
    except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
        return []


def wait_for_the_server(where: str) -> None:
    """Wait until the server has noticed that the killed process is gone, and has undone what it had not committed."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    query += " AND backend_type = 'client backend'"
    while where != "sqlite" and rows(Path(), where, query):
        time.sleep(0.005)


def held(folder: Path, where: str) -> dict[str, Any]:
    """Return what the journal holds; bytes as their digests."""
    sheets = "SELECT number, reference, part, state, patient_seal, sealed, lot, record FROM sheets ORDER BY number"
    papers = "SELECT reference, part, kind, state FROM papers WHERE state <> 'void' ORDER BY number"
    return {
        "integrity": rows(folder, where, "PRAGMA integrity_check")[0][0] if where == "sqlite" else "ok",
        "sheets": [
            [*row[:4], _digest(row[4]), _digest(row[5]), row[6], json.loads(row[7])]
            for row in rows(folder, where, sheets)
        ],
        "papers": rows(folder, where, papers),
        "anonymous": len(rows(folder, where, "SELECT id FROM anonymous_papers")),
        "checkpoints": len(rows(folder, where, "SELECT number FROM checkpoints")),
    }


def _digest(data: bytes | None) -> str:
    return sha256(data).hexdigest() if data else ""


def report(folder: Path, where: str, kills: list[Any], duration: float) -> dict[str, Any]:
    """Live once, killed in turn at each of ``kills`` (a commit, or a part of a life), then to the end."""
    folder.mkdir()
    if where != "sqlite":
        with psycopg.connect(where, autocommit=True) as server:
            server.execute("DROP SCHEMA public CASCADE")
            server.execute("CREATE SCHEMA public")
    noted = folder / "noted.jsonl"
    noted.touch()
    killed, between = [], []
    for kill in kills:

        def lived(kill: Any = kill) -> None:  # noqa: ANN401 - a commit or a part of a life
            if isinstance(kill, tuple):
                die_at(kill)
            live(folder, where, noted)

        killed.append(in_a_process(lived, None if isinstance(kill, tuple) else kill * duration))
        wait_for_the_server(where)
        between.append(held(folder, where))
    in_a_process(lambda: live(folder, where, noted))
    return {
        "at_a_commit": isinstance(kills[0], tuple),
        "position": " then ".join(str(kill) for kill in kills),
        "killed": killed,
        "notes": notes(noted),
        "between": between,
        "settled": json.loads((folder / "settled.json").read_bytes()),
        "end": held(folder, where),
    }


def undisturbed(folder: Path, where: str) -> tuple[int, float]:
    """Live once without a kill; return the number of commits that write and how long it took, in seconds."""
    folder.mkdir()
    ranks = folder / "ranks"

    def lived() -> None:
        at_each_commit(lambda rank, _: write(ranks, str(rank).encode()))
        live(folder, where, folder / "noted.jsonl")

    (folder / "noted.jsonl").touch()
    started = time.monotonic()
    in_a_process(lived)
    return int(ranks.read_text(encoding="ascii")), time.monotonic() - started


def plan(commits: int, positions: int, lives: int, seed: str) -> Iterator[list[Any]]:
    """Yield the kills of each life."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
    every = [(rank, moment) for rank in range(1, commits + 1) for moment in ("before", "after")]
    for position in sorted(chance.sample(every, positions) if positions else every):
        yield [position]
    for _ in range(lives):
        yield [round(chance.random() / 3, 3) for _ in range(3)]


def main() -> None:
    """Report on every life asked for."""
    folder, where, positions, lives, seed = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:5]), sys.argv[5]
    Bench(folder).journal.close()  # the keys, once for all the forks
    build.cps()
    for family in filter(None, (family for _, family in VISITS)):
        build.vitale(family)
    commits, duration = undisturbed(folder / "undisturbed", where)
    reports = [
        report(folder / f"life-{rank}", where, kills, duration)
        for rank, kills in enumerate(plan(commits, positions, lives, seed))
    ]
    (folder / "reports.json").write_text(json.dumps({"commits": commits, "lives": reports}), encoding="utf-8")


if __name__ == "__main__":
    main()
