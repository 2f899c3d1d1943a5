"""MNIST as people send it: read as the test split is."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.domain.dataset import Framing
from service.inference import preprocessing
from service.inference.decode import decode

pytestmark = pytest.mark.real_data


def read(path: Path, *, header: int) -> np.ndarray:
    return np.frombuffer(path.read_bytes(), np.uint8, offset=header)


@pytest.fixture(scope="module")
def test_images(mnist_folder: Path) -> np.ndarray:
    return read(mnist_folder / "t10k-images-idx3-ubyte", header=16).reshape(-1, 28, 28)


def framed(image: np.ndarray) -> np.ndarray:
    framing = Framing(box=20, centre="mass")
    return preprocessing.frame(image, image_size=28, native_size=28, framing=framing)[0]


def test_test_images_pass_untouched(test_images: np.ndarray) -> None:
    for image in test_images:
        assert (framed(image) == image).all()
    for image in test_images[::20]:
        assert (framed(255 - image) == image).all()


def as_jpeg(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    page = Image.new("L", (400, 420), 255)
    large = Image.fromarray(255 - image).resize((280, 280), Image.Resampling.BICUBIC)
    page.paste(large, (int(random.integers(0, 120)), int(random.integers(0, 140))))
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=75)
    return decode(buffer.getvalue(), content_type="image/jpeg").pixels


def on_grey_paper(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    large = Image.fromarray(image).resize((150, 150), Image.Resampling.BICUBIC)
    page = np.pad(np.asarray(large), 40) / 255.0
    return (180 - 130 * page + random.normal(0, 10, page.shape)).clip(0, 255).astype(np.float32)


def of_any_size(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    side = int(random.integers(16, 401))
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("sent", [as_jpeg, on_grey_paper, of_any_size], ids=lambda way: way.__name__)
def test_digits_sent_in_other_ways_are_read_like_the_test_split(
    sent: object, mnist_folder: Path, test_images: np.ndarray
) -> None:
    assert callable(sent)
    known = read(mnist_folder / "train-images-idx3-ubyte", header=16).reshape(-1, 784)[:10_000].astype(np.float32)
    known_labels = read(mnist_folder / "train-labels-idx1-ubyte", header=8)[:10_000]
    labels = read(mnist_folder / "t10k-labels-idx1-ubyte", header=8)[:200]
    random = np.random.default_rng(0)

    def accuracy(images: list[np.ndarray]) -> float:
        """Of the nearest neighbour, which forgives a shift or a scale less than a network does."""
        asked = np.stack(images).reshape(-1, 784)
        distances = (known**2).sum(1) - 2 * asked @ known.T
        return float((known_labels[distances.argmin(1)] == labels).mean())

    clean = accuracy([framed(image) for image in test_images[:200]])
    as_sent = accuracy([framed(sent(image, random)) for image in test_images[:200]])
    assert clean > 0.9
    assert as_sent >= clean - 0.02
