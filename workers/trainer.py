"""Training: a generator of epoch records. The caller stores, checkpoints, stops and reports."""

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import torch
from torch import nn, optim
from torch.nn import functional

from service import datasets
from service.domain.metrics import EpochMetrics
from service.domain.spec import ExperimentSpec
from workers import optimizers
from workers.evaluation import evaluate
from workers.randomness import Purpose, generator, seed_global
from workers.training_data import TrainingData


class InterruptedTrainingError(Exception):
    """The caller asked to stop between two batches; the epoch that was going on is lost."""


def train(
    network: nn.Module,
    optimizer: optim.Optimizer,
    data: TrainingData,
    spec: ExperimentSpec,
    *,
    after_epoch: int = 0,
    interrupted: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> Iterator[EpochMetrics]:
    """Train epochs `after_epoch + 1 .. spec.epochs`, one each time the generator is advanced.

    Between two epochs the network and the optimizer are the caller's to read. `interrupted` is asked before each batch,
    `progress` is told the share of the whole run that is done. The numbers of an epoch depend on the weights and the
    optimizer's state before it, the spec and the epoch's number: on nothing that happened earlier in this process.
    """
    for epoch in range(after_epoch + 1, spec.epochs + 1):
        began = time.perf_counter()
        loss, accuracy, learning_rate = _train_epoch(
            network, optimizer, data, spec, epoch=epoch, interrupted=interrupted, progress=progress
        )
        trained = time.perf_counter()
        validation = evaluate(
            network, data.validation, mean=data.mean, std=data.std, label_smoothing=spec.loss.label_smoothing
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
    network: nn.Module,
    optimizer: optim.Optimizer,
    data: TrainingData,
    spec: ExperimentSpec,
    *,
    epoch: int,
    interrupted: Callable[[], bool],
    progress: Callable[[float], None],
) -> tuple[float, float, float]:
    """Mean loss and accuracy over the images as trained, and the last learning rate.

    Sums are kept on the device: asking for a number after each batch would make every batch wait.
    """
    images, size = data.train.images, len(data.train)
    order = torch.randperm(size, generator=generator(spec.seed, epoch=epoch, purpose=Purpose.SHUFFLE)).to(images.device)
    images, labels = images[order], data.train.labels[order]
    seed_global(spec.seed, epoch=epoch, purpose=Purpose.DROPOUT)
    network.train()

    loss_sum = torch.zeros((), dtype=torch.float64, device=images.device)
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    steps = math.ceil(size / spec.batch_size)
    learning_rate = spec.optimizer.learning_rate
    for step in range(steps):
        if interrupted():
            raise InterruptedTrainingError
        learning_rate = spec.schedule.learning_rate(
            spec.optimizer.learning_rate,
            step=(epoch - 1) * steps + step,
            steps_per_epoch=steps,
            epochs=spec.epochs,
        )
        optimizers.set_learning_rate(optimizer, learning_rate)
        part = slice(step * spec.batch_size, (step + 1) * spec.batch_size)
        batch, target = datasets.standardise(images[part], mean=data.mean, std=data.std), labels[part]

        optimizer.zero_grad(set_to_none=True)
        logits = network(batch)
        loss = functional.cross_entropy(logits, target, label_smoothing=spec.loss.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature has no types
        optimizer.step()

        with torch.no_grad():
            loss_sum += loss * len(target)
            correct += (logits.argmax(1) == target).sum()
        progress((epoch - 1 + (step + 1) / steps) / spec.epochs)
    return loss_sum.item() / size, int(correct) / size, learning_rate
