"""
Business time, handed in: deadlines, waits and signing times never ask the machine by themselves.

Technical time (socket timeouts) is the machine's monotonic clock and is not simulated.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["Clock", "SimulatedClock", "SystemClock"]


class Clock(Protocol):
    """Anything that says what time it is, in UTC, to the second."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC, whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)


class SimulatedClock:
    """A clock that stands still until it is told to move, and never moves backwards."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        """Return the simulated instant."""
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Move to ``instant``; a move backwards is ignored."""
        self._now = max(self._now, instant.astimezone(UTC).replace(microsecond=0))

    def advance(self, step: timedelta) -> None:
        """Move forward by ``step``."""
        self.move_to(self._now + step)
