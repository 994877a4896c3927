"""
SIGKILL at the commits of two weeks of a service and at random moments; then the journal is opened again.

The short form takes some commits by chance, the long one (``make test-long``) each of them, before and after it. Out of
reach by nature: a card that has signed and whose answer has not been stored yet. Nothing can know of that signature;
the number is then void or taken up again, and the patient's card signs once more.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SHORT, SHORTER, LONG = (8, 1), (5, 1), (0, 150)
"""How many commits (0: every one, before and after it) and how many lives that are killed three times at random."""
FEWEST_KILLS = {SHORT: 8, SHORTER: 5, LONG: 500}
FORMS = [
    pytest.param(("sqlite", SHORT), id="sqlite-short"),
    pytest.param(("postgresql", SHORTER), id="postgresql-short"),
    pytest.param(("sqlite", LONG), id="sqlite-long", marks=pytest.mark.long),
    pytest.param(("postgresql", LONG), id="postgresql-long", marks=pytest.mark.long),
]
SHEETS = {("secured", 0), ("degraded", 0), ("split", 0), ("down", 0), ("late", 0)}


@dataclass(frozen=True)
class Lives:
    """What was seen of each life, the number of commits in one, and what plays all of it again."""

    commits: int
    lives: list[dict[str, Any]]
    form: tuple[int, int]
    again: str

    def each(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield each life with what to say of it when it failed."""
        for life in self.lives:
            yield life, f"killed at {life['position']}; again: {self.again}"


@pytest.fixture(scope="module", params=FORMS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """Return what was seen in the lives of one form over one database, from one run of the script."""
    database, form = request.param
    where = "sqlite" if database == "sqlite" else request.getfixturevalue("postgresql_server").database()
    fixed = "1" if os.environ.get("CI") == "true" else secrets.token_hex(4)
    seed = os.environ.get("FSE_SEED", fixed)
    name = f"{database}-{'long' if form == LONG else 'short'}"
    again = f'FSE_SEED={seed} .venv/bin/pytest -q -m "" tests/crash/test_kill.py -k {name}'
    folder = tmp_path_factory.mktemp("crash")
    command = [sys.executable, "-m", "tests.crash.day_to_kill", str(folder), where, *map(str, form), seed]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{result.stderr}\nagain: {again}"
    found = json.loads((folder / "reports.json").read_text(encoding="utf-8"))
    return Lives(found["commits"], found["lives"], form, again)


def test_every_kill_that_was_asked_for_took_place(run: Lives) -> None:
    """Each commit chosen ended its process; a random kill may come too late, but there are as many as are needed."""
    for life, why in run.each():
        assert life["killed"] == [True] or not life["at_a_commit"], why
    kills = sum(sum(life["killed"]) for life in run.lives)
    assert kills >= FEWEST_KILLS[run.form], run.again
    assert run.commits > 100, run.again


def test_no_answered_submission_is_lost(run: Lives) -> None:
    """What was answered is answered the very same again: same number, same deadline, whatever came in between."""
    for life, why in run.each():
        answers: dict[str, set[str]] = {}
        for note in life["notes"]:
            if note[0] == "answered":
                answers.setdefault(note[1], set()).add(note[2])
        assert {reference: len(given) for reference, given in answers.items()} == dict.fromkeys(
            ["secured", "degraded", "split", "down", "late", "anonymous"], 1
        ), why


def test_no_sheet_that_a_patient_has_signed_is_lost(run: Lives) -> None:
    """A stored signature of the Vitale ends in a sealed sheet, under its number, with that very signature."""
    for life, why in run.each():
        end = {sheet[0]: sheet for sheet in life["settled"]["sheets"]}
        for between in life["between"]:
            for number, reference, part, _, patient_seal, sealed, *_ in between["sheets"]:
                if patient_seal:
                    assert end[number][1:3] == [reference, part], why
                    assert end[number][3] == "closed", why
                    assert end[number][4] == patient_seal, why
                if sealed:
                    assert end[number][5] == sealed, why


def test_no_encounter_has_two_live_sheets_or_papers(run: Lives) -> None:
    """Whenever the kill came, each document exists once in the end, and an interrupted number is void."""
    for life, why in run.each():
        settled = life["settled"]
        live = Counter((sheet[1], sheet[2]) for sheet in settled["sheets"] if sheet[3] != "void")
        assert live == dict.fromkeys(SHEETS, 1), why
        assert {sheet[3] for sheet in settled["sheets"]} <= {"closed", "void"}, why
        papers = Counter(tuple(paper) for paper in settled["papers"])
        assert papers == {
            ("degraded", 0, "twin", "posted"): 1,
            ("late", 0, "twin", "posted"): 1,
            ("split", 1, "form_708", "posted"): 1,
            ("down", 0, "duplicata", "posted"): 1,
            ("late", 0, "duplicata", "posted"): 1,
        }, why


def test_anonymous_care_has_its_paper(run: Lives) -> None:
    """One paper; a second one only when the process was killed between storing it and answering: nothing knows it."""
    for life, why in run.each():
        asked = sum(note == ["asked", "anonymous"] for note in life["notes"])
        assert 1 <= life["end"]["anonymous"] <= asked, why


def test_a_lot_always_travels_with_the_same_bytes(run: Lives) -> None:
    """One lot number, one signed lot; each sheet in one lot under one number, with the bytes of the journal."""
    for life, why in run.each():
        lots: dict[int, set[str]] = {}
        sheets: dict[str, set[tuple[int, str]]] = {}
        for file in life["settled"]["received"]:
            lots.setdefault(file["lot"], set()).add(file["digest"])
            for number, digest in file["sheets"].items():
                sheets.setdefault(number, set()).add((file["lot"], digest))
        assert [len(one) for one in lots.values()] == [1, 1, 1], why
        held = {str(sheet[0]): {(sheet[6], sheet[5])} for sheet in life["settled"]["sheets"] if sheet[1] != "down"}
        assert sheets == {number: found for number, found in held.items() if number in sheets}, why
        assert len(sheets) == 4, why


def test_an_interrupted_attempt_is_no_other_attempt(run: Lives) -> None:
    """The altered and the unanswered lot left twice, the late one at its due times: a kill adds none and loses none."""
    for life, why in run.each():
        of = {sheet[1]: sheet[6] for sheet in life["settled"]["sheets"] if sheet[3] != "void"}
        attempts = Counter(file["lot"] for file in life["settled"]["received"])
        assert of["secured"] == of["split"], why
        assert attempts == {of["secured"]: 2, of["degraded"]: 2, of["late"]: 2}, why


def test_no_sheet_is_both_paid_and_replaced(run: Lives) -> None:
    """Paid: what a caisse has received in time. Replaced: the others, the one that was received after all flagged."""
    for life, why in run.each():
        ends = {
            sheet[1]: (sheet[7]["paid"], sheet[7]["replaced"], sheet[7]["flags"])
            for sheet in life["settled"]["sheets"]
            if sheet[3] != "void"
        }
        assert ends == {
            "secured": (True, False, []),
            "degraded": (True, False, []),
            "split": (True, False, []),
            "down": (False, True, []),
            "late": (False, True, ["late_answer"]),
        }, why


def test_the_journal_is_whole_after_each_kill(run: Lives) -> None:
    """Chains, checkpoints and rows hold at each start and in the end; SQLite itself finds the file sound."""
    for life, why in run.each():
        assert [note[1:] for note in life["notes"] if note[0] == "found" and note[1:]] == [], why
        assert {between["integrity"] for between in life["between"]} == {"ok"}, why
        assert life["end"]["integrity"] == "ok", why
        assert life["end"]["checkpoints"] > 1, why


def test_a_purge_that_was_killed_is_ended_by_the_next(run: Lives) -> None:
    """After the retention no sheet, paper or lot of these weeks is left, and the chains hold all the same."""
    for life, why in run.each():
        assert {sheet[3] for sheet in life["end"]["sheets"]} <= {"void"}, why
        assert life["end"]["papers"] == [], why
        assert life["notes"][-1] == ["found"], why
