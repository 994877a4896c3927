"""The identities that a simulated card may hold: well formed, and nobody's."""

from __future__ import annotations

import re
from datetime import date, datetime

__all__ = ["calendar_day", "professional_number", "social_security_number", "structure_number"]

_TEST_RPPS = re.compile(r"99700[0-9]{6}", re.ASCII)
_SYNTHETIC_NIR = re.compile(r"[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{3}99[0-9][0-9]{2}", re.ASCII)
_FINESS = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}", re.ASCII)
_KEY_MODULUS = 97
_CORSICA = {"2A": "19", "2B": "18"}


def calendar_day(value: object) -> date:
    """Return the day that ``value`` is or writes as YYYY-MM-DD; ValueError otherwise."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        return date.fromisoformat(value)
    message = "a day is written YYYY-MM-DD"
    raise ValueError(message)


def professional_number(value: str) -> str:
    """Return the RPPS ``value`` when it is in the range of test identities with a right Luhn key; else ValueError."""
    if not _TEST_RPPS.fullmatch(value):
        message = "an RPPS has 11 digits and, on a simulated card, begins with 99700"
        raise ValueError(message)
    if _luhn_sum(value) % 10:
        message = "the last digit of the RPPS (Luhn key) is wrong"
        raise ValueError(message)
    return value


def structure_number(value: str) -> str:
    """Return the FINESS ``value`` (9 characters, Corsican ones too) when its Luhn key is right; else ValueError."""
    if not _FINESS.fullmatch(value):
        message = "a FINESS has 9 characters: the département on 2, then 7 digits"
        raise ValueError(message)
    if _luhn_sum(value.replace("A", "1").replace("B", "2")) % 10:
        message = "the last digit of the FINESS (Luhn key) is wrong"
        raise ValueError(message)
    return value


def social_security_number(value: str) -> str:
    """Return the NIR ``value`` (15 characters) when its key is right and its order number 990 to 999, or ValueError."""
    if not _SYNTHETIC_NIR.fullmatch(value):
        message = "a NIR has 15 characters, key included, and on a simulated card an order number from 990 to 999"
        raise ValueError(message)
    number = value[:5] + _CORSICA.get(value[5:7], value[5:7]) + value[7:13]
    if int(value[13:]) != _KEY_MODULUS - int(number) % _KEY_MODULUS:
        message = "the key of the NIR is wrong"
        raise ValueError(message)
    return value


def _luhn_sum(digits: str) -> int:
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(number, 10)) for number in doubled)
