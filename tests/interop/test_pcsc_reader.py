"""The cards through the machine's own card stack: pcscd, vpcd, pyscard; and the host side that developers embed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.storage import save
from card_sim.wallet import demo_wallet
from fse.cards import CardMute
from fse.seals import open_sheet
from gateway.pcsc import PcscError, cards_in, open_slot, reader_names
from gateway.readers import ProfessionalCard, VitaleCard
from tests.interop.conftest import missing

if TYPE_CHECKING:
    from card_sim.cps import CpsCard
    from card_sim.vitale import VitaleCard as VitaleInMemory
    from tests.interop.conftest import Ask, Insert

pytestmark = pytest.mark.interop

FIRST, SECOND = "Virtual PCD 00 00", "Virtual PCD 00 01"
FSE = Path(sys.executable).with_name("fse")
EXAMPLE = Path(__file__).parents[2] / "examples" / "encounter.json"


@pytest.fixture(autouse=True)
def pyscard() -> None:
    """Ask for pyscard: missing, the test is skipped in plain sight, and fails under CI."""
    if find_spec("smartcard") is None:
        missing("pyscard missing: make pcsc")


@cache
def issued() -> tuple[CpsCard, VitaleInMemory]:
    """Return a CPS and the Vitale of the example's family; keys are slow to make."""
    pki = TestPki.create(SeededRandomness("pcsc"), now=datetime(2025, 3, 4, tzinfo=UTC))
    wallet = demo_wallet()
    return pki.issue_cps(wallet.cps["medecin"]), pki.issue_vitale(wallet.vitale["dutest"])


def fse(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the command ``fse`` as a person does."""
    environment = os.environ | {"FSE_HOME": str(home), "COLUMNS": "200"}
    return subprocess.run([FSE, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_pyscard_reads_the_vitale_as_public_readers_do(insert: Insert) -> None:
    """Protects other people's readers: identity under the MF, NIR under the application VITALE."""
    insert(*issued())
    connection: Any = next(
        one for one in import_module("smartcard.System").readers() if str(one) == SECOND
    ).createConnection()
    connection.connect()

    def ask(command: str) -> bytes:
        data, *status = connection.transmit(list(bytes.fromhex(command)))
        if status[0] == 0x61:
            data, *status = connection.transmit([0x00, 0xC0, 0x00, 0x00, status[1]])
        assert status == [0x90, 0x00]
        return bytes(data)

    ask("00A40000023F00")
    identity = ask("00B0820000")
    name = "DUTEST".encode("latin-1")
    assert identity[:1] == b"\x65"
    assert bytes((0x80, len(name))) + name in identity
    assert b"\x81\x04Marc".lower() in identity.lower()
    ask("00A404000B" + "D250000002564954414C45")
    assert b"\x93\x0f185036204199978" in ask("00B0820000")
    connection.release()


@pytest.mark.parametrize("swapped", [False, True])
def test_a_sheet_sealed_through_pcsc_is_the_one_sealed_in_process(
    insert: Insert, tmp_path: Path, *, swapped: bool
) -> None:
    """Protects the reader side: same cards, number and clock give the same bytes, whichever card is in which slot."""
    cps, vitale = issued()
    save(cps, tmp_path / "cps.json")
    save(vitale, tmp_path / "vitale.json")
    (tmp_path / "pin").write_text("1234\n")
    common = ("seal", str(EXAMPLE), "--number", "42", "--pin-file", str(tmp_path / "pin"))
    files = ("--cps", str(tmp_path / "cps.json"), "--vitale", str(tmp_path / "vitale.json"))
    done = fse(*common, *files, "-o", str(tmp_path / "in-process.fse"), home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    insert(*((vitale, cps) if swapped else (cps, vitale)))
    done = fse(*common, "--reader", "pcsc:Virtual PCD", "-o", str(tmp_path / "pcsc.fse"), home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    sealed = (tmp_path / "pcsc.fse").read_bytes()
    assert sealed == (tmp_path / "in-process.fse").read_bytes()
    assert open_sheet(sealed).patient is not None
    listed = fse("card", "readers", home=tmp_path / "home")
    assert [line.split("│")[2].strip() for line in listed.stdout.splitlines() if "Virtual" in line] == (
        ["Vitale", "CPS"] if swapped else ["CPS", "Vitale"]
    )


def test_what_is_wrong_with_a_reader_is_told(insert: Insert, tmp_path: Path) -> None:
    """Protects the operator: an unknown reader is told with those that are there, a wrong PIN with the tries left."""
    cps, vitale = issued()
    insert(cps, vitale)
    (tmp_path / "pin").write_text("0000")
    seal = ("seal", str(EXAMPLE), "-o", str(tmp_path / "x.fse"), "--pin-file", str(tmp_path / "pin"))
    for name, rule, said in (
        ("pcsc:Autre", "PCSC-READER", f"{FIRST}, {SECOND}"),
        ("Virtual PCD", "PCSC-NAME", "pcsc:NOM"),
        ("pcsc:Virtual PCD", "CARD-PIN-WRONG · 0xF003", "2"),
        (f"pcsc:{SECOND}", "SUBMIT-CPS", "CPS"),
    ):
        done = fse(*seal, "--reader", name, home=tmp_path / "home")
        assert done.returncode == 2
        assert f"[{rule}]" in done.stderr
        assert said in done.stderr.replace("\n", " ")
    assert not (tmp_path / "x.fse").exists()
    assert cps.pin.tries_left == 2
    cps.pin.tries_left = 3


def test_a_card_that_is_held_is_told_and_given_back(insert: Insert, ask: Ask) -> None:
    """Protects the dialogue: a card that another program holds is PCSC-BUSY, and free again afterwards."""
    cps, vitale = issued()
    insert(cps, vitale)
    assert reader_names() == (FIRST, SECOND)
    with open_slot(FIRST) as transmit:
        assert transmit is not None
        with pytest.raises(PcscError) as caught, open_slot(FIRST):
            pass
        assert caught.value.rule.id == "PCSC-BUSY"
        reader = ProfessionalCard.insert(transmit)
        reader.unlock("1234")
        assert ask("opensc-tool", "-r", "1", "-a").strip() == vitale.atr.hex(":")
    with cards_in("Virtual PCD") as cards:  # given back: and the PIN is forgotten
        assert cards.professional is not None
        assert cards.vitale is not None
        assert VitaleCard.insert(cards.vitale).data.serial == vitale.profile.serial


def test_without_a_daemon_the_service_is_named(insert: Insert, tmp_path: Path) -> None:
    """Protects the first try of a newcomer: no pcscd gives PCSC-SERVICE and exit code 2, not a trace."""
    del insert  # it is this test's turn, and no daemon runs
    done = fse("card", "readers", home=tmp_path)
    assert (done.returncode, "[PCSC-SERVICE]" in done.stderr) == (2, True), done.stderr


def test_a_mute_reader_is_a_mute_card(insert: Insert, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from a daemon that hangs: past the time limit the card is mute, and the program goes on."""
    insert(*issued())
    with open_slot(FIRST) as transmit:
        assert transmit is not None
        never = threading.Event()
        monkeypatch.setattr("gateway.pcsc._SECONDS", 0.2)
        monkeypatch.setattr("smartcard.pcsc.PCSCCardConnection.PCSCCardConnection.doTransmit", lambda *_: never.wait())
        with pytest.raises(CardMute) as caught:
            ProfessionalCard.insert(transmit)
        never.set()
        monkeypatch.undo()
    assert caught.value.facts["reason"] == "ReaderSilent"


def test_without_pyscard_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects who installed no extra: PCSC-MISSING says what to install, not a missing module."""
    monkeypatch.setitem(sys.modules, "smartcard.scard", None)
    with pytest.raises(PcscError) as caught:
        reader_names()
    assert caught.value.rule.id == "PCSC-MISSING"
