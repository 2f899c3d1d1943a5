"""Large requests are unpacked in turn, in bounds, and only for who is still there."""

import asyncio
import platform
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from typing import Any

import pytest

from service.errors import BusyError, InvalidImageError
from service.inference.darkroom import THREADS, Darkroom
from service.inference.desk import ClientGoneError, Visitor
from tests.inference.test_desk import absent, present

Scene = Callable[[Darkroom], Awaitable[None]]


def play(scene: Scene, **options: Any) -> None:
    """On an event loop of its own."""

    async def on_a_loop() -> None:
        darkroom = Darkroom(**options)
        try:
            await asyncio.wait_for(asyncio.ensure_future(scene(darkroom)), 20)
        finally:
            await darkroom.close()

    asyncio.run(on_a_loop())


class Work:
    """Parts of requests; each waits until it is let go, and tells its name."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def parts(self, name: str, count: int) -> Iterator[str]:
        for number in range(count):
            self.begun.set()
            assert self.go_on.wait(10)
            self.done.append(name)
            yield f"{name}{number}"


def test_all_parts_come_back_in_their_order() -> None:
    async def scene(darkroom: Darkroom) -> None:
        assert await darkroom.unpacked(iter(range(1, 50)), Visitor(present)) == [*range(1, 50)]
        assert await darkroom.unpacked(iter(()), Visitor(present)) == []
        assert await darkroom.unpacked(iter(([], [])), Visitor(present)) == [[], []]

    play(scene)


def test_a_request_of_many_parts_lets_those_of_few_go_between() -> None:
    async def scene(darkroom: Darkroom) -> None:
        work = Work()
        large = [
            asyncio.ensure_future(darkroom.unpacked(work.parts("large", 20), Visitor(present))) for _ in range(THREADS)
        ]
        await asyncio.to_thread(work.begun.wait, 10)
        small = asyncio.ensure_future(darkroom.unpacked(work.parts("small", 1), Visitor(present)))
        await asyncio.sleep(0)
        work.go_on.set()
        assert await small == ["small0"]
        assert not any(each.done() for each in large)
        await asyncio.gather(*large)
        assert work.done.index("small") <= 2 * THREADS

    play(scene)


def test_what_is_wrong_is_told_to_who_asked() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise InvalidImageError("image 2 is broken")

    async def scene(darkroom: Darkroom) -> None:
        with pytest.raises(InvalidImageError, match="image 2"):
            await darkroom.unpacked(broken(), Visitor(present))
        assert await darkroom.unpacked(iter((1,)), Visitor(present)) == [1]

    play(scene)


def test_for_who_has_gone_nothing_more_is_unpacked() -> None:
    async def scene(darkroom: Darkroom) -> None:
        work = Work()
        with pytest.raises(ClientGoneError):
            await darkroom.unpacked(work.parts("gone", 20), Visitor(absent))
        work.go_on.set()
        assert await darkroom.unpacked(work.parts("here", 3), Visitor(present)) == ["here0", "here1", "here2"]
        assert work.done.count("gone") <= 1

    play(scene)


def test_who_is_not_served_in_time_is_told() -> None:
    async def scene(darkroom: Darkroom) -> None:
        work = Work()
        with pytest.raises(BusyError, match=r"within 0\.02 seconds"):
            await darkroom.unpacked(work.parts("late", 1), Visitor(present))
        with pytest.raises(BusyError, match="fewer images"):
            await darkroom.unpacked(work.parts("old", 2), Visitor(present, since=monotonic() - 1))
        work.go_on.set()

    play(scene, longest_seconds=0.02)


def test_bodies_are_let_in_while_there_is_room_and_one_alone_always_is() -> None:
    async def scene(darkroom: Darkroom) -> None:
        with darkroom.holding(150), pytest.raises(BusyError, match="150 bytes"), darkroom.holding(1):
            raise AssertionError
        with darkroom.holding(60), darkroom.holding(40):
            assert darkroom.bytes == 100
            with pytest.raises(BusyError), darkroom.holding(1):
                raise AssertionError
        assert darkroom.bytes == 0

    play(scene, most_bytes=100)


PHOTOGRAPHS = """
import asyncio, io
from PIL import Image
from service.inference import darkroom
from service.inference.decode import decode
from service.inference.desk import Visitor

def megabytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("RssAnon"))

async def main():
    file = io.BytesIO()
    Image.effect_noise((64, 64), 90).resize((3000, 3000)).convert("RGB").save(file, "PNG", compress_level=1)
    before, room = megabytes(), darkroom.Darkroom()
    forever = asyncio.Event()
    each = [room.unpacked(([decode(file.getvalue())] for _ in range(3)), Visitor(forever.wait)) for _ in range(2)]
    assert sum(map(len, await asyncio.gather(*each))) == 6
    darkroom.QUIET_SECONDS, after = 0, megabytes()
    await room.unpacked(iter(()), Visitor(forever.wait))
    for _ in range(100):
        if megabytes() - before < (after - before) / 3:
            break
        await asyncio.sleep(0.05)
    print(after - before, megabytes() - before)
    await room.close()

asyncio.run(main())
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="what a process holds is read from /proc"
)
def test_what_photographs_took_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", PHOTOGRAPHS], check=True, capture_output=True, text=True)
    held, left = map(int, done.stdout.split())
    assert held > 50
    assert left < held / 3
