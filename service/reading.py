"""Which weights read the pictures that a client sent."""

from collections.abc import Iterable, Iterator

from service.domain.checkpoint import Checkpoint
from service.domain.prediction import CheckpointName, Prediction, Predictions
from service.errors import DamagedCheckpointError
from service.inference.decode import Picture
from service.inference.models import Model, Models
from service.inference.predict import predict
from service.storage import Database, checkpoints


def read(
    database: Database, models: Models, *, experiment_id: str, checkpoint: str, pictures: Iterable[Picture]
) -> Predictions:
    """Let the checkpoint called `best`, `last` or by its epoch read the pictures.

    `NotFoundError` where there is no such experiment or checkpoint, `ConflictError` where there is none yet,
    `DamagedCheckpointError` where its files are not what was stored; `inference/images` says what a bad picture raises.
    """
    stored, model = loaded(database, models, experiment_id, checkpoint)
    return Predictions(
        experiment_id=experiment_id,
        checkpoint=CheckpointName(name=checkpoint, epoch=stored.epoch),
        predictions=tuple(predict(model, pictures)),
    )


def read_each(
    database: Database, models: Models, *, experiment_id: str, checkpoint: str, pictures: Iterable[Picture]
) -> Iterator[Prediction]:
    """As `read`, one after another; all pictures are decoded when the first prediction is there."""
    _, model = loaded(database, models, experiment_id, checkpoint)
    return predict(model, pictures)


def loaded(database: Database, models: Models, experiment_id: str, name: str) -> tuple[Checkpoint, Model]:
    """The checkpoint of this name and its network; errors as `read`."""
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
