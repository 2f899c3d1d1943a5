"""Synthetic learning curves of every kind, with noise, and the facts of the runs that they might be of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.findings import examine
from service.analysis.findings._curves import Curves
from service.analysis.findings._facts import Facts
from service.domain.curves import Finding
from service.domain.experiment import BestEpoch, Experiment, Progress, State
from service.domain.metrics import EpochMetrics
from service.domain.selection import Selection
from service.domain.spec import ExperimentSpec

Values = NDArray[np.float64]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FACTS = Facts(
    state=State.COMPLETED,
    diverged=False,
    classes=10,
    label_smoothing=0.0,
    validation_images=1000,
    dropout=0.0,
    augmentation=(),
    stops_early=False,
    activation="relu",
    best=None,
)


@dataclass(frozen=True)
class Shape:
    """Losses without noise; accuracies follow from them where none are given."""

    train_loss: Values
    val_loss: Values
    train_accuracy: Values | None = None
    val_accuracy: Values | None = None
    loss_noise: float = 0.02
    """Of the loss itself."""
    accuracy_noise: float = 0.003
    val_accuracy_noise: float = 0.003
    learning_rate: Values | None = None
    facts: Facts = FACTS

    def rows(self, seed: int) -> list[EpochMetrics]:
        """The epochs of one run of this shape."""
        random = np.random.default_rng(seed)

        def loss(values: Values) -> Values:
            return values * np.exp(self.loss_noise * random.standard_normal(len(values)))

        def accuracy(values: Values | None, of: Values, noise: float) -> Values:
            clean = np.exp(-of) if values is None else values
            return np.clip(clean + noise * random.standard_normal(len(of)), 0, 1)

        rate = np.full(len(self.train_loss), 0.1) if self.learning_rate is None else self.learning_rate
        columns = (
            loss(self.train_loss), accuracy(self.train_accuracy, self.train_loss, self.accuracy_noise),
            loss(self.val_loss), accuracy(self.val_accuracy, self.val_loss, self.val_accuracy_noise), rate,
        )  # fmt: skip
        return [row(epoch, *values) for epoch, values in enumerate(zip(*columns, strict=True), start=1)]

    def findings(self, seed: int, **facts: Any) -> tuple[Finding, ...]:
        """What is said of one run of this shape."""
        rows = self.rows(seed)
        return examine(Curves.of(rows), replace(self.facts, best=best(rows), **facts))

    def kinds(self, seed: int, **facts: Any) -> set[str]:
        """The kinds of it."""
        return {finding.kind for finding in self.findings(seed, **facts)}


def row(epoch: int, *figures: float | None) -> EpochMetrics:
    """An epoch with its train_loss, train_accuracy, val_loss, val_accuracy and learning rate."""
    train_loss, train_accuracy, val_loss, val_accuracy, learning_rate = (
        None if value is None or not np.isfinite(value) else float(value) for value in figures
    )
    return EpochMetrics(
        epoch=epoch,
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        learning_rate=learning_rate or 0.0,
        epoch_seconds=1.0,
        samples_per_second=1000.0,
        recorded_at=NOON,
    )


def best(rows: Sequence[EpochMetrics], **early_stopping: Any) -> BestEpoch | None:
    """The epoch that a run with these rows has chosen."""
    given = {"dataset": "mnist", "architecture": "mlp", "early_stopping": early_stopping or None}
    spec, selection = ExperimentSpec.model_validate(given), Selection()
    for each in rows:
        selection = selection.after(each, spec=spec)
    chosen = [each for each in rows if each.epoch == selection.best_epoch]
    return BestEpoch(**{name: getattr(chosen[0], name) for name in BestEpoch.model_fields}) if chosen else None


def descent(epochs: int, *, end: float, pace: float, start: float = 1.5) -> Values:
    """From the start down to the end, `pace` of the distance an epoch."""
    powers: Values = (1 - pace) ** np.arange(epochs, dtype=np.float64)
    return end + (start - end) * powers


def healthy(epochs: int) -> Shape:
    return Shape(descent(epochs, end=0.04, pace=0.35), descent(epochs, end=0.06, pace=0.4, start=1.2))


def overfitting(epochs: int) -> Shape:
    at = np.arange(epochs)
    rise = 0.02 * np.maximum(0, at - epochs // 3)
    return Shape(descent(epochs, end=0.005, pace=0.3), descent(epochs, end=0.3, pace=0.4) + rise)


def gap(epochs: int) -> Shape:
    return Shape(descent(epochs, end=0.002, pace=0.4), descent(epochs, end=0.6, pace=0.4))


def underfitting(epochs: int) -> Shape:
    return Shape(descent(epochs, end=0.4, pace=0.6), descent(epochs, end=0.41, pace=0.6))


def plateau(epochs: int) -> Shape:
    return Shape(descent(epochs, end=0.03, pace=0.7), descent(epochs, end=0.05, pace=0.7))


def divergence(epochs: int) -> Shape:
    bad = descent(epochs, end=0.3, pace=0.5)
    after = np.arange(epochs) - epochs // 2
    bad = np.where(after > 0, bad * 2.5 ** np.maximum(0, after), bad)
    return Shape(bad, bad)


def too_high(epochs: int) -> Shape:
    zigzag = 0.25 * np.abs(np.sin(2.1 * np.arange(epochs)))
    return Shape(descent(epochs, end=0.3, pace=0.6) + zigzag, descent(epochs, end=0.35, pace=0.6) + zigzag[::-1])


def stuck(epochs: int) -> Shape:
    """Steps so long that it knows nothing."""
    flat = np.full(epochs, np.log(10) * 1.03)
    flat[0] = 8.0
    chance = np.full(epochs, 0.1)
    return Shape(flat, flat, train_accuracy=chance, val_accuracy=chance)


def too_low(epochs: int) -> Shape:
    slow = np.linspace(2.32, 2.32 - 0.005 * epochs, epochs)
    return Shape(
        slow, slow + 0.01, learning_rate=np.full(epochs, 1e-5), loss_noise=2e-5, accuracy_noise=1e-3,
        train_accuracy=np.full(epochs, 0.11), val_accuracy=np.full(epochs, 0.11),
    )  # fmt: skip


def noisy(epochs: int) -> Shape:
    return replace(healthy(epochs), val_accuracy_noise=0.04)


def too_early(epochs: int) -> Shape:
    return Shape(descent(epochs, end=0.02, pace=0.12, start=2.2), descent(epochs, end=0.03, pace=0.12, start=2.0))


def dropout(epochs: int) -> Shape:
    facts = replace(FACTS, dropout=0.5)
    return Shape(descent(epochs, end=0.25, pace=0.5), descent(epochs, end=0.03, pace=0.5, start=0.7), facts=facts)


Made = Callable[[int], Shape]
KINDS: dict[str, tuple[Made, str]] = {
    "overfitting": (overfitting, "overfitting"),
    "a gap": (gap, "overfitting"),
    "underfitting": (underfitting, "underfitting"),
    "a plateau": (plateau, "plateau"),
    "divergence": (divergence, "divergence"),
    "a zigzag": (too_high, "learning_rate_too_high"),
    "stuck at chance": (stuck, "learning_rate_too_high"),
    "a crawl": (too_low, "learning_rate_too_low"),
    "a noisy validation": (noisy, "noisy_validation"),
    "an early end": (too_early, "stopped_too_early"),
    "dropout": (dropout, "train_below_validation"),
    "nothing wrong": (healthy, "no_problem"),
}


@pytest.fixture
def an_experiment() -> Experiment:
    """PyTorch's example, which has dropout without a field for it."""
    spec = ExperimentSpec.model_validate({"dataset": "mnist", "architecture": "mnist_example", "epochs": 20})
    return Experiment(
        id="x", name="x", state=State.COMPLETED, spec=spec, spec_hash=spec.spec_hash, sweep_id=None, owner=None,
        created_at=NOON, started_at=NOON, finished_at=NOON, queue_position=None, best=None, last=None, test=None,
        progress=Progress(epoch=20, epochs=20, fraction=1.0, samples_per_second=None, eta_seconds=None),
        parameters=1, diverged=False, attempt=1, worker=None, resumptions=(), resumed_inexact=False,
        reproduction=None, error=None, environment=None, links={},
    )  # fmt: skip
