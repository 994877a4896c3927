"""The rule catalogue: whole, in two languages, raised by the product and broken by an example in the tests."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from fse.errors import FseError
from fse.rules import Rule, catalogue, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ROOMS = ("fse", "card_sim", "gateway")
RULES = sorted(catalogue())


def facts_of(*texts: str) -> set[str]:
    """Return the names in braces of ``texts``."""
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Give each module of the product, parsed."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path, ast.parse(path.read_text())


@cache
def texts_of_the_product() -> frozenset[str]:
    """Return every text constant of the product's modules and of the life cycle's table, which names its rules."""
    found = {
        node.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(found | set(re.findall(r'"([^"]+)"', schemas.read_text("lifecycle.toml"))))


@cache
def text_of_the_tests() -> str:
    """Return the source of all the tests but these, and the encounters that they play."""
    own, tests = Path(__file__), ROOT / "tests"
    files = [*sorted(tests.rglob("test_*.py")), *sorted(tests.rglob("*.toml"))]
    return "\n".join(one.read_text(encoding="utf-8") for one in files if one != own)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_speaks_both_languages_of_the_same_facts(name: str) -> None:
    """A refusal reads as well in English, and never misses a fact in one of the two."""
    one = rule(name)
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", name)
    assert one.severity in {"error", "warning"}
    assert all(text.strip() == text and text for text in (one.source, one.fr, one.fr_action, one.en, one.en_action))
    french, english = facts_of(one.fr, one.fr_action), facts_of(one.en, one.en_action)
    assert {fact.removesuffix("_fr") for fact in french} == {fact.removesuffix("_en") for fact in english}
    assert one.fact_names == french | english


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_raised_by_the_product(name: str) -> None:
    """An entry that nothing raises is dead text."""
    assert name in texts_of_the_product()


@cache
def classes_of_one_rule() -> dict[str, str]:
    """Return the rule of each error class that has one of its own, by the name of the class."""
    return {
        node.name: str(statement.value.value)
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id == "default_rule"
        and isinstance(statement.value, ast.Constant)
    }


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_a_breaking_example(name: str) -> None:
    """Some other test names the rule, or the error class that is its own: the test that breaks it."""
    names = [name, *(one for one, its_rule in classes_of_one_rule().items() if its_rule == name)]
    found = any(re.search(rf"(?<![\w-]){one}(?![\w-])", text_of_the_tests()) for one in names)
    assert found, f"no test breaks the rule {name}"


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Give each place that names a rule in a call: where, the rule, and the facts given (None: not told there)."""
    own_facts = {
        node.name
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in node.body)
    }
    for path, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id == "rule":
                continue
            named: Any = node.args[0] if node.args else None
            name = named.value if isinstance(named, ast.Constant) else classes_of_one_rule().get(node.func.id, "")
            if isinstance(name, str) and (name in catalogue() or node.func.id.endswith("Error")) and name:
                given = {keyword.arg or "" for keyword in node.keywords}
                facts = None if "" in given or node.func.id in own_facts else given
                yield f"{path.relative_to(ROOT)}:{node.lineno}", name, facts


def test_every_error_gives_the_facts_that_its_message_speaks_of() -> None:
    """A message must never fail for a fact that nobody handed over: `str` of the error would raise instead."""
    places = list(raised())
    assert len(places) > 60
    wrong = [
        (where, name, sorted(catalogue()[name].fact_names - facts))
        for where, name, facts in places
        if name in catalogue() and facts is not None and not catalogue()[name].fact_names <= facts
    ]
    assert wrong == []


def test_no_error_names_a_rule_that_does_not_exist() -> None:
    """A wrong id would end in KeyError at the worst moment."""
    looks_like_a_rule = re.compile(r"[A-Z]{2,}(-[A-Z0-9]+)+")
    unknown = [(where, name) for where, name, _ in raised() if looks_like_a_rule.fullmatch(name)]
    assert [found for found in unknown if found[1] not in catalogue()] == []


def test_an_id_stands_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second entry would silently change what the first one says."""
    monkeypatch.setattr(schemas, "names", lambda *_: ["rules/sheet.toml", "rules/sheet.toml"])
    with pytest.raises(ValueError, match="SHEET-PART is written twice"):
        catalogue.__wrapped__()


def test_an_error_is_its_rule_with_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what happened and what to do, in the language asked; facts stay at hand."""
    example = Rule("X-Y", "a norm", "error", "Il y a {n}.", "There is {n}.", "Ôter {n}.", "Remove {n}.")
    monkeypatch.setattr("fse.errors.rule", {"X-Y": example}.__getitem__)
    error = FseError("X-Y", n=3)
    assert (error.message(), error.message("en")) == ("Il y a 3. Ôter 3.", "There is 3. Remove 3.")
    assert (error.to_do(), error.to_do("en")) == ("Ôter 3.", "Remove 3.")
    assert (str(error), error.facts, error.rule) == ("[X-Y] Il y a 3. Ôter 3.", {"n": 3}, example)
    with pytest.raises(KeyError):
        FseError("X-Z")
