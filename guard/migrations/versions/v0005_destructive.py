"""An index by which the destructive changes of the last hour are counted."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make it."""
    op.create_index("guard_changes_destructive", "guard_changes", ["location", "destructive", "time"])
