"""From the trainer's epochs to the database and the disk, for one attempt.

Epoch rows go out every `RECORD_SECONDS` or somewhat later, a checkpoint every `CHECKPOINT_SECONDS`: an epoch may take a
few milliseconds, and what was lost with a process is trained again with the same result. What is stored of a run begins
with its guard; `workers/recording.py` puts runs that are trained side by side into one transaction.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from service import checkpoints, failpoints, ids
from service.domain.checkpoint import Checkpoint
from service.domain.diagnostics import EpochDiagnostics
from service.domain.experiment import State
from service.domain.manifest import Manifest
from service.domain.metrics import EpochMetrics
from service.domain.reproduction import compare
from service.domain.run import Run
from service.domain.selection import Selection
from service.domain.spec import Keep
from service.failpoints import Point
from service.storage import Session, diagnostics, metrics, queue
from service.storage import checkpoints as checkpoint_rows
from workers.evaluation import Evaluation
from workers.learner import Learner

RECORD_SECONDS = 0.2
RECORD_SHARE = 1 / 50
"""Of the time, at most, goes to storing epochs: of sixteen runs side by side they are stored less often."""
CHECKPOINT_SECONDS = 2.0

Weights = Mapping[str, torch.Tensor]


@dataclass
class Recorder:
    """One attempt's epochs and checkpoints; `store` raises `FencedError` once the run is another attempt's."""

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
    _looks: list[EpochDiagnostics] = field(default_factory=list)
    """Of the pending epochs, those that were looked into."""
    _written: list[Checkpoint] = field(default_factory=list)
    """Files whose rows are not stored yet."""
    _end: dict[str, Any] | None = None
    """The columns of a run that is over."""
    _outputs: Weights | None = None
    """What lies beside its last checkpoint."""
    _record_at: float = 0.0
    _published_at: float = field(default_factory=time.monotonic)

    def take(self, epoch: EpochMetrics, looked_into: EpochDiagnostics | None = None) -> None:
        """Take in an epoch that has just been trained; nothing is stored yet."""
        self.selection = considered(self.selection, epoch, self.run)
        if self.selection.best_epoch == epoch.epoch:
            self.best, self.best_metrics = snapshot(self.learner.network), epoch
        self._pending.append(epoch)
        if looked_into is not None:
            self._looks.append(looked_into)
        self.last = epoch

    def end(self, *, test: Evaluation | None, diverged: bool, outputs: Weights | None = None) -> None:
        """The run is over: last epochs, last checkpoint, result and state are to be stored in one transaction."""
        self._outputs = outputs
        self._end = {
            "test_loss": test.loss if test else None,
            "test_accuracy": test.accuracy if test else None,
            "diverged": diverged,
            "fraction": 1.0,
            "failures": 0,
        }

    @property
    def checkpoint_due(self) -> bool:
        """True where it is time to make the newest epoch what a lost run goes on from."""
        if self._end is not None:
            return True
        keeps_all = self.run.spec.checkpoints.keep is Keep.ALL
        return bool(self._pending) and (keeps_all or time.monotonic() - self._published_at >= CHECKPOINT_SECONDS)

    @property
    def epochs_due(self) -> bool:
        """True where it is time to store the epochs that are not stored yet."""
        return bool(self._pending) and time.monotonic() >= self._record_at

    def store(self, session: Session) -> None:
        """What there is to be stored, files that were written included, behind the guard."""
        written, final = self._written, self._end is not None
        queue.guard(session, self.run, lease_seconds=self.lease_seconds, **self._facts())
        failpoints.reach(Point.GUARDED, [self.run.spec.name])
        metrics.record(session, self.run.experiment_id, self._pending)
        diagnostics.record(session, self.run.experiment_id, self._looks)
        for checkpoint in written:
            checkpoint_rows.publish(session, checkpoint)
        for checkpoint in self._superseded():
            checkpoint_rows.forget(session, checkpoint)
        if final:
            self._finish(session)

    def _finish(self, session: Session) -> None:
        run, facts = self.run, dict(self._end or {})
        last = self.last.epoch if self.last else 0
        metrics.truncate(session, run.experiment_id, after=last)
        diagnostics.truncate(session, run.experiment_id, after=last)
        if run.reproduces is not None:
            theirs = metrics.epochs(session, run.reproduces)
            ours = metrics.epochs(session, run.experiment_id)
            facts["reproduction"] = compare(run.reproduces, theirs, ours).model_dump()
        queue.finish(session, run, State.COMPLETED, now=datetime.now(UTC), **facts)
        failpoints.reach(Point.FINISHING, [run.spec.name])

    def stored_all(self, *, seconds: float) -> None:
        """The transaction is committed, which took so long: what it superseded can go."""
        superseded = self._superseded()
        gone = {checkpoint.id for checkpoint in superseded}
        self.stored = [each for each in [*self.stored, *self._written] if each.id not in gone]
        checkpoints.remove(self.artifacts, superseded)
        self._pending.clear()
        self._looks.clear()
        now = time.monotonic()
        self._record_at = now + max(RECORD_SECONDS, seconds / RECORD_SHARE)
        if self._written:
            self._published_at = now
            self._written = []

    def withdraw(self) -> None:
        """Files that no row will name go again at once: the run may even have been deleted meanwhile."""
        checkpoints.remove(self.artifacts, self._written)
        self._written = []

    def write(self) -> None:
        """The files of the newest epoch, and of the best where that is another and not stored yet; OSError."""
        self._written = self._write()

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
                        weights=_fetched(weights) or {},
                        state=_fetched(state),
                        now=datetime.now(UTC),
                        outputs=self._outputs if epoch == self.last.epoch else None,
                    )
                )
        except OSError:
            checkpoints.remove(self.artifacts, written)
            raise
        return written

    def _superseded(self) -> list[Checkpoint]:
        """What the checkpoints that were written last take the place of."""
        written, final = self._written, self._end is not None
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

    def _facts(self) -> dict[str, Any]:
        """The row's columns; an epoch that is gone through again does not set the row back."""
        written, final = self._written, self._end is not None
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
    """A copy of parameters and buffers, on their device, that further training leaves as it is."""
    return {
        name: tensor.detach().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }


def _fetched(tensors: Weights | None) -> Weights | None:
    """The same, for a file."""
    return None if tensors is None else {name: tensor.cpu() for name, tensor in tensors.items()}
