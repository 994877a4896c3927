"""The IAS-ECC dialect of the CPS: expected bytes are those logged with real cards, or worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from card_sim.errors import ProfileInvalid
from card_sim.pki import TestPki
from card_sim.profiles import CpsProfile
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet
from fse.cards import CpsReader

if TYPE_CHECKING:
    from card_sim.cps import CpsCard

VERIFY = "0020000104 31323334"


@cache
def issued() -> CpsCard:
    """Return a CPS that speaks IAS-ECC."""
    pki = TestPki.create(SeededRandomness("ias"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_cps(replace(demo_wallet().cps["medecin"], dialect="iasecc"))


@pytest.fixture
def cps() -> CpsCard:
    """Return the card, just powered on."""
    issued().reset()
    return issued()


def send(card: CpsCard, command: str) -> str:
    """Return the answer of ``card`` to ``command``, both in hexadecimal."""
    return card.transmit(bytes.fromhex(command)).hex().upper()


def test_the_card_looks_like_a_cps3(cps: CpsCard) -> None:
    """ATR and EF.ATR are those that were logged; the access rules stand in the control information."""
    assert cps.atr.hex().upper() == "3BAC00402A001225006480000310009000"
    selected = send(cps, "00A4090404 3F002F01")
    assert selected == "6113"
    assert send(cps, "00C0000013") == "6211 80020039 820101 83022F01 A1048C020100 9000".replace(" ", "")
    assert send(cps, "00B0000039").startswith("804301B8460404B0ECC1")
    assert send(cps, "00A4040C08 8025000001FF0100") == "9000"
    assert send(cps, "00B09C0000") == "5A0A 8025000001 9970000001 9000".replace(" ", "")
    assert send(cps, "00A4020C02 3F00") == "9000"
    assert send(cps, "00A4090C04 3F00D003") == "9000"
    assert send(cps, "00A4090406 3F000001D130") == "6113"
    assert send(cps, "00C0000013").endswith("A1048C0201119000")


def test_get_data_tells_the_counters_of_the_pin(cps: CpsCard) -> None:
    """The answer holds 9A 01 03 9B 01 03, as logged with a real card, and follows the tries."""
    ask = "00CB3FFF0A 4D087006BF810102A080 00"
    assert send(cps, ask) == "7018 BF810114 A012 9A0103 9B0103 A10A8C087F00000000000000 9000".replace(" ", "")
    send(cps, "0020000104 39393939")
    assert "9A01039B0102" in send(cps, ask)
    send(cps, VERIFY)
    assert send(cps, "00CB3FFF0B 4D097007BF8101037F4180 00") == "700DBF8101097F41068001048101049000"
    assert send(cps, "00CB3FFF0A 4D087006BF900202A080 00").startswith("7016BF900212A01080020100")
    assert send(cps, "00CB3FFF0B 4D097007BF9001037F4880 00") == "700ABF9001067F48038001009000"
    assert send(cps, "00CB3FFF0A 4D087006BF900302A080 00") == "6A88"


def test_a_sheet_is_signed_with_the_last_block_on_card(cps: CpsCard) -> None:
    """Local key references, PSO HASH and PSO CDS as the public command list has them give a good signature."""
    for command in (VERIFY, "002241AA03 800140", "002241B606 840181 800142", "002A90A005 8003 616263"):
        assert send(cps, command) == "9000"
    answer = cps.transmit(bytes.fromhex("002A9E9A00"))
    public = cps.certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(answer[:-2], b"abc", padding.PKCS1v15(), SHA256())


def test_our_reader_takes_both_dialects(cps: CpsCard) -> None:
    """The host side reads the holder and signs: our application is on the card whatever its dialect."""
    reader = CpsReader(cps.transmit)
    assert reader.read().rpps == cps.profile.rpps
    reader.verify_pin("1234")
    assert len(reader.sign(bytes(32))) == 256


def test_a_dialect_is_known() -> None:
    """A profile with another dialect makes no card."""
    with pytest.raises(ProfileInvalid) as refused:
        CpsProfile.from_dict(demo_wallet().cps["medecin"].to_dict() | {"dialect": "piv"})
    assert refused.value.place == "profile.dialect"
