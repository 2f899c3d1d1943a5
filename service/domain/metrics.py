"""The facts of one epoch."""

from datetime import datetime

from service.domain.experiment import State
from service.domain.record import Record


class EpochMetrics(Record):
    """An epoch row. Losses and accuracies are means over images; null where they were not finite.

    The training figures are means over the epoch's batches *as trained* (each batch before its own update); the
    validation figures are taken over the whole validation split after the epoch.
    """

    epoch: int
    """Counted from 1."""
    train_loss: float | None
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float
    """As used by the last batch of the epoch."""
    epoch_seconds: float
    samples_per_second: float
    """Training images over the seconds spent on training them, validation left out."""
    recorded_at: datetime


class EpochPage(Record):
    """The answer of `GET /v1/experiments/{id}/metrics`."""

    experiment_id: str
    state: State
    items: tuple[EpochMetrics, ...]
    """Ascending, each epoch once."""
