"""Pictures read with the doctor beside: slower than `reading`, and with more to say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from service import reading
from service.analysis.pictures import png_base64
from service.domain.examination import Box, ExaminedPrediction, ExaminedPredictions, SeenPreprocessing, Verdict
from service.domain.prediction import CheckpointName, Preprocessing
from service.errors import InvalidImageError
from service.inference import segmentation
from service.inference.acquaintance import Acquaintance
from service.inference.decode import Picture
from service.inference.doctor import examine
from service.inference.familiarity import Familiarity
from service.inference.models import Model, Models
from service.inference.predict import framed, logits_of, prediction
from service.storage import Database, experiments

RUN_AT_ONCE = 256
"""Images, as in `inference/predict`."""


@dataclass(frozen=True)
class Asked:
    """What a client wants to know beside the digits."""

    seen: bool = False
    abstain: bool = False
    segment: bool = False


@dataclass(frozen=True, eq=False)
class _Framed:
    pixels: np.ndarray
    preprocessing: Preprocessing
    box: Box | None = None
    line: int = 0


def read(
    database: Database,
    models: Models,
    acquaintance: Acquaintance,
    *,
    experiment_id: str,
    checkpoint: str,
    pictures: Iterable[Picture],
    asked: Asked,
) -> ExaminedPredictions:
    """As `reading.read`, with a verdict on each image; errors as there.

    With `segment` there must be exactly one picture, of which every digit is answered, `InvalidImageError` else.
    """
    stored, model = reading.loaded(database, models, experiment_id, checkpoint)
    with database.reading() as session:
        dataset = experiments.get(session, experiment_id).spec.dataset.name
    images = _digits_of(_one(pictures), model) if asked.segment else [_whole(each, model) for each in pictures]
    known = acquaintance.with_dataset(dataset, image_size=model.manifest.image_size)
    predictions = tuple(_examined(images, model, known, asked))
    return ExaminedPredictions(
        experiment_id=experiment_id,
        checkpoint=CheckpointName(name=checkpoint, epoch=stored.epoch),
        text=_text(images, predictions) if asked.segment else None,
        predictions=predictions,
    )


def _one(pictures: Iterable[Picture]) -> Picture:
    each = iter(pictures)
    first = next(each, None)
    if first is None or next(each, None) is not None:
        raise InvalidImageError("segment=true finds the digits of exactly one picture, and more were sent")
    return first


def _whole(picture: Picture, model: Model) -> _Framed:
    return _Framed(*framed(picture, model.manifest))


def _digits_of(picture: Picture, model: Model) -> list[_Framed]:
    """One alone is read as a whole picture is, so that it is answered the same."""
    pieces = segmentation.find(picture.pixels)
    if len(pieces) == 1:
        pixels, done = framed(picture, model.manifest)
        return [_Framed(pixels, done, _sent(pieces[0].box, picture))]
    digits = []
    for piece in pieces:
        pixels, done = framed(Picture(piece.pixels), model.manifest)
        box = _sent(piece.box, picture)
        placed = done.model_copy(update={"inverted": piece.inverted, "cropped": box})
        digits.append(_Framed(pixels, placed, box, piece.line))
    return digits


def _sent(box: Box, picture: Picture) -> Box:
    left, top, width, height = (side * picture.reduction for side in box)
    return left, top, width, height


def _examined(
    images: list[_Framed], model: Model, known: Familiarity | str, asked: Asked
) -> Iterator[ExaminedPrediction]:
    labels = model.manifest.labels
    for start in range(0, len(images), RUN_AT_ONCE):
        part = images[start : start + RUN_AT_ONCE]
        logits = logits_of(model, np.stack([each.pixels for each in part]))
        for each, row in zip(part, logits, strict=True):
            answer = prediction(row, labels=labels, preprocessing=each.preprocessing)
            found = examine(each.pixels, answer, known if isinstance(known, Familiarity) else None)
            silent = asked.abstain and found.verdict is Verdict.NO_DIGIT
            seen = png_base64(np.rint(each.pixels).astype(np.uint8)) if asked.seen else None
            yield ExaminedPrediction(
                digit=None if silent else answer.digit,
                label=None if silent else answer.label,
                confidence=None if silent else answer.confidence,
                probabilities=answer.probabilities,
                logits=answer.logits,
                preprocessing=SeenPreprocessing(**dict(each.preprocessing), seen=seen),
                verdict=found.verdict,
                reasons=found.reasons,
                ink_share=found.ink_share,
                distance=found.distance,
                distance_unavailable=_why_none(known, found.distance is None),
                box=each.box,
            )


def _why_none(known: Familiarity | str, is_none: bool) -> str | None:
    if isinstance(known, str):
        return known
    return "there is no ink to compare" if is_none else None


def _text(images: list[_Framed], predictions: tuple[ExaminedPrediction, ...]) -> str:
    read_off = zip((each.line for each in images), (each.label or "?" for each in predictions), strict=True)
    return "\n".join("".join(label for _, label in line) for _, line in groupby(read_off, key=lambda each: each[0]))
