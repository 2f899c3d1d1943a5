"""Which learner a network gets.

Two ways lead to the same numbers up to rounding: dense networks have their backward pass written out, any other goes
through autograd. Which one is taken depends on spec and device alone, so a resumed run takes the same.
"""

from collections.abc import Iterator

import torch
from torch import nn

from service.domain.spec import ExperimentSpec, Precision
from workers.autograd import AutogradLearner
from workers.dense import DenseStack, is_dense
from workers.learner import Learner


def build(network: nn.Sequential, spec: ExperimentSpec) -> Learner:
    """The quickest learner that the network allows."""
    on_cpu = next(network.parameters()).device.type == "cpu"
    written_out = on_cpu and is_dense(network) and spec.precision is Precision.FP32
    return DenseLearner(network, spec) if written_out else AutogradLearner(network, spec)


class DenseLearner(Learner):
    """Dense layers and nothing else, on the CPU."""

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        self._stack = DenseStack([network])
        super().__init__(network, spec)

    def begin_epoch(self, images: int) -> None:
        self._losses = torch.empty(1, images)
        self._predicted = torch.empty(1, images, dtype=torch.int64)
        self._labels = torch.empty(1, images, dtype=torch.int64)
        self._seen = 0

    def epoch_figures(self) -> tuple[float, float]:
        hits = int((self._predicted == self._labels).sum())
        return self._losses.sum(dtype=torch.float64).item() / self._seen, hits / self._seen

    def _flat_parameters(self) -> list[torch.Tensor]:
        return [self._stack.parameters]

    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> Iterator[torch.Tensor]:
        part = slice(self._seen, self._seen + len(labels))
        self._seen += len(labels)
        self._labels[0, part] = labels
        self._stack.gradients_of(
            images.flatten(1).unsqueeze(0),
            labels.unsqueeze(0),
            label_smoothing=self._smoothing,
            losses=self._losses[:, part],
            predicted=self._predicted[:, part],
        )
        yield self._stack.gradients
