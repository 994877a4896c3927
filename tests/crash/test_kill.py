"""
SIGKILL right after every commit of a short day, and right before every third; then the journal is opened again.

Out of reach by nature: a card that has signed and whose answer has not been stored yet. Nothing can know of that
signature; the number is then void or taken up again, and the patient's card signs once more.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RANKS = 36
"""More commits than the day has; a test checks that."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what was seen for each position, from one run of the script."""
    folder = tmp_path_factory.mktemp("crash")
    # before a commit the file holds what it held after the one before: a third of these is enough to show it
    positions = [f"{rank}-{moment}" for rank in range(1, RANKS + 1) for moment in ("before", "after")[rank % 3 != 0 :]]
    command = [sys.executable, "-m", "tests.crash.day_to_kill", str(folder), *positions]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads((folder / "reports.json").read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


def answers(notes: list[list[str]]) -> dict[str, str]:
    """Return the replies by reference."""
    return {note[1]: note[2] for note in notes if note[0] == "answered"}


def test_the_positions_cover_the_whole_day(reports: list[dict[str, Any]]) -> None:
    """Every commit was reached: the first positions all kill, the last ones come after the day's end."""
    killed = [report["killed"] for report in reports]
    assert killed == sorted(killed, reverse=True)
    assert killed[0]
    assert not killed[-1]
    assert sum(killed) > 35


def test_no_answered_submission_is_lost(reports: list[dict[str, Any]]) -> None:
    """What was answered before the kill gets the very same answer after it: same number, same deadline."""
    for report in reports:
        before, after = answers(report["before"]), answers(report["after"])
        assert before.items() <= after.items(), report["position"]


def test_no_sheet_that_a_patient_has_signed_is_lost(reports: list[dict[str, Any]]) -> None:
    """A stored signature of the Vitale ends in a sealed sheet, under its number, with that very signature."""
    for report in reports:
        end = {sheet[0]: sheet for sheet in report["end"]["sheets"]}
        for number, reference, part, _, patient_seal, sealed, _ in report["between"]["sheets"]:
            if patient_seal:
                assert end[number][1:3] == [reference, part], report["position"]
                assert end[number][4] == patient_seal, report["position"]
                # killed while a lot was leaving: bytes may have left, so that its answer is awaited from there
                assert end[number][3] in {"sent", "emission_started"}, report["position"]
            if sealed:
                assert end[number][5] == sealed, report["position"]


def test_no_encounter_has_two_live_sheets_or_papers(reports: list[dict[str, Any]]) -> None:
    """Whenever the kill came, each document exists once in the end, and an interrupted number is void."""
    for report in reports:
        live = Counter((sheet[1], sheet[2]) for sheet in report["end"]["sheets"] if sheet[3] != "void")
        assert live == {("secured", 0): 1, ("degraded", 0): 1, ("split", 0): 1}, report["position"]
        papers = Counter(tuple(paper[:3]) for paper in report["end"]["papers"])
        assert papers == {("degraded", 0, "twin"): 1, ("split", 1, "form_708"): 1}, report["position"]


def test_a_lot_always_leaves_with_the_same_bytes(reports: list[dict[str, Any]]) -> None:
    """One lot number, one envelope, however often it is sent; each sheet travels in one lot."""
    for report in reports:
        sent: dict[str, set[str]] = {}
        for note in report["before"] + report["after"]:
            if note[0] == "sent":
                sent.setdefault(note[1], set()).add(note[2])
        assert all(len(envelopes) == 1 for envelopes in sent.values()), report["position"]
        for before in report["between"]["sheets"]:
            (after,) = (sheet for sheet in report["end"]["sheets"] if sheet[0] == before[0])
            assert before[6] in {None, after[6]}, report["position"]


def test_the_journal_is_whole_after_each_kill(reports: list[dict[str, Any]]) -> None:
    """SQLite itself finds the file sound, right after the kill and in the end."""
    for report in reports:
        assert (report["between"]["integrity"], report["end"]["integrity"]) == ("ok", "ok"), report["position"]
