"""How often epochs are stored."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import architectures, datasets
from service.domain.manifest import Manifest
from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from workers import learners, recorder
from workers.recorder import RECORD_SECONDS, RECORD_SHARE, Recorder

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """In place of the recorder's `time`."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """What the test has set."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still."""
    clock = Clock()
    monkeypatch.setattr(recorder, "time", clock)
    return clock


def fresh(tmp_path: Path) -> Recorder:
    """A recorder of a run that has just begun."""
    spec = ExperimentSpec.model_validate({"dataset": "synthetic", "architecture": "perceptron"})
    facts = datasets.facts(spec.dataset.name)
    network = architectures.build(spec.architecture, activation="identity", image_size=spec.dataset.side, classes=10)
    run = Run(
        experiment_id="e", attempt=1, spec=spec, cohort=None, parameters=0, epoch=0, continued_from=0, failures=0,
        reproduces=None, environment=None, submitted_at=datetime.now(UTC),
    )  # fmt: skip
    manifest = Manifest(
        experiment_id="e", spec_hash=spec.spec_hash, epoch=0, architecture=spec.architecture,
        activation=spec.activation, image_size=spec.dataset.side, labels=facts.labels, mean=0.0, std=1.0,
        framing=facts.framing, native_size=facts.image_size,
    )  # fmt: skip
    learner = learners.build(network, spec)
    return Recorder(artifacts=tmp_path, lease_seconds=15.0, run=run, manifest=manifest, learner=learner)


def epoch(number: int) -> EpochMetrics:
    """An epoch that has just ended."""
    return EpochMetrics(
        epoch=number, train_loss=1.0, train_accuracy=0.5, val_loss=1.0, val_accuracy=0.5, learning_rate=0.1,
        epoch_seconds=0.01, samples_per_second=100.0, recorded_at=NOW,
    )  # fmt: skip


def test_the_first_epoch_is_stored_at_once_and_others_every_fifth_of_a_second(tmp_path: Path, clock: Clock) -> None:
    own = fresh(tmp_path)
    assert not own.epochs_due
    own.take(epoch(1))
    assert own.epochs_due
    own.stored_all(seconds=0.001)
    own.take(epoch(2))
    assert not own.epochs_due
    clock.now += RECORD_SECONDS
    assert own.epochs_due


def test_what_takes_long_to_store_is_stored_less_often(tmp_path: Path, clock: Clock) -> None:
    own = fresh(tmp_path)
    own.take(epoch(1))
    own.stored_all(seconds=0.01)
    own.take(epoch(2))
    clock.now += 0.9 * 0.01 / RECORD_SHARE
    assert not own.epochs_due
    clock.now += 0.1 * 0.01 / RECORD_SHARE + 1e-6
    assert own.epochs_due
