"""
The log: one JSON object a line, with what happened to which sheet, lot or paper, and nothing that names a person.

A logger is handed in; the library writes to none by itself. The whole line passes the mask once it is written:
thirteen digits or more in a row, or the form of a NIR (2a and 2b in small letters too, a space between its groups or
none), are starred, be they in a text, a number, the name of a field or a nested value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

__all__ = ["SILENT", "Log", "json_log"]


class Log(Protocol):
    """Anything that takes an event with its facts; a structlog logger does."""

    def info(self, event: str, **facts: object) -> object:
        """Take one event."""
        ...


_STARS = "*" * 13
_IDENTITY = (
    r"[0-9]{13,}|[0-9]\s?[0-9]{2}\s?[0-9]{2}\s?(?:[0-9]{2}|2[AB])\s?[0-9]{3}\s?[0-9]{3}(?:\s?[0-9]{2}(?![0-9]))?"
)
_IN_TEXT = re.compile(rf"(\\u[0-9a-f]{{4}}|\\.)|{_IDENTITY}", re.IGNORECASE)
"""An escape of JSON, which is left alone, or an identity."""
_IN_NUMBER = re.compile(r"[0-9]{13}")
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')
"""A text of JSON, or a number."""

_to_json = structlog.processors.JSONRenderer(ensure_ascii=False)


def _masked_line(logger: object, method: str, event: MutableMapping[str, Any]) -> str:
    return _PIECE.sub(_mask, str(_to_json(logger, method, event)))


def _mask(piece: re.Match[str]) -> str:
    """Return a text or a number of a line of JSON with stars for what may be an identity; the line stays JSON."""
    if piece[0].startswith('"'):
        return _IN_TEXT.sub(lambda found: found[1] or _STARS, piece[0])
    return f'"{_STARS}"' if _IN_NUMBER.search(piece[0]) else piece[0]


def _drop(_logger: object, _method: str, _event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    raise structlog.DropEvent


def json_log(file: TextIO) -> Log:
    """Return a logger that writes one masked JSON object a line to ``file``."""
    log: Log = structlog.wrap_logger(structlog.WriteLogger(file), processors=[_masked_line])
    return log


SILENT: Log = structlog.wrap_logger(structlog.ReturnLogger(), processors=[_drop])
"""The logger of whoever asked for none."""
