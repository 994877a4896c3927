"""
A payment return as the stream of its tree, and back: one writing for each return.

Sheets stand by type of return, lot and number, acts by line, debts by sheet and reference. An unknown entity in a
return is skipped like anywhere; every other difference from the one writing is refused.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from fse.noemie.codec import decode, encode
from fse.noemie.errors import NoemieError
from fse.noemie.return_checks import check_return
from fse.noemie.return_reader import read_tree
from fse.noemie.return_writer import HEADER, entities_of
from fse.noemie.tree import grow

if TYPE_CHECKING:
    from fse.noemie.codec import Stream
    from fse.noemie.returns import Return

__all__ = ["is_ours", "read_return", "return_of", "write_return"]


def is_ours(stream: Stream) -> bool:
    """Tell whether ``stream`` says that it is one of our returns: program, norm, version, and a test."""
    first = stream.known[0]
    return all(first.values[name] == HEADER[name] for name in ("sender_program", "norm", "version", "flow"))


def write_return(found: Return) -> bytes:
    """
    Return the stream that says ``found``.

    Raises the errors of :func:`fse.noemie.return_checks.check_return`, and :class:`NoemieError` (NOEMIE-FIELD) for a
    value that its field cannot hold.
    """
    check_return(found)
    return encode(entities_of(found))


def read_return(data: bytes) -> Return:
    """Return the return written in ``data``; raises the errors of :func:`decode` and of :func:`return_of`."""
    return return_of(decode(data))


def return_of(stream: Stream) -> Return:
    """
    Return what ``stream`` says, when it is a whole return in its one writing.

    Raises :class:`NoemieError`: NOEMIE-FOREIGN, -TREE, -COUNT, -TOTAL, -FIELD, -WRITING; and the errors of
    :func:`fse.noemie.return_checks.check_return`.
    """
    if not is_ours(stream):
        raise NoemieError("NOEMIE-FOREIGN")
    found = read_tree(grow(stream), stream.known[-1])
    check_return(found)
    _check_writing(stream, found)
    return found


def _check_writing(stream: Stream, found: Return) -> None:
    *written, end = entities_of(found)
    end = replace(end, values={**end.values, "records": len(stream.entities)})
    for ours, theirs in zip_longest((*written, end), stream.known):
        if ours != theirs:
            place = theirs or stream.known[-1]
            raise NoemieError("NOEMIE-WRITING", rank=place.rank, kind=place.kind, position=place.position)
