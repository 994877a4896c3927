"""The simulated bank of the billers: the transfers that caisses have ordered, as its statement shows them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Bank", "Transfer"]

_CENTS_IN_EURO = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer: its reference, the day, the amount in cents, who paid (9-digit code) and to whom (FINESS)."""

    reference: str
    day: date
    cents: int
    organism: str
    biller: str


@dataclass(slots=True)
class Bank:
    """What has arrived, in the order of its arrival."""

    transfers: list[Transfer] = field(default_factory=list)

    def statement(self, biller: str) -> bytes:
        """Return the account of ``biller`` as its bank exports it: CSV with ``;``, amounts written ``1234,56``."""
        text = StringIO(newline="")
        rows = csv.writer(text, delimiter=";", lineterminator="\n")
        rows.writerow(["date", "reference", "libelle", "montant"])
        for one in self.transfers:
            if one.biller == biller:
                euros, cents = divmod(one.cents, _CENTS_IN_EURO)
                label = f"VIREMENT CAISSE {one.organism}"
                rows.writerow([one.day.isoformat(), one.reference, label, f"{euros},{cents:02d}"])
        return text.getvalue().encode()
