"""Tests over seeds against scipy's own, and against what can be counted."""

from itertools import product

import numpy as np
import pytest
from scipy import optimize, stats

from service.analysis import holm, image_tests, seed_tests
from service.analysis.estimates import estimate

A = {0: 0.9310, 1: 0.9334, 2: 0.9287, 3: 0.9322, 4: 0.9345}
B = {0: 0.9121, 1: 0.9162, 2: 0.9147, 3: 0.9117, 4: 0.9155}


def test_an_estimate_is_what_scipy_says() -> None:
    values = [*A.values()]
    found = estimate(values)
    assert found is not None
    assert found.n == 5
    assert found.mean == pytest.approx(np.mean(values))
    assert found.standard_deviation == pytest.approx(np.std(values, ddof=1))
    assert found.interval == pytest.approx(stats.t.interval(0.95, 4, np.mean(values), stats.sem(values)))


def test_an_estimate_of_one_has_no_spread_and_of_none_is_none() -> None:
    one = estimate([None, 0.5])
    assert one is not None
    assert (one.n, one.mean, one.standard_deviation, one.interval) == (1, 0.5, None, None)
    assert estimate([None]) is None


def test_groups_of_the_same_seeds_are_paired() -> None:
    shuffled = dict(reversed(B.items()))
    found, expected = seed_tests.compare(A, shuffled), stats.ttest_rel([*A.values()], [*B.values()])
    assert (found.method, found.n) == ("paired_t", (5, 5))
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.p_value < 0.01
    assert found.interval == pytest.approx([*expected.confidence_interval(0.95)])


def test_the_effect_size_has_the_interval_of_the_noncentral_t() -> None:
    found = seed_tests.compare(A, B)
    differences = np.subtract([*A.values()], [*B.values()])
    assert found.effect_size == pytest.approx(differences.mean() / differences.std(ddof=1))
    ends = [
        optimize.brentq(lambda nc, tail=tail: stats.nct.cdf(found.statistic, 4, nc) - tail, 0, 40) / 5**0.5
        for tail in (0.975, 0.025)
    ]
    assert found.effect_size_interval == pytest.approx(ends, rel=1e-5)


def test_groups_of_other_seeds_are_held_against_each_other_by_welch() -> None:
    few = {7: 0.91, 8: 0.93, 9: 0.915}
    found = seed_tests.compare(A, few)
    expected = stats.ttest_ind([*A.values()], [*few.values()], equal_var=False)
    assert (found.method, found.n) == ("welch_t", (5, 3))
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.degrees_of_freedom == pytest.approx(expected.df)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx([*expected.confidence_interval(0.95)])


@pytest.mark.parametrize("differences", [[0.3, 0.1, 0.2, 0.4, 0.5], [0.3, -0.1, 0.2, -0.4, 0.1, 0.0]])
def test_the_flips_of_signs_are_scipy_s_exact_permutations(differences: list[float]) -> None:
    expected = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    counted = [
        abs(np.dot(signs, differences)) >= abs(sum(differences)) - 1e-12
        for signs in product((1, -1), repeat=len(differences))
    ]
    assert seed_tests.sign_flips(differences) == pytest.approx(np.mean(counted))
    assert seed_tests.sign_flips(differences) == pytest.approx(expected.pvalue)


def test_where_nothing_varies_the_exact_test_takes_the_place_of_t() -> None:
    same = seed_tests.compare({0: 0.9, 1: 0.8}, {0: 0.9, 1: 0.8})
    assert (same.method, same.p_value, same.interval) == ("sign_flip", 1.0, None)
    steady = seed_tests.compare(
        {seed: 0.5 + 0.1 * seed for seed in range(4)}, {seed: 0.25 + 0.1 * seed for seed in range(4)}
    )
    assert (steady.method, steady.p_value, steady.sign_flip_p_value) == ("sign_flip", 0.125, 0.125)
    fixed = seed_tests.compare({0: 0.5, 1: 0.5, 2: 0.5}, {3: 0.25, 4: 0.25, 5: 0.25})
    assert fixed.method == "permutation"
    assert fixed.p_value == pytest.approx(2 / 20)


def test_over_images_it_is_the_paired_t_test_of_the_shares() -> None:
    generator = np.random.default_rng(0)
    a, b = (generator.random((3, 500)) < level for level in (0.95, 0.9))
    found = image_tests.compare(a.mean(axis=0), b.mean(axis=0))
    expected = stats.ttest_rel(a.mean(axis=0), b.mean(axis=0))
    assert found.images == 500
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx([*expected.confidence_interval(0.95)])
    assert image_tests.compare(a[0] * 1.0, a[0] * 1.0).p_value == 1.0


def test_the_interval_of_two_runs_is_that_of_their_paired_images() -> None:
    generator = np.random.default_rng(1)
    a, b = (generator.random(400) < level for level in (0.9, 0.85))
    mean, interval = image_tests.difference(int((a & ~b).sum()), int((b & ~a).sum()), 400)
    expected = stats.ttest_rel(a.astype(float), b.astype(float))
    assert mean == pytest.approx(a.mean() - b.mean())
    assert interval == pytest.approx([*expected.confidence_interval(0.95)])


def test_holm_multiplies_the_smallest_most_and_never_puts_one_before_a_smaller() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5]
    rejected_at = []
    for index, p_value in enumerate(p_values):  # the definition: the least level at which Holm's steps reach it
        smaller = sorted(range(5), key=lambda each: p_values[each])
        steps = [(5 - rank) * p_values[each] for rank, each in enumerate(smaller)]
        rejected_at.append(min(1.0, max(steps[: smaller.index(index) + 1])))
        assert rejected_at[-1] >= p_value
    assert holm.adjusted(p_values) == pytest.approx(rejected_at)
    assert holm.adjusted(p_values) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.5])
    assert holm.adjusted([]) == []
    assert holm.adjusted([0.9, 0.8]) == [1.0, 1.0]
