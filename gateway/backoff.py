"""
How long to wait before a lot that could not leave is tried again.

Twice as long after each failure up to a longest wait, spread by chance so that what failed together is not tried
together again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Backoff"]

_FEW_ENOUGH = 32  # 2 ** 32 seconds is longer than any longest wait


@dataclass(frozen=True, slots=True)
class Backoff:
    """``first``: the wait after the first failure; ``longest``: what it never exceeds."""

    first: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(hours=6)

    def wait(self, failures: int, draw: float) -> timedelta:
        """
        Return the wait after that many ``failures`` in a row, from 1; ``draw`` is by chance, from 0 to 1.

        Between half of the doubled wait and the whole of it, in whole seconds, at least one.
        """
        doubled = self.first.total_seconds() * 2 ** min(failures - 1, _FEW_ENOUGH)
        whole = min(doubled, self.longest.total_seconds())
        return timedelta(seconds=max(1, round(whole * (0.5 + draw / 2))))
