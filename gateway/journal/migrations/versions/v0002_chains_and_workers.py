"""
Chains of events with their checkpoints, workers that share the sending, purges, tokens and sites.

The events that were there are chained in their order. They say nothing of their rows: only later ones do.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.journal.chain import GENESIS, Subject, chain_of, link

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANTS = ("submissions", "events", "acknowledgements", "quarantine")
_INDEXES = (
    ("submissions_by_number", "submissions", ("number",), True),
    ("papers_by_state", "papers", ("state",), False),
    ("papers_by_reference", "papers", ("reference",), False),
    ("events_by_chain", "events", ("chain", "rank"), True),
)
_NEW = ("tokens", "outside_numbers", "purges", "checkpoints", "chains", "marks")


def _added() -> dict[str, tuple[sa.Column[object], ...]]:
    """Return the new columns by table, made anew: a column belongs to one statement."""
    return {
        "submissions": (sa.Column("number", sa.Integer), sa.Column("salt", sa.LargeBinary)),
        "sheets": (sa.Column("site", sa.String, nullable=False, server_default=""), sa.Column("salt", sa.LargeBinary)),
        "lots": (
            sa.Column("salt", sa.LargeBinary),
            sa.Column("worker", sa.String),
            sa.Column("beat", sa.Integer, nullable=False, server_default="0"),
            sa.Column("not_before", _BIG, nullable=False, server_default="0"),
            sa.Column("hold", sa.String, nullable=False, server_default=""),
        ),
        "papers": (sa.Column("salt", sa.LargeBinary), sa.Column("site", sa.String, nullable=False, server_default="")),
        "events": (
            sa.Column("chain", _BIG, nullable=False, server_default="0"),
            sa.Column("rank", sa.Integer, nullable=False, server_default="0"),
            sa.Column("content", sa.Text, nullable=False, server_default=""),
            sa.Column("digest", sa.LargeBinary),
        ),
        "quarantine": (sa.Column("salt", sa.LargeBinary),),
    }


def upgrade() -> None:
    """Add the columns and tables, and chain the events that are there."""
    if op.get_bind().dialect.name == "postgresql":
        for table in _INSTANTS:
            op.alter_column(table, "at", type_=sa.BigInteger)
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "marks", sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False)
    )
    op.create_table(
        "chains",
        sa.Column("chain", _BIG, primary_key=True, autoincrement=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last_event", sa.Integer, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "purges",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "outside_numbers",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("site", sa.String, nullable=False),
        sa.Column("at", _BIG, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False, unique=True),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("sites", sa.String, nullable=False),
        sa.Column("expires_at", _BIG, nullable=False),
        sa.Column("revoked", sa.Integer, nullable=False, server_default="0"),
    )
    _chain_events(op.get_bind())
    for name, table, indexed, unique in _INDEXES:
        op.create_index(name, table, list(indexed), unique=unique)


def _chain_events(bind: sa.Connection) -> None:
    names = ("id", "at", "name", "sheet", "lot", "paper", "detail", "chain", "rank", "content", "digest")
    events = sa.table("events", *(sa.column(name) for name in names))
    heads: dict[int, tuple[int, bytes]] = {}
    for row in bind.execute(sa.select(events).order_by(events.c.id)).all():
        subject, number = next(
            ((kind, value) for kind, value in zip(_SUBJECTS, (row.sheet, row.lot, row.paper), strict=True) if value),
            (Subject.JOURNAL, 0),
        )
        chain = chain_of(subject, number)
        rank, previous = heads.get(chain, (0, GENESIS))
        facts = {name: getattr(row, name) for name in ("id", "at", "name", "sheet", "lot", "paper", "detail")}
        digest = link(previous, facts | {"chain": chain, "rank": rank + 1, "content": ""})
        heads[chain] = rank + 1, digest
        changed = {"chain": chain, "rank": rank + 1, "digest": digest}
        bind.execute(sa.update(events).where(events.c.id == row.id).values(**changed))
    chains = sa.table("chains", sa.column("chain"), sa.column("rank"), sa.column("digest"))
    for chain, (rank, digest) in heads.items():
        bind.execute(sa.insert(chains).values(chain=chain, rank=rank, digest=digest))


_SUBJECTS = (Subject.SHEET, Subject.LOT, Subject.PAPER)


def downgrade() -> None:
    """
    Go back to 0001, from a journal where nothing has happened.

    Where something has, its chains, salts, sites and checkpoints would be lost: it refuses.
    """
    bind = op.get_bind()
    for table in ("events", "submissions", *_NEW):
        if bind.execute(sa.select(sa.literal(1)).select_from(sa.table(table)).limit(1)).first():
            message = f"going below version 0002 would lose what the table {table} holds"
            raise RuntimeError(message)
    for name, table, *_ in _INDEXES:
        op.drop_index(name, table)
    for table in _NEW:
        op.drop_table(table)
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)
    if bind.dialect.name == "postgresql":
        for table in _INSTANTS:
            op.alter_column(table, "at", type_=sa.Integer)
