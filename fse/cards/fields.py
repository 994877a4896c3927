"""The elementary values that cards hold: digits, days, names, yes or no. Anything else is refused."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from fse.cards.vocabulary import LIMIT
from fse.identifiers import IdentifierError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from fse.cards.tlv import Place

    _Value = TypeVar("_Value")

__all__ = ["day", "digits", "flag", "identifier", "name", "word"]

_YEAR_MONTH_DAY = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})")


def digits(value: bytes, count: int, place: Place) -> str:
    """Return ``value`` as text when it is ``count`` ASCII digits."""
    if len(value) != count or not value.isdigit():
        raise place.wrong("digits")
    return value.decode("ascii")


def day(value: bytes, place: Place) -> date:
    """Return the day that ``value`` writes as YYYYMMDD."""
    found = _YEAR_MONTH_DAY.fullmatch(value)
    if found is not None:
        with suppress(ValueError):
            return date(*map(int, found.groups()))
    raise place.wrong("date")


def name(value: bytes, place: Place) -> str:
    """Return the name of a person: printable UTF-8 text of bounded length, without spaces around."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise place.wrong("text") from None
    if not (text.isprintable() and text == text.strip() and 0 < len(text) <= LIMIT["name_characters"]):
        raise place.wrong("text")
    return text


def word(value: bytes, known: list[str], place: Place) -> str:
    """Return ``value`` as text when it is one of the ``known`` words."""
    for one in known:
        if value == one.encode("ascii"):
            return one
    raise place.wrong("unknown-value")


def flag(value: bytes, place: Place) -> bool:
    """Return what one byte, 00 or 01, says."""
    if value not in {b"\x00", b"\x01"}:
        raise place.wrong("flag")
    return value == b"\x01"


def identifier(value: bytes, check: Callable[[str], _Value], place: Place) -> _Value:
    """Return what ``check``, a function of :mod:`fse.identifiers`, makes of ``value``."""
    try:
        return check(value.decode("ascii"))
    except UnicodeDecodeError:
        raise place.wrong("identifier") from None
    except IdentifierError as error:
        raise place.wrong(error.rule.id) from None
