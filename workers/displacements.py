"""Where each pixel of a moved image comes from, drawn for many images as products of small matrices."""

import math
from collections.abc import Sequence

import torch

from service.domain.augmentations import Affine, AnyAugmentation, Elastic, Rotate, Shift
from workers.devices import sent

REACH = 2.5
"""Standard deviations of an elastic's Gaussian beyond which its noise is left out."""
SPACING = 1.25
"""Standard deviations of it between two numbers of its noise."""


class Displacements:
    """The maps of a sequence of augmentations, of which the last alone may be elastic, for the images of an epoch.

    The first acts on the image first: what ends up at p was at `T1(T2(... p))`, with `T(p) = A p + b` for each, and
    `T(p) = p + d(p)` for an elastic. All of it is linear in few functions of a row times few functions of a column: 1,
    the coordinate, and the bumps of which d is made. So the places of all pixels of an image are
    `basis @ coefficients @ basis^T`, with the same basis for both axes.
    """

    def __init__(self, group: Sequence[AnyAugmentation], *, images: int, side: int, generator: torch.Generator) -> None:
        half = (side - 1) / 2
        coordinate = torch.linspace(-1, 1, side, dtype=torch.float64)
        basis = torch.stack([torch.ones_like(coordinate), coordinate])
        matrix, vector = torch.eye(2).expand(images, 2, 2), torch.zeros(images, 2, 1)
        self._bumps, self._alone = 0, len(group) == 1
        for each in group:
            if isinstance(each, Elastic):
                bumps = _bumps(each, side) / math.sqrt(half)
                basis, self._bumps = torch.cat([basis, bumps]), len(bumps)
            else:
                inner, moved = _inverse(each, images, generator)
                matrix, vector = matrix @ inner, matrix @ moved + vector
        self._affine = torch.zeros(images, 2, 2, 2)
        self._affine[:, 0, 0] = vector.squeeze(2) / half
        self._affine[:, 0, 1] = matrix[:, :, 0]
        self._affine[:, 1, 0] = matrix[:, :, 1]
        self._basis = basis.T.float().contiguous()
        # x and y lie side by side in the places, so the basis of the columns takes both at once.
        self._columns = torch.kron(basis, torch.eye(2, dtype=torch.float64)).float()
        self._generator = generator

    def to(self, device: torch.device) -> None:
        """Compute on this device; what is drawn later is still drawn on the CPU."""
        self._basis, self._columns = sent(self._basis, device), sent(self._columns, device)
        if not self._bumps:
            self._affine = sent(self._affine, device)

    def places(self, part: slice, *, out: torch.Tensor) -> torch.Tensor:
        """`(batch, side, side * 2)`, x and y in turn: -1 is the middle of an image's first pixel, 1 that of its last.

        With an elastic this draws, so the parts are to be asked for in their order.
        """
        coefficients = sent(self._coefficients(part), out.device)
        count, size = coefficients.shape[:2]
        rows = (coefficients.view(count * size, size * 2) @ self._columns).view(count, size, -1)
        return torch.bmm(self._basis.expand(count, -1, -1), rows, out=out)

    def _coefficients(self, part: slice) -> torch.Tensor:
        """`(batch, size, size, 2)`: of the functions of a row, those of a column, x and y."""
        affine = self._affine[part]
        if not self._bumps:
            return affine
        count, bumps, size = len(affine), self._bumps, 2 + self._bumps
        noise = torch.randn(count, bumps * bumps, 2, generator=self._generator)
        if not self._alone:  # d is seen through A
            noise = noise @ torch.stack([affine[:, 0, 1], affine[:, 1, 0]], dim=1)
        found = torch.zeros(count, size, size, 2)
        found[:, :2, :2] = affine
        found[:, 2:, 2:] = noise.view(count, bumps, bumps, 2)
        return found


def offsets(shift: Shift, images: int, generator: torch.Generator) -> torch.Tensor:
    """How far each of so many images moves: int64 `(images, 2)`, x and y."""
    return torch.randint(-shift.pixels, shift.pixels + 1, (images, 2), generator=generator)


def _inverse(
    option: Shift | Rotate | Affine, images: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A `(images, 2, 2)` and b `(images, 2, 1)` in pixels: where things come from, seen from the centre."""
    if isinstance(option, Shift):
        return torch.eye(2).expand(images, 2, 2), -offsets(option, images, generator).float().unsqueeze(2)
    if isinstance(option, Rotate):
        option = Affine(degrees=option.degrees, pixels=0, scale=0, shear=0)
    bounds = [math.radians(option.degrees), option.shear, option.scale, option.pixels, option.pixels]
    drawn = torch.rand(images, 5, generator=generator).mul_(2).sub_(1).mul_(torch.tensor(bounds))
    angle, slant, scale = drawn[:, :3].unbind(1)
    cosine, sine = angle.cos(), angle.sin()
    # The inverse of rotation @ [[1, slant], [0, 1]] * (1 + scale).
    entries = torch.stack([cosine + slant * sine, sine - slant * cosine, -sine, cosine], dim=1)
    matrix = (entries / (1 + scale).unsqueeze(1)).view(images, 2, 2)
    return matrix, -(matrix @ drawn[:, 3:].unsqueeze(2))


def _bumps(elastic: Elastic, side: int) -> torch.Tensor:
    """The functions of one coordinate, `(n, side)`, of which displacements in pixels are made with normal numbers.

    A Gaussian smooths away what is finer than itself. So noise at every `SPACING` of it makes the same fields as noise
    in every pixel, their covariance equal to three digits, and there is less to draw. After smoothing, normal numbers
    cannot be told from the even ones of the paper, of the same variance of 1/3. The noise goes on beyond the edges, as
    if the image were cut out of a larger one.
    """
    spacing, reach = SPACING * elastic.sigma, REACH * elastic.sigma
    numbers = math.ceil((side - 1 + 2 * reach) / spacing) + 1
    centres = (torch.arange(numbers, dtype=torch.float64) - (numbers - 1) / 2) * spacing + (side - 1) / 2
    away = (torch.arange(side, dtype=torch.float64) - centres[:, None]) / elastic.sigma
    smoothing = torch.exp(-away.square() / 2) / (elastic.sigma * math.sqrt(2 * math.pi))
    return smoothing * math.sqrt(elastic.alpha / math.sqrt(3) * spacing)
