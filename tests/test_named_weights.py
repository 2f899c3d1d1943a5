"""What a name of a checkpoint stands for changes with its experiment."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import ids, named_weights
from service.domain.checkpoint import WEIGHTS, Checkpoint, StoredFile
from service.domain.experiment import State
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.errors import ConflictError, NotFoundError
from service.named_weights import OfExperiment, Weights
from service.storage import Database, checkpoints, experiments, migrations, queue

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "perceptron", "epochs": 5})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path}/ardoise.db")
    migrations.upgrade(found)
    yield found
    found.close()


@pytest.fixture
def run(database: Database) -> Run:
    """A run that has begun."""
    with database.writing() as session:
        experiments.add(session, experiment_id=ids.new(), spec=SPEC, parameters=1, now=NOW)
        claimed = queue.claim(session, worker="w", lease_seconds=60, now=NOW)
    assert claimed is not None
    return claimed


def publish(database: Database, run: Run, epoch: int) -> Checkpoint:
    """As the recorder does."""
    checkpoint = Checkpoint(
        id=ids.new(),
        experiment_id=run.experiment_id,
        epoch=epoch,
        attempt=1,
        folder="nowhere",
        files=(StoredFile(name=WEIGHTS, bytes=1, sha256="0"),),
        resumable=False,
        created_at=NOW,
    )
    with database.writing() as session:
        queue.guard(session, run, lease_seconds=60, epoch=epoch)
        checkpoints.publish(session, checkpoint)
    return checkpoint


def read(database: Database, run: Run, name: str, before: Weights | None = None) -> Weights:
    with database.reading() as session:
        return named_weights.read(session, OfExperiment(run.experiment_id, name), before)


def test_a_name_is_read_anew_where_the_experiment_has_changed_and_nowhere_else(database: Database, run: Run) -> None:
    first = publish(database, run, 1)
    named = read(database, run, "last")
    assert named.checkpoint == first
    assert read(database, run, "last", named) is named
    second = publish(database, run, 2)
    assert read(database, run, "last", named).checkpoint == second
    assert read(database, run, "1", named).checkpoint == first


def test_one_that_is_put_aside_has_no_name_any_more(database: Database, run: Run) -> None:
    first, second = publish(database, run, 1), publish(database, run, 2)
    named = read(database, run, "last")
    with database.writing() as session:
        checkpoints.put_aside(session, second)
    assert read(database, run, "last", named).checkpoint == first


def test_a_deleted_experiment_has_no_names(database: Database, run: Run) -> None:
    publish(database, run, 1)
    named = read(database, run, "last")
    with database.writing() as session:
        queue.finish(session, run, State.FAILED, now=NOW)
        experiments.delete(session, run.experiment_id)
    with pytest.raises(NotFoundError):
        read(database, run, "last", named)


def test_a_run_without_checkpoints_has_none_until_the_first(database: Database, run: Run) -> None:
    with pytest.raises(ConflictError):
        read(database, run, "best")
    first = publish(database, run, 1)
    assert read(database, run, "last").checkpoint == first
