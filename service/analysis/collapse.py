"""Holds an affine network against the one map that it is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.domain.ledger import Ledger
from service.domain.linearity import LinearCollapse

if TYPE_CHECKING:
    import numpy as np

ROUNDING = 1e-4
"""Relative; a stack of 64 layers in single precision stays well below."""
AT_ONCE = 2048
"""Images; their pixels in double precision take 13 MB at 28x28."""


def collapse(
    matrix: "np.ndarray", bias: "np.ndarray", *, inputs: "np.ndarray", logits: "np.ndarray", ledger: Ledger
) -> LinearCollapse:
    """Compare `matrix` (classes, pixels) and `bias` in double precision with the network's finite logits (n, classes).

    The inputs are what the network saw, float32 (n, pixels).
    """
    import numpy as np

    singular = np.linalg.svd(matrix, compute_uv=False)
    rank = int((singular > singular[0] * max(matrix.shape) * np.finfo(np.float64).eps).sum())
    classes, pixels = matrix.shape
    effective, formula = _effective(pixels, classes, rank, declared=ledger.parameters)
    difference, same = 0.0, 0
    for part in _parts(len(inputs)):
        mapped = inputs[part].astype(np.float64) @ matrix.T + bias
        difference = max(difference, float(np.abs(mapped - logits[part]).max()))
        same += int((mapped.argmax(1) == logits[part].argmax(1)).sum())
    scale = float(np.abs(logits).max())
    relative = difference / scale if scale else difference
    return LinearCollapse(
        layers=len(ledger.weighted),
        inputs=pixels,
        outputs=classes,
        declared_parameters=ledger.parameters,
        effective_parameters=effective,
        formula=formula,
        rank=rank,
        singular_values=tuple(map(float, singular)),
        images=len(inputs),
        largest_difference=difference,
        largest_logit=scale,
        relative_difference=relative,
        is_rounding=relative <= ROUNDING,
        same_predictions=same,
    )


def _effective(pixels: int, classes: int, rank: int, *, declared: int) -> tuple[int, str]:
    """The matrices of rank r among those of m x n have r (m + n - r) dimensions; the bias has m more."""
    free = rank * (pixels + classes - rank) + classes
    if declared < free:
        return declared, f"{declared} as declared, fewer than the {free} of all maps of rank {rank}"
    if rank == classes:
        return free, f"({pixels}+1)*{classes} = {free}"
    return free, f"{rank}*({pixels}+{classes}-{rank})+{classes} = {free}"


def _parts(images: int) -> Iterator[slice]:
    for start in range(0, images, AT_ONCE):
        yield slice(start, start + AT_ONCE)
