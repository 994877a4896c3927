"""The journal as one opens it: transactions that write, that read, and that workers agree in."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic.util import CommandError
from sqlalchemy import exc

from gateway.errors import GatewayError
from gateway.journal.claims import Claims
from gateway.journal.database import bring_up_to_date, claim, open_engine, reason_of, shown, with_purpose
from gateway.journal.transaction import Transaction
from gateway.logs import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from gateway.clock import Clock
    from gateway.journal.database import Purpose
    from gateway.logs import Log

__all__ = ["Journal"]

_SALT_BYTES = 16


class Journal:
    """
    One journal, brought to the latest version of its tables when it is opened.

    ``where`` is the path of an SQLite file or the address of a PostgreSQL database (``postgresql://…``). ``log`` is
    told each event once it is committed. ``randomness`` gives that many random bytes.

    Raises :class:`gateway.errors.GatewayError`: JOURNAL-ADDRESS, JOURNAL-DRIVER, JOURNAL-OPEN when it cannot be used.
    """

    def __init__(
        self,
        where: Path | str,
        clock: Clock,
        log: Log = SILENT,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.name = shown(where)
        self._clock = clock
        self._log = log
        self._randomness = randomness
        self._engine = open_engine(where)
        try:
            claim(self._engine)
            with with_purpose(self._engine, "write").begin() as connection:
                bring_up_to_date(connection)
        except (OSError, sqlite3.Error, exc.DBAPIError, CommandError) as error:
            self._engine.dispose()
            raise GatewayError("JOURNAL-OPEN", file=self.name, reason=reason_of(error)) from None

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Yield a transaction that is committed, durably, when the block ends, and leaves nothing when it fails."""
        with self.connection("write") as connection:
            transaction = self._transaction(connection)
            yield transaction
            transaction.flush()
        for entry in transaction.recorded:
            self._log.info(entry.name, at=entry.at.isoformat(), **entry.subject, detail=entry.detail)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Yield a transaction for reading one consistent state."""
        with self.connection("read") as connection:
            yield self._transaction(connection)

    @contextmanager
    def claims(self) -> Iterator[Claims]:
        """Yield a short transaction in which workers agree on who sends what; nothing else can be changed in it."""
        with self.connection("claim") as connection:
            yield Claims(connection)

    def _transaction(self, connection: Connection) -> Transaction:
        return Transaction(connection, self._clock.now(), lambda: self._randomness(_SALT_BYTES))

    @contextmanager
    def connection(self, purpose: Purpose) -> Iterator[Connection]:
        """
        Yield a connection in a transaction, for what copies whole tables.

        What the database refuses becomes JOURNAL-USE, without its statement.
        """
        try:
            with with_purpose(self._engine, purpose).begin() as connection:
                yield connection
        except exc.DBAPIError as error:
            raise GatewayError("JOURNAL-USE", file=self.name, reason=reason_of(error)) from None

    def close(self) -> None:
        """Close every connection; a file is whole without its WAL afterwards."""
        self._engine.dispose()
