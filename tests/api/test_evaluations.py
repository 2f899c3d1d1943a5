"""Evaluations on other data sets over HTTP: asked for, waited for, listed, and as one table."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch

from service import ids
from service.storage import evaluation_queue
from tests.api.conftest import NOON, Served, wait_until
from workers import across, run
from workers.heartbeat import Heartbeat
from workers.workshop import Workshop


@pytest.fixture
def trained(served: Served) -> Iterator[str]:
    """A perceptron of generated images, trained in this process; its id."""
    threads = torch.get_num_threads()
    experiment_id = served.submit(epochs=2, name="blotches")
    run.execute(served.claim(), _workshop(served), _heartbeat(served))
    yield experiment_id
    torch.set_num_threads(threads)


def _workshop(served: Served) -> Workshop:
    return Workshop(
        worker="here:1",
        database=served.database,
        artifacts=served.settings.artifacts_dir,
        data_dir=Path("nowhere"),
        mirror=None,
        lease_seconds=60.0,
        max_failures=3,
        threads=1,
    )


def _heartbeat(served: Served) -> Heartbeat:
    return Heartbeat(served.database, worker="here:1", lease_seconds=60.0, draining=threading.Event())


def work(served: Served) -> None:
    """Evaluate what waits first, as a worker does."""
    with served.database.writing() as session:
        job = evaluation_queue.claim(session, worker="here:1", lease_seconds=60.0, now=NOON)
    assert job is not None
    across.execute(job, _workshop(served), _heartbeat(served))


def ask(served: Served, experiment_id: str, **request: Any) -> httpx.Response:
    """POST it."""
    body = {"dataset": "digits"} | request
    return served.http.post(f"/v1/experiments/{experiment_id}/evaluations", json=body)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """What is wrong."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    found: dict[str, Any] = answer.json()
    return found


def test_one_is_accepted_evaluated_and_found_where_the_answer_says(served: Served, trained: str) -> None:
    accepted = ask(served, trained)
    assert accepted.status_code == 202
    queued = accepted.json()
    assert accepted.headers["location"] == queued["links"]["self"]
    assert (queued["state"], queued["dataset"], queued["checkpoint"]["name"]) == ("queued", "digits", "best")
    assert served.http.get("/v1/queue").json()["evaluations"] == 1
    assert served.http.get(queued["links"]["self"]).json() == queued
    work(served)
    done = served.http.get(queued["links"]["self"]).json()
    assert (done["state"], done["error"]) == ("completed", None)
    assert done["labels"] == [str(digit) for digit in range(10)]
    matrix = done["confusion"]
    assert sum(map(sum, matrix)) == done["preprocessing"]["images"] == 355
    assert done["accuracy"] == sum(matrix[place][place] for place in range(10)) / 355
    assert done["preprocessing"]["framing"] == "recorded"


def test_they_are_listed_the_newest_first(served: Served, trained: str) -> None:
    asked = [ask(served, trained, framing=how).json()["id"] for how in ("none", "recorded")]
    work(served)
    url = f"/v1/experiments/{trained}/evaluations"
    items = served.http.get(url).json()["items"]
    assert [(each["id"], each["framing"], each["state"]) for each in items] == [
        (asked[1], "recorded", "queued"), (asked[0], "none", "completed"),
    ]  # fmt: skip
    assert served.http.get(f"{url}?limit=1").json()["items"] == items[:1]


def test_the_answer_can_be_held_until_it_has_ended(served: Served, trained: str) -> None:
    url = ask(served, trained).json()["links"]["self"]
    answers: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: answers.append(served.http.get(f"{url}?wait=30", timeout=40).json()))
    reader.start()
    wait_until(lambda: served.service.changes.waiting == 1)
    work(served)
    reader.join(10)
    assert [each["state"] for each in answers] == ["completed"]
    began = time.monotonic()
    assert served.http.get(f"{url}?wait=30").json() == answers[0]
    assert time.monotonic() - began < 5


def test_the_answer_is_given_as_it_is_when_the_wait_is_over(served: Served, trained: str) -> None:
    url = ask(served, trained).json()["links"]["self"]
    assert served.http.get(f"{url}?wait=0.05").json()["state"] == "queued"


def test_a_data_set_of_other_things_is_refused_with_those_that_fit(served: Served, trained: str) -> None:
    (error,) = problem(ask(served, trained, dataset="fashion_mnist"), 422)["errors"]
    assert error["pointer"] == "#/dataset"
    assert error["detail"] == (
        "fashion_mnist has other classes (T-shirt/top, Trouser, Pullover, ...) than synthetic, which the network "
        "learnt (0, 1, 2, ...); allowed: digits, emnist_digits, mnist, qmnist, synthetic, usps"
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"dataset": "digitz"}, "#/dataset"),
        ({"checkpoint": "worst"}, "#/checkpoint"),
        ({"checkpoint": "0"}, "#/checkpoint"),
        ({"framing": "square"}, "#/framing"),
        ({"data": "digits"}, "#/data"),
    ],
)
def test_what_is_wrong_in_a_body_is_told(served: Served, trained: str, body: dict[str, str], pointer: str) -> None:
    assert [each["pointer"] for each in problem(ask(served, trained, **body), 422)["errors"]] == [pointer]


def test_there_must_be_an_experiment_and_a_checkpoint(served: Served, trained: str) -> None:
    assert "no experiment" in problem(ask(served, ids.new()), 404)["detail"]
    assert "no checkpoint '77'" in problem(ask(served, trained, checkpoint="77"), 404)["detail"]
    waiting = served.submit()
    assert problem(ask(served, waiting), 409)["detail"] == f"experiment {waiting} is queued and has no checkpoint yet"
    served.http.post(f"/v1/experiments/{waiting}/cancel")
    assert "is cancelled and has no checkpoint" in problem(ask(served, waiting), 409)["detail"]


def test_one_of_another_experiment_or_of_none_is_not_found(served: Served, trained: str) -> None:
    other = served.submit()
    asked = ask(served, trained).json()["id"]
    for experiment_id, evaluation_id in ((other, asked), (trained, ids.new()), (ids.new(), asked), (trained, "x")):
        problem(served.http.get(f"/v1/experiments/{experiment_id}/evaluations/{evaluation_id}"), 404)
    problem(served.http.get(f"/v1/experiments/{ids.new()}/evaluations"), 404)


def test_they_are_gone_with_their_experiment(served: Served, trained: str) -> None:
    url = ask(served, trained).json()["links"]["self"]
    assert served.http.delete(f"/v1/experiments/{trained}").status_code == 204
    problem(served.http.get(url), 404)
    assert served.http.get("/v1/queue").json()["evaluations"] == 0


def test_a_table_has_the_own_test_split_and_the_evaluations_and_holes(served: Served, trained: str) -> None:
    ask(served, trained)
    work(served)
    other = served.completed(dataset="digits", epochs=1)
    answer = served.http.get(f"/v1/evaluations?ids={trained},{other}").json()
    assert answer["datasets"] == ["synthetic", "digits"]
    first, second = answer["rows"]
    assert (first["experiment_id"], first["name"], first["trained_on"]) == (trained, "blotches", "synthetic")
    own, crossed = first["cells"]
    assert own["accuracy"] == served.http.get(f"/v1/experiments/{trained}").json()["test"]["accuracy"]
    assert (own["source"], crossed["source"], crossed["state"]) == ("test", "evaluation", "completed")
    listed = served.http.get(f"/v1/experiments/{trained}/evaluations").json()["items"][0]
    assert (crossed["evaluation_id"], crossed["accuracy"]) == (listed["id"], listed["accuracy"])
    assert second["cells"][0] is None
    assert second["cells"][1]["accuracy"] == 0.9
    unframed = served.http.get(f"/v1/evaluations?ids={trained}&framing=none").json()
    assert unframed["datasets"] == ["synthetic"]


def test_a_table_is_of_some_experiments_that_are_there(served: Served, trained: str) -> None:
    problem(served.http.get("/v1/evaluations"), 422)
    problem(served.http.get("/v1/evaluations?ids="), 422)
    problem(served.http.get("/v1/evaluations?ids=" + ",".join(map(str, range(101)))), 422)
    problem(served.http.get(f"/v1/evaluations?ids={trained},{ids.new()}"), 404)


def test_a_network_that_diverged_is_answered_without_a_number_that_is_none(served: Served) -> None:
    threads = torch.get_num_threads()
    optimizer = {"name": "sgd", "learning_rate": 1000.0}
    experiment_id = served.submit(architecture="mlp", epochs=5, optimizer=optimizer)
    run.execute(served.claim(), _workshop(served), _heartbeat(served))
    torch.set_num_threads(threads)
    assert served.http.get(f"/v1/experiments/{experiment_id}").json()["diverged"]
    url = ask(served, experiment_id, checkpoint="last").json()["links"]["self"]
    work(served)
    done = served.http.get(url).json()
    assert (done["state"], done["loss"]) == ("completed", None)
    assert 0 <= done["accuracy"] <= 1
    assert served.http.get(f"/v1/evaluations?ids={experiment_id}").status_code == 200
