"""`fse noemie`: a file decoded, checked and explained to a person, in two languages, without giving anybody away."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from fse.errors import FseError
from fse.noemie import sign_return
from gateway.cli.noemie import app
from tests.fse.noemie_builders import BY_HAND, MEANT, PIECES
from tests.fse.sheet_builders import NOW, party, signer, trust_files
from tests.fse.sheet_builders import new_pki as pki

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

WIDE = 300
NIR = "1850362041999"


@pytest.fixture(autouse=True)
def _wide_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every cell stand on one line."""
    monkeypatch.setattr("gateway.cli.output.console._width", WIDE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the return written by hand, as a file."""
    path = tmp_path / "retour.noemie"
    path.write_bytes(BY_HAND)
    return path


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """Return the trust folder of the tests."""
    for name, data in trust_files(pki()).items():
        path = tmp_path / "trust" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "trust"


def ask(*words: str | Path) -> Result:
    """Run the command; an error of ours comes out as it is, for the group `fse` to tell."""
    return CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)


def rows(*words: str | Path) -> list[list[str]]:
    """Return the cells of the tables that the command prints."""
    done = ask(*words)
    assert done.exit_code == 0
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.output.splitlines() if "│" in line]


def test_decode_gives_one_object_for_each_entity(file: Path) -> None:
    """In the order of the file, with its place; a day as a date, an amount in cents."""
    found = [json.loads(line) for line in ask("decode", file).output.splitlines()]
    assert [one["entity"] for one in found] == [piece[:3].decode() for piece in PIECES]
    assert found[1] == {
        "rank": 2,
        "position": 129,
        "entity": "071",
        "level": "01",
        "fields": {
            "day": "2025-03-10",
            "reference": "VIR-2025-03-10-0001",
            "label": "VIREMENT SIMULE",
            "payer": "019990000",
        },
    }
    assert found[6]["fields"] == {"requested": 3500, "state": "P", "paid": 3500, "sign": "P"}


def test_nobody_is_named_unless_asked_for(file: Path) -> None:
    """NIR and names are masked in every view; in clear only when the option says so."""
    for command in ("decode", "check", "explain"):
        assert NIR not in ask(command, file).output
    assert NIR in ask("decode", file, "--clear").output


def test_decode_skips_and_reports_what_nobody_described(tmp_path: Path) -> None:
    """An unknown entity keeps its place in the list, without its content; the check says that it was skipped."""
    path = tmp_path / "other.noemie"
    end = PIECES[-1].replace(b"00000046T", b"00000047T")
    path.write_bytes(b"".join([*PIECES[:-1], b"77703WHATEVER@", end]))
    found = [json.loads(line) for line in ask("decode", path).output.splitlines()]
    assert found[45] == {"rank": 46, "position": len(BY_HAND) - 127, "entity": "777", "level": "03", "skipped": 8}
    checked = CliRunner().invoke(app, ["check", str(path)])
    assert "NOEMIE-UNKNOWN" in checked.stderr
    assert checked.exit_code == 0
    assert any("777" in row for row in rows("explain", path))


def test_check_says_what_was_held_and_what_was_not(file: Path) -> None:
    """Entities, sheets, transfer; without a seal nobody should enter it in the accounts."""
    assert ask("check", file).output.splitlines() == [
        "✔ 46 entités",
        "✔ feuilles, 4 ; virement, 67,50 €",
        "! pas de signature : à ne pas comptabiliser",
    ]
    assert "✔ sheets, 4; transfer, €67.50" in ask("check", file, "--lang", "en").output


def test_a_compressed_file_is_read_too(tmp_path: Path) -> None:
    """As it comes out of a mail."""
    path = tmp_path / "retour.gz"
    path.write_bytes(gzip.compress(BY_HAND))
    assert "✔ 46 entités" in ask("check", path).output


def test_a_signed_return_is_verified(tmp_path: Path, trust: Path) -> None:
    """With the store that the person names; a changed byte ends in the rule."""
    path = tmp_path / "retour.fse"
    path.write_bytes(sign_return(MEANT, signer(party()), NOW))
    assert "✔ signé par l'organisme 019990000" in ask("check", path, "--trust", trust).output
    path.write_bytes(path.read_bytes().replace(b"P00003500P", b"P00003600P"))
    with pytest.raises(FseError) as caught:
        ask("check", path, "--trust", trust)
    assert caught.value.rule.id == "SEAL-CONTENT"


def test_the_local_store_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A return of another infrastructure is not believed by this one's."""
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))
    path = tmp_path / "retour.fse"
    path.write_bytes(sign_return(MEANT, signer(party()), NOW))
    with pytest.raises(FseError) as caught:
        ask("check", path)
    assert caught.value.rule.id == "TRUST-UNKNOWN"


def test_what_is_no_noemie_file_is_refused(tmp_path: Path) -> None:
    """By one rule, before anything else is tried."""
    path = tmp_path / "x"
    path.write_bytes(b"hello")
    with pytest.raises(FseError) as caught:
        ask("check", path)
    assert caught.value.rule.id == "NOEMIE-MARK"


def test_a_stream_that_is_not_ours_is_read_entity_by_entity(tmp_path: Path) -> None:
    """Its tree is not known: the check says how far it went, and nothing is judged."""
    path = tmp_path / "theirs.noemie"
    path.write_bytes(BY_HAND.replace(b"SIM101", b"CPRTNO"))
    checked = ask("check", path).output
    assert "Arbre inconnu de nous" in checked
    assert "virement" not in checked
    assert "payé en partie" not in ask("explain", path).output


def test_explain_tells_each_field_in_words(file: Path) -> None:
    """Names of fields, amounts in euros, codes with what they stand for, days as people write them."""
    found = [row[3:] for row in rows("explain", file) if len(row) == 5]
    for expected in (
        ["Journée comptable", "lun. 10/03/2025"],
        ["Type de facture", "B (flux B2 ou FSE dégradée)"],
        ["État", "R (rejeté)"],
        ["Montant demandé", "32,00 €"],
        ["Taux", "100 %"],
        ["Montant", "-10,00 €"],
        ["Reste dû", "15,00 €"],
        ["NIR de l'assuré", "1************"],
    ):
        assert expected in found
    english = [row[3:] for row in rows("explain", file, "--lang", "en") if len(row) == 5]
    assert ["State", "D (deferred)"] in english
    assert ["Amount requested", "€32.00"] in english


def test_explain_tells_what_became_of_each_sheet_and_what_to_do(file: Path) -> None:
    """Outcome, code with its words, its place, what to do next, and whether a new sheet may correct it."""
    found = [row for row in rows("explain", file) if len(row) == 7]
    assert ["000000007", "000003", "", "35,00 €", "35,00 €", "payé", ""] in found
    assert ["", "", "2 MSF", "32,00 €", "0,00 €", "rejeté"] in [row[:6] for row in found]
    why = next(row[6] for row in found if row[2] == "2 MSF")
    assert why == (
        "9301 L'acte n'est pas dans la table des actes à cette date. · code de l'acte (9°) · TABLE-CODE · → Mettre la"
        " table des actes à jour, puis établir une nouvelle feuille avec le bon code. · nouvelle feuille possible"
    )
    assert ["000000009", "000003", "", "25,00 €", "0,00 €", "différé"] in [row[:6] for row in found]
    assert "000000006 (rappel)" in [row[0] for row in found]
    late = next(row[6] for row in found if row[0] == "000000008")
    assert late.startswith("9701 Feuille reçue hors délai")
    english = [row for row in rows("explain", file, "--lang", "en") if len(row) == 7]
    assert "a new sheet is possible" in next(row[6] for row in english if row[2] == "2 MSF")


def test_explain_ends_with_the_transfer(file: Path) -> None:
    """Its parts in euros, and their sum: what the bank shows."""
    money = [row for row in rows("explain", file) if len(row) == 2]
    assert money == [
        ["feuilles et rappels", "65,00 €"],
        ["00708 VACCINS, FORMULAIRE 708", "12,50 €"],
        ["D000000041 · feuille 000000003 · récupéré sur ce virement · reste dû 15,00 €", "-10,00 €"],
        ["VIR-2025-03-10-0001", "67,50 €"],
    ]


def test_explain_is_coloured_by_outcome(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Green paid, yellow in part, red rejected, cyan deferred: on a terminal that has colours."""
    monkeypatch.setattr("gateway.cli.output.console._color_system", 1)
    monkeypatch.setattr("gateway.cli.output.console._force_terminal", True)
    lines = CliRunner().invoke(app, ["explain", str(file)], color=True).output.splitlines()
    for words, colour in (("payé en partie", "33"), ("rejeté  ", "31"), ("différé  ", "36"), ("COD", "32")):
        assert any(words in line and f"{colour}m" in line for line in lines), words
