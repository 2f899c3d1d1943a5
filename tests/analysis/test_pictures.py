"""Images as files, and sheets of them."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from service.analysis import pictures
from service.analysis.pictures import Tile

IMAGE = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_an_image_comes_back_pixel_for_pixel() -> None:
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(pictures.png(IMAGE)))), IMAGE)
    assert base64.b64decode(pictures.png_base64(IMAGE)) == pictures.png(IMAGE)


def test_a_sheet_shows_every_image_enlarged_by_a_whole_factor() -> None:
    content = pictures.sheet([Tile(IMAGE, "4 → 9", "99.8%"), Tile(255 - IMAGE, "9 → 4")], title="Two", columns=2)
    sheet = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    side = 7 * 16
    top, left = pictures.MARGIN + pictures.HEADING, pictures.MARGIN
    first = sheet[top : top + side, left : left + side]
    second = sheet[top : top + side, left + side + pictures.GAP : left + 2 * side + pictures.GAP]
    assert np.array_equal(first[::7, ::7], IMAGE)
    assert np.array_equal(first[6::7, 6::7], IMAGE)
    assert np.array_equal(second[::7, ::7], 255 - IMAGE)


def test_rows_grow_with_the_images_and_none_is_a_sheet_too() -> None:
    heights = [
        Image.open(io.BytesIO(pictures.sheet([Tile(IMAGE, "a")] * count, title="A"))).height for count in (0, 1, 10, 11)
    ]
    assert heights[0] == heights[1] == heights[2] < heights[3]


def test_long_text_ends_before_the_next_image_and_lines_are_joined() -> None:
    type_ = pictures.font(18)
    fitted = pictures.fitted("T-shirt/top\nread as a dress", type_, 100)
    assert fitted.startswith("T-shirt/")
    assert fitted.endswith("…")
    assert type_.getlength(fitted) <= 100
    assert pictures.fitted("4 → 9", type_, 100) == "4 → 9"


def test_sheets_can_be_drawn_at_once() -> None:
    tiles = [Tile(IMAGE, f"{number} → 4", "é") for number in range(30)]
    expected = pictures.sheet(tiles, title="Many")
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: pictures.sheet(tiles, title="Many"), range(8))) == {expected}
