"""
The rows and timers of an emission, from its first start to the answer: the same for a sheet and for a lot.

A failure leads to another emission of the same bytes as long as the limit allows; how long that is, and what counts
as a failure, stands in ``transmission`` and ``policy``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from fse.lifecycle.effects import Effect
from fse.lifecycle.rows import Row, Timer, each
from fse.lifecycle.sources import HOUSE, PROTOCOL_6, R161_47, R161_47_1998
from fse.lifecycle.transmission import MAY_EMIT, NEVER_EMITTED, WAIT_OVER, WAS_EMITTED, closes_at, wait_ends_at

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["emission_rows", "emission_timers"]

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


def emission_rows(
    states: type[S],
    events: type[E],
    *,
    ready: S,
    positive: S,
    send: tuple[Effect, ...] = (),
    send_again: tuple[Effect, ...] = (),
) -> tuple[Row[S, E], ...]:
    """
    Return the rows from the first start to the answer, for the states and events of the same names.

    ``ready`` waits for its first start, ``positive`` is where a positive acknowledgement leads.
    """
    started, sent, due = states("emission_started"), states("sent"), states("reemission_due")
    altered, refused, overdue = states("altered"), states("refused"), states("overdue")
    start, nothing_left = events("start_emission"), events("emission_failed")
    yes, unread, no = (events(f"acknowledge_{answer}") for answer in ("positive", "altered", "refused"))
    flag = (Effect.FLAG_LATE_ANSWER,)
    answered = (positive, altered, refused, due)
    return (
        *each((ready, due), start, started, guards=(MAY_EMIT,), source=PROTOCOL_6),
        Row(started, nothing_left, ready, (NEVER_EMITTED,), send, source=HOUSE),
        Row(started, nothing_left, due, (WAS_EMITTED,), send_again, source=HOUSE),
        Row(started, events("emit"), sent, source=R161_47),
        # the answer to an earlier emission may come while this one is still leaving
        *each(answered, events("emit"), source=HOUSE),
        *each(answered, nothing_left, source=HOUSE),
        *each((started, sent, altered, overdue, due), yes, positive, source=R161_47_1998),
        *each((started, sent, overdue), unread, altered, source=R161_47_1998),
        *each((altered, due), unread, source=R161_47_1998),
        *each((started, sent, altered, overdue, due), no, refused, source=R161_47_1998),
        *each((refused,), no, source=R161_47_1998),
        *each((refused,), unread, source=HOUSE),
        *each((started, sent), events("wait_expired"), overdue, guards=(WAIT_OVER,), source=R161_47_1998),
        *each((altered, overdue), events("reemit"), due, guards=(MAY_EMIT,), effects=send_again, source=PROTOCOL_6),
        *each((positive,), yes, source=HOUSE),
        *(row for answer in (unread, no) for row in each((positive,), answer, effects=flag, source=HOUSE)),
    )


def emission_timers(states: type[S], events: type[E], *, waiting: Iterable[S]) -> tuple[Timer[S, E], ...]:
    """
    Return what time does to an emission; ``waiting`` are the states, beside the failures, that the limit closes.

    A failure is taken up at once, as long as the limit allows.
    """
    failed = (states("altered"), states("overdue"))
    closing = (*waiting, *failed, states("refused"), states("reemission_due"))
    return (
        *(Timer(states(name), events("wait_expired"), wait_ends_at) for name in ("emission_started", "sent")),
        *(Timer(state, events("reemit"), lambda record, _policy: record.last_failure_at) for state in failed),
        *(Timer(state, events("window_closed"), closes_at) for state in closing),
    )
