"""
Reading tag, length, value (ITU-T X.690), strictly, as an enemy might have written it.

One-byte tags, definite lengths in their shortest form, nothing left over, no tag unknown or repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.cards.errors import CardDataInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fse.cards.errors import CardName

__all__ = ["HEADER_BYTES", "Place", "announced_size", "fields", "items", "only"]

HEADER_BYTES = 4
"""The longest tag and length that are accepted."""

_LONG_TAG = 0x1F
_LONG_FORM = 0x80
_LENGTH_BYTES = (1, 2)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a card something was read; errors name it."""

    card: CardName
    path: str

    def inside(self, name: str) -> Place:
        """Return the place of the part called ``name``."""
        return Place(self.card, f"{self.path}.{name}")

    def wrong(self, reason: str) -> CardDataInvalid:
        """Return the error that says that what stands here is wrong."""
        return CardDataInvalid(self.card, self.path, reason)


def announced_size(head: bytes, place: Place) -> int:
    """Return the size of the object that begins with ``head`` (at least its tag and length), these included."""
    start, length = _header(head, place)
    return start + length


def only(data: bytes, tag: int, place: Place) -> bytes:
    """Return the value of the one object that ``data`` is, under ``tag``."""
    objects = _split(data, place)
    if len(objects) != 1 or objects[0][0] != tag:
        raise place.wrong("unexpected-tag")
    return objects[0][1]


def fields(
    data: bytes, tags: Mapping[str, int], place: Place, optional: frozenset[str] = frozenset()
) -> dict[str, bytes]:
    """Return the values of the objects of ``data`` by the names that ``tags`` gives to their tags."""
    names = {tag: name for name, tag in tags.items()}
    found: dict[str, bytes] = {}
    for tag, value in _split(data, place):
        if tag not in names:
            raise place.wrong("unknown-tag")
        if names[tag] in found:
            raise place.inside(names[tag]).wrong("repeated")
        found[names[tag]] = value
    for name in tags:
        if name not in found and name not in optional:
            raise place.inside(name).wrong("missing")
    return found


def items(data: bytes, tag: int, most: int, place: Place) -> list[tuple[bytes, Place]]:
    """Return the values of the objects of ``data``, all under ``tag``, not more than ``most``, each with its place."""
    objects = _split(data, place)
    if len(objects) > most:
        raise place.wrong("too-many")
    if any(found != tag for found, _ in objects):
        raise place.wrong("unknown-tag")
    return [(value, place.inside(str(rank))) for rank, (_, value) in enumerate(objects, 1)]


def _split(data: bytes, place: Place) -> list[tuple[int, bytes]]:
    objects: list[tuple[int, bytes]] = []
    rest = data
    while rest:
        start, length = _header(rest, place)
        if start + length > len(rest):
            raise place.wrong("truncated")
        objects.append((rest[0], rest[start : start + length]))
        rest = rest[start + length :]
    return objects


def _header(data: bytes, place: Place) -> tuple[int, int]:
    """Return where the value of the first object begins, and its length."""
    if len(data) < 2:  # noqa: PLR2004 - a tag and a length
        raise place.wrong("truncated")
    if data[0] & _LONG_TAG == _LONG_TAG:
        raise place.wrong("unknown-tag")
    if data[1] < _LONG_FORM:
        return 2, data[1]
    count = data[1] - _LONG_FORM
    length = int.from_bytes(data[2 : 2 + count], "big")
    if count not in _LENGTH_BYTES or len(data) < 2 + count or length < max(_LONG_FORM, 1 << 8 * (count - 1)):
        raise place.wrong("length")
    return 2 + count, length
