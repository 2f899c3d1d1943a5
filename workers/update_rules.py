"""The optimizers' update rules, on flat buffers, a block that fits the processor's cache at a time.

`torch.optim` runs each operation of a rule over a whole tensor before the next: on a million parameters Adadelta reads
and writes memory ten times. Run block by block the same operations, in the same order, stay in the cache. The rules are
those of `torch.optim`, which names their papers; `tests/workers/test_update_rules.py` holds each against it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch

from service.domain.optimizers import AdaDelta, AdaGrad, Adam, AdamW, OptimizerOptions, RmsProp, Sgd

BLOCK = 32_768
"""Values: with the optimizer's memory of them they fit a core's second-level cache."""

State = dict[str, torch.Tensor]


class Now(NamedTuple):
    """What an update depends on besides the block; steps count from 1."""

    learning_rate: float
    step: int


class UpdateRule(ABC):
    """What is remembered of a buffer of parameters, and how they move; a rule has no memory of its own."""

    memory: tuple[str, ...]
    """Names of the buffers, of the parameters' shape, that are zero at first."""
    block: int | None = BLOCK
    """Values at once; None: a rule that goes through them once has no use for the cache."""

    @abstractmethod
    def update(self, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Now) -> None:
        """Move one block of parameters in place. The gradients may be overwritten."""


class _Sgd(UpdateRule):
    block = None

    def __init__(self, options: Sgd) -> None:
        self._momentum, self._nesterov, self._decay = options.momentum, options.nesterov, options.weight_decay
        self.memory = ("momentum_buffer",) if self._momentum else ()

    def update(self, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Now) -> None:
        # The kernel of torch.optim's fused SGD: one pass over all of it, a third of the time of four.
        torch._fused_sgd_(
            [parameters],
            [gradients],
            [state["momentum_buffer"]] if self._momentum else [],
            weight_decay=self._decay,
            momentum=self._momentum,
            lr=now.learning_rate,
            dampening=0.0,
            nesterov=self._nesterov,
            maximize=False,
            is_first_step=False,
        )


class _Adam(UpdateRule):
    memory = ("exp_avg", "exp_avg_sq")

    def __init__(self, options: Adam | AdamW) -> None:
        self._first, self._second = options.betas
        self._epsilon, self._decay = options.epsilon, options.weight_decay
        self._decoupled = isinstance(options, AdamW)

    def update(self, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Now) -> None:
        if self._decay and self._decoupled:
            parameters.mul_(1 - now.learning_rate * self._decay)
        elif self._decay:
            gradients.add_(parameters, alpha=self._decay)
        mean = state["exp_avg"].lerp_(gradients, 1 - self._first)
        square = state["exp_avg_sq"].mul_(self._second).addcmul_(gradients, gradients, value=1 - self._second)
        scale = square.sqrt().div_(math.sqrt(1 - self._second**now.step)).add_(self._epsilon)
        parameters.addcdiv_(mean, scale, value=-now.learning_rate / (1 - self._first**now.step))


class _RmsProp(UpdateRule):
    def __init__(self, options: RmsProp) -> None:
        self._alpha, self._momentum = options.alpha, options.momentum
        self._epsilon, self._decay = options.epsilon, options.weight_decay
        self.memory = ("square_avg", "momentum_buffer") if self._momentum else ("square_avg",)

    def update(self, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Now) -> None:
        if self._decay:
            gradients.add_(parameters, alpha=self._decay)
        square = state["square_avg"].mul_(self._alpha).addcmul_(gradients, gradients, value=1 - self._alpha)
        scale = square.sqrt().add_(self._epsilon)
        if self._momentum:
            velocity = state["momentum_buffer"].mul_(self._momentum).addcdiv_(gradients, scale)
            parameters.add_(velocity, alpha=-now.learning_rate)
        else:
            parameters.addcdiv_(gradients, scale, value=-now.learning_rate)


class _AdaGrad(UpdateRule):
    memory = ("sum",)

    def __init__(self, options: AdaGrad) -> None:
        self._epsilon, self._decay = options.epsilon, options.weight_decay

    def update(self, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Now) -> None:
        if self._decay:
            gradients.add_(parameters, alpha=self._decay)
        total = state["sum"].addcmul_(gradients, gradients)
        parameters.addcdiv_(gradients, total.sqrt().add_(self._epsilon), value=-now.learning_rate)


class _AdaDelta(UpdateRule):
    memory = ("square_avg", "acc_delta")

    def __init__(self, options: AdaDelta) -> None:
        self._rho, self._epsilon, self._decay = options.rho, options.epsilon, options.weight_decay

    def update(self, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Now) -> None:
        if self._decay:
            gradients.add_(parameters, alpha=self._decay)
        square = state["square_avg"].mul_(self._rho).addcmul_(gradients, gradients, value=1 - self._rho)
        scale = square.add(self._epsilon).sqrt_()
        moves = state["acc_delta"]
        move = moves.add(self._epsilon).sqrt_().div_(scale).mul_(gradients)
        moves.mul_(self._rho).addcmul_(move, move, value=1 - self._rho)
        parameters.add_(move, alpha=-now.learning_rate)


_RULES: Mapping[type[OptimizerOptions], type[UpdateRule]] = {
    Sgd: _Sgd,
    Adam: _Adam,
    AdamW: _Adam,
    RmsProp: _RmsProp,
    AdaGrad: _AdaGrad,
    AdaDelta: _AdaDelta,
}


def build(options: OptimizerOptions) -> UpdateRule:
    """The rule of an optimizer."""
    return _RULES[type(options)](options)  # type: ignore[call-arg]  # each takes its own options
