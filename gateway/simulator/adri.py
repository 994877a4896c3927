"""The simulated consultation of rights: it knows the people of a wallet, and may be told not to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["RightsDown", "SimulatedRights"]


class RightsDown(Exception):
    """The service does not answer."""


@dataclass(slots=True)
class SimulatedRights:
    """``periods`` are the days of open rights by NIR (13 characters), both included; ``down``: nobody answers."""

    periods: Mapping[str, tuple[tuple[date, date], ...]]
    down: bool = False

    def __call__(self, nir: str, organism: str, on: date) -> Literal["open", "closed"]:
        """Return whether the rights of the insured are open on that day; RightsDown when nobody can say."""
        del organism
        if self.down or nir not in self.periods:
            raise RightsDown
        return "open" if any(first <= on <= last for first, last in self.periods[nir]) else "closed"
