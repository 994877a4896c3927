"""
A NOEMIE stream as entities, and back: nothing here knows a hierarchy, only the frame, the fields and the count.

A stream that is read is written again exactly as it was. An entity of a type that nobody described is kept as it is,
skipped by whoever reads values, and reported; it is never an error by itself. What is broken raises
:class:`fse.noemie.errors.NoemieError` with the rank of the entity (the first is 1), its position in the file (the first
character is 1), and the rule.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import schemas
from fse.noemie.errors import NoemieError
from fse.noemie.fields import FieldError, read_field, write_field
from fse.noemie.layout import layouts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from fse.noemie.fields import Value
    from fse.noemie.layout import Layout

__all__ = ["MAX_BYTES", "Entity", "Stream", "UnknownEntity", "decode", "encode", "unpack"]

_LIMITS = schemas.read_toml("noemie/tree.toml")["limits"]
MAX_BYTES: int = _LIMITS["bytes"]
"""Longest stream that is read or written, in bytes."""

_GZIP = b"\x1f\x8b"
_TYPE = re.compile(rb"[0-9]{3}")
_MARK = re.compile(rb"[0-9]{5}")
_PRINTABLE = re.compile(rb"[ -?A-~]*")
_FIRST, _LAST = "000", "999"
_MARK_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Entity:
    """
    One entity of a known type: its break level (empty for 000 and 999) and a value for each of its fields.

    ``rank`` and ``position`` say where it was read; they are no part of what it is.
    """

    kind: str
    level: str
    values: Mapping[str, Value]
    rank: int = field(default=0, compare=False)
    position: int = field(default=0, compare=False)

    @property
    def layout(self) -> Layout:
        """The layout of its type."""
        return layouts()[self.kind]

    def text(self, name: str) -> str:
        """Return the field ``name``, which holds text or digits."""
        value = self.values[name]
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Return the field ``name``, which holds a number, an amount in cents or a rate."""
        value = self.values[name]
        return value if isinstance(value, int) else 0

    def day(self, name: str) -> date | None:
        """Return the field ``name``, which holds a day or none."""
        value = self.values[name]
        return None if isinstance(value, (str, int)) else value

    def signed(self, name: str) -> int:
        """Return the amount ``name`` in cents with the sign of the entity."""
        return -self.number(name) if self.values.get("sign") == "N" else self.number(name)


@dataclass(frozen=True, slots=True)
class UnknownEntity:
    """An entity of a type that nobody described: kept character for character."""

    kind: str
    level: str
    body: str
    rank: int = field(default=0, compare=False)
    position: int = field(default=0, compare=False)

    @property
    def report(self) -> NoemieError:
        """The sentence that says that it was skipped (NOEMIE-UNKNOWN, a warning)."""
        size = len(self.body) + _MARK_LENGTH + 1
        return NoemieError("NOEMIE-UNKNOWN", rank=self.rank, kind=self.kind, position=self.position, size=size)


@dataclass(frozen=True, slots=True)
class Stream:
    """A whole stream, from 000 to 999."""

    entities: tuple[Entity | UnknownEntity, ...]

    @property
    def known(self) -> tuple[Entity, ...]:
        """The entities of known types, in their order."""
        return tuple(one for one in self.entities if isinstance(one, Entity))

    @property
    def unknown(self) -> tuple[UnknownEntity, ...]:
        """The entities that were skipped."""
        return tuple(one for one in self.entities if isinstance(one, UnknownEntity))


def unpack(data: bytes) -> bytes:
    """
    Return the stream in ``data``, which may be compressed (gzip), as inside a mail.

    Raises :class:`NoemieError`: NOEMIE-PACKED, or NOEMIE-SIZE beyond :data:`MAX_BYTES` once decompressed.
    """
    if not data.startswith(_GZIP):
        return data
    inside = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = inside.decompress(data, MAX_BYTES + 1)
    except zlib.error:
        raise NoemieError("NOEMIE-PACKED") from None
    if len(plain) > MAX_BYTES:
        raise NoemieError("NOEMIE-SIZE", limit=MAX_BYTES, unit="octets")
    if not inside.eof or inside.unused_data:
        raise NoemieError("NOEMIE-PACKED")
    return plain


def decode(data: bytes) -> Stream:
    """
    Return the stream written in ``data``.

    Raises :class:`NoemieError`: NOEMIE-SIZE, -CHARSET, -TRUNCATED, -MARK, -FRAME, -LENGTH, -FIELD, and -COUNT when 999
    does not count the entities.
    """
    if len(data) > MAX_BYTES:
        raise NoemieError("NOEMIE-SIZE", limit=MAX_BYTES, unit="octets")
    entities: list[Entity | UnknownEntity] = []
    for raw in _pieces(data):
        if len(entities) == _LIMITS["entities"]:
            raise NoemieError("NOEMIE-SIZE", limit=_LIMITS["entities"], unit="entités")
        entities.append(_entity(*raw))
    _check_frame(entities)
    return Stream(tuple(entities))


def encode(entities: Iterable[Entity | UnknownEntity]) -> bytes:
    """
    Return the stream of ``entities``: exactly what :func:`decode` reads.

    Raises :class:`NoemieError`: NOEMIE-FIELDS for a field that is missing or too many, and those of :func:`decode`.
    """
    written = b"".join(_written(rank, one) for rank, one in enumerate(entities, 1))
    decode(written)
    return written


def _pieces(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give each entity's rank, offset and bytes, its delimiter included."""
    offset, rank = 0, 1
    while offset < len(data):
        place = {"rank": rank, "position": offset + 1}
        kind = data[offset : offset + 3]
        if _TYPE.fullmatch(kind) is None:
            raise NoemieError("NOEMIE-MARK", **place)
        layout = layouts().get(kind.decode("ascii"))
        if layout is not None and layout.bare:
            end = offset + layout.length
        else:
            end = data.find(b"@", offset, offset + _LIMITS["unknown"]) + 1
        if not offset < end <= len(data):
            raise NoemieError("NOEMIE-TRUNCATED", **place)
        yield rank, offset, data[offset:end]
        offset, rank = end, rank + 1


def _entity(rank: int, offset: int, raw: bytes) -> Entity | UnknownEntity:
    kind = raw[:3].decode("ascii")
    layout = layouts().get(kind)
    bare = layout is not None and layout.bare
    position = offset + 1
    inside = raw if bare else raw[:-1]
    found = _PRINTABLE.match(inside)
    allowed = 0 if found is None else found.end()
    if allowed != len(inside):
        raise NoemieError("NOEMIE-CHARSET", rank=rank, position=position + allowed)
    if not bare and _MARK.match(raw) is None:
        raise NoemieError("NOEMIE-MARK", rank=rank, position=position)
    text = inside.decode("ascii")
    level = "" if bare else text[3:_MARK_LENGTH]
    if layout is None:
        return UnknownEntity(kind, level, text[_MARK_LENGTH:], rank, position)
    if len(raw) != layout.length:
        raise NoemieError(
            "NOEMIE-LENGTH", rank=rank, kind=kind, position=position, found=len(raw), expected=layout.length
        )
    values = {}
    for one in layout.fields:
        try:
            value = read_field(one, text[one.start - 1 : one.start - 1 + one.len])
        except FieldError as error:
            raise NoemieError(
                "NOEMIE-FIELD",
                rank=rank,
                kind=kind,
                position=offset + one.start,
                field=one.fr or "réservé",
                expected=str(error),
            ) from None
        if one.name:
            values[one.name] = value
    return Entity(kind, level, values, rank, position)


def _written(rank: int, one: Entity | UnknownEntity) -> bytes:
    level = "00" if one.kind in {_FIRST, _LAST} else one.level
    if _MARK.fullmatch(f"{one.kind}{level}".encode()) is None:
        raise NoemieError("NOEMIE-MARK", rank=rank, position=1)
    if isinstance(one, UnknownEntity):
        body = one.body.encode()
        if _PRINTABLE.fullmatch(body) is None:
            raise NoemieError("NOEMIE-CHARSET", rank=rank, position=1)
        return one.kind.encode() + one.level.encode() + body + b"@"
    layout = one.layout
    strange = {each.name for each in layout.named} ^ set(one.values)
    if strange:
        raise NoemieError("NOEMIE-FIELDS", rank=rank, kind=one.kind, fields=", ".join(sorted(strange)))
    parts = [one.kind, one.level]
    for each in layout.fields:
        try:
            parts.append(write_field(each, one.values.get(each.name)))
        except FieldError as error:
            raise NoemieError(
                "NOEMIE-FIELD",
                rank=rank,
                kind=one.kind,
                position=each.start,
                field=each.fr,
                expected=str(error),
            ) from None
    return ("".join(parts) + ("" if layout.bare else "@")).encode("ascii")


def _check_frame(entities: list[Entity | UnknownEntity]) -> None:
    for one in entities:
        expected = _FIRST if one.rank == 1 else _LAST if one.rank == len(entities) else ""
        if one.kind != expected and (expected or one.kind in {_FIRST, _LAST}):
            raise NoemieError("NOEMIE-FRAME", rank=one.rank, kind=one.kind, position=one.position)
    last = entities[-1] if entities else None
    if not isinstance(last, Entity) or last.kind != _LAST:
        raise NoemieError("NOEMIE-FRAME", rank=len(entities), kind=_LAST, position=1)
    stated = last.number("records")
    if stated != len(entities):
        raise NoemieError(
            "NOEMIE-COUNT", rank=last.rank, kind=last.kind, position=last.position, stated=stated, found=len(entities)
        )
