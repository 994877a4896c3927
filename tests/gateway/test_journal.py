"""The journal: durable, one writer, numbers that never come back, one event for each change, nobody else's file."""

from __future__ import annotations

import sqlite3
import stat
import sys
from contextlib import closing
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from gateway.errors import GatewayError
from gateway.journal import Journal
from gateway.journal.database import migrations, open_engine, with_purpose
from gateway.journal.tables import metadata
from tests.gateway.bench import visit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.journal import Transaction
    from tests.gateway.bench import Bench


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_committed_is_on_the_disk(bench: Bench) -> None:
    """The pragmas that make a commit durable are really in force on the journal's own connections."""
    with bench.journal.read() as tx:
        ask = tx._connection.exec_driver_sql  # noqa: SLF001 - what SQLite says of this very connection
        found = {name: ask(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_only_the_owner_reads_the_files(bench: Bench) -> None:
    """The database, its WAL and its shared memory are 0600, whatever the umask allows."""
    with bench.journal.write() as tx:
        tx.record("something")
        files = sorted(path.name for path in bench.path.parent.glob("journal.db*"))
        assert files == ["journal.db", "journal.db-shm", "journal.db-wal"]
        assert {_mode(bench.path.with_name(name)) for name in files} == {0o600}


def test_closing_leaves_one_whole_file(bench: Bench) -> None:
    """After close() the file alone holds everything: it may be copied."""
    with bench.journal.write() as tx:
        tx.record("something")
    bench.journal.close()
    assert [path.name for path in bench.path.parent.glob("journal.db*")] == ["journal.db"]
    assert bench.rows("PRAGMA integrity_check") == [("ok",)]
    assert bench.rows("SELECT name FROM events") == [("something",)]


def test_one_writer_at_a_time(bench: Bench) -> None:
    """A second writer is kept out from the start of a transaction, not from its first change: nothing is stale."""
    with bench.journal.write(), closing(sqlite3.connect(bench.path, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_a_writer_waits_for_the_other(bench: Bench) -> None:
    """Two journals over one file take turns: the second waits, and gives the number after the first one's."""
    taken: list[int] = []

    def take() -> None:
        second = Journal(bench.path, bench.clock)
        with second.write() as tx:
            taken.append(tx.take_number("sheet"))
        second.close()

    waiting = Thread(target=take)
    with bench.journal.write() as tx:
        waiting.start()
        taken.append(tx.take_number("sheet"))
        waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join(10)
    assert taken == [1, 2]


def test_numbers_never_come_back(bench: Bench) -> None:
    """A number that was given is never given again, even when the rows that bore it were purged."""
    with bench.journal.write() as tx:
        assert [tx.take_number("sheet") for _ in range(3)] == [1, 2, 3]
        assert tx.take_number("lot") == 1
    with closing(sqlite3.connect(bench.path)) as connection:
        for table in metadata.tables.keys() - {"counters"}:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the tables of the journal
        connection.commit()
    bench.reopen()
    with bench.journal.write() as tx:
        assert tx.take_number("sheet") == 4


def _change_then_fail(tx: Transaction) -> None:
    tx.take_number("sheet")
    tx.keep_replies("R", "digest", "[]")
    tx.keep_replies("R", "digest", "[]")


def test_a_number_of_a_failed_transaction_was_never_given(bench: Bench) -> None:
    """What fails leaves nothing: neither the number, nor the change, nor its event."""
    before = bench.rows("SELECT name, value FROM counters")
    with pytest.raises(GatewayError, match="JOURNAL-USE"), bench.journal.write() as tx:
        _change_then_fail(tx)
    assert bench.rows("SELECT name, value FROM counters") == before
    assert bench.rows("SELECT * FROM submissions") == []
    assert bench.rows("SELECT * FROM events") == []


def test_reading_sees_one_state(bench: Bench) -> None:
    """A reader keeps the state that it began with while a writer commits."""
    with bench.journal.read() as reader:
        assert reader.events() == []
        with bench.journal.write() as tx:
            tx.record("meanwhile")
        assert reader.events() == []


CHANGES: list[tuple[str, Callable[[Transaction], None], str]] = [
    ("quarantine", lambda tx: tx.put_in_quarantine("ARL-MATCH", b"?"), "quarantined"),
    ("replies", lambda tx: tx.keep_replies("R", "digest", "[]"), "submitted"),
]


@pytest.mark.parametrize(("change", "name"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_one_event_for_each_change(bench: Bench, change: Callable[[Transaction], None], name: str) -> None:
    """A change writes exactly one event, with the change, under the next number and at the business time."""
    with bench.journal.write() as tx:
        change(tx)
    assert bench.rows("SELECT id, at, name FROM events") == [(1, int(bench.clock.now().timestamp()), name)]


def test_a_day_has_one_event_for_each_step(bench: Bench) -> None:
    """From the number to the acknowledgement, sheet and lot leave the whole list of their steps, in order."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.dispatch.run()
    own = ["reserve", "paper_needed", "seal", "queue", "put_in_lot"]
    sent = ["start_emission", "emit", "acknowledge_positive"]
    assert sorted(bench.events(sheet=1)) == sorted(own + sent)
    assert bench.events(lot=1) == ["open_lot", "sign", "envelope_made", *sent]
    numbers = [number for (number,) in bench.rows("SELECT id FROM events ORDER BY id")]
    assert numbers == list(range(1, len(numbers) + 1))
    with bench.journal.read() as tx:
        assert [entry.name for entry in tx.events(sheet=1)] == bench.events(sheet=1)
        assert [entry.name for entry in tx.events(lot=1)] == bench.events(lot=1)
        assert [entry.id for entry in tx.events(after=3)] == numbers[3:]


def test_instants_are_integers(bench: Bench) -> None:
    """Times are whole seconds UTC in every table that has one: no text, no float, no zone to guess."""
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.wire.put(b"not an envelope")
    bench.gateway.dispatch.run()
    now = int(bench.clock.now().timestamp())
    for table in ("events", "submissions", "acknowledgements", "quarantine"):
        query = f"SELECT DISTINCT typeof(at), at FROM {table}"  # noqa: S608 - the tables of the journal
        assert bench.rows(query) == [("integer", now)]


def test_the_migrations_make_the_tables_that_the_code_uses(bench: Bench) -> None:
    """Alembic itself finds no difference between a migrated file and the tables of the code."""
    engine = create_engine(f"sqlite:///{bench.path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_opening_again_changes_nothing(bench: Bench) -> None:
    """A journal of the present version is opened as it is."""
    bench.submit(visit())
    tables = "SELECT name, sql FROM sqlite_master ORDER BY name"
    before = bench.rows(tables), bench.rows("SELECT * FROM events"), bench.rows("SELECT * FROM sheets")
    bench.reopen()
    assert (bench.rows(tables), bench.rows("SELECT * FROM events"), bench.rows("SELECT * FROM sheets")) == before


def _downgrade(bench: Bench, version: str, reason: str) -> None:
    """Ask for ``version``; it is refused with ``reason``."""
    engine = open_engine(bench.path)
    with pytest.raises(RuntimeError, match=reason), with_purpose(engine, "write").begin() as connection:
        command.downgrade(migrations(connection), version)
    engine.dispose()


def test_a_downgrade_that_would_lose_data_is_refused(bench: Bench) -> None:
    """Chains, salts and sites have no place in version 0001: it names what would be lost, and nothing is lost."""
    bench.submit(visit())
    tables = "SELECT name, sql FROM sqlite_master ORDER BY name"
    before = bench.rows(tables), bench.rows("SELECT * FROM events"), bench.rows("SELECT * FROM sheets")
    _downgrade(bench, "0001", "lose what the table events holds")
    _downgrade(bench, "base", "lose what the table events holds")
    assert (bench.rows(tables), bench.rows("SELECT * FROM events"), bench.rows("SELECT * FROM sheets")) == before
    assert bench.rows("SELECT number FROM sheets") == [(1,)]


def test_there_is_no_way_below_the_first_version(bench: Bench) -> None:
    """Even where nothing has happened yet, a downgrade below the first version would throw the journal away."""
    _downgrade(bench, "base", "lose the journal")
    bench.reopen()
    assert bench.rows("SELECT count(*) FROM sheets") == [(0,)]


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE of_somebody_else (x)")
        connection.commit()


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


BAD_FILES: list[tuple[str, Callable[[Path], object], bool]] = [
    ("text", lambda path: path.write_text("dear diary"), False),
    ("empty-header", lambda path: path.write_bytes(b"\0" * 4096), False),
    ("foreign", _foreign, False),
    ("newer", _newer, True),
    ("truncated", _truncated, True),
]


@pytest.mark.parametrize(("spoil", "ours"), [case[1:] for case in BAD_FILES], ids=[case[0] for case in BAD_FILES])
def test_any_other_file_is_refused_and_left_as_it_was(
    bench: Bench, tmp_path: Path, spoil: Callable[[Path], object], *, ours: bool
) -> None:
    """JOURNAL-OPEN: a file that is foreign, of a later version or damaged is not opened, and no byte of it changes."""
    path = tmp_path / "other.db"
    if ours:
        Journal(path, bench.clock).close()
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(GatewayError) as refusal:
        Journal(path, bench.clock)
    assert refusal.value.rule.id == "JOURNAL-OPEN"
    assert str(path) in refusal.value.message()
    assert path.read_bytes() == before


def test_a_folder_or_a_missing_folder_is_refused(bench: Bench, tmp_path: Path) -> None:
    """JOURNAL-OPEN names the system's reason when there is no file to open."""
    for path in (tmp_path, tmp_path / "nowhere" / "journal.db"):
        with pytest.raises(GatewayError) as refusal:
            Journal(path, bench.clock)
        assert refusal.value.rule.id == "JOURNAL-OPEN"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("address", "scheme"),
    [("mysql://somebody:secret@db.test/fse", "mysql"), ("http://db.test", "http"), ("1a b://db.test", "1a b")],
)
def test_another_kind_of_address_is_refused(bench: Bench, address: str, scheme: str) -> None:
    """JOURNAL-ADDRESS names the kind and nothing more of the address: a password stays where it was."""
    with pytest.raises(GatewayError) as refusal:
        Journal(address, bench.clock)
    assert (refusal.value.rule.id, refusal.value.facts) == ("JOURNAL-ADDRESS", {"scheme": scheme})
    assert "secret" not in str(refusal.value)


def test_a_missing_driver_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """JOURNAL-DRIVER: without psycopg a journal on PostgreSQL says which extra to install, in both languages."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(GatewayError) as refusal:
        Journal("postgresql://db.test/fse", bench.clock)
    assert refusal.value.rule.id == "JOURNAL-DRIVER"
    for language in ("fr", "en"):
        assert "psycopg" in refusal.value.message(language)
        assert "postgresql" in refusal.value.to_do(language)


def test_a_sheet_belongs_to_a_lot_that_exists(bench: Bench) -> None:
    """Foreign keys are enforced: no row points to a lot that is not there."""
    bench.submit(visit())
    with pytest.raises(GatewayError, match="JOURNAL-USE"), bench.journal.write() as tx:
        tx._connection.exec_driver_sql("UPDATE sheets SET lot = 99")  # noqa: SLF001 - behind the back of the code
