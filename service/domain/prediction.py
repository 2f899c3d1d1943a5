"""What is sent to be read, and what a network answers to it."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from service.domain.record import Record

MAX_GRID_SIDE = 1024
"""A grid of pixels as JSON is for small images; larger ones are sent as files."""
MAX_IMAGES = 1000

_GRID_SCHEMA = {
    "type": "array",
    "description": "Rows of grey values, top row first: 0..255, or 0..1 where no value is above 1.",
    "minItems": 1,
    "maxItems": MAX_GRID_SIDE,
    "items": {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_GRID_SIDE,
        "items": {"type": "number", "minimum": 0, "maximum": 255},
    },
}
PixelGrid = Annotated[Any, WithJsonSchema(_GRID_SCHEMA)]
"""Rows of numbers, checked by `check_grid`: a grid has one error, not one for each of its pixels."""


def check_grid(grid: object) -> list[list[float]]:
    """The grid itself where it is a full rectangle of numbers in 0..255; else one error naming the first wrong place.

    Works a row at a time on what is built in, so that 65,536 pixels cost a few milliseconds.
    """
    if not isinstance(grid, list) or not 1 <= len(grid) <= MAX_GRID_SIDE:
        raise _wrong_grid(f"must be a list of 1 to {MAX_GRID_SIDE} rows")
    for y, row in enumerate(grid):
        if not isinstance(row, list) or not 1 <= len(row) <= MAX_GRID_SIDE:
            raise _wrong_grid(f"row {y} must be a list of 1 to {MAX_GRID_SIDE} numbers")
        if len(row) != len(grid[0]):
            raise _wrong_grid(
                f"row {y} has {len(row)} values where row 0 has {len(grid[0])}: rows must be of one length"
            )
        # bool is a subclass of int, so the exact types are what is looked at.
        if not set(map(type, row)) <= {int, float}:
            x, value = next((x, value) for x, value in enumerate(row) if type(value) not in (int, float))
            raise _wrong_grid(
                f"row {y}, value {x} is of type {_JSON_TYPES.get(type(value), 'object')}: must be a number"
            )
        # A NaN makes every comparison false, wherever min and max put it: the sum is what it cannot hide from.
        if not (min(row) >= 0 and max(row) <= 255 and math.isfinite(sum(row))):
            x = next(x for x, value in enumerate(row) if not 0 <= value <= 255)
            raise _wrong_grid(f"row {y}, value {x} must be between 0 and 255")
    return grid


_JSON_TYPES: dict[type, str] = {bool: "boolean", str: "string", list: "array", type(None): "null"}


def _wrong_grid(detail: str) -> PydanticCustomError:
    # As a value and not as the template itself, where a brace would be read as a placeholder.
    return PydanticCustomError("invalid_pixels", "{detail}", {"detail": detail})


class SentImage(Record):
    """One image in a JSON body: a grid of pixels, or a whole image file in base64. Exactly one of the two."""

    pixels: PixelGrid = None
    base64: str | None = Field(default=None, description="A PNG, JPEG, WEBP, BMP, GIF or PGM file, in base64.")

    @field_validator("pixels")
    @classmethod
    def _is_a_grid(cls, pixels: object) -> list[list[float]]:
        return check_grid(pixels)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.pixels is None) == (self.base64 is None):
            raise PydanticCustomError("one_of", "must have exactly one of: pixels, base64")
        return self


class PredictionRequest(Record):
    """A JSON body: one image as `pixels`, or any number of `images`. Exactly one of the two."""

    pixels: PixelGrid = None
    images: Annotated[tuple[SentImage, ...], Field(min_length=1, max_length=MAX_IMAGES)] | None = None

    @field_validator("pixels")
    @classmethod
    def _is_a_grid(cls, pixels: object) -> list[list[float]]:
        return check_grid(pixels)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.pixels is None) == (self.images is None):
            raise PydanticCustomError("one_of", "must have exactly one of: pixels, images")
        return self


class Preprocessing(Record):
    """What was done to an image before a network saw it."""

    inverted: bool
    """True where the ink was darker than the ground."""
    cropped: tuple[int, int, int, int] | None
    """Left, top, width and height of the ink in pixels of the image as sent (turned upright where its EXIF says so).
    None where the image was already framed as its data set is, or holds no ink: then nothing was cut."""
    centred: Literal["mass", "box"] | None = None
    """What was put in the middle, as the data set's makers did: the ink's centre of mass, or that of its box. None
    where nothing was cut."""
    warnings: tuple[str, ...] = ()
    """Sentences about what may make the answer wrong; each is one of a fixed set."""


class Prediction(Record):
    """A network's answer to one image. Numbers are None where the network answers none that is finite."""

    digit: int
    """The class by number; in a data set of digits, the digit itself."""
    label: str
    """The class by name."""
    confidence: float | None
    """The probability of `digit`."""
    probabilities: tuple[float | None, ...]
    logits: tuple[float | None, ...]
    preprocessing: Preprocessing
    name: str | None = None
    """What the file was called in a form that was sent."""


class CheckpointName(Record):
    """Which weights answered."""

    name: str
    epoch: int


class Predictions(Record):
    """The answer to one request, in the order of the images sent."""

    experiment_id: str
    checkpoint: CheckpointName
    predictions: tuple[Prediction, ...]

    def named(self, names: Sequence[str | None]) -> Self:
        """The same with what each image is called, if anything is."""
        if not any(names):
            return self
        pairs = zip(self.predictions, names, strict=True)
        return self.model_copy(
            update={"predictions": tuple(each.model_copy(update={"name": name}) for each, name in pairs)}
        )
