"""
NOEMIE: the stream of entities in which a caisse says what it paid, and our own payment return in it.

The frame and the entities come from one public source; the tree of a return and its rejection codes are ours
(``docs/noemie.md``).
"""

from __future__ import annotations

from fse.noemie.codec import MAX_BYTES, Entity, Stream, UnknownEntity, decode, encode, unpack
from fse.noemie.errors import NoemieError, ReturnError
from fse.noemie.rejections import Rejection, rejections
from fse.noemie.return_checks import check_return
from fse.noemie.return_stream import is_ours, read_return, write_return
from fse.noemie.returns import (
    ActReturn,
    ActState,
    Debt,
    DebtOperation,
    OtherPayment,
    Outcome,
    Reason,
    Return,
    SheetKind,
    SheetReturn,
)
from fse.noemie.signed import sign_return, verify_return

__all__ = [
    "MAX_BYTES",
    "ActReturn",
    "ActState",
    "Debt",
    "DebtOperation",
    "Entity",
    "NoemieError",
    "OtherPayment",
    "Outcome",
    "Reason",
    "Rejection",
    "Return",
    "ReturnError",
    "SheetKind",
    "SheetReturn",
    "Stream",
    "UnknownEntity",
    "check_return",
    "decode",
    "encode",
    "is_ours",
    "read_return",
    "rejections",
    "sign_return",
    "unpack",
    "verify_return",
    "write_return",
]
