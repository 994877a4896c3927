"""
How the gateway stands: what is open and where, counted by the database; the settled past is never read.

Counts carry no identity. A reader of some sites sees the counts of those alone; the quarantine and the checkpoint
belong to no site.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select, true

from fse.lifecycle import LOTS, SHEETS, PaperState
from fse.lifecycle.punctuality import Punctuality
from gateway.agenda import Line, agenda_of
from gateway.journal import tables

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Table

    from gateway.journal import Journal, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["CheckpointSeen", "Status", "read_status"]

_OPEN_SHEETS = sorted(set(SHEETS.states) - SHEETS.finals)
_OPEN_LOTS = sorted(set(LOTS.states) - LOTS.finals)


@dataclass(frozen=True, slots=True)
class CheckpointSeen:
    """The last signed checkpoint: its number, when it was made, the last event that it covers."""

    number: int
    at: datetime
    last_event: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    The state of a journal at ``at``.

    ``numbers_given`` counts every sheet there ever was (None for a reader of some sites), ``sheets`` and ``lots`` those
    that are open, by state; ``destinations`` the open lots of each caisse. ``held`` are the lots that wait for a
    person. ``punctuality`` counts what the agenda lists. ``oldest_unsent`` is the sheet that waits longest for its
    first emission; ``next_limit`` the next day (Europe/Paris) by which something must be done.
    """

    at: datetime
    numbers_given: int | None
    sheets: dict[str, int]
    lots: dict[str, int]
    destinations: dict[str, dict[str, int]]
    held: tuple[int, ...]
    papers_to_print: int
    papers_to_post: int
    quarantine: int
    checkpoint: CheckpointSeen | None
    punctuality: dict[Punctuality, int]
    oldest_unsent: Line | None
    next_limit: date | None


def read_status(
    journal: Journal, profile: ServiceProfile, now: datetime, sites: Collection[str] | None = None
) -> Status:
    """Return how ``journal`` stands at ``now``, for the sites with these FINESS alone when ``sites`` are named."""
    with journal.read() as tx:
        agenda = agenda_of(tx, profile, now, sites)
        lines = agenda.lines
        unsent = [line for line in lines if line.subject == "sheet" and line.timing.reason == "first_emission"]
        destinations = _destinations(tx, sites)
        papers = _papers(tx, sites)
        return Status(
            at=now,
            numbers_given=tx.last_number("sheet") if sites is None else None,
            sheets=_sheets(tx, sites),
            lots=_totals(destinations),
            destinations=destinations,
            held=tuple(sorted(line.number for line in agenda.overdue if line.subject == "lot")),
            papers_to_print=papers.get(PaperState.TO_PRINT, 0),
            papers_to_post=papers.get(PaperState.PRINTED, 0),
            quarantine=_count(tx, tables.quarantine),
            checkpoint=_checkpoint(tx),
            punctuality={one: sum(line.timing.punctuality is one for line in lines) for one in Punctuality},
            oldest_unsent=min(unsent, key=lambda line: (line.established_on, line.number), default=None),
            next_limit=min((line.day for line in lines if line.day and line.day >= agenda.on), default=None),
        )


def _at(column: ColumnElement[str], sites: Collection[str] | None) -> ColumnElement[bool]:
    return true() if sites is None else column.in_(sorted(sites))


def _sheets(tx: Transaction, sites: Collection[str] | None) -> dict[str, int]:
    table = tables.sheets
    query = select(table.c.state, func.count()).where(table.c.state.in_(_OPEN_SHEETS), _at(table.c.site, sites))
    return {row[0]: row[1] for row in tx.select(query.group_by(table.c.state).order_by(table.c.state))}


def _destinations(tx: Transaction, sites: Collection[str] | None) -> dict[str, dict[str, int]]:
    table, of = tables.lots, tables.sheets
    query = select(table.c.organism, table.c.state, func.count()).where(table.c.state.in_(_OPEN_LOTS))
    if sites is not None:
        query = query.where(exists().where(of.c.lot == table.c.number, _at(of.c.site, sites)))
    found: dict[str, dict[str, int]] = {}
    by = (table.c.organism, table.c.state)
    for organism, state, count in tx.select(query.group_by(*by).order_by(*by)):
        found.setdefault(organism, {})[state] = count
    return found


def _totals(destinations: dict[str, dict[str, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for states in destinations.values():
        for state, count in states.items():
            totals[state] = totals.get(state, 0) + count
    return dict(sorted(totals.items()))


def _papers(tx: Transaction, sites: Collection[str] | None) -> dict[str, int]:
    table, of = tables.papers, tables.sheets
    site = func.coalesce(func.nullif(table.c.site, ""), of.c.site, "")
    query = select(table.c.state, func.count()).outerjoin(of, of.c.number == table.c.sheet)
    query = query.where(table.c.state.in_([PaperState.TO_PRINT, PaperState.PRINTED]), _at(site, sites))
    return {row[0]: row[1] for row in tx.select(query.group_by(table.c.state))}


def _count(tx: Transaction, table: Table) -> int:
    return int(tx.select(select(func.count()).select_from(table))[0][0])


def _checkpoint(tx: Transaction) -> CheckpointSeen | None:
    last = tx.last_checkpoint()
    if last is None:
        return None
    return CheckpointSeen(last.number, datetime.fromisoformat(json.loads(last.statement)["at"]), last.last_event)
