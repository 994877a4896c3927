"""
The requirements of the conventions: what each asks, what shows that it holds, or why nothing does yet.

They are data, in ``schemas/requirements.toml``, in words of ours; the ids are those of the project's reading of
the conventions. A rule of the catalogue belongs to a requirement when its source names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

import schemas
from fse.rules import Rule, catalogue

__all__ = ["Requirement", "requirements", "rules_of"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """
    One requirement.

    ``derived``: not printed in its text, drawn from it. ``tests`` (file::function) show that it holds; ``waits`` says
    why none does yet. One of the two is there.
    """

    id: str
    level: Literal["must", "should", "could"]
    fr: str
    en: str
    derived: bool = False
    tests: tuple[str, ...] = ()
    waits: str = ""

    @property
    def family(self) -> str:
        """The family of its id: CONV, PROT and so on."""
        return self.id.rpartition("-")[0]


@cache
def requirements() -> dict[str, Requirement]:
    """Return every requirement by its id."""
    entries = schemas.read_toml("requirements.toml")
    return {
        name: Requirement(id=name, **entry | {"tests": tuple(entry.get("tests", ()))})
        for name, entry in entries.items()
    }


def rules_of(requirement: str) -> tuple[Rule, ...]:
    """Return the rules of the catalogue whose source names ``requirement``."""
    named = re.compile(rf"(?<![\w-]){re.escape(requirement)}(?![\w-])")
    return tuple(rule for rule in catalogue().values() if named.search(rule.source))
