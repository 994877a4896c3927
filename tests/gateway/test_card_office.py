"""The issuer's counter: cards made from descriptions, and their life on disk, through the commands."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner, Result

from card_sim.errors import CardSimError
from card_sim.storage import load
from fse.cards import CardError
from fse.errors import FseError
from fse.seals import verify_sheet
from fse.vitale_update import is_out_of_date
from gateway.card_file import card_in_reader
from gateway.cli.card import app
from gateway.cli.cards_and_sheets import seal
from gateway.home import Home
from gateway.readers import ProfessionalCard
from gateway.trust_folder import read_trust

EXAMPLES = Path(__file__).parents[2] / "examples"
FSE = Path(sys.executable).with_name("fse")


@pytest.fixture(scope="module")
def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a local folder that was made once: keys are slow."""
    folder = tmp_path_factory.mktemp("infrastructure") / "home"
    Home(folder).make()
    return folder


@pytest.fixture
def home(infrastructure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a local folder of the test's own."""
    copytree(infrastructure, tmp_path / "home")
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return Home.local()


def card(*arguments: object) -> str:
    """Run a command of `fse card` that succeeds; return what it printed."""
    result = invoke(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def invoke(*arguments: object) -> Result:
    """Run a command of `fse card`."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


def refused(*arguments: object) -> str:
    """Return the rule that refuses a command of `fse card`."""
    error = invoke(*arguments).exception
    assert isinstance(error, FseError), error
    return error.rule.id


def written(path: Path, text: str) -> Path:
    """Write a file of one line."""
    path.write_text(text + "\n", encoding="utf-8")
    return path


def seal_with(tmp_path: Path, cps: Path | None = None, vitale: Path | None = None) -> str:
    """Seal the example of 4 March 2025; return the rule that refuses it, or nothing."""
    pin = written(tmp_path / "pin", "1234")
    try:
        seal(EXAMPLES / "encounter.json", tmp_path / "sheet.fse", cps=cps, vitale=vitale, pin_file=pin)
    except FseError as error:
        return error.rule.id
    return ""


def test_the_examples_make_cards_that_only_their_owner_reads(home: Home, tmp_path: Path) -> None:
    """Protects `fse card new` and `show`: both kinds, mode 0600, never over another card, no secret on the screen."""
    for name, words in {"cps": ("CPS 9970000090", "3 / 3"), "vitale": ("Vitale 990000000090", "plus d'un an")}.items():
        output = tmp_path / f"{name}.json"
        assert "carte faite" in card("new", EXAMPLES / f"{name}.toml", "-o", output)
        shown = card("show", output, "--on", "2026-01-02")
        assert all(word in shown for word in (*words, "en service"))
        assert stat.S_IMODE(output.stat().st_mode) == 0o600
        assert not any(secret in shown for secret in ("4321", "87654321", "286016204199449"))
        assert refused("new", EXAMPLES / f"{name}.toml", "-o", output) == "CARD-TAKEN"
    assert home.trust.exists()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("kind", 'kind = "visa"'), "kind"),
        (("rpps", 'rpps = "10000000000"'), "rpps"),
        (("valid_to", 'valid_to = "2020-01-01"'), "valid_to"),
        (("pin", 'pin = "12"'), "pin"),
        (("puk", 'colour = "blue"'), "colour"),
        (("profession", "profession = "), "not TOML"),
    ],
)
def test_a_wrong_description_is_told_with_its_place(
    home: Home, tmp_path: Path, change: tuple[str, str], place: str
) -> None:
    """Protects whoever writes a TOML: the key that is wrong, and no card half made."""
    del home
    key, line = change
    lines = (EXAMPLES / "cps.toml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line if one.split(" = ")[0] == key else one for one in lines)
    error = invoke("new", written(tmp_path / "wrong.toml", text), "-o", tmp_path / "card.json").exception
    assert isinstance(error, CardSimError)
    assert place in str(error)
    assert not (tmp_path / "card.json").exists()


def test_three_wrong_codes_block_the_card_on_disk_and_the_puk_unblocks_it(home: Home, tmp_path: Path) -> None:
    """Protects the counters: they last from one process to the next; a tenth use of the PUK is the last."""
    path = home.cps("99700000013")
    wrong, right = written(tmp_path / "wrong", "0000"), written(tmp_path / "right", "1234")
    assert [refused("verify-pin", path, "--pin-file", wrong) for _ in range(3)] == [
        "CARD-PIN-WRONG",
        "CARD-PIN-WRONG",
        "CARD-PIN-BLOCKED",
    ]
    assert refused("verify-pin", path, "--pin-file", right) == "CARD-PIN-BLOCKED"
    assert "BLOQUÉE" in card("show", path)
    new, puk = written(tmp_path / "new", "2468"), written(tmp_path / "puk", "12345678")
    bad = written(tmp_path / "bad", "11111111")
    assert refused("unblock", path, "--puk-file", bad, "--new-pin-file", new) == "CARD-PUK-WRONG"
    assert refused("unblock", path, "--puk-file", right, "--new-pin-file", new) == "CARD-PIN-FORMAT"
    card("unblock", path, "--puk-file", puk, "--new-pin-file", new)
    assert refused("verify-pin", path, "--pin-file", right) == "CARD-PIN-WRONG"
    card("verify-pin", path, "--pin-file", new)
    assert json.loads(path.read_text())["unblocks_left"] == 8
    for _ in range(8):
        card("unblock", path, "--puk-file", puk, "--new-pin-file", new)
    assert refused("unblock", path, "--puk-file", puk, "--new-pin-file", new) == "CARD-PUK-BLOCKED"
    assert refused("verify-pin", home.vitale("1850362041999"), "--pin-file", right) == "CARD-KIND"
    assert refused("unblock", home.vitale("1850362041999"), "--puk-file", puk, "--new-pin-file", new) == "CARD-KIND"


def test_an_opposed_cps_signs_nothing_from_that_day_on(home: Home, tmp_path: Path) -> None:
    """Protects the opposition of a CPS: revoked at signing time, good before, never lifted."""
    path = home.cps("99700000013")
    assert "en opposition" in card("oppose", path, "--on", "2025-03-05")
    assert seal_with(tmp_path, cps=path) == ""  # the example is of the day before
    other = home.folder / "cards" / "other.json"
    text = (EXAMPLES / "cps.toml").read_text(encoding="utf-8")
    for old, new in {"99700000054": "99700000013", "4321": "1234", "TÉMOIN": "MODELE", "Alix": "Camille"}.items():
        text = text.replace(old, new, 1)
    card("new", written(tmp_path / "same.toml", text), "-o", other)
    assert seal_with(tmp_path, cps=other) == ""
    card("oppose", other, "--on", "2025-03-04")
    assert seal_with(tmp_path, cps=other) == "TRUST-REVOKED"
    assert refused("oppose", other) == "CARD-LIFE"
    assert refused("expire", other) == "CARD-LIFE"


def test_an_opposed_vitale_gives_a_degraded_sheet(home: Home, tmp_path: Path) -> None:
    """Protects the local opposition list: by serial number, sorted, and the very routing of the list."""
    path = home.vitale("1850362041999")
    assert seal_with(tmp_path) == ""
    before = (tmp_path / "sheet.fse").read_bytes()
    card("oppose", path)
    assert home.opposed.read_text() == "990000000001\n"
    assert stat.S_IMODE(home.opposed.stat().st_mode) == 0o600
    assert seal_with(tmp_path) == ""
    assert b"carte-opposee" in (tmp_path / "sheet.fse").read_bytes()
    assert b"carte-opposee" not in before
    assert refused("update", path) == "CARD-LIFE"


def test_an_expired_cps_is_refused_on_its_first_day_too_late(home: Home, tmp_path: Path) -> None:
    """Protects the end of validity: good on its last day, refused on the next (TRUST-PERIOD)."""
    path = home.cps("99700000013")
    card("expire", path, "--on", "2025-03-05")
    assert seal_with(tmp_path, cps=path) == ""
    assert "HORS VALIDITÉ" in card("expire", path, "--on", "2025-03-04")
    assert seal_with(tmp_path, cps=path) == "TRUST-PERIOD"
    assert load(path).certificate.not_valid_after_utc.date() == date(2025, 3, 3)
    assert refused("expire", home.vitale("1850362041999")) == "CARD-KIND"


def test_a_vitale_is_brought_up_to_date(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects the update: named fields change, a wrong one changes nothing; over a year, a reminder and no refusal."""
    path = home.vitale("1850362041999")
    changes = written(tmp_path / "new.toml", 'rights = [{ start = "2025-01-01", end = "2025-12-31" }]\ncover = "c2s"')
    wrong = written(tmp_path / "wrong.toml", 'colour = "blue"')
    before = path.read_bytes()
    assert isinstance(invoke("update", path, "--with", wrong).exception, CardSimError)
    assert path.read_bytes() == before
    shown = card("update", path, "--with", changes, "--on", "2026-02-01")
    assert "FERMÉS" in shown
    assert "01/02/2026" in shown
    assert seal_with(tmp_path) == ""  # the same card, a new certificate
    assert "plus d'un an" not in capsys.readouterr().out
    card("update", path, "--on", "2024-03-03")  # the example is of 4 March 2025: one day over the year
    assert seal_with(tmp_path) == ""
    assert "plus d'un an" in capsys.readouterr().out.replace("\n", " ")
    assert refused("update", home.cps("99700000013")) == "CARD-KIND"


def test_a_replaced_card_names_its_successor_and_a_withdrawn_one_is_in_no_reader(home: Home, tmp_path: Path) -> None:
    """Protects replacement and withdrawal: the old card signs no more, and at last goes into no reader."""
    old, new = home.cps("99700000013"), tmp_path / "new.json"
    assert refused("new", EXAMPLES / "vitale.toml", "-o", new, "--replaces", old) == "CARD-KIND"
    card("new", EXAMPLES / "cps.toml", "-o", new, "--replaces", old, "--on", "2025-03-01")
    assert "remplacée (par 9970000090)" in card("show", old)
    assert seal_with(tmp_path, cps=old) == "TRUST-REVOKED"
    card("withdraw", old, "--on", "2025-03-02")
    assert seal_with(tmp_path, cps=old) == "CARD-WITHDRAWN"
    assert refused("withdraw", old) == "CARD-LIFE"


@pytest.mark.parametrize(
    ("updated", "on", "old"),
    [
        ("2024-03-04", "2025-03-04", False),
        ("2024-03-04", "2025-03-05", True),
        ("2024-02-29", "2025-03-01", False),
        ("2024-02-29", "2025-03-02", True),
    ],
)
def test_a_vitale_is_out_of_date_after_its_anniversary(updated: str, on: str, *, old: bool) -> None:
    """Protects the yearly reminder (PROT-20), worked by hand around its day and around 29 February."""
    assert is_out_of_date(date.fromisoformat(updated), date.fromisoformat(on)) is old


def test_a_card_is_taken_out_of_a_running_reader(home: Home) -> None:
    """Protects `insert --slot` of a description, and `remove` from another process; one reader a folder."""
    assert refused("remove") == "CARD-NO-READER"
    command = [str(FSE), "card", "insert", str(EXAMPLES / "cps.toml"), "--slot", "1", "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        assert re.search(r"cps\.json : 127\.0\.0\.1:\d+", running.stdout.readline())
        assert refused("insert", home.cps("99700000013"), "--port", "0") == "CARD-READER-HELD"
        card("remove", "--slot", "1")
        running.stdout.readline()
        assert "emplacement 1" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        running.stdout.read()
    assert running.returncode == 0
    assert refused("remove", "--slot", "1") == "CARD-NO-READER"


def test_a_card_on_a_telephone_seals_while_its_token_lasts(home: Home, tmp_path: Path) -> None:
    """Protects the apCV-sim: a sheet both sign, its end to the second, and no long-lived card made out of a token."""
    vitale, token = home.vitale("1850362041999"), tmp_path / "apcv.json"
    at = ("--at", "2025-03-04T09:25+01:00", "--minutes", "15")
    shown = card("telephone", vitale, "-o", token, *at)
    assert "apCV-sim 990000000001" in shown
    assert "04/03/2025 09:25 → 04/03/2025 09:40" in shown
    assert refused("telephone", vitale, "-o", token) == "CARD-TAKEN"
    assert seal_with(tmp_path, vitale=token) == ""  # the example is of 09:40: its last second
    verify_sheet((tmp_path / "sheet.fse").read_bytes(), read_trust(home.trust), datetime.now(UTC))
    early = tmp_path / "early.json"
    card("telephone", vitale, "-o", early, "--at", "2025-03-04T09:24:59+01:00")
    assert seal_with(tmp_path, vitale=early) == "TRUST-PERIOD"
    assert invoke("telephone", vitale, "-o", tmp_path / "x", "--at", "2025-03-04T09:25").exit_code == 2
    for command in (("update", token), ("telephone", token, "-o", tmp_path / "y")):
        assert refused(*command) == "CARD-KIND"
    assert refused("telephone", home.cps("99700000013"), "-o", tmp_path / "z") == "CARD-KIND"
    card("oppose", vitale)
    assert refused("telephone", vitale, "-o", tmp_path / "late") == "CARD-LIFE"
    assert seal_with(tmp_path, vitale=token) == ""
    assert b"carte-opposee" in (tmp_path / "sheet.fse").read_bytes()  # the opposition reaches the telephone too


def test_a_card_in_a_reader_is_nobody_elses(home: Home, tmp_path: Path) -> None:
    """Protects a card file from two users: refused while it is held (CARD-IN-USE), even by a file saved since."""
    path = home.cps("99700000013")
    right = written(tmp_path / "right", "1234")
    with card_in_reader(path) as held:
        assert refused("oppose", path) == "CARD-IN-USE"
        assert refused("verify-pin", path, "--pin-file", right) == "CARD-IN-USE"
        assert "en service" in card("show", path)
        ProfessionalCard.insert(held.transmit).unlock("1234")
    card("verify-pin", path, "--pin-file", right)
    card("oppose", path)


def test_the_errors_of_a_card_are_one_message(home: Home, tmp_path: Path) -> None:
    """Protects the screen: a wrong PUK says what is left and what to do, with exit code 2."""
    puk, pin = written(tmp_path / "puk", "0" * 8), written(tmp_path / "pin", "1234")
    command = [str(FSE), "card", "unblock", str(home.cps("99700000013"))]
    command += ["--puk-file", str(puk), "--new-pin-file", str(pin)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"\[CARD-PUK-WRONG\] .* 9 fois\. .*\n", done.stderr)
    assert issubclass(CardError, FseError)
