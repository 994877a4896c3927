"""
The norme B2: records of 128 characters, typed, encoded, decoded, checked; and sheets projected into them.

Layouts are data (``schemas/b2``). What it is, where it comes from and what is ours: ``docs/b2.md``.
"""

from __future__ import annotations

from fse.b2.check import check, check_bytes, is_sound
from fse.b2.codec import decode_record, encode_record
from fse.b2.errors import B2Error, Place
from fse.b2.file import RECORDS, B2File
from fse.b2.json_form import read_json, write_json
from fse.b2.layout import layouts
from fse.b2.projection import Shipment, check_projection, project
from fse.b2.reading import ReadInvoice, read_invoices
from fse.b2.sheet_limits import ProjectionError

__all__ = [
    "RECORDS",
    "B2Error",
    "B2File",
    "Place",
    "ProjectionError",
    "ReadInvoice",
    "Shipment",
    "check",
    "check_bytes",
    "check_projection",
    "decode_record",
    "encode_record",
    "is_sound",
    "layouts",
    "project",
    "read_invoices",
    "read_json",
    "write_json",
]
