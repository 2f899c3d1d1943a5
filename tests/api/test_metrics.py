"""Epoch rows over HTTP: at once, held until there are newer ones, and in every format."""

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from service.domain.experiment import State
from service.domain.metrics import EpochMetrics, EpochPage
from tests.api.conftest import Served, row_of, wait_until


@contextmanager
def waiting_for_epochs(served: Served, experiment_id: str, **query: Any) -> Iterator["Future[httpx.Response]"]:
    """A client that asks with `wait` and is held; in the block it waits."""

    def ask() -> httpx.Response:
        return served.http.get(f"/v1/experiments/{experiment_id}/metrics", params={"wait": 60, **query})

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask)
        wait_until(lambda: served.service.changes.waiting == 1 or answer.done())
        yield answer


def epochs_of(answer: httpx.Response) -> list[int]:
    return [row.epoch for row in EpochPage.model_validate(answer.json()).items]


def test_epochs_are_answered_exactly_and_a_value_that_is_not_finite_is_null(served: Served) -> None:
    experiment_id = served.completed(epochs=3)
    page = EpochPage.model_validate(served.http.get(f"/v1/experiments/{experiment_id}/metrics").json())
    assert page == EpochPage(
        experiment_id=experiment_id, state=State.COMPLETED, items=tuple(row_of(epoch) for epoch in (1, 2, 3))
    )
    assert page.items[1].train_loss is None


def test_only_newer_epochs_are_answered(served: Served) -> None:
    experiment_id = served.completed(epochs=5)
    path = f"/v1/experiments/{experiment_id}/metrics"
    assert epochs_of(served.http.get(path, params={"after_epoch": 3})) == [4, 5]
    assert epochs_of(served.http.get(path, params={"after_epoch": 5, "wait": 60})) == []


def test_a_held_answer_comes_with_the_next_epoch(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    served.record(run, 1)
    with waiting_for_epochs(served, experiment_id, after_epoch=1) as answer:
        assert not answer.done()
        served.record(run, 2)
        assert epochs_of(answer.result(5)) == [2]
        assert answer.result().json()["state"] == "running"


def test_a_held_answer_goes_on_waiting_where_something_else_changes(served: Served) -> None:
    experiment_id = served.submit()
    with waiting_for_epochs(served, experiment_id) as answer:
        run = served.claim()
        other = served.submit()
        wait_until(lambda: served.service.changes.waiting == 1)
        assert not answer.done()
        served.http.post(f"/v1/experiments/{other}/cancel")
        served.record(run, 1)
        assert epochs_of(answer.result(5)) == [1]


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_a_held_answer_comes_with_the_end(served: Served, state: State) -> None:
    experiment_id = served.submit()
    run = served.claim()
    served.record(run, 1)
    with waiting_for_epochs(served, experiment_id, after_epoch=1) as answer:
        served.finish(run, state)
        assert answer.result(5).json() == {"experiment_id": experiment_id, "state": state, "items": []}


def test_a_held_answer_is_404_once_the_experiment_is_deleted(served: Served) -> None:
    experiment_id = served.submit()
    with waiting_for_epochs(served, experiment_id) as answer:
        served.http.delete(f"/v1/experiments/{experiment_id}")
        assert answer.result(5).status_code == 404


def test_a_wait_that_is_over_answers_nothing_new(served: Served) -> None:
    experiment_id = served.submit()
    answer = served.http.get(f"/v1/experiments/{experiment_id}/metrics", params={"wait": 0.15})
    assert (answer.status_code, epochs_of(answer)) == (200, [])
    assert 0.15 <= answer.elapsed.total_seconds() < 2
    assert served.service.changes.waiting == 0


def test_many_wait_at_once_and_all_are_woken(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()

    def ask(_: int) -> list[int]:
        return epochs_of(served.http.get(f"/v1/experiments/{experiment_id}/metrics", params={"wait": 60}))

    with ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(ask, number) for number in range(50)]
        wait_until(lambda: served.service.changes.waiting == 50)
        assert served.http.get("/livez").status_code == 200
        assert served.http.get("/v1/experiments").elapsed.total_seconds() < 1
        served.record(run, 1)
        assert [answer.result(10) for answer in answers] == [[1]] * 50


@pytest.mark.parametrize(
    "query",
    [
        {"wait": "61"}, {"wait": "-1"}, {"wait": "nan"}, {"wait": "inf"}, {"after_epoch": "-1"},
        {"after_epoch": "9" * 25}, {"format": "xml"},
    ],
)  # fmt: skip
def test_a_wrong_query_is_told(served: Served, query: dict[str, str]) -> None:
    answer = served.http.get(f"/v1/experiments/{served.submit()}/metrics", params=query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/query/{name}" for name in query]


def test_the_tag_stays_while_nothing_changes_and_changes_with_an_epoch(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    served.record(run, 1)
    path = f"/v1/experiments/{experiment_id}/metrics"
    tag = served.http.get(path).headers["ETag"]
    known = served.http.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    assert served.http.get(path, params={"after_epoch": 1}, headers={"If-None-Match": tag}).status_code == 200
    assert served.http.get(path, params={"format": "csv"}, headers={"If-None-Match": tag}).status_code == 200
    served.record(run, 2)
    assert served.http.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("query", "accept"), [({"format": "csv"}, "*/*"), ({}, "text/csv"), ({}, "text/html, text/csv;q=0.9")]
)
def test_csv_is_exact_and_holds_nothing_that_a_spreadsheet_would_run(
    served: Served, query: dict[str, str], accept: str
) -> None:
    experiment_id = served.completed(epochs=3, name='=HYPERLINK("http://x")', tags=["@SUM(A1)"])
    answer = served.http.get(f"/v1/experiments/{experiment_id}/metrics", params=query, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert header == list(EpochMetrics.model_fields)
    assert [
        EpochMetrics.model_validate({name: cell or None for name, cell in zip(header, row, strict=True)})
        for row in rows
    ] == [row_of(epoch) for epoch in (1, 2, 3)]
    assert rows[0][1] == "0.5"
    assert not [cell for row in (header, *rows) for cell in row if cell[:1] in set("=+-@\t\r")]


def test_ndjson_is_a_row_a_line(served: Served) -> None:
    path = f"/v1/experiments/{served.completed(epochs=3)}/metrics"
    answer = served.http.get(path, headers={"Accept": "application/x-ndjson"})
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = answer.text.splitlines()
    assert [json.loads(line) for line in lines] == served.http.get(path).json()["items"]
