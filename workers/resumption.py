"""Where a run goes on after its worker was lost, or when it is continued."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import TypeVar

import structlog

from service import checkpoints
from service.domain.checkpoint import Checkpoint
from service.domain.experiment import Resumption
from service.domain.history import EventKind
from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.domain.selection import Selection
from service.errors import DamagedCheckpointError
from service.storage import checkpoints as checkpoint_rows
from service.storage import history, metrics, queue
from workers.recorder import Recorder, considered
from workers.workshop import Workshop

Found = TypeVar("Found")

log = structlog.get_logger(__name__)


def resume(run: Run, workshop: Workshop, recorder: Recorder) -> int:
    """Put the recorder's learner and selection where the newest sound checkpoint left them.

    Its epoch; 0 where there is none, which costs time and nothing else: every epoch can be trained again.
    """
    with workshop.database.reading() as session:
        stored = checkpoint_rows.all_of(session, run.experiment_id)
        epochs = metrics.epochs(session, run.experiment_id)
    checkpoints.sweep(workshop.artifacts, run.experiment_id, known=stored)
    recorder.stored = list(stored)
    for checkpoint in stored:
        if checkpoint.resumable and _restore(run, workshop, recorder, checkpoint, epochs[: checkpoint.epoch]):
            return checkpoint.epoch
    return 0


def tell(run: Run, workshop: Workshop, after_epoch: int) -> None:
    """Where a later attempt goes on is a fact of the run: its curve has a mark there."""
    if run.attempt == 1:
        return
    known = {each.after_epoch for each in run.resumptions}
    continued = run.continued_from == after_epoch > 0 and after_epoch not in known
    here = Resumption(attempt=run.attempt, after_epoch=after_epoch, continued=continued)
    with workshop.database.writing(durable=False) as session:
        stored = [each.model_dump() for each in (*run.resumptions, here)]
        queue.guard(session, run, lease_seconds=workshop.lease_seconds, resumptions=stored)
        history.add(session, [run.experiment_id], EventKind.RESUMED, now=datetime.now(UTC), epoch=after_epoch)


def _restore(
    run: Run, workshop: Workshop, recorder: Recorder, checkpoint: Checkpoint, epochs: tuple[EpochMetrics, ...]
) -> bool:
    """False where the checkpoint, or that of the best epoch before it, is damaged or gone."""
    selection = reduce(lambda so_far, epoch: considered(so_far, epoch, run), epochs, Selection())
    best = next((each for each in recorder.stored if each.epoch == selection.best_epoch), None)
    if selection.best_epoch is not None and best is None:
        return False
    restored = _sound(run, workshop, recorder, checkpoint, checkpoints.restore)
    best_weights = _sound(run, workshop, recorder, best, checkpoints.load_weights) if best else None
    if restored is None or (best is not None and best_weights is None):
        return False
    recorder.learner.network.load_state_dict(dict(restored.weights))
    recorder.learner.load_state_tensors(restored.state)
    recorder.selection, recorder.best, recorder.last = selection, best_weights, epochs[-1]
    recorder.best_metrics = next((epoch for epoch in epochs if epoch.epoch == selection.best_epoch), None)
    return True


def _sound(
    run: Run,
    workshop: Workshop,
    recorder: Recorder,
    checkpoint: Checkpoint,
    read: Callable[[Path, Checkpoint], Found],
) -> Found | None:
    """What `read` gives; a damaged checkpoint is put aside and forgotten, and gives None."""
    if checkpoint not in recorder.stored:
        return None
    try:
        return read(workshop.artifacts, checkpoint)
    except DamagedCheckpointError as error:
        log.warning("a checkpoint is damaged and put aside; an earlier one is used", reason=error.message)
        checkpoints.quarantine(workshop.artifacts, checkpoint)
        with workshop.database.writing() as session:
            queue.guard(session, run, lease_seconds=workshop.lease_seconds)
            checkpoint_rows.put_aside(session, checkpoint)
        recorder.stored.remove(checkpoint)
        return None
