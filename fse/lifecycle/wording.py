"""What people read of the life cycle: the sentences of ``schemas/lifecycle.toml``, in French and in English."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import schemas

if TYPE_CHECKING:
    from datetime import date

    from fse.rules import Language

__all__ = ["NextAction", "Wording", "reason_text", "wording"]


@dataclass(frozen=True, slots=True)
class Wording:
    """One sentence in two languages, with the article it comes from (empty when it is only a name of ours)."""

    fr: str
    en: str
    source: str = ""

    def text(self, language: Language = "fr") -> str:
        """Return the sentence in ``language``."""
        return self.fr if language == "fr" else self.en


@dataclass(frozen=True, slots=True)
class NextAction:
    """What is expected next of a record, and the last day for it (Europe/Paris) when there is one."""

    code: str
    by: date | None
    source: str

    def text(self, language: Language = "fr") -> str:
        """Return what to do, in ``language``, without the date."""
        return wording("action", self.code).text(language)


def section(*path: str) -> dict[str, Any]:
    """Return one section of the wording file; raise KeyError when there is none."""
    found = schemas.read_toml("lifecycle.toml")
    for key in path:
        found = found[key]
    return found


@cache
def wording(kind: str, name: str) -> Wording:
    """
    Return the wording of ``name`` in section ``kind``: a table's name (its states), ``action``, ``effect``, ``guard``.

    :raises KeyError: when the file has no such entry.
    """
    entry = section(kind, name)
    return Wording(entry["fr"], entry["en"], entry.get("source", ""))


def reason_text(reason: str, language: Language = "fr") -> str:
    """Return the sentence of a reason that the life cycle gives itself, or ``reason`` as a person wrote it."""
    return wording("reason", reason).text(language) if reason in section("reason") else reason
