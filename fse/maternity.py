"""
The period when care is paid at 100 % under maternité (CSS L331-2), and the newborn's first days.

The bounds are readings, kept with their source in ``schemas/tables/pricing.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING

import schemas
from fse.act_window import add_months

if TYPE_CHECKING:
    from fse.act_window import CaseFacts

__all__ = ["MaternityPeriod", "Moment", "is_newborn"]


class Moment(Enum):
    """Where an act lies beside the maternity period."""

    BEFORE = "before-maternity"
    WITHIN = "maternity"
    AFTER = "after-maternity"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MaternityPeriod:
    """
    From ``first`` to ``last``, both included; a bound is None when no fact gives it.

    ``first`` is the first day of the 6th month, presumed start of pregnancy + 5 calendar months, or the delivery
    when that comes earlier; ``last`` is the 12th day after delivery. ``latest`` is the last day on which a
    pregnancy without a date of delivery can still be believed.
    """

    first: date | None
    last: date | None
    latest: date | None

    @classmethod
    def of(cls, facts: CaseFacts) -> MaternityPeriod:
        """Return the period that the dates of ``facts`` give."""
        readings = schemas.read_toml("tables/pricing.toml")["maternity"]
        start, delivery = facts.pregnancy_start, facts.delivery_date
        first = delivery if start is None else add_months(start, readings["start_months"])
        tail = timedelta(days=readings["days_after_delivery"])
        if delivery is not None:
            return cls(min(first or delivery, delivery), delivery + tail, None)
        longest = timedelta(days=readings["longest_pregnancy_days"])
        return cls(first, None, None if start is None else start + longest + tail)

    def moment(self, on: date) -> Moment:
        """Return where ``on`` lies; ``UNKNOWN`` when the pregnancy would have lasted too long without a delivery."""
        if self.first is None or on < self.first:
            return Moment.BEFORE
        if self.last is not None and on > self.last:
            return Moment.AFTER
        return Moment.UNKNOWN if self.latest is not None and on > self.latest else Moment.WITHIN


def is_newborn(facts: CaseFacts) -> bool:
    """Tell whether the beneficiary is in the first days of life (birth is day 0), up to day 12 included."""
    last = timedelta(days=schemas.read_toml("tables/pricing.toml")["newborn"]["last_day"])
    return facts.birth_date is not None and facts.on <= facts.birth_date + last
