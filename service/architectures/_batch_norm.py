"""Batch normalisation that also takes the last batch of an epoch when it is a single image.

torch refuses it: one value has no spread. Here it is normalised by the running statistics, as in evaluation, and
leaves them as they are.
"""

import torch
from torch import nn


class BatchNorm1d(nn.BatchNorm1d):
    """`(batch, features)`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name for it
        return _by_running_statistics(self, input) if _is_single(self, input) else super().forward(input)


class BatchNorm2d(nn.BatchNorm2d):
    """`(batch, channels, height, width)`; a single image is enough while it has more than one pixel."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name for it
        return _by_running_statistics(self, input) if _is_single(self, input) else super().forward(input)


def _is_single(layer: nn.BatchNorm1d | nn.BatchNorm2d, values: torch.Tensor) -> bool:
    return layer.training and values.numel() == layer.num_features


def _by_running_statistics(layer: nn.BatchNorm1d | nn.BatchNorm2d, values: torch.Tensor) -> torch.Tensor:
    return nn.functional.batch_norm(
        values, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps
    )
