"""Images in, digits out, over HTTP, from the checkpoint of a run that was really trained."""

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service import datasets
from service.storage import checkpoints
from tests.api.conftest import NOWHERE, Served


@pytest.fixture
def trained(served: Served) -> str:
    """A perceptron of generated digits, trained in this process by the workers' own code; its id."""
    return served.train(epochs=3, checkpoints={"keep": "all"})


@pytest.fixture
def images() -> list[np.ndarray]:
    """The first test images, (16, 16)."""
    return [image.numpy() for image in datasets.load("synthetic", data_dir=NOWHERE).test.images[:20]]


def url(experiment_id: str, checkpoint: str | None = None) -> str:
    """Where its predictions are."""
    return f"/v1/experiments/{experiment_id}/predictions" + (f"?checkpoint={checkpoint}" if checkpoint else "")


def file_of(image: np.ndarray, kind: str = "PNG") -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def digits(answer: dict[str, Any]) -> list[int]:
    """What was read."""
    return [each["digit"] for each in answer["predictions"]]


def test_every_way_to_send_an_image_reads_the_same_digit(
    served: Served, trained: str, images: list[np.ndarray]
) -> None:
    one = images[0]
    sent: dict[str, dict[str, Any]] = {
        "raw png": {"content": file_of(one), "headers": {"Content-Type": "image/png"}},
        "raw bmp": {"content": file_of(one, "BMP"), "headers": {"Content-Type": "image/bmp"}},
        "raw graymap": {"content": file_of(one, "PPM"), "headers": {"Content-Type": "image/x-portable-graymap"}},
        "form": {"files": [("image", ("a.png", file_of(one), "image/png"))]},
        "pixels": {"json": {"pixels": one.tolist()}},
        "pixels of 0..1": {"json": {"pixels": (one / 255).tolist()}},
        "images": {"json": {"images": [{"pixels": one.tolist()}]}},
        "base64": {"json": {"images": [{"base64": base64.b64encode(file_of(one)).decode()}]}},
    }
    answers = {}
    for name, body in sent.items():
        answer = served.http.post(url(trained), **body)
        assert answer.status_code == 200, (name, answer.text)
        answers[name] = answer.json()
    assert {tuple(digits(answer)) for answer in answers.values()} == {tuple(digits(answers["raw png"]))}
    logits = np.array([answer["predictions"][0]["logits"] for answer in answers.values()])
    assert np.abs(logits - logits[0]).max() < 1e-4


def test_an_answer_is_what_the_contract_says(served: Served, trained: str, images: list[np.ndarray]) -> None:
    answer = served.http.post(url(trained), json={"pixels": images[0].tolist()}).json()
    best = served.http.get(f"/v1/experiments/{trained}").json()["best"]["epoch"]
    assert answer["experiment_id"] == trained
    assert answer["checkpoint"] == {"name": "best", "epoch": best}
    (prediction,) = answer["predictions"]
    assert len(prediction["probabilities"]) == len(prediction["logits"]) == 10
    assert sum(prediction["probabilities"]) == pytest.approx(1)
    assert prediction["confidence"] == max(prediction["probabilities"])
    assert prediction["digit"] == int(np.argmax(prediction["logits"]))
    assert prediction["label"] == str(prediction["digit"])
    assert set(prediction["preprocessing"]) >= {"inverted", "cropped", "warnings"}


def test_a_batch_is_answered_in_its_order_whoever_is_beside_whom(
    served: Served, trained: str, images: list[np.ndarray]
) -> None:
    together = served.http.post(url(trained), json={"images": [{"pixels": each.tolist()} for each in images]}).json()
    alone = [served.http.post(url(trained), json={"pixels": each.tolist()}).json() for each in images]
    assert digits(together) == [digits(each)[0] for each in alone]
    form = served.http.post(url(trained), files=[("image", ("a.png", file_of(each), "image/png")) for each in images])
    assert digits(form.json()) == digits(together)


def test_every_stored_checkpoint_answers_for_itself(served: Served, trained: str, images: list[np.ndarray]) -> None:
    pixels = {"pixels": images[0].tolist()}
    answers = {
        name: served.http.post(url(trained, name), json=pixels).json() for name in ("best", "last", "1", "2", "3")
    }
    assert [answers[name]["checkpoint"]["epoch"] for name in ("1", "2", "3", "last")] == [1, 2, 3, 3]
    assert answers["last"]["predictions"] == answers["3"]["predictions"]
    assert answers["1"]["predictions"] != answers["3"]["predictions"]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"content": b""}, 422, "empty"),
    ({"content": b"hello", "headers": {"Content-Type": "text/plain"}}, 415, "text/plain"),
    ({"data": {"a": "b"}}, 415, "application/json, multipart/form-data, image/png"),
    ({"content": b"hello", "headers": {"Content-Type": "image/png"}}, 415, "PNG, JPEG"),
    ({"content": b"\x89PNG\r\n\x1a\n cut", "headers": {"Content-Type": "image/png"}}, 422, ""),
    ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "not JSON"),
    ({"json": {}}, 422, "1 field is invalid"),
    ({"json": {"pixels": [[1, 2], [3]]}}, 422, "1 field is invalid"),
    ({"json": {"images": []}}, 422, "1 field is invalid"),
    ({"json": {"pixels": [[0]], "picture": 1}}, 422, "1 field is invalid"),
    ({"json": {"images": [{"pixels": [[0]]}, {"base64": "!"}]}}, 422, "base64"),
    ({"files": [("picture", b"x")]}, 422, "'image'"),
    ({"files": [("image", ("a.png", b"x", "image/png"))]}, 415, "PNG"),
    ({"files": [("image", (None, b"x"))]}, 422, "a part named 'image' is text"),
    ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "boundary"),
]


@pytest.mark.parametrize(("body", "status", "said"), BAD, ids=[f"{status} {said}" for _, status, said in BAD])
def test_a_bad_image_is_one_clear_problem(
    served: Served, trained: str, body: dict[str, Any], status: int, said: str
) -> None:
    answer = served.http.post(url(trained), **body)
    problem = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert said in problem["detail"]
    assert problem["instance"] == url(trained)


def test_one_wrong_image_of_several_is_pointed_at(served: Served, trained: str, images: list[np.ndarray]) -> None:
    good = {"pixels": images[0].tolist()}
    problem = served.http.post(url(trained), json={"images": [good, {"pixels": [[1], [300]]}, good]}).json()
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("#/images/1/pixels", "invalid_pixels")]


def test_a_picture_that_is_too_large_is_pointed_at(served: Served, trained: str) -> None:
    large = base64.b64encode(file_of(np.zeros((1, 10_001), dtype=np.uint8))).decode()
    answer = served.http.post(url(trained), json={"images": [{"pixels": [[0]]}, {"base64": large}]})
    detail = "the image is 10001 x 1 pixels; allowed: sides of at most 10000 and 16777216 pixels in all"
    assert answer.status_code == 413
    assert answer.json()["errors"] == [{"pointer": "#/images/1/base64", "detail": detail, "code": "too_large"}]


@pytest.mark.parametrize("cut", [1, 2, 40, 400])
def test_of_a_form_that_is_cut_off_no_part_is_read(
    served: Served, trained: str, images: list[np.ndarray], cut: int
) -> None:
    form = [("image", (f"{number}.png", file_of(image), "image/png")) for number, image in enumerate(images[:3])]
    sent = httpx.Request("POST", served.url + url(trained), files=form)
    whole, headers = sent.read().rstrip(), {"Content-Type": sent.headers["Content-Type"]}
    answer = served.http.post(url(trained), content=whole[:-cut], headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert "cut off" in answer.json()["detail"]
    for follows in (b"", b"\r\n", b"\r\nwhat nobody reads"):
        read = served.http.post(url(trained), content=whole + follows, headers=headers)
        assert len(read.json()["predictions"]) == 3


def test_a_body_above_the_limit_is_413(served: Served, trained: str) -> None:
    answer = served.http.post(url(trained), content=b"x" * (513 * 1024), headers={"Content-Type": "image/png"})
    assert answer.status_code == 413


def test_without_a_checkpoint_it_is_a_conflict_and_an_unknown_one_lists_what_there_is(
    served: Served, trained: str
) -> None:
    waiting = served.submit()
    pixels = {"pixels": [[0, 255], [255, 0]]}
    early = served.http.post(url(waiting), json=pixels)
    assert (early.status_code, "queued" in early.json()["detail"]) == (409, True)
    unknown = served.http.post(url(trained, "9"), json=pixels)
    assert unknown.status_code == 404
    assert "best, last" in unknown.json()["detail"]
    misspelt = served.http.post(url(trained, "worst"), json=pixels)
    assert misspelt.status_code == 422
    assert misspelt.json()["errors"][0]["pointer"] == "#/query/checkpoint"
    assert served.http.post(url(trained) + "?chekpoint=best", json=pixels).status_code == 422


def test_a_damaged_checkpoint_never_answers(served: Served, trained: str) -> None:
    pixels = {"pixels": [[0, 255], [255, 0]]}
    with served.database.reading() as session:
        stored = checkpoints.named(session, trained, "2")
    weights = served.settings.artifacts_dir / stored.folder / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    answer = served.http.post(url(trained, "2"), json=pixels)
    assert answer.status_code == 409
    assert "damaged" in answer.json()["detail"]
    assert served.http.post(url(trained, "1"), json=pixels).status_code == 200
    content[-1] ^= 1
    weights.write_bytes(content)
    assert served.http.post(url(trained, "2"), json=pixels).status_code == 200


def test_deleting_an_experiment_drops_its_networks(served: Served, trained: str) -> None:
    pixels = {"pixels": [[0, 255], [255, 0]]}
    before = len(served.service.models)
    assert served.http.post(url(trained), json=pixels).status_code == 200
    assert len(served.service.models) == before + 1
    assert served.http.delete(f"/v1/experiments/{trained}").status_code == 204
    assert len(served.service.models) == before
    assert served.http.post(url(trained), json=pixels).status_code == 404
    assert not (served.settings.artifacts_dir / trained).exists()
