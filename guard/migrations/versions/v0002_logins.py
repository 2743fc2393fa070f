"""Logins: the tokens of an OAuth app, and whose turn it is to renew them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "guard_logins",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("body", sa.Text()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(40)),
        sa.Column("held_until", sa.Double, nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
    )
