"""The optimizers' update rules for networks in the rows of a matrix, whose settings stand in columns beside it.

They are those of `workers/update_rules.py`, in a form that a GPU can record once and replay: no number in them comes
from the processor. Whoever has another learning rate, weight decay or momentum has another number in the column.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch

from service.domain.optimizers import AdaDelta, AdaGrad, Adam, AdamW, OptimizerOptions, RmsProp, Sgd
from workers.update_rules import State


class Columns(NamedTuple):
    """What the rows differ in, float32 `(rows, 1)`; steps count from 1."""

    learning_rate: torch.Tensor
    step: torch.Tensor
    momentum: torch.Tensor
    weight_decay: torch.Tensor | None
    """None where no row has any."""


Update = Callable[[torch.Tensor, torch.Tensor, State, Columns], None]
"""Moves the parameters in place, given the gradients, which may be overwritten, and what is remembered of them."""


def build(options: OptimizerOptions) -> Update:
    """The rule of an optimizer, whose learning rate, momentum and weight decay are in the columns."""
    return partial(_RULES[type(options)], options)


def _sgd(options: Sgd, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Columns) -> None:
    _decay(parameters, gradients, now)
    if options.momentum:
        velocity = state["momentum_buffer"].mul_(now.momentum).add_(gradients)
        gradients = gradients.addcmul_(velocity, now.momentum) if options.nesterov else velocity
    parameters.addcmul_(gradients, now.learning_rate, value=-1)


def _adam(options: Adam | AdamW, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Columns) -> None:
    first, second = options.betas
    if not isinstance(options, AdamW):
        _decay(parameters, gradients, now)
    elif now.weight_decay is not None:
        parameters.mul_(1 - now.learning_rate * now.weight_decay)
    mean = state["exp_avg"].lerp_(gradients, 1 - first)
    square = state["exp_avg_sq"].mul_(second).addcmul_(gradients, gradients, value=1 - second)
    scale = square.sqrt().div_(_missing(second, now.step).sqrt_()).add_(options.epsilon)
    parameters.addcdiv_(mean * (now.learning_rate / _missing(first, now.step)), scale, value=-1)


def _missing(beta: float, step: torch.Tensor) -> torch.Tensor:
    """1 - beta ** step, without the cancellation."""
    if not beta:
        return torch.ones_like(step)
    return torch.expm1(step * math.log(beta)).neg_()


def _rms_prop(options: RmsProp, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Columns) -> None:
    _decay(parameters, gradients, now)
    square = state["square_avg"].mul_(options.alpha).addcmul_(gradients, gradients, value=1 - options.alpha)
    scale = square.sqrt().add_(options.epsilon)
    if options.momentum:
        velocity = state["momentum_buffer"].mul_(now.momentum).addcdiv_(gradients, scale)
        parameters.addcmul_(velocity, now.learning_rate, value=-1)
    else:
        parameters.addcdiv_(gradients.mul_(now.learning_rate), scale, value=-1)


def _ada_grad(options: AdaGrad, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Columns) -> None:
    _decay(parameters, gradients, now)
    total = state["sum"].addcmul_(gradients, gradients)
    parameters.addcdiv_(gradients.mul_(now.learning_rate), total.sqrt().add_(options.epsilon), value=-1)


def _ada_delta(
    options: AdaDelta, parameters: torch.Tensor, gradients: torch.Tensor, state: State, now: Columns
) -> None:
    _decay(parameters, gradients, now)
    square = state["square_avg"].mul_(options.rho).addcmul_(gradients, gradients, value=1 - options.rho)
    moves = state["acc_delta"]
    move = moves.add(options.epsilon).div_(square.add(options.epsilon)).sqrt_().mul_(gradients)
    moves.mul_(options.rho).addcmul_(move, move, value=1 - options.rho)
    parameters.addcmul_(move, now.learning_rate, value=-1)


def _decay(parameters: torch.Tensor, gradients: torch.Tensor, now: Columns) -> None:
    if now.weight_decay is not None:
        gradients.addcmul_(parameters, now.weight_decay)


_RULES: Mapping[type[OptimizerOptions], Callable[[Any, torch.Tensor, torch.Tensor, State, Columns], None]] = {
    Sgd: _sgd,
    Adam: _adam,
    AdamW: _adam,
    RmsProp: _rms_prop,
    AdaGrad: _ada_grad,
    AdaDelta: _ada_delta,
}
