"""One test image through all stored weights of a run: here the networks run once more."""

from collections.abc import Sequence

import numpy as np

from service import datasets, evidence
from service.analysis.image_history import evenly_spaced, forgotten, learned_at, readings
from service.analysis.pictures import png_base64
from service.domain.checkpoint import Checkpoint
from service.domain.experiment import Experiment
from service.domain.image_history import ImageAtEpoch, ImageHistory
from service.errors import ConflictError, DamagedCheckpointError, NotFoundError
from service.inference.models import CAPACITY_BYTES, Models
from service.inference.predict import logits_of
from service.settings import Settings
from service.storage import Database, checkpoints, experiments

MOST_EPOCHS = 32
"""Of which weights are loaded for one answer."""
MOST_BYTES = CAPACITY_BYTES // 4
"""Of these weights together: so they stay loaded for the next image, and most others do, too."""


def of_image(database: Database, settings: Settings, models: Models, *, experiment_id: str, index: int) -> ImageHistory:
    """What every stored epoch makes of a test image.

    `NotFoundError` where there is no such experiment or image, `ConflictError` where no weights are stored,
    `DamagedCheckpointError` where they are not what was written.
    """
    experiment, stored = _stored(database, experiment_id)
    split = evidence.labelled(settings, experiment.spec.dataset, "test")
    if index >= len(split):
        raise NotFoundError(f"the test split has no image {index}: it has 0 to {len(split) - 1}")
    image, label = split.images[index].numpy(), int(split.labels[index])
    try:
        items = _readings(models, stored, image, label)
    except DamagedCheckpointError:
        # While a run goes on, its checkpoints are superseded: between the rows and the files it may have been these.
        experiment, present = _stored(database, experiment_id)
        if {each.id for each in stored} <= {each.id for each in present}:
            raise
        stored = present
        items = _readings(models, stored, image, label)
    return ImageHistory(
        experiment_id=experiment_id,
        index=index,
        image=png_base64(image),
        labels=_labels(experiment),
        label=label,
        stored_epochs=len(stored),
        items=items,
        learned_at=learned_at(items),
        forgotten=forgotten(items),
    )


def _stored(database: Database, experiment_id: str) -> tuple[Experiment, tuple[Checkpoint, ...]]:
    """The run and its checkpoints, the first epoch first; there is one at least."""
    with database.reading() as session:
        experiment = experiments.get(session, experiment_id)
        stored = checkpoints.all_of(session, experiment_id)[::-1]
    if not stored:
        raise ConflictError(f"experiment {experiment_id} is {experiment.state} and has no checkpoint")
    return experiment, stored


def _readings(models: Models, stored: Sequence[Checkpoint], image: np.ndarray, label: int) -> tuple[ImageAtEpoch, ...]:
    affordable = MOST_BYTES // max(each.weights.bytes for each in stored)
    most = max(2, min(MOST_EPOCHS, affordable))
    shown = [stored[at] for at in evenly_spaced(len(stored), most)]
    logits = np.concatenate([logits_of(models.get(each), image[None]).numpy() for each in shown])
    return readings(logits, epochs=[each.epoch for each in shown], label=label)


def _labels(experiment: Experiment) -> tuple[str, ...]:
    return datasets.facts(experiment.spec.dataset.name).labels
