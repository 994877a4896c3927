"""
The rule catalogue: every check of the product, once.

A refusal, an ARL code, a line of a report and a page of the documentation are views of the same entry.
The entries are data, in ``schemas/rules/*.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING, Literal

import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Language", "Rule", "catalogue", "rule"]

Language = Literal["fr", "en"]


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule: its id, where it comes from, and what it tells a person.

    ``fr`` and ``en`` say what happened and where; ``fr_action`` and ``en_action`` what to do.
    They may name facts in braces, filled in by :meth:`text`.
    """

    id: str
    source: str
    severity: Literal["error", "warning"]
    fr: str
    en: str
    fr_action: str
    en_action: str

    def text(self, facts: Mapping[str, object], language: Language = "fr") -> str:
        """Return the message in ``language``: what happened, then what to do."""
        happened = self.fr if language == "fr" else self.en
        return f"{happened.format_map(facts)} {self.to_do(facts, language)}"

    def to_do(self, facts: Mapping[str, object], language: Language = "fr") -> str:
        """Return what to do, in ``language``."""
        return (self.fr_action if language == "fr" else self.en_action).format_map(facts)

    @property
    def fact_names(self) -> frozenset[str]:
        """Return the names of the facts that the messages of this rule use."""
        whole = f"{self.fr} {self.en} {self.fr_action} {self.en_action}"
        return frozenset(name for _, name, _, _ in Formatter().parse(whole) if name)


@cache
def catalogue() -> dict[str, Rule]:
    """Return every rule by its id; each id stands once."""
    found: dict[str, Rule] = {}
    for name in schemas.names("rules", ".toml"):
        for identifier, entry in schemas.read_toml(name).items():
            if identifier in found:
                message = f"rule {identifier} is written twice (second time in {name})"
                raise ValueError(message)
            found[identifier] = Rule(id=identifier, **entry)
    return found


def rule(identifier: str) -> Rule:
    """Return the rule ``identifier``; raise KeyError when the catalogue has no such rule."""
    return catalogue()[identifier]
