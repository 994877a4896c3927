"""The operating system of the card beyond the commands that sheets need: tree, chains, long answers, environments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ExtendedKeyUsage, KeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from card_sim.card import SoftCard
from card_sim.cps import CpsCard
from card_sim.files import Directory, ElementaryFile, FileTree, Name
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.security_environment import SecurityEnvironment
from card_sim.session import Session
from card_sim.sha256_rounds import _START, _compress, finish
from card_sim.wallet import demo_wallet

VERIFY = "0020000104 31323334"


@cache
def tree_card() -> SoftCard:
    """Return a card with two levels of directories and an answer of 600 bytes."""
    deep = Directory(0x0002, (Name(b"\xf0DEEP"),), (ElementaryFile(0x0003, 7, b"deep"),))
    middle = Directory(0x0001, (Name(b"\xf0MIDDLE"),), (deep, ElementaryFile(0x0003, None, b"middle")))
    named = Name(b"\xf0TOP", b"\x01\x02")
    master = Directory(0x3F00, (named,), (middle, ElementaryFile(0x2F00, 30, b"top")))
    stream = SeededRandomness("tree").stream("challenges")
    answers = {bytes.fromhex("0101"): lambda: bytes(600)}
    session = Session(FileTree(master), SecurityEnvironment({}, {}), None, stream, answers)
    return SoftCard(session, b"\x3b\x00")


@cache
def issued() -> CpsCard:
    """Return a CPS with both keys."""
    pki = TestPki.create(SeededRandomness("system"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_cps(demo_wallet().cps["medecin"])


@pytest.fixture
def card() -> SoftCard:
    """Return the card with two levels, just powered on."""
    tree_card().reset()
    return tree_card()


@pytest.fixture
def cps() -> SoftCard:
    """Return the CPS, just powered on."""
    issued().reset()
    return issued()


def send(card: SoftCard, command: str) -> str:
    """Return the answer of ``card`` to ``command``, both in hexadecimal."""
    return card.transmit(bytes.fromhex(command)).hex().upper()


def read(card: SoftCard) -> bytes:
    """Return the current file."""
    return card.transmit(bytes.fromhex("00B0000000"))[:-2]


@pytest.mark.parametrize(
    ("selections", "content"),
    [
        (["00A4080C06 000100020003"], b"deep"),
        (["00A4080C08 3F00000100020003"], b"deep"),
        (["00A4090C08 3F00000100020003"], b"deep"),
        (["00A4010C02 0001", "00A4090C04 00020003"], b"deep"),
        (["00A4000C02 0001", "00A4000C02 0002", "00A4020C02 0003"], b"deep"),
        (["00A4040C05 F044454550", "00A4030C", "00A4000C02 0003"], b"middle"),
        (["00A4040C05 F044454550", "00A4000C02 0001", "00A4000C02 0003"], b"middle"),
        (["00A4040C07 F04D4944444C45", "00A4000C02 3F00", "00A4000C02 2F00"], b"top"),
    ],
)
def test_every_way_to_a_file(card: SoftCard, selections: list[str], content: bytes) -> None:
    """Path from the top, path from here, identifiers, names and the way up all lead to the file that they name."""
    assert [send(card, selection) for selection in selections] == ["9000"] * len(selections)
    assert read(card) == content


@pytest.mark.parametrize(
    ("selection", "status"),
    [
        ("00A4080C04 00010009", "6A82"),
        ("00A4080C06 00010003 0003", "6A82"),
        ("00A4080C03 000100", "6700"),
        ("00A4080C", "6700"),
        ("00A4090C", "6700"),
        ("00A4010C02 2F00", "6A82"),
        ("00A4020C02 0001", "6A82"),
        ("00A4020C03 000100", "6700"),
        ("00A4030C", "6A82"),
        ("00A4030C02 3F00", "6700"),
        ("00A4050C02 0001", "6A86"),
        ("00A4040C04 F0444545", "6A82"),
    ],
)
def test_a_way_that_leads_nowhere_changes_nothing(card: SoftCard, selection: str, status: str) -> None:
    """A selection that is refused leaves the file that was current where it was."""
    send(card, "00A4000C02 2F00")
    assert send(card, selection) == status
    assert read(card) == b"top"


def test_a_name_may_have_its_own_answer(card: SoftCard) -> None:
    """SELECT by a name with an answer of its own gives that, unless the host wants nothing."""
    assert send(card, "00A4040004 F0544F50 00") == "01029000"
    assert send(card, "00A4040C04 F0544F50") == "9000"
    assert send(card, "00A4000002 3F00 00") == "6F078201388302 3F00 9000".replace(" ", "")


def test_long_answers_come_in_parts(card: SoftCard) -> None:
    """More than 256 bytes: as much as fits and 61xx, then GET RESPONSE until all is there; or at once, extended."""
    first = send(card, "00CA010100")
    assert (len(first), first[-4:]) == (2 * 258, "6100")
    second = send(card, "00C0000000")
    assert (len(second), second[-4:]) == (2 * 258, "6158")
    assert send(card, "00C0000010") == "6C58"
    assert send(card, "00C0000058") == "00" * 88 + "9000"
    assert send(card, "00CA0101") == "6100"
    assert send(card, "00CA0101 000000") == "00" * 600 + "9000"


def test_a_chain_is_one_command(cps: SoftCard) -> None:
    """A command in two parts does what the whole does; between them the card says 9000 and does nothing."""
    assert send(cps, "1020000102 3132") == "9000"
    assert send(cps, "0020000102 3334") == "9000"
    assert send(cps, "00200001") == "9000"


def test_a_broken_chain_is_dropped(cps: SoftCard) -> None:
    """Another command inside a chain gets 6883 and ends it; a reset ends it too; a chain has a longest length."""
    assert send(cps, "1020000102 3132") == "9000"
    assert send(cps, "0084000008") == "6883"
    assert send(cps, "0020000102 3334") == "6700"
    assert send(cps, "1020000102 3132") == "9000"
    cps.reset()
    assert send(cps, "0020000102 3334") == "6700"
    assert [send(cps, "102A9E9AFF" + "00" * 255) for _ in range(17)] == ["9000"] * 16 + ["6700"]


def test_the_situation_is_behind_the_pin(cps: SoftCard) -> None:
    """Activities and billing situation are found but not read before the PIN; name and identity are free."""
    for identifier, needs_pin in (("D120", True), ("D130", True), ("D132", False), ("D134", False)):
        assert send(cps, f"00A4080C04 5015{identifier}") == "9000"
        assert (send(cps, "00B0000000") == "6982") is needs_pin
    assert send(cps, VERIFY) == "9000"
    assert send(cps, "00A4080C04 5015D130") == "9000"
    assert read(cps) == bytes.fromhex("E518 80023031 8109 363239393930303033 820130 830101 840101")


def test_who_does_not_bill_has_no_situation() -> None:
    """A card without billing situation has no such file, nor more than the one key that it was given."""
    one = issued()
    stream = SeededRandomness("system").stream("challenges")
    profile = replace(one.profile, bills=False)
    card = CpsCard(profile, one.private_key, one.certificate, one.issuer_certificate, challenges=stream)
    assert send(card, "00A4080C04 5015D130") == "6A82"
    assert send(card, "00A4080C04 5015D022") == "6A82"
    assert send(card, "002241B606 800111 840102") == "6A88"
    assert send(card, "0022F302") == "6A86"


@pytest.mark.parametrize("environment", ["0022 41A406 800102 840102", "0022 41A406 800102 830102", "0022 F302"])
def test_the_authentication_key_answers_a_challenge(cps: SoftCard, environment: str) -> None:
    """INTERNAL AUTHENTICATE gives the padded challenge under the second key, once the PIN was verified."""
    challenge = bytes(range(102))
    command = "0088000066" + challenge.hex() + "00"
    assert send(cps, command) == "6985"
    assert send(cps, environment) == "9000"
    assert send(cps, command) == "6982"
    send(cps, VERIFY)
    assert send(cps, "0088000067" + "00" * 103 + "00") == "6A80"
    assert send(cps, "0088000000") == "6700"
    assert send(cps, "0088010000") == "6A86"
    answer = cps.transmit(bytes.fromhex(command))
    assert answer[-2:].hex() == "9000"
    second = issued().authentication
    assert second is not None
    public = second.certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.recover_data_from_signature(answer[:-2], padding.PKCS1v15(), None) == challenge


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("002241B606 800142 840102", "6A80"),
        ("002241A406 800102 840101", "6A80"),
        ("002241A406 800102 840109", "6A88"),
        ("002241B806 800102 840102", "6A86"),
        ("002242B606 800111 840101", "6A86"),
        ("002241B60A 800111 840101 81023F00", "9000"),
        ("002241B609 800111 840101 830101", "6A80"),
        ("002241B607 800111 84020101", "6A80"),
        ("002241AA03 800140", "9000"),
        ("002241AA03 800110", "6A80"),
        ("0022F301", "9000"),
        ("0022F309", "6A86"),
    ],
)
def test_an_environment_names_a_key_for_its_use(cps: SoftCard, command: str, status: str) -> None:
    """Each template takes the algorithms and keys that are made for it: the authentication key signs no sheet."""
    assert send(cps, command) == status


def test_the_card_finishes_the_hash_and_signs_it(cps: SoftCard) -> None:
    """The host hashes whole blocks, the card the last one: the signature is that of the whole message."""
    message = bytes(range(200))
    state = _compress(_compress(_compress(_START, message[:64]), message[64:128]), message[128:192])
    hashing = "90 28" + state.hex() + (192 * 8).to_bytes(8, "big").hex() + "80 08" + message[192:].hex()
    for command in (VERIFY, "002241AA03 800140", "002241B606 800142 840101", "002A90A034" + hashing):
        assert send(cps, command) == "9000"
    answer = cps.transmit(bytes.fromhex("002A9E9A00"))
    public = issued().certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(answer[:-2], message, padding.PKCS1v15(), SHA256())
    assert send(cps, "002A9E9A00") == "6985"
    assert send(cps, "002A9E9A0101 00") == "6700"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ("8003616263", "9000"),
        ("90008003616263", "9000"),
        ("8000", "6A80"),
        ("8041" + "00" * 65, "6A80"),
        ("9028" + "00" * 40 + "800161", "6A80"),
        ("9028" + "00" * 32 + "0000000000000201" + "800161", "6A80"),
        ("9028" + "00" * 32 + "8000000000000000" + "800161", "6A80"),
        ("9028" + "00" * 32 + "0000000000000200" + "800161", "9000"),
        ("9020" + "00" * 32 + "800161", "6A80"),
        ("800161" + "9000", "6A80"),
        ("80", "6A80"),
    ],
)
def test_what_the_host_hashed_must_be_whole_blocks(cps: SoftCard, data: str, status: str) -> None:
    """PSO HASH takes an intermediate value after whole blocks and one last block, in this order (6A80 otherwise)."""
    assert send(cps, f"002A90A0{len(data) // 2:02X}{data}") == "6985"
    send(cps, "002241AA03 800140")
    assert send(cps, f"002A90A0{len(data) // 2:02X}{data}") == status


@given(message=st.binary(max_size=300), blocks=st.integers(0, 4))
def test_hashing_may_begin_in_the_middle(message: bytes, blocks: int) -> None:
    """Whole blocks by one hand and the rest by another give what hashlib gives for the whole."""
    at = min(blocks, len(message) // 64) * 64
    state = b""
    for start in range(0, at, 64):
        state = _compress(state or _START, message[start : start + 64])
    assert finish(state, 8 * at, message[at:]) == sha256(message).digest()


@pytest.mark.parametrize(
    ("command", "status"),
    [("00CB3FFF0A 4D087006BF810102A080 00", "6A88"), ("00CB3FFE01 00", "6A86"), ("00CB3FFF00", "6700")],
)
def test_the_odd_get_data_asks_by_template(cps: SoftCard, command: str, status: str) -> None:
    """GET DATA with a template gets 6A88 for what the card does not hold, 6A86 and 6700 when it is malformed."""
    assert send(cps, command) == status


def test_both_certificates_are_on_the_card(cps: SoftCard) -> None:
    """The authentication certificate is a client's, by the card's authority, and entitles to sign no sheet."""
    assert send(cps, "00A4080C04 5015D022") == "9000"
    second = issued().authentication
    assert second is not None
    certificate = second.certificate
    assert cps.transmit(bytes.fromhex("00B00000000000"))[:-2] == certificate.public_bytes(Encoding.DER)
    assert len(list(certificate.extensions)) == 5
    assert list(certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert not certificate.extensions.get_extension_for_class(KeyUsage).value.content_commitment
