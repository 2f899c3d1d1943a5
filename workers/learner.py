"""One network that learns, a batch at a time: gradients, then the optimizer's rule."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from itertools import pairwise

import torch
from torch import nn

from service.domain.spec import ExperimentSpec
from workers import update_rules
from workers.update_rules import BLOCK, Now, State

STEP = "step"


class Learner(ABC):
    """A network, the optimizer's memory of it, and the figures of the epoch that goes on."""

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        self.network = network
        self._rule = update_rules.build(spec.optimizer)
        self._smoothing = spec.loss.label_smoothing
        self._step = 0
        self._parameters = self._flat_parameters()
        self._state = [
            {name: torch.zeros_like(parameter) for name in self._rule.memory} for parameter in self._parameters
        ]
        self._blocks = [
            [_Block(parameter, state, start, end) for start, end in _bounds(parameter)]
            for parameter, state in zip(self._parameters, self._state, strict=True)
        ]

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rate: float) -> None:
        """Learn from a batch: float `(batch, 1, height, width)`, int64 `(batch,)`."""
        self._step += 1
        now = Now(learning_rate=learning_rate, step=self._step)
        for blocks, gradients in zip(self._blocks, self._gradients(images, labels), strict=True):
            for block in blocks:
                self._rule.update(block.parameters, gradients[block.start : block.end], block.state, now)

    @property
    def evaluated(self) -> nn.Module:
        """What judges images: the network, or an equal of it that is quicker."""
        return self.network

    @abstractmethod
    def begin_epoch(self, images: int) -> None:
        """Forget the figures of the epoch before; the one that begins has so many images."""

    @abstractmethod
    def epoch_figures(self) -> tuple[float, float]:
        """Mean loss and accuracy over the images of the epoch as they were trained on."""

    @abstractmethod
    def _flat_parameters(self) -> list[torch.Tensor]:
        """Buffers of all parameters, one-dimensional, that the network sees change."""

    @abstractmethod
    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> Iterator[torch.Tensor]:
        """The gradient of each buffer for this batch; may be overwritten."""

    def state_tensors(self) -> dict[str, torch.Tensor]:
        """All that the optimizer remembers, by `<buffer>.<name>`; its options are in the spec."""
        tensors = {
            f"{number}.{name}": value for number, state in enumerate(self._state) for name, value in state.items()
        }
        return {STEP: torch.tensor(self._step)} | tensors

    def load_state_tensors(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state_tensors` gave."""
        self._step = int(tensors[STEP])
        for number, state in enumerate(self._state):
            for name, value in state.items():
                value.copy_(tensors[f"{number}.{name}"])


class _Block:
    """Views of a stretch of one buffer and of what is remembered of it."""

    def __init__(self, parameters: torch.Tensor, state: State, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.parameters = parameters[start:end]
        self.state = {name: value[start:end] for name, value in state.items()}


def _bounds(buffer: torch.Tensor) -> Iterator[tuple[int, int]]:
    """Blocks on the CPU; a GPU has no use for them, and every launch has its price."""
    size = BLOCK if buffer.device.type == "cpu" else max(1, buffer.numel())
    return pairwise([*range(0, buffer.numel(), size), buffer.numel()])
