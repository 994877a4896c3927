"""The commands of a card, one by one: expected bytes are written by hand from ISO 7816-4."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.apdu import Command
from card_sim.cps import CpsCard
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.status_words import Refusal
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from card_sim.card import SoftCard
    from card_sim.vitale import VitaleCard

SELECT_CPS = "00A404000A F046534553494D435053"
SELECT_VITALE = "00A404000D F046534553494D564954414C45"


@cache
def pki() -> TestPki:
    """Return one infrastructure for the module: keys are slow to make."""
    return TestPki.create(SeededRandomness("commands"), now=datetime(2025, 3, 4, tzinfo=UTC))


@cache
def issued_cps() -> CpsCard:
    """Return the card whose key the others of this module share."""
    return pki().issue_cps(demo_wallet().cps["medecin"])


@pytest.fixture
def cps() -> CpsCard:
    """Return a CPS as it leaves the factory."""
    card = issued_cps()
    stream = SeededRandomness("challenges").stream("cps")
    return CpsCard(card.profile, card.private_key, card.certificate, card.issuer_certificate, challenges=stream)


@pytest.fixture
def vitale() -> VitaleCard:
    """Return a Vitale card as it leaves the factory."""
    return pki().issue_vitale(demo_wallet().vitale["dutest"])


def send(card: SoftCard, command: str) -> str:
    """Return the answer of ``card`` to ``command``, both in hexadecimal."""
    return card.transmit(bytes.fromhex(command)).hex().upper()


@pytest.mark.parametrize(
    ("command", "data", "expected"),
    [
        ("00A40000", "", None),
        ("00B0000000", "", 256),
        ("00B0000010", "", 16),
        ("0020000104 31323334", "31323334", None),
        ("002A9E9A02 ABCD 00", "ABCD", 256),
        ("002A9E9A02 ABCD 20", "ABCD", 32),
        ("00B00000 000000", "", 65536),
        ("00B00000 000200", "", 512),
        ("002A9E9A 000002 ABCD", "ABCD", None),
        ("002A9E9A 000002 ABCD 0100", "ABCD", 256),
        ("002A9E9A 000002 ABCD 0000", "ABCD", 65536),
    ],
)
def test_the_cases_of_a_command(command: str, data: str, expected: int | None) -> None:
    """Short and extended forms of the four cases of ISO 7816-4 §5.1 are understood."""
    parsed = Command.parse(bytes.fromhex(command))
    assert (parsed.data.hex().upper(), parsed.expected) == (data, expected)


@pytest.mark.parametrize(
    "command",
    [
        "0020000104 313233",
        "0020000104 31323334 0000",
        "00200001 0000",
        "00200001 00000431323334 00",
        "00200001 000000 0000",
        "00200001 000005 31323334",
    ],
)
def test_lengths_that_do_not_add_up(command: str) -> None:
    """A command whose lengths are wrong is refused with 6700, never guessed at."""
    with pytest.raises(Refusal) as refused:
        Command.parse(bytes.fromhex(command))
    assert refused.value.answer.hex() == "6700"


def test_a_command_never_shows_its_data() -> None:
    """A PIN in a command does not reach a log through its representation."""
    command = Command.parse(bytes.fromhex("0020000104 31323334"))
    assert repr(command) == "Command(20 0001, 4 bytes, Ne=None)"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("", "6700"),
        ("00", "6700"),
        ("00A404", "6700"),
        ("80A40400", "6E00"),
        ("0CA40400", "6E00"),
        ("00D60000", "6D00"),
        ("00A40000 0000", "6700"),
        ("00A4010002 3F00", "6A82"),
        ("00A4000802 3F00", "6A86"),
        ("00A4000C03 3F0050", "6700"),
        ("00A4000C02 1234", "6A82"),
        ("00A4040C07 A0000000031010", "6A82"),
        ("00A4000C", "9000"),
        ("00A4000C02 3F00", "9000"),
        ("00A4000C02 5015", "9000"),
        ("00A4000002 3F00 00", "6F07 820138 83023F00 9000"),
        ("00A4000402 3F00 00", "6207 820138 83023F00 9000"),
        ("00A4000402 2F00 00", "620E 80020020 820101 83022F00 8801F0 9000"),
        ("00A4000402 3F00", "6109"),
        ("00A4000402 3F00 05", "6C09"),
        ("00CA005A00", "39393730303030303031 9000"),
        ("00CA005A05", "6C0A"),
        ("00CA005A", "610A"),
        ("00CA005A01 00", "6700"),
        ("00CA010100", "6A88"),
        ("00840000", "6700"),
        ("00840001 08", "6A86"),
        ("00840000 000101", "6700"),
        ("008400000101 08", "6700"),
        ("00C0000000", "6985"),
        ("00C00000", "6700"),
        ("00C0000101", "6A86"),
        ("00B0000000", "6986"),
        ("00B00000", "6700"),
        ("00B0000001 00 00", "6700"),
        ("00B0800000", "6A86"),
        ("00B09F0000", "6A86"),
        ("00B0E10000", "6A86"),
        ("00B0830000", "6A82"),
        ("0020010104 31323334", "6A86"),
        ("0020000204 31323334", "6A88"),
        ("00200001", "63C3"),
        ("0020000103 313233", "6700"),
        ("0022F3B606 800111840101", "6A86"),
        ("002241B606 800111840101", "9000"),
        ("002241B606 840101800111", "9000"),
        ("002241B606 800121840101", "6A80"),
        ("002241B606 800111840102", "6A88"),
        ("002241B606 800111800111", "6A80"),
        ("002241B603 800111", "6A80"),
        ("002241B605 8001118401", "6A80"),
        ("002241B601 80", "6A80"),
        ("002241B6", "6A80"),
        ("002A9E9A00", "6985"),
        ("002A90A000", "6985"),
    ],
)
def test_answers_after_power_on(cps: CpsCard, command: str, answer: str) -> None:
    """Each command, as the first after power-on, gets the data or the status word that ISO 7816-4 gives it."""
    assert send(cps, command) == answer.replace(" ", "")


def test_the_directory_names_the_application(cps: CpsCard) -> None:
    """EF.DIR tells where the PKCS #15 application of the card is, under the tags of ISO 7816-4 §12.2.1."""
    expected = "611E 4F0C A000000063504B43532D3135 5008 4350532054455354 5104 3F005015 9000"
    assert send(cps, "00B09E0000") == expected.replace(" ", "")


def test_reading_a_file_by_offset(cps: CpsCard) -> None:
    """READ BINARY gives what is at an offset; 6282 when less is left than was asked, 6B00 beyond the end."""
    der = cps.certificate.public_bytes(Encoding.DER).hex().upper()
    size = len(der) // 2
    assert send(cps, SELECT_CPS + "00").endswith("9000")
    assert send(cps, "00A4000C02 D020") == "9000"
    assert send(cps, "00B0000000") == der[:512] + "9000"
    assert send(cps, "00B0000310") == der[6:38] + "9000"
    assert send(cps, f"00B0{size - 2:04X}02") == der[-4:] + "9000"
    assert send(cps, f"00B0{size - 2:04X}03") == der[-4:] + "6282"
    assert send(cps, f"00B0{size - 2:04X}00") == der[-4:] + "9000"
    assert send(cps, f"00B0{size:04X}01") == "6B00"
    assert send(cps, "00B00000 000000") == der + "9000"
    assert send(cps, "00B00000 001000") == der + "6282"


def test_a_short_identifier_also_selects(cps: CpsCard) -> None:
    """READ BINARY by short identifier makes the file current for the next reads."""
    send(cps, SELECT_CPS)
    first = send(cps, "00B0820004")
    assert first == cps.certificate.public_bytes(Encoding.DER)[:4].hex().upper() + "9000"
    assert send(cps, "00B0000004") == first


def test_files_belong_to_their_directory(cps: CpsCard) -> None:
    """The files of the application cannot be selected from the master file, nor EF.DIR from the application."""
    assert send(cps, "00A4000C02 D020") == "6A82"
    send(cps, SELECT_CPS)
    assert send(cps, "00A4000C02 D020") == "9000"
    assert send(cps, "00A4000C02 2F00") == "6A82"
    send(cps, "00A4000C02 3F00")
    assert send(cps, "00B0000000") == "6986"


def test_get_response_gives_what_waits_once(cps: CpsCard) -> None:
    """Data announced by 61xx are given once, whole, and any other command drops them."""
    assert send(cps, "00CA005A") == "610A"
    assert send(cps, "00C0000004") == "6C0A"
    assert send(cps, "00C000000A") == "393937303030303030319000"
    assert send(cps, "00C000000A") == "6985"
    send(cps, "00CA005A")
    send(cps, "00A4000C")
    assert send(cps, "00C000000A") == "6985"


def test_get_response_takes_no_data(cps: CpsCard) -> None:
    """GET RESPONSE with a body is malformed."""
    assert send(cps, "00C0000001 00 0A") == "6700"


def test_a_reset_forgets_everything_but_the_tries(cps: CpsCard) -> None:
    """After power-off the selected file, the environment, the waiting data and the verified PIN are gone."""
    for command in (SELECT_CPS, "00A4000C02 D020", "0020000104 31323334", "002241B606 800111840101", "00CA005A"):
        send(cps, command)
    cps.reset()
    assert send(cps, "00C000000A") == "6985"
    assert send(cps, "00B0000000") == "6986"
    assert send(cps, "002A9E9A00") == "6985"
    assert send(cps, "00200001") == "63C3"


def test_challenges_follow_each_other(cps: CpsCard) -> None:
    """GET CHALLENGE gives as many fresh bytes as asked."""
    first, second = (cps.transmit(bytes.fromhex("0084000010")) for _ in range(2))
    assert len(first) == len(second) == 18
    assert first != second
    assert len(cps.transmit(bytes.fromhex("0084000000"))) == 258


def test_a_vitale_card_has_no_pin(vitale: VitaleCard) -> None:
    """VERIFY does not exist on a Vitale card, which signs without it; its serial number is free to read."""
    assert send(vitale, "00200001") == "6D00"
    assert send(vitale, "00CA005A00") == b"990000000001".hex().upper() + "9000"
    assert send(vitale, SELECT_VITALE + "00").endswith("9000")
    assert send(vitale, SELECT_CPS) == "6A82"
    vitale.reset()
    assert send(vitale, "002241B606 800121840101") == "9000"
