"""Threads are given to work that is worth them."""

from typing import Any

import pytest

from service.domain.spec import ExperimentSpec
from workers import threads


def spec(architecture: object, **given: Any) -> ExperimentSpec:
    """On MNIST."""
    return ExperimentSpec.model_validate({"dataset": "mnist", "architecture": architecture} | given)


@pytest.mark.parametrize("architecture", ["perceptron", "mlp", "lenet5"])
def test_a_small_network_has_one_however_many_there_are(architecture: str) -> None:
    assert threads.of_kernels(spec(architecture), available=8, shared=False) == 1


def test_a_large_batch_of_a_small_network_is_worth_more() -> None:
    assert threads.of_kernels(spec("lenet5", batch_size=1024), available=8, shared=False) == 8


def test_kernels_that_run_at_once_divide_what_there_is() -> None:
    large = spec("mnist_example")
    assert [threads.of_kernels(large, available=there, shared=True) for there in (1, 2, 4, 8)] == [1, 1, 2, 4]
