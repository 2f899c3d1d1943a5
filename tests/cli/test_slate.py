import io

from PIL import Image

from service.cli import slate

PIXELS = [[0, 255], [128, 51]]


def test_a_png_file_holds_the_pixels_as_they_are() -> None:
    image = Image.open(io.BytesIO(slate.png(PIXELS)))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (2, 2))
    assert list(image.tobytes()) == [0, 255, 128, 51]


def test_blocks_are_the_brighter_the_more_ink() -> None:
    assert slate.in_blocks(PIXELS) == ["  ██", "▒▒  "]
    assert slate.in_blocks([[0, 51, 52, 103, 154, 204, 205, 255]]) == ["    ░░▒▒▓▓▓▓████"]


def test_images_stand_side_by_side_above_their_captions() -> None:
    assert slate.in_rows([PIXELS, PIXELS, PIXELS], ["one", "two", "three"], width=13).splitlines() == [
        "  ██      ██",
        "▒▒      ▒▒",
        "one     two",
        "",
        "  ██",
        "▒▒",
        "three",
    ]
