"""Which learner a network gets.

Two ways lead to the same numbers up to rounding: dense networks have their backward pass written out, any other goes
through autograd. Which one is taken depends on the spec alone, and where it is taken on the device, so a resumed run
takes the same.
"""

from collections.abc import Iterator

import torch
from torch import nn

from service.domain.spec import ExperimentSpec
from workers.autograd import AutogradLearner
from workers.blocks import BlockLearner
from workers.dense import DenseStack, is_written_out
from workers.learner import Learner
from workers.row_learner import RowLearner
from workers.update_rules import State


def build(network: nn.Sequential, spec: ExperimentSpec) -> Learner:
    """The quickest learner that the network allows."""
    if next(network.parameters()).device.type != "cpu":
        return RowLearner(network, spec)
    return DenseLearner(network, spec) if is_written_out(network, spec) else AutogradLearner(network, spec)


class EpochFigures:
    """Of each image of an epoch as it was trained on: loss, most probable class, label; `(stack, images)` each."""

    def __init__(self, images: int, *, stack: int = 1) -> None:
        self.losses = torch.empty(stack, images)
        self.predicted = torch.empty(stack, images, dtype=torch.int64)
        self.labels = torch.empty(stack, images, dtype=torch.int64)
        self.seen = 0

    def next(self, labels: torch.Tensor) -> slice:
        """The place of a batch with these labels, `(stack, batch)`."""
        part = slice(self.seen, self.seen + labels.shape[1])
        self.seen = part.stop
        self.labels[:, part] = labels
        return part

    def mean_of(self, member: int) -> tuple[float, float]:
        """Mean loss and accuracy of one network."""
        hits = int((self.predicted[member] == self.labels[member]).sum())
        return self.losses[member].sum(dtype=torch.float64).item() / self.seen, hits / self.seen


class DenseLearner(BlockLearner):
    """Dense layers and nothing else, on the CPU: by itself, or in a row of a stack (`workers/cohort.py`)."""

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        self.generator = torch.Generator()
        self._own: DenseStack | None = DenseStack([network], [self.generator])
        super().__init__(network, spec)

    @property
    def memory(self) -> State:
        """What the optimizer remembers, by name, of the whole row of parameters."""
        return self._memory[0]

    def join(self, parameters: torch.Tensor, memory: State) -> None:
        """Live in a row of a stack from now on, into which all that was learnt has been copied."""
        self._own = None
        self._keep_in([parameters], [memory])

    def leave(self) -> DenseStack:
        """Live in a stack of its own, if that is not so already."""
        if self._own is None:
            self._own = DenseStack([self.network], [self.generator])
            self._keep_in([self._own.parameters[0]], [{name: value.clone() for name, value in self.memory.items()}])
        return self._own

    def look_at(self, figures: EpochFigures, *, member: int) -> None:
        """Answer for one network of a stack, whose epoch begins."""
        self._figures, self._member = figures, member

    def seed(self, seed: int) -> None:
        self.generator.manual_seed(seed)

    def begin_epoch(self, images: int) -> None:
        self.leave()
        self.look_at(EpochFigures(images), member=0)

    def epoch_figures(self) -> tuple[float, float]:
        return self._figures.mean_of(self._member)

    def _flat_parameters(self) -> list[torch.Tensor]:
        return [self.leave().parameters[0]]

    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> Iterator[torch.Tensor]:
        stack = self.leave()
        part = self._figures.next(labels.unsqueeze(0))
        stack.gradients_of(
            images.flatten(1).unsqueeze(0),
            labels.unsqueeze(0),
            label_smoothing=self._smoothing,
            losses=self._figures.losses[:, part],
            predicted=self._figures.predicted[:, part],
        )
        yield stack.gradients[0]
