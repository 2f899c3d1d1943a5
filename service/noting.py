"""How a note comes in: its picture, if it has one, is decoded and checked before anything is stored."""

from datetime import datetime

import numpy as np
from PIL import Image

from service import datasets, ids
from service.analysis.pictures import png_base64
from service.domain.note import Example, NewExample, NewNote, Note
from service.errors import FieldError, InvalidSpecError
from service.inference import images
from service.storage import Database, experiments, notes

MOST_SIDE = 256
"""Of a picture that is kept: several times what any network sees of it, and a few kilobytes."""


def write(database: Database, experiment_id: str, note: NewNote, *, author: str | None, now: datetime) -> Note:
    """Store it; errors as `notes.add`.

    `InvalidSpecError` where the run's data set has no class of that number, `InvalidImageError` or `TooLargeError`
    where the picture is none.
    """
    example = None if note.example is None else _checked(database, experiment_id, note.example)
    with database.writing() as session:
        return notes.add(
            session, experiment_id, note_id=ids.new(), author=author, text=note.text, example=example, now=now
        )


def _checked(database: Database, experiment_id: str, example: NewExample) -> Example:
    with database.reading() as session:
        labels = datasets.facts(experiments.get(session, experiment_id).spec.dataset.name).labels
    if example.label >= len(labels):
        detail = f"must be between 0 and {len(labels) - 1}"
        raise InvalidSpecError((FieldError(pointer="#/example/label", detail=detail, code="out_of_range"),))
    picture = images.from_base64(example.image, pointer="#/example/image")
    return Example(image=png_base64(_small(np.rint(picture.pixels).astype(np.uint8))), label=example.label)


def _small(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.BOX)
    return np.asarray(image)
