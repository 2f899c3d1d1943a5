"""tokens, and whose a model is."""

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward; a model that is there already belongs to who registered its oldest version."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_tokens_sha256")),
    )
    op.add_column("models", sa.Column("owner", sa.String(length=200), nullable=True))
    op.execute(
        "UPDATE models SET owner = (SELECT v.owner FROM model_versions v WHERE v.model = models.name "
        "ORDER BY v.version LIMIT 1)"
    )


def downgrade() -> None:
    """One step back: no token opens anything any more, and the service is open to this machine alone."""
    op.drop_column("models", "owner")
    op.drop_table("tokens")
