"""Learning by autograd: any network, on any device, in one of two precisions."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn import functional

from service.domain.spec import ExperimentSpec, Precision
from workers import heap
from workers.learner import Learner
from workers.rearrangement import rearrange


class AutogradLearner(Learner):
    """Sums stay on the device: asking for a number would make every batch wait.

    Convolutions keep their weights with the channels last in memory, which their kernels prefer, and what learns and is
    evaluated is the network rearranged: the same function of the same parameters.
    """

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        if any(isinstance(layer, nn.Conv2d) for layer in network):
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this form
        heap.keep_freed_memory()
        self._bf16 = spec.precision is Precision.BF16
        self._quick = rearrange(network, tiled=not self._bf16)
        super().__init__(network, spec)

    @property
    def evaluated(self) -> nn.Module:
        """The network, rearranged."""
        return self._quick

    def begin_epoch(self, images: int) -> None:
        self._quick.train()
        device = self._parameters[0].device
        self._images = images
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._hits = torch.zeros((), dtype=torch.int64, device=device)

    def epoch_figures(self) -> tuple[float, float]:
        return self._loss_sum.item() / self._images, int(self._hits) / self._images

    def _flat_parameters(self) -> list[torch.Tensor]:
        return [_in_memory_order(parameter.data) for parameter in self.network.parameters()]

    def _gradients(self, images: torch.Tensor, labels: torch.Tensor) -> Iterator[torch.Tensor]:
        self.network.zero_grad(set_to_none=True)
        with self._precision(images.device):
            logits = self._quick(images)
            loss = functional.cross_entropy(logits, labels, label_smoothing=self._smoothing)
        torch.autograd.backward(loss)
        with torch.no_grad():
            self._loss_sum += loss * len(labels)
            self._hits += (logits.argmax(1) == labels).sum()
        for parameter in self.network.parameters():
            if parameter.grad is None:
                raise RuntimeError("a parameter takes no part in the network's answer")
            if parameter.dim() == 4:
                yield _in_memory_order(parameter.grad.contiguous(memory_format=torch.channels_last))
            else:
                yield parameter.grad.reshape(-1)

    def _precision(self, device: torch.device) -> AbstractContextManager[object]:
        return torch.autocast(device.type, dtype=torch.bfloat16) if self._bf16 else nullcontext()


def _in_memory_order(tensor: torch.Tensor) -> torch.Tensor:
    """A one-dimensional view of it: a convolution's weights lie with their channels last."""
    return tensor.permute(0, 2, 3, 1).reshape(-1) if tensor.dim() == 4 else tensor.view(-1)
