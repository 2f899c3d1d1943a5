"""Convolutions in tiles, against the usual ones."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from workers.winograd import TiledConvolution, pays

DTYPES = (torch.float64, torch.float32)
CASES = [  # channels, units, height, width, padding, bias
    (32, 64, 10, 14, 0, True),
    (32, 64, 12, 8, 1, True),
    (40, 64, 6, 6, 0, False),
    (32, 72, 4, 4, 1, False),
]


def convolution(channels: int, units: int, *, padding: int, bias: bool = True, dtype: torch.dtype) -> nn.Conv2d:
    """The same weights in every precision."""
    torch.manual_seed(0)
    return nn.Conv2d(channels, units, 3, padding=padding, bias=bias).to(dtype)


def passes(layer: nn.Module, convolved: nn.Conv2d, values: torch.Tensor, *, seed: int) -> list[torch.Tensor]:
    """Its answer, and the gradients of a random function of it: of the values and of the parameters."""
    values = values.clone().requires_grad_()
    answer = layer(values)
    convolved.zero_grad()
    weights = torch.randn(answer.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    torch.autograd.backward((answer * weights.to(answer.dtype)).sum())
    gradients = [values.grad, *(parameter.grad for parameter in convolved.parameters())]
    assert all(each is not None for each in gradients)
    return [answer.detach(), *(each for each in gradients if each is not None)]


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("images", [1, 100])
def test_answer_and_gradients_are_those_of_the_usual_convolution(
    images: int, case: tuple[int, int, int, int, int, bool], pooled: bool
) -> None:
    channels, units, height, width, padding, bias = case
    exact, ours = (convolution(channels, units, padding=padding, bias=bias, dtype=d) for d in DTYPES)
    assert pays(ours)
    values = torch.randn(images, channels, height, width, generator=torch.Generator().manual_seed(1))
    usual = nn.Sequential(exact, nn.MaxPool2d(2)) if pooled else exact
    expected = passes(usual, exact, values.double(), seed=2)
    tiled = TiledConvolution(ours, pooled=pooled)
    found = passes(tiled, ours, values.contiguous(memory_format=torch.channels_last), seed=2)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


def test_rounding_is_a_few_times_that_of_the_usual_order() -> None:
    exact, single = (convolution(32, 64, padding=0, dtype=dtype) for dtype in DTYPES)
    values = torch.randn(16, 32, 26, 26, generator=torch.Generator().manual_seed(1)).relu()
    with torch.no_grad():
        true = exact(values.double())
        usual = (single(values) - true).square().mean().sqrt()
        tiled = (TiledConvolution(single, pooled=False)(values) - true).square().mean().sqrt()
    assert tiled < 6 * usual
    assert tiled < 1e-6 * true.square().mean().sqrt()


@pytest.mark.parametrize("side", [3, 7, 9])
def test_images_that_tiles_do_not_fill_go_the_usual_way(side: int) -> None:
    layer = convolution(32, 64, padding=1, dtype=torch.float32)
    values = torch.randn(2, 32, side, side)
    with torch.no_grad():
        assert torch.equal(TiledConvolution(layer, pooled=False)(values), layer(values))
        assert torch.equal(TiledConvolution(layer, pooled=True)(values), functional.max_pool2d(layer(values), 2))


@pytest.mark.parametrize(
    "options",
    [{"kernel_size": 5}, {"stride": 2}, {"dilation": 2}, {"groups": 2}, {"padding": 2}, {"padding": "same"},
     {"padding_mode": "reflect", "padding": 1}, {"out_channels": 32}, {"in_channels": 16}],
)  # fmt: skip
def test_other_convolutions_do_not_pay(options: dict[str, object]) -> None:
    plain: dict[str, object] = {"in_channels": 32, "out_channels": 64, "kernel_size": 3}
    assert pays(nn.Conv2d(**plain))  # type: ignore[arg-type]  # a test's own table
    assert not pays(nn.Conv2d(**plain | options))  # type: ignore[arg-type]  # the same


def test_a_second_answer_leaves_the_first_ones_gradients_alone() -> None:
    layer = convolution(32, 64, padding=1, dtype=torch.float32)
    tiled = TiledConvolution(layer, pooled=True)
    one, other = torch.randn(2, 3, 32, 8, 8, generator=torch.Generator().manual_seed(3))
    alone = copy.deepcopy(layer)
    torch.autograd.backward(TiledConvolution(alone, pooled=True)(one).square().sum())
    first = tiled(one)
    tiled(other)
    torch.autograd.backward(first.square().sum())
    assert layer.weight.grad is not None
    assert alone.weight.grad is not None
    assert torch.equal(layer.weight.grad, alone.weight.grad)
