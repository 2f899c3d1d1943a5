"""One attempt at one experiment, from its claim to its end."""

import traceback
from datetime import UTC, datetime
from typing import Any

import structlog
import torch

from service import architectures, datasets
from service.domain.experiment import Failure, State
from service.domain.manifest import Manifest
from service.domain.run import Run
from service.errors import FencedError
from service.storage import StorageError, queue
from workers import environment, learners, trainer, training_data
from workers.evaluation import evaluate
from workers.heartbeat import Interruption, Watch
from workers.randomness import Purpose, seed_global
from workers.recorder import Recorder, snapshot
from workers.resumption import resume
from workers.training_data import TrainingData
from workers.workshop import Workshop

TRACEBACK_LINES = 20

log = structlog.get_logger(__name__)


def execute(run: Run, workshop: Workshop, watch: Watch) -> None:
    """Train the run and store how it ends; whatever goes wrong in it is the run's failure, not the worker's."""
    with structlog.contextvars.bound_contextvars(experiment_id=run.experiment_id, attempt=run.attempt):
        try:
            _train(run, workshop, watch)
        except FencedError:
            log.warning("the run is another attempt's by now; nothing more is written")
        except trainer.InterruptedTrainingError:
            _interrupt(run, workshop, watch)
        except StorageError as error:
            _lose(run, workshop, error)
        except Exception as error:  # noqa: BLE001  # a run may fail in any way; the reason is stored with it
            _fail(run, workshop, error)


def _train(run: Run, workshop: Workshop, watch: Watch) -> None:
    spec = run.spec
    device = _settle(run, workshop)
    data = training_data.prepare(spec.dataset, seed=spec.seed, data_dir=workshop.data_dir, mirror=workshop.mirror).to(
        device
    )
    seed_global(spec.seed, epoch=0, purpose=Purpose.WEIGHTS)
    labels = datasets.facts(spec.dataset.name).labels
    network = architectures.build(
        spec.architecture, activation=spec.activation, image_size=spec.dataset.side, classes=len(labels)
    ).to(device)
    recorder = Recorder(
        database=workshop.database,
        artifacts=workshop.artifacts,
        lease_seconds=workshop.lease_seconds,
        run=run,
        manifest=_manifest(run, data),
        learner=learners.build(network, spec),
    )
    after_epoch = resume(run, workshop, recorder)
    log.info("training", name=spec.name, epochs=spec.epochs, after_epoch=after_epoch, parameters=run.parameters)

    # A run may have been lost between its last checkpoint and its end: then nothing is left to train.
    diverged = recorder.last is not None and recorder.last.train_loss is None
    stopped = run.continued_from < after_epoch and recorder.selection.exhausted(spec)
    epochs = trainer.train(
        recorder.learner,
        data,
        spec,
        after_epoch=after_epoch,
        interrupted=watch.interrupted,
        progress=watch.progress,
    )
    try:
        while not (diverged or stopped) and (epoch := next(epochs, None)) is not None:
            recorder.add(epoch)
            diverged = epoch.train_loss is None
            stopped = recorder.selection.exhausted(spec)
    except trainer.InterruptedTrainingError:
        recorder.flush()
        raise
    _finish(recorder, data, diverged=diverged)


def _settle(run: Run, workshop: Workshop) -> torch.device:
    """Compute as the run began: its threads where it has begun already, and say where the rest has changed."""
    device = environment.choose_device(run.spec.device)
    environment.require(run.spec.precision, device)
    first = run.environment
    threads = int(first["threads"]) if first else workshop.threads
    if threads != torch.get_num_threads():
        torch.set_num_threads(threads)
    present = environment.describe(device)
    facts: dict[str, Any] = {"environment": present} if first is None else {}
    if first is not None and not environment.same_numbers(first, present):
        log.warning("goes on under another environment: the last bits may differ", began=first, present=present)
        facts["resumed_inexact"] = True
    with workshop.database.writing(durable=False) as session:
        queue.guard(session, run, lease_seconds=workshop.lease_seconds, **facts)
    return device


def _manifest(run: Run, data: TrainingData) -> Manifest:
    spec = run.spec
    facts = datasets.facts(spec.dataset.name)
    return Manifest(
        experiment_id=run.experiment_id,
        spec_hash=spec.spec_hash,
        epoch=0,
        architecture=spec.architecture,
        activation=spec.activation,
        image_size=spec.dataset.side,
        labels=facts.labels,
        mean=data.mean,
        std=data.std,
        framing=facts.framing,
        native_size=facts.image_size,
    )


def _finish(recorder: Recorder, data: TrainingData, *, diverged: bool) -> None:
    """Look at the test split, once, with the best weights."""
    test = None
    if recorder.best is not None:
        last = snapshot(recorder.learner.network)
        recorder.learner.network.load_state_dict(dict(recorder.best))
        test = evaluate(
            recorder.learner.evaluated,
            data.test,
            mean=data.mean,
            std=data.std,
            label_smoothing=recorder.run.spec.loss.label_smoothing,
        )
        recorder.learner.network.load_state_dict(dict(last))
    recorder.finish(test=test, diverged=diverged)
    log.info("completed", diverged=diverged, test_accuracy=test.accuracy if test else None)


def _interrupt(run: Run, workshop: Workshop, watch: Watch) -> None:
    with workshop.database.writing() as session:
        if watch.interruption is Interruption.CANCELLED:
            queue.finish(session, run, State.CANCELLED, now=datetime.now(UTC))
        elif watch.interruption is Interruption.DRAINING:
            queue.give_back(session, run, now=datetime.now(UTC))
    log.info("stopped", reason=watch.interruption)


def _lose(run: Run, workshop: Workshop, error: StorageError) -> None:
    """The database did not take what was to be stored: not the run's fault, but it cannot go on so for ever."""
    log.warning("the database failed the run", error=str(error))
    with workshop.database.writing() as session:
        queue.release(
            session,
            run,
            max_failures=workshop.max_failures,
            now=datetime.now(UTC),
            why=f"the database failed it ({error.__cause__ or error})",
        )


def _fail(run: Run, workshop: Workshop, error: Exception) -> None:
    tail = "".join(traceback.format_exception(error)).splitlines()[-TRACEBACK_LINES:]
    failure = Failure(type=type(error).__name__, message=str(error), traceback_tail="\n".join(tail))
    log.error("failed", type=failure.type, error=failure.message, traceback=failure.traceback_tail)
    try:
        with workshop.database.writing() as session:
            queue.finish(session, run, State.FAILED, now=datetime.now(UTC), error=failure.model_dump())
    except FencedError:
        log.warning("the run is another attempt's by now; nothing more is written")
