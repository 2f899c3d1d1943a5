"""Dropout's masks for networks that learn in rows: each row from its own seed, whatever the others draw.

A generator gives its numbers one after another, so networks would need one each, and a launch each. Here a number is
reckoned from where it stands: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
What mixes it is SplitMix64's last step: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014. So a mask depends on seed, step, layer and place alone, and is the same on every device.
"""

from collections.abc import Sequence

import torch

from workers.dropout import LEVELS

GOLDEN = 0x9E3779B97F4A7C15 - 2**64
"""Apart from a number to the next of its mask, as in SplitMix64; signed, as torch's integers are."""
OF_STEPS, OF_LAYERS = 0x6A09E667F3BCC909, 0xBB67AE8584CAA73B - 2**64
"""From a step, and a layer, to the next: the fractions of the roots of 2 and 3, odd, so that no two masks overlap."""
MIXERS = ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64))
"""By how many bits it is shifted, and what it is then multiplied with."""
LAST_SHIFT = 31


class RowDropout:
    """Seeds are set at the start of an epoch, at whose steps `step` counts up."""

    def __init__(self, rows: int, device: torch.device) -> None:
        self.seeds = torch.zeros(rows, dtype=torch.int64, device=device)
        self.step = torch.zeros((), dtype=torch.int64, device=device)
        self._bounds: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def draw(self, mask: torch.Tensor, probabilities: Sequence[float], *, layer: int) -> None:
        """Fill a float32 tensor `(rows, batch, features)` as `workers/dropout.py` does, with a probability a row.

        A layer's probabilities are always the same.
        """
        if layer not in self._bounds:
            self._bounds[layer] = _bounds(probabilities, like=mask)
        least, scale = self._bounds[layer]
        rows, numbers = len(mask), mask[0].numel()
        words = torch.arange(-(-numbers // 4), device=mask.device).mul_(GOLDEN)
        words = words + (self.seeds + self.step * OF_STEPS + layer * OF_LAYERS).unsqueeze(1)
        for shift, mixer in MIXERS:
            words.bitwise_xor_(_shifted(words, shift)).mul_(mixer)
        words.bitwise_xor_(_shifted(words, LAST_SHIFT))
        drawn = words.view(torch.int16)[:, :numbers].reshape(rows, *mask.shape[1:])
        torch.ge(drawn, least, out=mask)
        mask.mul_(scale)


def _bounds(probabilities: Sequence[float], *, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The least of 65,536 numbers that is kept, and what makes up for those that are not, `(rows, 1, 1)` each."""
    silenced = [min(round(each * LEVELS), LEVELS - 1) for each in probabilities]
    least = torch.tensor([each - LEVELS // 2 for each in silenced], dtype=torch.int16, device=like.device)
    scale = torch.tensor([LEVELS / (LEVELS - each) for each in silenced], device=like.device)
    return least.view(-1, 1, 1), scale.view(-1, 1, 1)


def _shifted(words: torch.Tensor, bits: int) -> torch.Tensor:
    """To the right, with zeros from the left: torch's own shift repeats the sign."""
    return (words >> bits).bitwise_and_((1 << (64 - bits)) - 1)
