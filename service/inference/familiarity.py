"""How far an image is from a data set's training images, whatever network looks at it.

An image, scaled to unit length so that faint and thin digits count as much as heavy ones, is taken apart into what the
training images' principal components make up and what they leave over. Within the components each class is a Gaussian,
with two numbers beside them, how much ink there is and how thick the strokes are. Both parts of the distance are from
Moghaddam and Pentland, "Probabilistic visual learning for object representation", IEEE TPAMI 19 (1997): the distance
in the feature space and that from it; a Gaussian for each class as in Lee et al. (2018), arXiv:1807.03888.

The scale is the training split's own: a third of it is held out from the components and the Gaussians, and each measure
counts by the share of held-out images that are as extreme, the logarithms added as in Fisher's method. So are the
limits: one held-out digit in 50 is `doubtful`, one in 500 `no_digit`.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

import numpy as np
from PIL import Image

from service.domain.examination import Distance

MOST_COMPONENTS = 40
MOST_FITTED, MOST_HELD_OUT = 12_000, 5_000
"""Images; with more of MNIST's neither the components nor the limits change to speak of."""
AT_ONCE = 512
"""Images that are reckoned with together: more take much memory for no time."""
SHRINKAGE = 0.05
"""Each class's covariance takes so much of the one that all classes share."""
DOUBTFUL, NO_DIGIT = 0.02, 0.005
"""Shares of held-out training digits beyond each limit."""
TAIL = 0.05
"""Shares smaller than this are reckoned by an exponential tail, for few images lie there."""


@dataclass(frozen=True, eq=False)
class Familiarity:
    """The training images of one data set in a megabyte or so; every field is an array."""

    mean: np.ndarray
    """`(pixels,)`, of images of unit length."""
    components: np.ndarray
    """`(pixels, k)`."""
    centres: np.ndarray
    """`(classes, k + 2)`."""
    roots: np.ndarray
    """`(classes, k + 2, k + 2)`: Cholesky factors of the inverse covariances."""
    volumes: np.ndarray
    """`(classes,)`: logarithms of the covariances' determinants."""
    held_out: np.ndarray
    """`(3, n)`: the measures of the held-out images, each sorted."""
    distances: np.ndarray
    """`(n,)`: their distances, sorted."""
    gap: np.ndarray
    """`()`: how much farther than the nearest class the right one is, for 98 of 100 held-out images at most."""

    @property
    def side(self) -> int:
        """In pixels, of the images that it is about."""
        return math.isqrt(len(self.mean))

    def describe(self, image: np.ndarray, *, digit: int | None = None) -> tuple[Distance, bool]:
        """The distance of a framed image `(side, side)` in 0..255, and whether it is far from `digit`'s class in
        comparison with the nearest. An image of another size is resized.
        """
        if len(image) != self.side:
            resized = Image.fromarray(image).resize((self.side, self.side), Image.Resampling.BICUBIC)
            image = np.clip(np.asarray(resized), 0, 255)
        measured, to_classes = self.measure(image[None])
        value = float(self._combined(measured)[0])
        nearest = int(to_classes[0].argmin())
        distance = Distance(
            value=value,
            as_far=1 - int(np.searchsorted(self.distances, value)) / len(self.distances),
            doubtful_from=_at(self.distances, DOUBTFUL),
            no_digit_from=_at(self.distances, NO_DIGIT),
            nearest=nearest,
            residual=float(measured[0, 0]),
            to_class=float(measured[1, 0]),
            stroke=float(measured[2, 0]),
        )
        apart = digit is not None and to_classes[0, digit] - to_classes[0, nearest] > self.gap
        return distance, bool(apart)

    def measure(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residual, distance to the nearest class and stroke `(3, n)`, and the distances to all classes
        `(n, classes)`, of images `(n, side, side)` in 0..255.
        """
        features, residual = _features(images, self.mean, self.components)
        to_classes = np.stack(
            [
                (((features - centre) @ root) ** 2).sum(1) + volume
                for centre, root, volume in zip(self.centres, self.roots, self.volumes, strict=True)
            ],
            axis=1,
        )
        return np.stack([residual, to_classes.min(1), np.exp(features[:, -1])]), to_classes

    def _combined(self, measured: np.ndarray) -> np.ndarray:
        tails = [_log_tail(known, values) for known, values in zip(self.held_out, measured, strict=True)]
        combined: np.ndarray = -np.stack(tails).sum(0)
        return combined


def fit(images: np.ndarray, labels: np.ndarray) -> Familiarity:
    """Learn it from a training split: uint8 `(n, side, side)` and the classes' numbers `(n,)`, of each at least 20."""
    # Shuffled: in MNIST the clerks' and the pupils' digits take turns, and every other image is no fair sample.
    places = np.random.default_rng(0).permutation(len(images))
    third = len(images) // 3
    held, fitted = places[:third][:MOST_HELD_OUT], places[third:][:MOST_FITTED]
    classes = labels[fitted]
    pixels, smallest = images[0].size, int(np.bincount(classes).min())
    mean, components = _principal(_few(images, fitted), most=min(MOST_COMPONENTS, pixels // 3, smallest // 4))
    features = np.concatenate([_features(few, mean, components)[0] for few in _few(images, fitted)]).astype(np.float64)
    of_class = [features[classes == number] for number in range(int(classes.max()) + 1)]
    own = np.stack([np.cov(each.T) for each in of_class])
    covariances = (1 - SHRINKAGE) * own + SHRINKAGE * own.mean(0)
    known = Familiarity(
        mean=mean,
        components=components,
        centres=np.stack([each.mean(0) for each in of_class]).astype(np.float32),
        roots=np.linalg.cholesky(np.linalg.inv(covariances)).astype(np.float32),
        volumes=np.linalg.slogdet(covariances)[1].astype(np.float32),
        held_out=np.zeros((3, 0), dtype=np.float32),
        distances=np.zeros(0),
        gap=np.zeros(()),
    )
    parts = [known.measure(few) for few in _few(images, held)]
    measured = np.concatenate([each for each, _ in parts], axis=1)
    to_classes = np.concatenate([each for _, each in parts])
    right = to_classes[np.arange(len(held)), labels[held]] - to_classes.min(1)
    scaled = _with(known, held_out=np.sort(measured, axis=1), gap=np.asarray(_at(np.sort(right), DOUBTFUL)))
    return _with(scaled, distances=np.sort(scaled._combined(measured)))


def _with(known: Familiarity, **changed: np.ndarray) -> Familiarity:
    return Familiarity(**{each.name: changed.get(each.name, getattr(known, each.name)) for each in fields(known)})


def _few(images: np.ndarray, places: np.ndarray) -> Iterator[np.ndarray]:
    """Of the images at these places, `AT_ONCE` after another."""
    for start in range(0, len(places), AT_ONCE):
        yield images[places[start : start + AT_ONCE]]


def _principal(images: Iterable[np.ndarray], *, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean `(pixels,)` of images of unit length and the directions of largest variance `(pixels, most)`."""
    import torch

    count, total, products = 0, np.zeros(()), np.zeros(())
    for few in images:
        vectors = _unit(few)
        count += len(vectors)
        total = total + vectors.sum(0, dtype=np.float64)
        products = products + vectors.T @ vectors
    mean = total / count
    scatter = products / count - np.outer(mean, mean)
    found = torch.linalg.eigh(torch.from_numpy(scatter.astype(np.float32)))[1].numpy()
    return mean.astype(np.float32), np.ascontiguousarray(found[:, : -most - 1 : -1])


def _unit(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def _features(images: np.ndarray, mean: np.ndarray, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Components, logarithm of the ink and of the stroke `(n, k + 2)`; the share that is left over `(n,)`."""
    centred = _unit(images) - mean
    parts = centred @ components
    residual = (centred**2).sum(1) - (parts**2).sum(1)
    grey = images.astype(np.float32) / 255
    ink = np.maximum(grey.sum((1, 2)), 1e-3)
    outline = np.abs(np.diff(grey, axis=1)).sum((1, 2)) + np.abs(np.diff(grey, axis=2)).sum((1, 2))
    beside = np.log(np.stack([ink, ink / np.maximum(outline, 1e-3)], axis=1))
    return np.concatenate([parts, beside], axis=1), residual


def _at(known: np.ndarray, share: float) -> float:
    """The number that so small a share of the sorted ones are larger than."""
    return float(known[min(len(known) - 1, int((1 - share) * len(known)))])


def _log_tail(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Logarithms of the shares of the sorted `known` that are at least as large, as if the last of them lay on an
    exponential: so what is beyond all that is known counts by how far.
    """
    counted = len(known) - np.searchsorted(known, values) + 0.5
    share = np.log(counted / (len(known) + 0.5))
    begin, end = _at(known, TAIL), _at(known, TAIL / 5)
    beyond = np.log(TAIL / 5) - (values - end) / max(end - begin, 1e-9) * np.log(5)
    tails: np.ndarray = np.where(values > end, beyond, share)
    return tails
