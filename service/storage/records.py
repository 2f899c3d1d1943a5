"""From rows to records: no row leaves this package."""

import json
from functools import lru_cache

from service.domain.checkpoint import Checkpoint, StoredFile
from service.domain.evaluation import EvaluatedCheckpoint, Evaluation, EvaluationResult, Reframing
from service.domain.evaluation import link as evaluation_link
from service.domain.experiment import (
    BestEpoch,
    Experiment,
    Failure,
    LastEpoch,
    Progress,
    Reproduction,
    Resumption,
    State,
    TestResult,
    links,
)
from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.storage.tables import CheckpointRow, EpochRow, EvaluationRow, ExperimentRow


def experiment(row: ExperimentRow, *, queue_position: int | None) -> Experiment:
    """The row as the API answers it."""
    return Experiment(
        id=row.id,
        name=row.name,
        state=State(row.state),
        spec=_spec(json.dumps(row.spec)),
        spec_hash=row.spec_hash,
        sweep_id=row.sweep_id,
        owner=row.owner,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        queue_position=queue_position,
        progress=_progress(row),
        best=_best(row),
        last=_last(row),
        test=_test(row),
        parameters=row.parameters,
        diverged=row.diverged,
        attempt=row.attempt,
        worker=row.worker,
        resumptions=_resumptions(row),
        resumed_inexact=row.resumed_inexact,
        reproduction=_reproduction(row),
        error=Failure.model_validate(row.error) if row.error else None,
        environment=row.environment,
        links=links(row.id),
    )


@lru_cache(maxsize=4096)
def _spec(text: str) -> ExperimentSpec:
    """To parse one takes as long as all else about a row, and the same ones are asked for again and again."""
    return ExperimentSpec.model_validate_json(text)


def spec(row: ExperimentRow) -> ExperimentSpec:
    """What the row's numbers depend on."""
    return _spec(json.dumps(row.spec))


def run(row: ExperimentRow) -> Run:
    """The row as the worker that claimed it needs it."""
    return Run(
        experiment_id=row.id,
        submitted_at=row.created_at,
        attempt=row.attempt,
        spec=_spec(json.dumps(row.spec)),
        cohort=row.cohort,
        parameters=row.parameters,
        epoch=row.epoch,
        continued_from=row.continued_from,
        failures=row.failures,
        reproduces=row.reproduces,
        environment=row.environment,
        resumptions=_resumptions(row),
    )


def epoch(row: EpochRow) -> EpochMetrics:
    """An epoch row."""
    return EpochMetrics(**{name: getattr(row, name) for name in EpochMetrics.model_fields})


def checkpoint(row: CheckpointRow) -> Checkpoint:
    """A checkpoint row."""
    return Checkpoint(
        id=row.id,
        experiment_id=row.experiment_id,
        epoch=row.epoch,
        attempt=row.attempt,
        folder=row.folder,
        files=tuple(StoredFile.model_validate(file) for file in row.files),
        resumable=row.resumable,
        created_at=row.created_at,
    )


def evaluation(row: EvaluationRow) -> Evaluation:
    """The row as the API answers it."""
    result = EvaluationResult.model_validate(row.result) if row.result else None
    return Evaluation(
        id=row.id,
        experiment_id=row.experiment_id,
        state=State(row.state),
        dataset=row.dataset,
        framing=Reframing(row.framing),
        checkpoint=EvaluatedCheckpoint(name=row.checkpoint, epoch=row.epoch or None),
        loss=result and result.loss,
        accuracy=result and result.accuracy,
        labels=result and result.labels,
        confusion=result and result.confusion,
        per_class=result and result.per_class,
        preprocessing=result and result.preprocessing,
        error=Failure.model_validate(row.error) if row.error else None,
        owner=row.owner,
        attempt=row.attempt,
        worker=row.worker,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        links={
            "self": evaluation_link(row.experiment_id, row.id),
            "experiment": links(row.experiment_id)["self"],
        },
    )


def _progress(row: ExperimentRow) -> Progress:
    left = 1.0 - row.fraction
    running = row.state == State.RUNNING and row.epoch_seconds is not None
    return Progress(
        epoch=row.epoch,
        epochs=row.epochs,
        fraction=row.fraction,
        samples_per_second=row.samples_per_second,
        eta_seconds=left * row.epochs * row.epoch_seconds if running and row.epoch_seconds is not None else None,
    )


def _best(row: ExperimentRow) -> BestEpoch | None:
    if row.best_epoch is None:
        return None
    return BestEpoch(epoch=row.best_epoch, val_loss=row.best_val_loss, val_accuracy=row.best_val_accuracy)


def _last(row: ExperimentRow) -> LastEpoch | None:
    if row.epoch == 0:
        return None
    return LastEpoch(
        epoch=row.epoch,
        train_loss=row.last_train_loss,
        train_accuracy=row.last_train_accuracy,
        val_loss=row.last_val_loss,
        val_accuracy=row.last_val_accuracy,
    )


def _test(row: ExperimentRow) -> TestResult | None:
    if row.test_accuracy is None and row.test_loss is None:
        return None
    return TestResult(loss=row.test_loss, accuracy=row.test_accuracy)


def _resumptions(row: ExperimentRow) -> tuple[Resumption, ...]:
    return tuple(map(Resumption.model_validate, row.resumptions or ()))


def _reproduction(row: ExperimentRow) -> Reproduction | None:
    if row.reproduction is not None:
        return Reproduction.model_validate(row.reproduction)
    return Reproduction(of=row.reproduces, identical=None) if row.reproduces else None
