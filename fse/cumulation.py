"""
Which acts are not billed together, of one patient, one day and one professional (``schemas/tables/pricing.toml``).

A supplement needs its act, and is not added to some others; of two examinations of a day one is billed, the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import schemas
from fse.price_refusal import PricingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

__all__ = ["check_cumulation"]


def check_cumulation(code: str, on: date, before: Sequence[str], others: Sequence[str]) -> None:
    """
    Raise what forbids billing ``code`` on the day ``on``.

    ``before`` are the codes that are billed for the same day and come first, ``others`` all other codes of that day.
    Raises :class:`fse.price_refusal.PricingError`: PRICING-SUPPLEMENT (its act is missing), PRICING-TOGETHER.
    """
    readings = schemas.read_toml("tables/pricing.toml")
    supplement = readings["supplement"].get(code)
    if supplement is not None:
        if not set(supplement["needs"]) & set(others):
            raise PricingError("PRICING-SUPPLEMENT", code=code, on=on, needs=", ".join(supplement["needs"]))
        _refuse_beside(code, on, supplement["never_with"], others)
    for group in readings["alone"].values():
        if code in group["codes"]:
            _refuse_beside(code, on, group["codes"], before)


def _refuse_beside(code: str, on: date, forbidden: Sequence[str], there: Sequence[str]) -> None:
    other = next((one for one in there if one in forbidden), None)
    if other is not None:
        raise PricingError("PRICING-TOGETHER", code=code, on=on, other=other)
