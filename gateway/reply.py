"""What a submission is answered: the sheet's number, the legal deadline, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date  # noqa: TC003 - replies are read back by their annotations
from typing import TYPE_CHECKING, Self

from pydantic import TypeAdapter

import schemas
from fse.lifecycle import wording
from fse.routing import Outcome
from fse.rules import Language  # noqa: TC001 - replies are read back by their annotations

if TYPE_CHECKING:
    from fse.errors import FseError

__all__ = ["LANGUAGES", "Reply", "replies_from_json", "replies_to_json", "word"]


LANGUAGES: tuple[Language, ...] = ("fr", "en")
"""The languages in which people are answered, the first by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    What became of some acts of an encounter. Amounts in cents.

    ``sheet`` is the FSE number, for the electronic outcomes; ``deadline`` the last day of the first emission (sheet)
    or of posting (paper); ``next_action`` the code of an action of the life cycle. A refusal has none: its ``rule``
    broke, ``messages`` say so and ``to_do`` what to do, by language. ``warnings`` are rules that ask for attention and
    block nothing.
    """

    reference: str
    part: int
    outcome: Outcome
    reason: str
    acts: tuple[str, ...]
    sheet: int | None = None
    deadline: date | None = None
    next_action: str = ""
    total_cents: int = 0
    amo_cents: int = 0
    rule: str = ""
    warnings: tuple[str, ...] = ()
    messages: dict[str, str] = field(default_factory=dict)
    to_do: dict[str, str] = field(default_factory=dict)

    @classmethod
    def refused(
        cls,
        error: FseError,
        reason: str,
        *,
        reference: str,
        part: int,
        acts: tuple[str, ...],
        outcome: Outcome = Outcome.REFUSED,
    ) -> Self:
        """Return the reply of what broke the rule of ``error``, or is held by it."""
        return cls(
            reference=reference,
            part=part,
            outcome=outcome,
            reason=reason,
            acts=acts,
            rule=error.rule.id,
            messages={language: error.message(language) for language in LANGUAGES},
            to_do={language: error.to_do(language) for language in LANGUAGES},
        )

    def what_next(self, language: Language = "fr") -> str:
        """Return what happens next, in words."""
        return wording("action", self.next_action).text(language) if self.next_action else self.to_do[language]


_REPLIES = TypeAdapter(tuple[Reply, ...])


def replies_to_json(replies: tuple[Reply, ...]) -> str:
    """Return ``replies`` as JSON."""
    return _REPLIES.dump_json(replies).decode()


def replies_from_json(text: str) -> tuple[Reply, ...]:
    """Return the replies that :func:`replies_to_json` wrote."""
    return _REPLIES.validate_json(text)


def word(kind: str, name: str, language: Language = "fr") -> str:
    """Return the word for ``name`` of a ``kind`` (``outcome``, ``reason``) in ``language``."""
    return str(schemas.read_toml("wording.toml")[kind][name][language])
