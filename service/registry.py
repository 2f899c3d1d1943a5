"""Named models: a version is added from an experiment's checkpoint, is loaded by itself, and is removed."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from service import checkpoints, ids, model_files
from service.domain.checkpoint import MANIFEST, Checkpoint
from service.domain.experiment import Experiment
from service.domain.manifest import Manifest
from service.domain.prediction import CheckpointName
from service.domain.registry import ModelVersion, NewVersion, VersionFacts
from service.errors import DamagedCheckpointError
from service.inference.models import Model, Models
from service.named_weights import Choice
from service.storage import Database, Session, experiments, registry
from service.storage import checkpoints as checkpoint_rows
from service.storage.registry import StoredVersion


def add(
    database: Database,
    artifacts: Path,
    model: str,
    request: NewVersion,
    *,
    owner: str | None,
    now: datetime,
    check: Callable[[Session], None] = lambda _: None,
) -> tuple[ModelVersion, bool]:
    """Add a version, and say whether it is new: of the same weights as the newest, that one is answered.

    `check` is called in the transaction that does so, once the model is there; nothing is stored where it raises.
    `NotFoundError` where there is no such experiment or checkpoint, `ConflictError` where there is none yet or there
    are too many versions, `DamagedCheckpointError` where its files are not what was stored.
    """
    experiment, checkpoint = _source(database, request)
    with database.reading() as session:
        same = _same(registry.newest(session, model), checkpoint)
    if same is not None:
        return same, False
    with model_files.adding(artifacts):
        return _add(database, artifacts, model, request, (experiment, checkpoint), owner=owner, now=now, check=check)


def _add(
    database: Database,
    artifacts: Path,
    model: str,
    request: NewVersion,
    source: tuple[Experiment, Checkpoint],
    *,
    owner: str | None,
    now: datetime,
    check: Callable[[Session], None],
) -> tuple[ModelVersion, bool]:
    experiment, checkpoint = source
    version_id = ids.new()
    try:
        part = model_files.stage(artifacts, checkpoint, model=model, version_id=version_id)
    except DamagedCheckpointError:
        # While a run goes on, its checkpoints are superseded: between the row and the files it may have been this one.
        experiment, present = _source(database, request)
        if present.id == checkpoint.id:
            raise
        checkpoint = present
        part = model_files.stage(artifacts, checkpoint, model=model, version_id=version_id)
    manifest = Manifest.model_validate_json((part / MANIFEST).read_bytes())
    places = [part]
    try:
        with database.writing() as session:
            registry.hold(session, model, owner=owner, now=now)
            check(session)
            same = _same(registry.newest(session, model), checkpoint)
            if same is None:
                number = registry.next_number(session, model)
                stored = model_files.place(artifacts, part, checkpoint, version=number, version_id=version_id, now=now)
                places.append(artifacts / stored.folder)
                added = registry.add(
                    session,
                    model,
                    number,
                    facts=_facts(experiment, checkpoint, manifest, name=request.checkpoint),
                    stored=stored,
                    description=request.description,
                    owner=owner,
                )
    except BaseException:
        model_files.discard(*places)
        raise
    if same is not None:
        model_files.discard(part)
        return same, False
    return added, True


def sweep(database: Database, artifacts: Path) -> None:
    """Remove the files that a process left which was killed while it added or deleted a version."""

    def known() -> set[str]:
        with database.reading() as session:
            return registry.folders(session)

    model_files.sweep(artifacts, known)


def delete_version(database: Database, artifacts: Path, models: Models, model: str, number: int) -> None:
    """Remove its row, and once that is certain its files; errors as `storage/registry.delete_version`."""
    with database.writing() as session:
        gone = registry.delete_version(session, model, number)
    _remove(artifacts, models, (gone,))


def delete(database: Database, artifacts: Path, models: Models, model: str) -> None:
    """Remove a model with all its versions and their files; errors as `storage/registry.delete`."""
    with database.writing() as session:
        gone = registry.delete(session, model)
    _remove(artifacts, models, gone)


def loaded(database: Database, models: Models, model: str, choice: Choice) -> tuple[ModelVersion, Model]:
    """The chosen version and its network; `NotFoundError` where there is none, `DamagedCheckpointError` as always."""
    found = _chosen(database, model, choice)
    try:
        return found.version, models.get(found.checkpoint)
    except DamagedCheckpointError:
        # Between the row and the files it may have been deleted: then this is another, or says that there is none.
        present = _chosen(database, model, choice)
        if present.checkpoint.id == found.checkpoint.id:
            raise
        return present.version, models.get(present.checkpoint)


def _remove(artifacts: Path, models: Models, gone: tuple[Checkpoint, ...]) -> None:
    checkpoints.remove(artifacts, gone)
    for each in gone:
        models.forget(each.folder)


def _chosen(database: Database, model: str, choice: Choice) -> StoredVersion:
    with database.reading() as session:
        return registry.chosen(session, model, choice)


def _source(database: Database, request: NewVersion) -> tuple[Experiment, Checkpoint]:
    with database.reading() as session:
        checkpoint = checkpoint_rows.named(session, request.experiment_id, request.checkpoint)
        return experiments.get(session, request.experiment_id), checkpoint


def _same(newest: ModelVersion | None, checkpoint: Checkpoint) -> ModelVersion | None:
    """The newest version, where it is of this checkpoint."""
    if newest is None:
        return None
    is_same = (newest.experiment_id, newest.checkpoint.epoch, newest.sha256) == (
        checkpoint.experiment_id,
        checkpoint.epoch,
        checkpoint.weights.sha256,
    )
    return newest if is_same else None


def _facts(experiment: Experiment, checkpoint: Checkpoint, manifest: Manifest, *, name: str) -> VersionFacts:
    """Where the run looked at the test split with these very weights, what it found there belongs to them."""
    best = experiment.best
    tested = experiment.test if best is not None and best.epoch == checkpoint.epoch else None
    return VersionFacts(
        experiment_id=experiment.id,
        experiment_name=experiment.name,
        checkpoint=CheckpointName(name=name, epoch=checkpoint.epoch),
        dataset=experiment.spec.dataset.name,
        architecture=manifest.architecture,
        activation=manifest.activation,
        labels=manifest.labels,
        image_size=manifest.image_size,
        parameters=experiment.parameters,
        test_accuracy=tested.accuracy if tested else None,
        test_loss=tested.loss if tested else None,
        bytes=checkpoint.weights.bytes,
        sha256=checkpoint.weights.sha256,
    )
