"""The first structure: sealing keys, plans, and the journal with its chain."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, and the two ends of an empty chain."""
    op.create_table(
        "guard_keys",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_table(
        "guard_plans",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("payload_digest", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.Double),
        sa.UniqueConstraint("id", name="guard_plans_id"),
    )
    op.create_index("guard_plans_status", "guard_plans", ["status", "expires"])
    chain = op.create_table(
        "guard_chain",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
    )
    start = "0" * 64
    op.bulk_insert(
        chain,
        [
            {"name": "head", "seq": 0, "hash": start, "time": 0.0},
            {"name": "anchor", "seq": 0, "hash": start, "time": 0.0},
        ],
    )
    op.create_table(
        "guard_events",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("change_id", sa.String(40), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("guard_events_change", "guard_events", ["change_id"])
    op.create_table(
        "guard_changes",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("last_time", sa.Double, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("destructive", sa.Boolean(), nullable=False),
        sa.Column("process", sa.String(40), nullable=False),
        sa.Column("undoes", sa.String(40)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("settled", sa.Boolean(), nullable=False),
    )
    op.create_index("guard_changes_location", "guard_changes", ["location", "seq"])
    op.create_index("guard_changes_tool", "guard_changes", ["location", "tool", "seq"])
    op.create_index("guard_changes_outcome", "guard_changes", ["outcome"])
    op.create_index("guard_changes_undoes", "guard_changes", ["undoes"])
