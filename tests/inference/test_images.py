"""The images of one request."""

import base64
import io
import time

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from service.domain.field_errors import field_errors
from service.domain.prediction import PredictionRequest
from service.errors import InvalidImageError, TooLargeError, UnsupportedImageTypeError
from service.inference import images
from service.inference.decode import Picture


def file_of(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def pixels_of(body: object) -> list[np.ndarray]:
    return [picture.pixels for picture in images.from_request(PredictionRequest.model_validate(body))]


def test_pixels_and_files_in_one_body_keep_their_order(drawing: Image.Image) -> None:
    grid = np.asarray(drawing).tolist()
    body = {"images": [{"pixels": grid}, {"base64": text_of(file_of(drawing))}, {"pixels": [[0, 0.5], [1, 0]]}]}
    first, second, third = pixels_of(body)
    assert (first == np.asarray(drawing)).all()
    assert (second == np.asarray(drawing)).all()
    assert third.tolist() == [[0, 127.5], [255, 0]]
    assert (pixels_of({"pixels": grid})[0] == first).all()


def test_values_are_0_to_1_only_where_none_is_above() -> None:
    assert pixels_of({"pixels": [[0, 1], [1, 1.5]]})[0].tolist() == [[0, 1], [1, 1.5]]
    assert pixels_of({"pixels": [[0, 0]]})[0].tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("pixels", "detail"),
    [
        ([], "must be a list of 1 to 1024 rows"),
        ([[]], "row 0 must be a list of 1 to 1024 numbers"),
        ("0", "must be a list of 1 to 1024 rows"),
        (None, "must be a list of 1 to 1024 rows"),
        ([1, 2], "row 0 must be a list of 1 to 1024 numbers"),
        ([[1, 2], [3]], "row 1 has 1 values where row 0 has 2: rows must be of one length"),
        ([[1, "{2}"]], "row 0, value 1 is of type string: must be a number"),
        ([[1, 2], [True, 0]], "row 1, value 0 is of type boolean: must be a number"),
        ([[None]], "row 0, value 0 is of type null: must be a number"),
        ([[1, -1]], "row 0, value 1 must be between 0 and 255"),
        ([[1, 256]], "row 0, value 1 must be between 0 and 255"),
        ([[1, float("nan"), 3]], "row 0, value 1 must be between 0 and 255"),
        ([[float("nan"), 2]], "row 0, value 0 must be between 0 and 255"),
        ([[1, float("inf")]], "row 0, value 1 must be between 0 and 255"),
        ([[1, 10**400]], "row 0, value 1 must be between 0 and 255"),
        ([[0] * 1025], "row 0 must be a list of 1 to 1024 numbers"),
    ],
)
def test_a_wrong_grid_is_one_error_that_says_where(pixels: object, detail: str) -> None:
    body = {"images": [{"pixels": [[1]]}, {"pixels": pixels}]}
    with pytest.raises(ValidationError) as caught:
        PredictionRequest.model_validate(body)
    errors = field_errors(caught.value.errors(), PredictionRequest.model_json_schema(), body)
    assert [(error.pointer, error.detail) for error in errors] == [("#/images/1/pixels", detail)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"pixels": [[1]], "images": [{"pixels": [[1]]}]}, "#"),
        ({"images": []}, "#/images"),
        ({"images": [{}]}, "#/images/0"),
        ({"images": [{"pixels": [[1]], "base64": ""}]}, "#/images/0"),
        ({"images": [{"pixel": [[1]], "base64": ""}]}, "#/images/0/pixel"),
        ({"images": [{"base64": 5}]}, "#/images/0/base64"),
        ({"images": [{"pixels": [[1]]}] * 1001}, "#/images"),
    ],
)
def test_a_wrong_body_is_one_error_that_says_where(body: object, pointer: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PredictionRequest.model_validate(body)
    errors = field_errors(caught.value.errors(), PredictionRequest.model_json_schema(), body)
    assert [error.pointer for error in errors] == [pointer]


@pytest.mark.parametrize("images", [[], [{"pixels": [[1]]}] * 1001])
def test_too_few_or_too_many_images_are_told_how_many_may_come(images: object) -> None:
    with pytest.raises(ValidationError) as caught:
        PredictionRequest.model_validate({"images": images})
    (error,) = field_errors(caught.value.errors(), PredictionRequest.model_json_schema(), {"images": images})
    assert (error.detail, error.code) == ("must have 1 to 1000 items", "out_of_range")


def test_every_wrong_image_has_its_error() -> None:
    with pytest.raises(ValidationError) as caught:
        PredictionRequest.model_validate({"images": [{"pixels": []}, {"pixels": [[1]]}, {"pixels": [[-1]]}]})
    assert [error["loc"] for error in caught.value.errors()] == [("images", 0, "pixels"), ("images", 2, "pixels")]


@pytest.mark.parametrize("text", ["not base64!", "é", "", "aGVsbG8=", text_of(b"\x89PNG\r\n\x1a\n" + bytes(30))])
def test_a_wrong_file_in_a_body_is_pointed_to(text: str) -> None:
    with pytest.raises(InvalidImageError) as caught:
        pixels_of({"images": [{"pixels": [[1]]}, {"base64": text}]})
    assert caught.value.pointer == "#/images/1/base64"


def test_one_of_several_files_is_named_by_its_place(drawing: Image.Image) -> None:
    good = file_of(drawing)
    with pytest.raises(InvalidImageError, match="image 2 of 3: the image is broken"):
        list(images.from_files([(good, "image/png"), (good[:50], "image/png"), (good, None)]))
    with pytest.raises(UnsupportedImageTypeError, match=r"^'image/tiff'"):
        list(images.from_files([(good, "image/tiff")]))
    with pytest.raises(UnsupportedImageTypeError, match="image 2 of 2"):
        list(images.from_files([(good, None), (b"hello", None)]))


def test_many_images_that_unpack_to_much_are_refused_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_REQUEST_PIXELS", 4 * 4096 * 4096)
    bomb = file_of(Image.new("1", (4096, 4096)))
    assert len(bomb) < 5000
    taken: list[Picture] = []
    with pytest.raises(TooLargeError, match=r"^image 5 of 100 \('bomb.png'\): .* together"):
        taken.extend(images.from_files([(bomb, None)] * 100, names=["bomb.png"] * 100))
    assert len(taken) == 4
    with pytest.raises(TooLargeError, match=r"^the images of .* together") as caught:
        pixels_of({"images": [{"base64": text_of(bomb)}] * 100})
    assert caught.value.pointer == "#/images/4"


def test_a_grid_of_65536_pixels_is_checked_quickly() -> None:
    body = {"pixels": np.random.default_rng(0).integers(0, 256, (256, 256)).tolist()}
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        pixels_of(body)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.1
