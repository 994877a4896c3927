"""
The time limits of a transmission, under a named reading of the law.

No text in force says how long a failed emission may be repeated: the paragraph of R161-47 that did is missing from
the consolidated code since April 1998, and the protocol only prints «the regulatory delays». Hence three profiles,
each with its source and certainty in ``schemas/lifecycle.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.deadlines import DELAYS, end_of_day_utc, paris_date, transmission_deadline
from fse.lifecycle.errors import PolicyError
from fse.lifecycle.wording import Wording, section, wording

if TYPE_CHECKING:
    from datetime import date, datetime

    from fse.deadlines import Delays
    from fse.working_days import Calendar

__all__ = ["Policy", "PolicyName", "Unit", "is_over", "over_at", "policy_named"]

FEWEST_EMISSIONS = 2


class PolicyName(StrEnum):
    """How long a failed emission may be repeated."""

    REGULATION = "regulation"
    SAME_WINDOW = "same_window"
    R161_47_1998 = "r161_47_1998"

    @property
    def words(self) -> Wording:
        """What the profile says and where it comes from."""
        return wording("policy", self)

    @property
    def certainty(self) -> str:
        """How sure the profile is: A full text, B summary, C inference, U uncertain."""
        certainty: str = section("policy", self)["certainty"]
        return certainty


class Unit(StrEnum):
    """What the 8 days of the first window are: the protocol prints «8 jours», R161-47 «jours ouvrés»."""

    WORKING = "working"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    The reading of the law that a site applies.

    ``calendar``: the working days of the site. ``unit`` concerns the first window alone; the wait for an
    acknowledgement and the re-emission are always in jours ouvrés. ``max_emissions``: emissions of one sheet, the
    first included (None: any number inside the limits); the protocol (art. 6) wants a second one before a duplicata.

    :raises PolicyError: ``LIFE-EMISSIONS`` when ``max_emissions`` is less than 2.
    """

    calendar: Calendar
    name: PolicyName = PolicyName.REGULATION
    unit: Unit = Unit.WORKING
    delays: Delays = DELAYS
    max_emissions: int | None = None

    def __post_init__(self) -> None:
        if self.max_emissions is not None and self.max_emissions < FEWEST_EMISSIONS:
            raise PolicyError("LIFE-EMISSIONS", value=self.max_emissions, fewest=FEWEST_EMISSIONS)

    def first_emission_limit(self, established_on: date) -> date:
        """Return the last day of a first emission: 8 jours ouvrés, tiers payant (CSS R161-47 I 1°, R161-42 10°)."""
        if self.unit is Unit.CALENDAR:
            return established_on + timedelta(days=self.delays.transmission)
        return transmission_deadline(established_on, self.calendar, delays=self.delays)

    def acknowledgement_limit(self, emitted_at: datetime) -> date:
        """Return the last day to wait for an acknowledgement: 2 jours ouvrés (R161-47, version of 1 January 1998)."""
        return self.calendar.add(paris_date(emitted_at), self.delays.acknowledgement)

    def reemission_limit(self, established_on: date, failure_known_on: date) -> date:
        """
        Return the last day of any re-emission; ``failure_known_on`` is the day of the first failure of the sheet.

        ``regulation``: the later of the end of the first window and 2 jours ouvrés after the failure is known.
        ``same_window``: the end of the first window. ``r161_47_1998``: 2 jours ouvrés after the failure is known.
        """
        window_end = self.first_emission_limit(established_on)
        if self.name is PolicyName.SAME_WINDOW:
            return window_end
        after_failure = self.calendar.add(failure_known_on, self.delays.reemission)
        return after_failure if self.name is PolicyName.R161_47_1998 else max(window_end, after_failure)

    def paper_limit(self, established_on: date) -> date:
        """Return the last day to post a paper half or a duplicata: 8 plain days (CSS R161-47 I 2° b)."""
        return established_on + timedelta(days=self.delays.paper)


def policy_named(name: str, calendar: Calendar) -> Policy:
    """
    Return the policy that a person chose by its name, for a site.

    :raises PolicyError: ``LIFE-POLICY`` when there is no such profile.
    """
    if name not in set(PolicyName):
        raise PolicyError("LIFE-POLICY", name=name, known=", ".join(PolicyName))
    return Policy(calendar=calendar, name=PolicyName(name))


def is_over(day: date, now: datetime) -> bool:
    """Tell whether ``day`` (Europe/Paris) has ended at ``now``."""
    return now > end_of_day_utc(day)


def over_at(day: date) -> datetime:
    """Return the first instant (UTC) at which ``day`` is over: midnight in Paris, hence a whole second."""
    return end_of_day_utc(day) + timedelta(microseconds=1)
