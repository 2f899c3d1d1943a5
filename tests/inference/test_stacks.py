"""Many pictures framed together are what each is alone, to the bit."""

from pathlib import Path

import numpy as np
import pytest

from service import architectures, datasets
from service.domain.manifest import Manifest
from service.inference.decode import Picture
from service.inference.preprocessing import frame
from service.inference.stacks import frame_all

NOWHERE = Path("nowhere")
DATASETS = ("synthetic", "digits")


def manifest_of(dataset: str) -> Manifest:
    """A network's that was trained on it."""
    facts = datasets.facts(dataset)
    return Manifest(
        experiment_id="a",
        spec_hash="sha256:0",
        epoch=1,
        architecture=architectures.options_class("perceptron").model_validate({}),
        activation="identity",
        image_size=facts.image_size,
        labels=tuple("0123456789"),
        mean=0.5,
        std=0.25,
        framing=facts.framing,
        native_size=facts.image_size,
    )


def images_of(dataset: str) -> list[np.ndarray]:
    """Test images as they are and in every state that a picture may come in."""
    images = datasets.load(dataset, data_dir=NOWHERE).test.images[:60].numpy()
    random = np.random.default_rng(0)
    changed = [
        images,
        255 - images,
        np.roll(images, 3, axis=2),
        images // 6,
        (images / 3).astype(np.float32),
        np.repeat(np.repeat(images, 2, axis=1), 2, axis=2),
        np.pad(images, ((0, 0), (0, 5), (2, 0))),
        random.integers(0, 256, images.shape, dtype=np.uint8),
        np.full_like(images[:2], 7),
        np.zeros_like(images[:2]),
    ]
    mixed = [each for several in changed for each in several]
    random.shuffle(mixed)
    return mixed


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_picture_is_framed_alike_in_any_company(dataset: str) -> None:
    manifest, images = manifest_of(dataset), images_of(dataset)
    together = frame_all([Picture(image) for image in images], manifest)
    kept = 0
    for image, (framed, done) in zip(images, together, strict=True):
        expected, expected_done = frame(
            image, image_size=manifest.image_size, native_size=manifest.native_size, framing=manifest.framing
        )
        (alone, alone_done), *_ = frame_all([Picture(image)], manifest)
        assert np.array_equal(framed, expected)
        assert np.array_equal(framed, alone)
        assert done == alone_done == expected_done
        kept += done.cropped is None
    assert 60 < kept < len(images)


def test_a_network_of_another_size_is_given_images_of_both_sizes() -> None:
    manifest = manifest_of("synthetic").model_copy(update={"image_size": 24})
    small = datasets.load("synthetic", data_dir=NOWHERE).test
    images = [*small.images[:8].numpy(), *small.resized(24).images[:8].numpy()]
    for image, (framed, _) in zip(images, frame_all([Picture(image) for image in images], manifest), strict=True):
        expected, _ = frame(image, image_size=24, native_size=manifest.native_size, framing=manifest.framing)
        assert framed.shape == (24, 24)
        assert np.array_equal(framed, expected)
