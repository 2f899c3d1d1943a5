"""Moved images, against slow references of them, and what of an epoch's chance can be had again."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from service import architectures
from service.datasets import Split
from service.domain.augmentations import AUGMENTATIONS, Affine, AnyAugmentation, Elastic, Rotate, Shift
from service.domain.spec import ExperimentSpec
from tests.workers.test_trainer import figures, make
from workers import learners, trainer, training_data
from workers.augmentation import Augmentation, Batches
from workers.displacements import Displacements
from workers.evaluation import evaluate
from workers.learner import Learner
from workers.randomness import Purpose, generator, seed_global
from workers.training_data import TrainingData

CPU = torch.device("cpu")
STILL: list[AnyAugmentation] = [
    Shift(pixels=0),
    Rotate(degrees=0),
    Affine(degrees=0, pixels=0, scale=0, shear=0),
    Elastic(alpha=0),
]


def noise(count: int, side: int) -> torch.Tensor:
    """Images of which no two pixels are alike for long."""
    return torch.randint(1, 256, (count, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def moved(images: torch.Tensor, *options: AnyAugmentation, seed: int = 0, batch_size: int = 100) -> torch.Tensor:
    """An epoch of them, batch by batch."""
    count, side, _ = images.shape
    batches = Batches(count, batch_size, side=side, device=images.device)
    augment = Augmentation(options, batches, generator(seed, epoch=1, purpose=Purpose.AUGMENTATION))
    parts = (slice(start, start + batch_size) for start in range(0, count, batch_size))
    return torch.cat([augment(images[part], part) for part in parts])


def places(
    *options: AnyAugmentation, count: int, side: int, chance: torch.Generator | None = None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Where each pixel comes from, as x and y in pixels from the centre: `(count, side, side, 2)`."""
    chance = chance or torch.Generator().manual_seed(0)
    drawn = Displacements(options, images=count, side=side, generator=chance)
    found = drawn.places(slice(0, count), out=torch.empty(count, side, side * 2))
    return found.view(count, side, side, 2).double().numpy() * (side - 1) / 2


def whole(side: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Where each pixel is: `(side, side, 2)`."""
    along = np.arange(side) - (side - 1) / 2
    return np.stack(np.meshgrid(along, along), axis=-1)


def affine_maps(of: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The matrices `(count, 2, 3)` by which places come about; they must do so to a ten thousandth of a pixel."""
    count, side, *_ = of.shape
    known = np.column_stack([whole(side).reshape(-1, 2), np.ones(side * side)])
    maps = np.array([np.linalg.lstsq(known, each.reshape(-1, 2))[0].T for each in of])
    assert np.abs(known @ maps.transpose(0, 2, 1) - of.reshape(count, -1, 2)).max() < 1e-4
    return maps


def by_hand(image: torch.Tensor, x: int, y: int) -> torch.Tensor:
    """The image further to the right and further down by so many pixels."""
    result, side = torch.zeros_like(image), len(image)
    for row in range(side):
        for column in range(side):
            if 0 <= row - y < side and 0 <= column - x < side:
                result[row, column] = image[row - y, column - x]
    return result


def test_a_shift_is_a_slice_and_takes_every_step_of_the_range_alike_often() -> None:
    images = noise(1000, 8)
    shifts = [(x, y) for x in range(-2, 3) for y in range(-2, 3)]
    found = moved(images, Shift(pixels=2), batch_size=300)
    assert found.dtype == torch.uint8
    of_all = torch.stack([torch.stack([by_hand(image, x, y) for image in images[:40]]) for x, y in shifts])
    assert (of_all == found[:40]).flatten(2).all(2).sum(0).tolist() == [1] * 40
    centre = found[:, 4, 4]
    counts = torch.stack([images[:, 4 - y, 4 - x] == centre for x, y in shifts]).sum(1)
    assert counts.min() > 20
    assert counts.max() < 70


def test_a_shift_that_is_undone_by_the_next_loses_nothing() -> None:
    images = noise(400, 8)
    found = moved(images, Shift(pixels=4), Shift(pixels=4))
    still = (found[:, 4, 4] == images[:, 4, 4]).nonzero().flatten()
    assert len([each for each in still if torch.equal(found[each], images[each])]) > 2


@pytest.mark.parametrize("option", STILL, ids=lambda option: option.name)
def test_what_has_no_strength_gives_the_images_back_to_the_bit(option: AnyAugmentation) -> None:
    images = noise(5, 8)
    assert not option.moves
    assert moved(images, option, *STILL).equal(images)


KINDS: dict[str, list[AnyAugmentation]] = {
    "rotate": [Rotate(degrees=30)],
    "affine": [Affine(degrees=20, pixels=3, scale=0.3, shear=0.4)],
    "elastic": [Elastic(alpha=30, sigma=3)],
    "shift, rotate": [Shift(pixels=3), Rotate(degrees=30)],
    "affine, rotate, elastic": [Affine(), Rotate(), Elastic(alpha=20, sigma=2)],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [8, 17, 28])
def test_images_are_looked_up_between_pixels_and_are_dark_outside(kind: str, side: int) -> None:
    images = noise(6, side)
    chance = generator(0, epoch=1, purpose=Purpose.AUGMENTATION)
    where = places(*KINDS[kind], count=6, side=side, chance=chance) + (side - 1) / 2
    expected = [
        ndimage.map_coordinates(image.double().numpy(), [each[..., 1], each[..., 0]], order=1, mode="grid-constant")
        for image, each in zip(images, where, strict=True)
    ]
    found = moved(images, *KINDS[kind])
    assert found.dtype == torch.float32
    assert np.abs(found.numpy() - np.array(expected)).max() < 0.05
    assert 0 <= found.min() <= found.max() <= 255.01


def test_an_affine_is_scaled_slanted_rotated_and_shifted_within_its_bounds_and_as_far_as_them() -> None:
    """Each measured back from where the pixels come from."""
    option = Affine(degrees=20, pixels=3, scale=0.3, shear=0.4)
    back = affine_maps(places(option, count=2000, side=9))
    forth = np.linalg.inv(back[:, :, :2])
    factor = np.sqrt(np.linalg.det(forth))
    angle = np.arctan2(forth[:, 1, 0], forth[:, 0, 0])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    slanted = turn @ forth / factor[:, None, None]
    assert np.allclose(slanted[:, [0, 1, 1], [0, 0, 1]], [1, 0, 1], atol=1e-5)
    x, y = (-forth @ back[:, :, 2:])[:, :, 0].T
    for drawn, bound in ((factor - 1, 0.3), (angle, math.radians(20)), (slanted[:, 0, 1], 0.4), (x, 3.0), (y, 3.0)):
        quarters, _ = np.histogram(drawn, bins=4, range=(-bound * 1.0001, bound * 1.0001))
        assert quarters.sum() == 2000
        assert quarters.min() > 420
    assert abs(np.corrcoef([factor, angle, slanted[:, 0, 1], x, y]) - np.eye(5)).max() < 0.1


def test_a_spot_turns_about_the_centre_of_the_image() -> None:
    images = torch.zeros(200, 21, 21)
    images[:, 9:12, 16:19] = 100
    found = moved(images, Rotate(degrees=45))
    x, y = (torch.einsum("nyxc,nyx->nc", torch.tensor(whole(21)).expand(200, -1, -1, -1), found.double()) / 900).T
    assert torch.allclose(torch.hypot(x, y), torch.tensor(7.0, dtype=torch.float64), atol=0.25)
    angles = torch.rad2deg(torch.atan2(y, x))
    assert angles.abs().max() < 47
    assert angles.min() < -40
    assert angles.max() > 40


@pytest.mark.parametrize(
    "options",
    [
        [Rotate(degrees=40), Shift(pixels=4)],
        [Shift(pixels=4), Affine(degrees=40, scale=0.5, shear=0.5)],
        [Affine(), Rotate(degrees=90), Shift(pixels=4)],
    ],
    ids=lambda options: ", ".join(each.name for each in options),
)
def test_the_first_of_a_list_acts_on_the_image_first(options: Sequence[AnyAugmentation]) -> None:
    chance = torch.Generator().manual_seed(0)
    each = [affine_maps(places(option, count=5, side=9, chance=chance)) for option in options]
    expected = np.tile(np.eye(3), (5, 1, 1))
    for one in each:
        expected = expected @ np.concatenate([one, np.tile([[[0, 0, 1]]], (5, 1, 1))], axis=1)
    assert np.allclose(affine_maps(places(*options, count=5, side=9)), expected[:, :2], atol=1e-4)


def test_an_elastic_after_others_warps_the_image_that_they_leave() -> None:
    """What ends up at p was at A (p + d) + b: seen from A's image, both displacements of a pixel are turned by A."""
    turn, warp = Rotate(degrees=80), Elastic(alpha=30, sigma=3)
    turned = affine_maps(places(turn, count=5, side=9))[:, :, :2]
    chance = torch.Generator().manual_seed(0)
    places(turn, count=5, side=9, chance=chance)
    warped = places(warp, count=5, side=9, chance=chance)
    both = places(turn, warp, count=5, side=9)
    assert np.allclose(both, np.einsum("nij,nyxj->nyxi", turned, warped), atol=1e-4)
    assert np.abs(warped - whole(9)).max() > 0.5


def test_elastic_displacements_have_the_law_of_noise_in_every_pixel_that_a_gaussian_smooths() -> None:
    """In their size, and in how much two pixels have in common, however near to an edge they are."""
    side, alpha, sigma = 16, 20.0, 2.0
    found = places(Elastic(alpha=alpha, sigma=sigma), count=3000, side=side) - whole(side)
    assert np.abs(found.mean(0)).max() < 0.15
    assert abs((found[..., 0] * found[..., 1]).mean()) < 0.05

    chance, margin = np.random.default_rng(0), 12
    fields = chance.uniform(-1, 1, (1500, side + 2 * margin, side + 2 * margin))
    smooth = ndimage.gaussian_filter(fields, sigma, axes=(1, 2), mode="constant")[:, margin:-margin, margin:-margin]
    expected = alpha * smooth
    size = alpha / (sigma * math.sqrt(12 * math.pi))
    assert math.sqrt((expected**2).mean()) == pytest.approx(size, rel=0.02)
    for axis in range(2):
        field = found[..., axis]
        assert math.sqrt((field**2).mean()) == pytest.approx(size, rel=0.02)
        assert np.sqrt((field**2).mean(0)).min() > 0.93 * size
        for x, y in ((1, 0), (0, 2), (3, 3), (6, 0)):
            ours, theirs = (
                (each[:, y:, x:] * each[:, : side - y, : side - x]).mean() / size**2 for each in (field, expected)
            )
            assert ours == pytest.approx(theirs, abs=0.03)
            assert ours == pytest.approx(math.exp(-(x**2 + y**2) / (4 * sigma**2)), abs=0.03)


def test_what_is_given_stays_as_it_is_and_what_is_answered_is_not_written_into_again() -> None:
    lists: list[list[AnyAugmentation]] = [[Shift()], [Affine()], [Elastic(), Shift()]]
    for options in lists:
        images = noise(8, 16)
        before = images.clone()
        augment = Augmentation(options, Batches(8, 4, side=16, device=CPU), torch.Generator().manual_seed(0))
        first = augment(images[:4], slice(0, 4))
        answered = first.clone()
        augment(images[4:], slice(4, 8))
        assert images.equal(before)
        assert first.equal(answered)


def test_another_device_computes_all_that_is_not_drawn() -> None:
    """A device without memory refuses whatever would mix it with the processor's."""
    images = torch.empty(10, 16, 16, dtype=torch.uint8, device="meta")
    for options in ([Shift()], [Affine(), Shift()], [Elastic(), Rotate()]):
        assert moved(images, *options, batch_size=4).device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_gives_the_same_images_up_to_rounding(kind: str) -> None:
    images = noise(20, 28)
    assert torch.allclose(moved(images.cuda(), *KINDS[kind]).cpu(), moved(images, *KINDS[kind]), atol=0.1)
    assert moved(images.cuda(), Shift()).cpu().equal(moved(images, Shift()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_chance_gives_the_same_images_and_other_chance_gives_others(kind: str) -> None:
    images = noise(10, 16)
    first = moved(images, *KINDS[kind])
    assert moved(images, *KINDS[kind]).equal(first)
    assert not moved(images, *KINDS[kind], seed=1).equal(first)


@pytest.mark.parametrize("option", AUGMENTATIONS, ids=lambda option: option.model_fields["name"].default)
def test_no_two_images_of_an_epoch_are_moved_alike(option: type[AnyAugmentation]) -> None:
    images = noise(1, 16).repeat(6, 1, 1)
    found = moved(images, option() if option is not Shift else Shift(pixels=8), batch_size=2)
    assert len({each.numpy().tobytes() for each in found}) == 6


def test_what_follows_an_elastic_is_done_to_the_image_that_it_leaves() -> None:
    """Unlike what is before it. The numbers of the rotation, for the whole epoch, are drawn before its own."""
    images, part = noise(5, 16), slice(0, 5)
    warp, turn = Elastic(alpha=30, sigma=3), Rotate(degrees=90)
    chance = generator(0, epoch=1, purpose=Purpose.AUGMENTATION)
    batches = Batches(5, 5, side=16, device=CPU)
    then = Augmentation([turn], batches, chance)
    first = Augmentation([warp], batches, chance)
    assert moved(images, warp, turn).equal(then(first(images, part), part))


LISTS = [*([each.model_fields["name"].default] for each in AUGMENTATIONS), ["elastic", "shift", "affine"]]


def augmented(augmentation: Any, **spec: Any) -> tuple[ExperimentSpec, TrainingData, Learner]:
    """A small run with these, whose last batch is smaller than the others."""
    dataset = {"name": "synthetic", "train_size": 300, "augmentation": augmentation}
    return make(dataset=dataset, batch_size=70, **spec)


@pytest.mark.parametrize("augmentation", LISTS, ids=", ".join)
def test_epochs_that_were_lost_come_out_the_same_again(augmentation: list[str]) -> None:
    spec, data, learner = augmented(augmentation)
    curve = [figures(epoch) for epoch in trainer.train(learner, data, spec)]
    spec, data, learner = augmented(augmentation)
    first = [figures(epoch) for epoch in islice(trainer.train(learner, data, spec), 2)]
    weights = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    state = {name: tensor.clone() for name, tensor in learner.state_tensors().items()}
    _, _, other = augmented(augmentation, seed=99)
    other.network.load_state_dict(weights)
    other.load_state_tensors(state)
    assert first + [figures(epoch) for epoch in trainer.train(other, data, spec, after_epoch=2)] == curve


@pytest.mark.parametrize("augmentation", LISTS, ids=", ".join)
def test_training_images_alone_are_moved_and_anew_in_each_epoch(augmentation: list[str]) -> None:
    """A network that cannot learn judges the same images alike: those of validation, not those of training.

    Those of training are one image many times, so that their order does not matter.
    """
    frozen = {"optimizer": {"name": "sgd", "learning_rate": 5e-324, "momentum": 0}, "epochs": 3}
    runs = []
    for each in (None, augmentation):
        spec, data, learner = augmented(each, **frozen)
        whole = data.train.whole
        one = Split(images=whole.images[:1].repeat(len(whole), 1, 1), labels=torch.zeros_like(whole.labels))
        data = replace(data, train=replace(data.train, whole=one))
        runs.append(list(trainer.train(learner, data, spec)))
    plain, ours = runs
    assert [epoch.val_loss for epoch in ours] == [epoch.val_loss for epoch in plain]
    assert len({round(epoch.train_loss or 0, 4) for epoch in plain}) == 1
    assert len({round(epoch.train_loss or 0, 4) for epoch in (*plain, *ours)}) == 4


@pytest.mark.real_data
def test_a_network_that_learnt_from_few_real_digits_reads_more_when_they_are_moved() -> None:
    """1,000 images of MNIST and 12 epochs: 0.89 of the test images without, 0.92 with either of these."""
    folder = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
    if not (folder / "MNIST" / "raw").is_dir():
        pytest.skip("needs MNIST under ARDOISE_DATA_DIR")
    accuracies = []
    for augmentation in (None, "shift", "elastic"):
        spec = ExperimentSpec.model_validate(
            {
                "dataset": {"name": "mnist", "train_size": 1000, "augmentation": augmentation},
                "architecture": {"name": "mlp", "hidden": [128]},
                "epochs": 12,
            }
        )
        data = training_data.prepare(spec.dataset, seed=0, data_dir=folder, mirror=None)
        seed_global(0, epoch=0, purpose=Purpose.WEIGHTS)
        network = architectures.build(spec.architecture, activation=spec.activation, image_size=28, classes=10)
        learner = learners.build(network, spec)
        assert len(list(trainer.train(learner, data, spec))) == 12
        judged = evaluate(learner.evaluated, data.test, mean=data.mean, std=data.std, label_smoothing=0.0)
        accuracies.append(judged.accuracy)
    plain, shifted, warped = accuracies
    assert shifted > plain + 0.01
    assert warped > plain + 0.005
