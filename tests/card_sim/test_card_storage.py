"""Cards on disk."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from card_sim import durable_files
from card_sim.cps import CpsCard
from card_sim.errors import StoredCardInvalid
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness, SystemRandomness
from card_sim.storage import load, save
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from card_sim.vitale import VitaleCard


@cache
def cards() -> dict[str, CpsCard | VitaleCard]:
    """Return one card of each family."""
    pki = TestPki.create(SystemRandomness(), now=datetime(2025, 3, 4, tzinfo=UTC))
    wallet = demo_wallet()
    return {"cps": pki.issue_cps(wallet.cps["medecin"]), "vitale": pki.issue_vitale(wallet.vitale["specimen"])}


def everything(card: CpsCard | VitaleCard) -> list[bytes]:
    """Return the contents of the files of ``card`` and its serial number."""
    card.reset()
    for name in ("F046534553494D435053", "F046534553494D564954414C45"):
        card.transmit(bytes.fromhex(f"00A4040C{len(name) // 2:02X}{name}"))
    reads = [card.transmit(bytes((0, 0xB0, 0x80 | short, 0, 0, 0, 0))) for short in (1, 2, 3)]
    return [*reads, card.transmit(bytes.fromhex("00CA005A00"))]


@pytest.mark.parametrize("family", ["cps", "vitale"])
def test_a_card_comes_back(family: str, tmp_path: Path) -> None:
    """A loaded card has the same profile, key, certificates and data; its file is the owner's alone."""
    card = cards()[family]
    path = tmp_path / "card.json"
    save(card, path)
    loaded = load(path)
    assert type(loaded) is type(card)
    assert loaded.profile == card.profile
    assert everything(loaded) == everything(card)
    assert loaded.private_key.private_numbers() == card.private_key.private_numbers()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["card.json"]


def test_the_tries_survive_but_not_the_verified_state(tmp_path: Path) -> None:
    """After a wrong PIN, a save and a load, two tries are left; a verified PIN is not verified any more."""
    path = tmp_path / "card.json"
    save(cards()["cps"], path)
    card = load(path)
    assert card.transmit(bytes.fromhex("0020000104") + b"9999").hex() == "63c2"
    save(card, path)
    again = load(path)
    assert again.transmit(bytes.fromhex("00200001")).hex() == "63c2"
    assert again.transmit(bytes.fromhex("0020000104") + b"1234").hex() == "9000"
    save(again, path)
    assert load(path).transmit(bytes.fromhex("00200001")).hex() == "63c3"


def test_a_blocked_card_stays_blocked(tmp_path: Path) -> None:
    """A card blocked by three wrong PINs is still blocked when it is loaded."""
    path = tmp_path / "card.json"
    save(cards()["cps"], path)
    card = load(path)
    for _ in range(3):
        card.transmit(bytes.fromhex("0020000104") + b"9999")
    save(card, path)
    assert load(path).transmit(bytes.fromhex("0020000104") + b"1234").hex() == "6983"


def test_the_codes_survive_as_they_are_now(tmp_path: Path) -> None:
    """A PIN set with the PUK, and the use of the PUK that it took, are there after a save and a load."""
    path = tmp_path / "card.json"
    save(cards()["cps"], path)
    card = load(path)
    assert card.transmit(bytes.fromhex("002C00010C") + b"12345678" + b"0007").hex() == "9000"
    save(card, path)
    again = load(path)
    assert again.transmit(bytes.fromhex("0020000104") + b"0007").hex() == "9000"
    assert json.loads(path.read_bytes())["unblocks_left"] == 9


def test_the_authentication_key_is_optional_and_rsa(tmp_path: Path) -> None:
    """A card without the second key comes back without it; a curve key in its place is refused."""
    path = tmp_path / "card.json"
    save(cards()["cps"], path)
    state = json.loads(path.read_bytes())
    nothing = dict.fromkeys(("authentication_key", "authentication_certificate"))
    path.write_text(json.dumps(state | nothing))
    card = load(path)
    assert isinstance(card, CpsCard)
    assert card.authentication is None
    save(cards()["vitale"], path)
    foreign = json.loads(path.read_bytes())
    curve = {"authentication_key": foreign["private_key"], "authentication_certificate": foreign["certificate"]}
    path.write_text(json.dumps(state | curve))
    with pytest.raises(StoredCardInvalid, match="not an RSA key"):
        load(path)


def test_challenges_of_a_loaded_card_can_be_seeded(tmp_path: Path) -> None:
    """A replayed run gets the same challenges from a loaded card."""
    save(cards()["vitale"], tmp_path / "card.json")
    first, second = (load(tmp_path / "card.json", SeededRandomness(7)) for _ in range(2))
    ask = bytes.fromhex("0084000010")
    assert first.transmit(ask) == second.transmit(ask)


def damage(state: dict[str, Any], change: dict[str, Any]) -> bytes:
    """Return ``state`` with ``change``; None removes a key, a dotted key goes into the profile."""
    for key, value in change.items():
        inside, _, name = key.rpartition(".")
        table = state[inside] if inside else state
        if value is None:
            del table[name]
        else:
            table[name] = value
    return json.dumps(state).encode()


@pytest.mark.parametrize(
    ("family", "change", "place"),
    [
        ("cps", {"format": 2}, "format"),
        ("cps", {"kind": "cpx"}, "kind"),
        ("cps", {"kind": ["cps"]}, "kind"),
        ("cps", {"colour": "blue"}, "colour"),
        ("vitale", {"tries_left": 3}, "tries_left"),
        ("cps", {"tries_left": None}, "tries_left"),
        ("cps", {"tries_left": 4}, "tries_left"),
        ("cps", {"tries_left": -1}, "tries_left"),
        ("cps", {"tries_left": True}, "tries_left"),
        ("cps", {"unblocks_left": 11}, "unblocks_left"),
        ("cps", {"authentication_key": None}, "authentication_key"),
        ("cps", {"authentication_key": "nothing"}, "authentication_key"),
        ("cps", {"authentication_certificate": "nothing"}, "authentication_certificate"),
        ("cps", {"certificate": "nothing"}, "certificate"),
        ("cps", {"issuer_certificate": 12}, "issuer_certificate"),
        ("cps", {"private_key": "nothing"}, "private_key"),
        ("cps", {"profile.rpps": "10000000001"}, "profile.rpps"),
        ("cps", {"profile": "nobody"}, "profile"),
        ("vitale", {"profile.twin": "x"}, "profile.twin"),
        ("vitale", {"profile.serial": None}, "profile.serial"),
    ],
)
def test_a_damaged_card_is_named(family: str, change: dict[str, Any], place: str, tmp_path: Path) -> None:
    """What is wrong in a card's file is named by file and key; nothing half read comes out."""
    path = tmp_path / "card.json"
    save(cards()[family], path)
    path.write_bytes(damage(json.loads(path.read_bytes()), change))
    with pytest.raises(StoredCardInvalid) as refused:
        load(path)
    assert refused.value.place == f"{path}: {place}"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"{\n}}", ": line 2"),
        (b"\xff\xfe\xfa", ""),
        (b"[" * 100_000, ""),
        (b" " * (1 << 19), ""),
        (b"[]", ": format"),
        (None, ""),
    ],
)
def test_what_is_no_card_is_named(content: bytes | None, place: str, tmp_path: Path) -> None:
    """A file that is missing, too long, or not JSON is refused with its name."""
    path = tmp_path / "card.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoredCardInvalid) as refused:
        load(path)
    assert refused.value.place == f"{path}{place}"


def test_keys_cannot_be_exchanged(tmp_path: Path) -> None:
    """A key that is not the certificate's, or a card of one kind with the key of the other, is refused."""
    for family in ("cps", "vitale"):
        save(cards()[family], tmp_path / family)
    cps, vitale = (json.loads((tmp_path / family).read_bytes()) for family in ("cps", "vitale"))
    (tmp_path / "mixed").write_text(json.dumps(cps | {"private_key": vitale["private_key"]}))
    with pytest.raises(StoredCardInvalid, match="not the key of the certificate"):
        load(tmp_path / "mixed")
    foreign = {name: vitale[name] for name in ("private_key", "certificate")}
    (tmp_path / "mixed").write_text(json.dumps(cps | foreign))
    with pytest.raises(StoredCardInvalid, match="not a key for a card of kind cps"):
        load(tmp_path / "mixed")


def test_a_refused_card_shows_no_secret(tmp_path: Path) -> None:
    """The error about a wrong PIN or NIR in a file does not repeat it."""
    path = tmp_path / "card.json"
    for family, name, value in (("cps", "pin", "77777"), ("vitale", "nir", "185036204199977")):
        save(cards()[family], path)
        path.write_bytes(damage(json.loads(path.read_bytes()), {f"profile.{name}": value}))
        with pytest.raises(StoredCardInvalid) as refused:
            load(path)
        assert value not in str(refused.value)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_leaves_the_old_card(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new file cannot be flushed or renamed, the old one is untouched and nothing lies beside it."""
    path = tmp_path / "card.json"
    save(cards()["cps"], path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(OSError, match="No space left"):
        save(cards()["vitale"], path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["card.json"]


def test_a_crash_leaves_no_half_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written whole does not appear at all."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        durable_files.write_folder(tmp_path / "pki", {"root.pem": b"a", "crl/root.pem": b"b"}, "root.pem")
    assert list(tmp_path.iterdir()) == []


def test_an_older_state_gets_what_is_new(tmp_path: Path) -> None:
    """Updating a folder replaces the files that differ, adds the new ones, and touches no other."""
    files = {"root.pem": b"a", "crl/one.pem": b"1"}
    durable_files.write_folder(tmp_path / "pki", files, "root.pem")
    untouched = (tmp_path / "pki/root.pem").stat().st_mtime_ns
    durable_files.write_folder(tmp_path / "pki", files | {"crl/one.pem": b"2", "new/two.pem": b"3"}, "root.pem")
    assert {path.name: path.read_bytes() for path in (tmp_path / "pki").rglob("*.pem")} == {
        "root.pem": b"a",
        "one.pem": b"2",
        "two.pem": b"3",
    }
    assert (tmp_path / "pki/root.pem").stat().st_mtime_ns == untouched
