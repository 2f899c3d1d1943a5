"""Softmax, cross-entropy and their gradients, against SciPy, scikit-learn and finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special
from sklearn import metrics

from service.analysis import softmax
from service.analysis.softmax_lesson import lesson
from service.domain.softmax import Softmax

CHANCE = np.random.default_rng(4)
LOGITS = (4 * CHANCE.standard_normal((200, 10))).astype(np.float32)
LABELS = CHANCE.integers(0, 10, 200)
TEMPERATURES = (0.1, 1.0, 2.5, 50.0)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_probabilities_and_losses_are_those_of_others(temperature: float) -> None:
    expected = special.softmax(LOGITS.astype(np.float64) / temperature, axis=1)
    np.testing.assert_allclose(softmax.probabilities(LOGITS, temperature=temperature), expected, rtol=1e-12)
    loss = softmax.losses(LOGITS, LABELS, temperature=temperature)
    one_by_one = -special.log_softmax(LOGITS.astype(np.float64) / temperature, axis=1)[np.arange(200), LABELS]
    np.testing.assert_allclose(loss, one_by_one, rtol=1e-12, atol=1e-15)
    if temperature >= 1:  # scikit-learn clips probabilities at 2.2e-16
        assert loss.mean() == pytest.approx(metrics.log_loss(LABELS, expected, labels=range(10)), rel=1e-12)


def test_large_logits_do_not_overflow() -> None:
    logits = np.array([[1e30, 0, -1e30], [3e38, 3e38, 0]], dtype=np.float32)
    np.testing.assert_array_equal(softmax.probabilities(logits), [[1, 0, 0], [0.5, 0.5, 0]])
    np.testing.assert_allclose(softmax.losses(logits, np.array([0, 1])), [0, np.log(2)])


def differences(function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The gradient by central differences."""
    steps = step * np.eye(len(at))
    return np.array([(function(at + each) - function(at - each)) / (2 * step) for each in steps])


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_gradients_are_what_small_steps_find(temperature: float) -> None:
    for row in range(5):
        at, label = LOGITS[row].astype(np.float64), int(LABELS[row])
        for of_class in (label, int(at.argmax()), 3):
            found = softmax.gradients(at, label, of_class=of_class, temperature=temperature)

            def loss(z: np.ndarray, label: int = label) -> float:
                return float(softmax.losses(z[None], np.array([label]), temperature=temperature)[0])

            def share(z: np.ndarray, of_class: int = of_class) -> float:
                return float(softmax.probabilities(z[None], temperature=temperature)[0, of_class])

            def hard(z: np.ndarray, of_class: int = of_class) -> float:
                return float(softmax.predictions(z[None])[0] == of_class)

            scale = 1 / temperature
            np.testing.assert_allclose(found.cross_entropy, differences(loss, at), atol=1e-6 * scale)
            np.testing.assert_allclose(found.softmax, differences(share, at), atol=1e-6 * scale)
            np.testing.assert_array_equal(found.hard_maximum, differences(hard, at))


def test_where_two_logits_tie_the_hard_maximum_has_no_gradient() -> None:
    found = softmax.gradients(np.array([2.0, 2.0, 1.0]), 0, of_class=0, temperature=1.0)
    assert np.isnan(found.hard_maximum).all()
    assert np.isfinite(found.cross_entropy).all()


def test_margins_are_positive_where_the_label_is_the_largest() -> None:
    margins = softmax.margins(LOGITS, LABELS)
    assert ((margins > 0) == (softmax.predictions(LOGITS) == LABELS)).all()
    row = LOGITS[0].astype(np.float64)
    assert margins[0] == row[LABELS[0]] - np.delete(row, LABELS[0]).max()


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_row(strange: float) -> None:
    logits = LOGITS[:3].copy()
    logits[1, 4] = strange
    assert np.isnan(softmax.probabilities(logits)[1]).all()
    assert np.isnan(softmax.losses(logits, LABELS[:3])).tolist() == [False, True, False]
    assert np.isnan(softmax.margins(logits, LABELS[:3])).tolist() == [False, True, False]
    assert softmax.predictions(logits)[1] == 4


def explained(logits: list[float], label: int, *, temperature: float = 1.0, of_class: int | None = None) -> Softmax:
    """All of one image."""
    return lesson(
        np.array(logits, dtype=np.float32),
        label,
        experiment_id="e",
        split="test",
        index=0,
        image="",
        labels=("a", "b", "c"),
        temperature=temperature,
        of_class=of_class,
    )


def test_one_image_is_told_from_logits_to_gradients() -> None:
    found = explained([1.0, 2.0, 0.0], 0, temperature=2.0)
    p = special.softmax([0.5, 1.0, 0.0])
    assert (found.prediction, found.hard_maximum, found.zero_one_loss) == (1, (0, 1, 0), 1)
    assert found.margin == -1
    assert found.cross_entropy == pytest.approx(-np.log(p[0]))
    assert found.softmax == pytest.approx(p)
    assert found.gradients.cross_entropy == pytest.approx((p - [1, 0, 0]) / 2)
    assert found.gradients.softmax_class == 1
    assert found.gradients.softmax == pytest.approx(p[1] * (np.array([0, 1, 0]) - p) / 2)
    assert found.gradients.hard_maximum == found.gradients.zero_one_loss == (0, 0, 0)
    assert "leads by 1" in found.remark.en
    assert "over the temperature" in found.remark.en
    assert f"{(p[0] - 1) / 2:.3g}".replace(".", ",").replace("-", "−") in found.remark.fr
    assert explained([1.0, 2.0, 0.0], 0, of_class=2).gradients.softmax_class == 2


def test_ties_and_logits_that_are_not_finite_are_said_and_are_null() -> None:
    tied = explained([2.0, 2.0, 0.0], 0)
    assert tied.gradients.hard_maximum == (None, None, None)
    assert None not in tied.gradients.cross_entropy
    assert "tie" in tied.remark.en
    broken = explained([np.nan, 2.0, 0.0], 1)
    assert broken.logits == (None, 2.0, 0.0)
    assert broken.softmax == broken.gradients.cross_entropy == (None, None, None)
    assert (broken.cross_entropy, broken.margin) == (None, None)
    assert "not finite" in broken.remark.en
    assert "NaN" not in broken.model_dump_json()
