"""
Our rejection table, ``schemas/noemie/rejections.toml``: why an act or a sheet is not paid, and what to do next.

The official codes were not found in public. Ours live in 9xxx and claim no conformity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Self
from unicodedata import combining, normalize

import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fse.rules import Language

__all__ = ["Rejection", "RejectionKind", "rejections"]


class RejectionKind(StrEnum):
    """What a code does to the payment."""

    REJECTION = "rejection"
    """Nothing is paid."""
    REDUCTION = "reduction"
    """An act is paid in part."""
    DEFERRAL = "deferral"
    """Judged in a later return."""
    SIGNAL = "signal"
    """Nothing: it is only said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """
    One code.

    ``level``: F the whole sheet, L an act, FL either. ``correctable``: a new sheet, under a new number, may correct it.
    """

    code: str
    kind: RejectionKind
    level: str
    family: str
    correctable: bool
    fr: str
    fr_place: str
    fr_action: str
    en: str
    en_place: str
    en_action: str

    @classmethod
    def _of(cls, code: str, entry: Mapping[str, str | bool]) -> Self:
        return cls(code=code, **{**entry, "kind": RejectionKind(entry["kind"])})  # type: ignore[arg-type]  # data

    @property
    def label(self) -> str:
        """The French words as an entity writes them: upper case, no accents."""
        return "".join(one for one in normalize("NFD", self.fr) if not combining(one)).upper()

    def words(self, language: Language = "fr") -> str:
        """Return what the code says."""
        return self.fr if language == "fr" else self.en

    def place(self, language: Language = "fr") -> str:
        """Return what of the sheet it speaks of."""
        return self.fr_place if language == "fr" else self.en_place

    def to_do(self, language: Language = "fr") -> str:
        """Return what to do next."""
        return self.fr_action if language == "fr" else self.en_action


@cache
def rejections() -> Mapping[str, Rejection]:
    """Return the table, by code."""
    entries = schemas.read_toml("noemie/rejections.toml").items()
    return {code: Rejection._of(code, entry) for code, entry in entries}  # noqa: SLF001 - its own module
