"""Dropout's masks: how many, how much, and by which chance."""

import math

import pytest
import torch

from workers.dropout import Dropout, draw


def mask(shape: tuple[int, ...], probability: float) -> torch.Tensor:
    """A new one, from torch's own generator."""
    return draw(torch.empty(shape), probability)


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.25, 0.5, 0.9, 0.99])
def test_as_many_are_silenced_as_was_asked(probability: float) -> None:
    torch.manual_seed(0)
    drawn = mask((1000, 400), probability)
    silenced = (drawn == 0).double().mean().item()
    spread = math.sqrt(probability * (1 - probability) / drawn.numel())
    assert abs(silenced - probability) < 5 * spread + 2**-17


@pytest.mark.parametrize("probability", [0.001, 0.25, 0.3, 0.5, 0.99, 0.999999])
def test_what_is_kept_is_scaled_by_the_probability_really_used(probability: float) -> None:
    drawn = mask((400, 500), probability)
    scale = drawn.max().item()
    used = 1 - 1 / scale
    assert abs(used - probability) <= 2**-16
    assert used * 2**16 == pytest.approx(round(used * 2**16), abs=1e-2)
    assert set(drawn.flatten().tolist()) == {0.0, scale}


def test_a_probability_of_nothing_silences_nothing() -> None:
    assert torch.equal(mask((3, 5), 0.0), torch.ones(3, 5))


def test_neighbours_are_silenced_independently() -> None:
    torch.manual_seed(1)
    silenced = (mask((400_000,), 0.25) == 0).double()
    for distance in (1, 2, 3, 4, 8):
        both = (silenced[:-distance] * silenced[distance:]).mean().item()
        assert abs(both - 0.0625) < 5 * math.sqrt(0.0625 * 0.9375 / 400_000)


@pytest.mark.parametrize("shape", [(1,), (3,), (5, 7), (2, 3, 4)])
def test_any_shape_is_filled(shape: tuple[int, ...]) -> None:
    assert mask(shape, 0.5).shape == shape


def test_a_part_of_a_tensor_is_filled_whatever_its_strides() -> None:
    whole = torch.full((6, 4, 10), 7.0)
    draw(whole[1:5, ::2].transpose(1, 2), 0.5)
    filled = whole[1:5, ::2].clone()
    assert set(filled.flatten().tolist()) == {0.0, 2.0}
    assert (whole == 7.0).sum() == whole.numel() - filled.numel()


def test_a_generator_of_its_own_leaves_torchs_alone() -> None:
    before = torch.random.get_rng_state()
    draws = [draw(torch.empty(500), 0.3, generator=torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_by_default_all_chance_is_torchs_own_generators() -> None:
    draws = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        draws.append(mask((64, 100), 0.3))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_the_layer_masks_in_training_and_its_gradient_alike() -> None:
    layer = Dropout(0.25)
    values = torch.randn(8, 50, requires_grad=True)
    torch.manual_seed(5)
    answer = layer(values)
    torch.autograd.backward(answer.sum())
    torch.manual_seed(5)
    drawn = mask((8, 50), 0.25)
    assert torch.equal(answer, values * drawn)
    assert values.grad is not None
    assert torch.equal(values.grad, drawn)
    assert layer.eval()(values) is values
