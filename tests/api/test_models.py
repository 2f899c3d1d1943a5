"""What hidden layers add, asked over HTTP of runs that real workers have trained."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service import checkpoints, evidence, linearity
from service.inference.models import Models
from service.linearity import Linearities
from service.report import networks
from service.storage import checkpoints as checkpoint_rows
from service.storage import experiments
from tests.api.conftest import NOON, serving, settings_for
from tests.workers.conftest import Bench, bench

__all__ = ["bench"]

DATA_DIR = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
IDENTITY = {"dataset": "digits", "architecture": {"name": "mlp", "hidden": [32, 16]}, "activation": "identity"}
QUICK = {"dataset": {"name": "synthetic", "train_size": 200}, "epochs": 2}


@contextmanager
def service(bench: Bench) -> Iterator[httpx.Client]:
    """A client of a server on the bench's database and files."""
    with serving(settings_for(bench.home)) as served:
        yield served.http


def model(http: httpx.Client, experiment_id: str) -> dict[str, Any]:
    """The answer, which is the same when it is asked for again."""
    path = f"/v1/experiments/{experiment_id}/model"
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert http.get(path).json() == found
    return found


def test_a_stack_of_linear_layers_collapses_to_one_and_others_do_not(bench: Bench) -> None:
    linear = bench.submit(**IDENTITY, epochs=8)
    average = {"name": "cnn", "channels": [4], "hidden": [6], "pool": "average", "batch_norm": True, "dropout": 0.1}
    convolutional = bench.submit(**QUICK, architecture=average, activation="identity")
    perceptron = bench.submit(**QUICK, architecture="perceptron", activation="relu")
    curved = bench.submit(**IDENTITY | {"activation": "tanh"}, epochs=8)
    pooled = bench.submit(**QUICK, architecture={"name": "cnn", "channels": [4]}, activation="identity")
    bench.drain()
    with service(bench) as http:
        for experiment_id, layers, rank in ((linear, 3, 10), (convolutional, 3, 6), (perceptron, 1, 10)):
            found = model(http, experiment_id)
            collapse = found["linear_collapse"]
            assert (found["linear_fit"], found["reason"]) == (None, None)
            assert (collapse["layers"], collapse["rank"]) == (layers, rank)
            assert collapse["declared_parameters"] == found["parameters"]
            assert collapse["is_rounding"]
            assert 0 < collapse["relative_difference"] < 1e-5
            assert collapse["same_predictions"] == collapse["images"]
        for experiment_id in (curved, pooled):
            found = model(http, experiment_id)
            fit = found["linear_fit"]
            assert (found["linear_collapse"], found["reason"]) == (None, None)
            assert 0 < fit["r2"] < 1
            test = http.get(f"/v1/experiments/{experiment_id}").json()["test"]
            assert fit["network_accuracy"] == test["accuracy"]
            assert fit["accuracy_lost"] == fit["network_accuracy"] - fit["accuracy"]
        collapse = model(http, linear)["linear_collapse"]
        assert (collapse["declared_parameters"], collapse["effective_parameters"]) == (65 * 32 + 33 * 16 + 17 * 10, 650)


def test_the_map_is_that_of_the_best_weights_as_they_are_stored(bench: Bench) -> None:
    """The product of the stored matrices, reckoned here, predicts what the service says of the stored logits."""
    run = bench.submit(**IDENTITY, epochs=6)
    bench.drain()
    with bench.database.reading() as session:
        best = checkpoint_rows.named(session, run, "best")
    network, manifest = checkpoints.load_network(bench.artifacts, best)
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    matrix, bias = np.eye(64), np.zeros(64)
    for layer in ("hidden1", "hidden2", "output"):
        matrix, bias = weights[f"{layer}.weight"] @ matrix, weights[f"{layer}.weight"] @ bias + weights[f"{layer}.bias"]
    found = evidence.read(bench.database, bench.artifacts, run)
    images = evidence.images(settings_for(bench.home), found.experiment.spec.dataset, "test", found.of("test").indices)
    mapped = (images.reshape(-1, 64) / 255 - manifest.mean) / manifest.std @ matrix.T + bias
    with service(bench) as http:
        collapse = model(http, run)["linear_collapse"]
    logits = found.of("test").logits
    assert collapse["largest_difference"] == pytest.approx(np.abs(mapped - logits).max(), abs=1e-5)
    assert collapse["largest_logit"] == pytest.approx(np.abs(logits).max())
    assert collapse["singular_values"] == pytest.approx(np.linalg.svd(matrix, compute_uv=False))


def test_a_run_that_is_continued_is_judged_by_its_new_weights(bench: Bench) -> None:
    run = bench.submit(**IDENTITY, epochs=1)
    bench.drain()
    with service(bench) as http:
        before = model(http, run)["linear_collapse"]
        with bench.database.writing() as session:
            experiments.continue_for(session, run, epochs=3, limit=10, now=NOON)
        assert "is queued" in model(http, run)["reason"]
        bench.drain()
        after = model(http, run)["linear_collapse"]
    assert after["singular_values"] != before["singular_values"]
    assert after["is_rounding"]


def test_what_fits_need_of_the_images_can_be_made_before_anybody_asks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(bench.home)
    run = bench.submit(**QUICK, architecture="mlp")
    nothing = bench.submit(**QUICK | {"dataset": "digits"}, architecture="mlp")
    bench.drain()
    (outputs,) = (bench.artifacts / nothing).glob("*/outputs.safetensors")
    outputs.write_bytes(b"nothing")
    ready, other = (Linearities(bench.database, settings, Models(bench.artifacts)) for _ in range(2))
    ledger = networks.ledger(bench.get(run).spec)
    expected = other.of(run, ledger)
    ready.prepare()
    monkeypatch.delattr(linearity, "design")
    assert ready.of(run, ledger) == expected
    assert expected.linear_fit is not None


def test_where_there_is_nothing_to_judge_the_ledger_is_answered_all_the_same(bench: Bench) -> None:
    diverged = bench.submit(**QUICK | {"optimizer": {"name": "sgd", "learning_rate": 1000.0}, "epochs": 5})
    last = bench.submit(
        **IDENTITY, epochs=30, checkpoints={"keep": "last"}, optimizer={"name": "sgd", "learning_rate": 0.2}, seed=1
    )
    large = bench.submit(
        dataset={"name": "synthetic", "train_size": 100, "image_size": 40}, architecture="mlp", epochs=1
    )
    bench.drain()
    cancelled = bench.submit(**QUICK)
    damaged = bench.submit(**QUICK)
    with bench.database.writing() as session:
        experiments.cancel(session, cancelled, now=experiments.get(session, cancelled).created_at)
    bench.drain()
    (outputs,) = (bench.artifacts / damaged).glob("*/outputs.safetensors")
    outputs.write_bytes(b"nothing")
    best, end = bench.get(last).best, bench.get(last).progress.epoch
    assert best is not None
    assert best.epoch < end, "the last epoch was the best: choose another seed"
    expected = {
        diverged: "diverged",
        last: "only the last were to be kept",
        large: "images of 1,600 pixels",
        cancelled: "is cancelled",
        damaged: "is damaged",
    }
    with service(bench) as http:
        for experiment_id, why in expected.items():
            found = model(http, experiment_id)
            assert why in found["reason"]
            assert (found["linear_collapse"], found["linear_fit"]) == (None, None)
            assert found["ledger"]["function"]["text"].startswith("softmax(")


def test_an_epoch_is_estimated_from_the_same_network_and_else_from_its_like(bench: Bench) -> None:
    mine = bench.submit(**QUICK, architecture="perceptron", name="first")
    bench.drain()
    (first, second) = bench.epochs(mine)
    assert (bench.get(mine).worker or "").startswith(f"{socket.gethostname()}:")
    with service(bench) as http:

        def estimate(**spec: Any) -> dict[str, Any] | None:
            body = {"dataset": QUICK["dataset"], "architecture": "perceptron", **spec}
            found: dict[str, Any] | None = http.post("/v1/specs/preview", json=body).json()["epoch_estimate"]
            return found

        same = estimate(epochs=9, seed=4)
        assert same is not None
        assert (same["seconds"], same["from_runs"]) == ((first.epoch_seconds + second.epoch_seconds) / 2, 1)
        assert "same network" in same["basis"]
        half = estimate(dataset={"name": "synthetic", "train_size": 100})
        assert half is not None
        assert half["seconds"] == pytest.approx(same["seconds"] / 2)
        assert "perceptron networks" in half["basis"]
        alike = estimate(architecture={"name": "mlp", "hidden": [8]})
        assert alike is not None
        assert "networks without convolutions" in alike["basis"]
        assert estimate(architecture="lenet5") is None
        assert estimate(precision="bf16", dataset={"name": "synthetic", "train_size": 100}) is None


@pytest.mark.real_data
def test_mnist_784_128_10_with_identity_has_the_freedom_of_a_perceptron(bench: Bench) -> None:
    if not (DATA_DIR / "MNIST" / "raw").is_dir():
        pytest.skip("ARDOISE_DATA_DIR names no folder with MNIST")
    mnist = {"dataset": {"name": "mnist", "train_size": 3000}, "epochs": 2}
    linear = bench.submit(**mnist, architecture={"name": "mlp", "hidden": [128]}, activation="identity")
    curved = bench.submit(**mnist, architecture={"name": "mlp", "hidden": [256, 256]}, activation="relu")
    bench.drain(ARDOISE_DATA_DIR=str(DATA_DIR))
    settings = settings_for(bench.home).model_copy(update={"data_dir": DATA_DIR})
    with serving(settings) as served:
        found = model(served.http, linear)
        collapse = found["linear_collapse"]
        assert (collapse["declared_parameters"], collapse["effective_parameters"]) == (101_770, 7_850)
        assert (collapse["rank"], collapse["images"], collapse["is_rounding"]) == (10, 10_000, True)
        fit = model(served.http, curved)["linear_fit"]
    assert 0.5 < fit["r2"] < 0.98
    assert fit["accuracy_lost"] > 0.02
