"""The calendar of a service: the obligations of its convention, and what its journal waits for (PROT-49)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.obligations import Service, Term
from fse.tables import package_tables
from gateway.agenda import read_agenda
from gateway.profile import load_profile
from gateway.registers import load_registers

if TYPE_CHECKING:
    from datetime import date, datetime

    from fse.tables import Tables
    from gateway.journal import Journal
    from gateway.profile import ServiceProfile

__all__ = ["Expected", "calendar_service", "expected_of_sheets"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Expected:
    """
    What the journal waits for on ``day``: ``count`` sheets, lots or papers (``subject``) of which ``action`` is next.

    Numbers and persons stay in the agenda.
    """

    day: date
    subject: str
    action: str
    count: int


def calendar_service(name: str, tables: Tables | None = None) -> Service:
    """
    Return the service whose profile and registers bear ``name``, as the calendar sees it.

    Raises :class:`gateway.errors.GatewayError`: PROFILE-UNKNOWN, and what :func:`gateway.registers.load_registers`
    raises.
    """
    found = tables or package_tables()
    profile, one = load_profile(name, found), load_registers(name).convention
    names = {line.code: line.name for line in found.caisses.lines}
    paid_by = sorted({site.organism for site in profile.sites.values()})
    return Service(
        policy=profile.policy,
        caisses=tuple(names.get(organism, organism) for organism in paid_by),
        specifications=found.specifications,
        market_changes=tuple(sorted({line.valid_from for line in found.vaccines.lines})),
        convention=Term(start=one.start, months=one.months, notice_months=one.notice_months, ends=one.terminated_on),
    )


def expected_of_sheets(
    journal: Journal, profile: ServiceProfile, now: datetime, period: tuple[date, date]
) -> tuple[Expected, ...]:
    """Return what ``journal`` waits for at ``now`` on the days of ``period``, both ends included, by day."""
    first, last = period
    lines = read_agenda(journal, profile, now).lines
    counted = Counter(
        (line.day, line.subject, line.action) for line in lines if line.day is not None and first <= line.day <= last
    )
    return tuple(
        sorted(
            Expected(day=day, subject=subject, action=action, count=count)
            for (day, subject, action), count in counted.items()
        )
    )
