"""The opposition list of a machine: applied file by file, in force at once, never weakened by what is refused."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from fse.errors import FseError
from fse.opposition_list import ISSUER, OpposedCard, OppositionList, write_list
from fse.routing import Outcome
from gateway.cli.opposition import app
from gateway.errors import GatewayError
from gateway.opposition import OppositionStore
from tests.fse import sheet_builders as build
from tests.gateway.bench import visit

if TYPE_CHECKING:
    from pathlib import Path

    from fse.opposition_list import Opposition
    from tests.gateway.bench import Bench

NIGHT = datetime(2025, 3, 4, 4, 0, tzinfo=UTC)
DUTEST = "990000000001"
"""The serial number of the card of the example's family."""


def whole(number: int, *serials: str, days: int = 0) -> OppositionList:
    """Return a whole list of these cards of the régime général, published ``days`` after 4 March 2025."""
    cards = tuple(OpposedCard(serial, "01") for serial in sorted(serials))
    return OppositionList(number=number, published=NIGHT + timedelta(days=days), cards=cards)


def after(before: OppositionList, *serials: str) -> OppositionList:
    """Return the increment of the next day."""
    published = before.published + timedelta(days=1)
    one = whole(before.number + 1, *serials)
    return replace(one, published=published, previous=(before.number, before.digest))


def issued(one: OppositionList) -> bytes:
    """Return the list as its issuer publishes it."""
    return write_list(one, build.signer(build.party(ISSUER)))


def apply(store: OppositionStore, one: OppositionList) -> Opposition:
    """Apply ``one`` an hour after it was published."""
    return store.apply(issued(one), one.published + timedelta(hours=1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the list, not made yet."""
    return tmp_path / "opposition"


@pytest.fixture
def store(folder: Path) -> OppositionStore:
    """Return an empty list."""
    return OppositionStore(folder, build.trust())


FIRST = whole(1, "990000000013")
SECOND = after(FIRST, "990000000027")
THIRD = after(SECOND, "990000000034")


def test_no_list_opposes_nobody(store: OppositionStore, folder: Path) -> None:
    """A27: optional; before the first list nothing is refused, and looking makes no file."""
    assert (store.held(), store.serials()) == (None, frozenset())
    assert not folder.exists()


def test_increments_are_in_force_at_once_and_after_a_restart(store: OppositionStore, folder: Path) -> None:
    """Each is applied on the one before; another process over the same folder knows them too; files are private."""
    for one in (FIRST, SECOND, THIRD):
        apply(store, one)
    expected = frozenset({"990000000013", "990000000027", "990000000034"})
    assert store.serials() == expected
    other = OppositionStore(folder, build.trust())
    assert other.serials() == expected
    held = other.held()
    assert held is not None
    assert (held.number, held.published) == (3, THIRD.published)
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.glob("*.opp")} == {0o600}


def test_a_list_applied_elsewhere_acts_at_once(store: OppositionStore, folder: Path) -> None:
    """Two processes: what one has applied the other knows at its next question, without being told."""
    apply(store, FIRST)
    assert store.serials() == {"990000000013"}
    apply(OppositionStore(folder, build.trust()), SECOND)
    assert store.serials() == {"990000000013", "990000000027"}


def test_a_whole_list_takes_the_place_of_all_before(store: OppositionStore, folder: Path) -> None:
    """The increments before it are forgotten; one more follows on top of it."""
    apply(store, FIRST)
    apply(store, SECOND)
    new = whole(9, "990000000013", "990000000027", "990000000041", days=20)
    apply(store, new)
    assert [one.name for one in sorted(folder.glob("*.opp"))] == ["000000009-full.opp"]
    apply(store, after(new, "990000000050"))
    assert len(store.serials()) == 4


def test_an_interruption_between_the_two_steps_harms_nothing(store: OppositionStore, folder: Path) -> None:
    """A whole list written while what it replaces still lies beside it: the newest whole one counts."""
    apply(store, FIRST)
    kept = (folder / "000000001-full.opp").read_bytes()
    apply(store, whole(9, "990000000013", "990000000041", days=20))
    (folder / "000000001-full.opp").write_bytes(kept)
    assert OppositionStore(folder, build.trust()).serials() == {"990000000013", "990000000041"}


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (THIRD, "OPPOSITION-GAP"),
        (FIRST, "OPPOSITION-BACK"),
        (whole(5, "990000000027", days=3), "OPPOSITION-LIFTED"),
    ],
)
def test_what_is_refused_leaves_the_old_list(
    store: OppositionStore, folder: Path, one: OppositionList, rule: str
) -> None:
    """A gap, an older one, a card left out: refused by its rule, and every file stays as it was."""
    apply(store, FIRST)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(FseError) as caught:
        store.apply(issued(one), NIGHT + timedelta(days=30))
    assert caught.value.rule.id == rule
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert store.serials() == {"990000000013"}


def test_a_bad_signature_leaves_the_old_list(store: OppositionStore) -> None:
    """An increment that was tampered with, or made by somebody else, takes no card off and puts none on."""
    apply(store, FIRST)
    data = issued(SECOND)
    later = SECOND.published + timedelta(hours=1)
    theirs = write_list(SECOND, build.signer(build.party(ISSUER, build.THEIRS)))
    for bad in (data.replace(b"990000000027", b"990000000028"), theirs, b""):
        with pytest.raises(FseError):
            store.apply(bad, later)
    assert store.serials() == {"990000000013"}
    store.apply(data, later)
    assert len(store.serials()) == 2


def test_a_list_spoilt_on_the_disk_is_told(store: OppositionStore, folder: Path) -> None:
    """Nobody takes a card off by editing a file: the next question says which one is damaged, never a shorter list."""
    apply(store, FIRST)
    apply(store, SECOND)
    path = folder / "000000002-plus.opp"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(GatewayError) as caught:
        store.serials()
    assert (caught.value.rule.id, caught.value.facts["file"]) == ("OPPOSITION-STORE", path.name)


def test_files_that_come_and_go_end_in_an_error_never_in_a_loop(store: OppositionStore, folder: Path) -> None:
    """A name that leads nowhere is asked a few times, then told."""
    folder.mkdir()
    (folder / "000000001-full.opp").symlink_to(folder / "nowhere")
    with pytest.raises(GatewayError, match="OPPOSITION-STORE"):
        store.serials()


def test_a_refreshed_list_decides_the_next_sheet(bench: Bench, store: OppositionStore) -> None:
    """PROT-41, PROT-42: secured before, degraded as soon as the increment is applied, without any restart."""
    desk = bench.gateway._submission  # noqa: SLF001 - the desk that a service is given
    apply(store, whole(1))
    before = replace(desk, opposed=store.serials()).submit(visit("V1"), bench.cards())
    apply(store, after(whole(1), DUTEST))
    then = replace(desk, opposed=store.serials()).submit(visit("V2"), bench.cards())
    assert [reply.outcome for reply in (*before, *then)] == [Outcome.SECURED, Outcome.DEGRADED]


# ------------------------------------------------------------------------------------------------------------- command


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the command a home of its own; return a folder for files."""
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))
    return tmp_path


def ask(*words: object) -> Result:
    """Run a command of `fse opposition`."""
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "150"})


def shown() -> dict[str, object]:
    """Return what `show` answers to a program."""
    answer: dict[str, object] = json.loads(ask("show", "--json", "--cards").stdout)
    return answer


def test_made_applied_and_shown(at_home: Path) -> None:
    """The issuer's first list is whole, the next one an increment on it; both are applied and counted by régime."""
    assert shown() == {"number": None}
    assert "Aucune liste" in ask("show").output
    first, second, third = (at_home / f"{rank}.opp" for rank in (1, 2, 3))
    assert "liste complète n°1" in ask("make", first, "01:990000000013").output
    assert ask("apply", first).exit_code == 0
    assert "incrément n°2" in ask("make", second, "91:990000000027").output
    assert "2 card(s)" in ask("apply", second, "--lang", "en").output
    found = shown()
    assert (found["number"], found["by_regime"], found["warning"]) == (2, {"01": 1, "91": 1}, None)
    assert found["serials"] == ["01:990000000013", "91:990000000027"]
    told = ask("show", "--cards").output
    assert "Régime général" in told
    assert "91:990000000027" in told
    assert "full list n°3" in ask("make", third, "--full", "--lang", "en").output
    assert ask("apply", third).exit_code == 0
    assert (shown()["number"], shown()["cards"]) == (3, 2)


def test_a_refusal_is_one_rule(at_home: Path) -> None:
    """An increment that is applied twice, a file that is no list, a card that is none: each ends in its rule."""
    first = at_home / "1.opp"
    ask("make", first)
    ask("apply", first)
    (at_home / "x").write_text("990000000013", encoding="utf-8")
    for words, rule in (
        (("apply", first), "OPPOSITION-BACK"),
        (("apply", at_home / "x"), "OPPOSITION-FORM"),
        (("make", at_home / "2.opp", "990000000013"), "OPPOSITION-CARD"),
    ):
        error = ask(*words).exception
        assert isinstance(error, FseError)
        assert error.rule.id == rule
    assert not (at_home / "2.opp").exists()


def test_an_old_list_is_warned_of(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days later the same list is still in force, and its age is told in words and to programs."""
    first = at_home / "1.opp"
    ask("make", first)
    ask("apply", first)
    now = datetime.now(UTC) + timedelta(days=2, minutes=1)
    monkeypatch.setattr("gateway.cli.opposition.SystemClock.now", lambda _clock: now)
    assert shown()["warning"] == "OPPOSITION-OLD"
    told = ask("show")
    assert "[OPPOSITION-OLD]" in told.stderr
    assert "âge 48 h" in told.output
