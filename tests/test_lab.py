"""The lab's first questions, asked over HTTP of the real service on real MNIST and USPS, answered by its numbers."""

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from scipy import stats

pytestmark = pytest.mark.real_data

PATIENCE_SECONDS = 240.0
DATA_DIR = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
SENT = 100


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`ardoise serve` with its workers, on the real data sets."""
    if not (DATA_DIR / "MNIST" / "raw").is_dir() or not (DATA_DIR / "USPS").is_dir():
        pytest.skip("ARDOISE_DATA_DIR names no folder with MNIST and USPS")
    home = tmp_path_factory.mktemp("lab")
    environment = os.environ | {"ARDOISE_HOME": str(home), "ARDOISE_PORT": "0", "ARDOISE_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "service.cli", "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address is not None
        with httpx.Client(base_url=address.group(), timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


def submit(service: httpx.Client, **spec: Any) -> str:
    """The id of a new experiment."""
    answer = service.post("/v1/experiments", json=spec)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def completed(service: httpx.Client, experiment_id: str) -> dict[str, Any]:
    """The experiment at its end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found: dict[str, Any] = service.get(f"/v1/experiments/{experiment_id}").json()
        if found["state"] not in {"queued", "running"}:
            assert found["state"] == "completed", found["error"]
            return found
        after = {"after_epoch": found["progress"]["epoch"], "wait": 10}
        service.get(f"/v1/experiments/{experiment_id}/metrics", params=after)
    raise AssertionError(f"experiment {experiment_id} did not end in time")


@pytest.fixture(scope="module")
def mnist(service: httpx.Client) -> dict[str, Any]:
    """A dense network with ReLU after three epochs of MNIST, all else by default."""
    return completed(service, submit(service, dataset="mnist", architecture="mlp", activation="relu", epochs=3))


@pytest.fixture(scope="module")
def test_images() -> tuple[np.ndarray, np.ndarray]:
    """The first of MNIST's test split, `(n, 28, 28)` and their labels, read from the files' own format."""
    raw = DATA_DIR / "MNIST" / "raw"
    images = np.frombuffer((raw / "t10k-images-idx3-ubyte").read_bytes(), np.uint8, offset=16)
    labels = np.frombuffer((raw / "t10k-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
    return images.reshape(-1, 28, 28)[:SENT], labels[:SENT]


def test_three_epochs_of_a_dense_network_read_mnist(mnist: dict[str, Any]) -> None:
    assert mnist["test"]["accuracy"] >= 0.965
    assert mnist["parameters"] == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10


def test_hidden_layers_help_on_usps_only_with_a_nonlinearity_and_convolutions_help_most(service: httpx.Client) -> None:
    models = {
        "perceptron": {"architecture": "perceptron"},
        "linear": {"architecture": "mlp", "activation": "identity"},
        "tanh": {"architecture": "mlp", "activation": "tanh"},
        "relu": {"architecture": "mlp", "activation": "relu"},
        "cnn": {"architecture": "cnn", "activation": "relu"},
    }
    common = {"dataset": "usps", "epochs": 12, "optimizer": {"name": "sgd", "learning_rate": 0.02}}
    ids = {name: submit(service, **common, **model) for name, model in models.items()}
    accuracy = {name: completed(service, each)["test"]["accuracy"] for name, each in ids.items()}
    assert abs(accuracy["linear"] - accuracy["perceptron"]) < 0.015, accuracy
    assert accuracy["tanh"] > max(accuracy["linear"], accuracy["perceptron"]) + 0.01, accuracy
    assert accuracy["relu"] > max(accuracy["linear"], accuracy["perceptron"]) + 0.01, accuracy
    assert accuracy["cnn"] > max(accuracy["tanh"], accuracy["relu"]) + 0.005, accuracy


def test_the_lab_s_presets_learn_and_compare_as_they_say(service: httpx.Client) -> None:
    names = ("lab-perceptron", "lab-linear", "lab-sigmoid", "lab-tanh", "lab-relu", "lab-cnn")
    ids = {name: submit(service, preset=name, epochs=8) for name in names}
    accuracy = {name: completed(service, each)["test"]["accuracy"] for name, each in ids.items()}
    linear = max(accuracy["lab-perceptron"], accuracy["lab-linear"])
    assert min(accuracy.values()) > 0.89, accuracy
    assert linear + 0.01 < min(accuracy[name] for name in ("lab-sigmoid", "lab-tanh", "lab-relu")), accuracy
    assert accuracy["lab-cnn"] > max(accuracy[name] for name in names[:-1]) + 0.01, accuracy


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _photograph(image: np.ndarray) -> bytes:
    """Ten times as large, dark on light, off the middle of a larger sheet, as a JPEG."""
    large = Image.fromarray(255 - image).resize((280, 280), Image.Resampling.BICUBIC)
    sheet = Image.new("L", (420, 380), 255)
    sheet.paste(large, (90, 40))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=75)
    return buffer.getvalue()


def test_test_images_are_read_as_files_as_json_and_as_large_dark_on_light_photographs(
    service: httpx.Client, mnist: dict[str, Any], test_images: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = test_images
    predict = mnist["links"]["predictions"]
    as_files = [
        service.post(predict, content=_png(image), headers={"Content-Type": "image/png"}).json()["predictions"][0]
        for image in images
    ]
    as_json = service.post(predict, json={"images": [{"pixels": image.tolist()} for image in images]}).json()
    parts = [("image", (f"{index}.jpg", _photograph(image), "image/jpeg")) for index, image in enumerate(images)]
    as_photographs = service.post(predict, files=parts).json()
    hits = {
        "png": _hits(as_files, labels),
        "json": _hits(as_json["predictions"], labels),
        "jpeg": _hits(as_photographs["predictions"], labels),
    }
    assert hits["png"] == hits["json"]
    assert min(hits.values()) >= SENT - 4, hits
    assert all(each["preprocessing"]["inverted"] for each in as_photographs["predictions"])


def _hits(predictions: list[dict[str, Any]], labels: np.ndarray) -> int:
    return sum(each["digit"] == label for each, label in zip(predictions, labels, strict=True))


def test_a_usps_test_image_is_predicted_as_the_test_split_was(service: httpx.Client) -> None:
    """All 2,007 of them, as JSON: nearly all are recognised as framed already, and are not touched."""
    from service import datasets

    done = completed(service, submit(service, dataset="usps", architecture="perceptron", epochs=2))
    test = datasets.load("usps", data_dir=DATA_DIR).test
    answers: list[dict[str, Any]] = []
    for start in range(0, len(test), 500):
        part = [{"pixels": image.tolist()} for image in test.images[start : start + 500]]
        answers += service.post(done["links"]["predictions"], json={"images": part}).json()["predictions"]
    untouched = sum(each["preprocessing"]["cropped"] is None for each in answers)
    assert untouched >= 0.95 * len(test)
    assert abs(_hits(answers, test.labels.numpy()) / len(test) - done["test"]["accuracy"]) < 0.01


@pytest.fixture(scope="module")
def example(service: httpx.Client) -> dict[str, Any]:
    """The network of PyTorch's example after one epoch of a part of MNIST: the heaviest to look into."""
    dataset = {"name": "mnist", "train_size": 2_000}
    return completed(service, submit(service, dataset=dataset, architecture="mnist_example", epochs=1))


INSIDE = (
    "activations", "activations?format=json", "activations.png?layer=convolution2",
    "activations/position?layer=convolution2&map=5&row=7&column=9", "saliency?target=gap", "saliency.png",
    "saliency?method=occlusion", "saliency.png?method=occlusion&target=probability",
)  # fmt: skip


@pytest.mark.parametrize("path", INSIDE)
def test_one_can_look_inside_the_example(service: httpx.Client, example: dict[str, Any], path: str) -> None:
    answer = service.post(f"{example['links']['self']}/{path}", json={"split": "test", "index": 17})
    assert answer.status_code == 200, answer.text


def test_a_number_of_the_example_s_second_convolution_is_its_patch_times_its_kernel(
    service: httpx.Client, example: dict[str, Any]
) -> None:
    place: dict[str, str | int] = {"layer": "convolution2", "map": 5, "row": 7, "column": 9}
    where = f"{example['links']['self']}/activations/position"
    found = service.post(where, json={"index": 17}, params=place).json()
    products = np.array(found["patch"]) * np.array(found["kernel"])
    assert products.shape == (32, 3, 3)
    assert products.sum() + found["bias"] == pytest.approx(found["value"], abs=1e-4)
    assert found["then"]["activation2"] == max(found["value"], 0)


def _evaluated(service: httpx.Client, experiment_id: str, **request: str) -> dict[str, Any]:
    accepted = service.post(f"/v1/experiments/{experiment_id}/evaluations", json=request)
    assert accepted.status_code == 202, accepted.text
    url, deadline = accepted.json()["links"]["self"], time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found: dict[str, Any] = service.get(url, params={"wait": 20}).json()
        if found["state"] not in {"queued", "running"}:
            assert found["state"] == "completed", found["error"]
            return found
    raise AssertionError("the evaluation did not end in time")


def test_mnist_to_usps_and_back_in_one_table(service: httpx.Client, mnist: dict[str, Any]) -> None:
    usps = completed(service, submit(service, dataset="usps", architecture="mlp", epochs=12))
    framed = {
        "usps": _evaluated(service, mnist["id"], dataset="usps"),
        "mnist": _evaluated(service, usps["id"], dataset="mnist"),
    }
    resized = {
        "usps": _evaluated(service, mnist["id"], dataset="usps", framing="none"),
        "mnist": _evaluated(service, usps["id"], dataset="mnist", framing="none"),
    }
    table = service.get("/v1/evaluations", params={"ids": f"{mnist['id']},{usps['id']}"}).json()
    assert table["datasets"] == ["mnist", "usps"]
    assert [[cell["accuracy"] for cell in row["cells"]] for row in table["rows"]] == [
        [mnist["test"]["accuracy"], framed["usps"]["accuracy"]],
        [framed["mnist"]["accuracy"], usps["test"]["accuracy"]],
    ]
    assert framed["usps"]["accuracy"] > 0.9
    assert framed["mnist"]["accuracy"] > 0.7
    assert all(framed[name]["accuracy"] > resized[name]["accuracy"] + 0.2 for name in framed)
    assert [sum(map(sum, framed[name]["confusion"])) for name in ("usps", "mnist")] == [2_007, 10_000]


def test_images_of_usps_are_evaluated_as_they_are_predicted_one_by_one(
    service: httpx.Client, mnist: dict[str, Any]
) -> None:
    from service import datasets

    found = _evaluated(service, mnist["id"], dataset="usps")
    test = datasets.load("usps", data_dir=DATA_DIR).test
    hits = 0
    for start in range(0, len(test), 500):
        part = [{"pixels": image.tolist()} for image in test.images[start : start + 500]]
        answer = service.post(mnist["links"]["predictions"], json={"images": part}).json()["predictions"]
        hits += _hits(answer, test.labels.numpy()[start : start + 500])
    assert abs(hits / len(test) - found["accuracy"]) < 0.002


@pytest.fixture(scope="module")
def five_seeds(service: httpx.Client) -> dict[str, Any]:
    """The lab sheet's own perceptrons, linear stacks and networks with ReLU on USPS, all ended."""
    answer = service.post("/v1/labs/tp/runs", json={"runs": ["perceptron", "linear", "relu"]})
    assert answer.status_code == 202, answer.text
    accepted: dict[str, Any] = answer.json()
    for ids in accepted["runs"].values():
        for each in ids:
            completed(service, each)
    return accepted


def test_over_five_seeds_a_linear_stack_is_not_told_from_a_perceptron_and_relu_is_better(
    service: httpx.Client, five_seeds: dict[str, Any]
) -> None:
    found = service.get("/v1/comparisons", params={"sweep_id": five_seeds["sweep_id"], "series": False}).json()
    assert found["remarks"] == []
    names = [*five_seeds["runs"]]
    assert [group["experiment_ids"] for group in found["groups"]] == [*five_seeds["runs"].values()]
    by_pair = {(names[each["a"]], names[each["b"]]): each for each in found["verdicts"]["groups"]}
    linear, relu = by_pair["perceptron", "linear"], by_pair["linear", "relu"]
    assert linear["better"] is None
    assert "are not distinguishable" in linear["text"]["en"]
    assert "ne se distinguent pas" in linear["text"]["fr"]
    assert (names[relu["better"]], relu["adjusted_p_value"] < 0.01) == ("relu", True)
    assert " is better than " in relu["text"]["en"]
    accuracy = {row["id"]: row["test"]["accuracy"] for row in found["rows"]}
    stacks, rectified = ([accuracy[each] for each in five_seeds["runs"][name]] for name in ("linear", "relu"))
    assert relu["over_seeds"]["p_value"] == pytest.approx(stats.ttest_rel(stacks, rectified).pvalue)
    assert len(found["verdicts"]["runs"]) == 15 * 14 / 2


def test_the_lab_s_report_says_by_itself_what_hidden_layers_add(
    service: httpx.Client, five_seeds: dict[str, Any]
) -> None:
    asked = {"sweep_id": five_seeds["sweep_id"]}
    english = service.get("/v1/labs/tp/report", params=asked).text
    french = service.get("/v1/labs/tp/report", params={**asked, "lang": "fr"}).text
    assert re.search("“(perceptron|linear stack)” is not distinguishable from “(perceptron|linear stack)”", english)
    assert re.search(r"“ReLU” is better than “linear stack” \(p\u00a0&lt;\u00a00.0+1\)", english)
    assert re.search("« (perceptron|pile linéaire) » ne se distingue pas de", french.replace("\u00a0", " "))
    assert "2,570 are effective" in english
