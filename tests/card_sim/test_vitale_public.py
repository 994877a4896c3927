"""The Vitale card as public readers find it, and what it says more to ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from card_sim.errors import ProfileInvalid
from card_sim.pki import TestPki
from card_sim.profiles import VitaleProfile
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet
from fse.cards import CardDataInvalid, VitaleReader

if TYPE_CHECKING:
    from card_sim.vitale import VitaleCard

DUTEST = demo_wallet().vitale["dutest"]


def issue(profile: VitaleProfile) -> VitaleCard:
    """Return a card of ``profile``."""
    pki = TestPki.create(SeededRandomness("public"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_vitale(profile)


def test_identities_and_numbers_are_free_to_read() -> None:
    """SFI 2 of the master file holds the identities, that of VITALE the NIR: templates 65 in one order, then 66."""
    card = issue(DUTEST)
    assert card.transmit(bytes.fromhex("00A4000C02 3F00")).hex() == "9000"
    father = b"\x80\x06DUTEST\x81\x04Marc\x82\x0819850312\x90\x02FR"
    daughter = b"\x80\x06DUTEST\x81\x04Emma\x82\x0820210502\x90\x02FR"
    identity = b"\x65\x1c" + father + b"\x65\x1c" + daughter + b"\x66\x0a\x80\x0820150101"
    assert card.transmit(bytes.fromhex("00B0820000")) == identity + b"\x90\x00"
    assert card.transmit(bytes.fromhex("00A4040C0B D250000002564954414C45")).hex() == "9000"
    assert card.transmit(bytes.fromhex("00B0820000")) == b"\x65\x11\x93\x0f185036204199978\x65\x00\x90\x00"


def test_the_master_file_has_its_name() -> None:
    """SELECT by the name MF_VITALE leads to the master file."""
    card = issue(DUTEST)
    card.transmit(bytes.fromhex("00A4040C0B D250000002564954414C45"))
    assert card.transmit(bytes.fromhex("00A404000E D2500000024D465F564954414C45 00"))[-2:].hex() == "9000"
    assert card.transmit(bytes.fromhex("00B0820002")).hex() == "651c9000"


def test_physician_exemption_and_cover_reach_the_reader() -> None:
    """A médecin traitant, an exoneration and a complementary cover on the card are what the reader says, or None."""
    known = replace(DUTEST, attending_physician="99700000013", exemption="4", cover="c2s")
    for profile in (DUTEST, known):
        data = VitaleReader(issue(profile).transmit).read()
        said = (data.attending_physician, data.exemption, data.cover)
        assert said == (profile.attending_physician, profile.exemption, profile.cover)
    assert VitaleProfile.from_dict(known.to_dict()) == known


@pytest.mark.parametrize(
    ("key", "value"), [("attending_physician", "10000000001"), ("exemption", "44"), ("cover", "mutuelle")]
)
def test_what_is_unknown_is_refused(key: str, value: str) -> None:
    """A profile with a real RPPS, a code of two characters or an unknown cover makes no card."""
    with pytest.raises(ProfileInvalid) as refused:
        VitaleProfile.from_dict(DUTEST.to_dict() | {key: value})
    assert refused.value.place == f"profile.{key}"


@pytest.mark.parametrize(("good", "bad"), [(b"\x8b\x014", b"\x8b\x01?"), (b"\x8c\x03c2s", b"\x8c\x03c3s")])
def test_a_card_that_says_nonsense_is_named(good: bytes, bad: bytes) -> None:
    """The reader believes neither an exemption nor a cover that it does not know."""
    card = issue(replace(DUTEST, exemption="4", cover="c2s"))
    with pytest.raises(CardDataInvalid):
        VitaleReader(lambda command: card.transmit(command).replace(good, bad)).read()
