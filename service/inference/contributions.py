"""A linear network's logit gap, pixel by pixel.

However many layers it has, such a network is one affine map. So the difference of two logits is a weight for each
pixel, times the pixel, summed, plus a number for the bias: the whole account of the answer, nothing left out.
"""

import copy
from typing import TYPE_CHECKING

import numpy as np

from service.domain.saliency import Contributions, Input, Pair
from service.errors import ConflictError
from service.inference.numbers import listed, single
from service.inference.subject import Subject

if TYPE_CHECKING:
    from torch import nn


def describe(subject: Subject, *, asked: Pair, input: Input) -> Contributions:  # noqa: A002  # as in the query
    """The account of the gap; `ConflictError` where the network is not linear."""
    bent = nonlinear(subject.model.network)
    if bent:
        raise ConflictError(
            f"the pixels' contributions add up to the logits only where a network is linear, and {' and '.join(bent)} "
            "bend this one: ask for its saliency"
        )
    digit, against = subject.pair(asked)
    weights, bias = _gap_map(subject, digit, against)
    manifest = subject.model.manifest
    if input is Input.INK:
        seen = subject.pixels.astype(np.float64) / 255
        bias -= float(weights.sum()) * manifest.mean / manifest.std
        weights /= manifest.std
    else:
        seen = subject.batch()[0, 0].numpy().astype(np.float64)
    map_ = weights * seen
    pixels = float(map_.sum())
    network_gap = float(subject.logits[digit] - subject.logits[against])
    return Contributions(
        **subject.looked(),
        digit=digit,
        against=against,
        input=input,
        weights=listed(weights),
        map=listed(map_),
        pixels=single(pixels),
        bias=single(bias),
        gap=single(pixels + bias),
        network_gap=single(network_gap),
        difference=single(pixels + bias - network_gap),
        prediction=subject.prediction,
    )


def nonlinear(network: "nn.Sequential") -> tuple[str, ...]:
    """The layers, as `name (Type)`, that are not affine in evaluation mode; at most the first two."""
    from torch import nn

    affine = (
        nn.Linear | nn.Conv2d | nn.BatchNorm1d | nn.BatchNorm2d | nn.AvgPool2d | nn.Flatten | nn.Dropout | nn.Identity
    )
    bent = (
        f"{name} ({type(layer).__name__})" for name, layer in network.named_children() if not isinstance(layer, affine)
    )
    return tuple(each for each, _ in zip(bent, range(2), strict=False))


def _gap_map(subject: Subject, digit: int, against: int) -> tuple[np.ndarray, float]:
    """Weights `(side, side)` on the network's input, and bias, in double precision: slope and value at zero."""
    import torch

    network = copy.deepcopy(subject.model.network).double().requires_grad_(requires_grad=False)
    zero = torch.zeros_like(subject.batch(), dtype=torch.float64).requires_grad_()
    logits = network(zero)[0]
    gap = logits[digit] - logits[against]
    (weights,) = torch.autograd.grad(gap, zero)
    return weights[0, 0].numpy(), float(gap.detach())
