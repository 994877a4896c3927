"""Scenario files: what they may say, and where they are told to be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from card_sim.wallet import demo_wallet
from gateway.scenario import MAX_SCENARIO_BYTES, ScenarioError, find_scenario, read_scenario, scenario_names
from gateway.scenario.people import check_names
from gateway.scenario.yaml_text import parse

HEAD = """format: 1
name: T1
title: Essai
source: test
start: 2025-03-03T08:00:00+01:00
steps:
"""
"""Six lines: the first step begins on line 7."""


def refused(text: str) -> ScenarioError:
    """Return what refuses the file ``text``."""
    with pytest.raises(ScenarioError) as caught:
        check_names(read_scenario(text.encode()), demo_wallet())
    return caught.value


def test_the_ten_scenarios_of_the_convention_are_delivered_in_their_order() -> None:
    """Protects the list: S1 to S10, each well-formed and speaking of people that exist."""
    assert scenario_names() == tuple(f"S{rank}" for rank in range(1, 11))
    for name in scenario_names():
        scenario = find_scenario(name)
        assert scenario.name == name
        check_names(scenario, demo_wallet())


@pytest.mark.parametrize(
    ("steps", "line", "place"),
    [
        ("  - say: a\n  - shout: b\n", 8, "steps[1].shout"),
        ("  - {}\n", 7, "steps[0]"),
        ("  - { say: a, pending: b }\n", 7, "steps[0]"),
        ("  - clock: demain\n", 7, "steps[0].clock"),
        ("  - clock: 2025-03-03T10:00:00\n", 7, "steps[0].clock"),
        ("  - consult:\n      as: A\n      acts: []\n    expect: []\n", 9, "steps[0].consult.acts"),
        ("  - consult: { as: A, acts: [G] }\n", 7, "steps[0]"),
        ("  - { say: a, expect: [] }\n", 7, "steps[0]"),
        ("  - check: { of: A, part: 1 }\n", 7, "steps[0].check"),
        ("  - incident: { kind: alter-file, organism: '12' }\n", 7, "steps[0].incident.organism"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_place(steps: str, line: int, place: str) -> None:
    """Protects SCENARIO-VALUE: a trainer finds the very line of his mistake."""
    error = refused(HEAD + steps)
    assert (error.rule.id, error.facts["line"], error.facts["place"]) == ("SCENARIO-VALUE", line, place)
    assert f"Ligne {line}, {place}" in error.message("fr")


@pytest.mark.parametrize(
    ("steps", "place", "name"),
    [
        ("  - { consult: { as: A, by: personne, acts: [G] }, error: X1 }\n", "consult.by", "personne"),
        ("  - { consult: { as: A, card: personne, acts: [G] }, error: X1 }\n", "consult.card", "personne"),
        ("  - { consult: { as: A, card: dutest, who: 2, acts: [G] }, error: X1 }\n", "consult.who", 2),
        ("  - send: { by: personne }\n", "send.by", "personne"),
        ("  - paper: { of: B, kind: twin, do: [print] }\n", "paper.of", "B"),
        ("  - check: { of: B, papers: [] }\n", "check.of", "B"),
    ],
)
def test_a_name_that_nobody_bears_is_told_with_those_that_exist(steps: str, place: str, name: object) -> None:
    """Protects SCENARIO-NAME: a misspelt card or consultation is found before anything is played."""
    error = refused(HEAD + steps)
    assert (error.rule.id, error.facts["line"], error.facts["place"]) == ("SCENARIO-NAME", 7, place)
    assert error.facts["name"] == name


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("a: 1\na: 2\n", 2),
        ("a: &x 1\nb: *x\n", 1),
        ("a: [1\n", 2),
        ("a: 1\n? [b]\n: 2\n", 2),
        ("\x00", 1),
        ("[" * 3000, 1),
        ("a: " + "{ a: " * 30 + "1" + "}" * 30, 1),
    ],
)
def test_yaml_beyond_the_small_one_is_refused_with_its_line(text: str, line: int) -> None:
    """Protects SCENARIO-YAML: repeated keys, aliases that unfold without end and broken text never reach the model."""
    error = refused(text)
    assert (error.rule.id, error.facts["line"]) == ("SCENARIO-YAML", line)


def test_bytes_that_are_not_utf8_and_files_too_large_are_refused() -> None:
    """Protects SCENARIO-SIZE, and the decoding before the parser."""
    with pytest.raises(ScenarioError) as caught:
        read_scenario(b"\xff")
    assert caught.value.rule.id == "SCENARIO-YAML"
    with pytest.raises(ScenarioError) as caught:
        read_scenario(b"#" * (MAX_SCENARIO_BYTES + 1))
    assert caught.value.rule.id == "SCENARIO-SIZE"


def test_values_keep_their_writing() -> None:
    """Protects codes: 019990000 stays text, as do dates and `no`; whole numbers and true are what they look like."""
    value, lines = parse("a: 019990000\nb: 2025-03-03\nc: no\nd: 12\ne: true\nf: '12'\ng:\n")
    assert value == {"a": "019990000", "b": "2025-03-03", "c": "no", "d": 12, "e": True, "f": "12", "g": None}
    assert lines["d",] == 4


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_end_in_a_named_error(data: bytes) -> None:
    """Protects the reader from hostile files: never another exception."""
    with pytest.raises(ScenarioError):
        read_scenario(data)


def test_an_unknown_scenario_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects SCENARIO-UNKNOWN: a name that is neither delivered nor a file; and a name never leaves the shelf."""
    monkeypatch.chdir(tmp_path)
    for name in ("S99", "../rules/gateway"):
        with pytest.raises(ScenarioError) as caught:
            find_scenario(name)
        assert caught.value.rule.id == "SCENARIO-UNKNOWN"


def test_a_file_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    """Protects trainers' own files: copied, renamed, read."""
    own = tmp_path / "mine.yaml"
    own.write_bytes((Path(str(schemas.__file__)).parent / "scenarios" / "S2.yaml").read_bytes())
    assert find_scenario(str(own)) == find_scenario("S2")


def test_the_published_schema_knows_what_the_files_say() -> None:
    """Protects the published JSON Schema: it is JSON, names the format, and knows each action that the files use."""
    schema = json.loads((Path(str(schemas.__file__)).parent / "scenario-1.schema.json").read_text())
    actions = set(schema["$defs"]["Step"]["properties"])
    used = set()
    for name in scenario_names():
        value, _ = parse((Path(str(schemas.__file__)).parent / "scenarios" / f"{name}.yaml").read_text())
        assert isinstance(value, dict)
        assert set(value) <= set(schema["properties"])
        used |= {key for step in value["steps"] for key in step}
    assert used <= actions
    assert {"say", "clock", "consult", "send", "check", "paper", "incident", "end-incident", "pending"} <= used
