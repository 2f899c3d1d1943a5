"""where later attempts went on."""

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward; of runs that are there already it is not known."""
    op.add_column("experiments", sa.Column("resumptions", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """One step back. No batch: making the table anew would cascade into what refers to it."""
    op.drop_column("experiments", "resumptions")
