"""
Exports of other applications become draft encounters, by a mapping that anybody can write (``schemas/imports``).

A row that cannot be used is told with its line, column and rule, and the others go on. Nothing of an identity is in a
message. Identities are replaced by synthetic ones (:mod:`fse.synthetic`) unless the file is synthetic already.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

import schemas
from fse.deadlines import PARIS
from fse.encounter import Encounter, EncounterError, read_encounter
from fse.synthetic import with_synthetic_people
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MAX_IMPORT_BYTES", "Draft", "Imported", "Mistake", "import_rows", "mapping_names", "read_mapping"]

MAX_IMPORT_BYTES = 20_000_000
"""Largest export that is read, in bytes."""

_LIST = TypeAdapter(list[dict[str, Any]])
_DATES = ("birth_date", "pregnancy_start", "delivery_date")


@dataclass(frozen=True, slots=True)
class Draft:
    """One row that became an encounter."""

    line: int
    encounter: Encounter


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row that did not: its line, the column (empty when the row as a whole), and the rule with its facts."""

    line: int
    column: str
    error: EncounterError


@dataclass(frozen=True, slots=True)
class Imported:
    """What an export gave; ``left`` counts the rows that the mapping does not keep."""

    drafts: tuple[Draft, ...]
    mistakes: tuple[Mistake, ...]
    left: int


def mapping_names() -> tuple[str, ...]:
    """Return the names of the mappings of the package."""
    return tuple(name.rpartition("/")[2].removesuffix(".toml") for name in schemas.names("imports", ".toml"))


def read_mapping(name: str, text: str | None = None) -> dict[str, Any]:
    """
    Return the mapping ``name`` of the package, or the one written in ``text`` (TOML).

    Raises :class:`gateway.errors.GatewayError` (IMPORT-MAPPING).
    """
    try:
        found = schemas.read_toml(f"imports/{name}.toml") if text is None else tomllib.loads(text)
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        raise GatewayError("IMPORT-MAPPING", name=name[:60], known=", ".join(mapping_names())) from None
    if not ({"format", "dates", "instants", "fields", "acts"} <= found.keys() and found["format"] in {"csv", "json"}):
        raise GatewayError("IMPORT-MAPPING", name=name[:60], known=", ".join(mapping_names()))
    return found


def import_rows(data: bytes, mapping: Mapping[str, Any], *, seed: str | None) -> Imported:
    """
    Return what the export ``data`` gives by ``mapping``.

    ``seed`` replaces identities by synthetic ones, the same for one person throughout; None keeps them, for a file that
    is synthetic already. Raises :class:`gateway.errors.GatewayError` (IMPORT-FILE) for a file of another format.
    """
    drafts, mistakes, left = [], [], 0
    for line, row in _rows(data, mapping):
        keep = mapping.get("keep")
        if keep is not None and row.get(keep["column"], "") not in keep["values"]:
            left += 1
            continue
        try:
            drafts.append(Draft(line, _encounter(row, mapping, seed)))
        except EncounterError as error:
            mistakes.append(Mistake(line, _column(str(error.facts.get("place", "")), mapping), error))
    return Imported(tuple(drafts), tuple(mistakes), left)


def _rows(data: bytes, mapping: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row as text by column, with its line (CSV) or its rank (JSON)."""
    try:
        text = data.decode("utf-8-sig")
        if mapping["format"] == "csv":
            reader = csv.DictReader(io.StringIO(text), delimiter=mapping.get("delimiter", ","), strict=True)
            for row in reader:
                yield reader.line_num, {name: (value or "").strip() for name, value in row.items() if name is not None}
            return
        for rank, one in enumerate(_LIST.validate_json(text), 1):
            yield rank, dict(_flat(one))
    except (UnicodeDecodeError, csv.Error, ValueError, RecursionError):
        raise GatewayError("IMPORT-FILE", format=mapping["format"]) from None


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, "" if value is None else str(value).strip()


def _encounter(row: Mapping[str, str], mapping: Mapping[str, Any], seed: str | None) -> Encounter:
    facts: dict[str, Any] = {}
    for place, column in mapping["fields"].items():
        value = _value(place, row.get(column, ""), mapping)
        if value not in ("", None):
            *parents, last = place.split(".")
            target = facts
            for name in parents:
                target = target.setdefault(name, {})
            target[last] = value
    patient = facts.get("patient", {})
    patient.setdefault("kind", "identified")
    patient["organism"] = mapping.get("caisses", {}).get(patient.get("organism"), patient.get("organism"))
    draft = read_encounter(json.dumps({name: value for name, value in facts.items() if value is not None}).encode())
    if seed is None:
        return draft
    changed = with_synthetic_people(json.loads(draft.model_dump_json(exclude_none=True)), draft.day, seed)
    return read_encounter(json.dumps(changed).encode())


def _value(place: str, text: str, mapping: Mapping[str, Any]) -> object:
    """Return what a cell means at ``place``; what cannot be understood stays text, for the model to refuse by name."""
    words = mapping.get("values", {}).get(place, {})
    if text in words:
        return words[text]
    try:
        if place == "at" and text:
            return datetime.strptime(text, mapping["instants"]).replace(tzinfo=PARIS).isoformat()
        if place.rpartition(".")[2] in _DATES and text:
            return datetime.strptime(text, mapping["dates"]).replace(tzinfo=PARIS).date().isoformat()
    except ValueError:
        return text
    if place != "acts":
        return text
    known = mapping["acts"].get("words", {})
    codes = [part.strip() for part in text.split(mapping["acts"]["separator"]) if part.strip()]
    return [_act(known.get(code, code)) for code in codes]


def _act(code: str) -> dict[str, str]:
    """Return an act; a vaccine is written VACCIN:CIP13."""
    name, _, cip = code.partition(":")
    return {"code": name} | ({"cip": cip} if cip else {})


def _column(place: str, mapping: Mapping[str, Any]) -> str:
    """Return the column that fills ``place``, or what holds it."""
    fields: Mapping[str, str] = mapping["fields"]
    place = place.partition("[")[0]
    near = [column for name, column in fields.items() if name == place or name.startswith(f"{place}.")]
    alike = [
        column
        for name, column in fields.items()
        if (name.partition(".")[0], name.rpartition(".")[2]) == (place.partition(".")[0], place.rpartition(".")[2])
    ]
    return (near or alike[::-1] or [""])[0]
