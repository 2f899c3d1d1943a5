"""Which weights a request names, where they are looked into and not asked to read."""

from service.domain.checkpoint import Checkpoint
from service.errors import DamagedCheckpointError
from service.inference.models import Model, Models
from service.storage import Database, checkpoints


def loaded(database: Database, models: Models, experiment_id: str, name: str) -> tuple[Checkpoint, Model]:
    """The checkpoint called `best`, `last` or by its epoch, and its network; errors as `predicting.Predictor`."""
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
