"""Whether networks differ by more than the luck of the test images, from which of these they read right."""

from math import sqrt

import numpy as np

from service.analysis.estimates import t_p_value, t_quantile
from service.domain.comparison import Interval, OverImages


def compare(a: np.ndarray, b: np.ndarray) -> OverImages:
    """The paired t test over the images, of the share 0..1 of each group's runs that reads an image right.

    For groups of one run each, it is McNemar's but for terms that vanish with the number of images.
    """
    differences = a - b
    images, mean = len(differences), float(differences.mean())
    error = float(differences.std(ddof=1)) / sqrt(images) if images > 1 else 0.0
    half = t_quantile(images - 1) * error if images > 1 else 0.0
    p_value = t_p_value(mean / error, images - 1) if error > 0 else 1.0
    return OverImages(images=images, difference=mean, interval=(mean - half, mean + half), p_value=p_value)


def difference(only_a: int, only_b: int, images: int) -> tuple[float, Interval]:
    """Of two runs' accuracies, by the images that one alone reads right, with the interval of that test."""
    mean = (only_a - only_b) / images
    spread = max((only_a + only_b) / images - mean**2, 0.0)
    half = t_quantile(images - 1) * sqrt(spread / (images - 1)) if images > 1 else 0.0
    return mean, (mean - half, mean + half)
