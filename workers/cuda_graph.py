"""A step on a GPU recorded once and replayed: one launch instead of hundreds.

Small networks keep a GPU waiting for the processor, which launches kernel after kernel. Where every batch has the same
shape they can be recorded (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). A recording is used only
if its first replay gives what the step gave without it.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
import torch

WARM_UP_STEPS = 2
"""Before the recording, as libraries choose their kernels and take their memory then."""
TOLERANCE = 1e-3
"""Relative to how far the largest change goes: kernels that add in no fixed order differ by less."""

Step = Callable[[], None]
"""Reads and writes the same memory each time."""

log = structlog.get_logger(__name__)


class Recordings:
    """One step for batches of several sizes: of each size the first is launched, and the others are replayed.

    An epoch has batches of two sizes at most, and the last of them only once.
    """

    def __init__(self, *, state: Sequence[torch.Tensor]) -> None:
        """`state` is all that a step changes and the next begins with, beside torch's generator for the device."""
        self._state = state
        self._memory = torch.cuda.graph_pool_handle()
        self._launched: set[int] = set()
        self.replays: dict[int, torch.cuda.CUDAGraph | None] = {}
        """By the size of a batch; None where it cannot be recorded."""

    def run(self, step: Step, *, size: int) -> None:
        """The step, which is always the same for this size."""
        if size not in self._launched:
            self._launched.add(size)
            step()
            return
        if size not in self.replays:
            self.replays[size] = self._recorded(step)
        replay = self.replays[size]
        if replay is None:
            step()
        else:
            replay.replay()

    def _recorded(self, step: Step) -> torch.cuda.CUDAGraph | None:
        """A recording that was seen to do what the step does, or None, with the reason in the log.

        State and chance are as before afterwards.
        """
        before, chance = [each.clone() for each in self._state], torch.cuda.get_rng_state()

        def put_back() -> None:
            for each, value in zip(self._state, before, strict=True):
                each.copy_(value)
            torch.cuda.set_rng_state(chance)

        try:
            step()
            launched = [each.clone() for each in self._state]
            put_back()
            graph = _record(step, self._memory)
            put_back()
            graph.replay()
            agreed = all(map(_alike, before, launched, self._state))
        except RuntimeError as error:
            log.warning(
                "the step cannot be recorded as a CUDA graph and is launched kernel by kernel", reason=str(error)
            )
            return None
        finally:
            put_back()
        if not agreed:
            log.warning("a replayed CUDA graph gave another step; it is launched kernel by kernel")
        return graph if agreed else None


def _record(step: Step, memory: Any) -> torch.cuda.CUDAGraph:
    """On a stream of its own, as a recording wants it; what is in the state afterwards is anything.

    The recordings that share `memory` are never replayed at the same time.
    """
    here, aside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's stubs have no types for it
    graph = torch.cuda.CUDAGraph()
    aside.wait_stream(here)
    with torch.cuda.stream(aside), _no_garbage():
        for _ in range(WARM_UP_STEPS):
            step()
        graph.capture_begin(pool=memory)
        try:
            step()
        finally:
            graph.capture_end()
    here.wait_stream(aside)
    return graph


@contextmanager
def _no_garbage() -> Iterator[None]:
    """An old recording that is thrown away now would spoil the new one."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _alike(before: torch.Tensor, one: torch.Tensor, other: torch.Tensor) -> bool:
    """True where both have changed alike."""
    away, moved = (one - other).abs().max(), (one - before).abs().max()
    return bool((away <= TOLERANCE * moved) | ((one == other) | (one.isnan() & other.isnan())).all())
