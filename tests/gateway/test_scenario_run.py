"""Scenarios lived through: what is expected is held against what is there, and a difference shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from gateway.cli.scenario import app
from gateway.scenario import ScenarioResult, Status, find_scenario, read_scenario, run_scenario, scenario_names

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """format: 1
name: T1
title: Essai
source: test
start: 2025-03-03T08:00:00+01:00
steps:
  - consult: { as: A, card: lexemple, acts: [G] }
    expect: [{ outcome: secured, total_cents: 3000 }]
"""


def played(steps: str, folder: Path) -> ScenarioResult:
    """Play the consultation A, then ``steps``."""
    return run_scenario(read_scenario((HEAD + steps).encode()), folder / "world")


@pytest.mark.parametrize("name", scenario_names())
def test_the_scenarios_of_the_convention_run_as_written(name: str, tmp_path: Path) -> None:
    """Protects S1 to S10: every expectation that can be judged today holds."""
    result = run_scenario(find_scenario(name), tmp_path / "world")
    assert [(step.line, step.differences) for step in result.steps if step.status is Status.FAILED] == []
    assert result.count(Status.PASSED) >= 2


CHECKS = {
    "state: sent": "state",
    "action: print": "action",
    'deadline: "2025-03-14"': "deadline",
    "seals: professional": "seals",
    "at_caisse: true": "at_caisse",
    "lots: 1": "lots",
    "papers: [{ kind: twin }]": "papers",
    "part: 1, state: queued": "A",
}
"""What is not so of a sheet that is queued, signed by both cards, alone and in time; and the place that must say it."""


def test_each_expectation_can_fail(tmp_path: Path) -> None:
    """Protects the judge: each wrong expectation is told, at its place and line, and nothing else is."""
    result = played("".join(f"  - check: {{ of: A, {check} }}\n" for check in CHECKS), tmp_path)
    assert not result.passed
    found = [(step.line, [one.place for one in step.differences]) for step in result.steps[1:]]
    assert found == [(line, [place]) for line, place in enumerate(CHECKS.values(), 9)]


ANSWERS = {
    "expect: [{ outcome: degraded }]": "expect[0].outcome",
    "expect: [{ outcome: secured, reason: vaccine }]": "expect[0].reason",
    "expect: [{ outcome: secured, total_cents: 2999 }]": "expect[0].total_cents",
    "expect: [{ outcome: secured, amo_cents: 1 }]": "expect[0].amo_cents",
    "expect: [{ outcome: secured, acts: [COD] }]": "expect[0].acts",
    "expect: [{ outcome: secured }, { outcome: secured }]": "expect",
    "error: SEAL-ENTITLEMENT": "error",
}
"""What is not so of an ordinary consultation."""


def test_each_answer_can_be_other_than_expected(tmp_path: Path) -> None:
    """Protects the judge of consultations: each field, the number of documents, and a refusal that does not come."""
    steps = (
        f"  - consult: {{ as: B{rank}, card: lexemple, acts: [G] }}\n    {expect}\n"
        for rank, expect in enumerate(ANSWERS)
    )
    result = played("".join(steps), tmp_path)
    assert [[one.place for one in step.differences] for step in result.steps[1:]] == [[one] for one in ANSWERS.values()]


def test_an_incident_ends_when_told(tmp_path: Path) -> None:
    """Protects d12: an injected fault has an end, by its count or by a step."""
    steps = (
        "  - incident: { kind: refuse-file, organism: '019990000', times: 100 }\n  - send: {}\n"
        "  - check: { of: A, at_caisse: false }\n  - end-incident: refuse-file\n"
        "  - clock: 2025-03-04T20:00:00+01:00\n  - check: { of: A, at_caisse: true, state: acknowledged }\n"
    )
    assert played(steps, tmp_path).passed


def test_the_same_scenario_gives_the_same_answers(tmp_path: Path) -> None:
    """Protects d11: the name of a scenario is its seed."""
    runs = [run_scenario(find_scenario("S2"), tmp_path / name) for name in ("one", "two")]
    assert [step.replies for step in runs[0].steps] == [step.replies for step in runs[1].steps]
    assert [step.at for step in runs[0].steps] == [step.at for step in runs[1].steps]


def test_the_command_tells_the_line_and_how_to_play_again(tmp_path: Path) -> None:
    """Protects `fse scenario run`: 1 when an expectation is not met, with its line; nothing is left in the folder."""
    own = tmp_path / "mine.yaml"
    own.write_text(HEAD + "  - check: { of: A, state: sent }\n")
    done = CliRunner().invoke(app, ["run", str(own)])
    assert done.exit_code == 1
    assert "ligne 9, state : attendu sent, trouvé queued" in done.output
    assert f"fse scenario run {own}" in done.output.replace("\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml"]


def test_the_command_lists_checks_and_plays(tmp_path: Path) -> None:
    """Protects the three commands on a delivered scenario, in English too."""
    listed = CliRunner().invoke(app, ["list"])
    assert (listed.exit_code, "S10" in listed.output) == (0, True)
    assert CliRunner().invoke(app, ["check", "S1", "S10"]).exit_code == 0
    done = CliRunner().invoke(app, ["run", "S1", "--lang", "en", "-o", str(tmp_path)])
    assert (done.exit_code, "as expected" in done.output) == (0, True)
    assert (tmp_path / "S1" / "journal.db").exists()


def test_a_paper_that_is_not_there_is_a_difference_in_the_language_asked_for(tmp_path: Path) -> None:
    """Protects SCENARIO-PAPER: named with its consultation and kind; the story goes on; `--lang en` stays English."""
    steps = "  - paper: { of: A, kind: duplicata, do: [print] }\n  - check: { of: A, state: queued }\n"
    result = played(steps, tmp_path)
    failed, after = result.steps[1:]
    assert failed.error is not None
    assert (failed.error.rule.id, after.status) == ("SCENARIO-PAPER", Status.PASSED)
    assert [(one.place, one.found) for one in failed.differences] == [("paper", "SCENARIO-PAPER")]
    file = tmp_path / "paper.yaml"
    file.write_text(HEAD + steps, encoding="utf-8")
    shown = CliRunner().invoke(app, ["run", str(file), "--lang", "en"])
    assert shown.exit_code == 1
    assert "has no paper" in shown.output.replace("\n", " ")
    assert "n'a pas" not in shown.output


def test_a_decision_about_no_sheet_is_a_difference(tmp_path: Path) -> None:
    """Protects SCENARIO-SHEET and `decide`: an unexpected refusal is told, an expected one is as expected."""
    steps = (
        "  - decide: { of: B, event: void, reason: essai }\n"
        "  - decide: { of: B, event: void, reason: essai }\n    error: SCENARIO-SHEET\n"
        "  - decide: { of: A, event: void, reason: essai }\n"
        "  - check: { of: A, papers: [] }\n"
    )
    missed, expected, done, _ = played(steps, tmp_path).steps[1:]
    assert (missed.status, missed.error and missed.error.rule.id) == (Status.FAILED, "SCENARIO-SHEET")
    assert (expected.status, done.status, done.error) == (Status.PASSED, Status.PASSED, None)
