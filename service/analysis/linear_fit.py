"""The linear map from pixels to logits that comes nearest to a network, each image judged by a fit without it.

Least squares with a bias. To leave an image out of the fit takes no other fit: its residual is divided by one minus its
leverage, which is exact (Allen, "The relationship between variable selection and data augmentation and a method for
prediction", Technometrics 16, 1974). The leverages depend on the images alone, not on the network: they are reckoned
once for a data set.

A little ridge keeps pixels that hardly any image lights from getting weights of any size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.domain.linearity import LinearFit

if TYPE_CHECKING:
    import numpy as np

RIDGE = 0.1
"""Added to the sum of squares of each pixel on the scale 0..1; the bias is free."""
METHOD = (
    "least squares of the logits on the pixels and a bias, ridge 0.1 on pixels in 0..1, over all test images; "
    "each image is judged by the fit without it"
)
MIDDLE = 128
"""Greys are counted from here, which a free bias makes up for. Products of two are integers of at most 2**14, and so
their sums over `EXACT` images at most 2**24, up to which single precision has every integer."""
EXACT = 1024
"""Images."""
AT_ONCE = 256
"""Images whose pixels, in double precision, stay in the processor's cache."""
BLOCK = 128
"""Rows of a triangular matrix that are multiplied as if it were none."""


@dataclass(frozen=True, eq=False)
class Design:
    """What a fit on these images needs of them."""

    greys: "np.ndarray"
    """uint8 (n, pixels): the images, not a copy of them."""
    used: "np.ndarray"
    """bool (pixels + 1,): pixels that are lit in any image, and the bias; what is dark in all has no weight."""
    inverse: "np.ndarray"
    """Of the lower Cholesky factor of the normal matrix of what is used, of greys as `_rows` gives them."""
    leverages: "np.ndarray"
    """(n,), in 0..1: what an image's own logits weigh in its fitted ones."""


def design(images: "np.ndarray") -> Design:
    """Of uint8 images `(n, height, width)`, n at least 1."""
    import numpy as np

    greys = images.reshape(len(images), -1)
    used = np.append(greys.any(0), True)
    lit, size = greys[:, used[:-1]], np.count_nonzero(used)
    normal = np.diag([*[RIDGE * 255**2] * (size - 1), 0.0])
    for rows, _ in _rows(lit, EXACT, np.float32):
        normal += rows.T @ rows
    inverse = _inverse(np.linalg.cholesky(normal))
    # Single precision is enough for the leverages, and takes half the time of what takes most of it.
    single, leverages = inverse.astype(np.float32), np.zeros(len(lit))
    for rows, part in _rows(lit, EXACT, np.float32):
        for first in range(0, size, BLOCK):
            last = first + BLOCK
            whitened = rows[:, :last] @ single[first:last, :last].T
            leverages[part] += np.einsum("ij,ij->i", whitened, whitened)
    return Design(greys=greys, used=used, inverse=inverse, leverages=leverages)


def _inverse(lower: "np.ndarray") -> "np.ndarray":
    """Of a lower triangular matrix, by halves: as if it were any matrix it would take ten times as long."""
    import numpy as np

    if len(lower) <= BLOCK:
        return np.linalg.inv(lower)
    half = len(lower) // 2
    inverse = np.zeros_like(lower)
    inverse[:half, :half], inverse[half:, half:] = _inverse(lower[:half, :half]), _inverse(lower[half:, half:])
    inverse[half:, :half] = -inverse[half:, half:] @ (lower[half:, :half] @ inverse[:half, :half])
    return inverse


def linear_fit(design: Design, *, logits: "np.ndarray", labels: "np.ndarray") -> LinearFit:
    """Of finite logits `(n, classes)` of the design's images, whose labels are `(n,)`."""
    import numpy as np

    wanted = logits.astype(np.float64)
    left_out = wanted - _residuals(design, wanted) / (1 - design.leverages)[:, None]
    missed = ((wanted - left_out) ** 2).sum(0)
    spread = ((wanted - wanted.mean(0)) ** 2).sum(0)
    theirs, ours = logits.argmax(1), left_out.argmax(1)
    network_accuracy, accuracy = float((theirs == labels).mean()), float((ours == labels).mean())
    return LinearFit(
        method=METHOD,
        images=len(logits),
        coefficients=len(design.used) * logits.shape[1],
        r2=_r2(float(missed.sum()), float(spread.sum())),
        r2_by_class=tuple(_r2(float(a), float(b)) for a, b in zip(missed, spread, strict=True)),
        network_accuracy=network_accuracy,
        accuracy=accuracy,
        accuracy_lost=network_accuracy - accuracy,
        same_predictions=float((theirs == ours).mean()),
    )


def _residuals(design: Design, wanted: "np.ndarray") -> "np.ndarray":
    """Of the fit on all images."""
    import numpy as np

    moments = np.zeros((len(design.used), wanted.shape[1]))
    for rows, part in _rows(design.greys, AT_ONCE, np.float64):
        moments += rows.T @ wanted[part]
    coefficients = np.zeros_like(moments)
    coefficients[design.used] = design.inverse.T @ (design.inverse @ moments[design.used])
    residuals = wanted.copy()
    for rows, part in _rows(design.greys, AT_ONCE, np.float64):
        residuals[part] -= rows @ coefficients
    return residuals


def _rows(greys: "np.ndarray", count: int, dtype: "type[np.floating[Any]]") -> "Iterator[tuple[np.ndarray, slice]]":
    """Greys less `MIDDLE` and a last column of ones, `count` images at a time, and where these are; the next ones lie
    in the same memory.
    """
    import numpy as np

    buffer = np.empty((count, greys.shape[1] + 1), dtype=dtype)
    for start in range(0, len(greys), count):
        part = slice(start, start + count)
        rows = buffer[: len(greys[part])]
        np.subtract(greys[part], MIDDLE, out=rows[:, :-1], dtype=dtype)
        rows[:, -1] = 1
        yield rows, part


def _r2(missed: float, spread: float) -> float | None:
    return 1 - missed / spread if spread else None
