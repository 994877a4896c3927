"""
Whose worker has gone: seen the same hold on a lot for as long as a lease lasts, by the monotonic clock of this machine.

A lease lasts longer than a sending may take. When a worker is slower still, two of them finish the same attempt under
the same key, and the concentrator takes it once.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.journal.claims import Claim

__all__ = ["LEASE_SECONDS", "Leases"]

LEASE_SECONDS = 60.0
"""Longer than connecting, sending and waiting for an answer may take (15 s each)."""


@dataclass(slots=True)
class Leases:
    """What this worker has seen in somebody's hands; ``worker`` is its own name, ``monotonic`` its technical clock."""

    worker: str
    seconds: float = LEASE_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _seen: dict[Claim, float] = field(default_factory=dict)

    def lapsed(self, held: Iterable[Claim]) -> tuple[Claim, ...]:
        """
        Return those of ``held`` that have been held, unchanged, for as long as a lease.

        Its own too: a lot that could not be let go of, or that an earlier process of the same name held.
        """
        now = self.monotonic()
        self._seen = {claim: self._seen.get(claim, now) for claim in held}
        return tuple(claim for claim, since in self._seen.items() if now - since >= self.seconds)

    def take_over(self, held: Iterable[Claim]) -> None:
        """Count all of ``held`` as lapsed: whoever alone works on the journal has just started."""
        self._seen |= dict.fromkeys(held, -math.inf)
