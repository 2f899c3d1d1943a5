"""Which network is looked into, and with which image."""

from collections.abc import Iterator

import numpy as np

from service import evidence, reading
from service.domain.prediction import CheckpointName
from service.errors import FieldError, InvalidImageError, InvalidSpecError
from service.inference.decode import Picture
from service.inference.models import Models
from service.inference.subject import Opened, OwnImage, Subject, of_own, of_picture
from service.settings import Settings
from service.storage import Database, experiments

Sent = OwnImage | Iterator[Picture]


def open_network(database: Database, models: Models, *, experiment_id: str, checkpoint: str) -> Opened:
    """The network of the checkpoint called `best`, `last` or by its epoch; errors as `reading.loaded`."""
    stored, model = reading.loaded(database, models, experiment_id, checkpoint)
    name = CheckpointName(name=checkpoint, epoch=stored.epoch)
    return Opened(model=model, experiment_id=experiment_id, checkpoint=name)


def with_image(opened: Opened, sent: Sent, *, database: Database, settings: Settings) -> Subject:
    """The network with the image before it.

    `InvalidImageError` unless it is exactly one that can be read; `InvalidSpecError` where the data set has none of
    that index, `DatasetUnavailableError` where it is not on this machine any more.
    """
    if isinstance(sent, OwnImage):
        return _own(opened, sent, database, settings)
    pictures = iter(sent)
    picture = next(pictures)
    if next(pictures, None) is not None:
        raise InvalidImageError("a network is looked into with exactly one image, and more were sent")
    return of_picture(opened, picture)


def _own(opened: Opened, own: OwnImage, database: Database, settings: Settings) -> Subject:
    with database.reading() as session:
        choice = experiments.get(session, opened.experiment_id).spec.dataset
    split = evidence.labelled(settings, choice, own.split)
    if own.index >= len(split):
        detail = f"must be between 0 and {len(split) - 1}"
        raise InvalidSpecError((FieldError(pointer="#/index", detail=detail, code="out_of_range"),))
    image: np.ndarray = split.images[own.index].numpy()
    return of_own(opened, own, image=image, label=int(split.labels[own.index]))
