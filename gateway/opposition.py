"""
The opposition list of this machine: applied file by file, kept as it was signed, in force at once.

What is applied stays as the issuer's own files, in a folder: the last whole list and the increments on top of it. They
are judged again whenever they change, so nothing unsigned ever decides about a card. What is refused changes nothing.
"""

from __future__ import annotations

import fcntl
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from card_sim.durable_files import replace_file
from fse.errors import FseError
from fse.opposition_list import follow, read_list
from gateway.errors import GatewayError
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from fse.opposition_list import Opposition, OppositionList
    from fse.trust import TrustStore
    from gateway.home import Home

__all__ = ["OppositionStore", "opposition_of"]

_NAME = re.compile(r"([0-9]{9})-(full|plus)\.opp")
_FOLDER = "opposition"
_LOCK = "lock"
_TRIES = 5

_State = tuple[tuple[str, int, int], ...]
"""Name, time and size of each file: what is read again when it changes."""


class OppositionStore:
    """
    The lists applied in ``folder``, which may not exist yet; ``trust`` says whose signature is believed.

    :meth:`serials` asks the folder each time and reads it only when it has changed: a list that another process has
    applied is in force for the next sheet.
    """

    def __init__(self, folder: Path, trust: TrustStore) -> None:
        self._folder = folder
        self._trust = trust
        self._known: tuple[_State, Opposition | None, frozenset[str]] = ((), None, frozenset())

    def held(self) -> Opposition | None:
        """Return what is held, None before the first list; raises :class:`GatewayError` (OPPOSITION-STORE)."""
        return self._current()[1]

    def serials(self) -> frozenset[str]:
        """Return the serial numbers of every opposed card; raises :class:`GatewayError` (OPPOSITION-STORE)."""
        return self._current()[2]

    def apply(self, data: bytes, now: datetime) -> Opposition:
        """
        Apply the list in ``data``, offered at ``now``; return what is held then.

        Raises what :func:`fse.opposition_list.read_list` and :func:`fse.opposition_list.follow` raise, and
        :class:`GatewayError` (OPPOSITION-STORE); the list that is held then stays.
        """
        one = read_list(data, self._trust, now)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            applied = follow(self.held(), one)
            replace_file(self._folder / _name(one), data)
            if one.previous is None:
                self._forget_before(one.number)
        return applied

    def _current(self) -> tuple[_State, Opposition | None, frozenset[str]]:
        for _ in range(_TRIES):
            try:
                state = self._state()
                known = self._known  # one read: another thread may replace it
                if known[0] != state:
                    held = self._read(state)
                    known = state, held, frozenset(card.serial for card in held.cards) if held else frozenset()
                    self._known = known
            except FileNotFoundError:
                continue  # a whole list has just taken the place of what was there
            return known
        raise GatewayError("OPPOSITION-STORE", file=self._folder, reason="FileNotFoundError")

    def _state(self) -> _State:
        if not self._folder.is_dir():
            return ()
        files = sorted(one for one in self._folder.iterdir() if _NAME.fullmatch(one.name))
        return tuple((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in files)

    def _read(self, state: _State) -> Opposition | None:
        names = [name for name, _, _ in state]
        whole = max((rank for rank, name in enumerate(names) if "full" in name), default=0)
        held: Opposition | None = None
        for name in names[whole:]:
            try:
                held = follow(held, read_list((self._folder / name).read_bytes(), self._trust))
            except FseError as error:
                raise GatewayError("OPPOSITION-STORE", file=name, reason=error.rule.id) from None
        return held

    def _forget_before(self, number: int) -> None:
        for one in self._folder.iterdir():
            found = _NAME.fullmatch(one.name)
            if found is not None and int(found[1]) < number:
                one.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / _LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def opposition_of(home: Home) -> OppositionStore:
    """Return the list of the machine whose ``home`` this is; raises :class:`fse.trust.TrustError`."""
    return OppositionStore(home.folder / _FOLDER, read_trust(home.trust))


def _name(one: OppositionList) -> str:
    return f"{one.number:09d}-{'full' if one.previous is None else 'plus'}.opp"
