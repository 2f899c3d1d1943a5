"""Diagnostics over HTTP: of a run, and of several side by side."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from service import ids
from service.domain.diagnostics import (
    DiagnosticsComparison,
    DiagnosticsPage,
    EpochDiagnostics,
    LayerDiagnostics,
)
from service.domain.run import Run
from service.storage import diagnostics, queue
from tests.api.conftest import LEASE_SECONDS, Served

NOBODY = "0197f0c4-0000-7000-8000-000000000000"
"""An id that no experiment has; the same in every process that collects these tests."""


def look(epoch: int) -> EpochDiagnostics:
    """What was seen after an epoch; one figure was not finite."""
    hidden = LayerDiagnostics(
        name="hidden1", activation="tanh", saturated_share=epoch / 3, dead_share=None, gradient_norm=None,
        weight_norm=1e-30, update_ratio=0.1 + epoch,
    )  # fmt: skip
    output = hidden.model_copy(update={"name": "output", "activation": None, "saturated_share": None})
    return EpochDiagnostics(epoch=epoch, loss=0.1 * epoch, layers=(hidden, output))


def record(served: Served, run: Run, epochs: Sequence[int]) -> None:
    """As a worker does."""
    with served.database.writing() as session:
        queue.guard(session, run, lease_seconds=LEASE_SECONDS)
        diagnostics.record(session, run.experiment_id, [look(epoch) for epoch in epochs])


def looked_into(served: Served, *epochs: int, **spec: Any) -> str:
    """A run that goes on, which was looked into at these epochs."""
    experiment_id = served.submit(epochs=10_000, **spec)
    record(served, served.claim(), epochs)
    return experiment_id


def test_every_look_is_answered_exactly(served: Served) -> None:
    experiment_id = looked_into(served, 1, 2, 5)
    answer = served.http.get(f"/v1/experiments/{experiment_id}/diagnostics")
    page = DiagnosticsPage.model_validate(answer.json())
    assert page.items == (look(1), look(2), look(5))
    assert (page.experiment_id, page.state, page.probe_images) == (experiment_id, "running", 64)
    newer = served.http.get(f"/v1/experiments/{experiment_id}/diagnostics", params={"after_epoch": 2})
    assert [item["epoch"] for item in newer.json()["items"]] == [5]


def test_a_look_that_is_repeated_replaces_the_first(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    record(served, run, [1, 2])
    with served.database.writing() as session:
        again = look(2).model_copy(update={"loss": None})
        diagnostics.record(session, experiment_id, [again, look(3)])
    with served.database.writing() as session:
        diagnostics.truncate(session, experiment_id, after=2)
    page = served.http.get(f"/v1/experiments/{experiment_id}/diagnostics").json()
    assert DiagnosticsPage.model_validate(page).items == (look(1), again)


def test_a_run_that_was_never_looked_into_has_none(served: Served) -> None:
    waiting = served.submit()
    answer = served.http.get(f"/v1/experiments/{waiting}/diagnostics")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_a_run_that_is_deleted_takes_them_along(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    record(served, run, [1])
    served.finish(run)
    assert served.http.delete(f"/v1/experiments/{experiment_id}").status_code == 204
    with served.database.reading() as session:
        assert diagnostics.looks(session, experiment_id) == ()


def test_runs_side_by_side_have_the_epochs_that_all_of_them_have(served: Served) -> None:
    first = looked_into(served, 1, 2, 3, 4, 6)
    second = looked_into(served, 1, 2, 4, 5, activation="tanh", architecture="mlp")
    never = served.submit()
    answer = served.http.get("/v1/diagnostics", params={"ids": f"{second},{never},{first}"})
    found = DiagnosticsComparison.model_validate(answer.json())
    assert found.epochs == (1, 2, 4)
    assert found.same_images is True
    assert [run.experiment_id for run in found.runs] == [second, never, first]
    assert [[item.epoch for item in run.items] for run in found.runs] == [[1, 2, 4], [], [1, 2, 4]]
    assert [run.last and run.last.epoch for run in found.runs] == [5, None, 6]
    assert (found.runs[0].activation, found.runs[0].architecture) == ("tanh", "mlp")
    assert found.runs[0].items[1] == look(2)


def test_runs_of_other_data_have_other_images(served: Served) -> None:
    pair = [looked_into(served, 1, dataset=name) for name in ("synthetic", "digits")]
    smaller = looked_into(served, 1, dataset={"name": "synthetic", "image_size": 8})
    same = looked_into(served, 1, dataset={"name": "synthetic", "train_size": 100})

    def same_images(*given: str) -> bool:
        answer = served.http.get("/v1/diagnostics", params={"ids": ",".join(given)})
        return bool(answer.json()["same_images"])

    assert not same_images(*pair)
    assert not same_images(pair[0], smaller)
    assert same_images(pair[0], same)


def test_long_runs_are_answered_within_a_fifth_of_a_second(served: Served) -> None:
    many = [looked_into(served, *range(1, 1_001)) for _ in range(20)]
    answer = served.http.get("/v1/diagnostics", params={"ids": ",".join(many)})
    assert len(answer.json()["epochs"]) == 50
    assert answer.json()["epochs"][-1] == 1_000
    one = served.http.get(f"/v1/experiments/{many[0]}/diagnostics")
    assert len(one.json()["items"]) == 1_000
    assert max(answer.elapsed.total_seconds(), one.elapsed.total_seconds()) < 2


@pytest.mark.parametrize("ids_given", ["nothing", NOBODY, f"{NOBODY},x"])
def test_what_is_no_experiment_is_404(http: httpx.Client, ids_given: str) -> None:
    assert http.get("/v1/diagnostics", params={"ids": ids_given}).status_code == 404


def test_an_empty_id_is_none(served: Served) -> None:
    run = looked_into(served, 1)
    found = served.http.get("/v1/diagnostics", params={"ids": f"{run}, ,"}).json()
    assert [each["experiment_id"] for each in found["runs"]] == [run]
    answer = served.http.get("/v1/diagnostics", params={"ids": ","})
    assert (answer.status_code, "must be 1 to 20 ids" in answer.text) == (422, True)


def test_wrong_ids_are_told(served: Served) -> None:
    one = served.submit()
    assert len(served.http.get("/v1/diagnostics", params={"ids": f"{one},{one}"}).json()["runs"]) == 1
    for params in ({}, {"ids": ",".join(ids.new() for _ in range(21))}):
        answer = served.http.get("/v1/diagnostics", params=params)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("#/query/ids")
    answer = served.http.get(f"/v1/experiments/{one}/diagnostics", params={"after_epoch": -1})
    assert answer.status_code == 422
    assert served.http.get(f"/v1/experiments/{ids.new()}/diagnostics").status_code == 404
