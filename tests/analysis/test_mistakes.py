"""Which images are picked, in which order; what several networks differ on; how a reading changes over epochs."""

import numpy as np
import pytest
from scipy import special, stats

from service.analysis import disagreement, image_history, significance, softmax
from service.analysis.mistakes import worst_first

CHANCE = np.random.default_rng(7)
LOGITS = CHANCE.standard_normal((300, 4)).astype(np.float32)
LABELS = CHANCE.integers(0, 4, 300)
READ = LOGITS.argmax(axis=1)
LOSSES = -special.log_softmax(LOGITS.astype(np.float64), axis=1)[np.arange(300), LABELS]


def test_mistakes_come_with_the_largest_loss_first() -> None:
    found = worst_first(LOGITS, LABELS)
    assert set(found.tolist()) == set(np.flatnonzero(READ != LABELS).tolist())
    assert (np.diff(LOSSES[found]) <= 0).all()


@pytest.mark.parametrize(("label", "prediction"), [(1, None), (None, 2), (1, 2), (3, 3)])
def test_a_row_a_column_or_a_cell_of_the_matrix_is_picked(label: int | None, prediction: int | None) -> None:
    found = worst_first(LOGITS, LABELS, label=label, prediction=prediction)
    expected = [
        at
        for at in range(300)
        if label in (None, LABELS[at])
        and prediction in (None, READ[at])
        and (READ[at] != LABELS[at] or label == prediction)
    ]
    assert sorted(found.tolist()) == expected
    assert expected
    assert (np.diff(LOSSES[found]) <= 0).all()


def test_what_has_no_finite_loss_is_worst() -> None:
    logits = LOGITS[:20].copy()
    right = int(np.flatnonzero(READ[:20] == LABELS[:20])[0])
    logits[right, (LABELS[right] + 1) % 4] = np.nan
    assert worst_first(logits, LABELS[:20])[0] == right


def test_networks_are_paired_and_tested() -> None:
    other = LOGITS + CHANCE.standard_normal(LOGITS.shape)
    found = disagreement.pair("a", "b", predictions=(READ, other.argmax(axis=1)), labels=LABELS)
    right_a, right_b = READ == LABELS, other.argmax(axis=1) == LABELS
    assert found.both_right == (right_a & right_b).sum()
    assert found.both_wrong == (~right_a & ~right_b).sum()
    assert found.both_right + found.both_wrong + found.only_a + found.only_b == 300
    assert found.differ == (other.argmax(axis=1) != READ).sum()
    assert found.p_value == significance.mcnemar(right_a, right_b).p_value
    assert found.p_value == pytest.approx(stats.binomtest(found.only_a, found.only_a + found.only_b).pvalue)


def test_the_widest_margin_is_first_and_one_that_is_none_last() -> None:
    logits = [LOGITS[:9], LOGITS[9:18], LOGITS[18:27].copy()]
    logits[2][4, 0] = np.nan
    picked = np.array([1, 2, 4, 7])
    places, margins = disagreement.widest_first(logits, picked)
    assert places[-1] == 4
    assert np.isnan(margins[-1])
    for place, margin in zip(places[:-1], margins[:-1], strict=True):
        p, q, r = (special.softmax(run[place].astype(np.float64)) for run in logits)
        assert margin == pytest.approx(max(abs(p - q).sum(), abs(p - r).sum(), abs(q - r).sum()) / 2)
    assert (np.diff(margins[:-1]) <= 0).all()


def test_a_history_says_when_an_image_was_learned_and_how_often_forgotten() -> None:
    right, wrong = [3.0, 0.0], [0.0, 3.0]
    for course, learned, forgotten in (
        ([wrong, right, wrong, right, right], 4, 1),
        ([right, right], 1, 0),
        ([right, wrong], None, 1),
        ([wrong, wrong], None, 0),
    ):
        items = image_history.readings(np.array(course), epochs=range(1, len(course) + 1), label=0)
        assert image_history.learned_at(items) == learned
        assert image_history.forgotten(items) == forgotten
    assert items[0].loss == pytest.approx(-np.log(special.softmax(wrong)[0]))
    assert items[0].probabilities == pytest.approx(special.softmax(wrong))
    (broken,) = image_history.readings(np.array([[np.nan, 1.0]]), epochs=[1], label=0)
    assert (broken.prediction, broken.loss, broken.confidence) == (0, None, None)


def test_some_of_many_epochs_are_spread_evenly() -> None:
    assert image_history.evenly_spaced(5, 32) == [0, 1, 2, 3, 4]
    assert image_history.evenly_spaced(1, 32) == [0]
    some = image_history.evenly_spaced(1000, 32)
    assert (len(some), some[0], some[-1]) == (32, 0, 999)
    assert set(np.diff(some).tolist()) <= {32, 33}


def test_probabilities_are_of_the_same_rows_as_predictions() -> None:
    assert (softmax.probabilities(LOGITS).argmax(axis=1) == softmax.predictions(LOGITS)).all()
