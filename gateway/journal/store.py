"""
The database file of the journal.

SQLite in WAL mode with synchronous FULL: what was committed is on the disk. One writer at a time (BEGIN IMMEDIATE): a
transaction that reads before it writes never works on something stale.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine, event, exc

from gateway.errors import GatewayError
from gateway.journal.transaction import Transaction
from gateway.logs import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from gateway.clock import Clock
    from gateway.logs import Log

__all__ = ["Journal"]

_SECONDS_FOR_THE_LOCK = 10
# the application id of the header of an SQLite file (https://www.sqlite.org/fileformat2.html, 1.3.17)
_SQLITE, _HEADER_BYTES, _APPLICATION_AT = b"SQLite format 3\0", 100, slice(68, 72)
_APPLICATION = int.from_bytes(b"FSEj")
_NOT_A_JOURNAL = "file is not a journal"
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_SECONDS_FOR_THE_LOCK * 1000}")


class Journal:
    """
    One journal file, brought to the latest version of its tables when it is opened.

    ``log`` is told each event once it is committed.

    Raises :class:`gateway.errors.GatewayError` (JOURNAL-OPEN) when the file cannot be used.
    """

    def __init__(self, path: Path, clock: Clock, log: Log = SILENT) -> None:
        self.path = path
        self._clock = clock
        self._log = log
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", _on_begin)
        try:
            _claim(path)
            with self._engine.execution_options(writes=True).begin() as connection:
                _bring_up_to_date(connection)
        except (OSError, sqlite3.Error, exc.DBAPIError, CommandError) as error:
            self._engine.dispose()
            raise GatewayError("JOURNAL-OPEN", file=path, reason=_reason(error)) from None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Yield a transaction that is committed, durably, when the block ends, and leaves nothing when it fails."""
        with self._connection(writes=True) as connection:
            transaction = Transaction(connection, self._clock.now())
            yield transaction
        for entry in transaction.recorded:
            self._log.info(entry.name, at=entry.at.isoformat(), **entry.subject, detail=entry.detail)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Yield a transaction for reading one consistent state."""
        with self._connection(writes=False) as connection:
            yield Transaction(connection, self._clock.now())

    @contextmanager
    def _connection(self, *, writes: bool) -> Iterator[Connection]:
        """Yield a connection in a transaction; what the database refuses becomes JOURNAL-USE, without its statement."""
        try:
            with self._engine.execution_options(writes=writes).begin() as connection:
                yield connection
        except exc.DBAPIError as error:
            raise GatewayError("JOURNAL-USE", file=self.path, reason=_reason(error)) from None

    def close(self) -> None:
        """Close every connection; the file is whole without its WAL afterwards."""
        self._engine.dispose()


def _claim(path: Path) -> None:
    """Mark a new file as a journal; refuse any other file before anything is written to it."""
    with open(path, "rb", opener=_owner_only) as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA application_id={_APPLICATION}")
    elif not header.startswith(_SQLITE) or int.from_bytes(header[_APPLICATION_AT]) != _APPLICATION:
        raise sqlite3.DatabaseError(_NOT_A_JOURNAL)


def _owner_only(path: str, _flags: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _bring_up_to_date(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "gateway.journal:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late: see _on_begin
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "?"
    return str(error.orig if isinstance(error, exc.DBAPIError) else error)
