"""`fse b2`: files made from sealed sheets or JSON, decoded, checked with an exit code, explained in two languages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from fse.b2 import B2Error, B2File, ProjectionError, check, read_json
from fse.errors import FseError
from gateway.cli.b2 import app
from tests.fse import sheet_builders as build
from tests.fse.b2_files import by_hand, changed, visits

if TYPE_CHECKING:
    from pathlib import Path


def ask(*arguments: object) -> Result:
    """Run a command of `fse b2`."""
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of two invoices that was written by hand."""
    path = tmp_path / "visits.b2"
    path.write_bytes(by_hand("visits"))
    return path


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """Return a trust folder that believes the cards of the builders."""
    folder = tmp_path / "trust"
    for name, data in build.trust_files(build.new_pki()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_decode_and_encode_give_the_same_bytes(file: Path, tmp_path: Path) -> None:
    """A program that speaks JSON loses nothing: the file by hand comes back byte for byte."""
    shown = ask("decode", file)
    assert shown.exit_code == 0
    first_act = json.loads(shown.output)["records"][4]
    assert (first_act["record"], first_act["care_on"], first_act["fee"], first_act["coefficient"]) == (
        "4", "2025-03-04", 3840, "12.00",
    )  # fmt: skip
    written, back = tmp_path / "visits.json", tmp_path / "back.b2"
    assert ask("decode", file, "-o", written).exit_code == 0
    assert ask("encode", written, "-o", back).exit_code == 0
    assert back.read_bytes() == by_hand("visits")


def test_check_says_zero_or_one_and_every_place(file: Path) -> None:
    """A script reads the exit code, a person the places: all of them, in the language asked."""
    assert ask("check", file).exit_code == 0
    file.write_bytes(changed(changed(visits(), 9, act_fees=6139), 18, invoices=3).encode())
    wrong = ask("check", file)
    assert wrong.exit_code == 1
    assert "[B2-TOTAL] Enregistrement 9 (type 5), position 58-65" in wrong.output
    assert "[B2-LOT-COUNT] Enregistrement 18 (type 6), position 11-13" in wrong.output
    assert "Record 9 (type 5), position 58-65" in ask("check", file, "--lang", "en").output


def test_check_lets_a_warning_pass(file: Path) -> None:
    """A zone whose meaning is uncertain stops nobody."""
    file.write_bytes(changed(visits(), 18, total_amc=1).encode())
    passed = ask("check", file)
    assert passed.exit_code == 0
    assert "⚠ [B2-LOT-PART]" in passed.output


def test_check_tells_what_cannot_be_read(file: Path) -> None:
    """Line ends, the commonest harm done to such files, are a finding and not a crash."""
    file.write_bytes(by_hand("visits") + b"\r\n")
    broken = ask("check", file)
    assert broken.exit_code == 1
    assert "[B2-LENGTH] Enregistrement 20" in broken.output
    with pytest.raises(B2Error):
        CliRunner().invoke(app, ["decode", str(file)], catch_exceptions=False)


def test_explain_names_fields_amounts_and_codes(file: Path) -> None:
    """A person reads a file without counting characters: names, euros, days, labels of codes."""
    french = ask("explain", file).output
    for text in ("5 · 4 · Ligne d'acte", "70-75", "250304", "mar. 04/03/2025", "38,40 €", "21 : sage-femme",
                 "30 : Maternité", "D : accès direct", "FHV"):  # fmt: skip
        assert text in french, text
    assert "zone fixe" not in french
    english = ask("explain", file, "--lang", "en").output
    for text in ("5 · 4 · Act", "Care date", "Tue 04/03/2025", "€38.40", "21 : midwife", "D : direct access"):
        assert text in english, text
    assert "fixed zone" in ask("explain", file, "--all", "--lang", "en").output


def test_explain_tells_repeated_fields_apart(tmp_path: Path) -> None:
    """The five codes of a biology record are five lines, each at its place."""
    path = tmp_path / "sub.b2"
    path.write_bytes(by_hand("sub_records"))
    shown = ask("explain", path).output
    assert "Code NABM 1" in shown
    assert "Code NABM 2" in shown
    assert "73-80" in shown
    assert "Code NABM 3" not in shown


def test_encode_projects_sheets_whose_seals_hold(tmp_path: Path, trust: Path) -> None:
    """The file is made of verified sheets, and is sound."""
    sheet, output = tmp_path / "one.fse", tmp_path / "one.b2"
    sheet.write_bytes(build.secured().encode())
    made = ask("encode", sheet, "-o", output, "--day", "2025-03-05", "--trust", trust, "--lot", 3, "--file-id", "A1")
    assert made.exit_code == 0, made.output
    file = B2File.decode(output.read_bytes())
    assert check(file) == ()
    assert file.records[1].values["biller_name"] == "SERVICE DEPARTEMENTAL DE PMI SIMULATION"
    assert (file.records[1].values["lot"], file.records[0].values["file_id"]) == ("003", "A1")
    assert file.records[3].values["fee"] == 3500


def test_encode_refuses_a_sheet_whose_seals_do_not_hold(tmp_path: Path, trust: Path) -> None:
    """B2 proves nothing by itself: a sheet of another infrastructure, or twice in one file, makes no file."""
    output = tmp_path / "out.b2"
    foreign = tmp_path / "foreign.fse"
    foreign.write_bytes(build.seal(professional=build.cps(seed=build.THEIRS)).encode())
    sound = tmp_path / "sound.fse"
    sound.write_bytes(build.degraded().encode())
    secured = tmp_path / "secured.fse"
    secured.write_bytes(build.secured().encode())
    for sources, expected in (
        ([foreign], FseError),
        ([sound, sound], B2Error),
        ([sound, secured], ProjectionError),
    ):
        with pytest.raises(expected):
            CliRunner().invoke(
                app,
                ["encode", *map(str, sources), "-o", str(output), "--day", "2025-03-05", "--trust", str(trust)],
                catch_exceptions=False,
            )
        assert not output.exists()


def test_encode_writes_unsound_json_and_says_so(file: Path, tmp_path: Path) -> None:
    """Whoever tests a receiver wants wrong files too: what can be written is, with its findings."""
    written, output = tmp_path / "visits.json", tmp_path / "wrong.b2"
    ask("decode", file, "-o", written)
    text = written.read_text(encoding="utf-8").replace('"act_fees": 6140', '"act_fees": 6139')
    written.write_text(text, encoding="utf-8")
    assert read_json(text).records[8].values["act_fees"] == 6139
    told = ask("encode", written, "-o", output)
    assert told.exit_code == 0
    assert "[B2-TOTAL]" in told.output
    assert ask("check", output).exit_code == 1
