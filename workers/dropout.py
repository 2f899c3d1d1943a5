"""Dropout's masks, from two random bytes an element instead of a random number of its own."""

from math import prod

import torch
from torch import nn

LEVELS = 1 << 16
"""What two bytes can be: a probability is one in 65,536 exact, and the scale is that of the probability really used."""


def mask(shape: tuple[int, ...], probability: float, *, device: torch.device | str = "cpu") -> torch.Tensor:
    """float32 of 0, with about this probability, and of 1 / (1 - it), drawn from torch's generator of the device.

    Hinton and others, "Improving neural networks by preventing co-adaptation of feature detectors", arXiv:1207.0580,
    scaled at training time, so that its mean is exactly 1. `probability` lies in 0..1, 1 excluded.
    """
    silenced = min(round(probability * LEVELS), LEVELS - 1)
    if not silenced:
        return torch.ones(shape, device=device)
    count = prod(shape)
    words = torch.empty(-(-count // 4), dtype=torch.int64, device=device).random_(torch.iinfo(torch.int64).min, None)
    numbers = words.view(torch.int16)[:count].view(shape)
    kept = torch.ge(numbers, silenced - LEVELS // 2, out=torch.empty(shape, device=device))
    return kept.mul_(LEVELS / (LEVELS - silenced))


class Dropout(nn.Module):
    """nn.Dropout with such masks."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The values themselves outside training."""
        if not self.training:
            return values
        drawn = mask(tuple(values.shape), self.probability, device=values.device)
        return values * drawn.to(values.dtype)
