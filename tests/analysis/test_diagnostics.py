"""Which epochs are put side by side."""

import pytest

from service.analysis.diagnostics import aligned


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ([], ()),
        ([[], []], ()),
        ([[1, 2, 3]], (1, 2, 3)),
        ([[3, 1, 2], [], [2, 3, 4]], (2, 3)),
        ([[1, 11], [1, 2, 3, 4]], (1,)),
        ([range(1, 101)], (1, 26, 51, 75, 100)),
    ],
)
def test_epochs_that_all_have_in_common_are_put_side_by_side(
    epochs: list[list[int]], expected: tuple[int, ...]
) -> None:
    assert aligned(epochs, most=5) == expected
