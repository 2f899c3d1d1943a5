"""Numbers as colours, and where they lie on a sheet."""

import io

import numpy as np
import pytest
from PIL import Image

from service.analysis import heat_sheets
from service.analysis.heat_sheets import MARGIN, MISSING, STOPS, Tile, blend, grey, heat


def rgb(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


@pytest.mark.parametrize("scale", [1.0, 3e-9, 2e20])
def test_full_colour_is_the_scale_and_zero_is_pale(scale: float) -> None:
    values = np.array([[-scale, 0, scale, -9 * scale, np.nan]])
    colours = heat(values, scale)[0].tolist()
    assert colours == [rgb(STOPS[-1.0]), rgb(STOPS[0.0]), rgb(STOPS[1.0]), rgb(STOPS[-1.0]), rgb(MISSING)]
    below, above = heat(np.array([[-scale / 2, scale / 2]]), scale)[0].astype(int)
    assert below[2] > below[0]
    assert above[0] > above[2]


def test_without_a_scale_all_that_is_finite_is_zero() -> None:
    assert heat(np.array([[0.0, np.inf]]), None)[0].tolist() == [rgb(STOPS[0.0]), rgb(MISSING)]


def test_ink_is_dark_on_paper_and_shades_what_is_laid_over_it() -> None:
    image = np.array([[0.0, 255.0, 300.0]])
    assert grey(image)[0].tolist() == [[255] * 3, [0] * 3, [0] * 3]
    laid = blend(image, heat(np.zeros((1, 3)), 1.0))[0].astype(int)
    assert laid[0].tolist() == rgb(STOPS[0.0])
    assert (laid[1] < laid[0]).all()


def test_tiles_lie_row_by_row_in_their_own_colours() -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    tiles = [Tile(np.full((2, 2, 3), colour, np.uint8), "") for colour in colours]
    sheet = Image.open(io.BytesIO(heat_sheets.draw(tiles, title="three", scale=0.5, columns=2)))
    seen = np.asarray(sheet.convert("RGB"))
    at = [np.argwhere((seen == colour).all(-1)) for colour in colours]
    sizes = [tuple(np.ptp(each, axis=0) + 1) for each in at]
    assert len(set(sizes)) == 1
    (top, left), (beside, across), (below, under) = (each.min(0) for each in at)
    assert (left, top == beside, across > left) == (MARGIN, True, True)
    assert (under, below > top) == (MARGIN, True)


def test_a_wide_matrix_is_thinned_and_a_single_number_is_drawn() -> None:
    wide = heat_sheets.draw([Tile(heat(np.ones((2, 9000)), 1.0), "")], title="", scale=1.0)
    assert Image.open(io.BytesIO(wide)).width < 1500
    assert heat_sheets.draw([Tile(heat(np.ones((1, 1)), 1.0), "x")], title="", scale=1.0)
