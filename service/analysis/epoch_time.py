"""How long an epoch is likely to take, by those of earlier runs."""

from collections.abc import Sequence
from math import log
from statistics import median
from typing import NamedTuple

from service.domain.preview import EpochEstimate
from service.domain.timing import Timing

NEAREST = 5
"""Runs of other work that an estimate rests on: those whose work is most like it, as small batches cost more."""


class Work(NamedTuple):
    """A run, and what an epoch of it asks for: multiply-accumulates of an image times training images."""

    timing: Timing
    multiply_accumulates: int


def from_same(timings: Sequence[Timing]) -> EpochEstimate:
    """From at least one run of the very network: the median, of those that were trained alone where there are any."""
    chosen, beside = _least_beside(timings)
    return EpochEstimate(
        seconds=median(each.epoch_seconds for each in chosen),
        from_runs=len(chosen),
        basis="median of runs on this machine of the same network on the same training images, with the same batch "
        f"size, optimizer, precision and device{beside}",
    )


def scaled(multiply_accumulates: int, known: Sequence[Work], *, kind: str) -> EpochEstimate:
    """From at least one run of other work: the median of their seconds per multiply-accumulate.

    It costs an epoch of small batches more than this says, and one of large layers less: it is an order of magnitude.
    """
    chosen, beside = _least_beside([each.timing for each in known])
    alike = [each for each in known if each.timing in chosen]
    nearest = sorted(alike, key=lambda each: abs(log(each.multiply_accumulates / multiply_accumulates)))[:NEAREST]
    rate = median(each.timing.epoch_seconds / each.multiply_accumulates for each in nearest)
    return EpochEstimate(
        seconds=rate * multiply_accumulates,
        from_runs=len(nearest),
        basis=f"scaled by multiply-accumulates times training images from runs on this machine of {kind}, those "
        f"nearest in work: median seconds per multiply-accumulate{beside}",
    )


def _least_beside(timings: Sequence[Timing]) -> tuple[list[Timing], str]:
    fewest = min(each.trained_beside for each in timings)
    chosen = [each for each in timings if each.trained_beside == fewest]
    return chosen, f"; they were trained beside {fewest} others, and alone it is quicker" if fewest else ""
