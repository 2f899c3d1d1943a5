"""A loaded network's queue. Requests that come while it computes are computed together next; a lone one never waits.

What takes microseconds happens on the event loop: to see that a picture is framed as it is, to make records of logits,
and to compute, where that takes no longer than to hand it to a thread and back. The rest, which lets others run
meanwhile, happens in few threads, in which networks take turns, a batch each. A thread that is done finds the next
batch prepared: it waits for nothing that the loop has to do first.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.domain.manifest import Manifest
from service.inference import batch, forms
from service.inference.batch import Answer, Batch, Images, Prepared
from service.inference.forms import Form

MOST_TOGETHER = forms.MANY
"""Images: a larger batch of any network here costs as much an image, and those behind it wait longer."""
LOOP_SECONDS = 0.0005
"""What takes no longer is computed on the loop: a thread costs a lone request a third of that, and others more."""


@dataclass(eq=False)
class Asked:
    """Images that wait."""

    images: Images
    answer: "asyncio.Future[Any]"
    """Of an `Answer`."""
    prepared: Prepared = field(default_factory=list)

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
        self._arrived: deque[Asked] = deque()
        self._is_due = False
        """Whether the loop will look at what has arrived."""
        self._lock = threading.Lock()
        """Of what follows, which the threads share."""
        self._ready: deque[Asked] = deque()
        self._at_work = False
        """Whether a thread will look at what is ready."""

    def put(self, asked: Asked) -> None:
        """Its `answer` is set once it is there; where that is done before its turn, the images are not looked at."""
        self._arrived.append(asked)
        if not self._is_due:
            self._is_due = True
            # After what else came in by the same look at the sockets, which is ready to run now.
            self._loop.call_soon(self._prepare)

    def _prepare(self) -> None:
        """A batch of what has arrived; compute it at once where it is light, and nothing is before it."""
        asked = _taken(self._arrived)
        self._is_due = bool(self._arrived)
        if self._is_due:
            self._loop.call_soon(self._prepare)
        if not asked:
            return
        try:
            prepared = batch.prepare([each.images for each in asked], self._manifest)
            together = Batch(prepared, self._manifest)
            if not self._at_work and together.is_framed and self.form.seconds(together.images) <= LOOP_SECONDS:
                logits = together.logits(self.form.run)
                _tell(asked, together.answers(logits))
                return
        except Exception as error:  # noqa: BLE001  # whoever asked is told, and the lane goes on
            _tell(asked, [error] * len(asked))
            return
        for each, own in zip(asked, prepared, strict=True):
            each.prepared = own
        with self._lock:
            self._ready.extend(asked)
            rests, self._at_work = not self._at_work, True
        if rests:
            self._threads.submit(self._work)

    def _work(self) -> None:
        """In a thread, one batch; the next waits behind those of other networks."""
        with self._lock:
            asked = _taken(self._ready)
        if asked:
            together = Batch([each.prepared for each in asked], self._manifest)
            try:
                outcome: np.ndarray | Exception = together.logits(self.form.run)
            except Exception as error:  # noqa: BLE001  # as above
                outcome = error
            self._loop.call_soon_threadsafe(_finish, asked, together, outcome)
        with self._lock:
            self._at_work = bool(self._ready)
            if self._at_work:
                self._threads.submit(self._work)


def _taken(waiting: deque[Asked]) -> list[Asked]:
    """The next batch of those who still wait."""
    taken: list[Asked] = []
    images = 0
    while waiting and (not taken or images + waiting[0].count <= MOST_TOGETHER):
        asked = waiting.popleft()
        if not asked.answer.done():
            taken.append(asked)
            images += asked.count
    return taken


def _finish(asked: list[Asked], together: Batch, outcome: np.ndarray | Exception) -> None:
    _tell(asked, [outcome] * len(asked) if isinstance(outcome, Exception) else together.answers(outcome))


def _tell(asked: list[Asked], outcomes: Iterable[Answer | Exception]) -> None:
    for each, outcome in zip(asked, outcomes, strict=True):
        if each.answer.done():
            continue
        if isinstance(outcome, Exception):
            each.answer.set_exception(outcome)
        else:
            each.answer.set_result(outcome)
