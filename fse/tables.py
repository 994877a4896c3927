"""The dated tables that a decision needs, held together: replaced as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self

import schemas
from fse.act_table import ActTable
from fse.caisses import CaisseTable
from fse.habilitations import HabilitationTable
from fse.vaccines import VaccineMarket

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Tables", "package_tables"]


@dataclass(frozen=True, slots=True)
class Tables:
    """Acts, caisses, the vaccine market and who may attest the service done."""

    acts: ActTable
    caisses: CaisseTable
    vaccines: VaccineMarket
    habilitations: HabilitationTable

    @classmethod
    def read(cls, text_of: Callable[[str], str]) -> Self:
        """
        Return the tables whose texts ``text_of`` gives by file name.

        Raises :class:`fse.table_text.TableError` for the first thing that does not hold, with file and line.
        """
        return cls(
            acts=ActTable.parse(text_of("acts.csv"), "acts.csv"),
            caisses=CaisseTable.parse(text_of("caisses.csv"), "caisses.csv"),
            vaccines=VaccineMarket.parse(text_of("vaccine_market.csv"), "vaccine_market.csv"),
            habilitations=HabilitationTable.parse(text_of("habilitations.csv"), "habilitations.csv"),
        )


@cache
def package_tables() -> Tables:
    """Return the tables of the package ``schemas``."""
    return Tables.read(lambda name: schemas.read_text(f"tables/{name}"))
