"""
A backup is a journal itself: one file of SQLite, taken while the gateway runs, that every command can open.

It is read in one consistent state, whatever is written meanwhile, and from SQLite and PostgreSQL alike; it is restored
into an empty journal of either.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from gateway.clock import SystemClock
from gateway.errors import GatewayError
from gateway.journal.store import Journal
from gateway.journal.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

__all__ = ["back_up", "restore"]

_AT_A_TIME = 500


def _tell_nobody(_done: int, _all: int) -> None:
    """Take the progress of nobody's interest."""


def back_up(journal: Journal, file: Path, tell: Callable[[int, int], None] = _tell_nobody) -> int:
    """
    Write all that ``journal`` holds to a new ``file`` (0600), which appears only when it is whole.

    Returns the number of rows. Raises :class:`gateway.errors.GatewayError` (JOURNAL-BACKUP-THERE) when there is one.
    """
    if file.exists():
        raise GatewayError("JOURNAL-BACKUP-THERE", file=file)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        copy = Journal(beside, SystemClock())
        try:
            count = _copy(journal, copy, tell)
        finally:
            copy.close()
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    return count


def restore(file: Path, journal: Journal, tell: Callable[[int, int], None] = _tell_nobody) -> int:
    """
    Write all that the backup ``file`` holds to ``journal``, which must be empty; all of it or nothing.

    Returns the number of rows. Raises :class:`gateway.errors.GatewayError`: JOURNAL-NOT-EMPTY, JOURNAL-MISSING for
    a file that is not there, JOURNAL-OPEN for one that is no journal.
    """
    if not file.is_file():
        raise GatewayError("JOURNAL-MISSING", file=file)
    backup = Journal(file, SystemClock())
    try:
        return _copy(backup, journal, tell)
    finally:
        backup.close()


def _copy(source: Journal, target: Journal, tell: Callable[[int, int], None]) -> int:
    with source.connection("read") as reader, target.connection("write") as writer:
        if any(writer.execute(select(func.count()).select_from(table)).scalar() for table in metadata.sorted_tables):
            raise GatewayError("JOURNAL-NOT-EMPTY", file=target.name)
        counts = (reader.execute(select(func.count()).select_from(table)).scalar() for table in metadata.sorted_tables)
        everything = sum(count or 0 for count in counts)
        done = 0
        for table in metadata.sorted_tables:
            query = select(table).order_by(*table.primary_key).execution_options(yield_per=_AT_A_TIME)
            found = reader.execute(query)
            for rows in found.mappings().partitions():
                writer.execute(insert(table), [dict(row) for row in rows])
                done += len(rows)
                tell(done, everything)
        _forget_workers(writer)
    return done


def _forget_workers(connection: Connection) -> None:
    """Take every lot out of the hands that held it: those workers hold the journal that was copied, not this one."""
    lots = metadata.tables["lots"]
    connection.execute(lots.update().values(worker=None))
