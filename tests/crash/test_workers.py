"""Several worker processes over one journal, killed at random and replaced: each lot arrives once, under one number."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MANY = 40


@dataclass(frozen=True)
class Form:
    """How many lots wait, how many workers send them, how many of these are killed at most and at least."""

    database: str
    lots: int
    workers: int
    kills: int
    fewest: int

    @property
    def name(self) -> str:
        """What one names it by on the command line."""
        return f"{self.database}-{'long' if self.lots == MANY else 'short'}"


FEW = (Form("sqlite", 8, 2, 3, 2), Form("postgresql", 12, 4, 3, 2))
LONG = (Form("sqlite", MANY, 2, 60, 10), Form("postgresql", MANY, 4, 60, 10))
FORMS = [
    *(pytest.param(form, id=form.name) for form in FEW),
    *(pytest.param(form, id=form.name, marks=pytest.mark.long) for form in LONG),
]


@pytest.fixture(scope="module", params=FORMS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Form, dict[str, Any], str]:
    """Return one run of the script: its form, what it reported, and what plays it again."""
    form: Form = request.param
    where = "sqlite" if form.database == "sqlite" else request.getfixturevalue("postgresql_server").database()
    fixed = "1" if os.environ.get("CI") == "true" else secrets.token_hex(4)
    seed = os.environ.get("FSE_SEED", fixed)
    again = f'again: FSE_SEED={seed} .venv/bin/pytest -q -m "" tests/crash/test_workers.py -k {form.name}'
    folder = tmp_path_factory.mktemp("workers")
    numbers = map(str, (form.lots, form.workers, form.kills))
    command = [sys.executable, "-m", "tests.crash.worker", str(folder), where, *numbers, seed]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{result.stderr}\n{again}"
    return form, json.loads((folder / "report.json").read_text(encoding="utf-8")), again


def test_no_worker_failed(run: tuple[Form, dict[str, Any], str]) -> None:
    """No deadlock, no refusal of the database, nothing unforeseen in any worker; and workers were killed."""
    form, found, again = run
    assert found["errors"] == [], again
    assert found["killed"] >= form.fewest, again


def test_what_a_dead_worker_held_was_finished_by_another(run: tuple[Form, dict[str, Any], str]) -> None:
    """One at least died between the word that an emission starts and its first byte: another went on from there."""
    _, found, again = run
    assert any("emission_resumed" in lot["events"] for lot in found["lots"]), again


def test_each_lot_reached_the_caisse_once(run: tuple[Form, dict[str, Any], str]) -> None:
    """Whoever was killed while a lot was leaving: it arrived, once, as the bytes that were signed under its number."""
    form, found, again = run
    signed = {(str(lot["number"]), lot["digest"]) for lot in found["lots"]}
    assert len(signed) == form.lots, again
    assert Counter(map(tuple, found["received"])) == dict.fromkeys(signed, 1), again


def test_each_lot_left_once_by_the_journal(run: tuple[Form, dict[str, Any], str]) -> None:
    """An attempt that somebody else finished is the same attempt; each answer is recorded once."""
    _, found, again = run
    for lot in found["lots"]:
        assert (lot["state"], lot["attempts"], lot["emissions"]) == ("positive", 1, 1), again
        names = Counter(lot["events"])
        assert (names["start_emission"], names["acknowledge_positive"]) == (1, 1), f"{lot}; {again}"
        # none when the answer came before anybody took up what a killed worker had sent
        assert names["emit"] <= 1, f"{lot}; {again}"


def test_the_journal_that_they_shared_is_whole(run: tuple[Form, dict[str, Any], str]) -> None:
    """Chains, checkpoints and rows hold; no answer was taken for a stranger's."""
    _, found, again = run
    assert (found["findings"], found["quarantined"]) == ([], []), again
