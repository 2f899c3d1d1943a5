"""McNemar's test against SciPy: the exact binomial test, and the chi-squared distribution."""

import numpy as np
import pytest
from scipy import stats

from service.analysis.significance import EXACT_UP_TO, from_counts, mcnemar


@pytest.mark.parametrize("only_a", [0, 1, 3, 10, 57, 100])
@pytest.mark.parametrize("only_b", [0, 1, 2, 10, 40, 100])
def test_few_differences_are_tested_exactly(only_a: int, only_b: int) -> None:
    found = from_counts(only_a, only_b)
    expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    assert found.method == "exact_binomial"
    assert found.p_value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("only_a", "only_b"), [(101, 100), (180, 120), (150, 150), (4000, 100)])
def test_many_differences_are_tested_by_chi_squared(only_a: int, only_b: int) -> None:
    found = from_counts(only_a, only_b)
    statistic = max(abs(only_a - only_b) - 1, 0) ** 2 / (only_a + only_b)
    assert found.method == "chi_squared"
    assert found.p_value == pytest.approx(stats.chi2.sf(statistic, df=1), rel=1e-12, abs=1e-300)


def test_where_the_method_changes_both_say_nearly_the_same() -> None:
    for only_a in range(EXACT_UP_TO // 2, EXACT_UP_TO * 5 // 8):
        only_b = EXACT_UP_TO + 1 - only_a
        exact = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue
        assert from_counts(only_a, only_b).p_value == pytest.approx(exact, rel=0.15)


def test_only_images_that_one_alone_reads_right_count() -> None:
    right_a = np.array([1, 1, 1, 0, 0, 1, 0], dtype=bool)
    right_b = np.array([1, 0, 0, 1, 0, 0, 0], dtype=bool)
    assert mcnemar(right_a, right_b).model_dump() == {
        "only_a": 3,
        "only_b": 1,
        "p_value": 0.625,
        "method": "exact_binomial",
    }
    assert mcnemar(right_a, right_a).p_value == 1


def test_vectors_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        mcnemar(np.ones(3, dtype=bool), np.ones(4, dtype=bool))
