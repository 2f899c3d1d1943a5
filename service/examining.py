"""Pictures read with the doctor beside: slower than without, and with more to say."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby

import numpy as np

from service.analysis.pictures import png_base64
from service.domain.examination import Box, ExaminedPrediction, ExaminedPredictions, SeenPreprocessing, Verdict
from service.domain.manifest import Manifest
from service.domain.prediction import Prediction, Preprocessing
from service.errors import InvalidImageError
from service.inference import segmentation
from service.inference.acquaintance import Acquaintance
from service.inference.decode import Picture
from service.inference.desk import Receive, Visitor
from service.inference.doctor import examine
from service.inference.familiarity import Familiarity
from service.inference.predict import framed
from service.inference.stacks import framed_in_turn
from service.named_weights import Named
from service.predicting import Pictures, Predictor
from service.storage import Database, experiments, listing

PREPARED = 4
"""Data sets; what is known of one takes less than a megabyte."""


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


def prepare(database: Database, acquaintance: Acquaintance) -> None:
    """Get to know the images that runs were completed on last: who asks first what is a digit does not wait for it."""
    with database.reading() as session:
        newest = listing.newest_completed(session, limit=PREPARED)
        choices = [experiments.get(session, each).spec.dataset for each in newest]
    for each in choices:
        acquaintance.with_dataset(each.name, image_size=each.side)


async def read(
    predictor: Predictor,
    acquaintance: Acquaintance,
    named: Named,
    *,
    pictures: Pictures,
    asked: Asked,
    receive: Receive,
) -> ExaminedPredictions:
    """As `Predictor.read`, with a verdict on each image; errors as there.

    With `segment` there must be exactly one picture, of which every digit is answered, `InvalidImageError` else.
    """
    visitor = Visitor(receive)
    weights, model = await predictor.loaded(named)
    steps = _digits(pictures, model.manifest) if asked.segment else _wholes(pictures, model.manifest)
    images = [*chain.from_iterable(await predictor.darkroom.unpacked(steps, visitor))]
    parts = await predictor.let_read(model, [(each.pixels, each.preprocessing) for each in images], visitor)
    answers = [each async for part in parts for each in part]
    side = model.manifest.image_size
    known = await asyncio.to_thread(acquaintance.with_dataset, weights.dataset, image_size=side)
    found = (_examined(image, said, known, asked) for image, said in zip(images, answers, strict=True))
    predictions = tuple(await predictor.darkroom.unpacked(found, visitor))
    return weights.examined(predictions, text=_text(images, predictions) if asked.segment else None)


def _wholes(pictures: Pictures, manifest: Manifest) -> Iterator[list[_Framed]]:
    for part in framed_in_turn(pictures, manifest):
        yield [_Framed(*each) for each in part]


def _digits(pictures: Pictures, manifest: Manifest) -> Iterator[list[_Framed]]:
    yield _digits_of(_one(pictures()), manifest)


def _one(pictures: Iterable[Picture]) -> Picture:
    each = iter(pictures)
    first = next(each, None)
    if first is None or next(each, None) is not None:
        raise InvalidImageError("segment=true finds the digits of exactly one picture, and more were sent")
    return first


def _digits_of(picture: Picture, manifest: Manifest) -> list[_Framed]:
    """One alone is read as a whole picture is, so that it is answered the same."""
    pieces = segmentation.find(picture.pixels)
    if len(pieces) == 1:
        pixels, done = framed(picture, manifest)
        return [_Framed(pixels, done, _sent(pieces[0].box, picture))]
    digits = []
    for piece in pieces:
        pixels, done = framed(Picture(piece.pixels), manifest)
        box = _sent(piece.box, picture)
        placed = done.model_copy(update={"inverted": piece.inverted, "cropped": box})
        digits.append(_Framed(pixels, placed, box, piece.line))
    return digits


def _sent(box: Box, picture: Picture) -> Box:
    left, top, width, height = (side * picture.reduction for side in box)
    return left, top, width, height


def _examined(image: _Framed, answer: Prediction, known: Familiarity | str, asked: Asked) -> ExaminedPrediction:
    found = examine(image.pixels, answer, known if isinstance(known, Familiarity) else None)
    silent = asked.abstain and found.verdict is Verdict.NO_DIGIT
    seen = png_base64(np.rint(image.pixels).astype(np.uint8)) if asked.seen else None
    return ExaminedPrediction(
        digit=None if silent else answer.digit,
        label=None if silent else answer.label,
        confidence=None if silent else answer.confidence,
        probabilities=answer.probabilities,
        logits=answer.logits,
        preprocessing=SeenPreprocessing(**dict(image.preprocessing), seen=seen),
        verdict=found.verdict,
        reasons=found.reasons,
        ink_share=found.ink_share,
        distance=found.distance,
        distance_unavailable=_why_none(known, found.distance is None),
        box=image.box,
    )


def _why_none(known: Familiarity | str, is_none: bool) -> str | None:
    if isinstance(known, str):
        return known
    return "there is no ink to compare" if is_none else None


def _text(images: list[_Framed], predictions: tuple[ExaminedPrediction, ...]) -> str:
    read_off = zip((each.line for each in images), (each.label or "?" for each in predictions), strict=True)
    return "\n".join("".join(label for _, label in line) for _, line in groupby(read_off, key=lambda each: each[0]))
