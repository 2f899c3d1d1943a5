"""Who asked what of which weights, brought together with the network's lane: all predictions take this way."""

import asyncio
from collections.abc import Callable, Iterable

from service import checkpoint_names
from service.domain.checkpoint import Checkpoint
from service.domain.prediction import CheckpointName, Prediction, Predictions
from service.errors import DamagedCheckpointError
from service.inference.decode import Picture
from service.inference.desk import Desk, Receive
from service.inference.lane import Sent
from service.inference.models import Model, Models
from service.inference.stacks import framed_in_turn
from service.storage import Database
from service.storage.remembered import Remembered


class Predictor:
    """Called on one event loop, but for `forget`."""

    def __init__(self, database: Database, models: Models) -> None:
        self.names, self.desk = Remembered(database, checkpoint_names.read), Desk()
        self._models = models

    async def at_once(
        self, experiment_id: str, name: str, sent: Sent, receive: Receive
    ) -> tuple[Checkpoint, tuple[Prediction, ...]] | None:
        """What the weights say of one small image; None where they are not loaded. Errors: `loaded`, `Desk.ask`."""
        checkpoint = (await self.names.find((experiment_id, name))).checkpoint
        model = self._models.loaded(checkpoint)
        lane = None if model is None else self.desk.open_lane(model)
        if lane is None:
            return None
        return checkpoint, await self.desk.ask(lane, sent, receive)

    async def read(
        self, experiment_id: str, name: str, pictures: Callable[[], Iterable[Picture]], receive: Receive
    ) -> Predictions:
        """Let the checkpoint called `best`, `last` or by its epoch read the pictures.

        `NotFoundError` where there is no such experiment or checkpoint, `ConflictError` where there is none yet,
        `DamagedCheckpointError` where its files are not what was stored; `inference/images` says what a bad picture
        raises, `Desk.ask` when there are too many. All are decoded before the first is answered.
        """
        checkpoint, model = await self.loaded(experiment_id, name)
        said = await self.let_read(model, pictures, receive)
        return answer(experiment_id, name, checkpoint, said)

    async def let_read(
        self, model: Model, pictures: Callable[[], Iterable[Picture]], receive: Receive
    ) -> tuple[Prediction, ...]:
        """What a loaded network says of the pictures, which are decoded in a thread."""
        lane = await self.desk.lane(model)
        framed = await asyncio.to_thread(lambda: framed_in_turn(pictures(), model.manifest))
        return await self.desk.read(lane, framed, receive)

    async def loaded(self, experiment_id: str, name: str) -> tuple[Checkpoint, Model]:
        """The checkpoint of this name and its network; errors as `read`."""
        checkpoint = (await self.names.find((experiment_id, name))).checkpoint
        try:
            return checkpoint, self._models.loaded(checkpoint) or await self._load(checkpoint)
        except DamagedCheckpointError:
            # While a run goes on, its checkpoints are superseded: between row and files it may have been this one.
            present = (await self.names.find((experiment_id, name))).checkpoint
            if present.id == checkpoint.id:
                raise
            return present, await self._load(present)

    async def _load(self, checkpoint: Checkpoint) -> Model:
        return await asyncio.to_thread(self._models.get, checkpoint)

    def forget(self, experiment_id: str) -> None:
        """It has been deleted: its networks need no memory any more. From any thread."""
        self._models.forget(experiment_id)

    async def close(self) -> None:
        """End with what is being computed."""
        await self.desk.close()
        await self.names.close()


def answer(experiment_id: str, name: str, checkpoint: Checkpoint, said: tuple[Prediction, ...]) -> Predictions:
    """The answer to a request."""
    return Predictions(
        experiment_id=experiment_id,
        checkpoint=CheckpointName(name=name, epoch=checkpoint.epoch),
        predictions=said,
    )
