"""
The tables of the journal.

Instants are integers, seconds UTC. A record is the life cycle's own, as JSON; the columns beside it are what one
searches by. ``salt`` keys what events say of a row (:mod:`gateway.journal.chain`) and goes with the row. ``worker``,
``beat``, ``not_before`` and ``hold`` are how workers arrange the sending, no part of what happened. Anonymous papers
stand apart, without a time, a sequence or a key shared with anybody (convention, 10.3).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

__all__ = [
    "acknowledgements",
    "anonymous_papers",
    "chains",
    "checkpoints",
    "counters",
    "events",
    "lots",
    "marks",
    "metadata",
    "outside_numbers",
    "papers",
    "purges",
    "quarantine",
    "return_lines",
    "returns",
    "sheets",
    "submissions",
    "tokens",
]

Big = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere: the integers of SQLite have them under their plain name."""

metadata = MetaData()

counters = Table(
    "counters",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("reference", String, primary_key=True),
    Column("at", Big, nullable=False),
    Column("digest", String, nullable=False),
    Column("replies", Text, nullable=False),
    Column("number", Integer),
    Column("salt", LargeBinary),
    Index("submissions_by_number", "number", unique=True),
)

sheets = Table(
    "sheets",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reference", String, nullable=False),
    Column("part", Integer, nullable=False),
    Column("facts", String, nullable=False),
    Column("organism", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("specification", String, nullable=False),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False),
    Column("lot", Integer, ForeignKey("lots.number")),
    Column("encounter", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("patient_seal", LargeBinary),
    Column("sealed", LargeBinary),
    Column("site", String, nullable=False, server_default=""),
    Column("salt", LargeBinary),
    Index("sheets_by_state", "state"),
    Index("sheets_by_reference", "reference", "part"),
    Index("sheets_by_lot", "lot"),
)

lots = Table(
    "lots",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("file_number", Integer, nullable=False, unique=True),
    Column("organism", String, nullable=False),
    Column("mode", String, nullable=False),
    Column("specification", String, nullable=False),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False),
    Column("signed", LargeBinary),
    Column("envelope", LargeBinary),
    Column("sealed_for", String),
    Column("salt", LargeBinary),
    Column("worker", String),
    Column("beat", Integer, nullable=False, server_default="0"),
    Column("not_before", Big, nullable=False, server_default="0"),
    Column("hold", String, nullable=False, server_default=""),
    Index("lots_by_state", "state"),
)

papers = Table(
    "papers",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("part", Integer, nullable=False),
    Column("sheet", Integer, ForeignKey("sheets.number")),
    Column("state", String, nullable=False),
    Column("record", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("salt", LargeBinary),
    Column("site", String, nullable=False, server_default=""),
    Index("papers_by_sheet", "sheet"),
    Index("papers_by_state", "state"),
    Index("papers_by_reference", "reference"),
)

anonymous_papers = Table(
    "anonymous_papers",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("document", Text, nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Big, nullable=False),
    Column("name", String, nullable=False),
    Column("sheet", Integer),
    Column("lot", Integer),
    Column("paper", Integer),
    Column("detail", Text, nullable=False),
    Column("chain", Big, nullable=False, server_default="0"),
    Column("rank", Integer, nullable=False, server_default="0"),
    Column("content", Text, nullable=False, server_default=""),
    Column("digest", LargeBinary),
    Index("events_by_sheet", "sheet"),
    Index("events_by_lot", "lot"),
    Index("events_by_chain", "chain", "rank", unique=True),
)

chains = Table(
    "chains",
    metadata,
    Column("chain", Big, primary_key=True, autoincrement=False),
    Column("rank", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("last_event", Integer, nullable=False),
    Column("statement", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

purges = Table(
    "purges",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("statement", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

outside_numbers = Table(
    "outside_numbers",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("site", String, nullable=False),
    Column("at", Big, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String, primary_key=True),
    Column("digest", String, nullable=False, unique=True),
    Column("scopes", String, nullable=False),
    Column("sites", String, nullable=False),
    Column("expires_at", Big, nullable=False),
    Column("revoked", Integer, nullable=False, server_default="0"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Big, nullable=False),
    Column("lot", Integer, ForeignKey("lots.number"), nullable=False),
    Column("result", String, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Index("acknowledgements_by_lot", "lot"),
)

returns = Table(
    "returns",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Big, nullable=False),
    Column("organism", String, nullable=False),
    Column("file_number", Integer, nullable=False),
    Column("accounting_day", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("transfer_cents", Big, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("statement", String, nullable=False, server_default=""),
    Column("salt", LargeBinary),
    Index("returns_by_file", "organism", "file_number", unique=True),
)

return_lines = Table(
    "return_lines",
    metadata,
    Column("return_number", Integer, ForeignKey("returns.number"), primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("sheet", Integer),
    Column("act", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("requested_cents", Big, nullable=False),
    Column("paid_cents", Big, nullable=False),
    Column("code", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("mismatch", String, nullable=False),
    Index("return_lines_by_sheet", "sheet"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Big, nullable=False),
    Column("rule", String, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
)
