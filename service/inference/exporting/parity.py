"""Whether an exported file answers as the checkpoint does, asked before anybody is given the file."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from service.domain.export import ExportFormat
from service.errors import UnexportableError
from service.inference.models import Model
from service.inference.predict import logits_of

NOISE, DIGITS = 16, 14
TOLERANCE = 1e-4
"""Of the largest logit, or of 1 where they are smaller: sums in another order differ by far less, a mistake by more."""

Run = Callable[[np.ndarray], np.ndarray]
"""The exported network: float32 `(batch, 1, side, side)` in 0..255 to logits `(batch, classes)`."""


def images(side: int) -> np.ndarray:
    """float32 `(32, side, side)` in 0..255, always the same: noise, drawn digits, one all black, one all white."""
    chance = np.random.default_rng(0)
    noise = chance.integers(0, 256, size=(NOISE, side, side))
    digits = [_digit(str(number % 10), side, shift=number // 10 * 2) for number in range(DIGITS)]
    flat = [np.zeros((side, side)), np.full((side, side), 255)]
    return np.concatenate([noise, digits, flat]).astype(np.float32)


def checked(model: Model, run: Run, kind: ExportFormat) -> float:
    """The largest difference of a logit between the file and the checkpoint; `UnexportableError` where it is a mistake.

    The file is run on all images at once and on one alone. Where the network itself gives no finite logit, the file
    must give none there either.
    """
    shown = images(model.manifest.image_size)
    batches = (shown, shown[NOISE : NOISE + 1])
    expected = [logits_of(model, batch.copy()).numpy() for batch in batches]  # floats are standardised in place
    difference = max(_largest(run(batch[:, None]), given) for batch, given in zip(batches, expected, strict=True))
    finite = expected[0][np.isfinite(expected[0])]
    allowed = TOLERANCE * max(1.0, float(np.abs(finite).max(initial=0)))
    if not difference <= allowed:
        raise UnexportableError(
            f"the {kind} file would differ by {difference:.2g} from the checkpoint, and {allowed:.2g} is allowed: "
            "one of its layers is not what its class says"
        )
    return difference


def _largest(found: np.ndarray, expected: np.ndarray) -> float:
    if found.shape != expected.shape:
        return float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(found)):
        return float("inf")
    return float(np.abs(found[finite].astype(np.float64) - expected[finite]).max(initial=0))


def _digit(text: str, side: int, *, shift: int) -> np.ndarray:
    picture = Image.new("L", (side, side))
    middle = side / 2 + shift
    ImageDraw.Draw(picture).text((middle, side / 2), text, fill=255, font=ImageFont.load_default(side), anchor="mm")
    return np.asarray(picture)
