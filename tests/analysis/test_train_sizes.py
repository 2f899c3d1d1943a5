"""A power law is found again where it was put, and nowhere else."""

import numpy as np
import pytest
from scipy import optimize

from service.analysis import power_law


def law(
    sizes: list[int], a: float, b: float, c: float, *, noise: float = 0.0, seeds: int = 1
) -> tuple[list[int], list[float]]:
    generator = np.random.default_rng(0)
    runs = [size for size in sizes for _ in range(seeds)]
    return runs, [(a * n**-b + c) * float(np.exp(noise * generator.standard_normal())) for n in runs]


def test_a_law_without_noise_is_found_to_many_digits() -> None:
    found = power_law.fit(*law([100, 300, 1000, 3000, 10_000], 2.0, 0.5, 0.02), full=50_000)
    assert found is not None
    assert [found.a.value, found.b.value, found.c.value] == pytest.approx([2.0, 0.5, 0.02], rel=1e-4)
    assert found.full.test_error == pytest.approx(2 * 50_000**-0.5 + 0.02, rel=1e-4)
    assert found.full.extrapolated
    assert power_law.at(found, 400) == pytest.approx(2 * 400**-0.5 + 0.02, rel=1e-4)


def test_without_a_floor_none_is_found() -> None:
    found = power_law.fit(*law([100, 300, 1000, 3000], 2.0, 0.4, 0.0), full=3000)
    assert found is not None
    assert (found.c.value, found.c.interval) == (0.0, None)
    assert [found.a.value, found.b.value] == pytest.approx([2.0, 0.4], rel=1e-5)
    assert not found.full.extrapolated


def test_of_noisy_runs_it_is_scipy_s_fit_of_the_logarithms_with_its_uncertainty() -> None:
    sizes, errors = law([100, 200, 400, 800, 1600, 3200, 6400], 1.5, 0.6, 0.03, noise=0.03, seeds=3)
    found = power_law.fit(sizes, errors, full=50_000)
    assert found is not None

    def logarithm(n: np.ndarray, log_a: float, b: float, c: float) -> np.ndarray:
        logs: np.ndarray = np.log(np.exp(log_a) * n**-b + c)
        return logs

    best, covariance = optimize.curve_fit(logarithm, np.array(sizes, float), np.log(errors), p0=(0.3, 0.5, 0.02))
    spread = 2.1009220402 * np.sqrt(np.diag(covariance))  # t of 21 - 3 degrees of freedom
    assert [np.log(found.a.value), found.b.value, found.c.value] == pytest.approx(best, rel=1e-4)
    assert found.b.interval == pytest.approx([best[1] - spread[1], best[1] + spread[1]], rel=1e-3)
    assert found.c.interval == pytest.approx([best[2] - spread[2], best[2] + spread[2]], rel=1e-3)
    assert found.a.interval == pytest.approx([*np.exp([best[0] - spread[0], best[0] + spread[0]])], rel=1e-3)
    assert found.full.interval is not None
    assert found.full.interval[0] < 1.5 * 50_000**-0.6 + 0.03 < found.full.interval[1]


def test_three_sizes_leave_no_room_for_a_floor_and_two_for_no_law() -> None:
    found = power_law.fit(*law([100, 300, 1000], 2.0, 0.5, 0.02), full=5000)
    assert found is not None
    assert found.c.value == 0
    assert power_law.fit(*law([100, 300], 2.0, 0.5, 0.02, seeds=5), full=5000) is None


@pytest.mark.parametrize(
    "errors", [[0.1, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4], [0.9, 0.001, 0.9, 0.001], [1.0, 0.5, 1e-9, 1e-9]]
)
def test_errors_that_follow_no_law_are_no_failure(errors: list[float]) -> None:
    found = power_law.fit([10, 100, 1000, 10_000], errors, full=100_000)
    assert found is not None
    assert found.b.value >= 0
    assert np.isfinite([found.a.value, found.full.test_error, found.residual]).all()
