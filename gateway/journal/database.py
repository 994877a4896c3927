"""
Where a journal lives: a file of SQLite, or a database of PostgreSQL that several machines share.

Both behave alike. What was committed is on the disk (SQLite: WAL with synchronous FULL; PostgreSQL: synchronous_commit
on, and a server that runs without fsync is refused). One writer at a time, from the start of its transaction to its
commit, so that a transaction that reads before it writes never works on something stale (SQLite: BEGIN IMMEDIATE;
PostgreSQL: an advisory lock). A reader sees one state, and waits for nobody.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, exc, inspect
from sqlalchemy.engine import make_url

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

__all__ = ["Purpose", "bring_up_to_date", "claim", "migrations", "open_engine", "reason_of", "shown", "with_purpose"]

Purpose = Literal["write", "read", "claim"]
"""
``write``: the one writer. ``read``: one consistent state. ``claim``: a short word among workers about who does what,
in columns that are no part of what happened; it waits for no writer of PostgreSQL.
"""

SECONDS_FOR_THE_LOCK = 10
# the application id of the header of an SQLite file (https://www.sqlite.org/fileformat2.html, 1.3.17)
_SQLITE, _HEADER_BYTES, _APPLICATION_AT = b"SQLite format 3\0", 100, slice(68, 72)
_APPLICATION = int.from_bytes(b"FSEj")
_NOT_A_JOURNAL = "file is not a journal"
_NOT_DURABLE = "fsync = off"
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what a row held does not stay in the free space of the file
    f"busy_timeout={SECONDS_FOR_THE_LOCK * 1000}",
)
_POSTGRESQL_OPTIONS = (
    f"-c synchronous_commit=on -c lock_timeout={SECONDS_FOR_THE_LOCK}s -c timezone=UTC -c client_encoding=UTF8"
)
_WRITERS = _APPLICATION
"""The key of the advisory lock of whoever writes; a database holds one journal."""


def url_of(where: Path | str) -> URL:
    """
    Return the address of the database: a path is a file of SQLite, ``postgresql://…`` a database of PostgreSQL.

    Raises :class:`gateway.errors.GatewayError` (JOURNAL-ADDRESS) for any other address.
    """
    text = str(where)
    if isinstance(where, Path) or "://" not in text:
        return make_url("sqlite://").set(database=text)
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):
        raise GatewayError("JOURNAL-ADDRESS", scheme=text.partition("://")[0][:40]) from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise GatewayError("JOURNAL-ADDRESS", scheme=url.drivername[:40])


def shown(where: Path | str) -> str:
    """Return ``where`` as it may be shown: without a password."""
    url = url_of(where)
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def open_engine(where: Path | str) -> Engine:
    """Return the engine of the journal at ``where``; nothing is opened yet."""
    url = url_of(where)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url)
        event.listen(engine, "connect", _on_sqlite_connect)
    else:
        try:
            engine = create_engine(url, connect_args={"options": _POSTGRESQL_OPTIONS}, pool_pre_ping=True)
        except ModuleNotFoundError:
            raise GatewayError("JOURNAL-DRIVER") from None
    event.listen(engine, "begin", _on_begin)
    return engine


def claim(engine: Engine) -> None:
    """Mark a new file as a journal; refuse any other file or database before anything is written to it."""
    if engine.dialect.name == "sqlite":
        _claim_file(Path(str(engine.url.database)))
        return
    with engine.connect() as connection:
        if connection.exec_driver_sql("SHOW fsync").scalar_one() != "on":
            raise OSError(0, _NOT_DURABLE)
        tables = set(inspect(connection).get_table_names())
        if tables and "alembic_version" not in tables:
            raise OSError(0, _NOT_A_JOURNAL)


def _claim_file(path: Path) -> None:
    with open(path, "rb", opener=_owner_only) as file:
        header = file.read(_HEADER_BYTES)
    if not header:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA application_id={_APPLICATION}")
    elif not header.startswith(_SQLITE) or int.from_bytes(header[_APPLICATION_AT]) != _APPLICATION:
        raise sqlite3.DatabaseError(_NOT_A_JOURNAL)


def _owner_only(path: str, _flags: int) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def with_purpose(engine: Engine, purpose: Purpose) -> Engine:
    """Return ``engine`` for transactions of this ``purpose``."""
    options: dict[str, object] = {"purpose": purpose}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ" if purpose == "read" else "READ COMMITTED"
    return engine.execution_options(**options)


def migrations(connection: Connection) -> Config:
    """Return the configuration of Alembic for the journal on ``connection``."""
    config = Config()
    config.set_main_option("script_location", "gateway.journal:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def bring_up_to_date(connection: Connection) -> None:
    """Bring the tables to the latest version."""
    command.upgrade(migrations(connection), "head")


def _on_sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late: see _on_begin
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    purpose = connection.get_execution_options().get("purpose", "read")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if purpose == "read" else "BEGIN IMMEDIATE")
    elif purpose == "write":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def reason_of(error: Exception) -> str:
    """Return what the system or the database said, without its statement."""
    if isinstance(error, OSError):
        return error.strerror or "?"
    text = str(error.orig if isinstance(error, exc.DBAPIError) else error)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
