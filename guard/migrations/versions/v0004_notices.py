"""Notices: what one process was told of a shop, for the others."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "guard_notices",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(64)),
        sa.Column("process", sa.String(40), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.UniqueConstraint("event_id", name="guard_notices_event"),
    )
    op.create_index("guard_notices_time", "guard_notices", ["time"])
