"""Images of several requests that a network computes together."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from service.domain.manifest import Manifest
from service.domain.prediction import Prediction
from service.inference.decode import Picture
from service.inference.predict import Framed, framed, predictions_of
from service.inference.stacks import keep_in_place
from service.telemetry.measures import BATCH_SECONDS, BATCHES, PREDICTED

Images = Picture | Sequence[Framed] | np.ndarray
"""Of one request: a picture, some that are framed already, or numbers as the network takes them, `(n, side, side)`."""
Prepared = list[Framed | Picture] | np.ndarray
"""The same, with what takes microseconds done: a picture that is framed as it comes is framed."""
Answer = tuple[Prediction, ...] | np.ndarray
"""To it: what the network says of each, or its logits `(n, classes)` of numbers."""


def count(images: Images) -> int:
    """How many."""
    return 1 if isinstance(images, Picture) else len(images)


@dataclass(frozen=True)
class Batch:
    """Those of each request, in order. Numbers come last in the network's own batch."""

    requests: list[Prepared]
    manifest: Manifest

    @property
    def images(self) -> int:
        """How many."""
        return sum(map(len, self.requests))

    @property
    def is_framed(self) -> bool:
        """Whether nothing is left but to compute."""
        return not any(isinstance(each, Picture) for each in self._pictures())

    def logits(self, run: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Frame what is not framed yet, and compute."""
        began = perf_counter()
        for own in self.requests:
            if not isinstance(own, np.ndarray):
                own[:] = [framed(each, self.manifest) if isinstance(each, Picture) else each for each in own]
        stack = np.array([image for image, _ in self._framed()])
        numbers = [own for own in self.requests if isinstance(own, np.ndarray)]
        logits = run(np.concatenate([stack, *numbers] if len(stack) else numbers) if numbers else stack)
        BATCH_SECONDS.observe(perf_counter() - began)
        BATCHES.observe(len(logits))
        PREDICTED.add(amount=len(logits))
        return logits

    def answers(self, logits: np.ndarray) -> Iterator[Answer]:
        """To each request."""
        images = [*self._framed()]
        said = predictions_of(logits[: len(images)], images, self.manifest)
        start = len(images)
        for own in self.requests:
            if isinstance(own, np.ndarray):
                yield logits[start : start + len(own)]
                start += len(own)
            else:
                yield tuple([next(said) for _ in own])

    def _pictures(self) -> Iterator[Framed | Picture]:
        for own in self.requests:
            if not isinstance(own, np.ndarray):
                yield from own

    def _framed(self) -> Iterator[Framed]:
        return (each for each in self._pictures() if not isinstance(each, Picture))


def prepare(requests: Sequence[Images], manifest: Manifest) -> list[Prepared]:
    """Of each request, in their order; the pictures of all are looked at together."""
    pictures = [each for each in requests if isinstance(each, Picture)]
    kept = zip(pictures, keep_in_place(pictures, manifest), strict=True)
    prepared: list[Prepared] = []
    for each in requests:
        if isinstance(each, Picture):
            picture, one = next(kept)
            prepared.append([one or picture])
        else:
            prepared.append(each if isinstance(each, np.ndarray) else [*each])
    return prepared
