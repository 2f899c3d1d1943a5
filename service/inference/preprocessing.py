"""From any picture of a digit to the image a network was trained on.

The ink is found, cut out, and placed as the makers of the data set placed theirs (`Framing`): scaled to fit a box, its
aspect ratio kept, with its centre of mass or its bounding box in the middle. For MNIST that is LeCun et al.,
"Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998), section III.A.
"""

import numpy as np
from PIL import Image

from service.domain.dataset import Framing
from service.domain.prediction import Preprocessing
from service.inference import ink

FILTER = Image.Resampling.HAMMING
"""Antialiased, and as sharp as the data sets are: of Pillow's filters it came nearest to MNIST, USPS and `digits`."""
CENTRE_TOLERANCE = 1.5
"""How many of the data set's own pixels off its place an image's ink may lie and count as framed already."""


def frame(
    image: np.ndarray, *, image_size: int, native_size: int, framing: Framing, reduction: int = 1
) -> tuple[np.ndarray, Preprocessing]:
    """Frame a picture, (height, width) in 0..255, as the data set's own images are.

    An image of `image_size` or `native_size` that is framed already keeps its geometry: a test image is predicted as
    the test split was. `reduction` is that of the `decode.Picture`.

    Returns:
        float32, (image_size, image_size), finite, 0..255, bright ink on a ground of 0, and what was done
    """
    if image.ndim != 2 or not image.size:
        raise ValueError(f"an image has two sides of at least one pixel, not the shape {image.shape}")
    grey = image.astype(np.float32)
    inverted = ink.is_dark_on_light(grey)
    if inverted:
        grey = 255 - grey
    if is_framed(grey, sizes=(image_size, native_size), native_size=native_size, framing=framing):
        return as_it_is(grey, peak=float(grey.max()), image_size=image_size, inverted=inverted)
    found = ink.find(grey)
    if found is None:
        blank = np.zeros((image_size, image_size), dtype=np.float32)
        return blank, Preprocessing(inverted=inverted, cropped=None, warnings=(ink.NO_INK,))
    placed = _placed(found, image_size=image_size, native_size=native_size, framing=framing)
    sent = found.step * reduction
    left, top, width, height = (side * sent for side in found.box)
    cropped = (left, top, width, height)
    return placed, Preprocessing(inverted=inverted, cropped=cropped, centred=framing.centre, warnings=found.warnings)


def is_framed(grey: np.ndarray, *, sizes: tuple[int, ...], native_size: int, framing: Framing) -> bool:
    side, peak = len(grey), float(grey.max())
    if grey.shape != (side, side) or side not in sizes or peak < ink.FAINT_LEVELS:
        return False
    # Where the box is the whole image, as in USPS, much of the border is ink: a quarter is sure to be ground.
    if np.percentile(ink.border(grey, 1), 25) > peak / 32:
        return False
    # With its faintest edges the ink fills the box; where a JPEG has smeared those, its firmer part nearly does.
    boxes = [ink.bounds(grey > peak * share) for share in (1 / 32, 1 / 4)]
    return any(box and _is_in_place(grey, box, native_size=native_size, framing=framing) for box in boxes)


def _is_in_place(grey: np.ndarray, box: ink.Box, *, native_size: int, framing: Framing) -> bool:
    side = len(grey)
    left, top, width, height = box
    expected = framing.box * side / native_size
    if not 0.9 * expected - 1 <= max(width, height) <= expected + 1:
        return False
    x, y = _centre_of_mass(grey) if framing.centre == "mass" else (left + width / 2, top + height / 2)
    middle = middle_of(side, native_size, framing)
    return max(abs(x - middle), abs(y - middle)) <= CENTRE_TOLERANCE * side / native_size


def as_it_is(grey: np.ndarray, *, peak: float, image_size: int, inverted: bool) -> tuple[np.ndarray, Preprocessing]:
    """Its geometry kept; its contrast too, unless no ink comes near white (as in images of 0..16)."""
    if peak < 192:
        grey = grey * (255 / peak)
    if len(grey) != image_size:
        resized = Image.fromarray(grey).resize((image_size, image_size), Image.Resampling.BILINEAR)
        grey = np.rint(np.asarray(resized, dtype=np.float32))  # as the data sets are resized
    return grey, _DONE_IN_PLACE[inverted, peak < 40]


_DONE_IN_PLACE = {
    (inverted, faint): Preprocessing(inverted=inverted, cropped=None, warnings=(ink.LOW_CONTRAST,) if faint else ())
    for inverted in (False, True)
    for faint in (False, True)
}


def _placed(found: ink.Ink, *, image_size: int, native_size: int, framing: Framing) -> np.ndarray:
    """Cut a window around the ink so that one resampling of it is the framed image, and none of it is moved twice."""
    left, top, width, height = found.box
    scale = framing.box * image_size / native_size / max(width, height)
    x, y = _centre_of_mass(found.strength) if framing.centre == "mass" else (left + width / 2, top + height / 2)
    middle = middle_of(image_size, native_size, framing)
    window = image_size / scale
    from_x, from_y = x - middle / scale, y - middle / scale
    canvas, (moved_x, moved_y) = _on_a_canvas(found, from_x, from_y, window)
    resized = Image.fromarray(canvas).resize(
        (image_size, image_size), FILTER, box=(moved_x, moved_y, moved_x + window, moved_y + window)
    )
    placed = np.clip(np.asarray(resized, dtype=np.float32), 0, None)
    placed *= 255 / max(float(placed.max()), 1e-3)
    return placed


def _on_a_canvas(found: ink.Ink, from_x: float, from_y: float, window: float) -> tuple[np.ndarray, tuple[float, float]]:
    """The ink on an empty canvas large enough for the window, and where the window lies there."""
    x0, y0 = int(np.floor(from_x)) - 1, int(np.floor(from_y)) - 1
    side = int(np.ceil(window)) + 3
    canvas = np.zeros((side, side), dtype=np.float32)
    height, width = found.strength.shape
    top, left, bottom, right = max(0, y0), max(0, x0), min(height, y0 + side), min(width, x0 + side)
    if top < bottom and left < right:
        canvas[top - y0 : bottom - y0, left - x0 : right - x0] = found.strength[top:bottom, left:right]
    return canvas, (from_x - x0, from_y - y0)


def middle_of(side: int, native_size: int, framing: Framing) -> float:
    """Where the centre belongs, in pixels from the left and from the top.

    Mass was centred on a pixel, not between two: in 28 x 28 the middle pixel is the one from 14 to 15.
    """
    return (native_size // 2 + 0.5) * side / native_size if framing.centre == "mass" else side / 2


def _centre_of_mass(grey: np.ndarray) -> tuple[float, float]:
    mass = float(grey.sum(dtype=np.float64))
    x = float(grey.sum(0, dtype=np.float64) @ (np.arange(grey.shape[1]) + 0.5))
    y = float(grey.sum(1, dtype=np.float64) @ (np.arange(grey.shape[0]) + 0.5))
    return x / mass, y / mass
