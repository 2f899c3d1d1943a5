"""Learning on a processor: flat buffers of parameters, and the optimizer's rule on a block of them at a time."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import nn

from service.domain.spec import ExperimentSpec
from workers.learner import Learner
from workers.update_rules import Now, State, UpdateRule


class BlockLearner(Learner):
    """A learner that gives the gradient of each buffer, and leaves the rest to this class."""

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        super().__init__(network, spec)
        self._smoothing = spec.loss.label_smoothing
        parameters = self._flat_parameters()
        self._keep_in(parameters, [_nothing_yet(self.rule, buffer) for buffer in parameters])

    def _keep_in(self, parameters: Sequence[torch.Tensor], memory: Sequence[State]) -> None:
        """From now on the parameters, and what the optimizer remembers of them, lie in these buffers."""
        self._memory = list(memory)
        self._blocks = [blocks(buffer, state, rule=self.rule) for buffer, state in zip(parameters, memory, strict=True)]

    @property
    def remembered(self) -> Sequence[State]:
        return self._memory

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rate: float) -> None:
        self.update(self._gradients(images, labels), learning_rate=learning_rate)

    def update(self, gradients: Iterator[torch.Tensor], *, learning_rate: float) -> None:
        """One step of the optimizer, given the gradient of each buffer, which may be overwritten."""
        self.steps += 1
        now = Now(learning_rate=learning_rate, step=self.steps)
        for parts, gradient in zip(self._blocks, gradients, strict=True):
            for block in parts:
                self.rule.update(block.parameters, gradient[block.start : block.end], block.state, now)

    @abstractmethod
    def _flat_parameters(self) -> list[torch.Tensor]:
        """Buffers of all parameters, one-dimensional, that the network sees change."""

    @abstractmethod
    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> Iterator[torch.Tensor]:
        """The gradient of each buffer for this batch; may be overwritten."""


class Block:
    """Views of a stretch of one buffer and of what is remembered of it."""

    def __init__(self, parameters: torch.Tensor, state: State, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.parameters = parameters[start:end]
        self.state = {name: value[start:end] for name, value in state.items()}


def blocks(parameters: torch.Tensor, state: State, *, rule: UpdateRule) -> list[Block]:
    """A one-dimensional buffer in pieces that fit the cache, where the rule goes through them more than once."""
    whole = max(1, parameters.numel())
    bounds = pairwise([*range(0, parameters.numel(), rule.block or whole), parameters.numel()])
    return [Block(parameters, state, start, end) for start, end in bounds]


def _nothing_yet(rule: UpdateRule, parameters: torch.Tensor) -> State:
    return {name: torch.zeros_like(parameters) for name in rule.memory}
