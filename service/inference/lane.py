"""A loaded network's queue. Requests that come while it computes are computed together next; a lone one never waits.

The event loop puts them in and gets them back, once a batch; all between, from the bytes that were sent to records,
happens in a thread. Networks take turns in few threads, a batch each.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np

from service.domain.manifest import Manifest
from service.domain.prediction import Prediction
from service.inference.decode import Picture
from service.inference.forms import Form
from service.inference.predict import Framed, predictions_of
from service.inference.stacks import frame_all

MOST_TOGETHER = 32
"""Images: a larger batch of any network here costs as much an image, and those behind it wait longer."""

Sent = Callable[[], Picture]
"""Decodes one small picture; or raises what is wrong with it."""
Answer = tuple[Prediction, ...] | np.ndarray


@dataclass(eq=False)
class Asked:
    """Images that wait: one that is yet to be decoded, some that are framed already, or numbers as the network takes
    them, `(n, side, side)`, which are answered with logits `(n, classes)`.
    """

    images: Sent | Sequence[Framed] | np.ndarray
    answer: "asyncio.Future[Any]"
    """Of an `Answer`."""
    since: float = field(default_factory=monotonic)

    @property
    def count(self) -> int:
        """How many images."""
        return 1 if callable(self.images) else len(self.images)


class Lane:
    """Called on the event loop that it was made on."""

    def __init__(self, form: Form, manifest: Manifest, *, threads: Executor) -> None:
        self.form = form
        self._manifest, self._threads = manifest, threads
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._waiting: deque[Asked] = deque()
        self._at_work = False

    def put(self, asked: Asked) -> None:
        """Its `answer` is set once it is there; where that is done before its turn, the images are not looked at."""
        with self._lock:
            self._waiting.append(asked)
            if self._at_work:
                return
            self._at_work = True
        # After what else came in by the same look at the sockets, which is ready to run now.
        self._loop.call_soon(self._threads.submit, self._work)

    def _work(self) -> None:
        """One batch; the next waits behind those of other networks."""
        batch = self._take()
        if batch:
            try:
                outcomes = self._outcomes(batch)
            except Exception as error:  # noqa: BLE001  # whoever asked is told, and the lane goes on
                outcomes = [error] * len(batch)
            self._loop.call_soon_threadsafe(_tell, batch, outcomes)
        with self._lock:
            self._at_work = bool(self._waiting)
            if self._at_work:
                self._threads.submit(self._work)

    def _take(self) -> list[Asked]:
        batch: list[Asked] = []
        images = 0
        with self._lock:
            while self._waiting and (not batch or images + self._waiting[0].count <= MOST_TOGETHER):
                asked = self._waiting.popleft()
                if not asked.answer.done():
                    batch.append(asked)
                    images += asked.count
        return batch

    def _outcomes(self, batch: list[Asked]) -> list[Answer | Exception]:
        outcomes: dict[int, Answer | Exception] = {}
        framed: dict[int, Sequence[Framed]] = {}
        numbers: dict[int, np.ndarray] = {}
        decoded: dict[int, Picture] = {}
        for number, asked in enumerate(batch):
            if isinstance(asked.images, np.ndarray):
                numbers[number] = asked.images
            elif not callable(asked.images):
                framed[number] = asked.images
            else:
                try:
                    decoded[number] = asked.images()
                except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer to this one alone
                    outcomes[number] = error
        for number, one in zip(decoded, frame_all([*decoded.values()], self._manifest), strict=True):
            framed[number] = (one,)
        if framed or numbers:
            outcomes.update(self._answers(framed, numbers))
        return [outcomes[number] for number in range(len(batch))]

    def _answers(
        self, framed: dict[int, Sequence[Framed]], numbers: dict[int, np.ndarray]
    ) -> Iterator[tuple[int, Answer]]:
        """By the number of who asked; all are computed together."""
        images = [each for own in framed.values() for each in own]
        logits = self.form.run(np.concatenate([*(image[None] for image, _ in images), *numbers.values()]))
        said = predictions_of(logits[: len(images)], images, self._manifest)
        for number, own in framed.items():
            yield number, tuple(next(said) for _ in own)
        start = len(images)
        for number, stack in numbers.items():
            yield number, logits[start : start + len(stack)]
            start += len(stack)


def _tell(batch: list[Asked], outcomes: Sequence[Answer | Exception]) -> None:
    for asked, outcome in zip(batch, outcomes, strict=True):
        if asked.answer.done():
            continue
        if isinstance(outcome, Exception):
            asked.answer.set_exception(outcome)
        else:
            asked.answer.set_result(outcome)
