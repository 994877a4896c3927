"""`fse route` and `fse price`: the decision about an encounter, told to a person."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.route import price, route

if TYPE_CHECKING:
    from typer.testing import Result

EXAMPLE = Path(__file__).parents[2] / "examples" / "encounter.json"

app = typer.Typer()
app.command("route")(route)
app.command("price")(price)


@pytest.fixture
def consultation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file where tests write an encounter; the screen is wide."""
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.setattr("gateway.cli.output.console._width", 220)
    return tmp_path / "consultation.json"


def ask(command: str, path: Path, *options: str, **changes: object) -> Result:
    """Run a command on the example, changed."""
    path.write_text(json.dumps(json.loads(EXAMPLE.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return CliRunner().invoke(app, [command, str(path), *options])


def cells(result: Result, first: str) -> list[str]:
    """Return the cells of the row that begins so."""
    row = next(line for line in result.output.splitlines() if line.startswith(f"│ {first}"))
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_each_document_has_its_channel_its_reason_and_its_source(consultation: Path) -> None:
    """Protects the explanation: one encounter splits, the vaccine on its form, each row with its article."""
    result = ask("route", consultation, acts=[{"code": "COD"}, {"code": "VACCIN", "cip": "3400935137340"}])
    assert result.exit_code == 0
    assert cells(result, "COD")[2:] == [
        "FSE sécurisée",
        "cartes CPS et Vitale lues",
        "protocol art. 5; CSS R161-43",
    ]
    assert cells(result, "VACCIN")[2:4] == ["formulaire 708", "vaccin : uniquement sur 708"]
    english = ask("route", consultation, "--lang", "en", "--opposed")
    assert cells(english, "COD")[2:4] == ["degraded FSE + paper", "card on the opposition list"]


def test_each_number_has_its_reason(consultation: Path) -> None:
    """Protects the price: G of a generalist, 30.00 since 22 December 2024 at 70 %, is 21.00 and 9.00, by hand."""
    insured = json.loads(EXAMPLE.read_text(encoding="utf-8"))["patient"]
    insured.pop("beneficiary")
    result = ask(
        "price",
        consultation,
        acts=[{"code": "G", "quantity": 2}, {"code": "VACCIN"}],
        patient=insured,
    )
    assert result.exit_code == 1
    assert cells(result, "G,")[2:7] == ["2", "60,00 €", "70 %", "42,00 €", "18,00 €"]
    assert "Tarif G : 30,00 €" in result.output
    assert "Total : 60,00 €, part obligatoire : 42,00 €" in result.output
    assert "[VACCINE-PUBLIC]" in result.output


@pytest.mark.parametrize("command", ["route", "price"])
def test_a_refusal_names_its_rule(command: str, consultation: Path) -> None:
    """Protects whoever scripts it: exit code 1, the rule, what to do; the other acts are still explained."""
    result = ask(command, consultation, acts=[{"code": "ZZZ9"}, {"code": "COD"}])
    assert result.exit_code == 1
    assert re.search(r"✘ \[ROUTE-ACT\] Acte ZZZ9 : .*", result.output)
    assert cells(result, "COD")
