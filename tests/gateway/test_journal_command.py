"""``fse journal``: verify, seal, back up and restore from the command line; what it says and how it ends."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gateway.cli import main
from gateway.clock import SystemClock
from gateway.journal import Journal
from gateway.station import Station

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a journal with some events, in a home of its own."""
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))
    path = tmp_path / "journal.db"
    with Station.open(str(path)) as station, station.journal.write() as tx:
        tx.record("something")
        tx.record("something else")
    return path


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["fse", *words])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_sound_journal(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sealed, then verified against the copy that was kept: exit 0, with what no check can see said aloud."""
    kept = tmp_path / "point.json"
    assert _run(monkeypatch, "journal", "checkpoint", "--journal", str(journal), "-o", str(kept)) == 0
    assert json.loads(kept.read_text(encoding="utf-8"))["last_event"] == 2
    assert _run(monkeypatch, "journal", "verify", "--journal", str(journal), "--against", str(kept)) == 0
    told = capsys.readouterr().out
    assert "3 événements en 1 chaînes" in told
    assert "ce qui suit l'événement 2" in told
    assert "remis en entier" in told


def test_a_changed_journal(journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, and the finding names the chain and the event, in the language that was asked for."""
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("UPDATE events SET name = 'nothing' WHERE id = 2")
        connection.commit()
    assert _run(monkeypatch, "journal", "verify", "--journal", str(journal), "--lang", "en") == 1
    told = capsys.readouterr()
    assert "[JOURNAL-CHAIN] The chain journal is broken at event 2 (rank 2)" in told.err.replace("\n", " ")
    assert "What no check can see" in told.out


def test_backup_and_restore(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backup comes back whole; a second one under the same name, or into a journal in use, is refused (exit 2)."""
    file, new = tmp_path / "backup.db", tmp_path / "new.db"
    assert _run(monkeypatch, "journal", "backup", str(file), "--journal", str(journal)) == 0
    assert _run(monkeypatch, "journal", "backup", str(file), "--journal", str(journal)) == 2
    assert "JOURNAL-BACKUP-THERE" in capsys.readouterr().err
    assert _run(monkeypatch, "journal", "restore", str(file), "--into", str(new)) == 0
    again = Journal(new, SystemClock())
    with again.read() as tx:
        assert [entry.name for entry in tx.events()] == ["something", "something else"]
    again.close()
    assert _run(monkeypatch, "journal", "restore", str(file), "--into", str(new)) == 2
    assert "JOURNAL-NOT-EMPTY" in capsys.readouterr().err


def test_a_journal_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """JOURNAL-MISSING: reading what does not exist creates nothing."""
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))
    path = tmp_path / "nowhere.db"
    for words in (["verify"], ["checkpoint"], ["backup", str(tmp_path / "b.db")]):
        assert _run(monkeypatch, "journal", *words, "--journal", str(path)) == 2
        assert "JOURNAL-MISSING" in capsys.readouterr().err
    assert not path.exists()
