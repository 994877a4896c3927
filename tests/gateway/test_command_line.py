"""The command `fse` as a person meets it: what it prints, its exit code, and what it leaves on the disk."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fse.cms import Seal
from tests.fse import sheet_builders as build

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "encounter.json"
FSE = Path(sys.executable).with_name("fse")


def fse(*words: str | Path, home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with a home of its own and no terminal."""
    surroundings = {"FSE_HOME": str(home), "HOME": str(cwd), "PATH": os.defpath, "LANG": "C.UTF-8", "COLUMNS": "200"}
    return subprocess.run([FSE, *words], cwd=cwd, env=surroundings, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a local home with its infrastructure and cards, made by the first sealing."""
    folder = tmp_path_factory.mktemp("home")
    made = fse("seal", EXAMPLE, "-o", folder / "first.fse", home=folder / "fse", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder / "fse"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the example encounter, changed, to a file."""

    def write(name: str = "consultation.json", **changes: Any) -> Path:  # noqa: ANN401 - fields of any type
        facts = json.loads(EXAMPLE.read_text(encoding="utf-8")) | changes
        path = tmp_path / name
        path.write_text(json.dumps(facts), encoding="utf-8")
        return path

    return write


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below ``folder`` with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["2025-03-03", "--place", "62"], "2025-03-13"),
        (["2025-03-03", "--place", "62", "--direct"], "2025-03-06"),
        (["2026-04-01", "--place", "68"], "2026-04-15"),
        (["2026-04-01", "--place", "68", "--no-good-friday"], "2026-04-14"),
        (["2026-04-01", "--place", "62"], "2026-04-14"),
        (["2025-12-22", "--place", "67"], "2026-01-06"),
    ],
)
def test_deadline_prints_the_last_day_alone(words: list[str], expected: str, tmp_path: Path) -> None:
    """A script may take the first line as the date; days worked by hand (CSS R161-47, 8 or 3 jours ouvrés)."""
    result = fse("deadline", *words, home=tmp_path / "none", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, expected + "\n", "")


def test_deadline_explains_each_day(tmp_path: Path) -> None:
    """Whoever doubts the date sees the count: the holiday is named and not counted, the last day is the eighth."""
    words = ("deadline", "2026-04-01", "--place", "68", "--explain")
    lines = fse(*words, home=tmp_path / "none", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "2026-04-15"
    assert any("03/04/2026" in line and "Vendredi saint" in line for line in lines)
    assert "15/04/2026" in lines[-2]
    assert "jour ouvré 8" in lines[-2]
    english = fse(*words, "--lang", "en", home=tmp_path / "none", cwd=tmp_path).stdout
    assert "Good Friday" in english


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["2025-02-30", "--place", "62"], "DEADLINE-DATE"),
        (["03/03/2025", "--place", "62"], "DEADLINE-DATE"),
        (["2025-03-03", "--place", "99"], "PLACE-DEPARTMENT"),
        (["2025-03-03"], "--place"),
        (["2025-03-03", "--place", "62", "--lang", "de"], "--lang"),
    ],
)
def test_deadline_refuses_what_it_cannot_count(words: list[str], rule: str, tmp_path: Path) -> None:
    """A wrong date or place never gives a date: one message, exit code 2, nothing on the standard output."""
    result = fse("deadline", *words, home=tmp_path / "none", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert rule in result.stderr


def test_seal_verify_inspect_extract_go_together(home: Path, tmp_path: Path) -> None:
    """The four commands on one sheet, as the README promises them."""
    sheet = tmp_path / "feuille.fse"
    sealed = fse("seal", EXAMPLE, "-o", sheet, "--number", "42", home=home, cwd=tmp_path)
    assert sealed.returncode == 0, sealed.stderr
    assert "000000042" in sealed.stdout
    assert "14/03/2025" in sealed.stdout  # Tuesday 4 March 2025 + 8 jours ouvrés
    assert (sheet.stat().st_mode & 0o777) == 0o600
    verified = fse("verify", sheet, home=home, cwd=tmp_path)
    assert (verified.returncode, "000000042" in verified.stdout) == (0, True)
    seen = fse("inspect", sheet, home=home, cwd=tmp_path)
    assert seen.returncode == 0
    assert "1850362041999" not in seen.stdout
    assert "35,00" in seen.stdout
    out = fse("extract", sheet, tmp_path / "out", home=home, cwd=tmp_path)
    assert out.returncode == 0
    assert set(tree(tmp_path / "out")) == {"payload.xml", "cps.p7s", "vitale.p7s", "ca.pem"}


def test_extracting_a_degraded_sheet_leaves_no_foreign_signature(
    home: Path, tmp_path: Path, written: Callable[..., Path]
) -> None:
    """The Vitale signature of a sheet extracted before never lies beside a degraded one."""
    sheet = tmp_path / "f.fse"
    for facts in (EXAMPLE, written(vitale="absent")):
        assert fse("seal", facts, "-o", sheet, home=home, cwd=tmp_path).returncode == 0
        assert fse("extract", sheet, tmp_path / "out", home=home, cwd=tmp_path).returncode == 0
    assert set(tree(tmp_path / "out")) == {"payload.xml", "cps.p7s", "ca.pem"}


def test_verify_tells_a_broken_seal_from_what_is_no_sheet(home: Path, tmp_path: Path) -> None:
    """Exit code 1 names the seal that does not hold, 2 says that it is not a sheet; a script can tell them apart."""
    sheet = tmp_path / "f.fse"
    fse("seal", EXAMPLE, "-o", sheet, home=home, cwd=tmp_path)
    data = sheet.read_bytes()
    broken = tmp_path / "broken.fse"
    broken.write_bytes(data.replace(b"3500", b"9500", 1))
    result = fse("verify", broken, home=home, cwd=tmp_path)
    assert (result.returncode, "SEAL-CONTENT" in result.stderr) == (1, True)
    for wrong in (b"", b"not a sheet", data[:-1], data + b"\0", os.urandom(4096)):
        broken.write_bytes(wrong)
        result = fse("verify", broken, home=home, cwd=tmp_path)
        assert (result.returncode, "FILE-FORM" in result.stderr, result.stdout) == (2, True, "")
    other = fse("verify", sheet, "--trust", tmp_path / "nowhere", home=home, cwd=tmp_path)
    assert (other.returncode, "TRUST-STORE" in other.stderr) == (2, True)


def test_inspect_shows_a_hostile_name_as_text(tmp_path: Path) -> None:
    """A sheet that nobody verified may name its signer as it likes: no markup, no command to the terminal, no crash."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "[/x] TEST \x1b[31m\u202e:smile:")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(build.NOW).not_valid_after(build.LATER)
    sealed = build.secured()
    seal = replace(
        Seal.decode(sealed.professional),
        certificate=made.sign(key, SHA256()).public_bytes(Encoding.DER),
        purpose="[bold]\x1b]0;x\x07[/y]",
    )
    path = tmp_path / "hostile.fse"
    path.write_bytes(replace(sealed, professional=seal.encode()).encode())
    result = fse("inspect", path, home=tmp_path / "home", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "[/x] TEST [31m:smile:" in result.stdout
    assert "[bold]]0;x[/y]" in result.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout)


def test_inspect_refuses_a_name_that_is_no_text(tmp_path: Path) -> None:
    """SEAL-ENCODING in one line when the bytes of the signer's name are not UTF-8, not a traceback."""
    sealed = build.secured()
    old = Seal.decode(sealed.professional).certificate
    (common_name,) = Seal.decode(sealed.professional).x509.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    subject = str(common_name.value).encode()
    at = old.rindex(subject)  # the issuer's name stands before the subject's
    new = old[:at] + b"\xff" * len(subject) + old[at + len(subject) :]
    data = sealed.professional.replace(old, new).replace(sha256(old).digest(), sha256(new).digest())
    path = tmp_path / "hostile.fse"
    path.write_bytes(replace(sealed, professional=data).encode())
    result = fse("inspect", path, home=tmp_path / "home", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("[SEAL-ENCODING] ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("extra", ["<!-- [/x] -->", "<?x [/x]?>"])
def test_inspect_shows_a_sheet_with_comments(extra: str, tmp_path: Path) -> None:
    """What the schema does not see (comments, processing instructions) does not stop who looks into a sheet."""
    sealed = build.secured()
    payload = sealed.payload.decode()
    for place in ("<titre>", "3500<"):
        assert place in payload
        payload = payload.replace(place, extra + place)
    path = tmp_path / "hostile.fse"
    path.write_bytes(replace(sealed, payload=payload.encode()).encode())
    result = fse("inspect", path, home=tmp_path / "home", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "35,00 €" in result.stdout
    assert "[/x]" not in result.stdout


def test_a_path_is_printed_as_it_is(home: Path, tmp_path: Path) -> None:
    """Brackets and colons in the name of a file or folder are part of it, not markup."""
    folder = tmp_path / "a[b]:smile:"
    folder.mkdir()
    sheet = folder / "x[bold][b].fse"
    sealed = fse("seal", EXAMPLE, "-o", sheet, home=home, cwd=tmp_path)
    assert (sealed.returncode, sealed.stderr) == (0, "")
    assert f"{sheet} : FSE" in sealed.stdout
    for words in (("inspect", sheet), ("extract", sheet, folder / "[o]")):
        result = fse(*words, home=home, cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        assert str(words[-1]) in result.stdout


def test_a_file_that_is_no_card_is_refused_in_both_languages(home: Path, tmp_path: Path) -> None:
    """CARD-FILE: the file and what is wrong with it, in the language asked, exit code 2."""
    card = tmp_path / "card[x].json"
    card.write_text("{}", encoding="utf-8")
    for language, text in (("fr", "n'est pas utilisable"), ("en", "cannot be used")):
        words = ("seal", EXAMPLE, "-o", tmp_path / "x.fse", "--cps", card, "--lang", language)
        result = fse(*words, home=home, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("[CARD-FILE] ")
        assert text in result.stderr
        assert str(card) in result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_file_without_an_end_is_refused_with_the_limit(tmp_path: Path) -> None:
    """FILE-SIZE: what is known is that more than the limit came; a device says that it has 0 bytes."""
    result = fse("verify", "/dev/zero", home=tmp_path / "home", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "FILE-SIZE" in result.stderr
    assert "plus de 16000000 octets" in result.stderr


def test_the_demo_tells_anonymous_care_without_its_minute(tmp_path: Path) -> None:
    """Convention 10.3: neither the reference nor the hour of an anonymous consultation stands among named ones."""
    day = ROOT / "examples" / "journee-pmi.json"
    result = fse("demo", day, "-o", tmp_path / "out[b]", home=tmp_path / "home", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    told, _, rest = result.stdout.partition("Ce que chaque consultation est devenue")
    assert "C15" not in told
    assert "14:40" not in told
    first_day = told.split("07/03/2025")[0].rstrip().splitlines()  # nothing is told of the days between
    anonymous = [line for line in first_day if "FHV+FMV" in line and "IVG anonyme" in line]
    assert anonymous == [line for line in first_day if "anonyme" in line]
    assert len(anonymous) == 1
    assert re.match(r" +FHV\+FMV → ", anonymous[0])
    last_clock = max(rank for rank, line in enumerate(first_day) if re.match(r" +\d\d:\d\d ", line))
    assert first_day.index(anonymous[0]) > last_clock
    assert f"{tmp_path}/out[b]/001" in rest


BAD_ENCOUNTERS: list[tuple[str, bytes, str, str]] = [
    ("not JSON", b"{", "ENC-JSON", ""),
    ("binary", bytes(range(256)), "ENC-JSON", ""),
    ("too large", b" " * 200_000, "FILE-SIZE", ""),
    ("unknown field", b'{"titel": 1}', "ENC-", ""),
]


@pytest.mark.parametrize(("what", "data", "rule", "_"), BAD_ENCOUNTERS, ids=[case[0] for case in BAD_ENCOUNTERS])
def test_a_wrong_file_changes_nothing(what: str, data: bytes, rule: str, _: str, tmp_path: Path) -> None:
    """One clear message with its rule, exit code 2, and the disk as it was: not even the local home is made."""
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    before = tree(tmp_path)
    result = fse("seal", path, "-o", tmp_path / "x.fse", home=tmp_path / "home", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, ""), what
    assert result.stderr.startswith(f"[{rule}")
    assert len(result.stderr.strip().splitlines()) == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("changes", "rule", "place"),
    [
        ({"vitale": "perhaps"}, "ENC-VALUE", "vitale"),
        ({"site": "629990004"}, "FINESS-KEY", "site"),
        ({"at": "2025-03-04T09:40:00"}, "ENC-TIMEZONE", "at"),
        ({"colour": "blue"}, "ENC-UNKNOWN", "colour"),
        ({"acts": [{"code": "VACCIN", "cip": "3400935137340"}]}, "SEAL-NO-SHEET", "708"),
        ({"acts": [{"code": "K12"}]}, "SEAL-NO-SHEET", "ROUTE-ACT"),
    ],
)
def test_wrong_facts_name_their_place_and_rule(
    changes: dict[str, object], rule: str, place: str, tmp_path: Path, written: Callable[..., Path]
) -> None:
    """Facts that cannot become a sheet are refused with the place and the rule, and nothing is made."""
    path = written(**changes)
    before = tree(tmp_path)
    result = fse("seal", path, "-o", tmp_path / "x.fse", home=tmp_path / "home", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert rule in result.stderr
    assert place in result.stderr
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", ["seal", "verify", "inspect", "extract", "demo"])
@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_path_that_is_no_file_is_said_in_words(command: str, what: str, tmp_path: Path) -> None:
    """A missing file or a folder gives one line with the path, never a traceback."""
    path = tmp_path / "nothing" if what == "missing" else tmp_path
    extra = {"seal": ["-o", str(tmp_path / "x")], "extract": [str(tmp_path / "out")]}.get(command, [])
    result = fse(command, path, *extra, home=tmp_path / "home", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "FILE-SYSTEM" in result.stderr
    assert str(path) in result.stderr
    assert "Traceback" not in result.stderr
    assert tree(tmp_path) == {}


def test_who_is_not_on_the_card_gets_no_sheet(home: Path, tmp_path: Path, written: Callable[..., Path]) -> None:
    """The card's data win: a child that the card does not know is refused before anything is sealed."""
    facts = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    facts["patient"]["beneficiary"]["birth_date"] = "2021-05-03"
    path = written(patient=facts["patient"])
    result = fse("seal", path, "-o", tmp_path / "x.fse", home=home, cwd=tmp_path)
    assert (result.returncode, "SEAL-PATIENT" in result.stderr) == (2, True)
    assert not (tmp_path / "x.fse").exists()


def test_what_one_command_cannot_seal_is_said(home: Path, tmp_path: Path, written: Callable[..., Path]) -> None:
    """Two sheets in one encounter, or a Vitale that nobody holds, are refused with their rule."""
    facts = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    two = written(
        "two.json",
        professional=facts["professional"] | {"profession": "medecin"},
        acts=[{"code": "COD"}, {"code": "FHV", "weeks_of_pregnancy": 5}],
    )
    stranger = facts["patient"] | {"insured": facts["patient"]["insured"] | {"nir": "1850362041990"}}
    for path, rule in ((two, "SEAL-SEVERAL"), (written("stranger.json", patient=stranger), "SEAL-NO-VITALE")):
        result = fse("seal", path, "-o", tmp_path / "x.fse", home=home, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (2, "")
        assert rule in result.stderr


def test_a_named_card_that_is_not_there_is_said_by_its_path(home: Path, tmp_path: Path) -> None:
    """Whoever mistypes the path of a card is told of that path, not of a missing demonstration card."""
    for option in ("--vitale", "--cps"):
        words = ("seal", EXAMPLE, "-o", tmp_path / "x.fse", option, tmp_path / "mistyped.json")
        result = fse(*words, home=home, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (2, "")
        assert "mistyped.json" in result.stderr
    assert tree(tmp_path) == {}


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """HOME-MAKE: a file stands where the local folder should be; the message names it and the variable to set."""
    taken = tmp_path / "taken"
    taken.write_text("something else", encoding="utf-8")
    result = fse("seal", EXAMPLE, "-o", tmp_path / "x.fse", home=taken, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "HOME-MAKE" in result.stderr
    assert "FSE_HOME" in result.stderr
    assert tree(tmp_path) == {"taken": b"something else"}


def test_named_cards_ask_for_their_pin_by_file(home: Path, tmp_path: Path) -> None:
    """A named CPS wants its PIN, never on the command line; a wrong one is counted on the card and printed nowhere."""
    card = home / "cards" / "cps-99700000013.json"
    tries = json.loads(card.read_text(encoding="utf-8"))["tries_left"]
    for pin, code in (("9173", 2), ("1234", 0)):
        file = tmp_path / "pin"
        file.write_text(pin + "\n", encoding="utf-8")
        words = ("seal", EXAMPLE, "-o", tmp_path / "x.fse", "--cps", card, "--pin-file", file)
        result = fse(*words, home=home, cwd=tmp_path)
        assert result.returncode == code, result.stderr
        assert pin not in result.stdout + result.stderr
        left = json.loads(card.read_text(encoding="utf-8"))["tries_left"]
        assert left == (tries - 1 if code else 3)


def test_english_is_spoken_when_asked(home: Path, tmp_path: Path) -> None:
    """`--lang en` answers in English, refusals included."""
    refused = fse("verify", EXAMPLE, "--lang", "en", home=home, cwd=tmp_path)
    assert "Check that the right file was chosen" in refused.stderr
    french = fse("verify", EXAMPLE, home=home, cwd=tmp_path)
    assert "Vérifier que le bon fichier" in french.stderr
