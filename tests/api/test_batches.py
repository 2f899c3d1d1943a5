"""Many images in one request, and answers as lines."""

import base64
import csv
import io
import json
import tracemalloc
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.client import Client
from service.domain.prediction import MAX_IMAGES
from service.inference.lane import MOST_TOGETHER
from tests.api.conftest import Served
from tests.api.test_predictions import file_of, images, trained, url

__all__ = ["images", "trained"]  # fixtures

SAME = 1e-4
"""One and many images may be computed in different ways, whose logits agree within this."""
NAMES = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "seven, or one.png",
    "7;8.png",
    "sept \N{LATIN SMALL LETTER E WITH ACUTE}.png",
    "7.png",
]


def form_of(pictures: list[np.ndarray], names: list[str] | None = None) -> list[tuple[str, tuple[str, bytes, str]]]:
    called = names or [f"{number}.png" for number in range(len(pictures))]
    return [("image", (name, file_of(each), "image/png")) for name, each in zip(called, pictures, strict=True)]


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_ndjson_and_csv_say_what_json_says(served: Served, trained: str, images: list[np.ndarray]) -> None:
    form = form_of(images[: len(NAMES)], NAMES)
    as_json = served.http.post(url(trained), files=form).json()["predictions"]
    by_query = served.http.post(f"{url(trained)}?format=ndjson", files=form)
    by_header = served.http.post(url(trained), files=form, headers={"Accept": "application/x-ndjson, */*"})
    assert by_query.headers["Content-Type"] == by_header.headers["Content-Type"] == "application/x-ndjson"
    assert by_query.text == by_header.text
    for place, (line, each) in enumerate(zip(lines(by_query), as_json, strict=True)):
        assert line == {
            "index": place,
            **{key: each[key] for key in ("name", "digit", "label")},
            "confidence": pytest.approx(each["confidence"], abs=SAME),
            "probabilities": pytest.approx(each["probabilities"], abs=SAME),
            "warnings": each["preprocessing"]["warnings"],
        }
    assert [each["name"] for each in as_json] == NAMES
    answer = served.http.post(url(trained), files=form, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    table = [*csv.DictReader(io.StringIO(answer.text))]
    for row, each in zip(table, as_json, strict=True):
        assert (int(row["digit"]), row["label"]) == (each["digit"], each["label"])
        assert float(row["confidence"]) == pytest.approx(each["confidence"], abs=SAME)
        shares = [float(row[f"probability_{number}"]) for number in range(10)]
        assert shares == pytest.approx(each["probabilities"], abs=SAME)
        assert row["warnings"] == "; ".join(each["preprocessing"]["warnings"])


def test_no_cell_of_the_csv_is_a_formula(served: Served, trained: str, images: list[np.ndarray]) -> None:
    answer = served.http.post(f"{url(trained)}?format=csv", files=form_of(images[: len(NAMES)], NAMES))
    names = [row["name"] for row in csv.DictReader(io.StringIO(answer.text))]
    assert names == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", *NAMES[4:]]


def test_images_without_a_name_have_none(served: Served, trained: str, images: list[np.ndarray]) -> None:
    body = {"images": [{"pixels": each.tolist()} for each in images[:3]]}
    assert [each["name"] for each in lines(served.http.post(f"{url(trained)}?format=ndjson", json=body))] == [None] * 3
    table = served.http.post(f"{url(trained)}?format=csv", json=body).text.splitlines()
    assert [row.split(",")[:2] for row in table] == [["index", "name"], ["0", ""], ["1", ""], ["2", ""]]


@pytest.mark.parametrize("asked", ["json", "csv", "ndjson"])
def test_a_thousand_images_are_one_request_and_one_more_is_refused(
    asked: str, served: Served, trained: str, images: list[np.ndarray]
) -> None:
    assert MAX_IMAGES > 3 * MOST_TOGETHER
    many = [images[number % 7] for number in range(MAX_IMAGES)]
    answer = served.http.post(f"{url(trained)}?format={asked}", files=form_of(many))
    match asked:
        case "json":
            found = [(each["name"], each["digit"]) for each in answer.json()["predictions"]]
        case "csv":
            found = [(row["name"], int(row["digit"])) for row in csv.DictReader(io.StringIO(answer.text))]
        case _:
            found = [(each["name"], each["digit"]) for each in lines(answer)]
    assert [name for name, _ in found] == [f"{number}.png" for number in range(MAX_IMAGES)]
    assert [digit for _, digit in found] == [found[number % 7][1] for number in range(MAX_IMAGES)]
    refused = served.http.post(f"{url(trained)}?format={asked}", files=form_of([*many, images[0]]))
    assert refused.status_code in (400, 422)
    assert str(MAX_IMAGES) in refused.json()["detail"]


@pytest.mark.parametrize("asked", ["json", "csv", "ndjson"])
def test_one_broken_file_is_named_before_any_line_is_sent(
    asked: str, served: Served, trained: str, images: list[np.ndarray]
) -> None:
    whole = file_of(images[0])
    form = [("image", (f"{number}.png", whole, "image/png")) for number in range(17)]
    broken = ("image", ("broken.png", whole[:40], "image/png"))
    answer = served.http.post(f"{url(trained)}?format={asked}", files=[*form, broken, *form])
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["detail"].startswith("image 18 of 35 ('broken.png'): the image is broken")
    text = base64.b64encode(whole).decode()
    body = {"images": [{"base64": text}] * 17 + [{"base64": text[:40]}]}
    problem = served.http.post(f"{url(trained)}?format={asked}", json=body).json()
    assert [each["pointer"] for each in problem["errors"]] == ["#/images/17/base64"]


def test_images_that_unpack_to_too_much_are_refused_by_name(
    served: Served, trained: str, monkeypatch: pytest.MonkeyPatch, images: list[np.ndarray]
) -> None:
    monkeypatch.setattr("service.inference.images.MAX_REQUEST_PIXELS", 2 * images[0].size)
    assert served.http.post(url(trained), files=form_of(images[:2])).status_code == 200
    answer = served.http.post(url(trained), files=form_of(images[:3]))
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("image 3 of 3 ('2.png'): the images of one request may have 512 pixels")


@pytest.mark.parametrize("asked", ["csv", "ndjson"])
def test_errors_are_problems_whatever_was_asked_for(asked: str, served: Served, trained: str) -> None:
    pixels = {"pixels": [[0, 255], [255, 0]]}
    unknown = served.http.post(f"{url(trained, '9')}&format={asked}", json=pixels)
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (404, "application/problem+json")
    strange = served.http.post(f"{url(trained)}?format=xml", json=pixels)
    assert (strange.status_code, strange.json()["detail"]) == (422, "1 field is invalid")
    assert [each["pointer"] for each in strange.json()["errors"]] == ["#/query/format"]


def test_a_picture_that_is_large_is_not_kept_while_the_next_is_read(served: Served, trained: str) -> None:
    """Of 40 pictures of a megapixel, each held as floats would be 160 MB."""
    side = 1000
    pixels = np.full((side, side), 255, dtype=np.uint8)
    pixels[200:800, 450:550] = 0
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    form = [("image", (f"{number}.png", buffer.getvalue(), "image/png")) for number in range(40)]
    peaks = []
    for count in (2, 2, 40):
        tracemalloc.start()
        assert served.http.post(url(trained), files=form[:count]).status_code == 200
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 4 * side * side


def test_a_registered_model_answers_in_lines_too(served: Served, trained: str, images: list[np.ndarray]) -> None:
    body = {"experiment_id": trained, "checkpoint": "best"}
    assert served.http.put("/v1/models/many", json=body).status_code == 201
    form = form_of(images[:5])
    of_the_run = served.http.post(f"{url(trained)}?format=csv", files=form)
    assert served.http.post("/v1/models/many/predictions?format=csv", files=form).text == of_the_run.text
    as_json = served.http.post("/v1/models/many/predictions", files=form).json()
    assert [each["name"] for each in as_json["predictions"]] == ["0.png", "1.png", "2.png", "3.png", "4.png"]
    assert served.http.post("/v1/models/none/predictions?format=csv", files=form).status_code == 404
    with Client(served.url) as client:
        parts = [*client.predict_with_in_parts("many", images[:5])]
        several = client.predict_with("many", [images[number % 5] for number in range(120)])
    assert [each.digit for each in parts[0].predictions] == [each["digit"] for each in as_json["predictions"]]
    assert [each.digit for each in several.predictions[:5]] == [each["digit"] for each in as_json["predictions"]]
    assert (len(several.predictions), several.model.version) == (120, 1)
