"""Who asked what of which weights, brought together with the network's lane: all predictions take this way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

import numpy as np

from service import named_weights
from service.domain.checkpoint import Checkpoint
from service.domain.prediction import Prediction, Predictions
from service.errors import DamagedCheckpointError
from service.inference.darkroom import Darkroom
from service.inference.decode import Picture
from service.inference.desk import Desk, Receive, Visitor
from service.inference.lane import Lane
from service.inference.models import Model, Models
from service.inference.predict import Framed
from service.inference.stacks import framed_in_turn
from service.named_weights import Named, Weights
from service.storage import Database
from service.storage.remembered import Remembered

Pictures = Callable[[], Iterable[Picture]]
"""Decodes what was sent, one after another, and raises what is wrong with one: work for a thread."""


class Predictor:
    """Called on one event loop.

    Errors of all its ways are `NotFoundError` where there is nothing of that name, `ConflictError` where an experiment
    has no checkpoint yet, `DamagedCheckpointError` where its files are not what was stored, those of
    `inference/images` for a bad picture, and `BusyError` as `Desk` has it.
    """

    def __init__(self, database: Database, models: Models) -> None:
        self.names = Remembered(database, named_weights.read)
        self.darkroom, self.desk = Darkroom(), Desk()
        self._models = models

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Let a body of so many bytes in, before it is read; `BusyError` where too much waits already."""
        self.desk.let_in()
        with self.darkroom.holding(size):
            yield

    async def at_once(self, named: Named, picture: Picture, receive: Receive) -> Predictions | None:
        """What the weights say of one small picture; None where they are not ready to."""
        weights = await self.names.find(named)
        lane = self._open_lane(weights)
        return None if lane is None else weights.answer(await self.desk.ask(lane, picture, Visitor(receive)))

    def ready(self, named: Named) -> tuple[Weights, Lane] | None:
        """The weights and their network's lane; None where they have to be looked for first."""
        weights = self.names.known(named)
        lane = None if weights is None else self._open_lane(weights)
        return None if weights is None or lane is None else (weights, lane)

    async def read(self, named: Named, pictures: Pictures, receive: Receive) -> Predictions:
        """What they say of all pictures, each of which is decoded before the first is answered."""
        weights, parts = await self.read_in_parts(named, pictures, receive)
        return weights.answer([each async for part in parts for each in part])

    async def read_in_parts(
        self, named: Named, pictures: Pictures, receive: Receive
    ) -> tuple[Weights, AsyncIterator[tuple[Prediction, ...]]]:
        """As `read`, some after another as the network is done with them."""
        visitor = Visitor(receive)
        weights, model = await self.loaded(named)
        parts = await self.darkroom.unpacked(framed_in_turn(pictures, model.manifest), visitor)
        return weights, await self.let_read(model, [*chain.from_iterable(parts)], visitor)

    async def let_read(
        self, model: Model, framed: list[Framed], visitor: Visitor
    ) -> AsyncIterator[tuple[Prediction, ...]]:
        """What a loaded network says of images that are framed, in parts."""
        return self.desk.read(await self.desk.lane(model), framed, visitor)

    async def reckon(self, model: Model, images: np.ndarray, visitor: Visitor) -> np.ndarray:
        """The logits `(n, classes)` of images as the network takes them, `(n, side, side)` in 0..255."""
        return await self.desk.reckon(await self.desk.lane(model), images, visitor)

    async def loaded(self, named: Named) -> tuple[Weights, Model]:
        """What was named, and its network."""
        weights = await self.names.find(named)
        try:
            return weights, await self._load(weights.checkpoint)
        except DamagedCheckpointError:
            # Between row and files it may have been superseded, as those of a run that goes on are, or deleted.
            present = await self.names.find(named)
            if present.checkpoint.id == weights.checkpoint.id:
                raise
            return present, await self._load(present.checkpoint)

    def _open_lane(self, weights: Weights) -> Lane | None:
        model = self._models.loaded(weights.checkpoint)
        return None if model is None else self.desk.open_lane(model)

    async def _load(self, checkpoint: Checkpoint) -> Model:
        model = self._models.loaded(checkpoint)
        return model if model is not None else await asyncio.to_thread(self._models.get, checkpoint)

    async def close(self) -> None:
        """End with what is being computed."""
        await self.darkroom.close()
        await self.desk.close()
        await self.names.close()
