"""The demonstration wallet: the synthetic people of ``schemas/demo_cards.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import schemas
from card_sim.profiles import CpsProfile, VitaleProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Wallet", "demo_wallet"]


@dataclass(frozen=True, slots=True)
class Wallet:
    """Profiles of cards by a short name, and the serial numbers of the Vitale cards on the opposition list."""

    cps: Mapping[str, CpsProfile]
    vitale: Mapping[str, VitaleProfile]
    opposed: tuple[str, ...]


def demo_wallet() -> Wallet:
    """Return the wallet of the demonstration."""
    content = schemas.read_toml("demo_cards.toml")
    cps = {name: CpsProfile.from_dict(raw, f"cps.{name}") for name, raw in content["cps"].items()}
    vitale = {name: VitaleProfile.from_dict(raw, f"vitale.{name}") for name, raw in content["vitale"].items()}
    return Wallet(MappingProxyType(cps), MappingProxyType(vitale), tuple(content["opposition"]["serials"]))
