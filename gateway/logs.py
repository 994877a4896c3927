"""
The log: one JSON object a line, with what happened to which sheet, lot or paper, and nothing that names a person.

A logger is handed in; the library writes to none by itself. Every value passes the mask: thirteen digits or more in a
row, or the form of a NIR, are starred, wherever they come from.
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


_IDENTITY = re.compile(r"[0-9]{5}(?:[0-9]{2}|2[AB])[0-9]{6}(?:[0-9]{2})?")


def _mask(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: _IDENTITY.sub("*" * 13, value) if isinstance(value, str) else value for key, value in event.items()}


def _drop(_logger: object, _method: str, _event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    raise structlog.DropEvent


def json_log(file: TextIO) -> Log:
    """Return a logger that writes one masked JSON object a line to ``file``."""
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    log: Log = structlog.wrap_logger(structlog.WriteLogger(file), processors=[_mask, render])
    return log


SILENT: Log = structlog.wrap_logger(structlog.ReturnLogger(), processors=[_drop])
"""The logger of whoever asked for none."""
