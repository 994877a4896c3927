"""The vocabulary that the host shares with the cards, as constants (``schemas/cards.toml``)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "APPLICATION",
    "CPS",
    "FILE",
    "INSTRUCTION",
    "LIMIT",
    "PARAMETER",
    "PIN",
    "SIGNATURE",
    "STATUS",
    "VITALE",
]

_CARDS: Final[Mapping[str, Any]] = schemas.read_toml("cards.toml")

INSTRUCTION: Final[Mapping[str, int]] = MappingProxyType(_CARDS["instructions"])
PARAMETER: Final[Mapping[str, int]] = MappingProxyType(_CARDS["parameters"])
STATUS: Final[Mapping[str, int]] = MappingProxyType(_CARDS["status"])
APPLICATION: Final[Mapping[str, str]] = MappingProxyType(_CARDS["applications"])
FILE: Final[Mapping[str, int]] = MappingProxyType(_CARDS["files"])
PIN: Final[Mapping[str, int]] = MappingProxyType(_CARDS["pin"])
LIMIT: Final[Mapping[str, int]] = MappingProxyType(_CARDS["limits"])
SIGNATURE: Final[Mapping[str, Any]] = MappingProxyType(_CARDS["signature"])
CPS: Final[Mapping[str, Any]] = MappingProxyType(_CARDS["cps"])
VITALE: Final[Mapping[str, Any]] = MappingProxyType(_CARDS["vitale"])
