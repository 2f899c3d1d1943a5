"""The batches of an epoch, gathered in stretches."""

from pathlib import Path

import pytest
import torch

from service import datasets
from service.domain.spec import ExperimentSpec
from workers import feed, training_data
from workers.randomness import Purpose, generator


@pytest.mark.parametrize("gathered", [1, 64, 200, 4096])
def test_an_epoch_is_every_image_once_in_its_own_order_however_many_are_gathered_at_once(
    gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "GATHERED", gathered)
    monkeypatch.setattr(training_data, "MOST_STANDARDISED_BYTES", 0)
    training_data._standardised.cache_clear()
    every_image_once(kept_standardised=False)
    training_data._standardised.cache_clear()


def test_an_epoch_of_a_small_data_set_is_the_same_from_images_that_are_kept_standardised() -> None:
    every_image_once(kept_standardised=True)


def every_image_once(*, kept_standardised: bool) -> None:
    """Two runs' epochs are what they should be."""
    runs = []
    for seed in (0, 1):
        spec = ExperimentSpec.model_validate(
            {"dataset": {"name": "synthetic", "train_size": 500}, "architecture": "perceptron", "seed": seed}
        )
        data = training_data.prepare(spec.dataset, seed=seed, data_dir=Path("nowhere"), mirror=None)
        assert (data.standardised is not None) == kept_standardised
        runs.append((data, spec, 3))
    epoch = feed.Feed(runs)
    batches = [(images.clone(), labels) for images, labels in map(epoch.batch, range(epoch.steps))]
    assert [len(labels[0]) for _images, labels in batches] == [64] * 7 + [52]
    for member, (data, spec, number) in enumerate(runs):
        order = torch.randperm(500, generator=generator(spec.seed, epoch=number, purpose=Purpose.SHUFFLE))
        taken = data.train.taken()
        expected = datasets.standardise(taken.images[order], mean=data.mean, std=data.std)
        assert torch.equal(torch.cat([images[member] for images, _labels in batches]), expected)
        assert torch.equal(torch.cat([labels[member] for _images, labels in batches]), taken.labels[order])
