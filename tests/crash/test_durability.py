"""
What was answered is on the disk: the system calls between a request and its answer, as strace sees them.

SQLite: what is written to the WAL is forced to the disk before the answer leaves. PostgreSQL: its server does that
before it confirms a commit; ours are the settings of the connection, and to wait for the confirmation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import urllib3

from gateway.clock import SimulatedClock
from gateway.errors import GatewayError
from gateway.journal import Journal
from tests.gateway.bench import TUESDAY, visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.postgresql import Server

ROOT = Path(__file__).parents[2]
CALLS = "trace=read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync"
REQUEST, ANSWER = "POST /encounters", "HTTP/1.1 200"
UNDER_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="module")
def strace(outside_program: Callable[[str], str]) -> str:
    """Return the path of strace; where the system lets nobody trace, the test is skipped, under CI=true it fails."""
    path = outside_program("strace")
    if subprocess.run([path, "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        reason = "strace may not trace here (ptrace is forbidden)"
        if UNDER_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def served(strace: str, folder: Path, where: str = "", synchronous: str = "") -> list[str]:
    """Have a server answer one submission under strace; return its calls from the request's to the answer's."""
    trace, port = folder / "trace", folder / "port"
    # -yy shows the file or socket behind each number
    command = [strace, "-f", "-yy", "-s", "200", "-e", CALLS, "-o", str(trace)]
    command += [sys.executable, "-m", "tests.crash.durable_server", str(folder), *filter(None, [where])]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"FSE_TEST_SYNCHRONOUS": synchronous}, stderr=subprocess.PIPE, text=True
    ) as process:
        while not port.exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.02)
        address = f"http://127.0.0.1:{port.read_text(encoding='ascii')}/encounters"
        body, headers = visit("V1").model_dump_json(), {"Connection": "close"}
        answer = urllib3.request("POST", address, body=body, headers=headers, retries=False)
        assert answer.status == 200
        assert answer.json()[0]["sheet"] == 1
        assert process.wait() == 0
    return window(completed(trace.read_text(encoding="utf-8", errors="replace").splitlines()))


def completed(lines: list[str]) -> list[str]:
    """Return the calls in the order in which they ended; one that another thread's calls interrupted in one piece."""
    begun: dict[str, str] = {}
    calls = []
    for line in lines:
        process, _, call = line.partition(" ")
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>")
        elif call.lstrip().startswith("<... "):
            calls.append(begun.pop(process, "") + call.partition("resumed>")[2])
        else:
            calls.append(call.lstrip())
    return calls


def window(calls: list[str]) -> list[str]:
    """Return the calls from the one that read the request to the one that wrote the answer."""
    (first,) = (rank for rank, call in enumerate(calls) if REQUEST in call)
    (last,) = (rank for rank, call in enumerate(calls) if ANSWER in call)
    return calls[first : last + 1]


def wal_calls(calls: list[str]) -> list[str]:
    """Return the names of the calls on the WAL of SQLite that succeeded, a row of equal ones once."""
    names = [call.partition("(")[0] for call in calls if "journal.db-wal>" in call and " = -1" not in call]
    return [name for rank, name in enumerate(names) if rank == 0 or names[rank - 1] != name]


def is_synced(calls: list[str]) -> bool:
    """Tell whether the WAL was written, and forced to the disk after each of its writes, before the answer."""
    names = wal_calls(calls)
    return "pwrite64" in names and names[-1] in {"fsync", "fdatasync"}


def is_committed(calls: list[str]) -> bool:
    """Tell whether the server confirmed the commit of the submission before the answer."""
    steps = (
        ("sendto(", "INSERT INTO submissions"),
        ("sendto(", r"COMMIT\0"),
        ("recvfrom(", r"COMMIT\0Z"),
        ("sendto(", ANSWER),
    )
    following = iter(calls)
    return all(any(call.startswith(name) and what in call for call in following) for name, what in steps)


def test_the_wal_is_on_the_disk_before_the_answer(strace: str, tmp_path: Path) -> None:
    """A power cut right after the answer loses nothing of it."""
    assert is_synced(served(strace, tmp_path))


def test_the_check_sees_a_journal_that_does_not_wait_for_the_disk(strace: str, tmp_path: Path) -> None:
    """Control: the same server with PRAGMA synchronous=OFF writes its WAL, forces nothing, and fails the same check."""
    calls = served(strace, tmp_path, synchronous="OFF")
    assert wal_calls(calls) == ["pwrite64"]
    assert not is_synced(calls)


def test_the_answer_waits_for_the_commit_of_postgresql(strace: str, tmp_path: Path, postgresql_url: str) -> None:
    """The answer leaves when the server has confirmed; without the confirmation the same check says no."""
    calls = served(strace, tmp_path, postgresql_url)
    assert is_committed(calls)
    confirmed = max(rank for rank, call in enumerate(calls) if r"COMMIT\0Z" in call)
    assert not is_committed(calls[:confirmed] + calls[confirmed + 1 :])


def shown(journal: Journal, setting: str) -> str:
    """Return a setting as the connection that writes the journal has it."""
    with journal.connection("write") as connection:
        return str(connection.exec_driver_sql(f"SHOW {setting}").scalar_one())


def test_a_commit_of_the_journal_waits_for_the_disk_whatever_its_role_does(postgresql_url: str) -> None:
    """A role whose commits do not wait (synchronous_commit=off) gets none of that in a journal's connection."""
    with psycopg.connect(postgresql_url, autocommit=True) as server:
        server.execute("DROP ROLE IF EXISTS careless")
        server.execute("CREATE ROLE careless SUPERUSER LOGIN")
        server.execute("ALTER ROLE careless SET synchronous_commit = off")
    address = postgresql_url.replace("//postgres@", "//careless@")
    with psycopg.connect(address) as server:
        assert server.execute("SHOW synchronous_commit").fetchone() == ("off",)
    journal = Journal(address, SimulatedClock(TUESDAY))
    assert (shown(journal, "session_authorization"), shown(journal, "synchronous_commit")) == ("careless", "on")
    assert shown(journal, "fsync") == "on"
    journal.close()


@pytest.fixture
def careless_server(postgresql_server: Server) -> Iterator[str]:
    """Yield the address of a new database while its server runs without fsync; it runs with it again afterwards."""
    address = postgresql_server.database()
    _set_fsync(address, "off")
    try:
        yield address
    finally:
        _set_fsync(address, "on")


def _set_fsync(address: str, value: str) -> None:
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f"ALTER SYSTEM SET fsync = {value}")
        server.execute("SELECT pg_reload_conf()")
        while server.execute("SHOW fsync").fetchone() != (value,):
            time.sleep(0.01)  # the server reads its settings when it comes to it


def test_a_server_that_does_not_wait_for_the_disk_is_refused(careless_server: str) -> None:
    """No journal is opened where fsync is off, and nothing is written there."""
    with pytest.raises(GatewayError) as caught:
        Journal(careless_server, SimulatedClock(TUESDAY))
    assert caught.value.rule.id == "JOURNAL-OPEN"
    assert caught.value.facts["reason"] == "fsync = off"
    with psycopg.connect(careless_server) as server:
        assert server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
