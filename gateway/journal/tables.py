"""
The tables of the journal.

Instants are integers, seconds UTC. A record is the life cycle's own, as JSON; the columns beside it are what one
searches by. Anonymous papers stand apart, without a time, a sequence or a key shared with anybody (convention, 10.3).
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

__all__ = [
    "acknowledgements",
    "anonymous_papers",
    "counters",
    "events",
    "lots",
    "metadata",
    "papers",
    "quarantine",
    "sheets",
    "submissions",
]

metadata = MetaData()

counters = Table(
    "counters",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("reference", String, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("replies", Text, nullable=False),
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
    Index("papers_by_sheet", "sheet"),
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
    Column("at", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("sheet", Integer),
    Column("lot", Integer),
    Column("paper", Integer),
    Column("detail", Text, nullable=False),
    Index("events_by_sheet", "sheet"),
    Index("events_by_lot", "lot"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Integer, nullable=False),
    Column("lot", Integer, ForeignKey("lots.number"), nullable=False),
    Column("result", String, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Index("acknowledgements_by_lot", "lot"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Integer, nullable=False),
    Column("rule", String, nullable=False),
    Column("message", LargeBinary, nullable=False),
)
