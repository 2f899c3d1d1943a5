"""From a data set's test images to what a network that was trained on another data set sees.

Each data set has its own size and its own place for the ink: MNIST's digits fill 20 of 28 pixels around their centre of
mass, USPS's fill all of 16. Resized alone, a digit of one comes at a scale that a network of the other has never seen:
of USPS's test images a perceptron of MNIST then reads 28 %, framed as its own were 88 %.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from service.datasets import Split
from service.domain.dataset import DatasetFacts, Framing
from service.domain.evaluation import Reframing
from service.domain.manifest import Manifest
from service.inference.preprocessing import frame

LOOKED_UP = 256
"""Images between two looks at whether to stop: a fifth of a second."""


@dataclass(frozen=True)
class Target:
    """What a network's own images look like."""

    image_size: int
    framing: Framing
    native_size: int
    """The image size that the framing is given for."""

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """As it is recorded beside the weights."""
        return cls(image_size=manifest.image_size, framing=manifest.framing, native_size=manifest.native_size)


def adapt(
    test: Split, facts: DatasetFacts, target: Target, *, reframing: Reframing, stopped: Callable[[], bool]
) -> tuple[Split, int] | None:
    """The test images, which come in their data set's own size, as the network's own are; None where it is `stopped`.

    Framed anew, an image goes the way of a picture that is sent to be read (`preprocessing.frame`), in one resampling,
    and is then rounded as the data sets are. Where the makers placed the ink in just that way, it is resized only.

    Returns:
        the same labels with uint8 images of `target.image_size`, and how many of them were framed anew
    """
    if reframing is Reframing.NONE or (facts.framing, facts.image_size) == (target.framing, target.native_size):
        return test.resized(target.image_size), 0
    import torch

    size, anew = target.image_size, 0
    images = np.empty((len(test), size, size), dtype=np.uint8)
    for number, image in enumerate(test.images.numpy()):
        if number % LOOKED_UP == 0 and stopped():
            return None
        placed, done = frame(image, image_size=size, native_size=target.native_size, framing=target.framing)
        images[number] = np.rint(placed)
        anew += done.cropped is not None
    return Split(images=torch.from_numpy(images), labels=test.labels), anew
