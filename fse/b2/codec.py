"""One record and its 128 characters, both ways, over the layouts of :mod:`fse.b2.layout`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from fse.b2.errors import B2Error, Place
from fse.b2.layout import RECORD_LENGTH, layouts, recognise
from fse.b2.values import OF_THIS_CENTURY, Value, read_value, write_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from fse.b2.layout import Field, Layout

__all__ = ["FieldValue", "decode_record", "encode_record", "scan_record"]

FieldValue: TypeAlias = "Value | tuple[Value, ...]"


def encode_record(record: str, values: Mapping[str, FieldValue], day: date, rank: int = 1) -> str:
    """
    Return the 128 characters of a record of type ``record``; ``day`` is the date of the file.

    A field that is not in ``values`` is absent. Raises :class:`B2Error`: B2-RECORD for an unknown type, B2-FIELD for a
    name that the record does not have, and the errors of :func:`fse.b2.values.write_value`.
    """
    layout = layouts().get(record)
    if layout is None:
        raise B2Error("B2-RECORD", Place(rank, record[:3] or "?"))
    for name in values.keys() - {field.name for field in layout.named}:
        raise B2Error("B2-FIELD", Place(rank, record), name=name[:40])
    characters = [" "] * RECORD_LENGTH
    for field in layout.fields:
        parts = _occurrences(field, values, Place.at_field(rank, record, field))
        for index, (start, value) in enumerate(zip(field.starts, parts, strict=True)):
            place = Place.at_field(rank, record, field, index)
            text = write_value(field, value, _day(layout, day), place)
            characters[start - 1 : start - 1 + field.length] = text
    return "".join(characters)


def decode_record(text: str, day: date, rank: int = 1) -> tuple[str, dict[str, FieldValue]]:
    """
    Return the type of the record in ``text`` and its values by name; ``day`` is the date of the file.

    Raises :class:`B2Error`, the first of :func:`scan_record`.
    """
    record, values, wrong = scan_record(text, day, rank)
    if wrong:
        raise wrong[0]
    return record, values


def scan_record(text: str, day: date, rank: int = 1) -> tuple[str, dict[str, FieldValue], list[B2Error]]:
    """
    Return the type of the record in ``text``, the values that can be read, and everything that cannot.

    The errors are B2-LENGTH, B2-RECORD and those of :func:`fse.b2.values.read_value`, in the order of positions.
    """
    if len(text) != RECORD_LENGTH:
        return "?", {}, [B2Error("B2-LENGTH", Place(rank, "?"), length=len(text))]
    layout = recognise(text)
    if layout is None:
        return "?", {}, [B2Error("B2-RECORD", Place(rank, "?", 1, 3))]
    values: dict[str, FieldValue] = {}
    wrong: list[B2Error] = []
    for field in layout.fields:
        parts: list[Value] = []
        for index, start in enumerate(field.starts):
            place = Place.at_field(rank, layout.type, field, index)
            try:
                characters = text[start - 1 : start - 1 + field.length]
                parts.append(read_value(field, characters, _day(layout, day), place))
            except B2Error as error:
                wrong.append(error)
        if field.name and len(parts) == field.times:
            values[field.name] = tuple(parts) if field.times > 1 else parts[0]
    wrong.sort(key=lambda error: error.place.at)
    return layout.type, values, wrong


def _occurrences(field: Field, values: Mapping[str, FieldValue], place: Place) -> tuple[Value, ...]:
    absent = 0 if field.kind in {"numeric", "amount", "decimal"} else None
    found = values.get(field.name, (absent,) * field.times if field.times > 1 else absent)
    if field.times == 1 and not isinstance(found, tuple):
        return (found,)
    if field.times > 1 and isinstance(found, tuple) and len(found) == field.times:
        return found
    raise B2Error("B2-VALUE", place, expected_fr=f"{field.times} ×", expected_en=f"{field.times} ×")


def _day(layout: Layout, day: date) -> date:
    return OF_THIS_CENTURY if layout.type == "000" else day
