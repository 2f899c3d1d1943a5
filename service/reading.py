"""Which weights read the pictures that a client sent."""

from collections.abc import Iterable, Iterator

from service.domain.checkpoint import Checkpoint
from service.domain.prediction import Prediction
from service.errors import DamagedCheckpointError
from service.inference.decode import Picture
from service.inference.models import Model, Models
from service.inference.predict import predict
from service.storage import Database, checkpoints


def read_each(
    database: Database, models: Models, *, experiment_id: str, checkpoint: str, pictures: Iterable[Picture]
) -> Iterator[Prediction]:
    """What the checkpoint reads in each picture, one after another; all are decoded when the first prediction is there.

    Errors are those of `predicting.Predictor.read`.
    """
    _, model = loaded(database, models, experiment_id, checkpoint)
    return predict(model, pictures)


def loaded(database: Database, models: Models, experiment_id: str, name: str) -> tuple[Checkpoint, Model]:
    """The checkpoint of this name and its network; errors as `read_each`."""
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
