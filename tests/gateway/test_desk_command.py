"""``fse submit``, ``send``, ``resend``: a whole road from the command line, over the journal of this machine."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.cli import main
from gateway.clock import SystemClock
from gateway.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
DOCTOR = "99700000013"


@pytest.fixture
def fse(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Return the command, over a new journal; it gives its exit code."""
    monkeypatch.setenv("FSE_HOME", str(home))
    monkeypatch.setenv("FSE_JOURNAL", str(tmp_path / "journal.db"))

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["fse", *words])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run


def _encounter(folder: Path, reference: str, **changes: Any) -> str:  # noqa: ANN401 - fields of any type
    """Return the file of the example encounter as of now: these commands live in real time."""
    facts = json.loads((ROOT / "examples" / "encounter.json").read_text(encoding="utf-8"))
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="seconds")
    path = folder / f"{reference}.json"
    path.write_text(json.dumps(facts | {"reference": reference, "at": at} | changes), encoding="utf-8")
    return str(path)


def _states(folder: Path) -> list[str]:
    journal = Journal(folder / "journal.db", SystemClock())
    with journal.read() as tx:
        found = [str(sheet.record.state) for sheet in tx.sheets()]
    journal.close()
    return found


def test_submit_then_send(fse: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two encounters, one of them without the Vitale: two sheets sealed, two lots signed, both acknowledged."""
    files = [_encounter(tmp_path, "A"), _encounter(tmp_path, "B", vitale="absent")]
    assert fse("submit", *files) == 0
    told = capsys.readouterr().out
    assert "FSE sécurisée n° 000000001" in told
    assert "FSE dégradée + papier n° 000000002" in told
    assert _states(tmp_path) == ["queued", "queued"]
    assert fse("send", "--by", DOCTOR) == 0
    assert "2 lot(s) signé(s)" in capsys.readouterr().out
    assert _states(tmp_path) == ["acknowledged", "acknowledged"]


def test_a_second_submission_of_the_same_changes_nothing(
    fse: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same file again gets the same answer; other facts under its reference end with exit code 2."""
    file = _encounter(tmp_path, "A")
    assert fse("submit", file) == 0
    first = capsys.readouterr().out
    assert fse("submit", file) == 0
    assert capsys.readouterr().out == first
    assert fse("submit", _encounter(tmp_path, "A", acts=[{"code": "G"}])) == 2
    assert "SUBMIT-REFERENCE" in capsys.readouterr().err
    assert len(_states(tmp_path)) == 1


def test_resend_after_an_outage(fse: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The concentrator was out of reach: one command has everything leave at once, in the same bytes."""
    fse("submit", _encounter(tmp_path, "A"))
    assert fse("send", "--by", DOCTOR, "--concentrator", "http://127.0.0.1:9") == 0
    assert "lot 000001 → 019990000 : signed" in capsys.readouterr().out
    assert _states(tmp_path) == ["in_lot"]
    assert fse("resend", "--lang", "en") == 0
    told = capsys.readouterr().out
    assert "1 lot(s) waiting" in told
    assert "All has left" in told
    assert _states(tmp_path) == ["acknowledged"]


def test_a_wrong_pin_ends_with_one_message(
    fse: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the card's own rule, and no lot is signed; the PIN is on no screen."""
    fse("submit", _encounter(tmp_path, "A"))
    pin = tmp_path / "pin"
    pin.write_text("9876\n")
    capsys.readouterr()
    assert fse("send", "--by", DOCTOR, "--pin-file", str(pin)) == 2
    told = capsys.readouterr()
    assert "CARD-PIN" in told.err
    assert "9876" not in told.err + told.out
    assert _states(tmp_path) == ["queued"]


def test_nothing_to_send_from_a_journal_that_is_not_there(
    fse: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JOURNAL-MISSING: sending makes no journal."""
    assert fse("resend") == 2
    assert "JOURNAL-MISSING" in capsys.readouterr().err
    assert not (tmp_path / "journal.db").exists()
