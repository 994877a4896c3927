"""
A simulated caisse's issuer of fictitious numbers, for anonymous forms 709 (convention 2023-212, annexe 1.4; ANON-08).

It is told nothing of the patient and keeps nothing but the numbers themselves, in no order of time: a number leads to
nobody, not even back to the minute in which it was given. None is given twice, after a restart neither. The form of the
real numbers is not public; ours is 9, the three digits of the caisse and nine digits of chance: no NIR begins with 9.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from card_sim.durable_files import replace_file
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FictitiousNumbers", "is_fictitious"]

_NUMBER = re.compile(r"9[0-9]{12}")
_CHANCE = 10**9
_TRIES = 100


@dataclass(frozen=True, slots=True)
class FictitiousNumbers:
    """
    The issuer of the caisse ``organism`` (9 digits); ``folder`` keeps the numbers that it has given.

    ``draw`` gives a whole number from 0 to one below its argument, all as likely: ``random.SystemRandom().randrange``.
    """

    organism: str
    folder: Path
    draw: Callable[[int], int]

    def issue(self) -> str:
        """
        Return a number that was never given before, of 13 digits; it is kept before it is returned.

        Raises :class:`gateway.errors.GatewayError` (FICTITIOUS-NUMBER) when chance gives none that is free.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{self.organism}.txt"
        with (self.folder / f"{self.organism}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            given = set(path.read_text(encoding="ascii").split()) if path.exists() else set()
            number = self._free(given)
            replace_file(path, "".join(f"{one}\n" for one in sorted({*given, number})).encode("ascii"))
            os.utime(path, (0, 0))  # when the last one was given is nobody's business
        return number

    def _free(self, given: set[str]) -> str:
        for _ in range(_TRIES):
            number = f"9{self.organism[2:5]}{self.draw(_CHANCE):09d}"
            if number not in given:
                return number
        raise GatewayError("FICTITIOUS-NUMBER", organism=self.organism, tries=_TRIES)


def is_fictitious(number: str) -> bool:
    """Tell whether ``number`` is written as these issuers write theirs."""
    return _NUMBER.fullmatch(number) is not None
