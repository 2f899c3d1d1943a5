"""The augmentations' options: how the training images of an epoch are moved before a network sees them.

Each draws anew for every image of every epoch, evenly between the two signs of each bound. Lengths are pixels of the
image that the network sees; what comes in from outside is background.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field

from service.domain.record import Record

MAX_AUGMENTATIONS = 4
"""In one spec, applied in their order."""

Degrees = Annotated[float, Field(ge=0, le=180, strict=True)]
Pixels = Annotated[float, Field(ge=0, le=32, strict=True)]


class AugmentationOptions(Record, ABC):
    """What every augmentation has."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str

    @property
    @abstractmethod
    def moves(self) -> bool:
        """False where its strength is 0, so that every image stays as it is."""


class Shift(AugmentationOptions):
    """By whole pixels along each axis, as far as `pixels`."""

    name: Literal["shift"] = "shift"
    pixels: Annotated[int, Field(ge=0, le=32, strict=True)] = 2
    """The farthest along one axis; at most half of an image's side."""

    @property
    def moves(self) -> bool:
        return self.pixels > 0


class Rotate(AugmentationOptions):
    """About the image's centre, as far as `degrees` either way."""

    name: Literal["rotate"] = "rotate"
    degrees: Degrees = 10.0
    """The largest angle."""

    @property
    def moves(self) -> bool:
        return self.degrees > 0


class Affine(AugmentationOptions):
    """Scaled, slanted and rotated about the image's centre, then shifted."""

    name: Literal["affine"] = "affine"
    degrees: Degrees = 10.0
    """The largest angle."""
    pixels: Pixels = 2.0
    """The farthest along one axis, in fractions of a pixel too; at most half of an image's side."""
    scale: Annotated[float, Field(ge=0, le=0.9, strict=True)] = 0.1
    """The factor lies between 1 - scale and 1 + scale."""
    shear: Annotated[float, Field(ge=0, le=2, strict=True)] = 0.1
    """The steepest slant: how far a row moves sideways for each row that it is off the centre."""

    @property
    def moves(self) -> bool:
        return max(self.degrees, self.pixels, self.scale, self.shear) > 0


class Elastic(AugmentationOptions):
    """Warped by smooth random displacements: Simard, Steinkraus and Platt, ICDAR 2003.

    There each pixel of two fields draws from -1 to 1, a Gaussian of `sigma` smooths them, and `alpha` scales them. In
    the middle of a wide image that displaces by `alpha / (sigma * sqrt(12 * pi))` pixels along each axis (root mean
    square): 1.4 by default.
    """

    name: Literal["elastic"] = "elastic"
    alpha: Annotated[float, Field(ge=0, le=1000, strict=True)] = 34.0
    """The factor of the smoothed fields."""
    sigma: Annotated[float, Field(ge=1, le=32, strict=True)] = 4.0
    """Standard deviation of the Gaussian, in pixels."""

    @property
    def moves(self) -> bool:
        return self.alpha > 0


AnyAugmentation = Shift | Rotate | Affine | Elastic
AUGMENTATIONS: tuple[type[AugmentationOptions], ...] = get_args(AnyAugmentation)
