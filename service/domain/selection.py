"""Which epoch is the best so far, and whether to stop: a fold over the epochs, so that a resumed run decides alike."""

from typing import Self

from service.domain.metrics import EpochMetrics
from service.domain.record import Record
from service.domain.spec import ExperimentSpec, Monitor

Score = tuple[float, float]
"""The figure that is monitored, then the other; the higher is the better."""


class Selection(Record):
    """The best epoch of those seen. The first of equals stays the best.

    By default the highest validation accuracy is best, and of equal ones the lowest validation loss; where early
    stopping monitors the loss, the lowest loss is.
    """

    best_epoch: int | None = None
    score: Score | None = None
    waited: int = 0
    """Epochs in a row that did not better the figure by which epochs are compared; a tie broken does not."""

    def after(self, epoch: EpochMetrics, *, spec: ExperimentSpec) -> Self:
        """The selection with one more epoch seen; an epoch whose loss is not finite is never the best."""
        score = score_of(epoch.train_loss, epoch.val_loss, epoch.val_accuracy, monitor=monitor_of(spec))
        if score is not None and (self.score is None or score > self.score):
            is_tie = self.score is not None and score[0] == self.score[0]
            waited = self.waited + 1 if is_tie else 0
            return self.model_copy(update={"best_epoch": epoch.epoch, "score": score, "waited": waited})
        return self.model_copy(update={"waited": self.waited + 1})

    def exhausted(self, spec: ExperimentSpec) -> bool:
        """True where the spec's patience is at its end."""
        return spec.early_stopping is not None and self.waited >= spec.early_stopping.patience

    def with_new_patience(self) -> Self:
        """The same best epoch, waiting anew: a finished run that is continued gets its patience again."""
        return self.model_copy(update={"waited": 0})


def monitor_of(spec: ExperimentSpec) -> Monitor:
    """The validation figure by which the epochs of such a run are compared."""
    return Monitor.VAL_ACCURACY if spec.early_stopping is None else spec.early_stopping.monitor


def score_of(
    train_loss: float | None, val_loss: float | None, val_accuracy: float | None, *, monitor: Monitor
) -> Score | None:
    """Of one epoch, of a run or of the mean over several; None where a figure is not finite: it is never the best.

    The one rule by which an epoch is the best, wherever one is named or marked (`service/web/charts/lines.js` has it
    for means of curves that still grow).
    """
    if train_loss is None or val_loss is None or val_accuracy is None:
        return None
    return (-val_loss, val_accuracy) if monitor is Monitor.VAL_LOSS else (val_accuracy, -val_loss)
