"""Typed records as JSON and back: ours, for programs that would rather not count characters."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from fse.b2.codec import decode_record, encode_record
from fse.b2.errors import B2Error, Place
from fse.b2.file import RECORDS, B2File
from fse.b2.layout import layouts
from fse.b2.values import OF_THIS_CENTURY

if TYPE_CHECKING:
    from fse.b2.codec import FieldValue
    from fse.b2.layout import Field
    from fse.b2.record import Record

__all__ = ["FORMAT", "read_json", "write_json"]

FORMAT = "FSE-SIM b2 1"
"""What the JSON says of itself."""


def write_json(file: B2File) -> str:
    """Return the records as JSON: absent values are left out, days are YYYY-MM-DD, decimals text, amounts in cents."""
    records = [{"record": record.type} | _plain(record.values) for record in file.records]
    return json.dumps({"format": FORMAT, "records": records}, indent=2, ensure_ascii=False)


def read_json(text: str | bytes) -> B2File:
    """
    Return the file that ``text`` describes, each record held against its layout.

    Raises :class:`B2Error`: B2-JSON for what has not the form of :func:`write_json`, B2-RECORD, and the errors of
    :func:`fse.b2.codec.encode_record`.
    """
    place = Place(1, "?")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise B2Error("B2-JSON", place, why="JSON") from None
    if not isinstance(found, dict) or found.keys() != {"format", "records"} or found["format"] != FORMAT:
        raise B2Error("B2-JSON", place, why=FORMAT)
    if not isinstance(found["records"], list):
        raise B2Error("B2-JSON", place, why="records")
    day = OF_THIS_CENTURY
    records: list[Record] = []
    for rank, raw in enumerate(found["records"], start=1):
        record = _record(raw, day, rank)
        if rank == 1:
            day = B2File((record,)).day
        records.append(record)
    return B2File(tuple(records))


def _record(raw: object, day: date, rank: int) -> Record:
    """Return the record; it goes through its characters, so that what JSON says is what the file will say."""
    if not isinstance(raw, dict) or not isinstance(raw.get("record"), str):
        raise B2Error("B2-JSON", Place(rank, "?"), why="record")
    kind = raw["record"]
    if kind not in layouts():
        raise B2Error("B2-RECORD", Place(rank, kind[:3] or "?"))
    fields = {field.name: field for field in layouts()[kind].named}
    values = {
        name: _typed(fields[name], value, Place.at_field(rank, kind, fields[name])) if name in fields else None
        for name, value in raw.items()
        if name != "record"
    }
    typed: Any = RECORDS[kind]
    record: Record = typed(**decode_record(encode_record(kind, values, day, rank), day, rank)[1])
    return record


def _typed(field: Field, value: object, place: Place) -> FieldValue:
    if field.times > 1:
        if not isinstance(value, list):
            raise B2Error("B2-JSON", place, why=field.name)
        return tuple(_one(field, one, place) for one in value)
    return _one(field, value, place)


def _one(field: Field, value: object, place: Place) -> str | int | Decimal | date | None:
    try:
        if isinstance(value, str) and field.kind == "date":
            return date.fromisoformat(value)
        if isinstance(value, str) and field.kind == "decimal":
            return Decimal(value)
    except (ValueError, InvalidOperation):
        raise B2Error("B2-JSON", place, why=field.name) from None
    if value is None or isinstance(value, str | int):
        return value
    raise B2Error("B2-JSON", place, why=field.name)


def _plain(values: dict[str, FieldValue]) -> dict[str, object]:
    return {
        name: [_text(one) for one in value] if isinstance(value, tuple) else _text(value)
        for name, value in values.items()
        if value is not None and not (isinstance(value, tuple) and not any(value)) and value != 0
    }


def _text(value: object) -> object:
    return str(value) if isinstance(value, date | Decimal) else value
