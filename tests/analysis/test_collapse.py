"""The map that an affine network is, held against its logits."""

from itertools import pairwise

import numpy as np
import pytest

from service import architectures
from service.analysis.collapse import collapse
from service.domain.ledger import Ledger


def ledger(*hidden: int, size: int = 28) -> Ledger:
    options = architectures.options_class("mlp").model_validate({"hidden": hidden})
    return architectures.ledger(options, activation="identity", image_size=size, classes=10)


def stack(*sizes: int) -> tuple[np.ndarray, np.ndarray]:
    """A product of random matrices of these sizes, from the images on, and a bias."""
    random = np.random.default_rng(0)
    matrix = np.eye(sizes[0])
    for before, after in pairwise(sizes):
        matrix = random.normal(size=(after, before)) @ matrix
    return matrix, random.normal(size=sizes[-1])


def test_784_128_10_declares_101770_parameters_and_has_the_freedom_of_7850() -> None:
    matrix, bias = stack(784, 128, 10)
    inputs = np.random.default_rng(1).normal(size=(5000, 784)).astype(np.float32)
    logits = (inputs @ matrix.T + bias).astype(np.float32)
    found = collapse(matrix, bias, inputs=inputs, logits=logits, ledger=ledger(128))
    assert (found.declared_parameters, found.effective_parameters) == (101_770, 7_850)
    assert (found.formula, found.rank, found.layers) == ("(784+1)*10 = 7850", 10, 2)
    assert (found.is_rounding, found.same_predictions, found.images) == (True, 5000, 5000)
    assert 0 < found.relative_difference < 1e-6
    np.testing.assert_allclose(found.singular_values, np.sqrt(np.linalg.eigvalsh(matrix @ matrix.T)[::-1]))


@pytest.mark.parametrize("image", [0, 4999])
def test_one_logit_of_one_image_that_is_another_is_seen(image: int) -> None:
    matrix, bias = stack(64, 10)
    inputs = np.random.default_rng(1).normal(size=(5000, 64)).astype(np.float32)
    logits = (inputs @ matrix.T + bias).astype(np.float32)
    logits[image, 3] += 5
    found = collapse(matrix, bias, inputs=inputs, logits=logits, ledger=ledger(size=8))
    assert found.largest_difference == pytest.approx(5, abs=1e-4)
    assert not found.is_rounding


def test_a_bottleneck_leaves_the_map_its_rank() -> None:
    matrix, bias = stack(784, 5, 10)
    inputs = np.zeros((1, 784), dtype=np.float32)
    found = collapse(matrix, bias, inputs=inputs, logits=bias[None].astype(np.float32), ledger=ledger(5))
    assert (found.rank, found.effective_parameters) == (5, 5 * (784 + 10 - 5) + 10)
    assert eval(found.formula.partition(" = ")[0]) == found.effective_parameters  # noqa: S307 - our own sum
    assert found.effective_parameters < found.declared_parameters


def test_there_are_never_more_effective_parameters_than_declared_ones() -> None:
    """Two channels of four weights and an output of 4x4x2 pixels have less freedom than a matrix of 10x64."""
    options = architectures.options_class("cnn").model_validate(
        {"channels": [2], "hidden": [], "kernel_size": 1, "pool": "average"}
    )
    convolutional = architectures.ledger(options, activation="identity", image_size=8, classes=10)
    matrix, bias = stack(64, 10)
    inputs = np.zeros((1, 64), dtype=np.float32)
    found = collapse(matrix, bias, inputs=inputs, logits=bias[None].astype(np.float32), ledger=convolutional)
    assert found.effective_parameters == found.declared_parameters == 2 * 2 + (32 + 1) * 10
    assert "as declared" in found.formula


def test_logits_of_zero_have_a_scale_of_zero() -> None:
    zeros = np.zeros((3, 64), dtype=np.float32)
    found = collapse(
        np.zeros((10, 64)), np.zeros(10), inputs=zeros, logits=np.zeros((3, 10), np.float32), ledger=ledger(size=8)
    )
    assert (found.rank, found.effective_parameters, found.relative_difference) == (0, 10, 0.0)
