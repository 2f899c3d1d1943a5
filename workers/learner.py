"""One network that learns, a batch at a time: gradients, then the optimizer's rule."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import torch
from torch import nn

from service.domain.spec import ExperimentSpec
from workers import update_rules
from workers.update_rules import Now, State, UpdateRule

STEP = "step"


class Learner(ABC):
    """A network, the optimizer's memory of it, and the figures of the epoch that goes on."""

    shared = False
    """True where the network is large enough for several threads to share its work (`workers/team.py`)."""

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        self.network = network
        self.spec = spec
        self.rule = update_rules.build(spec.optimizer)
        self.steps = 0
        self._smoothing = spec.loss.label_smoothing
        parameters = self._flat_parameters()
        self._keep_in(parameters, [_nothing_yet(self.rule, buffer) for buffer in parameters])

    def _keep_in(self, parameters: Sequence[torch.Tensor], memory: Sequence[State]) -> None:
        """From now on the parameters, and what the optimizer remembers of them, lie in these buffers."""
        self._parameters, self._memory = list(parameters), list(memory)
        self._blocks = [blocks(buffer, state, rule=self.rule) for buffer, state in zip(parameters, memory, strict=True)]

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rate: float) -> None:
        """Learn from a batch: float `(batch, 1, height, width)`, int64 `(batch,)`."""
        self.update(self._gradients(images, labels), learning_rate=learning_rate)

    def update(self, gradients: Iterator[torch.Tensor], *, learning_rate: float) -> None:
        """One step of the optimizer, given the gradient of each buffer, which may be overwritten."""
        self.steps += 1
        now = Now(learning_rate=learning_rate, step=self.steps)
        for parts, gradient in zip(self._blocks, gradients, strict=True):
            for block in parts:
                self.rule.update(block.parameters, gradient[block.start : block.end], block.state, now)

    @property
    def evaluated(self) -> nn.Module:
        """What judges images: the network, or an equal of it that is quicker."""
        return self.network

    def seed(self, seed: int) -> None:
        """All that the next epoch draws, such as dropout, follows from this; by default by torch's own generator."""
        torch.manual_seed(seed)

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
            f"{number}.{name}": value for number, state in enumerate(self._memory) for name, value in state.items()
        }
        return {STEP: torch.tensor(self.steps)} | tensors

    def load_state_tensors(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state_tensors` gave; the end of a buffer that is padding may be missing."""
        self.steps = int(tensors[STEP])
        for number, state in enumerate(self._memory):
            for name, value in state.items():
                stored = tensors[f"{number}.{name}"]
                value[: len(stored)].copy_(stored)


class Block:
    """Views of a stretch of one buffer and of what is remembered of it."""

    def __init__(self, parameters: torch.Tensor, state: State, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.parameters = parameters[start:end]
        self.state = {name: value[start:end] for name, value in state.items()}


def blocks(parameters: torch.Tensor, state: State, *, rule: UpdateRule) -> list[Block]:
    """A one-dimensional buffer in pieces that fit the cache, where the rule goes through them more than once.

    A GPU has no use for them: every launch has its price.
    """
    whole = max(1, parameters.numel())
    size = rule.block if rule.block is not None and parameters.device.type == "cpu" else whole
    bounds = pairwise([*range(0, parameters.numel(), size), parameters.numel()])
    return [Block(parameters, state, start, end) for start, end in bounds]


def _nothing_yet(rule: UpdateRule, parameters: torch.Tensor) -> State:
    return {name: torch.zeros_like(parameters) for name in rule.memory}
