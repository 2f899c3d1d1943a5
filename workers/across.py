"""Across data sets: one attempt at one evaluation, a checkpoint on another data set's test split."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
import torch
from torch import nn
from torch.nn import functional

from service import checkpoints, datasets
from service.analysis.confusion import confusion_matrix
from service.datasets import Split
from service.domain.checkpoint import Checkpoint
from service.domain.evaluation import Adaptation, EvaluationJob, EvaluationResult, Reframing
from service.domain.manifest import Manifest
from service.errors import ArdoiseError, DamagedCheckpointError, FencedError
from service.inference.adaptation import Target, adapt
from service.storage import StorageError, evaluation_queue, experiments
from service.storage import checkpoints as checkpoint_rows
from service.telemetry.measures import EVALUATIONS
from workers import failing, team
from workers.evaluation import images_at_once
from workers.heartbeat import EvaluationWatch, Heartbeat, Interruption
from workers.workshop import Workshop

KEPT = 4
"""Adapted test splits that a worker keeps at hand: to frame MNIST's takes it five seconds."""

log = structlog.get_logger(__name__)

_adapted: dict[tuple[str, Target, Reframing], tuple[Split, int]] = {}


@dataclass(frozen=True, eq=False)
class _Subject:
    """What is evaluated."""

    checkpoint: Checkpoint
    network: nn.Sequential
    manifest: Manifest
    label_smoothing: float


def execute(job: EvaluationJob, workshop: Workshop, heartbeat: Heartbeat) -> None:
    """Evaluate, and store what comes of it; nothing is raised, whatever that is."""
    watch = heartbeat.watch_evaluation(job)
    about = {"experiment_id": job.experiment_id, "evaluation_id": job.evaluation_id, "attempt": job.attempt}
    with structlog.contextvars.bound_contextvars(**about):
        try:
            try:
                _evaluate(job, workshop, watch)
            except (FencedError, StorageError):
                raise
            except Exception as error:  # noqa: BLE001  # it may fail in any way; the reason is stored with it
                _fail(job, workshop, error)
        except FencedError:
            log.warning("the evaluation is another attempt's by now, or deleted; nothing more is written")
        except StorageError as error:
            _lose(job, workshop, error)
        finally:
            heartbeat.forget(watch)


def _evaluate(job: EvaluationJob, workshop: Workshop, watch: EvaluationWatch) -> None:
    torch.set_num_threads(1)  # it is over soon; `workers/threads.py` says what more of them do beside other workers
    subject = _subject(job, workshop)
    manifest = subject.manifest
    found = _test_split(job, manifest, workshop, stopped=watch.interrupted)
    logits = None if found is None else _logits(subject, found[0], stopped=watch.interrupted)
    if found is None or logits is None:
        if watch.interruption is Interruption.DRAINING:
            with workshop.database.writing() as session:
                evaluation_queue.give_back(session, job)
        log.info("stopped", reason=watch.interruption)
        return
    split, framed_anew = found
    recorded = job.framing is Reframing.RECORDED
    done = Adaptation(
        images=len(split),
        native_size=datasets.facts(job.dataset).image_size,
        image_size=manifest.image_size,
        framing=job.framing,
        target=manifest.framing if recorded else None,
        target_size=manifest.native_size if recorded else None,
        framed_anew=framed_anew,
        mean=manifest.mean,
        std=manifest.std,
    )
    result = _result(logits, split.labels, subject, done)
    with workshop.database.writing() as session:
        evaluation_queue.complete(session, job, result, epoch=subject.checkpoint.epoch, now=datetime.now(UTC))
    EVALUATIONS.add()
    log.info("evaluated", dataset=job.dataset, epoch=subject.checkpoint.epoch, accuracy=result.accuracy)


def _subject(job: EvaluationJob, workshop: Workshop) -> _Subject:
    """The weights that the name means now.

    While a run goes on, its checkpoints are superseded: between the row and the files it may have been this one.
    """
    tried: Checkpoint | None = None
    while True:
        with workshop.database.reading() as session:
            checkpoint = checkpoint_rows.named(session, job.experiment_id, job.checkpoint)
            spec = experiments.get(session, job.experiment_id).spec
        try:
            network, manifest = checkpoints.load_network(workshop.artifacts, checkpoint)
        except DamagedCheckpointError:
            if tried is not None and tried.id == checkpoint.id:
                raise
            tried = checkpoint
        else:
            return _Subject(checkpoint, network, manifest, spec.loss.label_smoothing)


def _test_split(
    job: EvaluationJob, manifest: Manifest, workshop: Workshop, *, stopped: Callable[[], bool]
) -> tuple[Split, int] | None:
    """As the network sees it, and how many of its images were framed anew; None where it is stopped."""
    key = (job.dataset, Target.of(manifest), job.framing)
    if key not in _adapted:
        dataset = datasets.load(
            job.dataset, data_dir=workshop.data_dir, mirror=workshop.mirror, cache_dir=workshop.cache_dir
        )
        facts = datasets.facts(job.dataset)
        made = adapt(dataset.test, facts, key[1], reframing=job.framing, stopped=stopped)
        if made is None:
            return None
        while len(_adapted) >= KEPT:
            _adapted.pop(next(iter(_adapted)))
        _adapted[key] = made
    return _adapted[key]


@torch.inference_mode()
def _logits(subject: _Subject, split: Split, *, stopped: Callable[[], bool]) -> torch.Tensor | None:
    """`(n, classes)`; None where it is stopped."""
    network, manifest = subject.network, subject.manifest
    parts = []
    for part in team.divided(len(split), images_at_once(network, split.images[:1])):
        if stopped():
            return None
        parts.append(network(datasets.standardise(split.images[part], mean=manifest.mean, std=manifest.std)))
    return torch.cat(parts)


def _result(logits: torch.Tensor, labels: torch.Tensor, subject: _Subject, done: Adaptation) -> EvaluationResult:
    loss = functional.cross_entropy(logits.double(), labels, label_smoothing=subject.label_smoothing).item()
    confusion = confusion_matrix(labels.numpy(), logits.argmax(1).numpy(), names=subject.manifest.labels)
    return EvaluationResult(
        loss=loss if math.isfinite(loss) else None,
        accuracy=confusion.accuracy or 0.0,
        labels=confusion.labels,
        confusion=confusion.matrix,
        per_class=confusion.per_class,
        preprocessing=done,
    )


def _fail(job: EvaluationJob, workshop: Workshop, error: Exception) -> None:
    failure = failing.described(error, traced=not isinstance(error, ArdoiseError))
    log.error("failed", type=failure.type, error=failure.message, traceback=failure.traceback_tail)
    with workshop.database.writing() as session:
        evaluation_queue.fail(session, job, failure, now=datetime.now(UTC))


def _lose(job: EvaluationJob, workshop: Workshop, error: StorageError) -> None:
    """The database did not take what was to be stored: another attempt may fare better."""
    log.warning("the database failed the evaluation", error=str(error))
    with workshop.database.writing() as session:
        evaluation_queue.release(
            session,
            job,
            max_failures=workshop.max_failures,
            now=datetime.now(UTC),
            why=f"the database failed it ({error.__cause__ or error})",
        )
