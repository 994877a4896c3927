"""Payment returns and their lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the tables of the returns."""
    op.create_table(
        "returns",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", _BIG, nullable=False),
        sa.Column("organism", sa.String, nullable=False),
        sa.Column("file_number", sa.Integer, nullable=False),
        sa.Column("accounting_day", sa.String, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("transfer_cents", _BIG, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),
        sa.Column("statement", sa.String, nullable=False, server_default=""),
        sa.Column("salt", sa.LargeBinary),
    )
    op.create_index("returns_by_file", "returns", ["organism", "file_number"], unique=True)
    op.create_table(
        "return_lines",
        sa.Column("return_number", sa.Integer, sa.ForeignKey("returns.number"), primary_key=True),
        sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("sheet", sa.Integer),
        sa.Column("act", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("requested_cents", _BIG, nullable=False),
        sa.Column("paid_cents", _BIG, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("mismatch", sa.String, nullable=False),
    )
    op.create_index("return_lines_by_sheet", "return_lines", ["sheet"])


def downgrade() -> None:
    """Go back to 0002 from a journal without any return; where there is one, it refuses."""
    if op.get_bind().execute(sa.select(sa.literal(1)).select_from(sa.table("returns")).limit(1)).first():
        message = "going below version 0003 would lose what the table returns holds"
        raise RuntimeError(message)
    op.drop_table("return_lines")
    op.drop_table("returns")
