"""Codes and identifiers of every record: closed lists, NIR, RPPS, FINESS, numbers that are not zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.b2.codes import is_known
from fse.b2.errors import B2Error, Place
from fse.b2.groups import lots_of
from fse.b2.layout import layouts
from fse.identifiers import IdentifierError, Nir, check_rpps, is_luhn_valid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fse.b2.file import B2File
    from fse.b2.record import Record

__all__ = ["code_findings"]

_NIRS = (("nir", "nir_key"), ("own_nir", "own_nir_key"))
_RPPS = ("prescriber_rpps", "performer_rpps")


def code_findings(file: B2File) -> Iterator[B2Error]:
    """
    Yield B2-CODE, B2-NIR, B2-RPPS, B2-RANK, B2-NUMBER, and the warning B2-FINESS.

    The identity of an insured person is judged once an invoice, on its record 2: B2-SAME holds the others to it.
    """
    for rank, record in enumerate(file.records, start=1):
        yield from _codes(rank, record)
        yield from _identifiers(rank, record)
    for lot in lots_of(file):
        if not is_luhn_valid(lot.start.biller):
            yield B2Error("B2-FINESS", Place.of(lot.rank, "1", "biller"))


def _codes(rank: int, record: Record) -> Iterator[B2Error]:
    values = record.values
    for field in layouts()[record.type].named:
        value = values[field.name]
        if field.codes and isinstance(value, str) and not is_known(field.codes, value):
            yield B2Error("B2-CODE", Place.of(rank, record.type, field.name), value=value, list=field.codes)


def _identifiers(rank: int, record: Record) -> Iterator[B2Error]:
    values = record.values
    for name, key in _NIRS if record.type in {"2", "2S"} else ():
        number = values.get(name)
        if isinstance(number, str) and (record.type == "2" or name == "own_nir"):
            try:
                Nir(number, str(values[key] or ""))
            except IdentifierError as error:
                wrong = key if error.rule.id == "NIR-KEY" else name
                yield B2Error("B2-NIR", Place.of(rank, record.type, wrong), why=error.rule.id)
    for name in _RPPS:
        number = values.get(name)
        if isinstance(number, str):
            try:
                check_rpps(number)
            except IdentifierError as error:
                yield B2Error("B2-RPPS", Place.of(rank, record.type, name), why=error.rule.id)
    if record.type == "2":
        if values["regime"] == "01" and values["rank"] != "000":
            yield B2Error("B2-RANK", Place.of(rank, "2", "rank"), said=values["rank"])
        if values["invoice"] == "000000000":
            yield B2Error("B2-NUMBER", Place.of(rank, "2", "invoice"))
