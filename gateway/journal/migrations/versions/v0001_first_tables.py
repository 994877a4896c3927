"""
The first tables.

Written out once and for all: a migration says what was, whatever ``tables.py`` becomes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table of version 0001."""
    op.create_table(
        "counters",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    op.create_table(
        "submissions",
        sa.Column("reference", sa.String, primary_key=True),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("replies", sa.Text, nullable=False),
    )
    op.create_table(
        "lots",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("file_number", sa.Integer, nullable=False, unique=True),
        sa.Column("organism", sa.String, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("specification", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("signed", sa.LargeBinary),
        sa.Column("envelope", sa.LargeBinary),
        sa.Column("sealed_for", sa.String),
    )
    op.create_index("lots_by_state", "lots", ["state"])
    op.create_table(
        "sheets",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("facts", sa.String, nullable=False),
        sa.Column("organism", sa.String, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("specification", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("lot", sa.Integer, sa.ForeignKey("lots.number")),
        sa.Column("encounter", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("patient_seal", sa.LargeBinary),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("sheets_by_state", "sheets", ["state"])
    op.create_index("sheets_by_reference", "sheets", ["reference", "part"])
    op.create_index("sheets_by_lot", "sheets", ["lot"])
    op.create_table(
        "papers",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("sheet", sa.Integer, sa.ForeignKey("sheets.number")),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("papers_by_sheet", "papers", ["sheet"])
    op.create_table(
        "anonymous_papers",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("sheet", sa.Integer),
        sa.Column("lot", sa.Integer),
        sa.Column("paper", sa.Integer),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("events_by_sheet", "events", ["sheet"])
    op.create_index("events_by_lot", "events", ["lot"])
    op.create_table(
        "acknowledgements",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("lot", sa.Integer, sa.ForeignKey("lots.number"), nullable=False),
        sa.Column("result", sa.String, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),
    )
    op.create_index("acknowledgements_by_lot", "acknowledgements", ["lot"])
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Integer, nullable=False),
        sa.Column("rule", sa.String, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Refuse: below the first version there is no journal, and a journal is never thrown away by a migration."""
    message = "version 0001 is the first: going below it would lose the journal"
    raise RuntimeError(message)
