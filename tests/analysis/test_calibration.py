"""Calibration against scikit-learn and SciPy, on logits of a network that is too sure."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import optimize, special
from sklearn import metrics

from service.analysis import reliability_chart
from service.analysis.calibration import COOLEST, calibration, fit_temperature, reliability
from service.domain.calibration import Calibration


def drawn(seed: int, *, images: int = 3000, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels that follow their softmax; then the logits are made sharper than they should be."""
    chance = np.random.default_rng(seed)
    logits = 2.0 * chance.standard_normal((images, 10))
    shares = special.softmax(logits, axis=1).cumsum(axis=1)
    labels = (chance.random((images, 1)) > shares).sum(axis=1).clip(0, 9)
    return (sharpness * logits).astype(np.float32), labels


SURE = drawn(1, sharpness=3.0), drawn(2, sharpness=3.0)


def judged(split: str = "test") -> Calibration:
    """The figures of one split."""
    validation, test = SURE
    return calibration(experiment_id="e", split=split, validation=validation, test=test)  # type: ignore[arg-type]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_losses_and_brier_score_are_scikit_learn_s(split: str) -> None:
    logits, labels = SURE[0] if split == "validation" else SURE[1]
    p = special.softmax(logits.astype(np.float64), axis=1)
    found = judged(split)
    assert found.zero_one_loss == pytest.approx(metrics.zero_one_loss(labels, logits.argmax(axis=1)))
    assert found.brier_score == pytest.approx(metrics.brier_score_loss(labels, p, scale_by_half=False), rel=1e-12)
    # scikit-learn's own clips probabilities that are smaller than what float64 tells from 0 in 1 - p
    assert found.cross_entropy == pytest.approx(metrics.log_loss(labels, p.clip(1e-15), labels=range(10)), rel=1e-6)
    assert found.zero_one_bound is not None
    assert found.zero_one_loss <= found.zero_one_bound == pytest.approx((found.cross_entropy or 0) / np.log(2))


def test_the_calibration_error_is_that_of_its_definition() -> None:
    logits, labels = SURE[1]
    p = special.softmax(logits.astype(np.float64), axis=1)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    expected = 0.0
    for number in range(1, 16):
        inside = (confidence > (number - 1) / 15) & (confidence <= number / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    found = judged()
    assert found.expected_calibration_error == pytest.approx(expected, rel=1e-12)
    assert sum(each.count for each in found.bins) == len(labels)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    bins = reliability(np.array([0.5, 0.50001, 1.0]), np.array([True, False, True]), bins=2)
    assert [(each.low, each.high, each.count, each.accuracy) for each in bins] == [(0, 0.5, 1, 1), (0.5, 1, 2, 0.5)]
    assert reliability(np.array([0.9]), np.array([True]), bins=2)[0].confidence is None


@pytest.mark.parametrize("sharpness", [0.05, 0.5, 1.0, 3.0, 40.0])
def test_the_temperature_is_where_scipy_finds_it(sharpness: float) -> None:
    logits, labels = drawn(3, sharpness=sharpness)
    z = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = special.log_softmax(z / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(labels)), labels].mean())

    expected = optimize.minimize_scalar(loss, bounds=np.log([COOLEST, 100]), options={"xatol": 1e-10}).x
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(float(np.exp(expected)), rel=1e-5)
    assert found == pytest.approx(sharpness, rel=0.1)
    assert loss(np.log(found)) <= loss(expected) + 1e-14


def test_it_is_fitted_on_validation_and_makes_test_honest() -> None:
    fitted = judged().temperature
    assert judged("validation").temperature == fitted
    assert fitted.value == fit_temperature(*SURE[0])
    assert (fitted.fitted_on, fitted.judged_on, fitted.at_bound) == ("validation", "test", False)
    assert fitted.before.cross_entropy == judged().cross_entropy
    assert fitted.after is not None
    assert (fitted.after.cross_entropy or 9) < 0.7 * (fitted.before.cross_entropy or 0)
    assert (fitted.after.expected_calibration_error or 9) < 0.2 * (fitted.before.expected_calibration_error or 0)


def test_where_every_image_is_read_right_no_temperature_is_cool_enough() -> None:
    logits = np.eye(3, dtype=np.float32)
    found = calibration(
        experiment_id="e", split="test", validation=(logits, np.arange(3)), test=(logits, np.array([0, 1, 1]))
    )
    assert (found.temperature.value, found.temperature.at_bound) == (COOLEST, True)


def test_margins_are_counted_around_zero() -> None:
    logits, labels = SURE[1]
    found = judged().margins
    wrong = int((logits.argmax(axis=1) != labels).sum())
    assert 0.0 in found.edges
    assert sum(found.counts[: found.edges.index(0.0)]) == wrong
    assert sum(found.counts) == len(labels)
    assert len(found.edges) == len(found.counts) + 1
    one_by_one = [z[y] - np.delete(z, y).max() for z, y in zip(logits.astype(np.float64), labels, strict=True)]
    shares = [each.share for each in found.quantiles]
    assert [each.value for each in found.quantiles] == pytest.approx(np.quantile(one_by_one, shares))


def test_logits_that_are_not_finite_are_left_out_and_said() -> None:
    logits, labels = SURE[1]
    broken = logits.copy()
    broken[:7, 3] = [np.nan, np.inf, -np.inf, np.nan, np.inf, np.nan, np.nan]
    found = calibration(experiment_id="e", split="test", validation=SURE[0], test=(broken, labels))
    whole = calibration(experiment_id="e", split="test", validation=SURE[0], test=(logits[7:], labels[7:]))
    assert found.not_finite == 7
    assert found.cross_entropy is None
    assert found.bins == whole.bins
    assert found.brier_score == whole.brier_score
    assert found.margins == whole.margins


@pytest.mark.parametrize("images", [1, 5])
def test_of_nothing_finite_nothing_is_reckoned(images: int) -> None:
    split = np.full((images, 3), np.nan, dtype=np.float32), np.zeros(images, dtype=np.int64)
    found = calibration(experiment_id="e", split="test", validation=split, test=split)
    assert (found.not_finite, found.cross_entropy, found.brier_score) == (images, None, None)
    assert (found.expected_calibration_error, found.temperature.value, found.temperature.after) == (None, None, None)
    assert Image.open(io.BytesIO(reliability_chart.draw(found, title="Nothing"))).format == "PNG"


def test_all_margins_alike_have_a_histogram() -> None:
    for margin in (0.0, 1.0, -1.0):
        split = np.array([[margin, 0.0]] * 4, dtype=np.float32), np.zeros(4, dtype=np.int64)
        found = calibration(experiment_id="e", split="test", validation=split, test=split).margins
        assert sum(found.counts) == 4
        assert 0.0 in found.edges


def test_the_diagram_is_the_same_file_each_time() -> None:
    first, second = (reliability_chart.draw(judged(), title="Reliability") for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (reliability_chart.WIDTH, reliability_chart.HEIGHT)
