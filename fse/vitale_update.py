"""The yearly update of the Vitale: a reminder, never a reason to refuse care (protocol, art. 5)."""

from __future__ import annotations

from datetime import date

__all__ = ["is_out_of_date"]


def is_out_of_date(updated_on: date, on: date) -> bool:
    """
    Tell whether a Vitale last updated on ``updated_on`` is to be updated on the day ``on``: more than one year later.

    The anniversary itself is still good; one of 29 February is 1 March.
    """
    year = updated_on.year + 1
    leap_day = (updated_on.month, updated_on.day) == (2, 29)
    anniversary = date(year, 3, 1) if leap_day else updated_on.replace(year=year)
    return on > anniversary
