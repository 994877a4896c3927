"""
What a database keeps of deleted rows, and how it is made to let go.

SQLite leaves deleted bytes in free pages and in its WAL, PostgreSQL in dead rows: after a purge the file is written
anew without them (VACUUM; the tables concerned in full), and the WAL of SQLite is emptied. What backups hold is for
whoever keeps them.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy import exc

from gateway.errors import GatewayError
from gateway.journal.database import reason_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gateway.journal import Journal

__all__ = ["TRACES", "erase_traces"]

TRACES = "purge-traces"
"""The mark that stands from the first deletion until the file is written anew: an interruption does not lose it."""

_IN_USE = "database is locked"
_REWRITTEN = "VACUUM (FULL) sheets, lots, papers, submissions, acknowledgements"


def erase_traces(journal: Journal) -> None:
    """
    Write the database anew when something was deleted since it was last done.

    Raises :class:`gateway.errors.GatewayError` (PURGE-TRACES) while somebody else uses the file.
    """
    with journal.read() as tx:
        if not tx.mark(TRACES):
            return
    with journal.connection("read") as connection:
        engine = connection.engine
    try:
        if engine.dialect.name == "sqlite":
            _rewrite_file(engine)
        else:
            with engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(_REWRITTEN)
    except (sqlite3.Error, exc.DBAPIError) as error:
        raise GatewayError("PURGE-TRACES", file=journal.name, reason=reason_of(error)) from None
    with journal.write() as tx:
        tx.set_mark(TRACES, "")


def _rewrite_file(engine: Engine) -> None:
    """Rewrite the file of SQLite, which no transaction allows, and empty its WAL."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("VACUUM")
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        raw.close()
    if busy:
        raise sqlite3.OperationalError(_IN_USE)
