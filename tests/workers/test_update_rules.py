"""Every optimizer's rule against torch's own optimizer, on the same gradients."""

from typing import Any

import pytest
import torch
from torch import optim

from service.domain.optimizers import AdaDelta, AdaGrad, Adam, AdamW, OptimizerOptions, RmsProp, Sgd
from workers import update_rules
from workers.update_rules import Now

CASES: list[tuple[OptimizerOptions, Any, dict[str, Any]]] = [
    (Sgd(learning_rate=0.1, momentum=0.0), optim.SGD, {"lr": 0.1}),
    (Sgd(learning_rate=0.1, momentum=0.9), optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (
        Sgd(learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        optim.SGD,
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    (Adam(learning_rate=0.01), optim.Adam, {"lr": 0.01}),
    (Adam(betas=(0.8, 0.99), weight_decay=0.1), optim.Adam, {"lr": 0.001, "betas": (0.8, 0.99), "weight_decay": 0.1}),
    (AdamW(weight_decay=0.1), optim.AdamW, {"lr": 0.001, "weight_decay": 0.1}),
    (RmsProp(), optim.RMSprop, {"lr": 0.001}),
    (
        RmsProp(momentum=0.5, alpha=0.9, weight_decay=0.1),
        optim.RMSprop,
        {"lr": 0.001, "momentum": 0.5, "alpha": 0.9, "weight_decay": 0.1},
    ),
    (AdaGrad(weight_decay=0.1), optim.Adagrad, {"lr": 0.01, "weight_decay": 0.1}),
    (AdaDelta(), optim.Adadelta, {"lr": 1.0}),
    (AdaDelta(rho=0.8, weight_decay=0.1), optim.Adadelta, {"lr": 1.0, "rho": 0.8, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("options", "reference", "arguments"), CASES, ids=lambda value: getattr(value, "name", None))
def test_a_rule_moves_parameters_as_torch_does(
    options: OptimizerOptions, reference: Any, arguments: dict[str, Any]
) -> None:
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(1000, generator=generator)
    theirs, ours = torch.nn.Parameter(start.clone()), start.clone()
    usual, rule = reference([theirs], foreach=False, **arguments), update_rules.build(options)
    state = {name: torch.zeros_like(ours) for name in rule.memory}
    for step in range(1, 21):
        gradient = torch.randn(1000, generator=generator)
        theirs.grad = gradient.clone()
        usual.step()
        rule.update(ours, gradient.clone(), state, Now(learning_rate=arguments["lr"], step=step))
    moved = (theirs.detach() - start).abs().max()
    assert moved > 0
    assert (ours - theirs.detach()).abs().max() <= 1e-5 * moved


@pytest.mark.parametrize(("options", "reference", "arguments"), CASES, ids=lambda value: getattr(value, "name", None))
def test_blocks_give_what_the_whole_gives(options: OptimizerOptions, reference: Any, arguments: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(2)
    whole, rule = torch.randn(1000, generator=generator), update_rules.build(options)
    parts = whole.clone()
    of_whole, of_parts = ({name: torch.zeros_like(whole) for name in rule.memory} for _ in range(2))
    for step in range(1, 5):
        gradient = torch.randn(1000, generator=generator)
        now = Now(learning_rate=arguments["lr"], step=step)
        pieces = gradient.clone()
        rule.update(whole, gradient, of_whole, now)
        for start in range(0, 1000, 320):
            part = slice(start, start + 320)
            rule.update(parts[part], pieces[part], {name: each[part] for name, each in of_parts.items()}, now)
    assert torch.equal(whole, parts)
