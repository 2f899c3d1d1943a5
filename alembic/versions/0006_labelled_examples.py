"""labelled examples: a note can hold a picture and what it is of."""

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward."""
    op.add_column("notes", sa.Column("example_image", sa.LargeBinary(), nullable=True))
    op.add_column("notes", sa.Column("example_label", sa.Integer(), nullable=True))


def downgrade() -> None:
    """One step back; pictures and labels are lost, the words of the notes stay."""
    op.drop_column("notes", "example_label")
    op.drop_column("notes", "example_image")
