"""Connected parts of a mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from service.inference import components


def parsed(drawing: str) -> np.ndarray:
    return np.array([[mark == "#" for mark in line] for line in drawing.split()])


@pytest.mark.parametrize(
    ("drawing", "count"),
    [
        ("...", 0),
        ("#.#", 2),
        ("#. .#", 1),  # a corner is enough
        ("#.# ###", 1),  # a cup: two that become one
        ("##### #...# #.#.# #...# #####", 2),
        ("#.#.# #.#.# ####. ....#", 1),
        ("#### ...# ##.# #..# ####", 1),  # a spiral
        ("#.. .... ..#".replace("....", "..."), 2),
    ],
)
def test_parts_are_counted(drawing: str, count: int) -> None:
    labels, found = components.label(parsed(drawing))
    assert found == count
    assert ((labels > 0) == parsed(drawing)).all()


@given(npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.booleans()))
def test_two_pixels_share_a_number_where_a_path_joins_them(mask: np.ndarray) -> None:
    labels, count = components.label(mask)
    assert set(labels[mask]) == set(range(1, count + 1))
    reached = np.where(mask, np.arange(mask.size).reshape(mask.shape) + 1, 0)
    for _ in range(mask.size):
        padded = np.pad(reached, 1)
        height, width = mask.shape
        around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
        reached = np.where(mask, np.max(around, axis=0), 0)
    pairs = {(int(ours), int(theirs)) for ours, theirs in zip(labels[mask], reached[mask], strict=True)}
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})
