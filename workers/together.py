"""Batch normalisation of a batch that several threads share: by the statistics of all of it, as if it were one.

Ioffe and Szegedy, arXiv:1502.03167. Two sums of each channel are exchanged on the way forward, and two on the way back.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from workers.team import Meeting

_aten = torch.ops.aten


class BatchNorm(nn.Module):
    """One thread's part of a batch normalisation, with its parameters; the first share moves its running statistics."""

    def __init__(self, layer: "nn.BatchNorm1d | nn.BatchNorm2d", meeting: Meeting, *, share: int) -> None:
        super().__init__()
        self.layer, self.meeting, self.share = layer, meeting, share

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """`(share of the batch, channels, ...)`, while training."""
        normalised: torch.Tensor = _Normalise.apply(  # type: ignore[no-untyped-call]  # torch's stubs have no types for it
            values, self.layer.weight, self.layer.bias, self
        )
        return normalised

    def statistics(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Mean and (population) variance of each channel over the whole batch, and how many values it has."""
        count = values.numel() // values.shape[1]
        like = values.new_zeros(values.shape[1], dtype=torch.float32)
        mean, variance = _aten.batch_norm_update_stats(values, like, like.clone(), 0.0)
        mean, variance = mean.double(), variance.double()
        sums = torch.stack([mean * count, (variance + mean**2) * count, torch.full_like(mean, count)])
        first, second, counts = self.meeting.sum(sums, share=self.share)
        mean = first / counts
        variance = (second / counts - mean**2).clamp_(min=0)
        return mean.float(), variance.float(), int(counts[0])

    def remember(self, mean: torch.Tensor, variance: torch.Tensor, count: int) -> None:
        """As the layer does: by its momentum, with the variance of a sample."""
        layer = self.layer
        if self.share == 0 and layer.running_mean is not None and layer.running_var is not None:
            momentum = layer.momentum or 0.0
            layer.running_mean.lerp_(mean, momentum)
            layer.running_var.lerp_(variance * (count / (count - 1)), momentum)
            if layer.num_batches_tracked is not None:
                layer.num_batches_tracked += 1


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, part: BatchNorm
    ) -> torch.Tensor:
        mean, variance, count = part.statistics(values)
        part.remember(mean, variance, count)
        ctx.save_for_backward(values, weight, mean, (variance + part.layer.eps).rsqrt())
        ctx.part, ctx.count = part, count
        return functional.batch_norm(values, mean, variance, weight, bias, eps=part.layer.eps)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, weight, mean, scale = ctx.saved_tensors
        part: BatchNorm = ctx.part
        gradient = gradients[0]
        _none, of_weight, of_bias = _aten.native_batch_norm_backward(
            gradient, values, weight, None, None, mean, scale, True, part.layer.eps, [False, True, True]
        )
        both = part.meeting.sum(torch.stack([of_weight, of_bias]), share=part.share) / ctx.count
        slope = weight * scale
        pull = slope * scale * both[0]
        # slope * (gradient - mean of it - normalised values * mean of their product), channel by channel.
        moved = _scaled(gradient, slope, mean * pull - slope * both[1])
        return moved.sub_(_scaled(values, pull, torch.zeros_like(pull))), of_weight, of_bias, None


def _scaled(values: torch.Tensor, slope: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """slope * values + shift, of each channel its own: the kernel that evaluates a normalisation does just that."""
    zeros, ones = torch.zeros_like(slope), torch.ones_like(slope)
    return functional.batch_norm(values, zeros, ones, slope, shift, eps=0.0)
