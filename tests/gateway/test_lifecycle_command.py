"""`fse lifecycle` and docs/lifecycle.md: the three life cycles, told from their tables and their wording file."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

import schemas
from fse.lifecycle import LOTS, PAPERS, SHEETS, wording
from gateway.cli.lifecycle import lifecycle
from gateway.lifecycle_pages import lifecycle_page

if TYPE_CHECKING:
    from typer.testing import Result

    from gateway.lifecycle_pages import AnyTable

ROOT = Path(__file__).parents[2]
TABLES = [pytest.param(table, id=table.name) for table in (SHEETS, LOTS, PAPERS)]
WIDE = 300

app = typer.Typer()
app.command("lifecycle")(lifecycle)


@pytest.fixture(autouse=True)
def _wide_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every cell stand on one line."""
    monkeypatch.setattr("gateway.cli.output.console._width", WIDE)


def ask(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [*words])


def rows(result: Result) -> list[list[str]]:
    """Return the cells of every row, top to bottom."""
    lines = (line for line in result.output.splitlines() if line.startswith("│"))
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


@pytest.mark.parametrize("table", TABLES)
def test_each_state_appears_once_under_its_own_table(table: AnyTable) -> None:
    """Protects the list: every state, in the order of an ordinary life, and of no other table."""
    result = ask(table.name)
    assert result.exit_code == 0
    states = list(table.states.__members__.values())
    assert [row[0] for row in rows(result)][: len(states)] == states
    titles = re.findall(r"^(sheet|lot|paper) :", result.output, re.MULTILINE)
    assert titles == [table.name]


def test_a_state_says_what_to_do_and_by_when() -> None:
    """Protects the three things people come for, written here by hand, in both languages."""
    wanted = {
        ("sheet", "sent"): ["Émise, accusé de réception attendu.", "Attendre l'accusé de réception."],
        ("lot", "to_sign"): ["Lot formé, à signer.", "Signer le lot."],
        ("paper", "received"): ["Reçu par la caisse.", "Rien à faire."],
    }
    limits = ["dernier jour d'attente de l'accusé de réception", "dernier jour pour émettre", "–"]
    for ((table, state), texts), limit in zip(wanted.items(), limits, strict=True):
        assert [state, *texts, limit] in rows(ask(table))
    english = ["printed", "Printed, to be signed and posted.", "Have the document signed and post it to the caisse."]
    assert [*english, "last day to post"] in rows(ask("paper", "--lang", "en"))


def test_without_a_name_the_three_are_shown_with_the_readings_of_the_law() -> None:
    """Protects the plain command: three tables in order, then each profile with its source and certainty; no rows."""
    result = ask()
    assert re.findall(r"^(\w+) : ", result.output, re.MULTILINE) == ["sheet", "lot", "paper"]
    same_window = "Aucune réémission après la fin du délai de première émission."
    assert ["same_window", same_window, "protocol art. 6: «within the regulatory delays»", "C"] in rows(result)
    assert [row[-1] for row in rows(result)[-3:]] == ["C", "C", "U"]
    assert "regulation" not in ask("paper").output


def test_events_show_conditions_effects_and_source() -> None:
    """Protects --events: the row of a degraded sheet whole, as the protocol has it, and an event that moves nothing."""
    told = rows(ask("sheet", "--events", "--lang", "en"))
    twin = ["reserved", "seal", "sealed", "degraded sheet", "Prepare the paper twin."]
    place = told.index([*twin, "protocol (convention 2023-212, annexe 1.2) art. 6"])
    assert told[place + 1][1] == "The CPS card signs the sheet, which is whole."
    alert = next(row for row in rows(ask("paper", "--events")) if row[:2] == ["printed", "alert"])
    assert alert[2:5] == ["reste", "le délai d'envoi est passé, sans alerte encore donnée", "Prévenir une personne."]


@pytest.mark.parametrize("table", TABLES)
def test_events_show_every_row_and_every_timer(table: AnyTable) -> None:
    """Protects against a table told in part: each row and each timer has its line."""
    told = rows(ask(table.name, "--events"))
    events = {event.value for event in table.events}
    assert sum(len(row) == 6 and row[1] in events for row in told) == len(table.rows)
    assert sum(len(row) == 2 and row[1] in events for row in told) == len(table.timers)


@pytest.mark.parametrize(("options", "word"), [((), "inconnu"), (("--lang", "en"), "unknown")])
def test_an_unknown_name_is_refused(options: tuple[str, ...], word: str) -> None:
    """Protects whoever mistypes: exit code 2, the names that exist, no table."""
    result = ask("feuille", *options)
    assert result.exit_code == 2
    assert word in result.output
    assert "sheet, lot, paper" in result.output
    assert "reserved" not in result.output


def test_every_event_and_limit_is_worded_once() -> None:
    """Protects the wording file: a sentence in two languages for each event and limit, and none that nothing uses."""
    sentences = schemas.read_toml("lifecycle.toml")
    tables: tuple[AnyTable, ...] = (SHEETS, LOTS, PAPERS)
    assert set(sentences["event"]) == {event.value for table in tables for event in table.events}
    assert set(sentences["limit"]) == {name for table in tables for name in table.limits}
    for kind in ("event", "limit"):
        for name in sentences[kind]:
            assert wording(kind, name).fr
            assert wording(kind, name).en
            assert wording(kind, name).fr != wording(kind, name).en


def test_the_page_is_fresh() -> None:
    """Protects docs/lifecycle.md: it is what `python -m gateway.lifecycle_pages` writes."""
    assert (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8") == lifecycle_page()


@pytest.mark.parametrize("table", TABLES)
def test_the_diagram_draws_each_change_of_state_once(table: AnyTable) -> None:
    """Protects the drawings: read back, boxes opened, they hold the arrows of the table, each once, no other."""
    drawing = re.findall(r"```mermaid\n(.*?)```", lifecycle_page(), re.DOTALL)[[SHEETS, LOTS, PAPERS].index(table)]
    boxes = {name: text.split("<br/>") for text, name in re.findall(r'state "(.+)" as (\w+)', drawing)}
    drawn = [
        (state, event, to)
        for start, to, label in re.findall(r"(\w+) --> (\w+): (.+)", drawing)
        for state in boxes.get(start, [start])
        for event in label.split(" / ")
    ]
    changes = {(row.state.value, row.event.value, row.to.value) for row in table.rows if row.to is not row.state}
    assert sorted(drawn) == sorted(changes)
    arrows = re.findall(r"(\w+ --> \w+):", drawing)
    assert len(set(arrows)) == len(arrows)


def test_the_usual_way_is_drawn_from_state_to_state() -> None:
    """Protects the reader of the drawing: the way of a sheet that goes well is in no box."""
    way = ["reserved", "patient_signed", "sealed", "queued", "in_lot", "emission_started", "sent", "acknowledged"]
    drawing = lifecycle_page()
    for state, to in pairwise([*way, "paid", "closed"]):
        assert f"    {state} --> {to}: " in drawing
