"""
Numbers and events inside one transaction: numbers never come back, and each event closes its chain behind it.

Events are gathered and written together at the end of the transaction, under numbers without a gap: a hole in them is
a deletion.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.journal import tables
from gateway.journal.chain import GENESIS, Subject, chain_of, commitment, link
from gateway.journal.rows import Checkpoint, Entry, entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

__all__ = ["Ledger"]

_UPSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_AT_A_TIME = 1000
_LAST_CHAIN = 2**63 - 1
_SALTED: dict[Subject, Table] = {
    Subject.SHEET: tables.sheets,
    Subject.LOT: tables.lots,
    Subject.PAPER: tables.papers,
}


class Ledger:
    """
    The counters and the events of one transaction.

    ``now`` is the business time of all that happens in it, ``salt`` gives 16 random bytes for each new row.
    """

    def __init__(self, connection: Connection, now: datetime, salt: Callable[[], bytes]) -> None:
        self._connection = connection
        self._new_salt = salt
        self._upsert: Any = _UPSERT[connection.dialect.name]
        self._pending: list[Entry] = []
        self._said: dict[int, dict[str, str]] = {}
        self._salts: dict[int, bytes | None] = {}
        self.now = now
        self.recorded: list[Entry] = []

    def take_number(self, counter: str, count: int = 1) -> int:
        """Return the next number of ``counter``, the first of ``count``; never the same twice, even after a purge."""
        statement = self._upsert(tables.counters).values(name=counter, value=count)
        statement = statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": tables.counters.c.value + count}
        )
        last = self._connection.execute(statement.returning(tables.counters.c.value)).scalar_one()
        return int(last) - count + 1

    def last_number(self, counter: str) -> int:
        """Return the last number that ``counter`` gave, 0 when it gave none."""
        table = tables.counters
        found = self._connection.execute(select(table.c.value).where(table.c.name == counter)).scalar()
        return int(found or 0)

    def mark(self, name: str) -> str:
        """Return what was noted under ``name``, empty when nothing was."""
        found = self._connection.execute(select(tables.marks.c.value).where(tables.marks.c.name == name)).scalar()
        return str(found or "")

    def set_mark(self, name: str, value: str) -> None:
        """Note ``value`` under ``name``: where regular work stands, no part of what happened."""
        statement = self._upsert(tables.marks).values(name=name, value=value)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    def random(self) -> bytes:
        """Return 16 random bytes."""
        return self._new_salt()

    # ----------------------------------------------------------------------------------------------------- events

    def record(
        self, name: str, detail: str = "", *, sheet: int | None = None, lot: int | None = None, paper: int | None = None
    ) -> None:
        """Write one event in the chain of its sheet, else of its lot, of its paper, of the journal."""
        chain = next(
            (chain_of(kind, number) for kind, number in _subjects(sheet, lot, paper) if number is not None),
            chain_of(Subject.JOURNAL),
        )
        self._record(name, detail, chain, sheet=sheet, lot=lot, paper=paper)

    def _record(self, name: str, detail: str, chain: int, **about: int | None) -> None:
        said = self._said.pop(chain, None)
        content = json.dumps(said, sort_keys=True, separators=(",", ":")) if said else ""
        sheet, lot, paper = (about.get(kind) for kind in ("sheet", "lot", "paper"))
        self._pending.append(Entry(0, self.now, str(name), sheet, lot, paper, detail, chain, content=content))

    def _say(self, chain: int, values: Mapping[str, bytes | str | None]) -> None:
        """Have the next event of ``chain`` say, without showing it, what its row holds from now on."""
        salt = self._salt(chain)
        if salt is None:
            return
        said = self._said.setdefault(chain, {})
        for column, value in values.items():
            data = value.encode() if isinstance(value, str) else value
            said[column] = "" if data is None else commitment(salt, column, data)

    def _salt(self, chain: int) -> bytes | None:
        """Return the salt of the row of ``chain``; None for a row of before salts."""
        if chain not in self._salts:
            table, number = _row_of(chain)
            self._salts[chain] = self._connection.execute(select(table.c.salt).where(table.c.number == number)).scalar()
        return self._salts[chain]

    def _give_salt(self, chain: int) -> bytes:
        self._salts[chain] = salt = self._new_salt()
        return salt

    def flush(self) -> None:
        """Write the events of this transaction; :class:`gateway.journal.Journal` does it before it commits."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        table = tables.chains
        touched = sorted({entry.chain for entry in pending})
        found = self._connection.execute(select(table).where(table.c.chain.in_(touched)))
        heads = {row.chain: (row.rank, row.digest) for row in found}
        written = []
        for number, entry in enumerate(pending, self.take_number("event", len(pending))):
            rank, previous = heads.get(entry.chain, (0, GENESIS))
            facts = entry.facts | {"id": number, "rank": rank + 1}
            digest = link(previous, facts)
            heads[entry.chain] = rank + 1, digest
            written.append({**facts, "digest": digest})
        self._connection.execute(insert(tables.events), written)
        statement = self._upsert(table)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["chain"], set_={name: statement.excluded[name] for name in ("rank", "digest")}
            ),
            [{"chain": chain, "rank": heads[chain][0], "digest": heads[chain][1]} for chain in touched],
        )
        for entry, row in zip(pending, written, strict=True):
            self.recorded.append(
                Entry(row["id"], entry.at, entry.name, entry.sheet, entry.lot, entry.paper, entry.detail)
            )

    def events(
        self,
        *,
        sheet: int | None = None,
        lot: int | None = None,
        paper: int | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Entry]:
        """Return the events after the one numbered ``after``, of one subject when named, oldest first."""
        self.flush()
        table = tables.events
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        if sheet is not None:
            query = query.where(table.c.sheet == sheet)
        if lot is not None:
            query = query.where(table.c.lot == lot)
        if paper is not None:
            query = query.where(table.c.chain == chain_of(Subject.PAPER, paper))
        return [entry_of(row) for row in self._connection.execute(query)]

    def chained_events(self, first: int = 0, last: int = _LAST_CHAIN) -> Iterator[Entry]:
        """Yield the events of the chains from ``first`` to ``last``, chain by chain, each in its order."""
        self.flush()
        table = tables.events
        query = select(table).where(table.c.chain.between(first, last)).order_by(table.c.chain, table.c.rank)
        for row in self._connection.execute(query.execution_options(yield_per=_AT_A_TIME)):
            yield entry_of(row)

    # ------------------------------------------------------------------------------------------------- checkpoints

    def heads(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield each chain with the rank and the digest of its last event, in the order of the chains."""
        self.flush()
        table = tables.chains
        query = select(table.c.chain, table.c.rank, table.c.digest).order_by(table.c.chain)
        for row in self._connection.execute(query.execution_options(yield_per=_AT_A_TIME)):
            yield row.chain, row.rank, row.digest

    def add_checkpoint(self, made: Checkpoint) -> None:
        """Store a checkpoint."""
        names = ("number", "last_event", "statement", "signature")
        values = {name: getattr(made, name) for name in names}
        self._connection.execute(insert(tables.checkpoints).values(**values))

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Return the checkpoints, oldest first."""
        table = tables.checkpoints
        return [Checkpoint(*row) for row in self._connection.execute(select(table).order_by(table.c.number))]

    def last_checkpoint(self) -> Checkpoint | None:
        """Return the last checkpoint, None when none was made."""
        table = tables.checkpoints
        row = self._connection.execute(select(table).order_by(table.c.number.desc()).limit(1)).first()
        return None if row is None else Checkpoint(*row)


def _subjects(sheet: int | None, lot: int | None, paper: int | None) -> tuple[tuple[Subject, int | None], ...]:
    return (Subject.SHEET, sheet), (Subject.LOT, lot), (Subject.PAPER, paper)


def _row_of(chain: int) -> tuple[Table, int]:
    subject, number = divmod(chain, chain_of(Subject.SHEET))
    return _SALTED[Subject(subject)], number
