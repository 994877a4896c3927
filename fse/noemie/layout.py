"""
The layouts of NOEMIE entities, read from ``schemas/noemie``.

An entity is its type (3 digits), its break level (2 digits), its fields and ``@``; 000 and 999 are 128 characters
without level or ``@``. Lengths differ from one type to the next; one type has one length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fse.rules import Language

__all__ = ["CodeList", "Field", "Layout", "code_lists", "layouts"]

_FILES = ("envelope", "groups", "invoices", "acts")
_TYPE, _LEVEL = 3, 2


@dataclass(frozen=True, slots=True)
class CodeList:
    """What the codes of a field stand for; a closed list refuses any other code."""

    closed: bool
    source: str
    fr: Mapping[str, str]
    en: Mapping[str, str]

    def label(self, code: str, language: Language = "fr") -> str:
        """Return what ``code`` stands for, empty when the list does not say."""
        return (self.fr if language == "fr" else self.en).get(code, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One field: where it begins in its entity (the first character is 1), how long it is, what it holds.

    ``kind``: text, digits, number, cents, rate, date, blank or constant (``value``). ``personal``: masked wherever a
    person reads it.
    """

    start: int
    len: int
    kind: str
    name: str = ""
    required: bool = False
    personal: bool = False
    codes: str = ""
    value: str = ""
    certainty: str = ""
    fr: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One type of entity; ``certainty``: one-source, two-sources or uncertain."""

    kind: str
    length: int
    fr: str
    en: str
    source: str
    certainty: str
    fields: tuple[Field, ...]
    bare: bool = False

    @property
    def named(self) -> tuple[Field, ...]:
        """The fields that hold a value."""
        return tuple(field for field in self.fields if field.name)


@cache
def layouts() -> Mapping[str, Layout]:
    """Return the layout of each type of entity that is known."""
    return {
        kind: _layout(kind, entry)
        for file in _FILES
        for kind, entry in schemas.read_toml(f"noemie/{file}.toml").items()
    }


@cache
def code_lists() -> Mapping[str, CodeList]:
    """Return the lists of codes by name."""
    return {name: CodeList(**entry) for name, entry in schemas.read_toml("noemie/codes.toml").items()}


def _layout(kind: str, entry: Mapping[str, Any]) -> Layout:
    start = 1 + _TYPE + (0 if entry.get("bare") else _LEVEL)
    fields = []
    for found in entry["fields"]:
        fields.append(Field(start=start, **found))
        start += found["len"]
    return Layout(**{**entry, "kind": kind, "fields": tuple(fields)})
