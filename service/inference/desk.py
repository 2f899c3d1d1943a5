"""Where requests wait for a loaded network's answer: how many may, for how long, and what becomes of those who leave.

Lives on the event loop. What waits for longer than `PATIENT_SECONDS` is looked after: a request whose client has gone
is dropped before it is computed, one that is `LONGEST_SECONDS` old is answered that it was too much. Until then it
costs neither a timer nor a task of its own.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from service.domain.manifest import Manifest
from service.domain.prediction import Prediction
from service.errors import BusyError
from service.inference import forms, heap
from service.inference.batch import Images
from service.inference.decode import Picture
from service.inference.forms import Form
from service.inference.lane import MOST_TOGETHER, Asked, Lane
from service.inference.models import Model
from service.inference.predict import Framed

MOST_WAITING = 1024
"""Images of all requests together, but for one request's own."""
LONGEST_SECONDS = 30.0
"""Of a whole request, from the end of its body on."""
PATIENT_SECONDS = 0.1
THREADS = 2
"""Networks that compute at once; each has one thread."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""A request's, after its body: it then says only that the client has gone."""


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, eq=False)
class Visitor:
    """Who asks: how it is heard that they have gone, and since when they wait."""

    receive: Receive
    since: float = field(default_factory=monotonic)

    def seconds_left(self, longest: float) -> float:
        """Of so many in all; not below 0."""
        return max(0.0, self.since + longest - monotonic())


def too_late(longest: float) -> BusyError:
    """For a request that took more than so many seconds."""
    return BusyError(f"not read within {longest:g} seconds: try again, or with fewer images at once")


class Desk:
    """The lanes of all loaded networks."""

    def __init__(self, *, most_waiting: int = MOST_WAITING, longest_seconds: float = LONGEST_SECONDS) -> None:
        self.waiting = 0
        self._most, self._longest = most_waiting, longest_seconds
        self._lanes: WeakKeyDictionary[Model, Lane] = WeakKeyDictionary()
        self._opening: dict[Model, asyncio.Task[Lane]] = {}
        self._threads = ThreadPoolExecutor(max(THREADS, min(4, os.cpu_count() or 1)), thread_name_prefix="lane")
        self._asked: dict[Asked, Visitor] = {}
        self._watched: dict[Asked, asyncio.Task[None]] = {}
        self._round: asyncio.TimerHandle | None = None

    def lanes(self) -> list[Lane]:
        """All that are open."""
        return [*self._lanes.values()]

    def open_lane(self, model: Model) -> Lane | None:
        """The network's lane where it has one already."""
        return self._lanes.get(model)

    async def lane(self, model: Model) -> Lane:
        """The network's lane; of several that ask for a new one at once, one makes it."""
        lane = self._lanes.get(model)
        if lane is None:
            opening = self._opening.get(model)
            if opening is None:
                opening = self._opening[model] = asyncio.create_task(self._open(model))
            lane = await asyncio.shield(opening)
        return lane

    def lane_of(self, form: Form, manifest: Manifest) -> Lane:
        """One more lane in these threads."""
        return Lane(form, manifest, threads=self._threads)

    def ask(self, lane: Lane, picture: Picture, visitor: Visitor) -> "asyncio.Future[tuple[Prediction]]":
        """Put a small picture into the lane; `BusyError` at once where too many wait."""
        self.let_in()
        return self._put(lane, picture, visitor)

    async def read(
        self, lane: Lane, images: Sequence[Framed], visitor: Visitor
    ) -> AsyncIterator[tuple[Prediction, ...]]:
        """What is said of a request's images, a portion after another, so that others' turn comes between.

        `BusyError` before the first where too many wait, or before any once it takes too long.
        """
        self.let_in()
        for start in range(0, len(images), MOST_TOGETHER):
            yield await self._put(lane, images[start : start + MOST_TOGETHER], visitor)

    async def reckon(self, lane: Lane, images: np.ndarray, visitor: Visitor) -> np.ndarray:
        """The logits `(n, classes)` of images as the network takes them, `(n, side, side)` in 0..255; as `read`."""
        self.let_in()
        starts = range(0, len(images), MOST_TOGETHER)
        return np.concatenate([await self._put(lane, images[at : at + MOST_TOGETHER], visitor) for at in starts])

    def let_in(self) -> None:
        """`BusyError` where too many wait."""
        if self.waiting >= self._most:
            raise BusyError(f"{self.waiting} images wait to be read already: try again")

    def _put(self, lane: Lane, images: Images, visitor: Visitor) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        asked = Asked(images, loop.create_future())
        self.waiting += asked.count
        self._asked[asked] = visitor
        asked.answer.add_done_callback(lambda _: self._answered(asked))
        if self._round is None:
            self._round = loop.call_later(PATIENT_SECONDS, self._look_after)
        lane.put(asked)
        return asked.answer

    async def close(self) -> None:
        """Let what is being computed end, and compute nothing after it."""
        if self._round is not None:
            self._round.cancel()
        for asked in [*self._asked]:
            if not asked.answer.done():
                asked.answer.set_exception(BusyError("the service ends"))
        await asyncio.to_thread(self._threads.shutdown)

    async def _open(self, model: Model) -> Lane:
        try:
            form = await asyncio.to_thread(_form_of, model)
            lane = self._lanes[model] = self.lane_of(form, model.manifest)
            return lane
        finally:
            del self._opening[model]

    def _answered(self, asked: Asked) -> None:
        self.waiting -= asked.count
        del self._asked[asked]
        watch = self._watched.pop(asked, None)
        if watch is not None:
            watch.cancel()

    def _look_after(self) -> None:
        patient_since = monotonic() - PATIENT_SECONDS
        for asked, visitor in [*self._asked.items()]:
            if asked.answer.done():
                continue
            if not visitor.seconds_left(self._longest):
                asked.answer.set_exception(too_late(self._longest))
            elif visitor.since < patient_since and asked not in self._watched:
                self._watched[asked] = asyncio.create_task(_until_gone(asked, visitor.receive))
        again = bool(self._asked)
        self._round = asyncio.get_running_loop().call_later(PATIENT_SECONDS, self._look_after) if again else None


def _form_of(model: Model) -> Form:
    form = forms.quickest(model.network, model.manifest)
    heap.give_back()
    return form


async def gone(receive: Receive) -> None:
    """Return once the client of a request, whose body has been read, has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_gone(asked: Asked, receive: Receive) -> None:
    await gone(receive)
    if not asked.answer.done():
        asked.answer.set_exception(ClientGoneError)
