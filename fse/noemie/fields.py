"""One field of an entity: from characters to a value and back, one writing for each value."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from fse.noemie.layout import code_lists

if TYPE_CHECKING:
    from fse.noemie.layout import Field

__all__ = ["FieldError", "Value", "read_field", "write_field"]

Value = str | int | date | None
"""Text and digits; a number, an amount in cents or a rate in percent; a day, None where there is none."""

_CENTURY = 2000
_TEXT = re.compile(r"[ -?A-~]*")
"""Printable ASCII without @."""


class FieldError(ValueError):
    """What was expected of the field, in French: ``str`` of the error; callers turn it into their named error."""


def read_field(field: Field, raw: str) -> Value:
    """Return the value written in ``raw``, which has the length of ``field``; raises :class:`FieldError`."""
    if field.kind in {"blank", "constant"}:
        if raw != field.value.ljust(field.len):
            raise FieldError(field.value or "blanc")
        return None
    if field.kind == "text":
        return _coded(field, raw.rstrip(" "))
    if not (raw.isascii() and raw.isdigit()):
        expected = f"{field.len} chiffres"
        raise FieldError(expected)
    if field.kind == "digits":
        return _coded(field, raw)
    return _day(field, raw) if field.kind == "date" else int(raw)


def write_field(field: Field, value: Value) -> str:
    """Return ``value`` as the characters of ``field``; raises :class:`FieldError` when it does not fit."""
    if field.kind in {"blank", "constant"}:
        return field.value.ljust(field.len)
    raw = _characters(field, value)
    if len(raw) != field.len or _TEXT.fullmatch(raw) is None or read_field(field, raw) != value:
        expected = f"{field.kind}, {field.len} caractères"
        raise FieldError(expected)
    return raw


def _characters(field: Field, value: Value) -> str:
    if field.kind == "date":
        return "0" * field.len if value is None else f"{value:%y%m%d}" if isinstance(value, date) else ""
    if field.kind in {"text", "digits"}:
        return value.ljust(field.len) if isinstance(value, str) else ""
    return f"{value:0{field.len}d}" if isinstance(value, int) and value >= 0 else ""


def _coded(field: Field, value: str) -> str:
    if field.required and not value:
        expected = "une valeur"
        raise FieldError(expected)
    known = code_lists().get(field.codes)
    if known is not None and known.closed and value and value not in known.fr:
        raise FieldError(", ".join(known.fr))
    return value


def _day(field: Field, raw: str) -> date | None:
    expected = "une date AAMMJJ"
    if raw == "0" * field.len and not field.required:
        return None
    try:
        return date(_CENTURY + int(raw[:2]), int(raw[2:4]), int(raw[4:]))
    except ValueError:
        raise FieldError(expected) from None
