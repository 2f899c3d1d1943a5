"""From the bytes of an image file to grey pixels, whatever the bytes are.

Every failure is an `ArdoiseError`; size and format are known from the first bytes, before anything is unpacked.
"""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, WebPImagePlugin  # noqa: F401  # registered here, Pillow does not load its forty other formats

from service.errors import ArdoiseError, InvalidImageError, TooLargeError, UnsupportedImageTypeError

MAX_PIXELS = 4096 * 4096
MAX_SIDE = 10_000
MAX_PLAIN_PIXELS = 1024 * 1024
"""For a graymap written as text (P2), which takes half a second a megapixel to read."""
WORKING_SIDE = 1024
"""Larger images are reduced by a whole factor, to a longer side of at least this, before any other work."""

MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif", "image/x-portable-graymap")
_UNKNOWN_TYPES = (None, "", "application/octet-stream")
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"P5": "PPM",
    b"P2": "PPM",
}
_PLAIN_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PLAIN_KIND = b"\x08\x00\x00\x00\x00"
"""Eight bits of grey; compressed, filtered and laid out in the first way of each."""
_PLAIN_SIDE, _PLAIN_BYTES = 256, 128 * 1024
"""Above them, what is saved is little beside the pixels."""
_PLAIN_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_ALLOWED = "PNG, JPEG, WEBP, BMP, GIF, PGM"

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """Grey pixels, (height, width), 0..255, uint8 or float32; each is made of `reduction` x `reduction` of the file."""

    pixels: np.ndarray
    reduction: int = 1


def check_media_type(content_type: str | None, *, others: Sequence[str] = ()) -> None:
    """Refuse a declared type that is not accepted; none, or `application/octet-stream`, leaves it to the bytes.

    `others` are taken where this is asked, too, and are named with the rest.
    """
    declared = content_type.split(";")[0].strip().lower() if content_type else None
    if declared not in _UNKNOWN_TYPES and declared not in MEDIA_TYPES:
        raise UnsupportedImageTypeError(f"{declared!r} is not accepted; allowed: {', '.join((*others, *MEDIA_TYPES))}")


def decode(data: bytes, *, content_type: str | None = None, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read an image file as grey: upright, its first frame, what is transparent filled in by `_opaque`.

    The format is decided by the bytes; `content_type` is only refused where no such type is accepted.

    Raises:
        UnsupportedImageTypeError: neither type nor bytes are of an accepted format
        TooLargeError: more pixels than `max_pixels`, or a side above `MAX_SIDE`
        InvalidImageError: empty, broken or cut off
    """
    check_media_type(content_type)
    if not data:
        raise InvalidImageError("the image is empty")
    plain = _plain(data, max_pixels=max_pixels)
    if plain is not None:
        return Picture(plain)
    name = _format(data)
    try:
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            _check_size(image.size, max_pixels=min(max_pixels, MAX_PLAIN_PIXELS) if data[:2] == b"P2" else max_pixels)
            return _grey(image)
    except ArdoiseError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLargeError(f"the image has more than {max_pixels} pixels") from error
    except Exception as error:  # on broken bytes Pillow's parsers raise whatever they stumble over
        raise InvalidImageError(f"the image is broken or cut off: it cannot be read as {name}") from error


def _plain(data: bytes, *, max_pixels: int) -> np.ndarray | None:
    """The greys of a small PNG that holds its pixels alone, 8 bits each and not interlaced; None for any other file.

    Most digits come as such, and Pillow takes several times as long for the file around the pixels as for these. What
    is not as the specification has it (w3.org/TR/png-3, sections 5 and 11) is left to Pillow, and to what is said then.
    """
    if not data.startswith(_PLAIN_HEAD) or data[24:29] != _PLAIN_KIND or len(data) > _PLAIN_BYTES:
        return None
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if not (0 < width <= _PLAIN_SIDE and 0 < height <= _PLAIN_SIDE and width * height <= max_pixels):
        return None
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33]):
        return None
    packed, at = [], 33
    while data[at + 4 : at + 8] == b"IDAT":
        end = at + 8 + int.from_bytes(data[at : at + 4])
        packed.append(data[at + 8 : end])
        at = end + 4
    if data[at:] != _PLAIN_END:
        return None
    try:
        grey = Image.frombytes("L", (width, height), b"".join(packed), "zip", "L", 0)
    except ValueError:
        return None
    return _greys(grey)


def _format(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            return name
    raise UnsupportedImageTypeError(f"the bytes are of no accepted image format; allowed: {_ALLOWED}")


def _check_size(size: tuple[int, int], *, max_pixels: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InvalidImageError(f"the image has no pixels: it is {width} x {height}")
    if max(size) > MAX_SIDE or width * height > max_pixels:
        allowed = f"sides of at most {MAX_SIDE} and {max_pixels} pixels in all"
        raise TooLargeError(f"the image is {width} x {height} pixels; allowed: {allowed}")


def _grey(opened: Image.Image) -> Picture:
    width = opened.width
    # For a JPEG this leaves out the colours and up to 63 of 64 pixels while it decodes; for others it does nothing.
    opened.draft("L", _at_least(opened.size))
    opened.load()
    image: Image.Image = opened
    if image.mode in ("1", "P", "I;16", "I;16B", "I;16L"):  # modes that cannot be reduced
        image = image.convert(_full_mode(image))
    factor = max(1, max(image.size) // WORKING_SIDE)
    if factor > 1:
        # An axis shorter than the factor keeps one pixel.
        image = image.reduce((min(factor, image.width), min(factor, image.height)))
    image = _upright(image, opened)
    reduction = max(1, round(width / opened.width)) * factor
    if image.mode in ("I", "F"):  # 16 bits: halved to 8 they would lose a faint pencil
        return Picture(np.clip(np.asarray(image, dtype=np.float32) / 257, 0, 255), reduction)
    if image.has_transparency_data:
        return Picture(_opaque(np.asarray(image.convert("LA"))), reduction)
    return Picture(_greys(image.convert("L")), reduction)


def _greys(image: Image.Image) -> np.ndarray:
    """Of an image in mode L. As an array it would cost four times as much, a third of all that a small one takes."""
    return np.frombuffer(image.tobytes(), dtype=np.uint8).reshape(image.height, image.width)


def _full_mode(image: Image.Image) -> str:
    if image.mode.startswith("I"):
        return "I"
    return "RGBA" if image.has_transparency_data else "L"


def _at_least(size: tuple[int, int]) -> tuple[int, int]:
    """The smallest size a JPEG may be reduced to: its longer side `WORKING_SIDE`, its shape kept."""
    scale = max(1.0, max(size) / WORKING_SIDE)
    return max(1, int(size[0] / scale)), max(1, int(size[1] / scale))


def _upright(image: Image.Image, opened: Image.Image) -> Image.Image:
    try:
        orientation = opened.getexif().get(_ORIENTATION_TAG)
    except Exception:  # noqa: BLE001  # a broken EXIF block beside good pixels: whatever its parser stumbles over
        return image
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _opaque(grey_alpha: np.ndarray) -> np.ndarray:
    """Fill in what is transparent, (height, width, 2) -> (height, width).

    A picture that covers most of its canvas and has light and dark of its own goes on a ground of its own median. Else
    what is visible is ink alone, and goes on white where it is dark, on black where it is light.
    """
    grey, alpha = grey_alpha[..., 0].astype(np.float32), grey_alpha[..., 1].astype(np.float32) / 255
    visible = grey[alpha > 0.5]
    if not visible.size:
        visible = grey[alpha > 0]
    if not visible.size:
        return np.full(grey.shape, 255, dtype=np.float32)
    low, middle, high = np.percentile(visible, (5, 50, 95))
    is_whole = visible.size > 0.5 * grey.size and high - low > 64
    contrasting = 0.0 if middle > 127 else 255.0
    ground = float(middle) if is_whole else contrasting
    return grey * alpha + ground * (1 - alpha)
