"""Training: a generator of epoch records. The caller stores, checkpoints, stops and reports."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from service.domain.metrics import EpochMetrics
from service.domain.spec import ExperimentSpec
from workers.evaluation import evaluate
from workers.feed import Feed
from workers.learner import Learner
from workers.randomness import Purpose, seed_global
from workers.training_data import TrainingData


class InterruptedTrainingError(Exception):
    """The caller asked to stop between two batches; the epoch that was going on is lost."""


def train(
    learner: Learner,
    data: TrainingData,
    spec: ExperimentSpec,
    *,
    after_epoch: int = 0,
    interrupted: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> Iterator[EpochMetrics]:
    """Train epochs `after_epoch + 1 .. spec.epochs`, one each time the generator is advanced.

    Between two epochs the learner is the caller's to read. `interrupted` is asked before each batch, `progress` is told
    the share of the whole run that is done. The numbers of an epoch depend on the weights and the optimizer's state
    before it, the spec and the epoch's number: on nothing that happened earlier in this process.
    """
    for epoch in range(after_epoch + 1, spec.epochs + 1):
        began = time.perf_counter()
        learning_rate = _train_epoch(learner, data, spec, epoch=epoch, interrupted=interrupted, progress=progress)
        loss, accuracy = learner.epoch_figures()
        trained = time.perf_counter()
        validation = evaluate(
            learner.evaluated, data.validation, mean=data.mean, std=data.std, label_smoothing=spec.loss.label_smoothing
        )
        yield EpochMetrics(
            epoch=epoch,
            train_loss=loss if math.isfinite(loss) else None,
            train_accuracy=accuracy,
            val_loss=validation.loss,
            val_accuracy=validation.accuracy,
            learning_rate=learning_rate,
            epoch_seconds=time.perf_counter() - began,
            samples_per_second=len(data.train) / (trained - began),
            recorded_at=datetime.now(UTC),
        )


def _train_epoch(
    learner: Learner,
    data: TrainingData,
    spec: ExperimentSpec,
    *,
    epoch: int,
    interrupted: Callable[[], bool],
    progress: Callable[[float], None],
) -> float:
    """Go through the training split once, in the epoch's own order; the learning rate of the last batch."""
    feed = Feed(data, spec, epoch=epoch)
    seed_global(spec.seed, epoch=epoch, purpose=Purpose.DROPOUT)
    learner.network.train()
    learner.begin_epoch(feed.images)

    learning_rate = spec.optimizer.learning_rate
    for step in range(feed.steps):
        if interrupted():
            raise InterruptedTrainingError
        learning_rate = spec.schedule.learning_rate(
            spec.optimizer.learning_rate,
            step=(epoch - 1) * feed.steps + step,
            steps_per_epoch=feed.steps,
            epochs=spec.epochs,
        )
        images, labels = feed.batch(step)
        learner.step(images, labels, learning_rate=learning_rate)
        progress((epoch - 1 + (step + 1) / feed.steps) / spec.epochs)
    return learning_rate
