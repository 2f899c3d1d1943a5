"""A network that learns on a GPU: in rows of its own (`workers/rows.py`), or in a row beside others."""

from collections.abc import Sequence

import torch
from torch import nn

from service.domain.spec import ExperimentSpec, Precision
from workers import devices
from workers.autograd_stack import channels_at_the_end, stretches
from workers.dense import is_written_out
from workers.evaluation import Evaluation
from workers.learner import Learner
from workers.rearrangement import rearrange
from workers.rows import Rows
from workers.training_data import TrainingData
from workers.update_rules import State


class RowLearner(Learner):
    """Where it learns is made when it is first needed: it may be about to join others."""

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        super().__init__(network, spec)
        devices.settle()
        self.device = next(network.parameters()).device
        self.written_out = is_written_out(network, spec)
        self.seeded = 0
        """What the chance of the epoch follows from."""
        self.memory: State = {}
        """What the optimizer remembers, by name, of the whole row; nothing before it has a row."""
        self._evaluated = network if self.written_out else rearrange(network, tiled=False)
        self._rows: Rows | None = None
        self._row = 0

    @property
    def evaluated(self) -> nn.Module:
        """The network, rearranged where that is quicker."""
        return self._evaluated

    def join(self, rows: Rows, row: int, memory: State) -> None:
        """Live in this row from now on, into which all that was learnt has been copied."""
        self._rows, self._row, self.memory = rows, row, memory

    def alone(self) -> Rows:
        """Live in rows of its own, if that is not so already."""
        if self._rows is None or len(self._rows) > 1:
            self._rows = Rows([self])
        return self._rows

    def _place(self) -> Rows:
        """Where it lives now."""
        return self.alone() if self._rows is None else self._rows

    def seed(self, seed: int) -> None:
        """Dense networks draw from their row's masks, the others from torch's generator for the device."""
        self.seeded = seed
        if not self.written_out:
            torch.manual_seed(seed)

    def begin_epoch(self, images: int) -> None:
        self.alone().begin_epoch(images)

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rate: float) -> None:
        self.alone().step(images.unsqueeze(0), labels.unsqueeze(0), learning_rates=[learning_rate])

    def epoch_figures(self) -> tuple[float, float]:
        return self._place().figures(self._row)

    def judge(self, data: TrainingData) -> Evaluation:
        (judged,) = self.alone().judge([data])
        return judged

    def judge_alone(self, data: TrainingData) -> Evaluation:
        """By the network itself, which need not be a dense one."""
        return super().judge(data)

    @property
    def remembered(self) -> Sequence[State]:
        self._place()
        if self.written_out:
            return [self.memory]
        last = self.spec.precision is Precision.BF16
        leaves = list(self.network.parameters())
        return [
            {name: channels_at_the_end(row[part], leaf, channels_last=last) for name, row in self.memory.items()}
            for part, leaf in zip(stretches(leaves), leaves, strict=True)
        ]
