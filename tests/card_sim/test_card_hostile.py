"""Commands that nobody should send: a card answers each with a status word, and never with its key."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from card_sim.cps import CpsCard
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
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
        "00A4080C045015D130",
        "00A4090C083F005015D1200000",
        "00A4040C0BD250000002564954414C45",
        "00B0820000",
        "0024000108" + b"12341234".hex(),
        "002C00010C" + b"123456781234".hex(),
        "0022F302",
        "002241A406800102840102",
        "0088000008" + "33" * 8 + "00",
        "002241AA03800140",
        "002241B606800142840101",
        "002A90A0058003616263",
        "002A9E9A00",
        "1020000102" + b"12".hex(),
        "00CB3FFF0A4D087006BF810102A08000",
    )
]
STATUSES = {0x90, 0x61, 0x62, 0x63, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E}


@cache
def cards() -> dict[str, CpsCard | VitaleCard]:
    """Return one card of each family."""
    pki = TestPki.create(SeededRandomness("hostile"), now=datetime(2025, 3, 4, tzinfo=UTC))
    wallet = demo_wallet()
    return {"cps": pki.issue_cps(wallet.cps["medecin"]), "vitale": pki.issue_vitale(wallet.vitale["dutest"])}


@cache
def secrets_of(family: str) -> frozenset[bytes]:
    """Return every run of 8 bytes of the private numbers of a card, in both byte orders, and of its PIN's digits."""
    card = cards()[family]
    second = card.authentication if isinstance(card, CpsCard) else None
    values = []
    for key in (card.private_key, *([second.private_key] if second else [])):
        if isinstance(key, RSAPrivateKey):
            numbers = key.private_numbers()
            values += [numbers.p, numbers.q, numbers.d, numbers.dmp1, numbers.dmq1, numbers.iqmp]
        else:
            values.append(key.private_numbers().private_value)
    runs = set()
    for value in values:
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        for ordered in (raw, raw[::-1]):
            runs |= {ordered[at : at + WINDOW] for at in range(len(ordered) - WINDOW + 1)}
    return frozenset(runs)


def reveals(family: str, answer: bytes) -> bool:
    """Tell whether ``answer`` holds 8 bytes of a private number."""
    return any(answer[at : at + WINDOW] in secrets_of(family) for at in range(len(answer) - WINDOW + 1))


def renewed(family: str) -> CpsCard | VitaleCard:
    """Return the card of ``family`` as it leaves the factory, with the same keys."""
    one = cards()[family]
    if not isinstance(one, CpsCard):
        return one
    stream = SeededRandomness("hostile").stream("challenges")
    authority, second = one.issuer_certificate, one.authentication
    return CpsCard(one.profile, one.private_key, one.certificate, authority, challenges=stream, authentication=second)


def noise(chance: Random) -> bytes:
    """Return a valid command, one with some bytes changed, cut or added, or any bytes."""
    kind = chance.random()
    if kind < 0.2:
        return chance.randbytes(chance.randrange(24))
    command = bytearray(chance.choice(VALID))
    if kind < 0.6:
        return bytes(command)
    for _ in range(chance.randint(1, 3)):
        command[chance.randrange(len(command))] = chance.randrange(256)
    if chance.random() < 0.2:
        del command[chance.randrange(len(command)) :]
    return bytes(command) + chance.randbytes(chance.choice((0, 0, 0, 1, 2)))


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
        assert answer[-2] in STATUSES
        assert not reveals(family, answer)


@pytest.mark.parametrize("family", ["cps", "vitale"])
def test_every_file_and_every_data_object_is_free_of_the_key(family: str) -> None:
    """Reading all that can be read (every file, every short identifier, GET DATA) shows no private byte."""
    card = cards()[family]
    card.reset()
    answers = [card.transmit(command) for command in VALID]
    for path in ("2F00", "5015D130", "5015D010", "5015D020", "5015D021"):
        card.transmit(bytes((0, 0xA4, 8, 0x0C, len(path) // 2)) + bytes.fromhex(path))
        answers.append(card.transmit(bytes.fromhex("00B00000000000")))
    answers += [card.transmit(bytes((0, 0xB0, 0x80 | short, 0, 0))) for short in range(32)]
    answers += [card.transmit(bytes((0, 0xCA, p1, p2, 0))) for p1 in range(256) for p2 in range(0, 256, 15)]
    assert sum(len(answer) > 100 for answer in answers) >= 5
    assert not any(reveals(family, answer) for answer in answers)
    assert reveals(family, b"xx" + min(secrets_of(family)) + b"xx")


@pytest.mark.parametrize("family", ["cps", "vitale"])
@pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_storm_of_commands(family: str, count: int) -> None:
    """A million commands for each card, valid, mutated and random: each gets a status word, none a byte of a key."""
    chance = Random(f"storm {family} {count}")  # noqa: S311 - one seed plays the storm again
    card = renewed(family)
    for turn in range(count):
        if not turn % 500:
            card = renewed(family)
        if not turn % 50:
            card.reset()
        command = noise(chance)
        answer = card.transmit(command)
        assert len(answer) >= 2, (turn, command.hex())
        assert answer[-2] in STATUSES, (turn, command.hex(), answer.hex())
        assert not reveals(family, answer), (turn, command.hex())
