"""A step on a GPU recorded once and replayed: one launch instead of hundreds.

Small networks keep a GPU waiting for the processor, which launches kernel after kernel. Where every batch has the same
shape they can be recorded (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). A recording is used only
if its first replay gives what the step gave without it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog
import torch

WARM_UP_STEPS = 3
"""Before the recording, as libraries choose their kernels and take their memory then."""
TOLERANCE = 1e-3
"""Relative to the largest gradient: kernels that add in no fixed order differ by less."""

log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """What a step gives; a replay writes it into the same memory again."""

    gradients: Sequence[torch.Tensor]
    loss: torch.Tensor
    hits: torch.Tensor


Step = Callable[[torch.Tensor, torch.Tensor], Outcome]


class RecordedStep:
    """Replays `step` for batches of the shape it was recorded with."""

    def __init__(self, step: Step, images: torch.Tensor, labels: torch.Tensor) -> None:
        self._images, self._labels = images.clone(), labels.clone()
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's stubs have no types for it
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP_STEPS):
                step(self._images, self._labels)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outcome = step(self._images, self._labels)

    def fits(self, images: torch.Tensor) -> bool:
        """True for a batch of that shape."""
        return images.shape == self._images.shape

    def __call__(self, images: torch.Tensor, labels: torch.Tensor) -> Outcome:
        """The step's outcome for this batch."""
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._outcome


def recorded(
    step: Step, images: torch.Tensor, labels: torch.Tensor, *, buffers: Sequence[torch.Tensor], seed: Callable[[], None]
) -> RecordedStep | None:
    """A recording that was seen to give what the step gives, or None, with the reason in the log.

    The network's `buffers` are as before afterwards, and `seed` has been called.
    """
    before = [buffer.clone() for buffer in buffers]

    def as_before() -> None:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
        seed()

    try:
        as_before()
        expected = step(images, labels)
        as_before()
        replay = RecordedStep(step, images, labels)
        as_before()
        agreed = _alike(replay(images, labels), expected)
    except RuntimeError as error:
        log.warning("the step cannot be recorded as a CUDA graph and is launched kernel by kernel", reason=str(error))
        return None
    finally:
        as_before()
    if not agreed:
        log.warning("a replayed CUDA graph gave another step; it is launched kernel by kernel")
    return replay if agreed else None


def _alike(one: Outcome, other: Outcome) -> bool:
    def near(a: torch.Tensor, b: torch.Tensor) -> bool:
        return bool((a - b).abs().max() <= TOLERANCE * b.abs().max())

    pairs = zip((*one.gradients, one.loss), (*other.gradients, other.loss), strict=True)
    return all(near(a, b) for a, b in pairs)
