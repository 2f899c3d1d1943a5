"""lengths of leases: one that seems to last for longer was granted before the clock was set back."""

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LEASED = ("experiments", "evaluations", "workers")


def upgrade() -> None:
    """One step forward."""
    for table in LEASED:
        op.add_column(table, sa.Column("lease_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    """One step back."""
    for table in LEASED:
        op.drop_column(table, "lease_seconds")
