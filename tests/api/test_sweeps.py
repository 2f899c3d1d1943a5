"""Sweeps over HTTP: submitted as one, looked at, cancelled, and refused with pointers into the request."""

from typing import Any

import httpx
import pytest

from service.api import examples
from service.domain.experiment import State
from tests.api.conftest import Served

BASE = {"dataset": "synthetic", "architecture": "mlp", "epochs": 2}
SWEEP = {"base": BASE, "grid": {"activation": ["tanh", "relu"]}, "seeds": [0, 1]}


def test_a_sweep_is_answered_with_its_experiments_which_are_there(http: httpx.Client) -> None:
    answer = http.post("/v1/sweeps", json=SWEEP, headers={"X-Ardoise-Owner": "ada"})
    assert answer.status_code == 202
    accepted = answer.json()
    assert set(accepted) == {"id", "count", "experiment_ids"}
    assert answer.headers["Location"] == f"/v1/sweeps/{accepted['id']}"
    sweep = http.get(answer.headers["Location"]).json()
    assert [item["id"] for item in sweep["items"]] == accepted["experiment_ids"]
    assert [(item["spec"]["activation"], item["spec"]["seed"]) for item in sweep["items"]] == [
        ("tanh", 0), ("tanh", 1), ("relu", 0), ("relu", 1),
    ]  # fmt: skip
    assert sweep["count"] == accepted["count"] == len(sweep["items"])
    assert sweep["states"] == {state: 4 if state == "queued" else 0 for state in State}
    assert [item["queue_position"] for item in sweep["items"]] == [1, 2, 3, 4]
    for item in sweep["items"]:
        assert (item["owner"], item["sweep_id"]) == ("ada", accepted["id"])
        assert http.get(f"/v1/experiments/{item['id']}").json() == item
    assert http.get("/v1/experiments", params={"sweep_id": accepted["id"]}).json()["total"] == 4


def test_each_is_what_it_would_be_if_it_were_submitted_alone(http: httpx.Client) -> None:
    accepted = http.post("/v1/sweeps", json=SWEEP).json()
    swept = http.get(f"/v1/experiments/{accepted['experiment_ids'][1]}").json()
    alone = http.post("/v1/experiments", json={**BASE, "activation": "tanh", "seed": 1}).json()
    assert (swept["spec"], swept["spec_hash"]) == (alone["spec"], alone["spec_hash"])
    assert swept["parameters"] == alone["parameters"]


def test_the_states_follow_the_experiments_and_a_cancel_ends_those_that_have_not_ended(served: Served) -> None:
    accepted = served.http.post("/v1/sweeps", json=SWEEP).json()
    served.finish(served.claim())
    running = served.claim()
    other = served.submit()
    own = f"/v1/sweeps/{accepted['id']}"
    states = served.http.get(own).json()["states"]
    assert states == {"queued": 2, "running": 1, "completed": 1, "failed": 0, "cancelled": 0}
    answer = served.http.post(f"{own}/cancel")
    assert (answer.status_code, answer.headers["Location"]) == (202, own)
    assert [item["state"] for item in answer.json()["items"]] == ["completed", "running", "cancelled", "cancelled"]
    served.finish(running, State.CANCELLED)
    again = served.http.post(f"{own}/cancel")
    assert (again.status_code, again.json()["states"]["cancelled"]) == (202, 3)
    assert served.http.get(f"/v1/experiments/{other}").json()["state"] == "queued"


def test_a_repeat_with_the_same_key_is_the_same_sweep(http: httpx.Client) -> None:
    first, second = (http.post("/v1/sweeps", json=SWEEP, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["Location"] == first.headers["Location"]
    assert http.get("/v1/experiments").json()["total"] == 4
    other = http.post("/v1/sweeps", json={**SWEEP, "seeds": [2]}, headers={"Idempotency-Key": "k"})
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        ({"base": {"dataset": "digits", "architecture": "mpl"}}, {"#/base/architecture": "unknown name 'mpl'"}),
        ({"base": {}}, {"#/base/dataset": "is required", "#/base/architecture": "is required"}),
        ({"base": {"preset": "lab"}}, {"#/base/preset": "unknown name 'lab'; allowed: lab-"}),
        ({"base": BASE, "grid": {"architecture.hidden": [[8], [0]]}},
         {"#/grid/architecture.hidden/1/0": "must be between 1 and 65536"}),
        ({"base": BASE, "grid": {"architecture.hidden": [[8], [65536, 65536]]}},
         {"#/grid/architecture.hidden/1": "has 4,312,530,954 parameters"}),
        ({"base": BASE, "grid": {"hidden": [[8]]}}, {"#/grid/hidden": "unknown field 'hidden'; allowed: "}),
        ({"base": BASE, "grid": {"activation": "tanh"}}, {"#/grid/activation": "must be a list"}),
        ({"base": BASE, "seeds": [0, -1]}, {"#/seeds/1": "must be at least 0"}),
        ({"base": BASE, "seeds": [*range(1001)]}, {"#/grid": "grid and seeds make 1,001 experiments; at most 1,000"}),
        ({"bases": BASE}, {"#/bases": "unknown field 'bases'; allowed: base, "}),
        ([], {"#": "must be an object"}),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_sweep_that_is_wrong_anywhere_is_refused_whole(
    http: httpx.Client, request_: Any, wrong: dict[str, str]
) -> None:
    answer = http.post("/v1/sweeps", json=request_)
    assert answer.status_code == 422
    errors = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert set(errors) == set(wrong)
    for pointer, part in wrong.items():
        assert part in errors[pointer]
    assert http.get("/v1/experiments").json()["total"] == 0


def test_a_thousand_are_stored_at_once(served: Served) -> None:
    rates = [number / 1000 for number in range(1, 501)]
    body = {
        "base": {"preset": "lab-relu", "tags": ["a", "b"]}, "grid": {"optimizer.learning_rate": rates}, "seeds": [0, 1],
    }  # fmt: skip
    answer = served.http.post("/v1/sweeps", json=body)
    assert answer.json()["count"] == served.http.get("/v1/queue").json()["queued"] == 1000
    items = served.http.get(answer.headers["Location"]).json()["items"]
    assert [(item["spec"]["optimizer"]["learning_rate"], item["spec"]["seed"]) for item in items] == [
        (rate, seed) for rate in rates for seed in (0, 1)
    ]
    assert [item["queue_position"] for item in items] == [*range(1, 1001)]


def test_the_example_of_the_documentation_is_a_sweep(http: httpx.Client) -> None:
    assert http.post("/v1/sweeps", json=examples.by_schema()["SweepRequest"]).json()["count"] == 12
