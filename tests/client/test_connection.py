import json
import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from service.client import Client
from service.connection import ProblemError, UnexpectedAnswerError, UnreachableError, patiently
from service.domain.experiment import State

QUEUE = {"queued": 2, "running": 1, "evaluations": 0, "waiting": ["b", "c"], "active": ["a"]}


class ScriptedServer(HTTPServer):
    """Stands in for a service in states that a healthy one is never in: gives its answers one after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, str, bytes]] = []
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def will_answer(self, status: int, body: object, media_type: str = "application/json") -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, media_type, content))


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, ScriptedServer)
        server.asked.append(self.path)
        status, media_type, content = server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the class above
        pass


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    thread = Thread(target=scripted.serve_forever, args=(0.01,))
    thread.start()
    yield scripted
    scripted.shutdown()
    thread.join()
    scripted.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_problem_is_raised_with_its_status_and_every_wrong_field(server: ScriptedServer) -> None:
    errors = [
        {"pointer": "#/architecture/hidden/1", "detail": "must be between 1 and 65536", "code": "out_of_range"},
        {"pointer": "#/epochs", "detail": "must be between 1 and 10000", "code": "out_of_range"},
    ]
    problem = {
        "type": "about:blank", "title": "Unprocessable Content", "status": 422, "detail": "2 fields are invalid",
        "instance": "/v1/queue", "request_id": "r", "errors": errors,
    }  # fmt: skip
    server.will_answer(422, problem, "application/problem+json")
    with Client(server.url) as client, pytest.raises(ProblemError) as raised:
        client.queue()
    error = raised.value
    assert (error.status, error.title, error.detail) == (422, "Unprocessable Content", "2 fields are invalid")
    assert [field.pointer for field in error.errors] == ["#/architecture/hidden/1", "#/epochs"]
    assert str(error) == (
        "2 fields are invalid: architecture/hidden/1: must be between 1 and 65536; epochs: must be between 1 and 10000"
    )


def test_an_error_page_of_something_in_between_is_a_problem_too(server: ScriptedServer) -> None:
    server.will_answer(502, b"<h1>Bad Gateway</h1>", "text/html")
    with Client(server.url) as client, pytest.raises(ProblemError, match="502 Bad Gateway") as raised:
        client.queue()
    assert (raised.value.status, raised.value.errors) == (502, ())


@pytest.mark.parametrize("body", [b"<h1>Hello</h1>", b'{"queued": "many"}', b""])
def test_what_is_no_answer_of_this_service_is_said(server: ScriptedServer, body: bytes) -> None:
    server.will_answer(200, body)
    with Client(server.url) as client, pytest.raises(UnexpectedAnswerError, match=r"GET /v1/queue") as raised:
        client.queue()
    assert "\n" not in str(raised.value)


def test_a_newer_service_may_say_more(server: ScriptedServer) -> None:
    server.will_answer(200, {**QUEUE, "paused": False})
    with Client(server.url) as client:
        assert client.queue().waiting == ("b", "c")


def test_nobody_there_is_an_error_of_its_own() -> None:
    with Client(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(UnreachableError, match="does not answer"):
        client.queue()


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://127.0.0.1:port", "http://[::1"])
def test_what_is_no_url_is_said_as_such(url: str) -> None:
    def ask() -> None:
        with Client(url) as client:
            client.queue()

    with pytest.raises(UnreachableError):
        ask()


def test_a_service_that_hangs_is_given_up_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout=0.1) as client, pytest.raises(UnreachableError, match="timed out"):
            client.queue()
        assert time.monotonic() - began < 5


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    server.will_answer(200, QUEUE)
    with Client(server.url) as client:
        assert client.queue().queued == 2


def test_an_id_cannot_lead_to_another_resource(server: ScriptedServer) -> None:
    server.will_answer(404, {"title": "Not Found", "status": 404, "detail": "there is no experiment '../queue'"})
    with Client(server.url) as client, pytest.raises(ProblemError, match="no experiment"):
        client.get("../queue?x=#y")
    assert server.asked == ["/v1/experiments/..%2Fqueue%3Fx%3D%23y"]


def test_readiness_is_yes_or_no_and_anything_else_an_error(server: ScriptedServer) -> None:
    server.will_answer(200, {"status": "ok"})
    server.will_answer(503, {"title": "Service Unavailable", "status": 503, "detail": "no worker is alive"})
    server.will_answer(404, b"what?")
    with Client(server.url) as client:
        assert client.ready() is True
        assert client.ready() is False
        with pytest.raises(ProblemError, match="404"):
            client.ready()


def failing(*errors: Exception) -> Callable[[], str]:
    remaining = list(errors)

    def call() -> str:
        if remaining:
            raise remaining.pop(0)
        return "there"

    return call


def test_patience_outlasts_a_restart() -> None:
    away, starting = UnreachableError("http://x", "refused"), ProblemError(503, "Service Unavailable", None)
    assert patiently(failing(away, starting), patience=5) == "there"


def test_patience_ends() -> None:
    away = UnreachableError("http://x", "refused")
    began = time.monotonic()
    with pytest.raises(UnreachableError):
        patiently(failing(*[away] * 100), patience=0.3)
    assert time.monotonic() - began < 3


def test_an_answer_that_will_not_change_is_not_asked_for_again() -> None:
    call = failing(ProblemError(404, "Not Found", None))
    with pytest.raises(ProblemError):
        patiently(call, patience=5)
    assert call() == "there"


def test_pages_are_followed_to_the_limit(server: ScriptedServer) -> None:
    server.will_answer(200, {"items": [], "next_cursor": "c/1", "total": 3})
    server.will_answer(200, {"items": [], "next_cursor": None, "total": 3})
    with Client(server.url) as client:
        assert list(client.iterate(state=State.QUEUED, dataset=None, limit=5)) == []
    first, second = server.asked
    assert first == "/v1/experiments?sort=-created_at&limit=5&state=queued"
    assert "cursor=c%2F1" in second
