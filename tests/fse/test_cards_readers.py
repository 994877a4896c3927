"""The readers of the library against the simulated cards: they meet at bytes only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.cps import CpsCard
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet
from fse.cards import (
    CpsReader,
    DigestFormat,
    Holder,
    NotACps,
    NotAVitale,
    PinBlocked,
    PinFormat,
    PinNeeded,
    RightsPeriod,
    UnexpectedStatus,
    VitaleReader,
    WrongPin,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from card_sim.vitale import VitaleCard

MESSAGE = b"une feuille de soins"
DIGEST = sha256(MESSAGE).digest()


@cache
def pki() -> TestPki:
    """Return one infrastructure for the module."""
    return TestPki.create(SeededRandomness("readers"), now=datetime(2025, 3, 4, tzinfo=UTC))


@cache
def issued_cps() -> CpsCard:
    """Return the card whose key the others share: keys are slow to make."""
    return pki().issue_cps(demo_wallet().cps["sage_femme"])


def new_cps() -> CpsCard:
    """Return a CPS with all its tries."""
    one = issued_cps()
    stream = SeededRandomness("readers").stream("challenges")
    return CpsCard(one.profile, one.private_key, one.certificate, one.issuer_certificate, challenges=stream)


def new_vitale(name: str = "specimen") -> VitaleCard:
    """Return a Vitale card of the wallet."""
    return pki().issue_vitale(demo_wallet().vitale[name])


def counted(transmit: Callable[[bytes], bytes], commands: list[bytes]) -> Callable[[bytes], bytes]:
    """Return ``transmit`` that also notes the commands."""

    def noting(command: bytes) -> bytes:
        commands.append(command)
        return transmit(command)

    return noting


def test_a_cps_is_read_without_its_pin() -> None:
    """The holder's data, both certificates included, come out as they went in; the PIN is not needed."""
    card = new_cps()
    holder = CpsReader(card.transmit).read()
    assert (holder.card_serial, holder.card_type, holder.rpps) == ("9970000002", "80", "99700000021")
    assert (holder.family_name, holder.first_name, holder.profession) == ("EXEMPLAIRE", "Dominique", "sage-femme")
    assert holder.structures == ("629990003",)
    assert (holder.valid_from, holder.valid_to) == (date(2015, 1, 1), date(2049, 12, 31))
    assert (holder.may_sign_sheet, holder.may_sign_lot) == (True, True)
    assert holder.certificate == card.certificate.public_bytes(Encoding.DER)
    assert holder.issuer_certificate == pki().authority("cps").public_bytes(Encoding.DER)


def test_a_vitale_card_is_read() -> None:
    """The family, the fund and the rights come out as they went in; the insured is the first holder."""
    card = new_vitale()
    data = VitaleReader(card.transmit).read()
    assert (data.serial, data.regime, data.caisse, data.centre) == ("990000000007", "01", "999", "0000")
    assert (data.insured.nir, data.insured.key, data.insured.birth_date) == (
        "2860162041994",
        "49",
        date(1986, 1, 30),
    )
    spouse = Holder("1840762041994", "SPÉCIMEN", "Yanis", date(1984, 7, 14), 1, "2")
    child = Holder("2210262041996", "SPÉCIMEN", "Inès", date(2021, 2, 15), 1, "3")
    assert data.beneficiaries == (spouse, child)
    assert data.holders == (Holder("2860162041994", "SPÉCIMEN", "Nadia", date(1986, 1, 30), 1, "1"), spouse, child)
    assert data.rights == (RightsPeriod(date(2015, 1, 1), date(2049, 12, 31)),)
    assert (data.updated_on, data.valid_from) == (date(2025, 1, 15), date(2015, 1, 1))
    assert data.certificate == card.certificate.public_bytes(Encoding.DER)
    assert data.issuer_certificate == pki().authority("vitale").public_bytes(Encoding.DER)


@pytest.mark.parametrize("name", sorted(demo_wallet().vitale))
def test_every_card_of_the_wallet_is_read(name: str) -> None:
    """Each family of the demonstration can be read, children without a NIR of their own included."""
    profile = demo_wallet().vitale[name]
    data = VitaleReader(new_vitale(name).transmit).read()
    assert data.insured.nir + data.insured.key == profile.nir
    assert [(one.first_name, one.birth_date, one.birth_rank, one.nir) for one in data.beneficiaries] == [
        (one.first_name, one.birth_date, one.birth_rank, one.nir and one.nir[:13]) for one in profile.beneficiaries
    ]


def test_the_largest_family_fits() -> None:
    """Nineteen beneficiaries with the longest names are still read."""
    one = {"family_name": "É" * 40, "first_name": "É" * 40, "birth_date": "2020-01-01", "nir": "221026204199647"}
    profile = demo_wallet().vitale["dutest"]
    large = type(profile).from_dict(profile.to_dict() | {"beneficiaries": [one] * 19})
    data = VitaleReader(pki().issue_vitale(large).transmit).read()
    assert len(data.beneficiaries) == 19
    assert data.beneficiaries[18].family_name == "É" * 40


def test_the_signature_of_a_cps() -> None:
    """After the PIN the CPS signs a digest, and its certificate verifies the signature."""
    reader = CpsReader(new_cps().transmit)
    reader.verify_pin("1234")
    public = x509.load_der_x509_certificate(reader.read().certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(reader.sign(DIGEST), MESSAGE, padding.PKCS1v15(), SHA256())


def test_the_signature_of_a_vitale_card() -> None:
    """A Vitale card signs a digest without PIN, and its certificate verifies the signature."""
    reader = VitaleReader(new_vitale().transmit)
    public = x509.load_der_x509_certificate(reader.read().certificate).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(reader.sign(DIGEST), MESSAGE, ec.ECDSA(SHA256()))


def test_a_signature_needs_the_pin_again_after_power_off() -> None:
    """Without the PIN, and again after the card was taken out, the refusal is named."""
    card = new_cps()
    with pytest.raises(PinNeeded):
        CpsReader(card.transmit).sign(DIGEST)
    reader = CpsReader(card.transmit)
    reader.verify_pin("1234")
    reader.sign(DIGEST)
    card.reset()
    with pytest.raises(PinNeeded) as refused:
        CpsReader(card.transmit).sign(DIGEST)
    assert "code porteur" in refused.value.message()


def test_wrong_pins_are_counted() -> None:
    """Each wrong PIN names the tries left, the third blocks, and a blocked card refuses the right PIN."""
    card = new_cps()
    reader = CpsReader(card.transmit)
    assert reader.tries_left() == 3
    for left in (2, 1):
        with pytest.raises(WrongPin) as wrong:
            reader.verify_pin("0000")
        assert wrong.value.tries_left == wrong.value.facts["tries_left"] == left
        assert wrong.value.facts["code"] == "0xF003"
        assert reader.tries_left() == left
    for pin in ("0000", "1234"):
        with pytest.raises(PinBlocked):
            reader.verify_pin(pin)
    assert reader.tries_left() == 0


def test_a_right_pin_gives_the_tries_back() -> None:
    """After a right PIN all the tries are there again, and asking for them does not lose the verified state."""
    reader = CpsReader(new_cps().transmit)
    with pytest.raises(WrongPin):
        reader.verify_pin("0000")
    reader.verify_pin("1234")
    assert reader.tries_left() == 3
    assert len(reader.sign(DIGEST)) == 256


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "١٢٣٤", "1234\n", "-123"])
def test_a_malformed_pin_costs_nothing(pin: str) -> None:
    """What cannot be a PIN never reaches the card, and the error does not repeat it."""
    commands: list[bytes] = []
    with pytest.raises(PinFormat) as refused:
        CpsReader(counted(new_cps().transmit, commands)).verify_pin(pin)
    assert commands == []
    assert not pin or pin not in str(refused.value)


@pytest.mark.parametrize("size", [0, 20, 31, 33, 64])
def test_only_a_digest_is_signed(size: int) -> None:
    """Another size than that of SHA-256 is refused before the card is asked to sign."""
    commands: list[bytes] = []
    for reader in (
        CpsReader(counted(new_cps().transmit, commands)),
        VitaleReader(counted(new_vitale().transmit, commands)),
    ):
        with pytest.raises(DigestFormat):
            reader.sign(bytes(size))
    assert not any(command[1] == 0x2A for command in commands)


def test_cards_in_the_wrong_readers() -> None:
    """A Vitale card in the place of the CPS, or the other way round, is named before anything is read."""
    with pytest.raises(NotACps) as refused:
        CpsReader(new_vitale().transmit).read()
    assert refused.value.facts == {"sw": "6A82", "code": "0xF004"}
    for use in (VitaleReader(new_cps().transmit).read, lambda: VitaleReader(new_cps().transmit).sign(DIGEST)):
        with pytest.raises(NotAVitale):
            use()
    with pytest.raises(NotACps):
        CpsReader(new_vitale().transmit).verify_pin("1234")


def test_a_card_that_lost_its_application_is_named() -> None:
    """When the card was reset behind the reader's back, the refused command is named with its status word."""
    card = new_vitale()
    reader = VitaleReader(card.transmit)
    reader.read()
    card.reset()
    with pytest.raises(UnexpectedStatus) as refused:
        reader.read()
    assert refused.value.sw == 0x6A82
    assert refused.value.facts == {"card": "Vitale", "command": "SELECT", "sw": "6A82"}


def test_the_number_of_commands() -> None:
    """A reader costs the cards few commands: one SELECT of the application, reads of 231 bytes, two per signature."""
    commands: list[bytes] = []
    cps = CpsReader(counted(new_cps().transmit, commands))
    cps.verify_pin("1234")
    assert len(commands) == 2
    cps.sign(DIGEST)
    assert len(commands) == 4
    cps.read()
    assert len(commands) == 4 + 3 + 8
    commands.clear()
    vitale = VitaleReader(counted(new_vitale().transmit, commands))
    vitale.sign(DIGEST)
    assert [command[1] for command in commands] == [0xA4, 0x22, 0x2A]
    commands.clear()
    vitale.read()
    assert len(commands) == 3 + 8


def test_no_identity_shows_in_representations() -> None:
    """NIR and certificates stay out of the representation of what was read."""
    data = VitaleReader(new_vitale().transmit).read()
    for number in ("2860162041994", "1840762041994", "2210262041996"):
        assert number not in repr(data)
        assert number not in repr(data.holders)
    assert "certificate" not in repr(data) + repr(CpsReader(new_cps().transmit).read())
