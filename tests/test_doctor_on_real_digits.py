"""The figures of the doctor and of digits sent in other ways, with bounds; `make bench ARGS=doctor` has all of them."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.benchmarks.doctor import DATA_DIR, Reader, digits_of, kinds, trained
from tests.sent_pictures import WAYS, WITHIN_TWO_POINTS, line

pytestmark = pytest.mark.real_data

SHOWN, SENT = 60, 300
AT_MOST = {"MNIST test digits": 0.12, "MNIST test digits, as a JPEG": 0.12, "USPS test digits": 0.25}
"""Of digits, the share with any verdict but `digit`."""
REFUSED = {
    "two digits": 0.9,
    "words": 0.9,
    "blank sheets": 0.95,
    "uniform noise": 0.95,
    "gaussian noise": 0.95,
    "salt and pepper": 0.9,
    "gradients": 0.9,
    "garments": 0.6,
}
"""Of what is no digit, the least share with the verdict `no_digit`."""
DOUBTED = {"half-erased digits": 0.25, "letters": 0.45, "scribbles": 0.65, "checkerboards": 0.8, "photographs": 0.6}
"""Of what is no digit but like one, or like nothing, the least share with another verdict than `digit`."""


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """A dense network that a real worker has trained on MNIST."""
    if not (DATA_DIR / "MNIST" / "raw").is_dir() or not (DATA_DIR / "USPS").is_dir():
        pytest.skip("ARDOISE_DATA_DIR names no folder with MNIST and USPS")
    with trained() as found:
        yield found


def test_the_doctor_lets_digits_pass_and_stumbles_at_what_is_none(reader: Reader) -> None:
    found: dict[str, list[str]] = {}
    for name, images in kinds(SHOWN):
        found[name] = [each["verdict"] for each in reader.predictions(images, doctor="true")]
    not_digit = {name: 1 - verdicts.count("digit") / len(verdicts) for name, verdicts in found.items()}
    refused = {name: verdicts.count("no_digit") / len(verdicts) for name, verdicts in found.items()}
    assert {*AT_MOST, *REFUSED, *DOUBTED} == {*found}
    assert {name: share for name, share in not_digit.items() if share > AT_MOST.get(name, 1)} == {}
    assert {name: share for name, share in refused.items() if share < REFUSED.get(name, 0)} == {}
    assert {name: share for name, share in not_digit.items() if share < DOUBTED.get(name, 0)} == {}
    assert max(refused[name] for name in AT_MOST) <= 0.05


def test_digits_that_are_moved_scaled_or_inverted_are_read_as_well_and_others_nearly(reader: Reader) -> None:
    images, labels = digits_of("mnist")
    random = np.random.default_rng(0)
    accuracy = {
        name: reader.accuracy([way(each, random) for each in images[:SENT]], labels) for name, way in WAYS.items()
    }
    assert accuracy["clean"] > 0.94
    for name in WITHIN_TWO_POINTS:
        assert accuracy[name] >= accuracy["clean"] - 0.02, accuracy
    for name in ("noisy", "on_grey_paper", "as_jpeg"):
        assert accuracy[name] >= accuracy["clean"] - 0.04, accuracy
    assert accuracy["thickened"] >= 0.8, accuracy


def test_four_digits_on_one_picture_are_read_from_left_to_right(reader: Reader) -> None:
    images, labels = digits_of("mnist")
    random = np.random.default_rng(0)
    right = 0
    for first in range(0, 80, 4):
        text = reader.text(255 - line(list(images[first : first + 4]), random, gap=12))
        assert len(text) == 4, text
        right += sum(got == str(label) for got, label in zip(text, labels[first : first + 4], strict=True))
    assert right / 80 > 0.9
