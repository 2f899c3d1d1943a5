"""Threads that each work on a share of one batch, and wait for each other without spinning.

A kernel that divides its own work among threads waits for all of them at its end, and some kernels spin while they
wait: beside another busy process that cost up to a hundred times the arithmetic. Here each thread goes through the
whole network with its share of the images, and blocks where it has to wait: once a step, and at each batch
normalisation. A second core that is free halves the time of a step; where there is none, the threads share the first.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

import torch

SHARES = 2
"""Of a batch. It is the same on every machine, because the last bits of a sum depend on it."""

Given = TypeVar("Given")
Made = TypeVar("Made")


def shared(work: Callable[[Given], Made], given: Sequence[Given]) -> list[Made]:
    """What the work makes of each of at most `SHARES`, in their order, each in a thread of its own, this one included.

    What is raised in any of them is raised here, once all have ended. Torch's settings of this thread hold in all.
    """
    threads = torch.get_num_threads()

    def with_threads(one: Given) -> Made:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        return work(one)

    others = [_pool().submit(with_threads, each) for each in given[1:]]
    made: list[Made] = []
    errors: list[Exception] = []
    results: list[Callable[[], Made]] = [partial(work, given[0]), *(other.result for other in others)]
    for result in results:
        try:
            made.append(result())
        except Exception as error:  # noqa: BLE001  # it is raised below, once nobody works any more
            errors.append(error)
    if errors:
        # Who waited for one that failed has failed of that.
        raise next((error for error in errors if not isinstance(error, threading.BrokenBarrierError)), errors[0])
    return made


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SHARES - 1, thread_name_prefix="share")


class Meeting:
    """Where the threads of one step bring tensors that all of them need the sum of."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(SHARES)
        self._brought: list[list[torch.Tensor]] = [[torch.empty(0)] * SHARES for _ in range(2)]
        self._visits = [0] * SHARES

    def sum(self, tensor: torch.Tensor, *, share: int) -> torch.Tensor:
        """Of what all have brought, added in the order of the shares; each thread gets the same bits.

        Two tables in turn: nobody can be at the next but one before all have read this one.
        """
        table = self._brought[self._visits[share] % 2]
        self._visits[share] += 1
        table[share] = tensor
        self._barrier.wait()
        total = table[0].clone()
        for other in table[1:]:
            total += other
        return total

    def leave(self) -> None:
        """A thread has failed: whoever waits for it, or will, fails, too."""
        self._barrier.abort()


def divided(count: int, sizes: int) -> Iterable[slice]:
    """`count` things in stretches of at most `sizes`."""
    return (slice(start, min(start + sizes, count)) for start in range(0, count, sizes))
