"""which runs can be trained side by side."""

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward; runs that are there already are trained alone."""
    op.add_column("experiments", sa.Column("cohort", sa.String(length=64), nullable=True))
    op.create_index("ix_experiments_cohort", "experiments", ["cohort", "state"])


def downgrade() -> None:
    """One step back. No batch: making the table anew would cascade into what refers to it."""
    op.drop_index("ix_experiments_cohort", "experiments")
    op.drop_column("experiments", "cohort")
