"""Networks of any kind that learn by autograd on a GPU, side by side: a row of a matrix each, and a stream each.

A small network leaves most of a GPU idle, whose kernels come one after another. Those of different streams run at the
same time (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-streams), and each computes what it computes alone.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn import functional

from workers.rearrangement import rearrange

ALIGNED = 64
"""Values to whose multiple a tensor's place is padded: kernels are quicker where it begins on a line of the cache."""


class AutogradStack:
    """Networks of one shape, whose parameters become views of `parameters`: what is trained here, they are.

    `parameters` and `gradients` are `(stack, width)`: a row a network, tensor after tensor, zeros between them. A
    convolution's weights lie with their channels last where they are multiplied as bf16, as they do on a processor. In
    fp32 a GPU has quicker kernels for those that come first: a step of `mnist_example` took 0.50 ms so and 0.59 ms with
    them last, one of `cnn` 0.35 and 0.60; in bf16 `mnist_example` took 0.38 and 0.36 (an H200).
    """

    def __init__(self, networks: Sequence[nn.Sequential], *, bf16: bool) -> None:
        self._bf16 = bf16
        self._leaves = [list(network.parameters()) for network in networks]
        self._layers = [rearrange(network, tiled=False) for network in networks]
        self.buffers = [buffer for network in networks for buffer in network.buffers()]
        first = self._leaves[0]
        self.parameters = torch.zeros(len(networks), _padded(first), device=first[0].device)
        self.gradients = torch.zeros_like(self.parameters)
        self._places = [
            [_shaped(row[part], leaf, channels_last=bf16) for part, leaf in zip(stretches(first), first, strict=True)]
            for row in self.gradients
        ]
        for leaves, row in zip(self._leaves, self.parameters, strict=True):
            for part, leaf in zip(stretches(first), leaves, strict=True):
                leaf.data = _shaped(row[part], leaf, channels_last=bf16).copy_(leaf.data)
        self._streams: list[torch.cuda.Stream] = []
        if len(networks) > 1 and first[0].is_cuda:
            self._streams = [torch.cuda.Stream() for _ in networks]  # type: ignore[no-untyped-call]  # torch's stubs have no types for it

    def train(self) -> None:
        """An epoch begins."""
        for layers in self._layers:
            layers.train()

    def gradients_of(
        self, images: torch.Tensor, labels: torch.Tensor, *, label_smoothing: float, losses: torch.Tensor,
        predicted: torch.Tensor,
    ) -> None:  # fmt: skip
        """As that of `workers/dense.py`; images are `(stack, batch, 1, height, width)`."""
        here = torch.cuda.current_stream() if self._streams else None
        begun = here.record_event() if here else None
        for row, given in enumerate(zip(images, labels, losses, predicted, strict=True)):
            if here is None or begun is None:
                self._pass(row, *given, label_smoothing=label_smoothing)
                continue
            stream = self._streams[row]
            stream.wait_event(begun)
            with torch.cuda.stream(stream):
                self._pass(row, *given, label_smoothing=label_smoothing)
            here.wait_stream(stream)

    def _pass(
        self, row: int, images: torch.Tensor, labels: torch.Tensor, losses: torch.Tensor, predicted: torch.Tensor,
        *, label_smoothing: float,
    ) -> None:  # fmt: skip
        with self._precision(images.device):
            logits = self._layers[row](images)
            loss = functional.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="none")
        torch._foreach_copy_(self._places[row], torch.autograd.grad(loss.mean(), self._leaves[row]))
        losses.copy_(loss.detach())
        predicted.copy_(logits.detach().argmax(1))

    def _precision(self, device: torch.device) -> AbstractContextManager[object]:
        return torch.autocast(device.type, dtype=torch.bfloat16) if self._bf16 else nullcontext()


def stretches(parameters: Sequence[torch.Tensor]) -> Iterator[slice]:
    """Where each of them lies in a row."""
    used = 0
    for parameter in parameters:
        yield slice(used, used + parameter.numel())
        used += _padded([parameter])


def _padded(parameters: Sequence[torch.Tensor]) -> int:
    return sum(math.ceil(parameter.numel() / ALIGNED) * ALIGNED for parameter in parameters)


def channels_at_the_end(stretch: torch.Tensor, parameter: torch.Tensor, *, channels_last: bool) -> torch.Tensor:
    """The stretch in the order in which a processor has it, and checkpoints: whatever the order is here."""
    if channels_last or parameter.dim() != 4:
        return stretch
    return stretch.view(parameter.shape).permute(0, 2, 3, 1)


def _shaped(stretch: torch.Tensor, parameter: torch.Tensor, *, channels_last: bool) -> torch.Tensor:
    """The stretch of a row as the parameter that lies there."""
    if not channels_last or parameter.dim() != 4:
        return stretch.view(parameter.shape)
    units, channels, height, width = parameter.shape
    return stretch.view(units, height, width, channels).permute(0, 3, 1, 2)
