"""Lab sheets over HTTP: listed, submitted as one, checked, reported on whatever has become of their runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.domain.experiment import State
from tests.api.conftest import Served, serving, settings_for
from tests.pages import Page, small_sheet, written

RUNS = "/v1/labs/small/runs"
ALL = {"one": 3, "three": 3, "cnn": 3, "sizes": 3}


@pytest.fixture(scope="module")
def _with_labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("labs")
    (folder / "small.yaml").write_text(written(small_sheet()))
    (folder / "broken.yaml").write_text("title: 3")
    settings = settings_for(tmp_path_factory.mktemp("home")).model_copy(update={"labs_dir": folder})
    with serving(settings) as served:
        served.http.get("/v1/labs", timeout=60)  # what a service loads at its start takes long on a busy machine
        yield served


@pytest.fixture
def lab(_with_labs: Served) -> Iterator[Served]:
    """A service with a small sheet and one that is none."""
    yield _with_labs
    _with_labs.clear()


def accepted(lab: Served, **body: Any) -> dict[str, Any]:
    answer = lab.http.post(RUNS, json=body)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def report(lab: Served, **query: str) -> Page:
    answer = lab.http.get("/v1/labs/small/report", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return Page(answer.text)


def test_the_sheets_are_listed_and_one_that_is_none_says_why(lab: Served) -> None:
    items = {item["name"]: item for item in lab.http.get("/v1/labs").json()["items"]}
    assert set(items) == {"broken", "small", "tp"}
    assert items["small"]["problem"] is None
    assert items["small"]["runs"] == 4
    assert "title: must be an object" in items["broken"]["problem"]
    assert lab.http.get("/v1/labs/broken").status_code == 409
    assert lab.http.get("/v1/labs/nothing").status_code == 404
    whole = lab.http.get("/v1/labs/small").json()
    assert whole["name"] == "small"
    assert set(whole["runs"]) == set(ALL)


def test_all_runs_are_submitted_as_one_sweep_with_tags(lab: Served) -> None:
    answer = lab.http.post(RUNS, headers={"X-Ardoise-Owner": "ada"})
    assert answer.status_code == 202
    found = answer.json()
    assert {name: len(ids) for name, ids in found["runs"].items()} == ALL
    assert found["evaluate_on"] == {"one": ["synthetic"]}
    for ids in found["runs"].values():
        for each in ids:
            wanted = [("synthetic", "queued", None)] if each in found["runs"]["one"] else []
            items = lab.http.get(f"/v1/experiments/{each}/evaluations").json()["items"]
            assert [(item["dataset"], item["state"], item["checkpoint"]["epoch"]) for item in items] == wanted
    assert answer.headers["Location"] == f"/v1/sweeps/{found['sweep_id']}"
    sweep = lab.http.get(answer.headers["Location"]).json()
    assert sweep["count"] == found["count"] == 12
    assert {item["owner"] for item in sweep["items"]} == {"ada"}
    for name, ids in found["runs"].items():
        listed = lab.http.get("/v1/experiments", params={"tag": f"lab:small:{name}", "sort": "created_at"}).json()
        assert {item["id"] for item in listed["items"]} == {*ids}
    assert lab.http.get("/v1/experiments", params={"tag": "lab:small"}).json()["total"] == 12
    cancelled = lab.http.post(f"{answer.headers['Location']}/cancel").json()
    assert cancelled["states"]["cancelled"] == 12


def test_some_runs_and_the_offline_variant_can_be_asked_for(lab: Served) -> None:
    found = accepted(lab, offline=True, runs=["three", "one"])
    assert [*found["runs"]] == ["three", "one"]
    one = lab.http.get(f"/v1/experiments/{found['runs']['one'][0]}").json()
    assert one["spec"]["dataset"]["train_size"] == 200
    wrong = lab.http.post(RUNS, json={"runs": ["one", "two"]})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "#/runs/1"
    assert lab.http.post(RUNS, json={"ofline": True}).status_code == 422
    assert lab.http.post("/v1/labs/nothing/runs").status_code == 404
    assert lab.http.post("/v1/labs/broken/runs").status_code == 409
    assert lab.http.get("/v1/experiments").json()["total"] == 6


def test_a_repeat_with_the_same_key_is_the_same_sweep(lab: Served) -> None:
    key = {"Idempotency-Key": "k"}
    first, second = (lab.http.post(RUNS, json={"runs": ["one"]}, headers=key) for _ in range(2))
    assert second.json() == first.json()
    assert lab.http.get("/v1/experiments").json()["total"] == 3
    assert lab.http.get("/v1/queue").json()["evaluations"] == 3
    assert lab.http.post(RUNS, json={"runs": ["cnn"]}, headers=key).status_code == 409
    other = {"Idempotency-Key": "j"}
    assert lab.http.post(RUNS, headers=other).status_code == 202
    assert lab.http.post("/v1/labs/tp/runs", headers=other).status_code == 409


def test_the_constraints_are_checked_one_by_one(lab: Served) -> None:
    done = lab.completed(dataset="digits", architecture="perceptron")
    waiting = lab.submit(dataset="digits", architecture={"name": "mlp", "hidden": [64]})
    found = lab.http.get("/v1/labs/small/check", params={"ids": f"{done},{waiting}"}).json()
    assert found["lab"] == "small"
    assert found["met_by"] == [done]
    first, second = found["items"]
    assert (first["experiment_id"], first["met"]) == (done, True)
    assert [(each["id"], each["met"], each["value"], each["limit"]) for each in first["constraints"]] == [
        ("small", True, 650, 700), ("good", True, 0.9, 0.5), ("kind", True, "perceptron", ["perceptron"]),
    ]  # fmt: skip
    assert second["met"] is False
    assert [each["met"] for each in second["constraints"]] == [False, None, False]
    assert "Non respecté" in second["constraints"][0]["text"]["fr"]
    assert lab.http.get("/v1/labs/small/check").status_code == 422
    assert lab.http.get("/v1/labs/nothing/check", params={"ids": done}).status_code == 404


@pytest.mark.parametrize("language", ["en", "fr"])
def test_runs_that_are_not_finished_are_shown_as_such(lab: Served, language: str) -> None:
    found = accepted(lab, runs=["one", "three"])
    failing, running, *_ = [lab.claim() for _ in range(3)]
    lab.record(failing, 1)
    lab.finish(failing, State.FAILED, error={"type": "MemoryError", "message": "too <large>"})
    lab.record(running, 1)
    lab.http.post(f"/v1/experiments/{found['runs']['three'][2]}/cancel")
    page = report(lab, sweep_id=found["sweep_id"], lang=language)
    words = {
        "en": ("failed", "running", "waiting", "cancelled"),
        "fr": ("en échec", "en cours", "en attente", "annulé"),
    }
    for word in words[language]:
        assert word in page.text
    assert "too <large>" in page.text
    assert {"everything", "another"} <= {*page.ids}


@pytest.mark.parametrize("facts", [{}, {"diverged": True}, {"test_loss": None, "test_accuracy": None}])
def test_completed_runs_without_outputs_are_no_error(lab: Served, facts: dict[str, Any]) -> None:
    """As of an older version, or diverged before there was an epoch."""
    found = accepted(lab, runs=["one", "three"])
    for _ in range(6):
        run = lab.claim()
        if not facts.get("diverged"):
            lab.record(run, 1, 2)
        lab.finish(run, State.COMPLETED, **facts)
    page = report(lab, sweep_id=found["sweep_id"], lang="fr")
    assert "Indisponible" in page.text or "a divergé" in page.text


def test_experiments_of_one_s_own_come_last(lab: Served) -> None:
    own = lab.completed(dataset="digits", architecture="perceptron", name="mine & yours")
    for text in ("It overfits.", "No <b>more</b>."):
        lab.http.post(f"/v1/experiments/{own}/notes", json={"text": text})
    page = report(lab, ids=own)
    assert page.ids[-1] == "own"
    assert page.text.index("mine & yours: It overfits.") < page.text.index("mine & yours: No <b>more</b>.")
    assert "/v1/labs/small/check?ids=$IDS" in page.code


def test_what_cannot_be_reported_on_is_told(http: httpx.Client) -> None:
    nobody = "01997c5e-9f00-7a3b-8c4d-5e6f70819203"
    assert http.get("/v1/labs/tp/report").status_code == 422
    assert http.get("/v1/labs/tp/report", params={"ids": nobody}).status_code == 404
    assert http.get("/v1/labs/tp/report", params={"sweep_id": nobody}).status_code == 404
    assert http.get("/v1/labs/tp/report", params={"ids": nobody, "lang": "de"}).status_code == 422
