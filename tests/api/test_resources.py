"""The smaller resources, each with its good answer: curves, checkpoints, catalogue, queue, workers, health."""

import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
import torch
from safetensors.torch import load

from service import checkpoints, ids, readiness
from service.domain.checkpoint import WEIGHTS, Checkpoint
from service.domain.curves import LearningCurves
from service.domain.dataset import Framing
from service.domain.manifest import Manifest
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.errors import NotReadyError
from service.settings import Settings
from service.storage import checkpoints as checkpoint_rows
from service.storage import workers
from tests.api.conftest import LEASE_SECONDS, NOON, Served, row_of

KINDS = ("datasets", "augmentations", "architectures", "activations", "optimizers", "schedules")


def publish(served: Served, run: Run, epoch: int, weight: float) -> Checkpoint:
    """A checkpoint as a worker publishes it; its one weight is given."""
    manifest = Manifest(
        experiment_id=run.experiment_id,
        spec_hash=run.spec.spec_hash,
        epoch=epoch,
        architecture=run.spec.architecture,
        activation=run.spec.activation,
        image_size=16,
        labels=tuple("0123456789"),
        mean=0.1,
        std=0.3,
        framing=Framing(box=16, centre="box"),
        native_size=16,
    )
    checkpoint = checkpoints.write(
        served.settings.artifacts_dir,
        checkpoint_id=ids.new(),
        attempt=run.attempt,
        manifest=manifest,
        weights={"w": torch.tensor([weight])},
        state=None,
        now=NOON,
    )
    with served.database.writing() as session:
        checkpoint_rows.publish(session, checkpoint)
    return checkpoint


def test_curves_are_the_epochs_as_series(served: Served) -> None:
    experiment_id = served.completed(epochs=3)
    rows = [row_of(epoch) for epoch in (1, 2, 3)]
    curves = LearningCurves.model_validate(served.http.get(f"/v1/experiments/{experiment_id}/learning-curves").json())
    assert curves.epochs == (1, 2, 3)
    assert curves.series.train_loss == tuple(row.train_loss for row in rows)
    assert curves.series.val_accuracy == tuple(row.val_accuracy for row in rows)
    assert curves.best_epoch == 3


def test_curves_are_a_table_and_two_kinds_of_picture(served: Served) -> None:
    path = f"/v1/experiments/{served.completed(epochs=2, name='$x_<1>&')}/learning-curves"
    table = served.http.get(f"{path}.csv")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert table.text.splitlines()[0] == "epoch,train_loss,train_accuracy,val_loss,val_accuracy"
    assert table.text.splitlines()[2] == f"2,,0.75,2.1,{1 / 3}"
    picture = served.http.get(f"{path}.png")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    drawing = served.http.get(f"{path}.svg")
    assert drawing.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(drawing.text).tag.endswith("svg")  # noqa: S314  # our own drawing


def test_checkpoints_are_listed_and_their_weights_are_the_bytes_that_were_written(served: Served) -> None:
    experiment_id = served.submit()
    path = f"/v1/experiments/{experiment_id}/checkpoints"
    run = served.claim()
    served.record(run, 1, 2, best_epoch=1)
    assert served.http.get(path).json() == {"items": []}
    assert served.http.get(f"{path}/best/weights").status_code == 409
    first, second = publish(served, run, 1, 0.5), publish(served, run, 2, 0.25)
    served.finish(run)
    listed = served.http.get(path).json()["items"]
    assert [(item["name"], item["epoch"]) for item in listed] == [("best", 1), ("last", 2), ("2", 2), ("1", 1)]
    for name, checkpoint, weight in (("best", first, 0.5), ("last", second, 0.25), ("1", first, 0.5)):
        answer = served.http.get(f"{path}/{name}/weights")
        assert answer.headers["ETag"] == f'"{checkpoint.weights.sha256}"'
        assert f"epoch-{checkpoint.epoch}.safetensors" in answer.headers["Content-Disposition"]
        assert load(answer.content)["w"].item() == weight
    assert served.http.get(f"{path}/3/weights").status_code == 404


def test_damaged_weights_are_told_and_not_sent(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    served.record(run, 1)
    file = served.settings.artifacts_dir / publish(served, run, 1, 0.5).folder / WEIGHTS
    served.finish(run)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    answer = served.http.get(f"/v1/experiments/{experiment_id}/checkpoints/best/weights")
    assert (answer.status_code, "damaged" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_catalogue_names_describes_and_gives_the_schema_of_every_item(http: httpx.Client, kind: str) -> None:
    items = http.get(f"/v1/{kind}").json()["items"]
    assert len(items) >= 4
    for item in items:
        assert item["description"]
        assert item["options"]["type"] == "object"
        assert "name" not in item["options"]["properties"]
        assert http.get(f"/v1/{kind}/{item['name']}").json() == item


def test_everything_in_the_catalogue_makes_a_valid_spec(http: httpx.Client) -> None:
    spec: dict[str, Any] = {"dataset": "digits", "architecture": "mlp"}
    for kind in KINDS:
        for item in http.get(f"/v1/{kind}").json()["items"]:
            named = {kind.removesuffix("s"): item["name"]}
            in_data_set = {"dataset": {"name": "digits", **named}}
            ExperimentSpec.model_validate(spec | (in_data_set if kind == "augmentations" else named))


def test_a_data_set_comes_with_its_facts(http: httpx.Client) -> None:
    facts = http.get("/v1/datasets/digits").json()["facts"]
    assert (facts["image_size"], facts["train_images"], facts["bundled"]) == (8, 1442, True)


def test_the_queue_says_what_waits_in_its_order_and_what_runs(served: Served) -> None:
    running = served.submit()
    served.claim()
    later, urgent = served.submit(), served.submit(priority=5)
    assert served.http.get("/v1/queue").json() == {
        "queued": 2, "running": 1, "evaluations": 0, "waiting": [urgent, later], "active": [running],
        "held_up": None,
    }  # fmt: skip


def test_workers_are_listed_while_they_live(served: Served) -> None:
    assert served.http.get("/v1/workers").json() == {"items": []}
    with served.database.writing() as session:
        workers.register(session, "host:1", lease_seconds=LEASE_SECONDS, now=NOON, facts={"threads": float("inf")})
    (worker,) = served.http.get("/v1/workers").json()["items"]
    assert (worker["id"], worker["alive"], worker["facts"]) == ("host:1", True, {"threads": None})


def test_the_service_is_ready_once_a_worker_lives(served: Served) -> None:
    assert served.http.get("/livez").json() == {"status": "ok"}
    lacking = served.http.get("/readyz")
    assert (lacking.status_code, lacking.json()["reasons"]) == (503, ["no worker is alive"])
    with served.database.writing() as session:
        workers.register(session, "host:1", lease_seconds=LEASE_SECONDS, now=NOON, facts={})
    assert served.http.get("/readyz").json() == {"status": "ok"}


def test_what_is_missing_is_all_told_at_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # the tests may run as root, who may write anywhere
    with served.database.writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE workers RENAME TO elsewhere")
    try:
        reasons = served.http.get("/readyz").json()["reasons"]
    finally:
        with served.database.writing() as session:
            session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO workers")
    assert reasons == ["the database cannot be read (OperationalError)", "the artifacts folder cannot be written"]


def test_an_artifacts_folder_that_is_a_file_is_missed(served: Served, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotReadyError, match="artifacts"):
        readiness.require(served.database, Settings(home=tmp_path, artifacts=tmp_path / "file"))


def test_a_diverged_run_is_answered_in_json_without_a_nan(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    served.record(run, 2)
    served.finish(run, diverged=True, environment={"loss": float("nan"), "list": [float("inf")]})
    answer = served.http.get(f"/v1/experiments/{experiment_id}")
    assert (answer.json()["diverged"], answer.json()["environment"]) == (True, {"loss": None, "list": [None]})
    assert "NaN" not in answer.text
