"""The requirements of the conventions: each must has a test that exists, or a written reason."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fse.errors import FseError
from fse.requirements import Requirement, requirements, rules_of
from fse.rules import catalogue
from gateway.cli.rules import app
from gateway.rule_pages import rules_page

ROOT = Path(__file__).parents[2]
REQUIREMENTS = list(requirements().values())

# How many each family has, counted in the conventions and not in the file.
FAMILIES = {
    "CONV": 31, "PROT": 49, "VACC": 9, "DELEG": 7, "ANON": 11, "RIGHT": 4, "PAY": 13, "BILAN": 10, "VERS": 5, "SITE": 6,
    "PEGASE": 4, "D35": 6, "D68": 3, "K35": 3, "PREV": 3, "GOV": 3, "QA": 4,
}  # fmt: skip


@cache
def functions_in(file: str) -> frozenset[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


def test_every_requirement_of_the_conventions_is_there() -> None:
    """Protects the list: every id of each family, without a hole."""
    for family, count in FAMILIES.items():
        found = [one.id for one in REQUIREMENTS if one.family == family]
        assert found == [f"{family}-{rank:02d}" for rank in range(1, count + 1)]
    assert len(REQUIREMENTS) == sum(FAMILIES.values())


@pytest.mark.parametrize("one", REQUIREMENTS, ids=lambda one: one.id)
def test_every_must_has_a_test_or_a_reason(one: Requirement) -> None:
    """QA-01: a test that exists, else a written reason, never both; the text is a sentence of ours."""
    assert bool(one.tests) != bool(one.waits)
    assert one.fr.endswith(".")
    assert one.en.endswith(".")
    assert one.fr != one.en
    for test in one.tests:
        file, _, name = test.partition("::")
        assert name in functions_in(file), f"{one.id}: no test {test}"


def test_most_musts_are_shown_by_a_test() -> None:
    """Protects the honesty of the list: what waits is payments, the review, rights, contracts; all else is tested."""
    waiting = {one.family for one in REQUIREMENTS if one.level == "must" and one.waits}
    assert waiting <= {"PAY", "BILAN", "RIGHT", "CONV", "PROT", "VACC", "VERS"}
    musts = [one for one in REQUIREMENTS if one.level == "must"]
    assert sum(bool(one.tests) for one in musts) >= 70


def test_rules_and_requirements_know_each_other() -> None:
    """A rule belongs to the requirement that its source names, and to no other with a longer number."""
    assert [rule.id for rule in rules_of("VACC-02")] == ["VACCINE-PUBLIC"]
    assert "ROUTE-ACT" in [rule.id for rule in rules_of("CONV-10")]
    assert rules_of("CONV-1") == ()


def test_the_page_is_fresh() -> None:
    """Protects docs/rules.md: it is what `make schemas` writes."""
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules_page()


def test_the_commands_list_show_and_count() -> None:
    """Protects `fse rules`: a family, one requirement with its tests, one rule with its message, the counts."""
    run = CliRunner().invoke
    assert "ROUTE-ACT" in run(app, ["list", "--family", "route"]).output
    shown = run(app, ["show", "vacc-06"]).output
    assert "VACCINE-MARKET" in shown
    assert "test_a_vaccine_outside" in re.sub(r"[\s│]", "", shown)
    assert catalogue()["ROUTE-ACT"].source[:20] in run(app, ["show", "ROUTE-ACT"]).output
    counted = run(app, ["coverage"])
    assert (counted.exit_code, "must :" in counted.output) == (0, True)
    for command in (["show", "VACC-6"], ["list", "--family", "XYZ"]):
        error = run(app, command).exception
        assert isinstance(error, FseError)
        assert error.rule.id == "RULE-UNKNOWN"
