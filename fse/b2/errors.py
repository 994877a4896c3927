"""What is wrong with a B2 file, and where: rank of the record, its type, positions, field, rule."""

from __future__ import annotations

from dataclasses import dataclass

from fse.b2.layout import Field, layouts, position
from fse.errors import FseError

__all__ = ["B2Error", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """
    A place in a file: ``rank`` of the record (1 is the first of the file), its ``record`` type, and a field.

    ``at`` and ``length`` are positions from 1; ``fr`` and ``en`` name the field for people.
    """

    rank: int
    record: str
    at: int = 1
    length: int = 128
    field: str = ""
    fr: str = "enregistrement"
    en: str = "record"

    @classmethod
    def of(cls, rank: int, record: str, name: str = "") -> Place:
        """Return the place of the field ``name`` of a record, of the whole record without a name."""
        return cls(rank, record) if not name else cls.at_field(rank, record, layouts()[record].field(name))

    @classmethod
    def at_field(cls, rank: int, record: str, field: Field, index: int = 0) -> Place:
        """Return the place of the occurrence ``index`` of ``field``."""
        number = f" {index + 1}" if field.times > 1 else ""
        fr, en = (field.fr or "zone fixe") + number, (field.en or "fixed zone") + number
        return cls(rank, record, field.starts[index], field.length, field.name, fr, en)


class B2Error(FseError):
    """A B2 file that breaks a rule; the facts are ``rank``, ``record``, ``position``, ``field`` and what it tells."""

    def __init__(self, rule_id: str, place: Place, /, **facts: object) -> None:
        super().__init__(
            rule_id,
            rank=place.rank,
            record=place.record,
            position=position(place.at, place.length),
            field=place.field,
            field_fr=place.fr,
            field_en=place.en,
            **facts,
        )
        self.place = place
