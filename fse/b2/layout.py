"""
The layouts of the norme B2, as data: ``schemas/b2``.

A record is 128 characters; each belongs to exactly one field. Positions count from 1, as the sources do. What each kind
of field holds and how it is filled: ``schemas/b2/kinds.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import schemas

__all__ = ["RECORD_LENGTH", "Field", "Kind", "Layout", "layouts", "position", "recognise"]

RECORD_LENGTH = 128
"""Characters of a record; there is nothing between two records."""

Kind = Literal["mark", "constant", "blank", "digits", "numeric", "amount", "decimal", "date", "text"]
Certainty = Literal["two-sources", "one-source", "uncertain"]

_FILES = ("envelope", "invoice", "stays", "acts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One field: where it stands, what it holds, and how sure that is.

    A ``mark`` says which record it is, a ``constant`` never changes, a ``blank`` holds nothing: these three have no
    name. A field of several ``times`` stands every ``step`` characters and holds a tuple. ``codes`` names the list of
    ``schemas/b2/codes.toml`` that its value belongs to.
    """

    at: int
    length: int
    kind: Kind
    name: str
    value: str
    required: bool
    decimals: int
    times: int
    step: int
    codes: str
    certainty: Certainty
    fr: str
    en: str

    @property
    def starts(self) -> tuple[int, ...]:
        """Return the first position of each of its occurrences."""
        return tuple(self.at + index * self.step for index in range(self.times))

    @property
    def position(self) -> str:
        """Return the positions of the first occurrence as people write them: ``30-38``."""
        return position(self.at, self.length)

    def expected(self, language: Literal["fr", "en"]) -> str:
        """Return what the field holds, in words."""
        text: str = schemas.read_toml("b2/kinds.toml")[self.kind][language]
        return text.format(length=self.length, value=self.value, decimals=self.decimals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One type of record: its fields in the order of their positions, the source of the whole, its certainty."""

    type: str
    fr: str
    en: str
    source: str
    certainty: Certainty
    fields: tuple[Field, ...]

    @property
    def named(self) -> tuple[Field, ...]:
        """Return the fields that hold a value."""
        return tuple(field for field in self.fields if field.name)

    def field(self, name: str) -> Field:
        """Return the field ``name``; raise KeyError when the record has none of that name."""
        return next((field for field in self.fields if field.name == name), None) or _missing(name)

    def is_of(self, text: str) -> bool:
        """Tell whether ``text`` bears the marks of this type."""
        marks = (field for field in self.fields if field.kind == "mark")
        return all(text[field.at - 1 : field.at - 1 + field.length] == field.value for field in marks)


def position(at: int, length: int) -> str:
    """Return positions as people write them: ``39`` or ``30-38``."""
    return str(at) if length == 1 else f"{at}-{at + length - 1}"


@cache
def layouts() -> dict[str, Layout]:
    """Return every layout by the type of its record (``000``, ``1``, ``2``, ``2S``)."""
    openings = schemas.read_toml("b2/openings.toml")
    found = {}
    for file in _FILES:
        for kind, entry in schemas.read_toml(f"b2/{file}.toml").items():
            opening = openings[entry["opening"]]["fields"] if "opening" in entry else []
            raw = sorted([*entry["fields"], *opening], key=lambda one: int(one["at"]))
            found[kind] = Layout(
                type=kind,
                fr=entry["fr"],
                en=entry["en"],
                source=entry["source"],
                certainty=entry["certainty"],
                fields=tuple(_field(one, entry["certainty"]) for one in raw),
            )
    return found


def recognise(text: str) -> Layout | None:
    """Return the layout whose marks ``text`` bears, the one with the most marks; None when there is none."""
    fitting = [layout for layout in layouts().values() if layout.is_of(text)]
    return max(fitting, key=lambda layout: len(layout.type), default=None)


def _field(raw: dict[str, Any], certainty: Certainty) -> Field:
    return Field(
        at=raw["at"],
        length=raw["len"],
        kind=raw["kind"],
        name=raw.get("name", ""),
        value=raw.get("value", ""),
        required=raw.get("required", False),
        decimals=raw.get("decimals", 0),
        times=raw.get("times", 1),
        step=raw.get("step", raw["len"]),
        codes=raw.get("codes", ""),
        certainty=raw.get("certainty", certainty),
        fr=raw.get("fr", ""),
        en=raw.get("en", ""),
    )


def _missing(name: str) -> Field:
    raise KeyError(name)
