"""The one image that a network is looked into with: sent by the client, or one of the run's own data set."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.domain.numbers import Grid
from service.domain.prediction import CheckpointName, PredictionRequest, Preprocessing
from service.domain.record import Record

OwnSplit = Literal["train", "validation", "test"]
"""Where an image of the run's own data set is counted; validation is a part of `train` and counted in it."""


class OneImageRequest(PredictionRequest):
    """A JSON body: one image as `pixels` or in `images`, or the `index` of one of the run's own data set.

    Exactly one of the three.
    """

    split: OwnSplit | None = Field(default=None, description="Beside `index` only; `test` where it is left out.")
    index: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        default=None, description="Position in the data set's split as it is stored, from 0."
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if sum(each is not None for each in (self.pixels, self.images, self.index)) != 1:
            raise PydanticCustomError("one_of", "must have exactly one of: pixels, images, index")
        if self.split is not None and self.index is None:
            raise PydanticCustomError("one_of", "split goes with index: it says where the index counts")
        if self.images is not None and len(self.images) > 1:
            raise PydanticCustomError(
                "out_of_range", "must have exactly one image, not {count}", {"count": len(self.images)}
            )
        return self


class SubjectFacts(Record):
    """The image as the network was given it."""

    split: OwnSplit | None = None
    """Null where the client sent the image."""
    index: int | None = None
    label: int | None = None
    """The class by number that the data set gives; null where the client sent the image."""
    pixels: Grid
    """Grey 0..255, bright ink on a ground of 0, as framed. The network's input is `(grey / 255 - mean) / std`."""
    mean: float
    std: float
    preprocessing: Preprocessing


class Looked(Record):
    """What every answer about one image begins with."""

    experiment_id: str
    checkpoint: CheckpointName
    labels: tuple[str, ...]
    """The classes by name, in the order of the logits."""
    image: SubjectFacts
