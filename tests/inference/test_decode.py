"""Bytes to grey pixels: whatever the bytes are, pixels or one clear error."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from service.errors import ArdoiseError, InvalidImageError, TooLargeError, UnsupportedImageTypeError
from service.inference import decode as decoding
from service.inference.decode import MAX_PIXELS, MEDIA_TYPES, decode

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "PPM")


def file_of(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("form", FORMATS)
def test_every_accepted_format_gives_the_same_picture(form: str, drawing: Image.Image) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    picture = decode(file_of(drawing, form, **options), content_type="image/png")
    assert picture.pixels.shape == (48, 64)
    assert picture.reduction == 1
    assert np.abs(picture.pixels.astype(float) - np.asarray(drawing)).mean() < (4 if form == "JPEG" else 0.01)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_a_png_is_read(mode: str, drawing: Image.Image) -> None:
    if mode == "I;16":
        wide = np.asarray(drawing).astype(np.uint16) * 257
        data = file_of(Image.fromarray(wide), "PNG")
    else:
        data = file_of(drawing.convert(mode), "PNG")
    expected = np.asarray(drawing.convert("1").convert("L") if mode == "1" else drawing)
    assert np.abs(decode(data).pixels.astype(float) - expected).max() <= 1


@pytest.mark.parametrize("broken", [False, True])
def test_a_png_of_pixels_alone_is_answered_as_pillow_reads_the_file(
    broken: bool, drawing: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of its bytes is another one."""
    whole = file_of(drawing.resize((20, 16)), "PNG")
    files = [whole[:at] + bytes([each ^ 0x55]) + whole[at + 1 :] for at, each in enumerate(whole)]
    files = files if broken else [whole, *(file_of(drawing, "PNG", compress_level=level) for level in (0, 1, 9))]
    read = [decoding._plain(each, max_pixels=MAX_PIXELS) is not None for each in files]
    found = [_outcome(each) for each in files]
    monkeypatch.setattr(decoding, "_plain", lambda *_, **__: None)
    assert found == [_outcome(each) for each in files]
    assert any(read) if broken else all(read)


def _outcome(data: bytes) -> tuple[object, ...]:
    try:
        picture = decode(data)
    except ArdoiseError as error:
        return type(error), error.message
    return picture.pixels.tobytes(), picture.pixels.shape, picture.pixels.dtype, picture.reduction


def test_sixteen_bits_keep_what_eight_would_lose() -> None:
    faint = np.full((20, 20), 40_000, dtype=np.uint16)
    faint[5:15, 8:12] = 39_900
    pixels = decode(file_of(Image.fromarray(faint), "PNG")).pixels
    assert pixels[0, 0] - pixels[10, 10] == pytest.approx(100 / 257, abs=1e-3)


def test_a_jpeg_in_cmyk_is_read(drawing: Image.Image) -> None:
    pixels = decode(file_of(drawing.convert("RGB").convert("CMYK"), "JPEG", quality=95)).pixels
    assert np.abs(pixels.astype(float) - np.asarray(drawing)).mean() < 6


def test_a_photo_is_turned_upright(drawing: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # as a telephone held upright writes it: turn by 90 degrees clockwise to see it
    pixels = decode(file_of(drawing.rotate(90, expand=True), "PNG", exif=exif)).pixels
    assert (pixels == np.asarray(drawing)).all()


def test_of_an_animation_the_first_frame_is_read(drawing: Image.Image) -> None:
    data = file_of(drawing, "GIF", save_all=True, append_images=[Image.new("L", drawing.size)])
    assert (decode(data).pixels == np.asarray(drawing)).all()


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (255, 0)])
def test_ink_on_a_transparent_canvas_is_seen_whatever_its_colour(ink: int, ground: int, drawing: Image.Image) -> None:
    alpha = Image.eval(drawing, lambda value: 255 - value)
    canvas = Image.merge("LA", (Image.new("L", drawing.size, ink), alpha)).convert("RGBA")
    pixels = decode(file_of(canvas, "PNG")).pixels
    assert pixels[0, 0] == ground
    assert abs(float(pixels[np.asarray(alpha) > 250].mean()) - ink) < 3


def test_a_page_with_transparent_corners_stays_a_page(drawing: Image.Image) -> None:
    page = drawing.convert("RGBA")
    page.paste((0, 0, 0, 0), (0, 0, 6, 6))
    assert np.abs(decode(file_of(page, "PNG")).pixels - np.asarray(drawing)).max() <= 1


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_large_image_is_reduced_and_says_so(form: str, drawing: Image.Image) -> None:
    large = drawing.resize((64 * 50, 48 * 50), Image.Resampling.NEAREST)
    picture = decode(file_of(large, form))
    assert picture.reduction in (2, 3)
    assert picture.pixels.shape == (-(-2400 // picture.reduction), -(-3200 // picture.reduction))


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (10_001, 1), (5000, 5000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_refused_before_they_are_unpacked(width: int, height: int) -> None:
    with pytest.raises(TooLargeError):
        decode(png_that_claims(width, height))


def test_the_most_pixels_that_are_allowed_are_read() -> None:
    assert decode(file_of(Image.new("L", (4096, MAX_PIXELS // 4096), 255), "PNG")).pixels.max() == 255


def test_a_text_graymap_has_a_limit_of_its_own() -> None:
    with pytest.raises(TooLargeError, match="1048576"):
        decode(b"P2 2000 2000 255\n" + b"1 " * 100)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InvalidImageError),
        (b"hello", UnsupportedImageTypeError),
        (b"II*\0" + bytes(100), UnsupportedImageTypeError),  # TIFF
        (b"<svg/>", UnsupportedImageTypeError),
        (b"P6 1 1 255\n\0\0\0", UnsupportedImageTypeError),
        (b"P5 0 5 255\n", InvalidImageError),
        (b"P5 5 5 255\n\0", InvalidImageError),
        (b"P2 2 2 255\n1 2 3 x", InvalidImageError),
        (b"BM", InvalidImageError),
        (b"GIF89a", InvalidImageError),
        (b"RIFF\x10\0\0\0WEBPVP8 ", InvalidImageError),
        (b"\xff\xd8\xff\xe0", InvalidImageError),
        (b"\x89PNG\r\n\x1a\n", InvalidImageError),
    ],
)
def test_what_is_no_image_is_one_clear_error(data: bytes, error: type[ArdoiseError]) -> None:
    with pytest.raises(error) as caught:
        decode(data)
    assert len(caught.value.message) > 10


def test_text_that_unpacks_to_gigabytes_is_refused(drawing: Image.Image) -> None:
    data = file_of(drawing, "PNG")
    text = b"bomb\0\0" + zlib.compress(bytes(50_000_000), 9)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    with pytest.raises(InvalidImageError):
        decode(data[:33] + chunk + data[33:])


@pytest.mark.parametrize("declared", ["image/tiff", "text/html", "image/svg+xml", "application/json"])
def test_a_declared_type_that_is_not_accepted_is_refused(declared: str, drawing: Image.Image) -> None:
    with pytest.raises(UnsupportedImageTypeError, match="image/png, image/jpeg"):
        decode(file_of(drawing, "PNG"), content_type=declared)


@pytest.mark.parametrize("declared", [*MEDIA_TYPES, None, "", "application/octet-stream", "Image/PNG; charset=binary"])
def test_bytes_decide_among_accepted_types(declared: str | None, drawing: Image.Image) -> None:
    assert decode(file_of(drawing, "GIF"), content_type=declared).pixels.shape == (48, 64)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.sampled_from(FORMATS), data=st.data())
def test_no_mutated_file_does_more_than_raise_an_error_of_ours(
    form: str, data: st.DataObject, drawing: Image.Image
) -> None:
    whole = file_of(drawing, form)
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, len(content) - 1) | st.integers(0, min(60, len(content) - 1)))
        content[position] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(1, len(content))) :]
    try:
        pixels = decode(bytes(content)).pixels
    except ArdoiseError:
        return
    assert pixels.size
    assert np.isfinite(pixels).all()


@settings(max_examples=100, deadline=None)
@given(
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"GIF89a", b"P5 ", b"P2 "]),
    rest=st.binary(),
)
def test_no_bytes_do_more_than_raise_an_error_of_ours(start: bytes, rest: bytes) -> None:
    try:
        assert decode(start + rest).pixels.size
    except ArdoiseError as error:
        assert error.status in (413, 415, 422)  # noqa: PT017  # an image is an answer as well
