"""
What a sheet and a lot have in common: being emitted, answered, and emitted again until a limit.

The rules of emission stand here once; the tables of the sheet and of the lot both take their rows, timers and facts
from this module. One question governs them all, :func:`may_emit`: a first emission inside the first window, another
one inside the limit that runs from the first failure known. A duplicata falls due exactly when the answer is no.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 - records are read back by their annotations
from typing import TYPE_CHECKING, Any

from fse.deadlines import paris_date
from fse.lifecycle.policy import is_over, over_at
from fse.lifecycle.rows import Guard

if TYPE_CHECKING:
    from fse.lifecycle.policy import Policy
    from fse.lifecycle.rows import Row

__all__ = [
    "MAY_EMIT",
    "MAY_NOT_EMIT",
    "NEVER_EMITTED",
    "WAIT_OVER",
    "WAS_EMITTED",
    "Transmitted",
    "acknowledgement_limit",
    "closes_at",
    "emission_facts",
    "may_emit",
    "wait_ends_at",
]

FAILURES = frozenset({"acknowledge_altered", "acknowledge_refused", "wait_expired"})
FAILED = frozenset({"altered", "refused", "overdue"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmitted:
    """
    The emission of one thing, sheet or lot. Days are days of Paris, instants are aware.

    ``established_on`` opens the first window (R161-42 10°), ``deadline`` is its last day. ``attempts`` counts every
    start, ``emissions`` only those whose bytes may have left. ``first_failure_on`` is the day on which the first
    failure was known; ``reemission_limit`` follows from it once and never rolls.
    """

    number: str
    established_on: date
    deadline: date
    attempts: int = 0
    emissions: int = 0
    emission_started_at: datetime | None = None
    first_emitted_at: datetime | None = None
    last_emitted_at: datetime | None = None
    first_failure_on: date | None = None
    last_failure_at: datetime | None = None
    reemission_limit: date | None = None
    reason: str = ""

    @property
    def emission_limit(self) -> date:
        """The last day to emit, for the first time or again."""
        return self.reemission_limit or self.deadline


def may_emit(record: Transmitted, now: datetime, policy: Policy) -> bool:
    """Tell whether an emission may start at ``now``: its limit is not over and its number is not spent."""
    return not _is_spent(record, policy) and not is_over(record.emission_limit, now)


def _is_spent(record: Transmitted, policy: Policy) -> bool:
    return policy.max_emissions is not None and record.emissions >= policy.max_emissions


def _never_emitted(record: Transmitted, _now: datetime, _policy: Policy) -> bool:
    return record.emissions == 0


MAY_EMIT = Guard("may_emit", may_emit)
MAY_NOT_EMIT = Guard("may_not_emit", lambda record, now, policy: not may_emit(record, now, policy))
NEVER_EMITTED = Guard("never_emitted", _never_emitted)
WAS_EMITTED = Guard("was_emitted", lambda record, now, policy: not _never_emitted(record, now, policy))


def closes_at(record: Transmitted, policy: Policy) -> datetime | None:
    """Return the instant from which no emission may start any more."""
    return record.last_failure_at if _is_spent(record, policy) else over_at(record.emission_limit)


def acknowledgement_limit(record: Transmitted, policy: Policy) -> date | None:
    """Return the last day to wait for the answer to the last emission, which counts from its start."""
    left_at = record.emission_started_at or record.last_emitted_at
    return policy.acknowledgement_limit(left_at) if left_at else None


def wait_ends_at(record: Transmitted, policy: Policy) -> datetime | None:
    """Return the instant from which silence is a failure."""
    limit = acknowledgement_limit(record, policy)
    return over_at(limit) if limit else None


def _wait_over(record: Transmitted, now: datetime, policy: Policy) -> bool:
    end = wait_ends_at(record, policy)
    return end is not None and now >= end


WAIT_OVER = Guard("wait_over", _wait_over)


def emission_facts(record: Transmitted, row: Row[Any, Any], now: datetime, policy: Policy) -> dict[str, Any]:
    """Return the fields of ``record`` that ``row`` changes, as far as emission is concerned."""
    name = row.event.value
    if name == "start_emission":
        return {"attempts": record.attempts + 1, "emission_started_at": now}
    if name == "emission_failed":
        return {"emission_started_at": None}
    facts: dict[str, Any] = {}
    if record.emission_started_at is not None:
        # whatever else happens after a start means that bytes may have left
        facts |= {
            "emissions": record.emissions + 1,
            "emission_started_at": None,
            "first_emitted_at": record.first_emitted_at or record.emission_started_at,
            "last_emitted_at": record.emission_started_at,
        }
    if name in FAILURES and row.to.value in FAILED:
        facts |= _failure_facts(record, name, now, policy)
    if name == "window_closed":
        facts["reason"] = _closing_reason(record, policy)
    return facts


def _failure_facts(record: Transmitted, name: str, now: datetime, policy: Policy) -> dict[str, Any]:
    # silence is a failure on the last day of the wait, however late somebody looks
    silent_on = acknowledgement_limit(record, policy) if name == "wait_expired" else None
    known_on, known_at = (silent_on, over_at(silent_on)) if silent_on else (paris_date(now), now)
    first = record.first_failure_on or known_on
    limit_of_all = record.reemission_limit or policy.reemission_limit(record.established_on, first)
    return {"first_failure_on": first, "last_failure_at": known_at, "reemission_limit": limit_of_all}


def _closing_reason(record: Transmitted, policy: Policy) -> str:
    if _is_spent(record, policy):
        return "emissions_spent"
    return "first_window_over" if record.reemission_limit is None else "reemission_window_over"
