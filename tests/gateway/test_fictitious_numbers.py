"""Fictitious numbers of forms 709: each once for ever, from chance alone, leading back to nobody."""

from __future__ import annotations

import inspect
import stat
from random import Random
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from fse.errors import FseError
from fse.identifiers import Nir
from gateway.errors import GatewayError
from gateway.simulator.fictitious_numbers import FictitiousNumbers, is_fictitious

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARTOIS, OPALE = "019990000", "019980000"


def issuer(folder: Path, *draws: int, organism: str = ARTOIS) -> FictitiousNumbers:
    """Return an issuer whose chance is these draws in turn."""
    left = iter(draws)
    return FictitiousNumbers(organism, folder, lambda _limit: next(left))


def chance(seed: int) -> Callable[[int], int]:
    """Return a chance that a seed replays."""
    return Random(seed).randrange  # noqa: S311 - no secret: a test


def test_a_number_is_nine_the_caisse_and_chance(tmp_path: Path) -> None:
    """ANON-08: given by the caisse, recognised as such, and never to be taken for a NIR."""
    number = issuer(tmp_path, 7).issue()
    assert number == "9999000000007"
    assert issuer(tmp_path, 123_456_789, organism=OPALE).issue() == "9998123456789"
    assert is_fictitious(number)
    assert not is_fictitious("1850362041999")
    with pytest.raises(FseError):
        Nir.parse(number + "00")


def test_none_is_given_twice_even_after_a_restart(tmp_path: Path) -> None:
    """Chance that repeats itself is drawn again: by the same issuer and by the one of the next day."""
    assert issuer(tmp_path, 7, 7, 8).issue() == "9999000000007"
    assert issuer(tmp_path, 7, 7, 8).issue() == "9999000000008"


def test_the_same_chance_of_two_caisses_gives_two_numbers(tmp_path: Path) -> None:
    """A number belongs to its caisse: two caisses never give the same one."""
    two = {issuer(tmp_path, 7, organism=organism).issue() for organism in (ARTOIS, OPALE)}
    assert len(two) == 2


def test_many_at_once_are_all_different(tmp_path: Path) -> None:
    """Eight desks ask at the same time, their chance the same: forty numbers, all different, all kept."""
    found: list[str] = []

    def ask() -> None:
        one = FictitiousNumbers(ARTOIS, tmp_path, chance(1))
        found.extend(one.issue() for _ in range(5))

    desks = [Thread(target=ask) for _ in range(8)]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    assert len(set(found)) == len(found) == 40
    assert (tmp_path / f"{ARTOIS}.txt").read_text(encoding="ascii").split() == sorted(found)


def test_nothing_but_the_numbers_is_kept(tmp_path: Path) -> None:
    """ANON-10: not told who it is for, it keeps neither a person, nor an order, nor a time; its file is private."""
    assert list(inspect.signature(FictitiousNumbers.issue).parameters) == ["self"]
    one = issuer(tmp_path, 9, 3, 5)
    assert [one.issue()[-1] for _ in range(3)] == ["9", "3", "5"]
    path = tmp_path / f"{ARTOIS}.txt"
    assert path.read_text(encoding="ascii") == "9999000000003\n9999000000005\n9999000000009\n"
    assert path.stat().st_mtime == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(found.name for found in tmp_path.iterdir()) == [f"{ARTOIS}.lock", f"{ARTOIS}.txt"]


def test_a_chance_that_is_none_is_told(tmp_path: Path) -> None:
    """A broken generator ends in its rule: never a number twice, never an endless search."""
    stuck = FictitiousNumbers(ARTOIS, tmp_path, lambda _limit: 7)
    stuck.issue()
    with pytest.raises(GatewayError) as caught:
        stuck.issue()
    assert caught.value.rule.id == "FICTITIOUS-NUMBER"
