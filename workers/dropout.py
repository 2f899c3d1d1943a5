"""Dropout's masks, from two random bytes an element instead of a random number of its own."""

import torch
from torch import nn

LEVELS = 1 << 16
"""What two bytes can be: a probability is one of so many, and the scale is that of the probability really used."""


def draw(mask: torch.Tensor, probability: float, *, generator: torch.Generator | None = None) -> torch.Tensor:
    """Fill a float32 tensor with 0, with about this probability, and with 1 / (1 - it), so that its mean is 1.

    `probability` lies in 0..1, 1 excluded; it is met within 1 / 131,072. All chance is the generator's, by default
    torch's own for the device. Hinton, Srivastava, Krizhevsky, Sutskever and Salakhutdinov, arXiv:1207.0580; scaled
    while training, so that evaluation needs nothing.
    """
    silenced = min(round(probability * LEVELS), LEVELS - 1)
    if not silenced:
        return mask.fill_(1.0)
    words = torch.empty(-(-mask.numel() // 4), dtype=torch.int64, device=mask.device)
    words.random_(torch.iinfo(torch.int64).min, None, generator=generator)  # without bounds the top bit stays 0
    numbers = words.view(torch.int16)[: mask.numel()].view(mask.shape)
    torch.ge(numbers, silenced - LEVELS // 2, out=mask)
    return mask.mul_(LEVELS / (LEVELS - silenced))


class Dropout(nn.Module):
    """nn.Dropout with such masks."""

    def __init__(self, probability: float, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.probability, self.generator = probability, generator

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The values themselves outside training."""
        if not self.training:
            return values
        mask = draw(torch.empty(values.shape, device=values.device), self.probability, generator=self.generator)
        return values * mask.to(values.dtype)
