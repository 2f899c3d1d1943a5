"""Looking into trained networks over HTTP: weights, maps, one number, saliency, contributions, and their pictures."""

import base64
import io
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load

from service import datasets
from tests.api.conftest import NOWHERE, Served

OWN: dict[str, Any] = {"split": "test", "index": 7}
ABOUT_AN_IMAGE = ("activations", "activations/position", "saliency", "contributions")
PICTURES = ("activations.png", "saliency.png", "saliency.png?method=occlusion", "contributions.png")


@pytest.fixture
def train(served: Served) -> Callable[..., str]:
    """Trains an experiment by the workers' own code; where its answers are."""
    return lambda **spec: f"/v1/experiments/{served.train(epochs=2, **spec)}"


@pytest.fixture
def perceptron(train: Callable[..., str]) -> str:
    """Linear, with its logits' whole account."""
    return train(architecture="perceptron")


@pytest.fixture
def image() -> np.ndarray:
    """The test image that `OWN` names, (16, 16)."""
    found: np.ndarray = datasets.load("synthetic", data_dir=NOWHERE).test.images[OWN["index"]].numpy()
    return found


def png(image: np.ndarray) -> bytes:
    """As a file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def picture(answer: httpx.Response) -> Image.Image:
    """What a `.png` answers."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("path", ABOUT_AN_IMAGE)
def test_an_image_of_the_run_s_own_is_named_or_sent_and_gives_the_same(
    http: httpx.Client, perceptron: str, image: np.ndarray, path: str
) -> None:
    where = f"{perceptron}/{path}"
    own = http.post(where, json=OWN).json()
    assert (own["image"]["split"], own["image"]["index"], own["image"]["label"]) == ("test", 7, 7)
    assert own["image"]["pixels"] == image.tolist()
    assert own["labels"] == list("0123456789")
    assert own["checkpoint"]["name"] == "best"
    assert http.post(where, json={"index": 7}).json() == own
    sent: list[dict[str, Any]] = [
        {"content": png(image), "headers": {"Content-Type": "image/png"}},
        {"files": [("image", ("a.png", png(image), "image/png"))]},
        {"json": {"pixels": image.tolist()}},
        {"json": {"images": [{"base64": base64.b64encode(png(image)).decode()}]}},
    ]
    answers = [http.post(where, **body) for body in sent]
    assert [answer.status_code for answer in answers] == [200] * 4
    predicted = http.post(f"{perceptron}/predictions", **sent[0]).json()["predictions"][0]
    for answer in answers:
        found = answer.json()
        assert found["image"]["label"] is None
        assert found["image"]["preprocessing"] == predicted["preprocessing"]
        logits = np.array((found.get("prediction") or predicted)["logits"])
        assert logits == pytest.approx(np.array(predicted["logits"]), abs=1e-5)


def test_validation_images_are_counted_in_the_training_split(http: httpx.Client, perceptron: str) -> None:
    train = datasets.load("synthetic", data_dir=NOWHERE).train
    for split in ("train", "validation"):
        found = http.post(f"{perceptron}/saliency", json={"split": split, "index": 1999}).json()["image"]
        assert found["pixels"] == train.images[1999].tolist()
        assert found["label"] == int(train.labels[1999])


def test_the_account_of_a_perceptron_holds_with_the_weights_that_are_downloaded(
    http: httpx.Client, perceptron: str, image: np.ndarray
) -> None:
    weights = load(http.get(f"{perceptron}/checkpoints/best/weights").content)
    found = http.post(f"{perceptron}/contributions", json=OWN, params={"digit": 7, "against": 2}).json()
    seen = (image / 255 - found["image"]["mean"]) / found["image"]["std"]
    gap_weights = weights["output.weight"][7].astype(float) - weights["output.weight"][2]
    assert np.array(found["map"]).ravel() == pytest.approx(gap_weights * seen.ravel(), abs=1e-5)
    assert found["bias"] == pytest.approx(float(weights["output.bias"][7]) - float(weights["output.bias"][2]))
    assert found["pixels"] + found["bias"] == found["gap"]
    logits = found["prediction"]["logits"]
    assert found["gap"] == pytest.approx(logits[7] - logits[2], abs=1e-5)
    shown = http.get(f"{perceptron}/filters").json()
    assert [tile["values"] for tile in shown["tiles"]] == weights["output.weight"].reshape(10, 16, 16).tolist()
    assert shown["bias"] == weights["output.bias"].tolist()


def test_a_convolutional_network_is_taken_apart(http: httpx.Client, train: Callable[..., str]) -> None:
    cnn = train(architecture={"name": "cnn", "channels": [4, 6], "hidden": [12]}, activation="relu")
    weights = load(http.get(f"{cnn}/checkpoints/best/weights").content)
    maps = http.post(f"{cnn}/activations", json=OWN, params={"format": "json"}).json()
    by_name = {layer["name"]: layer for layer in maps["layers"]}
    assert by_name["convolution2"]["shape"] == [6, 8, 8]
    assert by_name["activation1"]["zeros"] > 0
    at: dict[str, str | int] = {"layer": "convolution2", "map": 5, "row": 3, "column": 0}
    one = http.post(f"{cnn}/activations/position", json=OWN, params=at).json()
    assert one["kernel"] == weights["convolution2.weight"][5].tolist()
    assert one["bias"] == float(weights["convolution2.bias"][5])
    assert one["value"] == by_name["convolution2"]["maps"][5][3][0]
    assert one["then"] == {"activation2": by_name["activation2"]["maps"][5][3][0]}
    assert one["sum"] == pytest.approx(one["value"], abs=1e-5)
    assert one["corner"] == [2, -1]
    pooled = np.pad(np.array(by_name["pool1"]["maps"]), ((0, 0), (1, 1), (1, 1)))
    assert one["patch"] == pooled[:, 3:6, 0:3].tolist()
    tiles = http.get(f"{cnn}/filters", params={"layer": "convolution2", "channel": 3}).json()["tiles"]
    assert [tile["values"] for tile in tiles] == weights["convolution2.weight"][:, 3].tolist()
    refused = http.post(f"{cnn}/contributions", json=OWN)
    assert refused.status_code == 409
    assert "activation1 (ReLU) and pool1 (MaxPool2d)" in refused.json()["detail"]


def test_pictures_are_drawn_of_everything(http: httpx.Client, perceptron: str, train: Callable[..., str]) -> None:
    for path in PICTURES:
        assert picture(http.post(f"{perceptron}/{path}", json=OWN)).width > 200
    cnn = train(architecture={"name": "cnn", "channels": [4, 6], "hidden": [12]}, activation="identity")
    for url in (perceptron, cnn):
        for layer in http.get(f"{url}/filters").json()["layers"]:
            named = {"layer": layer["name"]}
            assert picture(http.get(f"{url}/filters.png", params=named)).height > 50
            assert picture(http.post(f"{url}/activations.png", json=OWN, params=named)).height > 50
    for pool in ("pool1", "flatten", "activation3"):
        assert picture(http.post(f"{cnn}/activations.png?layer={pool}", json=OWN)).height > 50


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("saliency", {"json": {}}, "#", "pixels, images, index"),
    ("saliency", {"json": {"pixels": [[0]], "index": 1}}, "#", "exactly one of"),
    ("saliency", {"json": {"split": "test", "pixels": [[0]]}}, "#", "split goes with index"),
    ("saliency", {"json": {"split": "best", "index": 1}}, "#/split", "train"),
    ("saliency", {"json": {"index": 500}}, "#/index", "between 0 and 499"),
    ("saliency", {"json": {"index": -1}}, "#/index", ""),
    ("activations", {"json": {"images": [{"pixels": [[0, 9]]}] * 2}}, "#", "exactly one image, not 2"),
    ("activations", {"files": [("image", png(np.eye(9, dtype=np.uint8)))] * 2}, "#", "exactly one image"),
    ("activations", {"content": b"", "headers": {"Content-Type": "image/png"}}, "#", "empty"),
    ("activations?layer=convolution1", {"json": OWN}, "#/query/layer", "allowed: "),
    ("activations?format=gif", {"json": OWN}, "#/query/format", "png"),
    ("activations/position?layer=flatten", {"json": OWN}, "#/query/layer", "allowed: output"),
    ("activations/position?row=1", {"json": OWN}, "#/query/row", "must be 0"),
    ("saliency?method=lime", {"json": OWN}, "#/query/method", "occlusion"),
    ("saliency?method=occlusion&window=17", {"json": OWN}, "#/query/window", "16"),
    ("saliency?digit=10", {"json": OWN}, "#/query/digit", "between 0 and 9"),
    ("saliency?stirde=2", {"json": OWN}, "#/query/stirde", "stride"),
    ("contributions?digit=1&against=1", {"json": OWN}, "#/query/against", "another"),
]


@pytest.mark.parametrize(("path", "body", "pointer", "said"), WRONG, ids=[f"{w[0]} {w[3]}" for w in WRONG])
def test_what_is_wrong_is_pointed_at(
    http: httpx.Client, perceptron: str, *, path: str, body: dict[str, Any], pointer: str, said: str
) -> None:
    answer = http.post(f"{perceptron}/{path}", **body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]


def test_other_bodies_are_refused_as_for_predictions(http: httpx.Client, perceptron: str) -> None:
    for body, status in (
        ({"content": b"hello", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"files": [("picture", b"x")]}, 422),
    ):
        answer = http.post(f"{perceptron}/saliency", **body)
        assert answer.status_code == status, answer.text


def test_a_run_without_weights_and_an_unknown_one_say_so(served: Served) -> None:
    waiting = served.submit()
    for run, status in ((waiting, 409), ("0" * 8 + waiting[8:], 404)):
        url = f"/v1/experiments/{run}"
        answers = [served.http.post(f"{url}/{path}", json=OWN) for path in (*ABOUT_AN_IMAGE, *PICTURES)]
        answers += [served.http.get(f"{url}/{path}") for path in ("filters", "filters.png")]
        assert {answer.status_code for answer in answers} == {status}
