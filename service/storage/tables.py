"""The tables. The experiment row is the job: there is no second table that could disagree with it."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = sa.JSON(none_as_null=True)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time, stored as UTC; SQLite keeps it without a zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive time: nobody would know what it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Always aware, always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class database_clock(sa.sql.functions.GenericFunction[float]):  # noqa: N801  # reads as the SQL function it is
    """Seconds since 1970 by the database's clock: leases are compared by one clock, whoever looks at them."""

    type = sa.Float()
    inherit_cache = True
    name = "database_clock"


@compiles(database_clock, "sqlite")
def _sqlite_clock(_element: database_clock, _compiler: Any, **_kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_clock, "postgresql")
def _postgresql_clock(_element: database_clock, _compiler: Any, **_kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)"


class Table(DeclarativeBase):
    """The root of all tables; constraints are named, so that a migration can find them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ExperimentRow(Table):
    """An experiment, its place in the queue, and what has become of it."""

    __tablename__ = "experiments"
    __table_args__ = (
        sa.Index("ix_experiments_queue", "state", "priority", "turn", "created_at", "id"),
        sa.Index("ix_experiments_created_at", "created_at", "id"),
        sa.Index("ix_experiments_cohort", "cohort", "state"),
        sa.Index("ix_experiments_state", "state", "id"),
    )

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), index=True)
    state: Mapped[str] = mapped_column(sa.String(16))
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    spec_hash: Mapped[str] = mapped_column(sa.String(80), index=True)
    cohort: Mapped[str | None] = mapped_column(sa.String(64))
    """Runs of the same value can be trained side by side; null: alone."""
    dataset: Mapped[str] = mapped_column(sa.String(64))
    architecture: Mapped[str] = mapped_column(sa.String(64))
    activation: Mapped[str] = mapped_column(sa.String(64))
    parameters: Mapped[int] = mapped_column(sa.BigInteger)
    owner: Mapped[str | None] = mapped_column(sa.String(200), index=True)
    sweep_id: Mapped[str | None] = mapped_column(sa.String(36), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    priority: Mapped[int] = mapped_column(default=0)
    turn: Mapped[int] = mapped_column(default=1)
    """Fair turn between owners: `storage/queue.py` says how it is given."""
    attempt: Mapped[int] = mapped_column(default=0)
    """The fence: counted up by every claim, named by every write of a worker."""
    failures: Mapped[int] = mapped_column(default=0)
    """Attempts in a row that ended without a new checkpoint."""
    worker: Mapped[str | None] = mapped_column(sa.String(200))
    lease_expires_at: Mapped[float | None]
    """By the database's clock; null unless running."""
    lease_seconds: Mapped[float | None]
    """For how long it was granted: `storage/leases.py`."""
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=0)
    """Counted up by every change that a reader could see."""

    epochs: Mapped[int]
    epoch: Mapped[int] = mapped_column(default=0)
    fraction: Mapped[float] = mapped_column(default=0.0)
    checkpoint_epoch: Mapped[int] = mapped_column(default=0)
    """The newest checkpoint that a run can be resumed from; 0: none."""
    claimed_checkpoint_epoch: Mapped[int] = mapped_column(default=0)
    """What `checkpoint_epoch` was when the present attempt began."""
    continued_from: Mapped[int] = mapped_column(default=0)
    epoch_seconds: Mapped[float | None]
    samples_per_second: Mapped[float | None]
    best_epoch: Mapped[int | None]
    best_val_loss: Mapped[float | None]
    best_val_accuracy: Mapped[float | None]
    last_train_loss: Mapped[float | None]
    last_train_accuracy: Mapped[float | None]
    last_val_loss: Mapped[float | None]
    last_val_accuracy: Mapped[float | None]
    test_loss: Mapped[float | None]
    test_accuracy: Mapped[float | None]
    diverged: Mapped[bool] = mapped_column(default=False)
    resumptions: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    """Where later attempts went on."""
    resumed_inexact: Mapped[bool] = mapped_column(default=False)
    reproduces: Mapped[str | None] = mapped_column(sa.String(36))
    reproduction: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    environment: Mapped[dict[str, Any] | None] = mapped_column(Json)


class TagRow(Table):
    """A label of an experiment, for finding it."""

    __tablename__ = "tags"

    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(sa.String(64), primary_key=True, index=True)


class EpochRow(Table):
    """The figures of one epoch; null where they were not finite."""

    __tablename__ = "epochs"

    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    train_loss: Mapped[float | None]
    train_accuracy: Mapped[float | None]
    val_loss: Mapped[float | None]
    val_accuracy: Mapped[float | None]
    learning_rate: Mapped[float]
    epoch_seconds: Mapped[float]
    samples_per_second: Mapped[float]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CheckpointRow(Table):
    """A published checkpoint: the row, committed with the epochs it belongs to, is what makes it one."""

    __tablename__ = "checkpoints"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "epoch"),)

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"))
    epoch: Mapped[int]
    attempt: Mapped[int]
    folder: Mapped[str] = mapped_column(sa.String(200))
    """Below the artifacts folder."""
    files: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Name, bytes and SHA-256 of each."""
    resumable: Mapped[bool]
    """True where the optimizer's state lies beside the weights."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DiagnosticsRow(Table):
    """What goes on inside the network at the end of an epoch, on a fixed batch."""

    __tablename__ = "diagnostics"

    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[Any] = mapped_column(Json)


class EventRow(Table):
    """Something that happened to a run."""

    __tablename__ = "history"

    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(sa.String(16))
    attempt: Mapped[int]
    worker: Mapped[str | None] = mapped_column(sa.String(200))
    epoch: Mapped[int | None]
    by: Mapped[str | None] = mapped_column(sa.String(200))
    reason: Mapped[str | None] = mapped_column(sa.Text)


class NoteRow(Table):
    """What somebody has written about an experiment."""

    __tablename__ = "notes"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"), index=True)
    author: Mapped[str | None] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text)
    example_image: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    """A PNG of our own making; null with `example_label`: the note is words alone."""
    example_label: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EvaluationRow(Table):
    """A checkpoint on another data set's test split: a job of its own, whose row is its place in the queue."""

    __tablename__ = "evaluations"
    __table_args__ = (sa.Index("ix_evaluations_queue", "state", "turn", "created_at", "id"),)

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"), index=True)
    checkpoint: Mapped[str] = mapped_column(sa.String(16))
    """As it was asked for: `best`, `last` or an epoch."""
    epoch: Mapped[int]
    """The one that this means until it has been evaluated, then the one that was; 0: known once the run has ended,
    which is waited for."""
    dataset: Mapped[str] = mapped_column(sa.String(64))
    framing: Mapped[str] = mapped_column(sa.String(16))
    owner: Mapped[str | None] = mapped_column(sa.String(200))
    state: Mapped[str] = mapped_column(sa.String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    turn: Mapped[int] = mapped_column(default=1)
    """Fair turn between owners: `storage/turns.py`."""
    attempt: Mapped[int] = mapped_column(default=0)
    """The fence, as an experiment's."""
    failures: Mapped[int] = mapped_column(default=0)
    """Attempts that were lost."""
    worker: Mapped[str | None] = mapped_column(sa.String(200))
    lease_expires_at: Mapped[float | None]
    lease_seconds: Mapped[float | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)


class ModelRow(Table):
    """A name under which versions are registered."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    owner: Mapped[str | None] = mapped_column(sa.String(200))
    """Who registered the first version."""
    last_version: Mapped[int] = mapped_column(default=0)
    """The highest number that was ever given: that of a deleted version is not given again."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ModelVersionRow(Table):
    """A version: weights with files of their own. No key leads to the experiment, which may be deleted."""

    __tablename__ = "model_versions"
    __table_args__ = (sa.UniqueConstraint("model", "version"),)

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    model: Mapped[str] = mapped_column(sa.ForeignKey("models.name", ondelete="CASCADE"))
    version: Mapped[int]
    description: Mapped[str | None] = mapped_column(sa.Text)
    owner: Mapped[str | None] = mapped_column(sa.String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    folder: Mapped[str] = mapped_column(sa.String(200))
    """Below the artifacts folder."""
    files: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Name, bytes and SHA-256 of each."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ModelAliasRow(Table):
    """A change of an alias; the newest of its rows says what it points at."""

    __tablename__ = "model_aliases"
    __table_args__ = (sa.Index("ix_model_aliases_newest", "model", "alias", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    model: Mapped[str] = mapped_column(sa.ForeignKey("models.name", ondelete="CASCADE"))
    alias: Mapped[str] = mapped_column(sa.String(64))
    action: Mapped[str] = mapped_column(sa.String(16))
    version: Mapped[int | None]
    """Null: deleted."""
    owner: Mapped[str | None] = mapped_column(sa.String(200))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkerRow(Table):
    """A worker process that is, or was, there."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    """`host:pid`."""
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_expires_at: Mapped[float]
    lease_seconds: Mapped[float | None]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)


class IdempotencyRow(Table):
    """What a client's key was used for, so that a repeat finds the same experiment."""

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    body_sha256: Mapped[str] = mapped_column(sa.String(64))
    experiment_id: Mapped[str] = mapped_column(sa.ForeignKey("experiments.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TokenRow(Table):
    """What opens the service; the secret itself is nowhere."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """Of a secret of 256 random bits, which no guessing finds: a slower hash would guard nothing more."""
    role: Mapped[str] = mapped_column(sa.String(16))
    owner: Mapped[str] = mapped_column(sa.String(200))
    read_only: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
