"""OpenSC, which knows nothing of us, takes the emulated CPS (dialect of its isoApplet driver) for a card."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from card_sim.cps import CpsCard
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import Certificate

    from tests.interop.conftest import Ask, Insert

pytestmark = pytest.mark.interop

READER = ("-r", "0")
LABELS = [
    "CPS_DATA",
    "CPS_ID_CARD",
    "CPS_NAME_PS",
    "CPS_LANG_PS",
    "CPS_INFO_PS",
    "CPS_ACTIVITY_01_PS",
    "CPS_SIT_FACT",
]


@cache
def issued() -> CpsCard:
    """Return the card whose keys the others share: keys are slow to make."""
    pki = TestPki.create(SeededRandomness("opensc"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_cps(demo_wallet().cps["medecin"])


@pytest.fixture
def card(insert: Insert) -> CpsCard:
    """Return a CPS with all its tries, in slot 0 of the reader."""
    one = issued()
    new = CpsCard(
        one.profile,
        one.private_key,
        one.certificate,
        one.issuer_certificate,
        challenges=SeededRandomness("opensc").stream("challenges"),
        authentication=one.authentication,
    )
    insert(new)
    return new


@pytest.fixture
def module(outside_library: Callable[[str, str], str]) -> tuple[str, ...]:
    """Return the arguments that give pkcs11-tool the module of OpenSC."""
    return "--module", outside_library("*/opensc-pkcs11.so", "opensc-pkcs11")


def pem(certificate: Certificate) -> str:
    """Return ``certificate`` as text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def test_it_is_recognised(card: CpsCard, ask: Ask) -> None:
    """The ATR arrives whole, the driver is found by itself, the serial number is read by a raw command."""
    assert ask("opensc-tool", *READER, "--atr").strip() == card.atr.hex(":")
    assert ask("opensc-tool", *READER, "-n").strip() == "Javacard with IsoApplet"
    raw = ask("opensc-tool", *READER, "-s", "00CA005A00")
    assert "SW1=0x90, SW2=0x00" in raw
    assert "9970000001" in raw


def test_its_content_is_listed(card: CpsCard, ask: Ask) -> None:
    """pkcs15-tool shows the codes, both keys, three certificates and the data objects, activities as private."""
    dump = ask("pkcs15-tool", *READER, "--dump")
    assert f"PKCS#15 Card [CPS TEST {card.profile.card_serial}]" in dump
    for kind, count in {"PIN [": 2, "Private RSA Key [": 2, "X.509 Certificate [": 3, "Data object '": 7}.items():
        assert dump.count(kind) == count
    places = [dump.index(f"'{label}'") for label in LABELS]
    assert places == sorted(places)
    assert dump.count("Auth ID:         01") == 2


def test_certificates_are_read(card: CpsCard, ask: Ask) -> None:
    """The certificates that come out are those that the authority issued."""
    assert card.authentication is not None
    for identifier, certificate in {
        "45": card.certificate,
        "46": card.authentication.certificate,
        "47": card.issuer_certificate,
    }.items():
        assert ask("pkcs15-tool", *READER, "--read-certificate", identifier) == pem(certificate)


def test_objects_are_listed_through_pkcs11(card: CpsCard, ask: Ask, module: tuple[str, ...]) -> None:
    """One token; before the login what is public, after it the private keys and data too."""
    assert ask("pkcs11-tool", *module, "--list-token-slots").count("token label") == 1
    before = ask("pkcs11-tool", *module, "--list-objects")
    assert "Private Key Object" not in before
    assert "CPS_SIT_FACT" not in before
    after = ask("pkcs11-tool", *module, "--login", "--pin", card.profile.pin, "--list-objects")
    assert after.count("Private Key Object; RSA") == 2
    assert all(f"'{label}'" in after for label in LABELS)


@pytest.mark.parametrize("key", ["45", "46"])
def test_openssl_verifies_what_it_signs(
    key: str, card: CpsCard, ask: Ask, module: tuple[str, ...], tmp_path: Path
) -> None:
    """A signature through PKCS #11 with either key is good for openssl, and bad for another message."""
    assert card.authentication is not None
    certificate = card.certificate if key == "45" else card.authentication.certificate
    (tmp_path / "message").write_bytes(b"une feuille de soins")
    (tmp_path / "other").write_bytes(b"une autre feuille")
    public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    login = (*module, "--login", "--pin", card.profile.pin)
    signing = ("--sign", "--id", key, "-m", "SHA256-RSA-PKCS", "-i", "message", "-o", "signature")
    ask("pkcs11-tool", *login, *signing)
    verifying = ("dgst", "-sha256", "-verify", "key.pem", "-signature", "signature")
    assert "Verified OK" in ask("openssl", *verifying, "message")
    assert "erification failure" in ask("openssl", *verifying, "other", fails=True)


def test_the_billing_situation_needs_the_pin(card: CpsCard, ask: Ask) -> None:
    """Without the PIN pkcs15-tool cannot read CPS_SIT_FACT; with it, the bytes of the profile come out."""
    reading = ("--read-data-object", "CPS_SIT_FACT")
    ask("pkcs15-tool", *READER, *reading, fails=True)
    given = ask("pkcs15-tool", *READER, "--verify-pin", "--pin", card.profile.pin, *reading)
    assert card.profile.structures[0].encode().hex(" ").upper() in given


def test_three_wrong_pins_block_and_the_puk_unblocks(card: CpsCard, ask: Ask) -> None:
    """The third wrong PIN blocks the right one too; the PUK sets a new one, and one use of it is gone."""
    verify = (*READER, "--verify-pin", "--pin")
    for left in (2, 1, 0):
        assert "PIN code or key incorrect" in ask("pkcs15-tool", *verify, "9999", fails=True)
        assert card.pin.tries_left == left
    assert "blocked" in ask("pkcs15-tool", *verify, card.profile.pin, fails=True)
    unblock = (*READER, "--unblock-pin", "--auth-id", "01", "--new-pin", "4321", "--puk")
    ask("pkcs15-tool", *unblock, "00000000", fails=True)
    assert card.pin.tries_left == 0
    ask("pkcs15-tool", *unblock, card.profile.puk)
    ask("pkcs15-tool", *verify, "4321")
    assert (card.pin.tries_left, card.pin.unblocks_left) == (3, 8)


def test_the_pin_is_changed(card: CpsCard, ask: Ask) -> None:
    """CHANGE REFERENCE DATA through pkcs15-tool: the new PIN is the card's, the old one is wrong."""
    change = ("--change-pin", "--auth-id", "01", "--new-pin", "0007", "--pin")
    ask("pkcs15-tool", *READER, *change, card.profile.pin)
    assert card.profile.pin == "0007"
    ask("pkcs15-tool", *READER, "--verify-pin", "--pin", "1234", fails=True)


def test_a_verified_pin_is_lost_at_reset(card: CpsCard, ask: Ask) -> None:
    """A program that leaves the card verified leaves nothing behind a cold reset."""
    ask("opensc-tool", *READER, "-s", "002000010431323334")
    assert card.pin.verified
    ask("opensc-tool", *READER, "--reset=cold")
    assert not card.pin.verified
    assert "SW1=0x63, SW2=0xC3" in ask("opensc-tool", *READER, "-s", "00200001")
