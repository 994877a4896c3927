"""Exports of other applications: rows become drafts, identities synthetic ones, mistakes told with line and column."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from fse.decision import decide
from fse.encounter import Encounter, IdentifiedPatient, read_encounter
from fse.identifiers import Nir, check_rpps
from fse.synthetic import with_synthetic_people
from fse.tables import package_tables
from gateway.cli.import_file import import_file
from gateway.errors import GatewayError
from gateway.importer import import_rows, mapping_names, read_mapping
from tests.gateway.bench import EXAMPLE, visit

CSV = Path(__file__).parents[2] / "examples" / "export-horus.csv"
HORUS = read_mapping("horus")
REAL = (
    "DUTEST", "MAQUETTE", "INVENT", "Emma", "Sacha", "Marie-Anne", "1850362041999", "2931062041997",
    "MODELE", "99700000013",
)  # fmt: skip


def run(*arguments: object) -> Result:
    """Run `fse import`."""
    import typer  # noqa: PLC0415 - the command is registered alone

    app = typer.Typer()
    app.command()(import_file)
    return CliRunner().invoke(app, [str(one) for one in arguments])


def drafts(data: bytes, **mapping: Any) -> list[Encounter]:  # noqa: ANN401 - parts of a mapping
    """Return the encounters of an export that names fictive people."""
    return [one.encounter for one in import_rows(data, HORUS | mapping, seed=None).drafts]


def test_an_export_becomes_drafts_that_route_and_price() -> None:
    """Protects the mapping by hand: three of four rows, acts, vaccine, card, caisse; then channel and price."""
    first, second, third = drafts(CSV.read_bytes())
    assert (first.reference, first.at.isoformat()) == ("H-001", "2025-03-04T09:10:00+01:00")
    assert [act.code for act in second.acts] == ["COE", "VACCIN"]
    assert (second.vitale, second.acts[1].cip) == ("absent", "3400935137340")
    assert isinstance(third.patient, IdentifiedPatient)
    assert (third.patient.organism, third.patient.beneficiary) == ("019980000", None)
    found = [(one.outcome, one.total_cents) for one in decide(second, package_tables())]
    assert found == [("degraded", 5400), ("form-708", 2000)]
    assert decide(third, package_tables())[0].priced[0].nature == "maternite"


def test_identities_become_synthetic_and_ages_stay(tmp_path: Path) -> None:
    """Protects people: no name, no number in what is written; ages, sex, caisses and prices stay."""
    done = run(CSV, "-o", tmp_path / "out")
    assert (done.exit_code, "3" in done.output, "1 laissées" in done.output) == (0, True, True)
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert sorted(written) == ["H-001.json", "H-002.json", "H-003.json"]
    for text in written.values():
        assert [word for word in REAL if word in text] == []
    for before, (_, text) in zip(drafts(CSV.read_bytes()), sorted(written.items()), strict=True):
        after = read_encounter(text.encode())
        prices = [
            [(one.outcome, one.total_cents) for one in decide(facts, package_tables())] for facts in (before, after)
        ]
        assert prices[0] == prices[1]
        assert isinstance(after.patient, IdentifiedPatient)
        assert re.fullmatch(r"[0-9]{10}99[0-9]", after.patient.insured.nir)
        assert Nir.parse(after.patient.insured.nir).kind == "ordinary"
        assert check_rpps(after.professional.rpps).startswith("99700")


@given(st.dates(min_value=visit().day.replace(year=1930), max_value=visit().day), st.text("abc", max_size=3))
def test_an_age_in_years_never_changes(born: Any, seed: str) -> None:  # noqa: ANN401 - a date
    """Protects windows and titres: under seven the very day stays, from then on the age in years; the NIR agrees."""
    facts = json.loads(json.dumps(EXAMPLE))
    facts["patient"]["insured"]["birth_date"] = born.isoformat()
    del facts["patient"]["beneficiary"]
    on = visit().day
    changed = with_synthetic_people(facts, on, seed)["patient"]["insured"]
    then = type(born).fromisoformat(changed["birth_date"])

    def age(day: Any) -> int:  # noqa: ANN401 - a date
        return int(on.year - day.year - ((on.month, on.day) < (day.month, day.day)))

    assert age(then) == age(born)
    assert then == born or age(born) >= 7
    assert changed["nir"][1:5] == changed["birth_date"][2:4] + changed["birth_date"][5:7]
    assert with_synthetic_people(facts, on, seed)["patient"]["insured"] == changed


LINES = CSV.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("old", "new", "column", "rule"),
    [
        ("04/03/2025 09:10", "2025-03-04", "DATE_HEURE", "ENC-VALUE"),
        ("04/03/2025 09:10", "", "DATE_HEURE", "ENC-MISSING"),
        ("185036204199978", "185036204199979", "NIR", "NIR-KEY"),
        ("629990003", "629990004", "FINESS", "FINESS-KEY"),
        ("médecin", "dentiste", "PROFESSION", "ENC-VALUE"),
        ("02/05/2021", "31/02/2021", "NAISSANCE_ENFANT", "ENC-VALUE"),
        ("02/05/2021", "05/03/2025", "NAISSANCE_ENFANT", "ENC-ORDER"),
        (";COD;", ";;", "ACTES", "ENC-VALUE"),
        (";COD;", ";cod;", "ACTES", "ENC-VALUE"),
        (";COD;", ";VACCIN:123;", "ACTES", "CIP-FORM"),
        (";lue;", ";mangée;", "CARTE", "ENC-VALUE"),
    ],
)
def test_a_wrong_row_is_told_and_the_others_go_on(old: str, new: str, column: str, rule: str) -> None:
    """Protects the operator: line, column and rule of each wrong row, no identity in it; two drafts all the same."""
    wrong = "\n".join([LINES[0], LINES[1].replace(old, new, 1), *LINES[2:]])
    assert wrong != "\n".join(LINES)
    found = import_rows(wrong.encode(), HORUS, seed="x")
    assert len(found.drafts) == 2
    (mistake,) = found.mistakes
    assert (mistake.line, mistake.column, mistake.error.rule.id) == (2, column, rule)
    assert not any(word in mistake.error.message("fr") for word in REAL)


def test_appointments_that_were_honoured() -> None:
    """Protects the JSON mapping: objects in objects, words for acts, one honoured of two."""
    row = {
        "id": "R-1", "debut": "2025-03-04T14:00", "statut": "honoré", "motif": "consultation,MSF", "carte": None,
        "lieu": {"finess": "629990003"},
        "agent": {"rpps": "99700000021", "metier": "Sage-femme", "nom": "EXEMPLAIRE", "prenom": "Dominique"},
        "usager": {
            "nir": "290076204199842", "nom": "LEXEMPLE", "prenom": "Claire", "naissance": "1990-07-21",
            "caisse": "016240000",
        },
    }  # fmt: skip
    found = import_rows(json.dumps([row, row | {"statut": "absent"}]).encode(), read_mapping("illisa"), seed="x")
    assert (len(found.drafts), found.left, found.mistakes) == (1, 1, ())
    (decision,) = decide(found.drafts[0].encounter, package_tables())
    assert (decision.outcome, decision.total_cents) == ("degraded", 2650)  # C 23.00 + MSF 3.50


def test_a_mapping_of_ones_own_and_files_that_are_none(tmp_path: Path) -> None:
    """Protects the command: a copied mapping; broken file or mapping, taken folder: one message."""
    assert mapping_names() == ("horus", "illisa")
    mine = tmp_path / "mine.toml"
    source = Path(__file__).parents[2] / "schemas" / "imports" / "horus.toml"
    mine.write_text(source.read_text(encoding="utf-8").replace('delimiter = ";"', 'delimiter = "|"'), encoding="utf-8")
    piped = tmp_path / "export.csv"
    piped.write_text(CSV.read_text(encoding="utf-8").replace(";", "|"), encoding="utf-8")
    assert run(piped, "-o", tmp_path / "out", "--mapping", mine).exit_code == 0
    for arguments, rule in (
        ((piped, "-o", tmp_path / "out", "--mapping", mine), "IMPORT-TAKEN"),
        ((CSV, "-o", tmp_path / "x", "--mapping", "nope"), "IMPORT-MAPPING"),
        ((CSV, "-o", tmp_path / "x", "--mapping", "illisa"), "IMPORT-FILE"),
    ):
        error = run(*arguments).exception
        assert isinstance(error, GatewayError)
        assert error.rule.id == rule
    assert not (tmp_path / "x").exists()
    bad = tmp_path / "bad.csv"
    bad.write_text(CSV.read_text(encoding="utf-8").replace("H-001;04/03", "H-001;99/99"), encoding="utf-8")
    partly = run(bad, "-o", tmp_path / "partly")
    assert partly.exit_code == 1
    assert "DATE_HEURE" in partly.output
    assert len(list((tmp_path / "partly").iterdir())) == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_a_named_error_or_rows(data: bytes) -> None:
    """Protects from hostile files: whatever the bytes, drafts, mistakes or IMPORT-FILE, and nothing else."""
    for name in mapping_names():
        with suppress(GatewayError):
            assert import_rows(data, read_mapping(name), seed="x").drafts == ()
