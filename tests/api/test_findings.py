"""Comments on curves over HTTP: of runs in every state, and as quickly as anything else."""

import json

import pytest

from service.domain.curves import FindingList, LearningCurves
from service.domain.experiment import State
from service.storage import metrics
from tests.analysis.findings.conftest import overfitting, row
from tests.api.conftest import Served


def test_an_overfitting_run_is_commented_on_in_both_places_alike(served: Served) -> None:
    experiment_id = served.submit(epochs=25, architecture="mlp")
    run = served.claim()
    with served.database.writing() as session:
        metrics.record(session, experiment_id, overfitting(25).rows(0))
    served.finish(run)
    answer = served.http.get(f"/v1/experiments/{experiment_id}/findings")
    found = FindingList.model_validate(answer.json())
    assert (found.experiment_id, found.state) == (experiment_id, State.COMPLETED)
    assert [(each.kind, each.severity, each.epochs[1]) for each in found.items] == [("overfitting", "warning", 25)]
    assert set(answer.json()["items"][0]) == {"kind", "severity", "epochs", "evidence", "text"}
    curves = LearningCurves.model_validate(served.http.get(f"/v1/experiments/{experiment_id}/learning-curves").json())
    assert curves.findings == found.items
    first, last = found.items[0].epochs
    picture = served.http.get(f"/v1/experiments/{experiment_id}/learning-curves.svg").text
    assert f"overfitting, epochs {first} to {last}" in picture


def test_a_run_that_goes_on_is_commented_on_as_far_as_it_is(served: Served) -> None:
    experiment_id = served.submit()
    path = f"/v1/experiments/{experiment_id}/findings"
    waits = served.http.get(path).json()
    assert (waits["state"], waits["items"][0]["kind"], waits["items"][0]["epochs"]) == (
        "queued",
        "too_few_epochs",
        [0, 0],
    )
    run = served.claim()
    served.record(run, 1)
    (item,) = served.http.get(path).json()["items"]
    assert (item["kind"], item["epochs"]) == ("too_few_epochs", [1, 1])
    assert "yet" in item["text"]["en"]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_run_that_ended_before_an_epoch_is_told_why(served: Served, state: State) -> None:
    experiment_id = served.submit()
    served.finish(served.claim(), state)
    (item,) = served.http.get(f"/v1/experiments/{experiment_id}/findings").json()["items"]
    assert item["kind"] == "too_few_epochs"
    assert state in item["text"]["en"]


def test_a_run_that_diverged_is_an_error_without_a_nan(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    with served.database.writing() as session:
        metrics.record(session, experiment_id, [row(1, 5.0, 0.2, 7.0, 0.1, 10.0), row(2, None, 0.1, None, 0.1, 10.0)])
    served.finish(run, diverged=True)
    for path in ("findings", "learning-curves"):
        answer = served.http.get(f"/v1/experiments/{experiment_id}/{path}")
        json.loads(answer.text, parse_constant=pytest.fail)
        assert answer.json()["items" if path == "findings" else "findings"][0]["severity"] == "error"


def test_the_best_of_epochs_with_the_same_accuracy_is_the_same_one_wherever_it_is_named(served: Served) -> None:
    own = served.train(architecture={"name": "mlp", "hidden": [32]}, epochs=8)
    asked = served.http.get(f"/v1/experiments/{own}").json()
    best = asked["best"]["epoch"]
    rows = served.http.get(f"/v1/experiments/{own}/metrics").json()["items"]
    first = max(rows, key=lambda each: each["val_accuracy"])
    assert first["val_accuracy"] == asked["best"]["val_accuracy"]
    assert first["epoch"] < best, "no two epochs are equal: choose another seed"
    (said,) = [
        each
        for each in served.http.get(f"/v1/experiments/{own}/findings").json()["items"]
        if each["kind"] == "no_problem"
    ]
    assert f"at epoch {best})" in said["text"]["en"]
    assert f"à l'époque {best})" in said["text"]["fr"]
    compared = served.http.get("/v1/comparisons", params={"ids": own}).json()
    (stored,) = [
        each for each in served.http.get(f"/v1/experiments/{own}/checkpoints").json()["items"] if each["name"] == "best"
    ]
    assert {
        "comment": said["evidence"]["best_epoch"],
        "curve": served.http.get(f"/v1/experiments/{own}/learning-curves").json()["best_epoch"],
        "growing": served.http.get("/v1/learning-curves", params={"ids": own}).json()["items"][0]["best"]["epoch"],
        "compared": compared["rows"][0]["best"]["epoch"],
        "aligned": compared["series"]["items"][0]["best_epoch"],
        "weights": stored["epoch"],
    } == dict.fromkeys(("comment", "curve", "growing", "compared", "aligned", "weights"), best)


def test_no_such_experiment_is_404_and_a_query_is_none_of_it(served: Served) -> None:
    experiment_id = served.submit()
    served.http.post(f"/v1/experiments/{experiment_id}/cancel")
    served.http.delete(f"/v1/experiments/{experiment_id}")
    assert served.http.get(f"/v1/experiments/{experiment_id}/findings").status_code == 404
    assert served.http.get("/v1/experiments/nothing/findings").status_code == 404
    other = served.submit()
    assert served.http.get(f"/v1/experiments/{other}/findings", params={"lang": "fr"}).status_code == 422
