"""The errors of the library: one tree, each error a broken rule with its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fse.rules import rule

if TYPE_CHECKING:
    from fse.rules import Language, Rule

__all__ = ["FseError"]


class FseError(Exception):
    """
    A rule of the catalogue does not hold.

    A class of one rule names it in ``default_rule``; a class of several is given the id as ``rule_id``. Facts are
    what the message of the rule speaks of; they never hold a whole NIR, a PIN or a key.
    """

    default_rule: ClassVar[str] = ""

    def __init__(self, rule_id: str = "", /, **facts: object) -> None:
        self.rule: Rule = rule(rule_id or self.default_rule)
        self.facts = facts
        super().__init__(self.rule.id, facts)

    def message(self, language: Language = "fr") -> str:
        """Return what happened and what to do, in French or in English."""
        return self.rule.text(self.facts, language)

    def to_do(self, language: Language = "fr") -> str:
        """Return what to do, in French or in English."""
        return self.rule.to_do(self.facts, language)

    def __str__(self) -> str:
        return f"[{self.rule.id}] {self.message()}"
