"""B2 files for the tests: the two written by hand, and what changes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fse.b2 import B2File, Shipment, check

if TYPE_CHECKING:
    from fse.b2 import B2Error

DATA = Path(__file__).parent / "data"
SHIPMENT = Shipment(day=date(2025, 3, 5), file_id="A00001", lot=3, biller_name="PMI SIMULATION")


@cache
def by_hand(name: str) -> bytes:
    """Return a file of ``data``; there each record stands on a line that ends in ``|``, so that no editor trims it."""
    return (DATA / f"{name}_by_hand.b2").read_bytes().replace(b"|\n", b"")


def visits() -> B2File:
    """Return the file of two invoices: acts of a child, and a forfait with its sub-records."""
    return B2File.decode(by_hand("visits"))


def sub_records() -> B2File:
    """Return the file of one invoice of the agricultural scheme with every sub-record of an act."""
    return B2File.decode(by_hand("sub_records"))


def changed(file: B2File, at: int, /, **changes: Any) -> B2File:  # noqa: ANN401 - fields of any type
    """Return ``file`` with fields of the record ``at`` changed."""
    records = list(file.records)
    records[at - 1] = replace(records[at - 1], **changes)
    return B2File(tuple(records))


def without(file: B2File, *ranks: int) -> B2File:
    """Return ``file`` without some records."""
    return B2File(tuple(record for rank, record in enumerate(file.records, start=1) if rank not in ranks))


def inserted(file: B2File, rank: int, *copies: int) -> B2File:
    """Return ``file`` with copies of the records ``copies`` before the record ``rank``."""
    extra = tuple(file.records[copy - 1] for copy in copies)
    return B2File((*file.records[: rank - 1], *extra, *file.records[rank - 1 :]))


def told(findings: tuple[B2Error, ...]) -> list[tuple[object, ...]]:
    """Return rule, rank, record type, positions and field of each finding; both languages must speak."""
    for one in findings:
        assert one.message("fr")
        assert one.message("en")
    names = ("rank", "record", "position", "field")
    return [(one.rule.id, *(one.facts[name] for name in names)) for one in findings]


def findings(file: B2File) -> list[tuple[object, ...]]:
    """Return what ``check`` tells of a file."""
    return told(check(file))
