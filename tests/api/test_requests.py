"""The id of a request, and its line in the log."""

import socket
from collections.abc import Callable

import httpx
import pytest
from structlog.testing import capture_logs

from tests.api.conftest import Served, wait_until


@pytest.mark.parametrize("given", ["abc", "a" * 128, "7d44b3f1-~!"])
def test_an_id_that_a_client_sends_is_taken_over(http: httpx.Client, given: str) -> None:
    for path in ("/livez", "/nothing", "/v1/experiments"):
        assert http.get(path, headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    assert http.get("/nothing", headers={"X-Request-ID": given}).json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", "é"])
def test_an_id_that_is_long_or_cannot_be_printed_is_replaced(http: httpx.Client, given: str) -> None:
    seen = {http.get("/livez", headers={b"X-Request-ID": given.encode()}).headers["X-Request-ID"] for _ in range(2)}
    assert len(seen) == 2
    assert given not in seen


def test_each_request_is_one_line_with_its_facts(served: Served) -> None:
    experiment_id = served.submit()

    def line_of(ask: Callable[[], httpx.Response], path: str) -> dict[str, object]:
        with capture_logs() as logged:
            ask()
            wait_until(lambda: any(line.get("path") == path for line in logged))
        (line,) = [line for line in logged if line.get("path") == path]
        return {**line}

    path = f"/v1/experiments/{experiment_id}"
    line = line_of(lambda: served.http.get(path), path)
    assert (line["event"], line["log_level"], line["method"], line["status"]) == ("request", "info", "GET", 200)
    assert line["experiment_id"] == experiment_id
    seconds = line["seconds"]
    assert isinstance(seconds, float)
    assert 0 < seconds < 5
    assert line_of(lambda: served.http.get("/livez"), "/livez")["log_level"] == "debug"
    assert line_of(lambda: served.http.get("/a%0ab"), "/a\nb")["status"] == 404


def test_the_line_of_a_request_names_what_it_made(served: Served) -> None:
    """Red where it does not: then nothing in the log leads from a request to its run."""
    with capture_logs() as logged:
        accepted = served.http.post("/v1/experiments", json={"dataset": "synthetic", "architecture": "perceptron"})
        experiment_id = accepted.json()["id"]
        served.http.post(f"/v1/experiments/{experiment_id}/notes", json={"text": "a"})
        wait_until(lambda: len(logged) == 2)
    first, second = logged
    assert first["location"] == f"/v1/experiments/{experiment_id}"
    assert (second["experiment_id"], second["location"].startswith(first["location"])) == (experiment_id, True)


@pytest.mark.parametrize("route", ["", "/{id}/predictions", "/{id}/notes"])
@pytest.mark.parametrize("media_type", ["application/json", "image/png", "multipart/form-data; boundary=x"])
def test_an_upload_that_is_broken_off_is_one_line(served: Served, route: str, media_type: str) -> None:
    """Red where it is told of beside the line that each request has."""
    path = f"/v1/experiments{route.format(id=served.submit())}"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nContent-Length: 99999\r\n\r\n"
    with capture_logs() as logged:
        with socket.create_connection((served.http.base_url.host, served.http.base_url.port or 0)) as client:
            client.sendall(head.encode() + b'{"name": "')
            served.http.get("/livez")
        wait_until(lambda: any(line.get("path") == path for line in logged))
        served.http.get("/livez")
    told = [line for line in logged if line.get("path") != "/livez"]
    assert [(line["event"], line["log_level"]) for line in told] in ONE_LINE


ONE_LINE = ([("the client went away", "info")], [("request", "info")])
"""The other is that of a request which was refused before its body was read."""
