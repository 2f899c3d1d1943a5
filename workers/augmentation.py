"""Training images are moved at random before a network sees them: a whole batch at a time, anew in every epoch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from service.domain.augmentations import AnyAugmentation, Elastic, Shift
from workers.devices import sent
from workers.displacements import Displacements, offsets


@dataclass(frozen=True)
class Batches:
    """What is moved: so many images of side x side in an epoch, at most so many of them at once, on this device."""

    images: int
    batch_size: int
    side: int
    device: torch.device


class Augmentation:
    """What the training images of one epoch go through.

    All chance comes from the generator, which is on the CPU: that of shifts, rotations and scales for the whole epoch
    at once, that of elastics batch by batch. So the batches of an epoch are to be given in their order, and then each
    comes out the same whenever the epoch is run, on any device up to rounding.

    Neighbours in the list are composed and done in one go, so that an image is blurred once: shifts by whole pixels are
    copied, all else is one bilinear interpolation, up to and with the next elastic. What one of them moves out of the
    image the next may therefore bring back.
    """

    def __init__(self, options: Iterable[AnyAugmentation], batches: Batches, generator: torch.Generator) -> None:
        self._groups = [
            _Copying([each for each in group if isinstance(each, Shift)], batches, generator)
            if all(isinstance(each, Shift) for each in group)
            else _Interpolation(group, batches, generator)
            for group in _groups(each for each in options if each.moves)
        ]

    def __call__(self, images: torch.Tensor, part: slice) -> torch.Tensor:
        """This part of the epoch's images, `(batch, side, side)` in 0..255, moved, in the same range and new memory.

        Interpolated ones are float32 and not rounded. Where nothing moves they are the very same tensor.
        """
        for group in self._groups:
            images = group(images, part)
        return images


def _groups(options: Iterable[AnyAugmentation]) -> Iterator[list[AnyAugmentation]]:
    """What can be one map: after an elastic a new one begins, as its displacements are known at whole pixels alone."""
    group: list[AnyAugmentation] = []
    for each in options:
        group.append(each)
        if isinstance(each, Elastic):
            yield group
            group = []
    if group:
        yield group


class _Copying:
    """Shifts by whole pixels: of each image, a stretch of memory from another start.

    The images stand in one long line of pixels with a margin of background, which the right side of a row of pixels
    shares with the left side of the next. So a shift along both axes is one number, and a moved image one `memcpy`.
    """

    def __init__(self, shifts: Sequence[Shift], batches: Batches, generator: torch.Generator) -> None:
        self._margin = sum(each.pixels for each in shifts)
        self._row = batches.side + self._margin
        self._stride = (batches.side + 2 * self._margin) * self._row + 2 * self._margin
        moved = torch.stack([offsets(each, batches.images, generator) for each in shifts]).sum(0)
        self._starts = sent(((self._margin - moved) * torch.tensor([1, self._row])).sum(1), batches.device)

    def __call__(self, images: torch.Tensor, part: slice) -> torch.Tensor:
        (count, side, _), margin, row = images.shape, self._margin, self._row
        line = images.new_zeros(count * self._stride)
        line.as_strided(images.shape, (self._stride, row, 1), margin * row + margin).copy_(images)
        stretches = line.as_strided((len(line) - side * row + 1, side * row), (1, 1))
        starts = torch.arange(0, len(line), self._stride, device=images.device).add_(self._starts[part])
        return stretches.index_select(0, starts).view(count, side, row)[:, :, :side]


class _Interpolation:
    """One bilinear look-up of every pixel at the place where it comes from."""

    def __init__(self, group: Sequence[AnyAugmentation], batches: Batches, generator: torch.Generator) -> None:
        self._displacements = Displacements(group, images=batches.images, side=batches.side, generator=generator)
        self._displacements.to(batches.device)
        most = min(batches.batch_size, batches.images)
        # Fresh memory of this size comes from the system anew for each batch, which took longer than all else.
        self._values = torch.empty(most, 1, batches.side, batches.side, device=batches.device)
        self._places = torch.empty(most, batches.side, 2 * batches.side, device=batches.device)

    def __call__(self, images: torch.Tensor, part: slice) -> torch.Tensor:
        count, side, _ = images.shape
        values = self._values[:count].copy_(images.unsqueeze(1))
        places = self._displacements.places(part, out=self._places[:count]).view(count, side, side, 2)
        return functional.grid_sample(values, places, padding_mode="zeros", align_corners=True).squeeze(1)
