"""A run leaves as one file, in any state, with what people have written about it."""

import io
import json
import zipfile
from typing import Any

from service.domain.experiment import State
from tests.api.conftest import Served

ANSWERED = {
    "experiment.json": "", "diagnostics.json": "/diagnostics", "evaluations.json": "/evaluations?limit=200",
    "history.json": "/history", "findings.json": "/findings", "notes.json": "/notes?limit=200",
}  # fmt: skip


def archive(served: Served, experiment_id: str) -> dict[str, str]:
    """Its files."""
    answer = served.http.get(f"/v1/experiments/{experiment_id}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{experiment_id}.zip"'
    assert served.http.get(f"/v1/experiments/{experiment_id}/export").content == answer.content
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.testzip() is None
        return {name: file.read(name).decode() for name in file.namelist()}


def test_it_holds_what_the_service_answers_of_the_run(served: Served) -> None:
    experiment_id = served.train(epochs=3)
    path = f"/v1/experiments/{experiment_id}"
    for text in ("Les deux pertes se séparent.", "Really?"):
        assert served.http.post(f"{path}/notes", json={"text": text}).status_code == 201
    assert served.http.post(f"{path}/evaluations", json={"dataset": "digits"}).status_code == 202
    files = archive(served, experiment_id)
    assert {*files} == {*ANSWERED, "metrics.csv"}
    found: dict[str, Any] = {name: json.loads(files[name]) for name in ANSWERED}
    assert found == {name: served.http.get(f"{path}{part}").json() for name, part in ANSWERED.items()}
    assert files["metrics.csv"] == served.http.get(f"{path}/metrics?format=csv").text
    assert [note["text"] for note in found["notes.json"]["items"]] == ["Les deux pertes se séparent.", "Really?"]
    assert found["experiment.json"]["environment"]["torch"]
    assert len(found["diagnostics.json"]["items"]) == len(files["metrics.csv"].splitlines()) - 1 == 3


def test_a_run_without_an_epoch_leaves_as_well(served: Served) -> None:
    waiting = served.submit()
    assert json.loads(archive(served, waiting)["experiment.json"])["state"] == "queued"
    served.finish(served.claim(), State.FAILED, error={"type": "MemoryError", "message": "no room"})
    files = archive(served, waiting)
    assert json.loads(files["experiment.json"])["error"]["message"] == "no room"
    assert len(files["metrics.csv"].splitlines()) == 1


def test_of_no_run_there_is_no_file(served: Served) -> None:
    answer = served.http.get("/v1/experiments/01997c5e-9f00-7a3b-8c4d-5e6f70819203/export")
    assert answer.status_code == 404
