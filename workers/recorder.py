"""From the trainer's epochs to the database and the disk.

Epoch rows go out every `RECORD_SECONDS`, a checkpoint every `CHECKPOINT_SECONDS`: an epoch may take a few milliseconds,
and what was lost with a process is trained again with the same result. Every transaction begins with the guard.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from service import checkpoints, ids
from service.domain.checkpoint import Checkpoint
from service.domain.experiment import State
from service.domain.manifest import Manifest
from service.domain.metrics import EpochMetrics
from service.domain.reproduction import compare
from service.domain.run import Run
from service.domain.selection import Selection
from service.domain.spec import Keep
from service.errors import FencedError
from service.storage import Database, Session, metrics, queue
from service.storage import checkpoints as checkpoint_rows
from workers.evaluation import Evaluation
from workers.learner import Learner

RECORD_SECONDS = 0.2
CHECKPOINT_SECONDS = 2.0

Weights = Mapping[str, torch.Tensor]


@dataclass
class Recorder:
    """Stores one attempt's epochs and checkpoints; raises `FencedError` once the run is another attempt's."""

    database: Database
    artifacts: Path
    lease_seconds: float
    run: Run
    manifest: Manifest
    """Of this run; the epoch is filled in."""
    learner: Learner
    selection: Selection = field(default_factory=Selection)
    best: Weights | None = None
    """The weights of the best epoch so far."""
    best_metrics: EpochMetrics | None = None
    last: EpochMetrics | None = None
    """The newest epoch; of a resumed run, at first, that of its checkpoint."""
    stored: list[Checkpoint] = field(default_factory=list)
    """The published ones, as their rows say."""
    _pending: list[EpochMetrics] = field(default_factory=list)
    _recorded_at: float = 0.0
    _published_at: float = field(default_factory=time.monotonic)

    def add(self, epoch: EpochMetrics) -> None:
        """Take in an epoch that has just been trained; store what is due."""
        spec = self.run.spec
        self.selection = considered(self.selection, epoch, self.run)
        if self.selection.best_epoch == epoch.epoch:
            self.best, self.best_metrics = snapshot(self.learner.network), epoch
        self._pending.append(epoch)
        self.last = epoch
        now = time.monotonic()
        if spec.checkpoints.keep is Keep.ALL or now - self._published_at >= CHECKPOINT_SECONDS:
            self.publish()
        elif now - self._recorded_at >= RECORD_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Store the epochs that are not stored yet."""
        with self.database.writing(durable=False) as session:
            self._store(session, [])
        self._recorded_at = time.monotonic()
        self._pending.clear()

    def publish(self) -> None:
        """Make the newest epoch, and the best, what a lost run goes on from."""
        written = self._write()
        with self._withdrawn_if_fenced(written), self.database.writing() as session:
            superseded = self._store(session, written)
        self._published(written, superseded)

    def finish(self, *, test: Evaluation | None, diverged: bool) -> None:
        """The run is over: last epochs, last checkpoint, result and state in one transaction."""
        written = self._write()
        run, now = self.run, datetime.now(UTC)
        with self._withdrawn_if_fenced(written), self.database.writing() as session:
            superseded = self._store(session, written, final=True)
            metrics.truncate(session, run.experiment_id, after=self.last.epoch if self.last else 0)
            facts: dict[str, Any] = {
                "test_loss": test.loss if test else None,
                "test_accuracy": test.accuracy if test else None,
                "diverged": diverged,
                "fraction": 1.0,
                "failures": 0,
            }
            if run.reproduces is not None:
                theirs = metrics.epochs(session, run.reproduces)
                ours = metrics.epochs(session, run.experiment_id)
                facts["reproduction"] = compare(run.reproduces, theirs, ours).model_dump()
            queue.finish(session, run, State.COMPLETED, now=now, **facts)
        self._published(written, superseded)

    @contextmanager
    def _withdrawn_if_fenced(self, written: list[Checkpoint]) -> Iterator[None]:
        """Files that no row will name go again at once: the run may even have been deleted meanwhile."""
        try:
            yield
        except FencedError:
            checkpoints.remove(self.artifacts, written)
            raise

    def _write(self) -> list[Checkpoint]:
        """The files of the newest epoch, and of the best where that is another and not stored yet."""
        if self.last is None:
            return []
        wanted: dict[int, tuple[Weights, Weights | None]] = {}
        best = self.selection.best_epoch
        if best is not None and self.best is not None and best not in {each.epoch for each in self.stored}:
            wanted[best] = (self.best, None)
        wanted[self.last.epoch] = (snapshot(self.learner.network), self.learner.state_tensors())
        written: list[Checkpoint] = []
        try:
            for epoch, (weights, state) in wanted.items():
                written.append(
                    checkpoints.write(
                        self.artifacts,
                        checkpoint_id=ids.new(),
                        attempt=self.run.attempt,
                        manifest=self.manifest.model_copy(update={"epoch": epoch}),
                        weights=weights,
                        state=state,
                        now=datetime.now(UTC),
                    )
                )
        except OSError:
            checkpoints.remove(self.artifacts, written)
            raise
        return written

    def _store(self, session: Session, written: list[Checkpoint], *, final: bool = False) -> list[Checkpoint]:
        """Guard, epochs, checkpoint rows; what the new rows supersede."""
        queue.guard(session, self.run, lease_seconds=self.lease_seconds, **self._facts(written, final=final))
        metrics.record(session, self.run.experiment_id, self._pending)
        for checkpoint in written:
            checkpoint_rows.publish(session, checkpoint)
        superseded = self._superseded(written, final=final)
        for checkpoint in superseded:
            checkpoint_rows.forget(session, checkpoint)
        return superseded

    def _superseded(self, written: list[Checkpoint], *, final: bool) -> list[Checkpoint]:
        if not written:
            return []
        replaced = {checkpoint.epoch for checkpoint in written}
        keep = self.run.spec.checkpoints.keep
        kept = {written[-1].epoch} if final and keep is Keep.LAST else {written[-1].epoch, self.selection.best_epoch}
        return [
            checkpoint
            for checkpoint in [*self.stored, *written[:-1]]
            if (keep is not Keep.ALL and checkpoint.epoch not in kept)
            or (checkpoint.epoch in replaced and checkpoint not in written)
        ]

    def _published(self, written: list[Checkpoint], superseded: list[Checkpoint]) -> None:
        gone = {checkpoint.id for checkpoint in superseded}
        self.stored = [each for each in [*self.stored, *written] if each.id not in gone]
        checkpoints.remove(self.artifacts, superseded)
        self._pending.clear()
        self._recorded_at = self._published_at = time.monotonic()

    def _facts(self, written: list[Checkpoint], *, final: bool) -> dict[str, Any]:
        """The row's columns; an epoch that is gone through again does not set the row back."""
        facts: dict[str, Any] = {"checkpoint_epoch": written[-1].epoch} if written else {}
        last, best = self.last, self.best_metrics
        if last is None or (last.epoch < self.run.epoch and not final):
            return facts
        return facts | {
            "epoch": last.epoch,
            "fraction": last.epoch / self.run.spec.epochs,
            "epoch_seconds": last.epoch_seconds,
            "samples_per_second": last.samples_per_second,
            "last_train_loss": last.train_loss,
            "last_train_accuracy": last.train_accuracy,
            "last_val_loss": last.val_loss,
            "last_val_accuracy": last.val_accuracy,
            "best_epoch": best.epoch if best else None,
            "best_val_loss": best.val_loss if best else None,
            "best_val_accuracy": best.val_accuracy if best else None,
        }


def considered(selection: Selection, epoch: EpochMetrics, run: Run) -> Selection:
    """The selection with one more epoch of this run.

    Where a finished run was continued it gets its patience again; where only its last weights were kept, no epoch
    before can be the best any more.
    """
    selection = selection.after(epoch, spec=run.spec)
    if epoch.epoch != run.continued_from:
        return selection
    only_last = run.spec.checkpoints.keep is Keep.LAST
    return Selection().after(epoch, spec=run.spec) if only_last else selection.with_new_patience()


def snapshot(network: nn.Module) -> Weights:
    """A copy of parameters and buffers, on the CPU, that further training leaves as it is."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }
