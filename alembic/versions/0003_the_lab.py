"""what the lab keeps: diagnostics of each epoch, people's notes, evaluations on other data sets."""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One step forward."""
    op.create_table(
        "diagnostics",
        sa.Column("experiment_id", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=False),
        _experiment("diagnostics"),
        sa.PrimaryKeyConstraint("experiment_id", "epoch", name=op.f("pk_diagnostics")),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("experiment_id", sa.String(length=36), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _experiment("notes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_experiment_id"), "notes", ["experiment_id"])
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("experiment_id", sa.String(length=36), nullable=False),
        sa.Column("checkpoint", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("framing", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=True),
        sa.Column("lease_expires_at", sa.Double(), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        _experiment("evaluations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
    )
    op.create_index("ix_evaluations_queue", "evaluations", ["state", "turn", "created_at", "id"])
    op.create_index(op.f("ix_evaluations_experiment_id"), "evaluations", ["experiment_id"])
    op.create_index("ix_experiments_state", "experiments", ["state", "id"])


def downgrade() -> None:
    """The same step back."""
    op.drop_index("ix_experiments_state", table_name="experiments")
    op.drop_index(op.f("ix_evaluations_experiment_id"), table_name="evaluations")
    op.drop_index("ix_evaluations_queue", table_name="evaluations")
    op.drop_table("evaluations")
    op.drop_index(op.f("ix_notes_experiment_id"), table_name="notes")
    op.drop_table("notes")
    op.drop_table("diagnostics")


def _experiment(table: str) -> sa.ForeignKeyConstraint:
    """Its rows go with the experiment's."""
    return sa.ForeignKeyConstraint(
        ["experiment_id"], ["experiments.id"], name=op.f(f"fk_{table}_experiment_id"), ondelete="CASCADE"
    )
