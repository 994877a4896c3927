"""The local home: made whole or not at all, the owner's alone, the cards' PIN counters kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from card_sim.errors import StoredCardInvalid
from card_sim.storage import save
from card_sim.wallet import demo_wallet
from fse.cards import WrongPin
from fse.trust import TrustError
from gateway import home as home_module
from gateway.card_file import card_in_reader
from gateway.errors import GatewayError
from gateway.home import Home
from gateway.readers import ProfessionalCard
from gateway.trust_folder import read_trust
from tests.fse import sheet_builders as build

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("surroundings", "expected"),
    [
        ({"FSE_HOME": "/a", "XDG_DATA_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_DATA_HOME": "/b", "HOME": "/c"}, "/b/fse-gateway"),
        ({"HOME": "/c"}, "/c/.local/share/fse-gateway"),
    ],
)
def test_where_it_is(monkeypatch: pytest.MonkeyPatch, surroundings: dict[str, str], expected: str) -> None:
    """The variable of its own, else the XDG data folder, else the default one."""
    for name in ("FSE_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    assert Home.local().folder == Path(expected)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home made in an empty folder."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    return home


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_the_infrastructure_and_every_card(made: Home) -> None:
    """Trust, keys, and one file for each card of the demonstration wallet."""
    read_trust(made.trust)
    wallet = demo_wallet()
    assert all(made.cps(profile.rpps).is_file() for profile in wallet.cps.values())
    assert all(made.vitale(profile.nir[:13]).is_file() for profile in wallet.vitale.values())
    assert len(list((made.folder / "cards").iterdir())) == len(wallet.cps) + len(wallet.vitale)


def test_keys_and_cards_are_the_owners_alone(made: Home) -> None:
    """Nobody else reads a key: the folder and the card files are closed to others."""
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (made.folder / "cards").iterdir()} == {0o600}


def test_it_is_made_once(made: Home) -> None:
    """A home that is there is not made again: the cards stay the cards that people hold."""
    before = _files(made.folder)
    made.make()
    assert _files(made.folder) == before


def test_nothing_is_left_when_it_cannot_be_made(tmp_path: Path) -> None:
    """HOME-MAKE: a folder that holds something else is left as it is, and nothing half-made lies beside it."""
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(GatewayError) as refusal:
        Home(taken).make()
    assert refusal.value.rule.id == "HOME-MAKE"
    assert _files(tmp_path) == {"taken/letter.txt": b"mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_two_at_once_make_one(tmp_path: Path, made: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another process was faster, its home is the home; what this one had made is thrown away."""
    home = Home(tmp_path / "home")

    def meanwhile() -> object:
        home.trust.mkdir(parents=True)
        (home.trust / "root.pem").write_bytes((made.trust / "root.pem").read_bytes())
        return demo_wallet()

    monkeypatch.setattr(home_module, "demo_wallet", meanwhile)
    home.make()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert list(_files(home.folder)) == ["trust/root.pem"]


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[], Path]:
    """Return what saves the doctor's card into a file."""

    def write() -> Path:
        path = tmp_path / "cps.json"
        save(build.new_pki("cards of the home").issue_cps(demo_wallet().cps["medecin"]), path)
        return path

    return write


def test_the_pin_counter_outlives_the_command(saved: Callable[[], Path]) -> None:
    """A wrong PIN is counted in the card's file, even when the command ends with the error."""
    path = saved()
    with pytest.raises(WrongPin), card_in_reader(path) as card:
        ProfessionalCard.insert(card.transmit).unlock("0000")
    assert json.loads(path.read_bytes())["tries_left"] == 2
    with card_in_reader(path) as card:
        ProfessionalCard.insert(card.transmit).unlock("1234")
    assert json.loads(path.read_bytes())["tries_left"] == 3


def test_a_vitale_is_not_written_again(tmp_path: Path) -> None:
    """A Vitale counts nothing: reading it does not touch its file."""
    path = tmp_path / "vitale.json"
    save(build.vitale("dutest"), path)
    path.chmod(0o400)
    before = path.stat()
    with card_in_reader(path) as card:
        assert card.transmit(b"") == b"\x67\x00"
    assert path.stat() == before


def test_a_file_that_is_no_card_is_named(tmp_path: Path) -> None:
    """A card file that cannot be read says which one."""
    path = tmp_path / "card.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(StoredCardInvalid, match=str(path)), card_in_reader(path):
        pass


def test_a_trust_folder_that_is_not_whole_names_the_file(tmp_path: Path) -> None:
    """TRUST-STORE: the first file that is missing, with the system's reason."""
    with pytest.raises(TrustError) as refusal:
        read_trust(tmp_path)
    assert refusal.value.rule.id == "TRUST-STORE"
    assert refusal.value.facts["file"] == tmp_path / "root.pem"
