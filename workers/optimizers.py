"""From an optimizer's options to the optimizer, and its state to tensors and back."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn, optim

from service.domain.optimizers import AdaDelta, AdaGrad, Adam, AdamW, OptimizerOptions, RmsProp, Sgd

_CLASSES: dict[type[OptimizerOptions], Callable[..., optim.Optimizer]] = {
    Sgd: optim.SGD,
    Adam: optim.Adam,
    AdamW: optim.AdamW,
    RmsProp: optim.RMSprop,
    AdaGrad: optim.Adagrad,
    AdaDelta: optim.Adadelta,
}
_NAMES = {"learning_rate": "lr", "epsilon": "eps"}
"""Where torch's name of an option is another than ours."""


def build(options: OptimizerOptions, network: nn.Module) -> optim.Optimizer:
    """The optimizer of a network's parameters."""
    values = {_NAMES.get(name, name): value for name, value in options.model_dump(exclude={"name"}).items()}
    return _CLASSES[type(options)](network.parameters(), **values)


def set_learning_rate(optimizer: optim.Optimizer, learning_rate: float) -> None:
    """Use this learning rate from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def state_tensors(optimizer: optim.Optimizer) -> dict[str, torch.Tensor]:
    """All that an optimizer remembers, by `<parameter>.<name>`; its options are in the spec."""
    state: Mapping[int, Mapping[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{parameter}.{name}": value
        for parameter, memory in state.items()
        for name, value in memory.items()
        if isinstance(value, torch.Tensor)
    }


def load_state_tensors(optimizer: optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what `state_tensors` gave."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        parameter, _, name = key.partition(".")
        state.setdefault(int(parameter), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
