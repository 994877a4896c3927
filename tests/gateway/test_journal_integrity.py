"""The journal held against itself: whatever is changed behind its back before the last checkpoint is found, by name."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from shutil import copyfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.journal import Journal
from gateway.journal.backup import back_up, restore
from gateway.journal.chain import GENESIS, link
from gateway.journal.verification import verify_journal
from tests.fse import sheet_builders as build
from tests.gateway.bench import Bench, party_of, visit

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.journal.verification import Verification


def _day(bench: Bench) -> None:
    """Live two encounters to their acknowledgement, then a third one that comes after the last checkpoint."""
    bench.submit(visit(vitale="absent"), None)
    bench.submit(visit("V2"))
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl(1))
    bench.wire.put(bench.arl(2))
    bench.wire.put(b"nothing that anybody sent")
    bench.clock.advance(timedelta(days=1))
    bench.gateway.run()
    bench.submit(visit("V3"))


def _verify(bench: Bench, outside: str = "") -> Verification:
    return verify_journal(bench.journal, bench.trust, build.BILLER, outside=outside)


def _rules(found: Verification) -> list[str]:
    return sorted({finding.rule.id for finding in found.findings})


def test_an_untouched_journal_holds(either: Bench) -> None:
    """No finding, on both databases; all chains, rows and checkpoints were looked at, up to the last checkpoint."""
    _day(either)
    found = _verify(either)
    ((events, chains),) = either.rows("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM chains)")
    assert _rules(found) == []
    assert (found.events, found.chains, found.checkpoints) == (events, chains, 2)
    assert found.rows == 3 + 2 + 1 + 3  # sheets, lots, papers, submissions
    assert 0 < found.covered < events


MADE_UP = (
    "INSERT INTO sheets SELECT 9,reference,part,facts,organism,mode,specification,state,record,lot,"
    "encounter,payload,patient_seal,sealed,site,salt FROM sheets WHERE number = 1"
)
EDITS: list[tuple[str, str, set[str]]] = [
    ("event-time", "UPDATE events SET at = at + 1 WHERE id = 4", {"JOURNAL-CHAIN"}),
    ("event-name", "UPDATE events SET name = 'emit' WHERE id = 2", {"JOURNAL-CHAIN"}),
    ("event-detail", "UPDATE events SET detail = 'x' WHERE id = 5", {"JOURNAL-CHAIN"}),
    ("event-moved", "UPDATE events SET sheet = 2 WHERE id = 1", {"JOURNAL-CHAIN"}),
    ("event-content", "UPDATE events SET content = '' WHERE id = 1", {"JOURNAL-CHAIN"}),
    ("event-gone", "DELETE FROM events WHERE id = 3", {"JOURNAL-GAP"}),
    ("tail-gone", "DELETE FROM events WHERE id = (SELECT max(id) FROM events)", {"JOURNAL-COUNT"}),
    ("head-changed", "UPDATE chains SET rank = rank + 1 WHERE chain = 10000000001", {"JOURNAL-HEAD"}),
    ("head-gone", "DELETE FROM chains WHERE chain = 10000000001", {"JOURNAL-HEAD"}),
    ("head-made-up", "INSERT INTO chains VALUES (19999999999, 1, 'x')", {"JOURNAL-HEAD"}),
    ("counter-back", "UPDATE counters SET value = 1 WHERE name = 'sheet'", {"JOURNAL-COUNTER"}),
    ("sheet-bytes", "UPDATE sheets SET sealed = payload WHERE number = 1", {"JOURNAL-ROW"}),
    ("sheet-record", "UPDATE sheets SET record = replace(record, '2025', '2024') WHERE number = 1", {"JOURNAL-ROW"}),
    ("sheet-state", "UPDATE sheets SET state = 'paid' WHERE number = 1", {"JOURNAL-ROW"}),
    ("sheet-lot", "UPDATE sheets SET lot = 2 WHERE number = 1", {"JOURNAL-ROW"}),
    ("sheet-place", "UPDATE sheets SET organism = 'x' WHERE number = 1", {"JOURNAL-ROW"}),
    ("sheet-gone", "DELETE FROM sheets WHERE number = 3", {"JOURNAL-ROW-GONE"}),
    ("lot-bytes", "UPDATE lots SET signed = envelope WHERE number = 1", {"JOURNAL-ROW"}),
    ("paper-words", "UPDATE papers SET document = '{}' WHERE number = 1", {"JOURNAL-ROW"}),
    ("answer-words", "UPDATE submissions SET replies = '[]' WHERE number = 1", {"JOURNAL-ROW"}),
    ("answer-gone", "DELETE FROM submissions WHERE number = 2", {"JOURNAL-ROW-GONE"}),
    ("arl-bytes", "UPDATE acknowledgements SET file = 'x' WHERE id = 1", {"JOURNAL-ROW"}),
    ("arl-gone", "DELETE FROM acknowledgements WHERE id = 1", {"JOURNAL-ROW"}),
    ("row-made-up", MADE_UP, {"JOURNAL-ROW-STRANGE"}),
    ("checkpoint-words", "UPDATE checkpoints SET statement = replace(statement, 'root', 'toor')",
     {"JOURNAL-SIGNATURE", "JOURNAL-ROOT"}),
    ("checkpoint-gone", "DELETE FROM checkpoints WHERE number = 1", {"JOURNAL-SEQUENCE"}),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "rules"), [case[1:] for case in EDITS], ids=[case[0] for case in EDITS])
def test_each_kind_of_change_is_found(bench: Bench, edit: str, rules: set[str]) -> None:
    """Edit, deletion, insertion, truncation, by plain SQL: found, with the rule that names what was touched."""
    _day(bench)
    bench.journal.close()
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.execute(edit)
        connection.commit()
    bench.open()
    assert rules <= set(_rules(_verify(bench)))


def test_a_chain_written_anew_is_found_by_the_checkpoint(bench: Bench) -> None:
    """Somebody who knows the format and recomputes every digest cannot sign: the root of the checkpoint differs."""
    _day(bench)
    with bench.journal.read() as tx:
        entries = list(tx.chained_events())
    victim = next(entry for entry in entries if entry.name == "emit" and entry.sheet == 1)
    _forge(bench, victim.id, 3600)
    found = _verify(bench)
    assert _rules(found) == ["JOURNAL-ROOT"]


def test_what_comes_after_the_checkpoint_is_not_promised(bench: Bench) -> None:
    """The same forgery after the last checkpoint is not seen, which the verification says; the next one fixes it."""
    _day(bench)
    with bench.journal.read() as tx:
        victim = tx.events(sheet=3)[0]
    assert victim.id > _verify(bench).covered
    _forge(bench, victim.id, 3600)
    assert _rules(_verify(bench)) == []
    assert "after" in _verify(bench).unseen
    bench.gateway.checkpoints.make()
    _forge(bench, victim.id, -3600)
    assert _rules(_verify(bench)) == ["JOURNAL-ROOT"]


def _forge(bench: Bench, event: int, seconds: int) -> None:
    """Change the time of an event and recompute the whole of its chain and its head, as one who has read the code."""
    with closing(sqlite3.connect(bench.path)) as connection:
        connection.row_factory = sqlite3.Row
        (chain,) = connection.execute("SELECT chain FROM events WHERE id = ?", (event,)).fetchone()
        previous = GENESIS
        connection.execute("UPDATE events SET at = at + ? WHERE id = ?", (seconds, event))
        for row in connection.execute("SELECT * FROM events WHERE chain = ? ORDER BY rank", (chain,)).fetchall():
            facts = {name: row[name] for name in row.keys() if name != "digest"}  # noqa: SIM118 - a sqlite3.Row
            previous = link(previous, facts)
            connection.execute("UPDATE events SET digest = ? WHERE id = ?", (previous, row["id"]))
        connection.execute("UPDATE chains SET digest = ? WHERE chain = ?", (previous, chain))
        connection.commit()


def test_a_journal_that_was_set_back_is_found_by_a_copy_of_its_checkpoint(bench: Bench, tmp_path: Path) -> None:
    """An older copy holds in itself; only the statement kept elsewhere shows that something is missing."""
    bench.submit(visit("V0"))
    bench.gateway.run()
    bench.journal.close()
    copyfile(bench.path, tmp_path / "old.db")
    bench.open()
    _day(bench)
    made = bench.gateway.checkpoints.make()
    assert made is not None
    assert _rules(_verify(bench, made.statement)) == []
    bench.journal.close()
    copyfile(tmp_path / "old.db", bench.path)
    bench.open()
    assert _rules(_verify(bench)) == []
    assert _rules(_verify(bench, made.statement)) == ["JOURNAL-OUTSIDE"]


def test_another_key_signs_no_checkpoint(bench: Bench) -> None:
    """A checkpoint by a caisse's certificate, however valid, is not the biller's."""
    bench.submit(visit())
    object.__setattr__(bench.gateway.checkpoints, "biller", party_of(build.party("019990000")))
    bench.gateway.checkpoints.make()
    assert _rules(_verify(bench)) == ["JOURNAL-SIGNATURE"]


def test_nothing_new_makes_no_checkpoint(bench: Bench) -> None:
    """An idle gateway does not pile up checkpoints; one a day of business time when something happens."""
    assert bench.gateway.checkpoints.make() is None
    bench.submit(visit())
    assert bench.gateway.checkpoints.when_due() is not None
    assert bench.gateway.checkpoints.make() is None
    bench.submit(visit("V2"))
    assert bench.gateway.checkpoints.when_due() is None
    bench.clock.advance(timedelta(days=1))
    assert bench.gateway.checkpoints.when_due() is not None
    numbers = [json.loads(statement)["number"] for (statement,) in bench.rows("SELECT statement FROM checkpoints")]
    assert numbers == [1, 2]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return a bench whose day is over, sealed by a checkpoint; its file is copied before each change."""
    bench = Bench(tmp_path_factory.mktemp("lived"))
    _day(bench)
    bench.gateway.checkpoints.make()
    bench.journal.close()
    return bench


TEXTS = ("name", "detail", "content")


@given(data=st.data())
@settings(max_examples=40)
def test_any_single_change_of_any_event_is_found(lived: Bench, data: st.DataObject) -> None:
    """Whatever column of whatever event is changed, or the event deleted: something is found."""
    path = lived.path.with_name("changed.db")
    copyfile(lived.path, path)
    with closing(sqlite3.connect(path)) as connection:
        count = connection.execute("SELECT count(*) FROM events").fetchone()[0]
        event = data.draw(st.integers(1, count), label="event")
        column = data.draw(
            st.sampled_from(["(deleted)", "at", "sheet", "lot", "paper", "rank", "chain", "digest", *TEXTS]),
            label="column",
        )
        if column == "(deleted)":
            connection.execute("DELETE FROM events WHERE id = ?", (event,))
        else:
            ((old,),) = connection.execute(f"SELECT {column} FROM events WHERE id = ?", (event,)).fetchall()  # noqa: S608 - a column of ours
            other: st.SearchStrategy[Any] = st.text(max_size=8) if column in TEXTS else st.integers(0, 2**31)
            new = data.draw((st.binary(max_size=32) if column == "digest" else other).filter(lambda one: one != old))
            try:
                connection.execute(f"UPDATE events SET {column} = ? WHERE id = ?", (new, event))  # noqa: S608 - same
            except sqlite3.IntegrityError:  # the place is taken: the database itself refuses
                reject()
        connection.commit()
    changed = Journal(path, lived.clock)
    try:
        assert verify_journal(changed, lived.trust, build.BILLER).findings != []
    finally:
        changed.close()


# ------------------------------------------------------------------------------------------------ backup and restore


def _all_rows(bench: Bench) -> dict[str, list[tuple[Any, ...]]]:
    names = ("sheets", "lots", "papers", "events", "chains", "counters", "acknowledgements", "checkpoints", "marks")
    order = {"chains": "chain", "counters": "name", "marks": "name", "events": "id", "acknowledgements": "id"}
    return {name: bench.rows(f"SELECT * FROM {name} ORDER BY {order.get(name, 'number')}") for name in names}  # noqa: S608 - tables of ours


def test_a_backup_is_a_journal_and_comes_back_whole(either: Bench, tmp_path: Path) -> None:
    """From SQLite and from PostgreSQL: the copy verifies by itself, and restored into a new journal it is the same."""
    _day(either)
    file = tmp_path / "backup.db"
    told: list[tuple[int, int]] = []
    count = back_up(either.journal, file, lambda done, everything: told.append((done, everything)))
    assert told[-1] == (count, count)
    assert file.stat().st_mode & 0o777 == 0o600
    (tmp_path / "again").mkdir()
    again = Bench(tmp_path / "again")
    assert restore(file, again.journal) == count
    assert _verify(again).findings == []
    assert {name: len(rows) for name, rows in _all_rows(again).items()} == {
        name: len(rows) for name, rows in _all_rows(either).items()
    }
    assert again.submit(visit("V3")) == either.submit(visit("V3"))  # what was answered is answered the same
    assert again.submit(visit("V4"))[0].sheet == 4
    again.journal.close()


def test_a_backup_of_sqlite_restores_into_postgresql(bench: Bench, tmp_path: Path, postgresql_url: str) -> None:
    """The way from one machine's file to a database that several share: the same rows, the same proofs."""
    _day(bench)
    back_up(bench.journal, tmp_path / "backup.db")
    (tmp_path / "there").mkdir()
    there = Bench(tmp_path / "there", where=postgresql_url)
    restore(tmp_path / "backup.db", there.journal)
    assert _verify(there).findings == []
    assert _all_rows(there)["events"] == _all_rows(bench)["events"]
    there.journal.close()


def test_a_backup_is_taken_while_somebody_writes(either: Bench, tmp_path: Path) -> None:
    """One consistent state, though a writer commits in the middle of the copy."""
    _day(either)
    written: list[bool] = []

    def write_meanwhile(_done: int, _all: int) -> None:
        if not written:
            with either.journal.write() as tx:
                tx.record("meanwhile")
            written.append(True)

    back_up(either.journal, tmp_path / "backup.db", write_meanwhile)
    copy = Journal(tmp_path / "backup.db", either.clock)
    assert verify_journal(copy, either.trust, build.BILLER).findings == []
    with copy.read() as tx:
        assert "meanwhile" not in {entry.name for entry in tx.events()}
    copy.close()


def test_a_backup_overwrites_nothing(bench: Bench, tmp_path: Path) -> None:
    """JOURNAL-BACKUP-THERE, JOURNAL-NOT-EMPTY, JOURNAL-MISSING: refused, and nothing was changed."""
    _day(bench)
    file = tmp_path / "backup.db"
    file.write_bytes(b"precious")
    with pytest.raises(GatewayError) as refusal:
        back_up(bench.journal, file)
    assert (refusal.value.rule.id, file.read_bytes()) == ("JOURNAL-BACKUP-THERE", b"precious")
    file.unlink()
    back_up(bench.journal, file)
    before = _all_rows(bench)
    with pytest.raises(GatewayError) as refusal:
        restore(file, bench.journal)
    assert (refusal.value.rule.id, _all_rows(bench)) == ("JOURNAL-NOT-EMPTY", before)
    with pytest.raises(GatewayError) as refusal:
        restore(tmp_path / "nowhere.db", bench.journal)
    assert refusal.value.rule.id == "JOURNAL-MISSING"
    assert not (tmp_path / "nowhere.db").exists()
