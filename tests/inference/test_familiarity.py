"""Distance to the training images, held against scikit-learn's components and scipy's Gaussians, on bundled digits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA

from service import datasets
from service.inference import familiarity
from service.inference.acquaintance import MOST_SIDE, Acquaintance
from service.inference.familiarity import Familiarity

NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def dataset() -> datasets.Dataset:
    return datasets.load("digits", data_dir=NOWHERE)


@pytest.fixture(scope="module")
def known(dataset: datasets.Dataset) -> Familiarity:
    return familiarity.fit(dataset.train.images.numpy(), dataset.train.labels.numpy())


@pytest.fixture(scope="module")
def test_images(dataset: datasets.Dataset) -> np.ndarray:
    images: np.ndarray = dataset.test.images.numpy().astype(np.float32)
    return images


def fitted(dataset: datasets.Dataset) -> np.ndarray:
    """The places of the two thirds that the components are of."""
    count = len(dataset.train)
    return np.random.default_rng(0).permutation(count)[count // 3 :]


def unit(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1).astype(np.float64)
    scaled: np.ndarray = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return scaled


def test_the_residual_is_what_scikit_learn_s_components_leave_over(
    dataset: datasets.Dataset, known: Familiarity, test_images: np.ndarray
) -> None:
    components = PCA(known.components.shape[1], svd_solver="full").fit(
        unit(dataset.train.images.numpy()[fitted(dataset)])
    )
    vectors = unit(test_images)
    rebuilt = components.inverse_transform(components.transform(vectors))
    assert known.measure(test_images)[0][0] == pytest.approx(((vectors - rebuilt) ** 2).sum(1), abs=1e-5)


def test_the_distance_to_a_class_is_that_of_scipy_s_gaussian(known: Familiarity, test_images: np.ndarray) -> None:
    flat = unit(test_images) - known.mean
    ink = test_images.sum((1, 2), dtype=np.float64) / 255
    outline = np.abs(np.diff(test_images, axis=1)).sum((1, 2)) + np.abs(np.diff(test_images, axis=2)).sum((1, 2))
    features = np.column_stack([flat @ known.components, np.log(ink), np.log(ink / (outline / 255))])
    found = known.measure(test_images)[1]
    for number, (centre, root) in enumerate(zip(known.centres, known.roots, strict=True)):
        covariance = np.linalg.inv(root.astype(np.float64) @ root.T)
        density = stats.multivariate_normal(centre, covariance).logpdf(features)
        expected = -2 * density - len(centre) * np.log(2 * np.pi)
        assert found[:, number] == pytest.approx(expected, rel=1e-3, abs=0.05)


def test_of_digits_it_never_saw_few_are_far_and_the_nearest_class_is_mostly_theirs(
    dataset: datasets.Dataset, known: Familiarity, test_images: np.ndarray
) -> None:
    labels = dataset.test.labels.tolist()
    found = [known.describe(image, digit=label) for image, label in zip(test_images, labels, strict=True)]
    distances = [distance for distance, _ in found]
    assert np.mean([each.nearest == label for each, label in zip(distances, labels, strict=True)]) > 0.95
    assert np.mean([each.value >= each.doubtful_from for each in distances]) < 0.06
    assert np.mean([each.value >= each.no_digit_from for each in distances]) < 0.02
    assert np.mean([apart for _, apart in found]) < 0.05
    wrong = [known.describe(image, digit=(label + 5) % 10)[1] for image, label in zip(test_images, labels, strict=True)]
    assert np.mean(wrong) > 0.95


def test_noise_filled_squares_and_turned_digits_are_farther_than_digits(
    known: Familiarity, test_images: np.ndarray
) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (100, 8, 8)).astype(np.float32)
    assert np.mean([_is_far(known, each) for each in noise]) > 0.95
    assert _is_far(known, np.full((8, 8), 255, dtype=np.float32))
    # A quarter turn makes another shape of every digit but 0 and 8.
    assert np.mean([_is_far(known, np.rot90(each).copy()) for each in test_images]) > 0.3


def _is_far(known: Familiarity, image: np.ndarray) -> bool:
    distance, _ = known.describe(image)
    return distance.value >= distance.doubtful_from


def test_how_far_is_on_the_training_split_s_own_scale(known: Familiarity, test_images: np.ndarray) -> None:
    found = sorted((known.describe(image)[0] for image in test_images), key=lambda each: each.value)
    shares = [each.as_far for each in found]
    assert shares == sorted(shares, reverse=True)
    assert shares[len(shares) // 2] == pytest.approx(0.5, abs=0.15)


def test_larger_images_are_compared_at_the_largest_size_that_is_reckoned(
    tmp_path: Path, dataset: datasets.Dataset
) -> None:
    known = Acquaintance(data_dir=NOWHERE, cache_dir=tmp_path).with_dataset("digits", image_size=48)
    assert isinstance(known, Familiarity)
    assert known.side == MOST_SIDE
    larger = dataset.test.resized(48).images[:100].numpy().astype(np.float32)
    found = [known.describe(each)[0] for each in larger]
    nearest = np.array([each.nearest for each in found])
    assert np.mean(nearest == dataset.test.labels[:100].numpy()) > 0.9
    assert np.mean([each.value >= each.no_digit_from for each in found]) < 0.05


def test_it_is_reckoned_once_and_then_read_from_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test_images: np.ndarray
) -> None:
    fits: list[int] = []
    fit = familiarity.fit

    def counted(images: np.ndarray, labels: np.ndarray) -> Familiarity:
        fits.append(threading.get_native_id())
        return fit(images, labels)

    monkeypatch.setattr(familiarity, "fit", counted)
    first = Acquaintance(data_dir=NOWHERE, cache_dir=tmp_path)
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda _: first.with_dataset("digits", image_size=8), range(4)))
    assert len(fits) == 1
    (tmp_path / "digits.safetensors").unlink()
    again = Acquaintance(data_dir=NOWHERE, cache_dir=tmp_path).with_dataset("digits", image_size=8)
    assert len(fits) == 1
    assert not (tmp_path / "digits.safetensors").exists()
    assert isinstance(again, Familiarity)
    for each in together:
        assert isinstance(each, Familiarity)
        assert each.describe(test_images[3], digit=3) == again.describe(test_images[3], digit=3)

    (file,) = tmp_path.glob("familiarity-digits-8.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    assert isinstance(
        Acquaintance(data_dir=NOWHERE, cache_dir=tmp_path).with_dataset("digits", image_size=8), Familiarity
    )
    assert len(fits) == 2


def test_what_is_known_of_other_images_is_not_taken_for_theirs(tmp_path: Path, dataset: datasets.Dataset) -> None:
    """MNIST's files hold the digits, and then the digits turned upside down."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)

    def known() -> Familiarity:
        found = Acquaintance(data_dir=tmp_path, cache_dir=tmp_path / "cache").with_dataset("mnist", image_size=8)
        assert isinstance(found, Familiarity)
        return found

    put(raw, dataset)
    first = known()
    assert known().mean.tolist() == first.mean.tolist()
    put(raw, datasets.Dataset(train=upside_down(dataset.train), test=upside_down(dataset.test)))
    turned = known()
    assert turned.mean.tolist() == pytest.approx(first.mean[::-1].tolist(), abs=1e-4)
    assert turned.mean.tolist() != pytest.approx(first.mean.tolist(), abs=1e-4)


def upside_down(split: datasets.Split) -> datasets.Split:
    return datasets.Split(images=split.images.rot90(2, dims=(1, 2)).contiguous(), labels=split.labels)


def put(raw: Path, dataset: datasets.Dataset) -> None:
    """As the four IDX files of MNIST."""
    for name, split in (("train", dataset.train), ("t10k", dataset.test)):
        shape = b"".join(side.to_bytes(4, "big") for side in split.images.shape)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3]) + shape + split.images.numpy().tobytes())
        labels = split.labels.numpy().astype(np.uint8).tobytes()
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + shape[:4] + labels)


def test_what_is_not_on_this_machine_is_not_fetched_but_said(tmp_path: Path) -> None:
    answer = Acquaintance(data_dir=tmp_path, cache_dir=tmp_path / "cache").with_dataset("mnist", image_size=28)
    assert answer == "the data set mnist is not on this machine, and a prediction downloads nothing"
    assert list(tmp_path.iterdir()) == []
