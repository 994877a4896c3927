"""What came back, in one transaction: acknowledgements, payment returns with their lines, and what was not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from gateway.journal import tables
from gateway.journal.chain import Subject, chain_of
from gateway.journal.ledger import Ledger
from gateway.journal.rows import ReturnLine, StoredReturn, line_of, return_of, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Answers"]


class Answers(Ledger):
    """The part of a transaction that keeps what the caisses have answered."""

    # ------------------------------------------------------------------------------------------- acknowledgements

    def keep_acknowledgement(self, lot: int, result: str, file: bytes) -> None:
        """
        Store an acknowledgement as the caisse signed it; the law keeps them as long as the sheets (CSS R161-47).

        The next event of the lot speaks of it.
        """
        number = self.take_number("acknowledgement")
        values = {"id": number, "at": seconds(self.now), "lot": lot, "result": result}
        self._connection.execute(insert(tables.acknowledgements).values(**values, file=file))
        self._say(chain_of(Subject.LOT, lot), {f"answer {number}": file})

    def acknowledgements(self, lot: int) -> Sequence[tuple[str, bytes]]:
        """Return the result and the signed file of each acknowledgement of ``lot``, oldest first."""
        table = tables.acknowledgements
        rows = self._connection.execute(select(table).where(table.c.lot == lot).order_by(table.c.id))
        return [(row.result, row.file) for row in rows]

    def put_in_quarantine(self, rule: str, message: bytes) -> None:
        """Keep a message that does not verify or match, with the rule that it breaks."""
        values = {"id": self.take_number("quarantine"), "at": seconds(self.now), "rule": rule, "message": message}
        self._connection.execute(insert(tables.quarantine).values(**values, salt=self._new_salt()))
        self.record("quarantined", rule)

    def quarantined(self) -> Sequence[str]:
        """Return the rules that the messages in quarantine break, oldest first."""
        return list(
            self._connection.execute(select(tables.quarantine.c.rule).order_by(tables.quarantine.c.id)).scalars()
        )

    def answer(self, number: int) -> bytes | None:
        """Return the signed file of the acknowledgement ``number``, None when it is not there."""
        table = tables.acknowledgements
        return self._connection.execute(select(table.c.file).where(table.c.id == number)).scalar()

    # -------------------------------------------------------------------------------------------- payment returns

    def keep_return(self, found: StoredReturn, lines: Iterable[ReturnLine]) -> None:
        """Store a payment return as the caisse signed it, and its lines; its number was just taken."""
        chain = chain_of(Subject.RETURN, found.number)
        names = ("number", "organism", "file_number", "accounting_day", "reference", "transfer_cents", "file")
        values = {name: getattr(found, name) for name in names}
        values["accounting_day"] = found.accounting_day.isoformat()
        self._connection.execute(
            insert(tables.returns).values(**values, at=seconds(self.now), salt=self._give_salt(chain))
        )
        rows = [line.values() for line in lines]
        if rows:
            self._connection.execute(insert(tables.return_lines), rows)
        self._say(chain, {"file": found.file})
        self._record("return_kept", found.organism, chain)

    def returns(self, organism: str | None = None) -> Sequence[StoredReturn]:
        """Return the payment returns (of one caisse, when named), oldest first."""
        query = select(tables.returns).order_by(tables.returns.c.number)
        if organism is not None:
            query = query.where(tables.returns.c.organism == organism)
        return [return_of(row) for row in self._connection.execute(query)]

    def return_file(self, organism: str, file_number: int) -> StoredReturn | None:
        """Return the return of a caisse by the number of its file, None when it was not received."""
        table = tables.returns
        same = (table.c.organism == organism) & (table.c.file_number == file_number)
        row = self._connection.execute(select(table).where(same)).first()
        return None if row is None else return_of(row)

    def return_lines(self, *, number: int | None = None, sheet: int | None = None) -> Sequence[ReturnLine]:
        """Return the lines of the returns, of one return or about one sheet when named, in their order."""
        table = tables.return_lines
        query = select(table).order_by(table.c.return_number, table.c.rank)
        if number is not None:
            query = query.where(table.c.return_number == number)
        if sheet is not None:
            query = query.where(table.c.sheet == sheet)
        return [line_of(row) for row in self._connection.execute(query)]

    def match_transfer(self, number: int, statement: str) -> None:
        """Note under which line of the bank's statement the transfer of a return has arrived."""
        table = tables.returns
        self._connection.execute(update(table).where(table.c.number == number).values(statement=statement))
        self._record("transfer_arrived", "", chain_of(Subject.RETURN, number))
