"""The errors of NOEMIE files and of payment returns."""

from __future__ import annotations

from fse.errors import FseError

__all__ = ["NoemieError", "ReturnError"]


class NoemieError(FseError):
    """Bytes that are no NOEMIE stream, or one that contradicts itself; facts: rank and position of the entity."""


class ReturnError(FseError):
    """A payment return whose values contradict each other."""
