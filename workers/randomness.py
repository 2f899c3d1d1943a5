"""All chance of a run: a seed for each (run, epoch, purpose), never the history of a generator.

So any epoch can be run again from the checkpoint before it, and gives the same numbers.
"""

import hashlib
from enum import StrEnum

import torch


class Purpose(StrEnum):
    """What a random number is drawn for."""

    WEIGHTS = "weights"
    SPLIT = "split"
    SHUFFLE = "shuffle"
    DROPOUT = "dropout"
    AUGMENTATION = "augmentation"


def seed_for(seed: int, *, epoch: int, purpose: Purpose) -> int:
    """A 63-bit seed that is as good as independent of that of any other run, epoch and purpose."""
    digest = hashlib.sha256(f"{seed}/{epoch}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *, epoch: int, purpose: Purpose) -> torch.Generator:
    """A generator on the CPU, whatever the device: the same numbers everywhere."""
    return torch.Generator().manual_seed(seed_for(seed, epoch=epoch, purpose=purpose))


def seed_global(seed: int, *, epoch: int, purpose: Purpose) -> None:
    """Seed torch's own generator, which weights' initialisation and dropout draw from."""
    torch.manual_seed(seed_for(seed, epoch=epoch, purpose=purpose))
