"""Learning by autograd on a processor: any network, in one of two precisions."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from service.domain.spec import ExperimentSpec, Precision
from workers import heap, team, threads
from workers.blocks import BlockLearner
from workers.rearrangement import Share, rearrange

FEWEST_IMAGES = 8
"""A share has at least so many, or there is none."""


class AutogradLearner(BlockLearner):
    """Convolutions keep their weights with the channels last in memory, which their kernels prefer, and what learns and
    is evaluated is the network rearranged: the same function of the same parameters. The threads of `workers/team.py`
    share a batch that is worth it.
    """

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        if any(isinstance(layer, nn.Conv2d) for layer in network):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this form
        heap.keep_freed_memory()
        self._bf16 = spec.precision is Precision.BF16
        self.shared = threads.worth_it(spec)
        # Two threads with tiles wait for memory: on two cores a step of mnist_example takes 58 ms so, 50 without.
        tiled = not self._bf16 and not self.shared
        self._quick = rearrange(network, tiled=tiled)
        self._leaves = list(network.parameters())
        self._meeting = team.Meeting()
        self._generators = [torch.Generator() for _ in range(team.SHARES)]
        self._shares = [
            rearrange(network, tiled=tiled, share=Share(number, self._meeting, generator))
            for number, generator in enumerate(self._generators)
        ]
        super().__init__(network, spec)

    @property
    def evaluated(self) -> nn.Module:
        """The network, rearranged."""
        return self._quick

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)
        for number, generator in enumerate(self._generators):
            generator.manual_seed((seed + number) % 2**63)

    def begin_epoch(self, images: int) -> None:
        for layers in (self._quick, *self._shares):
            layers.train()
        self._images = images
        self._loss_sum = torch.zeros((), dtype=torch.float64)
        self._hits = torch.zeros((), dtype=torch.int64)

    def epoch_figures(self) -> tuple[float, float]:
        return self._loss_sum.item() / self._images, int(self._hits) / self._images

    def _flat_parameters(self) -> list[torch.Tensor]:
        return [_in_memory_order(parameter.data) for parameter in self.network.parameters()]

    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> Iterator[torch.Tensor]:
        shares = _shares(images, labels) if self.shared and len(labels) >= team.SHARES * FEWEST_IMAGES else []
        if shares:
            passes = team.shared(self._of_a_share, shares)
        else:
            passes = [self._pass(self._quick, images, labels, batch=len(labels))]
        for each in passes:
            self._loss_sum += each.loss
            self._hits += each.hits
        for gradients in zip(*(each.gradients for each in passes), strict=True):
            flat = [_flattened(gradient) for gradient in gradients]
            for other in flat[1:]:
                flat[0] = flat[0].add_(other)
            yield flat[0]

    def _of_a_share(self, share: "_Images") -> "_Outcome":
        try:
            return self._pass(self._shares[share.number], share.images, share.labels, batch=share.batch)
        except BaseException:
            self._meeting.leave()
            raise

    def _pass(self, layers: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, batch: int) -> "_Outcome":
        """Forward and backward; the loss is a mean over the whole batch, of which these may be a share."""
        with self._precision():
            logits = layers(images)
            total = functional.cross_entropy(logits, labels, label_smoothing=self._smoothing, reduction="sum")
        gradients = torch.autograd.grad(total / batch, self._leaves)
        with torch.no_grad():
            return _Outcome(gradients, total.detach().double(), (logits.argmax(1) == labels).sum())

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast("cpu", dtype=torch.bfloat16) if self._bf16 else nullcontext()


class _Outcome(NamedTuple):
    """What a pass gives; the last two are sums over its images."""

    gradients: tuple[torch.Tensor, ...]
    loss: torch.Tensor
    hits: torch.Tensor


class _Images(NamedTuple):
    """A share of a batch of so many."""

    number: int
    batch: int
    images: torch.Tensor
    labels: torch.Tensor


def _shares(images: torch.Tensor, labels: torch.Tensor) -> list[_Images]:
    parts = zip(images.chunk(team.SHARES), labels.chunk(team.SHARES), strict=True)
    return [_Images(number, len(labels), *part) for number, part in enumerate(parts)]


def _flattened(gradient: torch.Tensor) -> torch.Tensor:
    if gradient.dim() == 4:
        return _in_memory_order(gradient.contiguous(memory_format=torch.channels_last))
    return gradient.reshape(-1)


def _in_memory_order(tensor: torch.Tensor) -> torch.Tensor:
    """A one-dimensional view of it: a convolution's weights lie with their channels last."""
    return tensor.permute(0, 2, 3, 1).reshape(-1) if tensor.dim() == 4 else tensor.view(-1)
