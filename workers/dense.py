"""Dense networks with the backward pass written out, for as many networks of one shape as are stacked.

An eager step of a small dense network spends most of its time between kernels: autograd's bookkeeping, allocations, an
optimizer call a tensor. Here parameters, gradients and the optimizer's memory are flat buffers, gradients are written
where they belong, and they are the textbook ones (Rumelhart, Hinton and Williams, Nature 323, 1986):

    delta_L = (softmax(z_L) - target) / batch      dW_l = delta_l' a_(l-1)      db_l = sum(delta_l)
    delta_(l-1) = (delta_l W_l) * mask_(l-1) * activation'(z_(l-1))

Nothing else is computed than what autograd computes, in another order of summation at most;
`tests/workers/test_dense.py` holds every activation against it. Shapes carry a leading dimension, the stack:
`(stack, batch, features)`.

A network's numbers are meant not to depend on what it is stacked with, to the bit. A kernel takes another path for the
last few values of a call, and where its operands are not aligned: so each network's parameters are padded, and batches
that do not fill whole vectors are gone through network by network. A library may choose another matrix product for a
stack as well: `workers/cohort.py` looks whether it does, here and now.
"""

import copy
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import nn

from service.domain.spec import ExperimentSpec, Precision
from workers import dropout
from workers.row_dropout import RowDropout

_aten = torch.ops.aten

VECTOR = 32
"""Images to whose multiple a batch is stacked, so that each network's values begin in a cache line of their own and
fill whole steps of a kernel: those take 32 numbers at once at most."""
PADDED = 64
"""Values to whose multiple a network's parameters are padded."""


class _Activation(NamedTuple):
    """`forward` gives the activations; `backward` gives, from the gradient and what was kept, that before it."""

    forward: Callable[[torch.Tensor], torch.Tensor]
    backward: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    keeps_input: bool = False
    """What `backward` wants: the input, or else the output, into whose place `forward` may write."""


ACTIVATIONS: dict[type[nn.Module], _Activation] = {
    nn.Identity: _Activation(lambda z: z, lambda g, _: g),
    nn.Sigmoid: _Activation(torch.sigmoid_, _aten.sigmoid_backward),
    nn.Tanh: _Activation(torch.tanh_, _aten.tanh_backward),
    nn.ReLU: _Activation(lambda z: z.clamp_min_(0), lambda g, a: _aten.threshold_backward(g, a, 0)),
    nn.LeakyReLU: _Activation(
        nn.functional.leaky_relu, lambda g, z: _aten.leaky_relu_backward(g, z, 0.01, False), keeps_input=True
    ),
    nn.ELU: _Activation(nn.functional.elu, lambda g, z: _aten.elu_backward(g, 1, 1, 1, False, z), keeps_input=True),
    nn.GELU: _Activation(nn.functional.gelu, _aten.gelu_backward, keeps_input=True),
    nn.SiLU: _Activation(nn.functional.silu, _aten.silu_backward, keeps_input=True),
    nn.Softplus: _Activation(
        nn.functional.softplus, lambda g, z: _aten.softplus_backward(g, z, 1, 20), keeps_input=True
    ),
}


@dataclass
class _Layer:
    """A dense layer of the stack, what follows it, and the buffers of its last step."""

    weight: torch.Tensor
    """`(stack, out, in)`, a view of the flat parameters, as are the next three of theirs."""
    bias: torch.Tensor
    weight_gradient: torch.Tensor
    bias_gradient: torch.Tensor
    activation: _Activation | None = None
    dropout: tuple[float, ...] = ()
    """Each network's own probability; none where there is no dropout."""
    inputs: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    kept: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    mask: torch.Tensor | None = None

    def of(self, rows: slice) -> "_Layer":
        """The same layer of some of the networks."""
        views = (self.weight[rows], self.bias[rows], self.weight_gradient[rows], self.bias_gradient[rows])
        return _Layer(*views, activation=self.activation, dropout=self.dropout[rows])


def is_written_out(network: nn.Sequential, spec: ExperimentSpec) -> bool:
    """True where a network is to learn in a stack, alone or beside others: on any device the same."""
    return spec.precision is Precision.FP32 and is_dense(network)


def is_dense(network: nn.Sequential) -> bool:
    """True where the stack can stand for the network: dense layers, known activations and dropout, nothing else."""
    known = (nn.Flatten, nn.Linear, nn.Dropout, *ACTIVATIONS)
    layers = list(network)
    return (
        all(type(layer) in known for layer in layers)
        and isinstance(layers[0], nn.Flatten)
        and isinstance(layers[-1], nn.Linear)
        and all(layer.bias is not None for layer in layers if isinstance(layer, nn.Linear))
    )


class DenseStack:
    """Networks of one shape, whose parameters become views of `parameters`: what is trained here, they are.

    `parameters` and `gradients` are `(stack, width)`: a row a network, layer after layer, and then zeros.
    """

    def __init__(
        self,
        networks: Sequence[nn.Sequential],
        generators: Sequence[torch.Generator] = (),
        *,
        places: int | None = None,
        masks: RowDropout | None = None,
    ) -> None:
        """All must be `is_dense` and of the same shape.

        A network's dropout draws from its own generator or, where there are `masks`, has those of its row. Of more
        `places` than networks the last are empty: shapes, and so kernels and last bits, are then always the same.
        """
        device = next(networks[0].parameters()).device
        total = sum(parameter.numel() for parameter in networks[0].parameters())
        width = math.ceil(total / PADDED) * PADDED
        self.parameters = torch.zeros(places or len(networks), width, device=device)
        self.gradients = torch.zeros_like(self.parameters)
        self._generators, self._masks = generators, masks
        self.layers = self._stack(networks)
        one_by_one = places is None and len(networks) > 1
        self._members = [self._member(row) for row in range(len(networks))] if one_by_one else []

    @property
    def draws(self) -> bool:
        """True where there is dropout."""
        return any(layer.dropout for layer in self.layers)

    def _member(self, row: int) -> "DenseStack":
        """One network of the stack, by itself, in the same place."""
        member = copy.copy(self)
        rows = slice(row, row + 1)
        member.parameters, member.gradients = self.parameters[rows], self.gradients[rows]
        member.layers = [layer.of(rows) for layer in self.layers]
        member._generators, member._members = self._generators[rows], []
        return member

    def in_evaluation(self) -> "DenseStack":
        """The same networks in the same place, without dropout; who looks at them wants no more than rounding."""
        still = copy.copy(self)
        still.layers = [dataclasses.replace(layer, dropout=(), mask=None) for layer in self.layers]
        still._members = []
        return still

    def _stack(self, networks: Sequence[nn.Sequential]) -> list[_Layer]:
        layers: list[_Layer] = []
        used = 0
        for position, module in enumerate(networks[0]):
            if isinstance(module, nn.Linear):
                views = []
                for name in ("weight", "bias"):
                    originals = [getattr(network[position], name) for network in networks]
                    part = slice(used, used := used + originals[0].numel())
                    views += [
                        rows[:, part].view(len(rows), *originals[0].shape) for rows in (self.parameters, self.gradients)
                    ]
                    for original, place in zip(originals, views[-2], strict=False):
                        place.copy_(original.detach())
                        original.data = place
                weight, weight_gradient, bias, bias_gradient = views
                layers.append(_Layer(weight, bias, weight_gradient, bias_gradient))
            elif isinstance(module, nn.Dropout):
                own = tuple(network[position].p for network in networks)
                layers[-1].dropout = own + (0.0,) * (len(self.parameters) - len(own))  # type: ignore[assignment]
            elif type(module) in ACTIVATIONS and layers:
                layers[-1].activation = ACTIVATIONS[type(module)]
        return layers

    def gradients_of(
        self, images: torch.Tensor, labels: torch.Tensor, *, label_smoothing: float, losses: torch.Tensor,
        predicted: torch.Tensor,
    ) -> None:  # fmt: skip
        """One forward and backward pass: fills `gradients`, and what the epoch's figures are made of.

        `images`: float `(stack, batch, pixels)`; `labels`: int64 `(stack, batch)`. `losses` and `predicted`, of the
        same shape, receive each image's loss and its most probable class.
        """
        if self._members and images.shape[1] % VECTOR:
            for row, member in enumerate(self._members):
                own = slice(row, row + 1)
                member.gradients_of(
                    images[own],
                    labels[own],
                    label_smoothing=label_smoothing,
                    losses=losses[own],
                    predicted=predicted[own],
                )
            return
        logits = self.logits(images)
        classes, batch = logits.shape[1:]
        predicted.copy_(torch.max(logits, 1).indices)  # six times as quick as argmax
        log_probabilities = torch.log_softmax(logits, 1)
        index = labels.unsqueeze(1)
        torch.gather(log_probabilities, 1, index, out=losses.unsqueeze(1)).neg_()
        if label_smoothing:
            even = log_probabilities.mean(1).neg_()
            losses.mul_(1 - label_smoothing).add_(even, alpha=label_smoothing)
        delta = log_probabilities.exp_()
        if label_smoothing:
            delta.sub_(label_smoothing / classes)
        delta.scatter_add_(1, index, torch.full_like(index, label_smoothing - 1, dtype=delta.dtype))
        self._backward(delta.mul_(1 / batch).transpose(1, 2))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """`(stack, classes, batch)`, and what the way back needs is kept.

        What runs over ten classes is quick when these do not lie side by side.
        """
        values = images
        for number, layer in enumerate(self.layers[:-1]):
            layer.inputs = values
            values = torch.baddbmm(layer.bias.unsqueeze(1), values, layer.weight.transpose(1, 2))
            if layer.activation is not None:
                before, values = values, layer.activation.forward(values)
                layer.kept = before if layer.activation.keeps_input else values
            if layer.dropout:
                layer.mask = torch.empty_like(values)
                self._draw(layer.mask, layer.dropout, number)
                values = values * layer.mask
        last = self.layers[-1]
        last.inputs = values
        return torch.baddbmm(last.bias.unsqueeze(2), last.weight, values.transpose(1, 2))

    def _draw(self, masks: torch.Tensor, probabilities: Sequence[float], layer: int) -> None:
        if self._masks is not None:
            self._masks.draw(masks, probabilities, layer=layer)
            return
        for mask, probability, generator in zip(masks, probabilities, self._generators, strict=True):
            dropout.draw(mask, probability, generator=generator)

    def _backward(self, delta: torch.Tensor) -> None:
        for number in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[number]
            torch.bmm(delta.transpose(1, 2), layer.inputs, out=layer.weight_gradient)
            torch.sum(delta, 1, out=layer.bias_gradient)
            if number:
                below = self.layers[number - 1]
                delta = torch.bmm(delta, layer.weight)
                if below.mask is not None:
                    delta.mul_(below.mask)
                if below.activation is not None:
                    delta = below.activation.backward(delta, below.kept)
