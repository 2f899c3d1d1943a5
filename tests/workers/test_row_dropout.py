"""Masks that are reckoned from where they stand."""

import pytest
import torch

from workers.row_dropout import RowDropout

ROWS, BATCH, FEATURES = 3, 50, 401


def drawn(*, seeds: list[int], step: int = 0, layer: int = 0, probabilities: tuple[float, ...]) -> torch.Tensor:
    """A mask `(rows, batch, features)`."""
    masks = RowDropout(len(seeds), torch.device("cpu"))
    masks.seeds.copy_(torch.tensor(seeds))
    masks.step.fill_(step)
    mask = torch.full((len(seeds), BATCH, FEATURES), torch.nan)
    masks.draw(mask, probabilities, layer=layer)
    return mask


def alike(one: torch.Tensor, other: torch.Tensor) -> float:
    """The share of places in which both are kept, or neither."""
    return ((one > 0) == (other > 0)).double().mean().item()


def test_the_share_that_is_silenced_is_each_rows_own_and_the_mean_stays_one() -> None:
    mask = drawn(seeds=[1, 2, 3], probabilities=(0.0, 0.25, 0.9))
    assert (mask == 0).double().mean((1, 2)).tolist() == pytest.approx([0.0, 0.25, 0.9], abs=0.01)
    assert mask.mean((1, 2)).tolist() == pytest.approx([1.0, 1.0, 1.0], abs=0.07)
    assert sorted({*mask[1].flatten().tolist()}) == pytest.approx([0.0, 4 / 3])


def test_a_rows_mask_does_not_depend_on_the_others() -> None:
    beside = drawn(seeds=[7, 2**62 + 1, 9], probabilities=(0.5, 0.5, 0.5))
    alone = drawn(seeds=[2**62 + 1], probabilities=(0.5,))
    assert torch.equal(beside[1], alone[0])


def test_another_seed_step_layer_or_place_draws_another_mask() -> None:
    half = (0.5, 0.5)
    first = drawn(seeds=[4, 5], probabilities=half)
    others = [drawn(seeds=[4, 5], step=1, probabilities=half), drawn(seeds=[4, 5], layer=1, probabilities=half)]
    pairs = [(first[0], first[1]), *((first, other) for other in others)]
    pairs += [(first[:, 1:], first[:, :-1]), (first[:, :, 1:], first[:, :, :-1]), (first[:, :, 4:], first[:, :, :-4])]
    for one, other in pairs:
        assert alike(one, other) == pytest.approx(0.5, abs=0.02)


def test_each_place_of_a_mask_is_silenced_as_often_as_any_other() -> None:
    masks = torch.stack([drawn(seeds=[0], step=step, probabilities=(0.5,))[0] for step in range(400)])
    kept = (masks > 0).double().mean(0)
    assert kept.std().item() == pytest.approx((0.25 / 400) ** 0.5, rel=0.05)
    assert (kept - 0.5).abs().max() < 6 * (0.25 / 400) ** 0.5
