"""The vocabulary that the card shares with its readers, as constants (``schemas/cards.toml``)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "APPLICATION",
    "ATR",
    "CPS",
    "FILE",
    "FILE_CONTROL",
    "IAS",
    "INSTRUCTION",
    "LIMIT",
    "PARAMETER",
    "PIN",
    "SHORT_FILE",
    "SIGNATURE",
    "STATUS",
    "VITALE",
]

_CARDS: Final[Mapping[str, Any]] = schemas.read_toml("cards.toml")

INSTRUCTION: Final[Mapping[str, int]] = MappingProxyType(_CARDS["instructions"])
PARAMETER: Final[Mapping[str, int]] = MappingProxyType(_CARDS["parameters"])
STATUS: Final[Mapping[str, int]] = MappingProxyType(_CARDS["status"])
APPLICATION: Final[Mapping[str, bytes]] = MappingProxyType(
    {family: bytes.fromhex(name) for family, name in _CARDS["applications"].items()}
)
ATR: Final[Mapping[str, bytes]] = MappingProxyType({card: bytes.fromhex(atr) for card, atr in _CARDS["atr"].items()})
FILE: Final[Mapping[str, int]] = MappingProxyType(_CARDS["files"])
SHORT_FILE: Final[Mapping[str, int]] = MappingProxyType(_CARDS["short_files"])
FILE_CONTROL: Final[Mapping[str, int]] = MappingProxyType(_CARDS["file_control"])
IAS: Final[Mapping[str, Any]] = MappingProxyType(_CARDS["ias"])
PIN: Final[Mapping[str, int]] = MappingProxyType(_CARDS["pin"])
LIMIT: Final[Mapping[str, int]] = MappingProxyType(_CARDS["limits"])
SIGNATURE: Final[Mapping[str, Any]] = MappingProxyType(_CARDS["signature"])
CPS: Final[Mapping[str, Any]] = MappingProxyType(_CARDS["cps"])
VITALE: Final[Mapping[str, Any]] = MappingProxyType(_CARDS["vitale"])
