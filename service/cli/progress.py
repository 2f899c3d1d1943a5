"""Bars of runs that learn, with their newest figures, and the same figures in words for what is no terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from service.domain.experiment import Experiment, LastEpoch, State
from service.domain.metrics import EpochMetrics

LOOK = {State.COMPLETED: "green", State.FAILED: "red", State.CANCELLED: "yellow", State.RUNNING: "cyan"}


class Bars(Progress):
    """A bar for each experiment, by its id."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=24)),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            _Figures(table_column=Column(no_wrap=True)),
            _StateColumn(table_column=Column(no_wrap=True)),
            console=console,
            expand=True,
        )
        self._bars: dict[str, TaskID] = {}

    def show(self, experiment: Experiment, last: LastEpoch | EpochMetrics | None = None) -> None:
        """Set the experiment's bar to what it says, or to a newer epoch."""
        last = last or experiment.last
        if experiment.id not in self._bars:
            self._bars[experiment.id] = self.add_task(experiment.name, total=experiment.progress.epochs, start=False)
        bar = self._bars[experiment.id]
        if experiment.state is State.RUNNING:
            self.start_task(bar)
        total = experiment.progress.epochs
        done = experiment.progress.epoch if last is None else last.epoch
        if experiment.state is State.COMPLETED:
            total = done  # early stopping: what was not needed is not missing
        self.update(bar, completed=done, total=total, state=experiment.state, last=last)


class GroupBars(Progress):
    """A bar for each group of experiments that are trained for the same purpose, by its name."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=24)),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            TextColumn("{task.fields[ended]}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            expand=True,
        )
        self._bars: dict[str, TaskID] = {}

    def show(self, name: str, members: Sequence[Experiment]) -> None:
        """Set the group's bar to the epochs of all its experiments."""
        ended = sum(each.state.ended for each in members)
        done = sum(each.progress.epochs if each.state.ended else each.progress.epoch for each in members)
        total = sum(each.progress.epochs for each in members)
        words = f"{ended} of {len(members)} ended"
        if name not in self._bars:
            self._bars[name] = self.add_task(name, total=total, ended=words)
        self.update(self._bars[name], completed=done, total=total, ended=words)


class _Figures(ProgressColumn):
    """Training loss, training and validation accuracy of the newest epoch, short enough for a narrow terminal."""

    max_refresh = 0.1

    def render(self, task: Task) -> Text:
        last = task.fields.get("last")
        if last is None:
            return Text()
        loss, training, validation = number(last.train_loss), number(last.train_accuracy), number(last.val_accuracy)
        return Text(f"loss {loss}  acc {training}  val {validation}", style="dim")


class _StateColumn(ProgressColumn):
    """`queued`, `running`, ..., in the colour of it."""

    def render(self, task: Task) -> Text:
        state = task.fields.get("state", State.QUEUED)
        return Text(f"{state:9}", style=LOOK.get(state, ""))


def figures(last: LastEpoch | EpochMetrics) -> str:
    """Such as `loss 0.0731  accuracy 0.9792  validation 0.1012 0.9690`."""
    return (
        f"loss {number(last.train_loss)}  accuracy {number(last.train_accuracy)}"
        f"  validation {number(last.val_loss)} {number(last.val_accuracy)}"
    )


def number(value: float | None) -> str:
    """Four decimals, or a dash where there is no finite value."""
    return "–" if value is None else f"{value:.4f}"
