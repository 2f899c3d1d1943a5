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


@dataclass(frozen=True, eq=False)
class Design:
    """What a fit on these images needs of them."""

    lit: "np.ndarray"
    """uint8 (n, lit pixels): those that are dark in all images have no weight."""
    pixels: int
    """Of an image, dark ones included."""
    factor: "np.ndarray"
    """Lower Cholesky factor of the normal matrix, (lit pixels + 1) squared, of greys as `_rows` gives them."""
    leverages: "np.ndarray"
    """(n,), in 0..1: what an image's own logits weigh in its fitted ones."""


def design(images: "np.ndarray") -> Design:
    """Of uint8 images `(n, height, width)`, n at least 1."""
    import numpy as np
    from scipy.linalg import blas, cholesky, lapack

    whole = images.reshape(len(images), -1)
    lit = whole[:, whole.any(0)]
    size = lit.shape[1] + 1
    normal = np.diag([*[RIDGE * 255**2] * (size - 1), 0.0]).T
    for rows, _ in _rows(lit, EXACT, np.float32):
        normal += blas.ssyrk(1.0, rows.T, lower=1)
    factor = cholesky(normal, lower=True, check_finite=False)
    # Single precision is enough for the leverages, and takes half the time of what takes most of it.
    inverse = lapack.dtrtri(factor, lower=1)[0].astype(np.float32)
    leverages = np.empty(len(lit))
    for rows, part in _rows(lit, EXACT, np.float32):
        whitened = blas.strmm(1.0, inverse, rows.T, lower=1, overwrite_b=1)
        leverages[part] = np.einsum("ij,ij->j", whitened, whitened)
    return Design(lit=lit, pixels=whole.shape[1], factor=factor, leverages=leverages)


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
        coefficients=(design.pixels + 1) * logits.shape[1],
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
    from scipy.linalg import blas, cho_solve

    moments = np.zeros((wanted.shape[1], len(design.factor)))
    for rows, part in _rows(design.lit, AT_ONCE, np.float64):
        moments += blas.dgemm(1.0, wanted[part].T, rows.T, trans_b=1)
    coefficients = cho_solve((design.factor, True), moments.T, check_finite=False)
    residuals = wanted.copy()
    for rows, part in _rows(design.lit, AT_ONCE, np.float64):
        residuals[part] -= blas.dgemm(1.0, coefficients, rows.T, trans_a=1).T
    return residuals


def _rows(lit: "np.ndarray", count: int, dtype: "type[np.floating[Any]]") -> "Iterator[tuple[np.ndarray, slice]]":
    """Greys less `MIDDLE` and a last column of ones, `count` images at a time, and where these are; the next ones lie
    in the same memory. Transposed they are as BLAS wants them: all products are by one library with one set of threads.
    """
    import numpy as np

    buffer = np.empty((count, lit.shape[1] + 1), dtype=dtype)
    for start in range(0, len(lit), count):
        part = slice(start, start + count)
        rows = buffer[: len(lit[part])]
        np.subtract(lit[part], MIDDLE, out=rows[:, :-1], dtype=dtype)
        rows[:, -1] = 1
        yield rows, part


def _r2(missed: float, spread: float) -> float | None:
    return 1 - missed / spread if spread else None
