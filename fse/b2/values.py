"""
The value of one field and its characters, both ways, strictly: what cannot be written is refused, nothing is cut.

An absent value is None; absent numbers are zeros, absent text is spaces. A number that counts or measures
(``numeric``, ``amount``, ``decimal``) is never absent: it is 0.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from fse.b2.errors import B2Error, Place

if TYPE_CHECKING:
    from fse.b2.layout import Field

__all__ = ["OF_THIS_CENTURY", "Value", "read_value", "write_value"]

Value: TypeAlias = "str | int | Decimal | date | None"

OF_THIS_CENTURY = date(2098, 1, 1)
"""The day that makes two digits of a year mean 2000 to 2099: for the date of the file itself."""

_TEXT = re.compile(r"[A-Z0-9 ]*")
_DIGITS = re.compile(r"[0-9]+")


def write_value(field: Field, value: Value, day: date, place: Place) -> str:
    """
    Return the characters of ``value`` in ``field``; ``day`` is the date of the file.

    Raises :class:`B2Error`: B2-MISSING, B2-WIDTH, B2-CHARSET, B2-VALUE.
    """
    if field.kind in {"mark", "constant", "blank"}:
        return field.value.ljust(field.length)
    if value is None:
        if field.required or field.kind in {"numeric", "amount", "decimal"}:
            raise B2Error("B2-MISSING", place)
        return (" " if field.kind == "text" else "0") * field.length
    if field.kind == "text":
        return _write_text(field, value, place)
    if field.kind == "digits":
        return _write_digits(field, value, place)
    if field.kind == "date":
        return _write_date(field, value, day, place)
    return _write_number(field, value, place)


def read_value(field: Field, text: str, day: date, place: Place) -> Value:
    """
    Return the value that the characters ``text`` of ``field`` stand for; ``day`` is the date of the file.

    Raises :class:`B2Error`: B2-CHARSET, B2-MISSING, B2-VALUE.
    """
    wrong = _foreign(text)
    if wrong is not None:
        raise B2Error("B2-CHARSET", replace(place, at=place.at + wrong, length=1))
    if field.kind in {"mark", "constant", "blank"}:
        if text != field.value.ljust(field.length):
            raise _unfit(field, place)
        return None
    if field.kind == "text":
        return _read_text(field, text, place)
    if _DIGITS.fullmatch(text) is None:
        raise _unfit(field, place)
    if field.kind == "digits":
        return text if field.required or text.strip("0") else None
    if field.kind == "date":
        return _read_date(field, text, day, place)
    return Decimal(int(text)).scaleb(-field.decimals) if field.kind == "decimal" else int(text)


def _foreign(text: str) -> int | None:
    """Return the index of the first character that no field takes."""
    return next((index for index, letter in enumerate(text) if _TEXT.fullmatch(letter) is None), None)


def _read_text(field: Field, text: str, place: Place) -> str | None:
    value = text.rstrip(" ")
    if not value and field.required:
        raise B2Error("B2-MISSING", place)
    if value.startswith(" "):
        raise _unfit(field, place)
    return value or None


def _write_text(field: Field, value: Value, place: Place) -> str:
    if not isinstance(value, str) or not value or value.strip(" ") != value:
        raise _unfit(field, place)
    if _TEXT.fullmatch(value) is None:
        raise B2Error("B2-CHARSET", place)
    if len(value) > field.length:
        raise _too_long(field, place)
    return value.ljust(field.length)


def _write_digits(field: Field, value: Value, place: Place) -> str:
    if not isinstance(value, str) or _DIGITS.fullmatch(value) is None:
        raise _unfit(field, place)
    if len(value) > field.length:
        raise _too_long(field, place)
    if len(value) < field.length or not (field.required or value.strip("0")):
        raise _unfit(field, place)
    return value


def _write_number(field: Field, value: Value, place: Place) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal) if field.kind == "decimal" else int):
        raise _unfit(field, place)
    number = Decimal(value)
    if not number.is_finite() or number < 0:
        raise _unfit(field, place)
    if number >= 10 ** (field.length - field.decimals):
        raise _too_long(field, place)
    if number.adjusted() < -field.length and number:
        raise _unfit(field, place)
    scaled = Fraction(number) * 10**field.decimals  # exact: arithmetic of decimals would round a long one
    if scaled.denominator != 1:
        raise _unfit(field, place)
    return f"{scaled.numerator:0{field.length}d}"


def _write_date(field: Field, value: Value, day: date, place: Place) -> str:
    if not isinstance(value, date) or isinstance(value, datetime) or _century(value.year % 100, day) != value.year:
        raise _unfit(field, place)
    return f"{value:%y%m%d}"


def _read_date(field: Field, text: str, day: date, place: Place) -> date | None:
    if not text.strip("0"):
        if field.required:
            raise B2Error("B2-MISSING", place)
        return None
    try:
        return date(_century(int(text[:2]), day), int(text[2:4]), int(text[4:]))
    except ValueError:
        raise _unfit(field, place) from None


def _century(year: int, day: date) -> int:
    """Return the one year of the hundred that end with the year after ``day`` that ends in the two digits ``year``."""
    last = day.year + 1
    return last - (last - year) % 100


def _unfit(field: Field, place: Place) -> B2Error:
    return B2Error("B2-VALUE", place, expected_fr=field.expected("fr"), expected_en=field.expected("en"))


def _too_long(field: Field, place: Place) -> B2Error:
    return B2Error("B2-WIDTH", place, expected_fr=field.expected("fr"), expected_en=field.expected("en"))
