"""Confidence against accuracy.

Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, for the bins, the expected
calibration error and the temperature; Brier, "Verification of forecasts expressed in terms of probability", Monthly
Weather Review 78 (1950). Rows of logits that are not finite are left out, except of the two losses.
"""

from math import exp, log

import numpy as np

from service.analysis import finite, softmax
from service.domain.calibration import (
    Calibration,
    FittedTemperature,
    Judged,
    Margins,
    Quantile,
    ReliabilityBin,
)
from service.domain.splits import SplitName

BINS = 15
"""As in Guo et al."""
COOLEST, HOTTEST = 0.01, 100.0
"""Between these a temperature is looked for."""
SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
BARS = 40
"""Of the margins' histogram, about."""

Scored = tuple[np.ndarray, np.ndarray]
"""Logits `(n, classes)` and labels `(n,)` of a split."""


def calibration(*, experiment_id: str, split: SplitName, validation: Scored, test: Scored) -> Calibration:
    """All figures of one of the two splits; the temperature is fitted on the one and judged on the other whichever."""
    logits, labels = validation if split == "validation" else test
    kept = np.isfinite(logits).all(axis=1)
    mean_loss = _mean_loss(logits, labels)
    probabilities = softmax.probabilities(logits[kept])
    right = softmax.predictions(logits[kept]) == labels[kept]
    bins = reliability(probabilities.max(axis=1), right)
    return Calibration(
        experiment_id=experiment_id,
        split=split,
        images=len(labels),
        not_finite=int(np.count_nonzero(~kept)),
        cross_entropy=mean_loss,
        zero_one_loss=float((softmax.predictions(logits) != labels).mean()),
        zero_one_bound=None if mean_loss is None else mean_loss / log(2),
        brier_score=_brier(probabilities, labels[kept]),
        expected_calibration_error=expected_error(bins),
        bins=bins,
        margins=_margins(softmax.margins(logits[kept], labels[kept])),
        temperature=_fitted(validation, test),
    )


def reliability(confidences: np.ndarray, right: np.ndarray, *, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Bins of one width over 0..1, each without its lower edge and with its upper one."""
    edges = np.linspace(0, 1, bins + 1)
    places = np.searchsorted(edges[1:-1], confidences, side="left")
    counts = np.bincount(places, minlength=bins)
    sums = (np.bincount(places, weights=values, minlength=bins) for values in (confidences, right))
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (finite.numbers(each / counts) for each in sums)
    return tuple(
        ReliabilityBin(
            low=float(edges[at]),
            high=float(edges[at + 1]),
            count=int(counts[at]),
            confidence=confidence[at],
            accuracy=accuracy[at],
        )
        for at in range(bins)
    )


def expected_error(bins: tuple[ReliabilityBin, ...]) -> float | None:
    """The gaps between accuracy and confidence, weighted by the images; None where there is no image."""
    images = sum(each.count for each in bins)
    if not images:
        return None
    gaps = (
        each.count * abs(each.accuracy - each.confidence)
        for each in bins
        if each.accuracy is not None and each.confidence is not None
    )
    return sum(gaps) / images


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The one in `COOLEST`..`HOTTEST` with the least mean cross-entropy, for rows that are finite.

    In the inverse temperature b the loss is convex: its first derivative is the mean of E[z] - z_label under the
    softmax of b z, its second the mean variance of z. So Newton's steps find it, and where one leaves the interval in
    which the first derivative changes its sign, halving that interval (on a logarithmic scale) does.
    """
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    of_label = z[np.arange(len(labels)), labels]

    def derivatives(b: float) -> tuple[float, float]:
        p = softmax.probabilities(z, temperature=1 / b)
        mean = (p * z).sum(axis=1)
        return float((mean - of_label).mean()), float(((p * z * z).sum(axis=1) - mean**2).mean())

    low, high = 1 / HOTTEST, 1 / COOLEST
    if derivatives(low)[0] >= 0:
        return HOTTEST
    if derivatives(high)[0] <= 0:
        return COOLEST
    b = 1.0
    for _ in range(100):
        slope, curvature = derivatives(b)
        low, high = (b, high) if slope < 0 else (low, b)
        step = b - slope / curvature if curvature > 0 else low
        following = step if low < step < high else exp((log(low) + log(high)) / 2)
        if abs(following - b) <= 1e-12 * b:
            break
        b = following
    return 1 / b


def _fitted(validation: Scored, test: Scored) -> FittedTemperature:
    logits, labels = validation
    kept = np.isfinite(logits).all(axis=1)
    value = fit_temperature(logits[kept], labels[kept]) if kept.any() else None
    return FittedTemperature(
        value=value,
        at_bound=value in {COOLEST, HOTTEST},
        validation_images=int(np.count_nonzero(kept)),
        before=_judged(test, 1.0),
        after=None if value is None else _judged(test, value),
    )


def _judged(split: Scored, temperature: float) -> Judged:
    logits, labels = split
    kept = np.isfinite(logits).all(axis=1)
    confidences = softmax.probabilities(logits[kept], temperature=temperature).max(axis=1)
    right = softmax.predictions(logits[kept]) == labels[kept]
    return Judged(
        cross_entropy=_mean_loss(logits, labels, temperature=temperature),
        expected_calibration_error=expected_error(reliability(confidences, right)),
    )


def _mean_loss(logits: np.ndarray, labels: np.ndarray, *, temperature: float = 1.0) -> float | None:
    return finite.number(softmax.losses(logits, labels, temperature=temperature).mean())


def _brier(probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    if not len(labels):
        return None
    distances = probabilities.copy()
    distances[np.arange(len(labels)), labels] -= 1
    return float((distances**2).sum(axis=1).mean())


def _margins(values: np.ndarray) -> Margins:
    if not len(values):
        return Margins(quantiles=(), edges=(), counts=())
    quantiles = np.quantile(values, SHARES)
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    width = (high - low) / BARS or 1.0
    edges = width * np.arange(np.floor(low / width), np.ceil(high / width) + 1)
    if len(edges) < 2:
        edges = np.array([0.0, width])
    # Rounding can leave the outermost value just outside.
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return Margins(
        quantiles=tuple(Quantile(share=share, value=float(at)) for share, at in zip(SHARES, quantiles, strict=True)),
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )
