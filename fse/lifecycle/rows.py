"""What a life cycle is made of: rows that events take, guards that hold them back, timers that time pulls."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from fse.lifecycle.effects import Effect
    from fse.lifecycle.policy import Policy

__all__ = ["Guard", "Row", "Timer", "each"]

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Guard:
    """A named condition on the record at a moment; its sentence stands in ``schemas/lifecycle.toml``."""

    name: str
    holds: Callable[[Any, datetime, Policy], bool]


@dataclass(frozen=True, slots=True)
class Row(Generic[S, E]):
    """In ``state``, when ``event`` happens and every guard holds: go ``to`` there and ask for the effects."""

    state: S
    event: E
    to: S
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    source: str = ""


def each(
    states: Iterable[S],
    event: E,
    to: S | None = None,
    *,
    guards: tuple[Guard, ...] = (),
    effects: tuple[Effect, ...] = (),
    source: str = "",
) -> tuple[Row[S, E], ...]:
    """Return the same row for each of ``states``; without ``to``, each state stays where it is."""
    return tuple(Row(state, event, to or state, guards, effects, source) for state in states)


@dataclass(frozen=True, slots=True)
class Timer(Generic[S, E]):
    """In ``state``, time itself makes ``event`` happen from the instant ``at`` on (None: never)."""

    state: S
    event: E
    at: Callable[[Any, Policy], datetime | None]
