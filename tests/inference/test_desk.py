"""Requests that wait for a network: together, in bounds, and only for who is still there."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

from service import datasets
from service.domain.prediction import Prediction
from service.errors import BusyError
from service.inference import desk as desk_module
from service.inference import forms
from service.inference.decode import Picture
from service.inference.desk import ClientGoneError, Desk, Visitor
from service.inference.forms import Form
from service.inference.lane import MOST_TOGETHER, Lane
from service.inference.models import Model
from service.inference.predict import Framed
from service.inference.stacks import frame_all
from tests.inference.test_forms import network_of
from tests.inference.test_stacks import manifest_of


class Computer:
    """A network's stand-in: it answers `number_of` an image, keeps its batches, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.free = threading.Event()
        self.free.set()
        self.busy = threading.Event()

    def run(self, images: np.ndarray) -> np.ndarray:
        """Logits that are highest for the image's number."""
        self.batches.append(len(images))
        self.busy.set()
        assert self.free.wait(10)
        logits = np.zeros((len(images), 10), dtype=np.float32)
        logits[np.arange(len(images)), [number_of(image) for image in images]] = 1
        return logits


def number_of(image: np.ndarray) -> int:
    """As good as any."""
    return int(image.sum()) % 10


def numbered(number: int) -> Picture:
    """A test image."""
    return Picture(datasets.load("synthetic", data_dir=Path("nowhere")).test.images[number].numpy())


async def present() -> MutableMapping[str, Any]:
    """A client that stays."""
    await asyncio.Event().wait()
    raise AssertionError


async def absent() -> MutableMapping[str, Any]:
    """One that has gone."""
    return {"type": "http.disconnect"}


Scene = Callable[[Desk, Lane, Computer], Awaitable[None]]


def play(scene: Scene, **options: Any) -> None:
    """On an event loop of its own."""

    async def on_a_loop() -> None:
        computer, desk = Computer(), Desk(**options)
        lane = desk.lane_of(Form("stand-in", computer.run), manifest_of("synthetic"))
        try:
            await asyncio.wait_for(_as_coroutine(scene(desk, lane, computer)), 20)
        finally:
            computer.free.set()
            await desk.close()

    asyncio.run(on_a_loop())


async def _as_coroutine(scene: Awaitable[None]) -> None:
    await scene


async def read_all(desk: Desk, lane: Lane, images: list[Framed], visitor: Visitor) -> list[Prediction]:
    """Of one request."""
    return [each async for part in desk.read(lane, images, visitor) for each in part]


async def busy(computer: Computer) -> None:
    """Until a batch is being computed."""
    await asyncio.to_thread(computer.busy.wait, 10)


def test_those_that_come_while_it_computes_are_computed_together() -> None:
    async def scene(desk: Desk, lane: Lane, computer: Computer) -> None:
        computer.free.clear()
        first = desk.ask(lane, numbered(3), Visitor(present))
        await busy(computer)
        others = [desk.ask(lane, numbered(number), Visitor(present)) for number in range(40)]
        computer.free.set()
        said = [(await each)[0].digit for each in [first, *others]]
        framed = frame_all([numbered(number) for number in (3, *range(40))], manifest_of("synthetic"))
        assert said == [number_of(image) for image, _ in framed]
        assert len({*said}) > 5
        assert computer.batches == [1, MOST_TOGETHER, MOST_TOGETHER, 40 - 2 * MOST_TOGETHER]
        await asyncio.sleep(0)  # until all are counted
        assert desk.waiting == 0

    play(scene)


def test_an_error_of_the_network_is_told_and_the_next_is_answered() -> None:
    async def scene(desk: Desk, lane: Lane, computer: Computer) -> None:
        def fail(_: np.ndarray) -> np.ndarray:
            raise MemoryError

        broken = desk.lane_of(Form("broken", fail), manifest_of("synthetic"))
        for _ in range(2):
            with pytest.raises(MemoryError):
                await desk.ask(broken, numbered(1), Visitor(present))
        assert len(await desk.ask(lane, numbered(1), Visitor(present))) == 1

    play(scene)


def test_past_the_bound_it_is_refused_at_once() -> None:
    async def scene(desk: Desk, lane: Lane, computer: Computer) -> None:
        computer.free.clear()
        waiting = [desk.ask(lane, numbered(1), Visitor(present)) for _ in range(5)]
        with pytest.raises(BusyError, match="5 images wait"):
            desk.ask(lane, numbered(1), Visitor(present))
        computer.free.set()
        await asyncio.gather(*waiting)
        assert await desk.ask(lane, numbered(1), Visitor(present))

    play(scene, most_waiting=5)


def test_who_has_gone_is_not_computed_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "PATIENT_SECONDS", 0.01)

    async def scene(desk: Desk, lane: Lane, computer: Computer) -> None:
        computer.free.clear()
        first = desk.ask(lane, numbered(1), Visitor(present))
        await busy(computer)
        gone = [desk.ask(lane, numbered(1), Visitor(absent)) for _ in range(3)]
        for each in gone:
            with pytest.raises(ClientGoneError):
                await each
        left = desk.ask(lane, numbered(1), Visitor(present))
        left.cancel()
        stays = desk.ask(lane, numbered(1), Visitor(present))
        computer.free.set()
        await asyncio.gather(first, stays)
        assert computer.batches == [1, 1]

    play(scene)


def test_who_has_waited_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "PATIENT_SECONDS", 0.01)

    async def scene(desk: Desk, lane: Lane, computer: Computer) -> None:
        computer.free.clear()
        first = desk.ask(lane, numbered(1), Visitor(present))
        with pytest.raises(BusyError, match="within"):
            await first
        assert desk.waiting == 0

    play(scene, longest_seconds=0.02)


def test_a_request_has_its_time_once_however_many_portions_it_is_read_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "PATIENT_SECONDS", 0.01)

    async def scene(desk: Desk, lane: Lane, computer: Computer) -> None:
        computer.free.clear()
        visitor = Visitor(present, since=monotonic() - desk_module.LONGEST_SECONDS)
        many = frame_all([numbered(1)], manifest_of("synthetic")) * (2 * MOST_TOGETHER)
        for asking in (read_all(desk, lane, many, visitor), desk.reckon(lane, np.zeros((64, 28, 28)), visitor)):
            with pytest.raises(BusyError, match="fewer images"):
                await asking

    play(scene)


def test_many_images_of_one_request_let_others_between() -> None:
    async def scene(desk: Desk, lane: Lane, computer: Computer) -> None:
        computer.free.clear()
        many = frame_all([numbered(4)], manifest_of("synthetic")) * (3 * MOST_TOGETHER)
        bulk = asyncio.create_task(read_all(desk, lane, many, Visitor(present)))
        await busy(computer)
        one = desk.ask(lane, numbered(1), Visitor(present))
        computer.free.set()
        await one
        assert not bulk.done()
        assert len(await bulk) == len(many)
        assert computer.batches == [MOST_TOGETHER, 1, MOST_TOGETHER, MOST_TOGETHER]

    play(scene)


def test_a_network_is_prepared_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    quickest = forms.quickest

    def counted(*arguments: Any) -> Form:
        prepared.append("once")
        return quickest(*arguments)

    monkeypatch.setattr(forms, "quickest", counted)
    network = network_of("perceptron", {}, "identity")
    model = Model(network=network, manifest=manifest_of("synthetic"), bytes=0)

    async def scene(desk: Desk, _lane: Lane, _computer: Computer) -> None:
        asking: list[Coroutine[Any, Any, Lane]] = [desk.lane(model) for _ in range(8)]
        assert len(set(map(id, await asyncio.gather(*asking)))) == 1
        assert desk.open_lane(model) is await desk.lane(model)

    play(scene)
    assert prepared == ["once"]
