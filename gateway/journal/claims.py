"""
Who sends what, among workers that share a journal.

A worker holds a lot while it sends it; each time that one is taken its beat rises. Clocks of several machines are not
compared: another worker takes a lot over only when it has itself seen the same worker and beat for as long as a lease
lasts, by its own monotonic clock. Whoever takes a lot from the queue skips those that another is just
taking (SKIP LOCKED), and waits for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import false, or_, select, update

from gateway.journal import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

__all__ = ["Claim", "Claims"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A lot in somebody's hands: its number, the worker, and how often it was taken so far."""

    lot: int
    worker: str
    beat: int


class Claims:
    """One short transaction about ``worker`` and ``beat`` of the lots, and about nothing else."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def held(self) -> Sequence[Claim]:
        """Return what is in the hands of a worker."""
        table = tables.lots
        query = select(table.c.number, table.c.worker, table.c.beat).where(table.c.worker.is_not(None))
        return [Claim(*row) for row in self._connection.execute(query.order_by(table.c.number))]

    def take(
        self,
        worker: str,
        now: int,
        *,
        ready: Iterable[str],
        interrupted: Iterable[str],
        lapsed: Iterable[Claim] = (),
        passing: Iterable[int] = (),
    ) -> int | None:
        """
        Put the oldest lot that may be tried at ``now`` into the hands of ``worker``; return its number.

        It is free in one of the states ``ready``, or was left by one of ``lapsed`` in these or the ``interrupted``
        ones; or it is free and ``interrupted``, and whoever took it over put it off. ``passing`` are lots to leave
        alone this time. None: nothing to do.
        """
        table = tables.lots
        left = or_(
            false(),
            *(
                (table.c.number == claim.lot) & (table.c.worker == claim.worker) & (table.c.beat == claim.beat)
                for claim in lapsed
            ),
        )
        free = table.c.worker.is_(None)
        query = (
            select(table.c.number)
            .where(table.c.not_before <= now, table.c.hold == "")
            .where(
                or_(
                    table.c.state.in_(tuple(ready)) & or_(free, left),
                    table.c.state.in_(tuple(interrupted)) & or_(free & (table.c.not_before > 0), left),
                )
            )
            .where(table.c.number.not_in(tuple(passing)))
            .order_by(table.c.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        found = self._connection.execute(query).scalar()
        if found is None:
            return None
        change = update(table).where(table.c.number == found).values(worker=worker, beat=table.c.beat + 1)
        self._connection.execute(change)
        return int(found)

    def let_go(self, worker: str, lot: int) -> None:
        """Take ``lot`` out of the hands of ``worker``; nothing when somebody else has it by now."""
        table = tables.lots
        mine = (table.c.number == lot) & (table.c.worker == worker)
        self._connection.execute(update(table).where(mine).values(worker=None))
