"""
Faults that one asks of the simulator: predictable, counted, and always with an end.

A fault says where it bites (a caisse, a kind of flow), what it does and how many times; when its count is used up, it
is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

__all__ = ["Fault", "FaultKind", "FaultPlan"]


class FaultKind(StrEnum):
    """What can go wrong on the way."""

    ALTER_FILE = "alter-file"
    """One bit of the file changes between the concentrator and the caisse."""
    LOSE_ARL = "lose-arl"
    """The caisse's answer never reaches the biller's mailbox."""
    REFUSE_FILE = "refuse-file"
    """The concentrator answers that it cannot take the file now (HTTP 503)."""
    PAY_LATE = "pay-late"
    """The caisse pays one sheet after the month of the convention (mode: the sheet's, «papier» for a duplicata)."""
    LOSE_RETURN = "lose-return"
    """A payment return never reaches the biller's mailbox (mode: «retour», as for the next two)."""
    DELAY_RETURN = "delay-return"
    """A payment return reaches the mailbox with the next delivery only."""
    DUPLICATE_RETURN = "duplicate-return"
    """A payment return reaches the mailbox twice."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``kind``, for the files of ``organism`` in ``mode``, ``times`` times."""

    kind: FaultKind
    organism: str
    mode: str
    times: int = 1


class FaultPlan:
    """The faults still to come; asking for one uses it up."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._left = {fault: fault.times for fault in faults}
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        """Put one more fault on the way."""
        with self._lock:
            self._left[fault] = self._left.get(fault, 0) + fault.times

    def end(self, kind: FaultKind) -> None:
        """End every fault of ``kind``, used up or not."""
        with self._lock:
            self._left = {fault: left for fault, left in self._left.items() if fault.kind is not kind}

    def strikes(self, kind: FaultKind, organism: str, mode: str) -> bool:
        """Tell whether a fault of ``kind`` strikes this file, and count it."""
        with self._lock:
            for fault, left in self._left.items():
                if left > 0 and (fault.kind, fault.organism, fault.mode) == (kind, organism, mode):
                    self._left[fault] = left - 1
                    return True
        return False
