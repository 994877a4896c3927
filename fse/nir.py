"""
The NIR, number of a person in the national directory, and the patterns of that form that name nobody.

No error and no ``repr`` of this module holds a whole number. The code ranges are data with their source:
``schemas/tables/nir.toml``.
"""

from __future__ import annotations

import re
from dataclasses import InitVar, dataclass
from enum import StrEnum
from functools import cache
from typing import Self

import schemas
from fse.errors import FseError
from fse.rules import Rule, rule

__all__ = ["IdentifierError", "Nir", "NirKind", "mask_nir", "nir_key"]

_NIR = re.compile(r"[0-9]{5}(?:[0-9]{2}|2[AB])[0-9]{6}")
_NIR_KEY = re.compile(r"[0-9]{2}")
_NUMBER_LENGTH = 13
_LONGEST_MASK = 20


class IdentifierError(FseError):
    """An identifier does not hold; the facts are ``field`` and the masked ``value``."""


class NirKind(StrEnum):
    """What a NIR stands for: a person, or one of the patterns that name nobody."""

    ORDINARY = "ordinary"
    ANONYMOUS_IVG = "anonymous-ivg"
    MINOR_CONTRACEPTION = "minor-contraception"
    ANONYMOUS = "anonymous"


def mask_nir(text: str) -> str:
    """Return ``text`` with its first digit alone in clear, stars for the rest: the form for logs and errors."""
    first = text[0] if text[:1].isdigit() else "*" * len(text[:1])
    return first + "*" * (min(len(text), _LONGEST_MASK) - 1)


def nir_key(number: str) -> str:
    """
    Return the two digits of the key of a NIR of 13 characters: 97 - (number modulo 97), Corsica 2A as 19, 2B as 18.

    :raises IdentifierError: ``NIR-FORM`` when ``number`` is not 13 characters of that form.
    """
    if _NIR.fullmatch(number) is None:
        raise IdentifierError("NIR-FORM", field="nir", value=mask_nir(number))
    department = {"2A": "19", "2B": "18"}.get(number[5:7], number[5:7])
    return f"{97 - int(number[:5] + department + number[7:]) % 97:02d}"


@dataclass(frozen=True, slots=True, repr=False)
class Nir:
    """
    A number of the national directory (NIR): 13 characters and the key of 2 digits, checked when built.

    The forms are those of the INSEE and of the billing of care: ordinary, Corsica, incomplete birth records, and the
    patterns of anonymous care, known by the whole pattern (A 55 55 55) because months of 50 and more exist.
    ``str`` and ``repr`` are masked; :attr:`full` is the identifier itself.

    :raises IdentifierError: ``NIR-FORM``, ``NIR-FIRST-DIGIT``, ``NIR-MONTH``, ``NIR-DEPARTMENT``, ``NIR-KEY``.
    """

    number: str
    key: str
    field: InitVar[str] = "nir"

    def __post_init__(self, field: str) -> None:
        value = mask_nir(self.number + self.key)
        if _NIR.fullmatch(self.number) is None or _NIR_KEY.fullmatch(self.key) is None:
            raise IdentifierError("NIR-FORM", field=field, value=value)
        codes = schemas.read_toml("tables/nir.toml")
        if not any(self.number[0] in entry["digits"] for entry in codes["first_digit"]):
            raise IdentifierError("NIR-FIRST-DIGIT", field=field, value=value)
        if _month_certainty(self.number[3:5]) is None:
            raise IdentifierError("NIR-MONTH", field=field, value=value)
        if self.number[5:7] == "00":
            raise IdentifierError("NIR-DEPARTMENT", field=field, value=value)
        if nir_key(self.number) != self.key:
            raise IdentifierError("NIR-KEY", field=field, value=value)

    @classmethod
    def parse(cls, text: str, field: str = "nir") -> Self:
        """
        Return the NIR written in ``text``: 13 characters (the key is computed) or 15 (the key is checked).

        :param field: the name of the field for the error.
        :raises IdentifierError: see the class.
        """
        number, key = text[:_NUMBER_LENGTH], text[_NUMBER_LENGTH:]
        if not key and _NIR.fullmatch(number) is not None:
            key = nir_key(number)
        return cls(number, key, field)

    @property
    def full(self) -> str:
        """Return the 15 characters, key included."""
        return self.number + self.key

    @property
    def kind(self) -> NirKind:
        """Return what this number stands for."""
        for entry in schemas.read_toml("tables/nir.toml")["pattern"]:
            if re.fullmatch(entry["pattern"], self.number):
                return NirKind(entry["kind"])
        return NirKind.ORDINARY

    @property
    def warning(self) -> Rule | None:
        """Return the rule ``NIR-MONTH-UNCERTAIN`` when the month is of a range accepted without a sure source."""
        uncertain = self.kind is NirKind.ORDINARY and _month_certainty(self.number[3:5]) == "U"
        return rule("NIR-MONTH-UNCERTAIN") if uncertain else None

    def __str__(self) -> str:
        return mask_nir(self.full)

    def __repr__(self) -> str:
        return f"Nir({mask_nir(self.full)!r})"


@cache
def _month_certainty(month: str) -> str | None:
    for entry in schemas.read_toml("tables/nir.toml")["month"]:
        if entry["first"] <= int(month) <= entry["last"]:
            return str(entry["certainty"])
    return None
