"""The stream of an experiment's events, as a browser would read it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from service.api import following
from service.domain.experiment import State
from service.storage import queue
from tests.api.conftest import NOON, Served, wait_until


class Event(NamedTuple):
    name: str
    data: Any
    id: str | None


@contextmanager
def stream(served: Served, experiment_id: str, **headers: str) -> Iterator[Iterator[Event]]:
    """The events of an experiment as they come."""
    path = f"/v1/experiments/{experiment_id}/events"
    with served.http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["X-Accel-Buffering"] == "no"
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name or "comment"] = value
        else:
            if "event" in fields:
                yield Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
            else:
                yield Event("comment", fields["comment"], None)
            fields = {}


def test_a_run_is_followed_from_the_queue_to_its_end(served: Served) -> None:
    experiment_id = served.submit(epochs=2)
    with stream(served, experiment_id) as events:
        assert next(events)[:2] == ("state", {"state": "queued", "attempt": 0})
        assert next(events).name == "progress"
        run = served.claim()
        assert next(events)[:2] == ("state", {"state": "running", "attempt": 1})
        served.record(run, 1)
        first = next(events)
        assert (first.name, first.id, first.data["val_accuracy"]) == ("epoch", "1", 1 / 3)
        progress = next(events)
        assert (progress.name, progress.data["epoch"], progress.data["fraction"]) == ("progress", 1, 0.5)
        served.record(run, 2)
        assert (next(events).id, next(events).data["fraction"]) == ("2", 1.0)
        served.finish(run, test_loss=0.5, test_accuracy=0.75)
        rest = list(events)
    assert [event.name for event in rest] == ["state", "end"]
    assert rest[-1].data == served.http.get(f"/v1/experiments/{experiment_id}").json()
    assert rest[-1].data["test"] == {"loss": 0.5, "accuracy": 0.75}


def test_a_stream_is_taken_up_after_the_last_epoch_that_was_seen(served: Served) -> None:
    experiment_id = served.completed(epochs=5)
    with stream(served, experiment_id, **{"Last-Event-ID": "3"}) as events:
        seen = list(events)
    assert [event.id for event in seen if event.name == "epoch"] == ["4", "5"]
    assert [event.name for event in seen] == ["state", "epoch", "epoch", "progress", "end"]


@pytest.mark.parametrize("last", ["-1", "x", "9" * 30, ""])
def test_a_last_event_that_is_no_epoch_is_told(served: Served, last: str) -> None:
    answer = served.http.get(f"/v1/experiments/{served.submit()}/events", headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/header/Last-Event-ID")


def test_a_lost_and_resumed_run_repeats_no_epoch(served: Served) -> None:
    experiment_id = served.submit(epochs=3)
    run = served.claim()
    served.record(run, 1, 2)
    with stream(served, experiment_id) as events:
        assert [next(events).name for _ in range(4)] == ["state", "epoch", "epoch", "progress"]
        with served.database.writing() as session:
            queue.give_back(session, run, now=NOON)
        again = served.claim()
        served.record(again, 2, 3)
        served.finish(again)
        rest = list(events)
    assert [event.id for event in rest if event.name == "epoch"] == ["3"]
    assert rest[-1].name == "end"


def test_a_stream_ends_where_the_experiment_is_deleted(served: Served) -> None:
    experiment_id = served.submit()
    with stream(served, experiment_id) as events:
        next(events)
        served.clear()
        assert [event.name for event in events] == ["progress"]


def test_a_silent_stream_is_kept_alive_by_comments(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "KEEP_ALIVE_SECONDS", 0.05)
    experiment_id = served.submit()
    with stream(served, experiment_id) as events:
        assert [next(events).name for _ in range(4)] == ["state", "progress", "comment", "comment"]


@pytest.mark.parametrize("path", ["events", "metrics?wait=60"])
def test_a_reader_that_goes_away_waits_no_longer(served: Served, path: str) -> None:
    experiment_id = served.submit()
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 0)) as client:
        client.sendall(f"GET /v1/experiments/{experiment_id}/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda: served.service.changes.waiting == 1)
    wait_until(lambda: served.service.changes.waiting == 0)


def test_a_failed_run_ends_with_its_reason(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    with stream(served, experiment_id) as events:
        assert next(events).name == "state"
        served.finish(
            run, State.FAILED, error={"type": "ValueError", "message": "line\r\n\r\ndata: x", "traceback_tail": None}
        )
        *_, end = events
    assert (end.name, end.data["error"]["message"]) == ("end", "line\r\n\r\ndata: x")
