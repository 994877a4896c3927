"""Commands that nobody should send: a card answers each with a status word, and never with its key."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from card_sim.cps import CpsCard
    from card_sim.vitale import VitaleCard

WINDOW = 8
VALID = [
    bytes.fromhex(command)
    for command in (
        "00A404000AF046534553494D43505300",
        "00A404000DF046534553494D564954414C4500",
        "00A4000C02D010",
        "00A4000402D02000",
        "00B0000000",
        "00B0810000",
        "00B00000000000",
        "0020000104" + b"1234".hex(),
        "0020000104" + b"0000".hex(),
        "00200001",
        "002241B606800111840101",
        "002241B606800121840101",
        "002A9E9A333031300D060960864801650304020105000420" + "11" * 32 + "00",
        "002A9E9A20" + "22" * 32 + "00",
        "00CA005A00",
        "0084000008",
        "00C0000000",
    )
]


@cache
def cards() -> dict[str, CpsCard | VitaleCard]:
    """Return one card of each family."""
    pki = TestPki.create(SeededRandomness("hostile"), now=datetime(2025, 3, 4, tzinfo=UTC))
    wallet = demo_wallet()
    return {"cps": pki.issue_cps(wallet.cps["medecin"]), "vitale": pki.issue_vitale(wallet.vitale["dutest"])}


@cache
def secrets_of(family: str) -> frozenset[bytes]:
    """Return every run of 8 bytes of the private numbers of a card, in both byte orders, and of its PIN's digits."""
    key = cards()[family].private_key
    if isinstance(key, RSAPrivateKey):
        numbers = key.private_numbers()
        values = [numbers.p, numbers.q, numbers.d, numbers.dmp1, numbers.dmq1, numbers.iqmp]
    else:
        values = [key.private_numbers().private_value]
    runs = set()
    for value in values:
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        for ordered in (raw, raw[::-1]):
            runs |= {ordered[at : at + WINDOW] for at in range(len(ordered) - WINDOW + 1)}
    return frozenset(runs)


def reveals(family: str, answer: bytes) -> bool:
    """Tell whether ``answer`` holds 8 bytes of a private number."""
    return any(answer[at : at + WINDOW] in secrets_of(family) for at in range(len(answer) - WINDOW + 1))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a valid command with some bytes changed, cut or added."""
    command = bytearray(draw(st.sampled_from(VALID)))
    for at in draw(st.lists(st.integers(0, len(command) - 1), max_size=3)):
        command[at] = draw(st.integers(0, 255))
    cut = draw(st.integers(1, len(command)))
    return bytes(command[: cut if draw(st.booleans()) else None]) + draw(st.binary(max_size=2))


@pytest.mark.parametrize("family", ["cps", "vitale"])
@settings(max_examples=60)
@given(dialogue=st.lists(st.sampled_from(VALID) | mutated() | st.binary(max_size=20) | st.none(), max_size=12))
def test_any_dialogue_gets_answers_without_secrets(family: str, dialogue: list[bytes | None]) -> None:
    """No sequence of valid, mutated or random commands makes a card fail or show bytes of its private key."""
    card = cards()[family]
    card.reset()
    for command in dialogue:
        if command is None:
            card.reset()
            continue
        answer = card.transmit(command)
        assert len(answer) >= 2
        assert answer[-2] in {0x90, 0x61, 0x62, 0x63, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E}
        assert not reveals(family, answer)


@pytest.mark.parametrize("family", ["cps", "vitale"])
def test_every_file_and_every_data_object_is_free_of_the_key(family: str) -> None:
    """Reading all that can be read (every file, every short identifier, GET DATA) shows no private byte."""
    card = cards()[family]
    card.reset()
    answers = [card.transmit(command) for command in VALID]
    for identifier in (0x2F00, 0xD010, 0xD020, 0xD021):
        card.transmit(bytes((0, 0xA4, 0, 0x0C, 2)) + identifier.to_bytes(2, "big"))
        answers.append(card.transmit(bytes.fromhex("00B00000000000")))
    answers += [card.transmit(bytes((0, 0xB0, 0x80 | short, 0, 0))) for short in range(32)]
    answers += [card.transmit(bytes((0, 0xCA, p1, p2, 0))) for p1 in range(256) for p2 in range(0, 256, 15)]
    assert sum(len(answer) > 100 for answer in answers) >= 5
    assert not any(reveals(family, answer) for answer in answers)
    assert reveals(family, b"xx" + min(secrets_of(family)) + b"xx")
