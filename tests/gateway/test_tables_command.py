"""`fse tables`, other sets of tables, other profiles: shown, compared, replaced as a whole or not at all."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from shutil import copyfile

import pytest
from typer.testing import CliRunner, Result

import schemas
from fse.errors import FseError
from fse.routing import Outcome
from fse.table_text import TableError
from fse.tables import TABLE_FILES, package_tables
from gateway.cli.route import price, route
from gateway.cli.tables import app
from gateway.profile import load_profile, profile_names
from gateway.table_folder import read_tables
from tests.gateway.bench import Bench, patient, professional, visit

EXAMPLE = Path(__file__).parents[2] / "examples" / "encounter.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a set of tables of its own."""
    tables = tmp_path / "tables"
    tables.mkdir()
    for name in TABLE_FILES:
        copyfile(Path(schemas.__file__).parent / "tables" / name, tables / name)
    return tables


def dearer(folder: Path, file: str = "acts.csv") -> None:
    """Make the examination COD of today cost 36.00 instead of 35.00."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",3500,100,10,3,2024-12-22", ",3600,100,10,3,2024-12-22"), encoding="utf-8")


def ask(*arguments: object) -> Result:
    """Run a command of `fse tables`."""
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})


def test_check_and_show_say_what_is_uncertain(folder: Path) -> None:
    """Protects who replaces tables: each file, its lines, its label, how many are uncertain; a table in full."""
    checked = ask("check", folder)
    assert checked.exit_code == 0
    assert all(name in checked.output for name in TABLE_FILES)
    shown = ask("show")
    assert "incertaines" in shown.output
    assert "Cahier des charges 1.40" in shown.output
    assert "2015-01-15" in ask("show", "specifications.csv").output
    assert ask("show", "nope.csv").exit_code == 2


def test_a_bad_set_is_refused_with_its_place(folder: Path) -> None:
    """Protects the operator: the rule, the file and the line; a file that is missing too."""
    (folder / "acts.csv").write_text("# label: x\nnonsense\n", encoding="utf-8")
    error = ask("check", folder).exception
    assert isinstance(error, TableError)
    assert (error.rule.id, error.facts["file"], error.facts["line"]) == ("TABLE-HEADER", "acts.csv", 2)
    (folder / "acts.csv").unlink()
    gone = ask("check", folder).exception
    assert isinstance(gone, TableError)
    assert gone.rule.id == "TABLE-MISSING"


def test_diff_shows_the_lines_that_changed(folder: Path) -> None:
    """Protects a change of tariffs: nothing when equal, else each line before and after, exit code 1."""
    same = ask("diff", folder)
    assert (same.exit_code, "Mêmes lignes" in same.output) == (0, True)
    dearer(folder)
    changed = ask("diff", folder)
    assert changed.exit_code == 1
    assert changed.output.count("- acts.csv : COD") == changed.output.count("+ acts.csv : COD") == 3
    assert "3600" in changed.output


def test_prices_follow_the_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects `--tables`: the same encounter costs what the other set says; the package is untouched."""
    dearer(folder)
    price(EXAMPLE, tables=folder)
    assert "36,00 €" in capsys.readouterr().out
    price(EXAMPLE)
    assert "35,00 €" in capsys.readouterr().out


def test_the_gateway_goes_on_with_the_old_tables(folder: Path, tmp_path: Path) -> None:
    """Protects a running service: a set with a wrong line changes nothing; a right one holds from then on."""
    bench = Bench(tmp_path)
    broken = folder / "caisses.csv"
    good = broken.read_text(encoding="utf-8")
    dearer(folder)
    broken.write_text(good + "019990000,Deux fois,62,yes,2020-01-01,,own,U,\n", encoding="utf-8")
    with pytest.raises(TableError) as caught:
        bench.gateway.load_tables(folder)
    assert (caught.value.rule.id, caught.value.facts["file"]) == ("TABLE-OVERLAP", "caisses.csv")
    (reply,) = bench.submit(visit("BEFORE"))
    assert reply.total_cents == 3500
    broken.write_text(good, encoding="utf-8")
    bench.gateway.load_tables(folder)
    (reply,) = bench.submit(visit("AFTER"))
    assert reply.total_cents == 3600


def test_an_outdated_cahier_des_charges_makes_paper(folder: Path, tmp_path: Path) -> None:
    """VERS-02, S10: the last day of the 18 months a sheet, the next day plain paper with its reason, nothing signed."""
    path = folder / "specifications.csv"
    head = path.read_text(encoding="utf-8").split("1.31")[0]
    for published, outcome, reason in (
        ("2023-09-04", Outcome.SECURED, "secured-usable"),
        ("2023-09-03", Outcome.PLAIN_PAPER, "version-overdue"),
    ):
        before = date.fromordinal(date.fromisoformat(published).toordinal() - 1)
        path.write_text(f"{head}1.40,2020-01-01,{before},own,U,\n1.50,{published},,own,U,\n", encoding="utf-8")
        here = tmp_path / published
        here.mkdir()
        bench = Bench(here)  # on 4 March 2025
        bench.gateway.load_tables(folder)
        (reply,) = bench.submit(visit())
        assert (reply.outcome, reply.reason) == (outcome, reason)
        ((document,),) = bench.rows("SELECT document FROM papers") or [("{}",)]
        assert json.loads(document).get("reason", "secured-usable") == reason


def test_the_profiles_differ_as_their_conventions_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects the three départements: sage-femme référente, screening and secrecy in 35 only; Alsace days in 68."""
    assert profile_names() == ("haut-rhin-simule", "ille-et-vilaine-simule", "pas-de-calais-simule")
    strict, wide, alsace = map(load_profile, ("pas-de-calais-simule", "ille-et-vilaine-simule", "haut-rhin-simule"))
    assert [one.channels.adult_screening for one in (strict, wide, alsace)] == [False, True, False]
    assert [one.channels.minor_contraception for one in (strict, wide, alsace)] == [False, True, False]
    assert len(strict.sites) == 49
    assert [len(wide.sites), len(alsace.sites)] == [1, 1]
    last = date(2024, 12, 18)  # 8 jours ouvrés: 25 December off everywhere, 26 December in Alsace only
    assert [one.policy.first_emission_limit(last).isoformat() for one in (strict, alsace)] == [
        "2024-12-31",
        "2025-01-02",
    ]
    facts = visit(
        professional=professional("sage_femme"),
        patient=patient("lexemple", child=None),
        acts=[{"code": "SFR"}],
        delivery_date="2025-02-25",
        referent_midwife={
            "rpps": "99700000021",
            "designated_on": "2024-10-01",
            "chosen_by_woman": True,
            "accepted": True,
        },
    )
    file = tmp_path / "encounter.json"
    file.write_text(facts.model_dump_json(), encoding="utf-8")
    route(file, profile="ille-et-vilaine-simule")
    assert "FSE sécurisée" in capsys.readouterr().out
    with pytest.raises(Exception, match="1"):
        route(file)
    assert "ROUTE-ACT" in capsys.readouterr().out
    with pytest.raises(FseError) as caught:
        load_profile("../secret")
    assert caught.value.rule.id == "PROFILE-UNKNOWN"


def test_the_folder_of_the_package_is_a_set(folder: Path) -> None:
    """What is delivered can be copied, edited and handed back."""
    assert read_tables(folder) == package_tables()


def test_working_days_follow_the_holidays_of_the_set(folder: Path) -> None:
    """Protects the calendar: one more holiday in the set moves the deadline of its profile by a jour ouvré."""
    path = folder / "holidays.csv"
    path.write_text(path.read_text(encoding="utf-8") + "03-10,national,Fête du test,Test day,own,U\n", encoding="utf-8")
    limits = [
        load_profile(tables=one).policy.first_emission_limit(date(2025, 3, 4)) for one in (read_tables(folder), None)
    ]
    assert limits == [date(2025, 3, 17), date(2025, 3, 14)]  # Monday 10 is off: Friday 14, then Monday 17
