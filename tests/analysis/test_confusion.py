"""The confusion matrix against scikit-learn, on guesses that are right more often than not."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from service.analysis import confusion_chart
from service.analysis.confusion import confusion_matrix

NAMES = tuple("0123456789")


def guesses(seed: int, *, classes: int = 10, images: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Labels and what was read."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, images)
    return labels, np.where(chance.random(images) < 0.7, labels, chance.integers(0, classes, images))


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_is_scikit_learn_s(seed: int) -> None:
    labels, predictions = guesses(seed)
    found = confusion_matrix(labels, predictions, names=NAMES)
    assert found.matrix == tuple(map(tuple, metrics.confusion_matrix(labels, predictions)))
    assert found.accuracy == metrics.accuracy_score(labels, predictions)
    expected = metrics.precision_recall_fscore_support(labels, predictions)
    each = [(scores.precision, scores.recall, scores.f1, scores.support) for scores in found.per_class]
    np.testing.assert_allclose(np.transpose(expected), np.array(each, dtype=float), rtol=1e-14)
    macro = metrics.precision_recall_fscore_support(labels, predictions, average="macro")[:3]
    assert (found.macro.precision, found.macro.recall, found.macro.f1) == pytest.approx(macro, rel=1e-14)


def test_a_figure_of_nothing_is_null_and_left_out_of_the_mean() -> None:
    labels, predictions = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 3])
    found = confusion_matrix(labels, predictions, names=("a", "b", "c", "d"))
    expected = metrics.precision_recall_fscore_support(labels, predictions, labels=range(4), zero_division=np.nan)
    each = [(scores.precision, scores.recall, scores.f1) for scores in found.per_class]
    np.testing.assert_array_equal(np.transpose(expected[:3]), np.array(each, dtype=float))
    assert each == [(2 / 3, 1.0, 0.8), (None, 0.0, 0.0), (None, None, None), (0.0, None, 0.0)]
    assert found.macro.precision == 1 / 3
    assert [scores.predicted for scores in found.per_class] == [3, 0, 0, 1]


def test_the_commonest_mistakes_are_named_the_largest_first() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    predictions = np.array([0, 1, 1, 2, 1, 0, 2])
    found = confusion_matrix(labels, predictions, names=("a", "b", "c")).most_confused
    assert [(each.label, each.prediction, each.count) for each in found] == [(0, 1, 2), (0, 2, 1), (1, 0, 1)]


def test_the_picture_has_a_cell_for_every_pair_and_survives_long_names() -> None:
    labels, predictions = guesses(1)
    plain = Image.open(io.BytesIO(confusion_chart.draw(confusion_matrix(labels, predictions, names=NAMES), title="A")))
    names = tuple(f"ankle boot number {name} " * 9 for name in NAMES)
    found = confusion_matrix(labels, predictions, names=names)
    long = Image.open(io.BytesIO(confusion_chart.draw(found, title="A $title$ without end " * 20)))
    assert plain.format == "PNG"
    assert plain.size == long.size
    corner = confusion_chart.MARGIN + confusion_chart.NAMES, confusion_chart.TOP
    right, wrong = (plain.getpixel((corner[0] + 5 + at * confusion_chart.CELL, corner[1] + 5)) for at in (0, 1))
    assert isinstance(right, tuple)
    assert isinstance(wrong, tuple)
    assert right[2] > right[0] + 100  # blue
    assert wrong[0] > wrong[2]  # vermilion
