"""
Several workers over one journal, killed at random: run by ``test_workers.py``.

``python -m tests.crash.worker FOLDER WHERE LOTS WORKERS KILLS SEED``: ``WHERE`` is ``sqlite`` or the address of an
empty database of PostgreSQL. ``LOTS`` signed lots of one sheet wait; a process of its own is the concentrator and the
caisse, over HTTP; ``WORKERS`` processes send and collect. One of them is killed (SIGKILL) and replaced at moments drawn
by the seed, some ``KILLS`` times, until every lot is acknowledged. What the caisse received and what the journal
holds is written to ``FOLDER/report.json``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fse.errors import FseError
from gateway.backoff import Backoff
from gateway.destinations import Destination
from gateway.journal import Journal
from gateway.journal.verification import verify_journal
from gateway.profile import load_profile
from gateway.service import Gateway, Surroundings
from gateway.simulator.caisse import Caisse
from gateway.simulator.caisse_http import caisse_app
from gateway.simulator.concentrator import Concentrator
from gateway.simulator.faults import FaultPlan
from gateway.simulator.server import LocalServer
from gateway.transport import ConcentratorClient, Sending
from tests.crash.day_to_kill import note, notes, rows
from tests.crash.outside_world import write
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, TUESDAY, Bench, opened, party_of, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.journal import StoredLot
    from gateway.routing_label import FileLabel

LEASE_SECONDS = 0.6
SLOW_ONE_IN = 5
DEADLY = 0.3
"""How many of the workers that are started anew die with their first file."""
MOST_SECONDS = 240
"""Longer than the slowest machine takes; whoever runs as long is stuck, and ends."""


class RunningClock:
    """The time of Tuesday 4 March 2025, which passes as it does here, for every process the same."""

    def __init__(self) -> None:
        self._started = time.monotonic()  # one clock for all the processes of a machine

    def now(self) -> datetime:
        """Return the present instant."""
        return TUESDAY + timedelta(seconds=int(time.monotonic() - self._started))


class WatchedCaisse(Caisse):
    """A caisse that notes each file that it receives, and answers some of them later than a lease lasts."""

    noted: Path

    def receive(self, label: FileLabel, envelope: bytes) -> bytes:
        """Note the file, then answer it."""
        note(self.noted, str(label.lot_number), sha256(opened(envelope)).hexdigest())
        if not label.lot_number % SLOW_ONE_IN:
            time.sleep(3 * LEASE_SECONDS)
        return super().receive(label, envelope)


class DeadlyWire(ConcentratorClient):
    """A way to the concentrator on which a worker may die right before its first file leaves."""

    deadly = False

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """Send one file, or die: the journal says that the emission has started, and nothing has left."""
        if self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().send(label, envelope, attempt)


def outside(folder: Path, clock: RunningClock) -> None:
    """Be the concentrator and the caisse until the end; the address is written to ``FOLDER/url``."""
    biller = build.party(build.BILLER)
    caisse = WatchedCaisse(
        ARTOIS, party_of(build.party(ARTOIS)), build.trust(), {biller.code: biller.certificate}, clock
    )
    caisse.noted = folder / "received.jsonl"
    server = LocalServer(caisse_app({ARTOIS: caisse}))
    addresses = {ARTOIS: f"{server.url}/caisses/{ARTOIS}/fichiers"}
    url = LocalServer(Concentrator(addresses, frozenset({build.BILLER}), FaultPlan()).app()).url
    write(folder / "url", url.encode())
    signal.pause()


def wait_for_lots(folder: Path, where: str, lots: int) -> None:
    """Have that many signed lots of one sheet each wait."""
    bench = Bench(folder, where="" if where == "sqlite" else where)
    destinations = {ARTOIS: Destination(organism=ARTOIS, max_sheets=1)}
    bench.profile = replace(bench.profile, destinations=destinations)
    bench.reopen()
    for rank in range(lots):
        bench.submit(visit(f"V{rank}"))
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period(signatures=lots))
    bench.journal.close()


def open_journal(folder: Path, where: str, clock: RunningClock) -> Journal:
    """Open the journal."""
    return Journal(folder / "journal.db" if where == "sqlite" else where, clock)


def work(folder: Path, where: str, clock: RunningClock, *, deadly: bool) -> None:
    """Be a worker until ``FOLDER/done`` stands there; one on a ``deadly`` wire dies with its first file."""
    wire = DeadlyWire((folder / "url").read_text(encoding="ascii"))
    wire.deadly = deadly
    around = Surroundings(
        profile=load_profile(),
        clock=clock,
        transport=wire,
        trust=build.trust(),
        biller=party_of(build.party(build.BILLER)),
        caisses={ARTOIS: build.party(ARTOIS).certificate},
        opposed_cards=frozenset(),
        random_key=str,
        backoff=Backoff(timedelta(seconds=1), timedelta(seconds=2)),
        lease_seconds=LEASE_SECONDS,
        alone=False,
    )
    gateway = Gateway(open_journal(folder, where, clock), around)
    while not (folder / "done").exists():
        gateway.run()
        time.sleep(0.02)  # others want to write, too
    gateway.journal.close()


# --------------------------------------------------------------------------------------------------------- processes


def start(act: Callable[[], None], errors: Path) -> int:
    """Fork a process for ``act``; what goes wrong in it is noted in ``errors``."""
    child = os.fork()
    if child == 0:
        signal.alarm(MOST_SECONDS)
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - a fork must never run on into its parent's code
            rule, facts = (error.rule.id, error.facts) if isinstance(error, FseError) else ("", {})
            note(errors, type(error).__name__, rule, str(facts or error))
            os._exit(1)
        os._exit(0)
    return child


def end(child: int) -> None:
    """Kill a process, and wait until it is gone."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@contextmanager
def the_outside(folder: Path, clock: RunningClock, errors: Path) -> Iterator[None]:
    """Have the concentrator and the caisse run."""
    child = start(lambda: outside(folder, clock), errors)
    try:
        while not (folder / "url").exists():
            time.sleep(0.01)
        yield
    finally:
        end(child)


def run(folder: Path, where: str, workers: int, kills: int, seed: str, clock: RunningClock) -> int:
    """Have the workers send everything, while one after the other is killed; return how many were."""
    errors = folder / "errors.jsonl"
    chance = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
    killed, limit = 0, time.monotonic() + MOST_SECONDS / 2

    def worker(*, deadly: bool = False) -> int:
        return start(lambda: work(folder, where, clock, deadly=deadly), errors)

    with the_outside(folder, clock, errors):
        alive = [worker(deadly=not rank) for rank in range(workers)]
        try:
            while rows(folder, where, "SELECT number FROM lots WHERE state <> 'positive'"):
                time.sleep(chance.uniform(0.05, 0.5))
                if time.monotonic() > limit or errors.stat().st_size:
                    break
                dead = [child for child in alive if os.waitpid(child, os.WNOHANG)[0]]
                alive = [child for child in alive if child not in dead] + [worker() for _ in dead]
                killed += len(dead)
                if killed < kills:
                    end(alive.pop(chance.randrange(workers)))
                    alive.append(worker(deadly=chance.random() < DEADLY))
                    killed += 1
        finally:
            write(folder / "done", b"")
            for child in alive:
                os.waitpid(child, 0)
    return killed


def what_stands(journal: Journal) -> dict[str, Any]:
    """Return the lots with their events, what is in quarantine and which rules the journal breaks."""

    def facts(lot: StoredLot) -> dict[str, Any]:
        events = [event.name for event in tx.events(lot=lot.number) if event.sheet is None]
        return {
            "number": lot.number,
            "state": lot.record.state,
            "attempts": lot.record.attempts,
            "emissions": lot.record.emissions,
            "digest": sha256(lot.signed or b"").hexdigest(),
            "events": events,
        }

    with journal.read() as tx:
        found = {"lots": [facts(lot) for lot in tx.lots()], "quarantined": list(tx.quarantined())}
    verified = verify_journal(journal, build.trust(), build.BILLER)
    return found | {"findings": [error.rule.id for error in verified.findings]}


def main() -> None:
    """Run once; write the report."""
    folder, where, (lots, workers, kills), seed = Path(sys.argv[1]), sys.argv[2], map(int, sys.argv[3:6]), sys.argv[6]
    for name in ("errors.jsonl", "received.jsonl"):
        (folder / name).touch()
    wait_for_lots(folder, where, lots)
    clock = RunningClock()
    killed = run(folder, where, workers, kills, seed, clock)
    journal = open_journal(folder, where, clock)
    facts = {
        "killed": killed,
        "received": notes(folder / "received.jsonl"),
        "errors": notes(folder / "errors.jsonl"),
        **what_stands(journal),
    }
    journal.close()
    (folder / "report.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
