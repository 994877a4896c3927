"""`fse obligations`: one calendar of all that is due, for a person and for a program."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner, Result

from fse.errors import FseError
from gateway.cli.obligations import obligations
from gateway.obligations import calendar_service, expected_of_sheets
from gateway.profile import load_profile, profile_names
from tests.gateway.bench import visit

if TYPE_CHECKING:
    from tests.gateway.bench import Bench

app = typer.Typer()
app.command()(obligations)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a wide screen, whatever another test has left."""
    monkeypatch.setattr("gateway.cli.output.console._width", 200)


def ask(*words: object) -> Result:
    """Run the command on a wide terminal."""
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def asked(*words: object) -> dict[str, Any]:
    """Return what the command answers to a program."""
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_a_year_for_a_program() -> None:
    """PROT-49: 2026 has the term of the convention and its notice, beside what every year has; instants are dated."""
    found = asked("--year", 2026)
    assert (found["from"], found["to"]) == ("2026-01-01", "2026-12-31")
    days = {one["id"]: one["day"] for one in found["due"]}
    assert (days["convention-notice"], days["convention-term"]) == ("2026-02-15", "2026-05-15")
    assert [one["until"] for one in found["due"] if one["id"] == "mrtc"] == ["2026-12-30T23:59:59+01:00"]
    counts = [sum(one["id"] == name for one in found["due"]) for name in ("monthly-paper", "quarterly-709", "bilan")]
    assert counts == [24, 4, 1]  # two caisses, twelve months
    assert {one["id"] for one in found["of_each_sheet"]} == {"transmission", "paper-half", "reemission", "payment"}


def test_a_period_with_the_delays_of_one_sheet() -> None:
    """From 1 to 31 March 2025 with a sheet of the 3rd: what is due for it stands among the rest, in order."""
    found = asked(
        "--from", "2025-03-01", "--to", "2025-03-31", "--act", "2025-03-03", "--failure", "2025-03-12",
        "--ack", "2025-03-04",
    )  # fmt: skip
    told = [(one["day"], one["id"]) for one in found["due"]]
    assert told == [
        ("2025-03-11", "paper-half"),
        ("2025-03-13", "transmission"),
        ("2025-03-14", "reemission"),
        ("2025-03-31", "monthly-paper"),
        ("2025-03-31", "monthly-paper"),
        ("2025-03-31", "quarterly-709"),
        ("2025-04-04", "payment"),
    ]
    assert found["of_each_sheet"] == []


def test_one_end_alone_takes_the_rest_of_its_year() -> None:
    """--from alone goes to the end of its year, --to alone starts with its year."""
    assert asked("--from", "2025-12-30")["to"] == "2025-12-31"
    assert asked("--to", "2025-01-02")["from"] == "2025-01-01"
    assert asked()["from"].endswith("-01-01")


@pytest.mark.parametrize(
    ("lang", "words"), [("fr", "Échéances du 2025-01-01 au 2025-12-31"), ("en", "Due from 2025-01-01 to 2025-12-31")]
)
def test_a_person_reads_it(lang: str, words: str) -> None:
    """A table in both languages, with source and certainty, and the jour ouvré to act when the day is off."""
    told = ask("--year", 2025, "--lang", lang).output
    assert words in told
    assert "CPAM de l'Artois" in told
    assert "29/08/2025" in told  # the Friday before Sunday 31 August
    assert "MRTC" in told
    assert "convention 2023-212" in told


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--from", "2025-02-01", "--to", "2025-01-01"), "OBLIGATION-PERIOD"),
        (("--from", "1/2/2025"), "DEADLINE-DATE"),
        (("--act", "2025-02-30"), "DEADLINE-DATE"),
        (("--profile", "nowhere"), "PROFILE-UNKNOWN"),
    ],
)
def test_bad_input_is_one_rule(words: tuple[str, ...], rule: str) -> None:
    """A date that is none, a period backwards, a service nobody knows: each ends in its rule."""
    error = ask(*words).exception
    assert isinstance(error, FseError)
    assert error.rule.id == rule


def test_a_year_or_a_period_never_both() -> None:
    """Two periods at once would hide one of them: refused with exit code 2."""
    assert ask("--year", 2025, "--from", "2025-02-01").exit_code == 2


@pytest.mark.parametrize("name", profile_names())
def test_each_service_has_its_calendar(name: str) -> None:
    """Every profile of the package is asked without an error; its caisses have names, its place its days off."""
    one = calendar_service(name)
    assert one.caisses
    assert not any(caisse.isdigit() for caisse in one.caisses)
    assert one.policy.calendar.is_working(date(2025, 12, 26)) is (name != "haut-rhin-simule")


def test_the_sheets_of_the_journal_stand_in_it(bench: Bench) -> None:
    """Two sheets of 4 March wait for their lot until 14 March: counted, without number or name; outside, nothing."""
    for reference in ("V1", "V2"):
        bench.submit(visit(reference))
    march = date(2025, 3, 1), date(2025, 3, 31)
    found = expected_of_sheets(bench.journal, load_profile(), bench.clock.now(), march)
    assert [(one.day, one.subject, one.count) for one in found] == [(date(2025, 3, 14), "sheet", 2)]
    april = date(2025, 4, 1), date(2025, 4, 30)
    assert expected_of_sheets(bench.journal, load_profile(), bench.clock.now(), april) == ()


def test_the_command_counts_the_sheets_too(bench: Bench) -> None:
    """--sheets reads the journal that is named; a journal that is not there is told, never made."""
    bench.submit(visit())
    (one,) = asked("--from", "2025-03-10", "--to", "2025-03-20", "--sheets", "--journal", bench.path)["sheets"]
    assert (one["day"], one["count"]) == ("2025-03-14", 1)
    told = ask("--from", "2025-03-10", "--to", "2025-03-20", "--sheets", "--journal", bench.path).output
    assert "1 feuille(s)" in told
    error = ask("--sheets", "--journal", bench.path.parent / "none.db").exception
    assert isinstance(error, FseError)
    assert error.rule.id == "JOURNAL-MISSING"
