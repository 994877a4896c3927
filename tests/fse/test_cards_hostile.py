"""Cards that lie: whatever a file holds, the host reads it right or names what is wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from card_sim.cps import holder_data
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.vitale import family_data
from card_sim.wallet import demo_wallet
from fse.cards import CardDataInvalid, CardError, CpsReader, NotATestCard, UnexpectedStatus, VitaleReader
from fse.cards.tlv import Place, announced_size, fields, items, only

HERE = Place("CPS", "data")
SEQUENCE_OF_NOTHING = bytes.fromhex("3000")


class LyingCard:
    """A card that knows every application and holds any bytes in its files; it signs with a fixed answer."""

    def __init__(self, data: bytes, certificate: bytes | None = None, signature: bytes = b"") -> None:
        good = certificate_of_a_family() if certificate is None else certificate
        self.files = {"d010": data, "d020": good, "d021": good}
        self.signature = signature
        self.current = b""

    def transmit(self, command: bytes) -> bytes:
        """Answer SELECT, READ BINARY, MSE SET and PSO without any check."""
        if command[1] == 0xA4:
            self.current = self.files.get(command[5:].hex(), b"")
        if command[1] == 0xB0:
            at = command[2] << 8 | command[3]
            return self.current[at : at + (command[4] or 256)] + b"\x90\x00"
        return (self.signature if command[1] == 0x2A else b"") + b"\x90\x00"


@cache
def certificate_of_a_family() -> bytes:
    """Return the DER of some certificate."""
    pki = TestPki.create(SeededRandomness("lies"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_vitale(demo_wallet().vitale["dutest"]).certificate.public_bytes(Encoding.DER)


HOLDER = holder_data(demo_wallet().cps["medecin"])
FAMILY = family_data(demo_wallet().vitale["specimen"])


def changed(content: bytes, old: str, new: str) -> bytes:
    """Return ``content`` with one object (in hexadecimal) replaced, and the length of the whole put right."""
    before, after = bytes.fromhex(old), bytes.fromhex(new)
    assert content.count(before) == 1
    start = 2 if content[1] < 0x80 else 2 + content[1] - 0x80
    return template(content[0], content[start:].replace(before, after))


def template(tag: int, body: bytes) -> bytes:
    """Return ``body`` under ``tag``, its length in the shortest form."""
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = bytes((0x81, len(body))) if len(body) < 0x100 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes((tag,)) + size + body


def hexadecimal(text: str) -> str:
    """Return ``text`` in hexadecimal."""
    return text.encode().hex()


ONE_STRUCTURE = "8009" + hexadecimal("629990003")


@pytest.mark.parametrize(
    ("old", "new", "place", "reason"),
    [
        ("800a" + hexadecimal("9970000001"), "8009" + hexadecimal("997000000"), "data.card_serial", "digits"),
        ("800a" + hexadecimal("9970000001"), "800a" + hexadecimal("99700000O1"), "data.card_serial", "digits"),
        ("820b" + hexadecimal("99700000013"), "820b" + hexadecimal("99700000014"), "data.rpps", "RPPS-KEY"),
        ("820b" + hexadecimal("99700000013"), "820a" + hexadecimal("9970000001"), "data.rpps", "RPPS-FORM"),
        ("820b" + hexadecimal("99700000013"), "820cc3a9" + hexadecimal("9970000001"), "data.rpps", "identifier"),
        ("8306" + hexadecimal("MODELE"), "8300", "data.family_name", "text"),
        ("8306" + hexadecimal("MODELE"), "8306" + hexadecimal("MODEL "), "data.family_name", "text"),
        ("8306" + hexadecimal("MODELE"), "8306" + hexadecimal("MOD\nLE"), "data.family_name", "text"),
        ("8306" + hexadecimal("MODELE"), "8303ffd8ff", "data.family_name", "text"),
        ("8306" + hexadecimal("MODELE"), "8329" + hexadecimal("M" * 41), "data.family_name", "text"),
        ("8507" + hexadecimal("medecin"), "8507" + hexadecimal("notaire"), "data.profession", "unknown-value"),
        ("8507" + hexadecimal("medecin"), "", "data.profession", "missing"),
        ("8507" + hexadecimal("medecin"), ("8507" + hexadecimal("medecin")) * 2, "data.profession", "repeated"),
        ("8507" + hexadecimal("medecin"), "8507" + hexadecimal("medecin") + "8b0100", "data", "unknown-tag"),
        (ONE_STRUCTURE, "8009" + hexadecimal("629990004"), "data.structures.1", "FINESS-KEY"),
        (ONE_STRUCTURE, "81" + ONE_STRUCTURE[2:], "data.structures", "unknown-tag"),
        ("a60b" + ONE_STRUCTURE, "a681bb" + ONE_STRUCTURE * 17, "data.structures", "too-many"),
        ("8708" + hexadecimal("20150101"), "8708" + hexadecimal("20150231"), "data.valid_from", "date"),
        ("8708" + hexadecimal("20150101"), "8708" + hexadecimal("2015 101"), "data.valid_from", "date"),
        ("8708" + hexadecimal("20150101"), "8708" + hexadecimal("00000101"), "data.valid_from", "date"),
        ("8708" + hexadecimal("20150101"), "8708" + hexadecimal("20500101"), "data.valid_to", "order"),
        ("890101", "890102", "data.may_sign_sheet", "flag"),
        ("8a0101", "8a00", "data.may_sign_lot", "flag"),
        ("8a0101", "8a020101", "data.may_sign_lot", "flag"),
    ],
)
def test_wrong_data_of_a_cps_are_named(old: str, new: str, place: str, reason: str) -> None:
    """Each value that is not what a CPS holds is refused with its place."""
    with pytest.raises(CardDataInvalid) as refused:
        CpsReader(LyingCard(changed(HOLDER, old, new)).transmit).read()
    assert refused.value.facts == {"card": "CPS", "place": place, "reason": reason}


BORN = hexadecimal("20210215")


@pytest.mark.parametrize(
    ("old", "new", "place", "reason"),
    [
        ("800c" + hexadecimal("990000000007"), "800b" + hexadecimal("99000000007"), "serial", "digits"),
        (hexadecimal("286016204199449"), hexadecimal("286016204199448"), "insured.nir", "NIR-KEY"),
        (
            "a12d800f" + hexadecimal("286016204199449"),
            "a12b800d" + hexadecimal("2860162041994"),
            "insured.nir",
            "NIR-FORM",
        ),
        (hexadecimal("221026204199647"), hexadecimal("22102620419964 "), "beneficiaries.2.nir", "NIR-FORM"),
        (BORN + "840131", BORN + "840130", "beneficiaries.2.birth_rank", "rank"),
        (BORN + "840131", BORN + "860131", "beneficiaries.2", "unknown-tag"),
        (BORN + "840131850133", BORN + "840131850138", "beneficiaries.2.quality", "unknown-value"),
        (BORN + "840131850133", BORN + "840131840132", "beneficiaries.2.birth_rank", "repeated"),
        ("8302" + hexadecimal("01"), "8302" + hexadecimal("0A"), "regime", "digits"),
        ("8403" + hexadecimal("999"), "8402" + hexadecimal("99"), "caisse", "digits"),
        ("8504" + hexadecimal("0000"), "", "centre", "missing"),
        (hexadecimal("20491231"), hexadecimal("20141231"), "rights.1.to", "order"),
        ("8708" + hexadecimal("20250115"), "8708" + hexadecimal("20251315"), "updated_on", "date"),
    ],
)
def test_wrong_data_of_a_family_are_named(old: str, new: str, place: str, reason: str) -> None:
    """Each value that is not what a Vitale card holds is refused with its place."""
    with pytest.raises(CardDataInvalid) as refused:
        VitaleReader(LyingCard(changed(FAMILY, old, new)).transmit).read()
    assert refused.value.facts == {"card": "Vitale", "place": f"data.{place}", "reason": reason}


def test_a_card_that_is_no_test_card_is_refused() -> None:
    """A card of another kind or nature than test is refused by name: test and real never mix."""
    with pytest.raises(NotATestCard) as refused:
        CpsReader(LyingCard(changed(HOLDER, "81023830", "81023030")).transmit).read()
    assert refused.value.facts == {"card": "CPS", "code": "0xF026"}
    with pytest.raises(NotATestCard):
        VitaleReader(LyingCard(changed(FAMILY, "890154", "890152")).transmit).read()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated"),
        (b"\xe1", "truncated"),
        (b"\xe1\x05\x80", "truncated"),
        (b"\xe2\x03\x80\x01A", "unexpected-tag"),
        (b"\xff\x03\x80\x01A", "unknown-tag"),
        (b"\xe1\x80\x80\x01A\x00\x00", "length"),
        (b"\xe1\x81\x03\x80\x01A", "length"),
        (b"\xe1\x82\x00\x80" + bytes(128), "length"),
        (b"\xe1\x83\x00\x00\x80" + bytes(128), "length"),
        (b"\xe1\x82\x01", "length"),
        (b"\xe1\x82\xff\xff" + bytes(300), "too-long"),
        (b"\xe1\x03\x80\x05A", "truncated"),
    ],
)
def test_a_malformed_file_is_named(content: bytes, reason: str) -> None:
    """Lengths that are indefinite, not the shortest, too long or beyond the end are refused, as is a wrong template."""
    with pytest.raises(CardDataInvalid) as refused:
        CpsReader(LyingCard(content).transmit).read()
    assert refused.value.facts == {"card": "CPS", "place": "data", "reason": reason}


def test_a_refused_read_is_named() -> None:
    """A card that selects its file and refuses to read it is named with the status word."""
    card = LyingCard(FAMILY)

    def refuse(command: bytes) -> bytes:
        return b"\x69\x82" if command[1] == 0xB0 else card.transmit(command)

    with pytest.raises(UnexpectedStatus) as refused:
        VitaleReader(refuse).read()
    assert refused.value.facts == {"card": "Vitale", "command": "READ BINARY", "sw": "6982"}


@pytest.mark.parametrize("certificate", [SEQUENCE_OF_NOTHING, FAMILY])
def test_a_file_that_holds_no_certificate_is_named(certificate: bytes) -> None:
    """What stands in the place of a certificate must be one."""
    with pytest.raises(CardDataInvalid) as refused:
        VitaleReader(LyingCard(FAMILY, certificate).transmit).read()
    assert refused.value.facts == {"card": "Vitale", "place": "certificate", "reason": "certificate"}


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "30",
        "3006020101020100",
        "3006020100020101",
        "30060201ff020101",
        "300702020001020101",
        "3006020101020101ff",
        "3026022101" + "00" * 32 + "020101",
    ],
)
def test_a_malformed_ecdsa_signature_is_refused(signature: str) -> None:
    """A Vitale signature is two numbers in range, in strict DER; a card's answer is not passed on unread."""
    card = LyingCard(FAMILY, signature=bytes.fromhex(signature))
    with pytest.raises(CardDataInvalid) as refused:
        VitaleReader(card.transmit).sign(bytes(32))
    assert refused.value.facts["place"] == "signature"


@settings(max_examples=150)
@given(data=st.data())
def test_a_changed_file_is_read_or_named(data: st.DataObject) -> None:
    """Random bytes and small changes of a good file give data or a CardError, never another error, and never a NIR."""
    family = data.draw(st.booleans())
    content = bytearray(FAMILY if family else HOLDER)
    if data.draw(st.integers(0, 4)):
        for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
            content[at] = data.draw(st.integers(0, 255))
    else:
        content = bytearray(data.draw(st.binary(max_size=300)))
    card = LyingCard(bytes(content))
    said = ""
    try:
        (VitaleReader if family else CpsReader)(card.transmit).read()
    except CardError as error:
        said = error.message("fr") + error.message("en") + repr(error)
    assert not any(number in said for number in ("286016204199", "184076204199", "221026204199"))


@given(answers=st.lists(st.binary(max_size=300), max_size=40))
def test_any_answers_end_the_dialogue(answers: list[bytes]) -> None:
    """Whatever a card answers, each operation ends, with data or a CardError."""
    for use in (
        lambda transmit: CpsReader(transmit).read(),
        lambda transmit: CpsReader(transmit).sign(bytes(32)),
        lambda transmit: VitaleReader(transmit).read(),
        lambda transmit: VitaleReader(transmit).sign(bytes(32)),
    ):
        rest = [b"\x90\x00", *answers]
        with suppress(CardError):
            use(lambda _, rest=rest: rest.pop(0) if rest else b"")


def test_the_pieces_of_the_parser() -> None:
    """Tags, optional fields, lists and announced sizes, on objects written by hand."""
    assert only(bytes.fromhex("E10141"), 0xE1, HERE) == b"A"
    with pytest.raises(CardDataInvalid, match="unexpected-tag"):
        only(bytes.fromhex("E10141E10142"), 0xE1, HERE)
    tags = {"one": 0x80, "two": 0x81}
    assert fields(bytes.fromhex("810142800141"), tags, HERE) == {"two": b"B", "one": b"A"}
    assert fields(bytes.fromhex("800141"), tags, HERE, frozenset({"two"})) == {"one": b"A"}
    assert items(bytes.fromhex("80014180008002FFFF"), 0x80, 3, HERE) == [
        (b"A", Place("CPS", "data.1")),
        (b"", Place("CPS", "data.2")),
        (b"\xff\xff", Place("CPS", "data.3")),
    ]
    assert [announced_size(bytes.fromhex(head), HERE) for head in ("E17F", "E18180", "E1820100")] == [129, 131, 260]


def test_rights_that_the_token_does_not_bind_are_refused() -> None:
    """Protects the apCV-sim: its rights are signed; those of another family, or one digit changed, are not read."""
    pki = TestPki.create(SeededRandomness("lies"), now=datetime(2025, 3, 4, tzinfo=UTC))
    first, last = datetime(2025, 3, 4, 9, tzinfo=UTC), datetime(2025, 3, 4, 9, 15, tzinfo=UTC)
    token = pki.issue_apcv(demo_wallet().vitale["specimen"], first, last).certificate.public_bytes(Encoding.DER)
    assert VitaleReader(LyingCard(FAMILY, token).transmit).read().token_until == last
    assert VitaleReader(LyingCard(FAMILY).transmit).read().token_until is None
    for data in (family_data(demo_wallet().vitale["dutest"]), FAMILY.replace(b"20491231", b"20591231")):
        assert data != FAMILY
        with pytest.raises(CardDataInvalid) as caught:
            VitaleReader(LyingCard(data, token).transmit).read()
        assert caught.value.facts["reason"] == "rights"
