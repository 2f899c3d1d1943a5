"""Digits on one picture: found where they were put, in the order that they are read in."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from service.errors import InvalidImageError
from service.inference import segmentation
from service.inference.segmentation import MOST_DIGITS
from tests.strange_pictures import fonts

SANS = next(str(each) for each in fonts() if each.name == "DejaVuSans.ttf")


def written(*lines: str, size: int = 60) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """Black on white, with the box of every character's ink."""
    font = ImageFont.truetype(SANS, size)
    width = int(max(font.getlength(each) for each in lines) * 1.3) + 4 * size
    page = Image.new("L", (width, int(1.5 * size * len(lines)) + size), 255)
    pen, boxes = ImageDraw.Draw(page), []
    for number, line in enumerate(lines):
        left, top = size, size // 2 + int(1.5 * size) * number
        for character in line:
            pen.text((left, top), character, font=font, fill=0)
            alone = Image.new("L", page.size)
            ImageDraw.Draw(alone).text((left, top), character, font=font, fill=255)
            x0, y0, x1, y1 = alone.getbbox() or (0, 0, 0, 0)
            boxes.append((x0, y0, x1 - x0, y1 - y0))
            left += int(font.getlength(character) * 1.2)
    return np.asarray(page), boxes


@pytest.mark.parametrize("light_on_dark", [False, True])
def test_digits_are_found_where_they_are_from_left_to_right_line_by_line(light_on_dark: bool) -> None:
    page, boxes = written("407", "15", "98632")
    found = segmentation.find(255 - page if light_on_dark else page)
    assert [each.line for each in found] == [0] * 3 + [1] * 2 + [2] * 5
    assert np.abs(np.array([each.box for each in found]) - boxes).max() <= 2
    assert {each.inverted for each in found} == {not light_on_dark}


def test_a_piece_holds_its_own_ink_alone() -> None:
    page, boxes = written("18")
    left, top, width, height = boxes[1]
    eight = 255 - page[top : top + height, left : left + width].astype(np.float32)
    piece = segmentation.find(page)[1].pixels
    assert piece.max() == 255
    assert piece.sum() == pytest.approx(eight.sum(), rel=0.1)
    assert (piece[0] == 0).all()
    assert (piece[:, 0] == 0).all()


def test_boxes_are_in_the_pixels_of_a_large_picture_too() -> None:
    page, boxes = written("407", size=500)
    assert max(page.shape) > 2 * 512
    found = segmentation.find(page)
    assert np.abs(np.array([each.box for each in found]) - boxes).max() <= 12


def test_the_parts_of_a_broken_digit_are_one() -> None:
    page = np.zeros((100, 220), dtype=np.uint8)
    page[20:26, 40:70] = 255  # the bar of a 5, that touches nothing
    page[32:80, 36:44] = 255
    page[44:50, 36:66] = 255
    page[74:80, 36:66] = 255
    page[44:80, 60:66] = 255
    page[20:80, 120:128] = 255
    found = segmentation.find(page)
    assert [each.box for each in found] == [(36, 20, 34, 60), (120, 20, 8, 60)]


def test_digits_that_a_thin_bridge_joins_are_cut_apart_and_a_wide_one_is_not() -> None:
    page = np.zeros((90, 200), dtype=np.uint8)
    for left in (30, 95):
        page[20:70, left : left + 45] = 255
        page[28:62, left + 8 : left + 37] = 0
    page[42:46, 75:95] = 255
    first, second = (each.box for each in segmentation.find(page))
    assert (first[0], second[0] + second[2]) == (30, 140)
    assert abs(first[0] + first[2] - 85) <= 3

    seven = np.zeros((90, 160), dtype=np.uint8)
    seven[20:26, 30:110] = 255
    seven[20:70, 104:110] = 255
    assert [each.box for each in segmentation.find(seven)] == [(30, 20, 80, 50)]


def test_specks_are_left_out_and_a_blank_sheet_holds_nothing() -> None:
    page, boxes = written("25")
    dirty = page.copy()
    dirty[5:8, 5:8] = 0
    dirty[-9:-6, 100:103] = 0
    assert len(segmentation.find(dirty)) == len(boxes)
    assert segmentation.find(np.full((50, 80), 255, dtype=np.uint8)) == ()


def test_more_digits_than_are_allowed_are_refused() -> None:
    lines = ["11111111"] * (MOST_DIGITS // 8)
    assert len(segmentation.find(written(*lines, size=40)[0])) == MOST_DIGITS
    with pytest.raises(InvalidImageError, match=f"allowed: {MOST_DIGITS}"):
        segmentation.find(written(*lines, "1", size=40)[0])
