"""From logits to probabilities and losses, and how these change with the logits.

All of it is reckoned in float64 of logits `(n, classes)`. A row with a logit that is NaN or +inf has NaN for all that
is reckoned of it, and is read as `argmax` reads it, which takes NaN for the largest: as the run's own accuracy did.
"""

from typing import NamedTuple

import numpy as np


class Gradients(NamedTuple):
    """Of one image's figures by its logits, each `(classes,)`."""

    cross_entropy: np.ndarray
    softmax: np.ndarray
    hard_maximum: np.ndarray


def predictions(logits: np.ndarray) -> np.ndarray:
    """The class that each row is read as, int64 `(n,)`; of several that tie the first."""
    found: np.ndarray = logits.argmax(axis=1)
    return found


def probabilities(logits: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Softmax of the logits divided by the temperature, `(n, classes)`; the largest is taken off first."""
    with np.errstate(invalid="ignore"):
        powers = np.exp(_shifted(logits, temperature))
        shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def losses(logits: np.ndarray, labels: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """The cross-entropy of each row, `(n,)`: infinite where the label's logit is -inf."""
    with np.errstate(invalid="ignore"):
        shifted = _shifted(logits, temperature)
        found: np.ndarray = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return found


def margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The label's logit minus the largest other, `(n,)`: above 0 where the row is read right, below where wrong."""
    others = logits.astype(np.float64)
    rows = np.arange(len(labels))
    of_label = others[rows, labels]
    others[rows, labels] = -np.inf
    with np.errstate(invalid="ignore"):
        found: np.ndarray = of_label - others.max(axis=1)
    found[~np.isfinite(logits).all(axis=1)] = np.nan
    return found


def gradients(logits: np.ndarray, label: int, *, of_class: int, temperature: float) -> Gradients:
    """By the logits of one image, `(classes,)`.

    With p the softmax of z / T: the cross-entropy's is (p - onehot(label)) / T, that of p_k is p_k (onehot(k) - p) / T
    (Bridle, "Probabilistic interpretation of feedforward classification network outputs", Neurocomputing, 1990). The
    hard maximum is constant around every point at which one logit is the largest, so there its gradient is 0; where two
    tie it jumps, and has none: NaN.
    """
    classes = np.eye(len(logits))
    p = probabilities(logits[None], temperature=temperature)[0]
    tied = np.isnan(logits).any() or np.count_nonzero(logits == logits.max()) > 1
    return Gradients(
        cross_entropy=(p - classes[label]) / temperature,
        softmax=p[of_class] * (classes[of_class] - p) / temperature,
        hard_maximum=np.full(len(logits), np.nan if tied else 0.0),
    )


class GradientLengths(NamedTuple):
    """How long the gradients by each image's logits are, `(n,)` each."""

    cross_entropy: np.ndarray
    softmax: np.ndarray
    """Of the probability of what is read."""
    tied: np.ndarray
    """bool: the hard maximum has none. Elsewhere it is 0."""


def gradient_lengths(logits: np.ndarray, labels: np.ndarray, *, temperature: float) -> GradientLengths:
    """Of the gradients that `gradients` has for one image, for `(n, classes)`."""
    rows, read = np.arange(len(labels)), predictions(logits)
    p = probabilities(logits, temperature=temperature)
    of_read, off, slope = p[rows, read], p.copy(), -p
    off[rows, labels] -= 1
    slope[rows, read] += 1
    largest = np.partition(logits, -2, axis=1)[:, -2:]
    return GradientLengths(
        cross_entropy=np.linalg.norm(off, axis=1) / temperature,
        softmax=of_read * np.linalg.norm(slope, axis=1) / temperature,
        tied=(largest[:, 0] == largest[:, 1]) | np.isnan(logits).any(axis=1),
    )


def _shifted(logits: np.ndarray, temperature: float) -> np.ndarray:
    scaled = logits.astype(np.float64) / temperature
    shifted: np.ndarray = scaled - scaled.max(axis=1, keepdims=True)
    return shifted
