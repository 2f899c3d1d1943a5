"""Where what larger requests hold is unpacked and framed, in few threads: a few pictures of one, then of the next.

So a request of a thousand does not hold up one of a single photo, and what is asked for by somebody who has gone is
looked at no further. It bounds memory, too: `MOST_BYTES` of bodies are let in at a time.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from service.errors import BusyError
from service.inference import heap
from service.inference.desk import LONGEST_SECONDS, ClientGoneError, Visitor, gone, too_late

MOST_BYTES = 64 * 1024 * 1024
THREADS = 2
QUIET_SECONDS = 2.0
"""After the last picture, what the pictures took goes back to the system: at once, the next would take three times as
long, as all its pages would be mapped anew."""

Part = TypeVar("Part")


class Darkroom:
    """Called on one event loop."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, longest_seconds: float = LONGEST_SECONDS) -> None:
        self.bytes = 0
        """Of bodies that are inside."""
        self._most, self._longest = most_bytes, longest_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="darkroom")
        self._tidying: asyncio.TimerHandle | None = None

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Let a body of so many bytes in, before it is read; `BusyError` at once where there is no room beside others.

        Whoever comes alone has room.
        """
        if self.bytes and self.bytes + size > self._most:
            raise BusyError(f"requests of {self.bytes:,} bytes are being read already: try again")
        self.bytes += size
        try:
            yield
        finally:
            self.bytes -= size

    async def unpacked(self, parts: Iterator[Part], visitor: Visitor) -> list[Part]:
        """All that the iterator gives, each part in its turn and in a thread.

        `BusyError` once the request takes too long, `ClientGoneError` once nobody waits for it.
        """
        found: list[Part] = []
        leaving = asyncio.create_task(gone(visitor.receive))
        try:
            while part := await self._next(parts, leaving, visitor.seconds_left(self._longest)):
                found += part
        finally:
            leaving.cancel()
            self._tidy_later()
        return found

    async def _next(
        self, parts: Iterator[Part], leaving: "asyncio.Task[None]", seconds_left: float
    ) -> tuple[Part, ...]:
        """Empty at the end."""
        work = asyncio.get_running_loop().run_in_executor(self._threads, _taken, parts)
        ends: set[asyncio.Future[Any]] = {work, leaving}
        done, _ = await asyncio.wait(ends, timeout=seconds_left, return_when=asyncio.FIRST_COMPLETED)
        if work in done:
            return work.result()
        work.cancel()
        if leaving in done:
            raise ClientGoneError
        raise too_late(self._longest)

    def _tidy_later(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
        loop = asyncio.get_running_loop()
        self._tidying = loop.call_later(QUIET_SECONDS, loop.run_in_executor, None, heap.give_back)

    async def close(self) -> None:
        """Let what is being unpacked end."""
        if self._tidying is not None:
            self._tidying.cancel()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)


def _taken(parts: Iterator[Part]) -> tuple[Part, ...]:
    for part in parts:
        return (part,)
    return ()
