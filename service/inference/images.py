"""The images of one request, one at a time, however they were sent."""

import base64
import binascii
from collections.abc import Iterator, Sequence

import numpy as np

from service.domain.prediction import MAX_IMAGES, PredictionRequest
from service.errors import InvalidImageError, TooLargeError, UnsupportedImageTypeError
from service.inference.decode import Picture, decode

MAX_REQUEST_PIXELS = MAX_IMAGES * 1024 * 1024
"""A kilobyte can unpack to sixteen megapixels, and a request holds many images: together they may not have more.

It bounds time, not memory: one image at a time is unpacked."""

MAX_NAME_SHOWN = 60


def from_files(files: Sequence[tuple[bytes, str | None]], *, names: Sequence[str | None] = ()) -> Iterator[Picture]:
    """Decode whole image files, each with the media type it was declared as; an error says which of them is wrong."""
    left = MAX_REQUEST_PIXELS
    for number, (data, content_type) in enumerate(files, start=1):
        try:
            picture = decode(data, content_type=content_type)
        except (InvalidImageError, TooLargeError, UnsupportedImageTypeError) as error:
            if len(files) == 1:
                raise
            raise type(error)(f"{_which(number, len(files), names)}: {error.message}") from error
        left = _spend(left, picture, which=f"{_which(number, len(files), names)}: ")
        yield picture


def from_request(request: PredictionRequest) -> Iterator[Picture]:
    """Read the images of a JSON body; an error points to the field that is wrong."""
    if request.images is None:
        yield _from_grid(request.pixels)
        return
    left = MAX_REQUEST_PIXELS
    for index, image in enumerate(request.images):
        picture = (
            _from_grid(image.pixels)
            if image.base64 is None
            else from_base64(image.base64, pointer=f"#/images/{index}/base64")
        )
        left = _spend(left, picture, pointer=f"#/images/{index}")
        yield picture


def _from_grid(grid: list[list[float]]) -> Picture:
    """The grid is scaled from 0..1 where it has no value above 1, so a grid of zeros and ones is black and white."""
    return of_grey_values(np.array(grid, dtype=np.float32))


def of_grey_values(pixels: np.ndarray) -> Picture:
    """Of float32 or uint8 `(height, width)`, in 0..255 or in 0..1."""
    return Picture(pixels * 255 if pixels.max() <= 1 else pixels)


def from_base64(text: str, *, pointer: str) -> Picture:
    """Decode a whole image file; an error points to the field that held it."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImageError(
            "must be an image file in base64, without prefix or line breaks", pointer=pointer
        ) from error
    try:
        return decode(data)
    except (InvalidImageError, UnsupportedImageTypeError) as error:
        # The request itself is JSON, a type that is supported: what it holds is what is wrong.
        raise InvalidImageError(error.message, pointer=pointer) from error
    except TooLargeError as error:
        raise TooLargeError(error.message, pointer=pointer) from error


def _which(number: int, count: int, names: Sequence[str | None]) -> str:
    """Such as `image 18 of 200 ('seven.png')`."""
    name = names[number - 1] if names else None
    return f"image {number} of {count}" + ("" if name is None else f" ({name[:MAX_NAME_SHOWN]!r})")


def _spend(left: int, picture: Picture, *, which: str = "", pointer: str = "#") -> int:
    left -= picture.pixels.size * picture.reduction**2
    if left < 0:
        allowed = f"the images of one request may have {MAX_REQUEST_PIXELS:,} pixels together"
        raise TooLargeError(f"{which}{allowed}", pointer=pointer)
    return left
