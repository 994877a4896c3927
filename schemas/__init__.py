"""
The contracts of the simulator, as data: this package only hands files out.

XSD, JSON Schema, rule catalogue, dated tables, card vocabulary and wording live beside this file.
Nothing here computes anything; the rooms above read the files and give them their meaning.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["names", "read_bytes", "read_text", "read_toml"]


def _entry(name: str) -> Traversable:
    return files(__name__).joinpath(*name.split("/"))


def read_bytes(name: str) -> bytes:
    """Return the bytes of the contract file ``name``, a path relative to this package."""
    return _entry(name).read_bytes()


def read_text(name: str) -> str:
    """Return the contract file ``name`` as text (UTF-8)."""
    return read_bytes(name).decode("utf-8")


@cache
def read_toml(name: str) -> dict[str, Any]:
    """Return the contract file ``name`` parsed as TOML; callers must not change what they get."""
    return tomllib.loads(read_text(name))


def names(folder: str, suffix: str) -> list[str]:
    """Return the sorted names (relative to this package) of the files of ``folder`` that end in ``suffix``."""
    return sorted(f"{folder}/{entry.name}" for entry in _entry(folder).iterdir() if entry.name.endswith(suffix))
