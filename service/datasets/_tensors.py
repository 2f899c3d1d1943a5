"""A data set in memory: two splits of two tensors."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MIN_IMAGE_SIZE = 8
MAX_IMAGE_SIZE = 64
_RESIZED_AT_ONCE = 4096
"""Images; at 64x64 their float copy takes 64 MiB."""


@dataclass(frozen=True, eq=False)
class Split:
    """`images` are uint8 `(n, height, width)`, bright ink on a dark ground; `labels` are int64 `(n,)`."""

    images: "torch.Tensor"
    labels: "torch.Tensor"

    def __post_init__(self) -> None:
        import torch

        if self.images.dtype != torch.uint8 or self.images.ndim != 3:
            raise ValueError(f"images must be uint8 (n, height, width), not {_outline(self.images)}")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"labels must be int64 ({len(self.images)},), not {_outline(self.labels)}")

    def __len__(self) -> int:
        return len(self.labels)

    def resized(self, size: int) -> "Split":
        """The same labels with images of size x size, 8..64: antialiased bilinear interpolation, rounded.

        An image's result does not depend on the others.
        """
        import torch
        from torch.nn import functional

        if not MIN_IMAGE_SIZE <= size <= MAX_IMAGE_SIZE:
            raise ValueError(f"image_size must be {MIN_IMAGE_SIZE}..{MAX_IMAGE_SIZE}, not {size}")
        if self.images.shape[1:] == (size, size):
            return self
        images = torch.empty((len(self), size, size), dtype=torch.uint8)
        for start in range(0, len(self), _RESIZED_AT_ONCE):
            part = slice(start, start + _RESIZED_AT_ONCE)
            # In float32: the interpolation of uint8 rounds its weights, and not alike on every processor.
            values = self.images[part, None].float()
            values = functional.interpolate(values, size=(size, size), mode="bilinear", antialias=True)
            images[part] = values[:, 0].round_().clamp_(0, 255)
        return Split(images=images, labels=self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """The training split, from which validation is taken too, and the test split."""

    train: Split
    test: Split
    measured: tuple[float, float] | None = None
    """The standardisation, where it is known already."""

    @cached_property
    def standardisation(self) -> tuple[float, float]:
        """Mean and standard deviation of the training images, as the function of this name reckons them."""
        return self.measured or standardisation(self.train.images)

    def resized(self, size: int) -> "Dataset":
        """Both splits with images of size x size, 8..64."""
        return Dataset(train=self.train.resized(size), test=self.test.resized(size))


def standardisation(split_images: "torch.Tensor") -> tuple[float, float]:
    """Mean and (population) standard deviation of uint8 images on the scale 0..1, to four decimals.

    Give it the training images: these are the numbers that inputs are standardised with, and they come from nowhere
    else. They are exact before the rounding, since the sums are taken over the 256 grey values in integers, so neither
    threads nor the order of the images change them. Where all pixels are alike the deviation is 1, not 0, so that
    standardised images are zeros and not NaN.
    """
    import torch

    histogram = torch.bincount(split_images.flatten(), minlength=256).tolist()
    pixels = sum(histogram)
    if not pixels:
        raise ValueError("no images to standardise by")
    total = sum(count * value for value, count in enumerate(histogram))
    squares = sum(count * value * value for value, count in enumerate(histogram))
    mean = total / pixels
    deviation = sqrt(pixels * squares - total * total) / pixels
    return round(mean / 255, 4), round(deviation / 255, 4) or 1.0


def standardise(images: "torch.Tensor", *, mean: float, std: float) -> "torch.Tensor":
    """What a network sees of images `(n, height, width)` in 0..255: float32 `(n, 1, height, width)`.

    The one place where it is done: training, evaluation and prediction share it, so that they agree to the bit.
    """
    import torch

    return images.to(torch.float32).sub_(255 * mean).div_(255 * std).unsqueeze(1)


def _outline(tensor: "torch.Tensor") -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
