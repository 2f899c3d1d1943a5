"""A loaded network's queue. Requests that come while it computes are computed together next; a lone one never waits.

What takes microseconds happens on the event loop: to see that a picture is framed as it is, to make records of logits,
and to compute, where that takes no longer than to hand it to a thread and back. The rest, which lets others run
meanwhile, happens in few threads, in which networks take turns, a batch each.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np

from service.domain.manifest import Manifest
from service.inference import batch
from service.inference.batch import Answer, Batch, Images
from service.inference.forms import Form

MOST_TOGETHER = 32
"""Images: a larger batch of any network here costs as much an image, and those behind it wait longer."""
LOOP_SECONDS = 0.0005
"""What takes no longer is computed on the loop: a thread costs a lone request a third of that, and others more."""


@dataclass(eq=False)
class Asked:
    """Images that wait."""

    images: Images
    answer: "asyncio.Future[Any]"
    """Of an `Answer`."""
    since: float = field(default_factory=monotonic)

    @property
    def count(self) -> int:
        """How many images."""
        return batch.count(self.images)


class Lane:
    """Called on the event loop that it was made on."""

    def __init__(self, form: Form, manifest: Manifest, *, threads: Executor) -> None:
        self.form = form
        self._manifest, self._threads = manifest, threads
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Asked] = deque()
        self._at_work = False

    def put(self, asked: Asked) -> None:
        """Its `answer` is set once it is there; where that is done before its turn, the images are not looked at."""
        self._waiting.append(asked)
        if not self._at_work:
            self._at_work = True
            # After what else came in by the same look at the sockets, which is ready to run now.
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """Begin with a batch; in a thread, the next one waits behind those of other networks."""
        asked = self._take()
        self._at_work = bool(asked)
        if not asked:
            return
        try:
            gathered = batch.gather([each.images for each in asked], self._manifest)
            if not gathered.is_framed or self.form.seconds(gathered.images) > LOOP_SECONDS:
                self._threads.submit(self._work, asked, gathered)
                return
            logits = gathered.logits(self.form.run)
        except Exception as error:  # noqa: BLE001  # whoever asked is told, and the lane goes on
            _tell(asked, [error] * len(asked))
        else:
            _tell(asked, gathered.answers(logits))
        self._loop.call_soon(self._next)

    def _work(self, asked: list[Asked], gathered: Batch) -> None:
        """In a thread; it takes part in nothing else, for it and the loop cannot both run Python."""
        try:
            outcome: np.ndarray | Exception = gathered.logits(self.form.run)
        except Exception as error:  # noqa: BLE001  # as above
            outcome = error
        self._loop.call_soon_threadsafe(self._finish, asked, gathered, outcome)

    def _finish(self, asked: list[Asked], gathered: Batch, outcome: np.ndarray | Exception) -> None:
        self._next()  # so that the network computes while its answers are sent
        _tell(asked, [outcome] * len(asked) if isinstance(outcome, Exception) else gathered.answers(outcome))

    def _take(self) -> list[Asked]:
        taken: list[Asked] = []
        images = 0
        while self._waiting and (not taken or images + self._waiting[0].count <= MOST_TOGETHER):
            asked = self._waiting.popleft()
            if not asked.answer.done():
                taken.append(asked)
                images += asked.count
        return taken


def _tell(asked: list[Asked], outcomes: Iterable[Answer | Exception]) -> None:
    for each, outcome in zip(asked, outcomes, strict=True):
        if each.answer.done():
            continue
        if isinstance(outcome, Exception):
            each.answer.set_exception(outcome)
        else:
            each.answer.set_result(outcome)
