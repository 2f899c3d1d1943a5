"""Pictures in, predictions out: which weights answer, and what they say."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from service import datasets
from service.domain.checkpoint import Checkpoint
from service.domain.prediction import CheckpointName, Prediction, Predictions, Preprocessing
from service.errors import DamagedCheckpointError
from service.inference.decode import Picture
from service.inference.models import Model, Models
from service.inference.preprocessing import frame
from service.storage import Database, checkpoints

if TYPE_CHECKING:
    import torch

RUN_AT_ONCE = 256
"""Images; the feature maps of a wide network on more would take much memory for little time."""


def read(
    database: Database, models: Models, *, experiment_id: str, checkpoint: str, pictures: Iterable[Picture]
) -> Predictions:
    """Let the checkpoint called `best`, `last` or by its epoch read the pictures.

    `NotFoundError` where there is no such experiment or checkpoint, `ConflictError` where there is none yet,
    `DamagedCheckpointError` where its files are not what was stored; `inference/images` says what a bad picture raises.
    """
    stored, model = _loaded(database, models, experiment_id, checkpoint)
    return Predictions(
        experiment_id=experiment_id,
        checkpoint=CheckpointName(name=checkpoint, epoch=stored.epoch),
        predictions=tuple(_predict(model, pictures)),
    )


def _loaded(database: Database, models: Models, experiment_id: str, name: str) -> tuple[Checkpoint, Model]:
    stored = _named(database, experiment_id, name)
    try:
        return stored, models.get(stored)
    except DamagedCheckpointError:
        # While a run goes on, its checkpoints are superseded: between the row and the files it may have been this one.
        present = _named(database, experiment_id, name)
        if present.id == stored.id:
            raise
        return present, models.get(present)


def _named(database: Database, experiment_id: str, name: str) -> Checkpoint:
    with database.reading() as session:
        return checkpoints.named(session, experiment_id, name)


def _predict(model: Model, pictures: Iterable[Picture]) -> Iterable[Prediction]:
    manifest = model.manifest
    framed = [
        frame(
            picture.pixels,
            image_size=manifest.image_size,
            native_size=manifest.native_size,
            framing=manifest.framing,
            reduction=picture.reduction,
        )
        for picture in pictures
    ]
    for start in range(0, len(framed), RUN_AT_ONCE):
        part = framed[start : start + RUN_AT_ONCE]
        logits = _logits(model, np.stack([image for image, _ in part]))
        rows = zip(logits.tolist(), logits.softmax(1).tolist(), logits.argmax(1).tolist(), part, strict=True)
        for values, probabilities, best, (_, done) in rows:
            yield _prediction(values, probabilities, best, labels=manifest.labels, preprocessing=done)


def _logits(model: Model, images: np.ndarray) -> "torch.Tensor":
    """`(batch, classes)` of images `(batch, height, width)` in 0..255, as in training to the bit."""
    import torch

    with torch.inference_mode():
        batch = datasets.standardise(torch.from_numpy(images), mean=model.manifest.mean, std=model.manifest.std)
        logits: torch.Tensor = model.network(batch)
        return logits


def _prediction(
    logits: list[float], probabilities: list[float], best: int, *, labels: tuple[str, ...], preprocessing: Preprocessing
) -> Prediction:
    finite = [value if math.isfinite(value) else None for value in probabilities]
    return Prediction(
        digit=best,
        label=labels[best],
        confidence=finite[best],
        probabilities=tuple(finite),
        logits=tuple(value if math.isfinite(value) else None for value in logits),
        preprocessing=preprocessing,
    )
