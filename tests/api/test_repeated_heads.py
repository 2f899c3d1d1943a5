"""What comes as it came before skips the parser, and is answered as ever: by bytes over a socket."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest
from structlog.testing import capture_logs

from service.api.connections import PATIENCE_SECONDS, Connection, Phase, Watch
from service.inference.desk import MOST_WAITING
from service.inference.forms import Form
from service.storage import tokens
from tests.api import test_predictions
from tests.api.conftest import Served, serving, settings_for, wait_until
from tests.api.test_access import SPEC, make
from tests.api.test_predictions import file_of, url

trained, images = test_predictions.trained, test_predictions.images

JSON, PNG = "Content-Type: application/json", "Content-Type: image/png"
SMALL = b'{"pixels": [[0, 255], [255, 0]]}'


class Line:
    """A connection, as bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self._received = connection, b""

    def send(self, *requests: bytes) -> None:
        """All in one piece."""
        self.connection.sendall(b"".join(requests))

    def answer(self) -> httpx.Response:
        """The next one."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
        length = int(dict(headers)["content-length"])
        while len(self._received) < length:
            self._receive()
        content, self._received = self._received[:length], self._received[length:]
        return httpx.Response(int(status.split()[1]), headers=headers, content=content)

    def ask(self, request: bytes) -> httpx.Response:
        """Send and wait."""
        self.send(request)
        return self.answer()

    def teach(self, request: bytes) -> None:
        """Until its head is known, whatever came on this connection before."""
        for _ in range(3):
            self.ask(request)

    def _receive(self) -> None:
        part = self.connection.recv(65536)
        assert part, "hung up on"
        self._received += part


@contextmanager
def lined(served: Served) -> Iterator[Line]:
    """A connection of its own."""
    at = httpx.URL(served.url)
    with socket.create_connection((at.host, at.port or 80), timeout=10) as connection:
        yield Line(connection)


@pytest.fixture
def line(served: Served) -> Iterator[Line]:
    """A connection to the one service."""
    with lined(served) as line:
        yield line


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every request that the parser sees."""
    seen: list[str] = []
    begin = Connection.on_message_begin

    def counted(connection: Connection) -> None:
        seen.append("request")
        begin(connection)

    monkeypatch.setattr(Connection, "on_message_begin", counted)
    return seen


def post(path: str, body: bytes, *lines: str) -> bytes:
    """The bytes of a request."""
    head = [f"POST {path} HTTP/1.1", "Host: localhost", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def same(body: bytes, length: int) -> bytes:
    """With blanks at its end, so long."""
    return body.ljust(length)


def test_it_is_answered_as_the_first_was_without_the_parser(
    served: Served, trained: str, images: list[np.ndarray], parsed: list[str], line: Line
) -> None:
    """Red when nothing is learnt, when a header is left out, and when the body is that of the first."""
    for media_type, bodies in (
        (JSON, [same(json.dumps({"pixels": each.tolist()}).encode(), 1500) for each in images[:4]]),
        (PNG, [file_of(images[0])] * 2),
    ):
        line.ask(post(url(trained), bodies[0], media_type))  # loads the network
        first = line.ask(post(url(trained), bodies[0], media_type))
        parsed.clear()
        answers = [line.ask(post(url(trained), body, media_type)) for body in bodies]
        assert not parsed
        for body, answer in zip(bodies, answers, strict=True):
            usual = served.http.post(url(trained), content=body, headers={"Content-Type": media_type.split()[1]})
            assert answer.status_code == usual.status_code == 200
            assert answer.headers["X-Request-ID"] != first.headers["X-Request-ID"]
            for each in (answer, usual):
                del each.headers["X-Request-ID"]
                del each.headers["Date"]
            assert {*answer.headers.items()} == {*usual.headers.items()}
            ours, theirs = answer.json(), usual.json()
            logits = [each["predictions"][0].pop("logits") for each in (ours, theirs)]
            assert logits[0] == pytest.approx(logits[1], abs=1e-4)
            assert ours["predictions"][0]["label"] == theirs["predictions"][0]["label"]


WRONG = {
    "no grid": (b'{"pixels": [[256]]}', 422),
    "no JSON": (b'{"pixels": [[1]', 400),
    "another document": (b'{"images": []}', 422),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_body_under_a_known_head_is_told_as_ever(trained: str, line: Line, wrong: str) -> None:
    body, status = WRONG[wrong]
    for _ in range(3):
        assert line.ask(post(url(trained), same(SMALL, 40), JSON)).status_code == 200
    answer = line.ask(post(url(trained), same(body, 40), JSON))
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert line.ask(post(url(trained), same(SMALL, 40), JSON)).status_code == 200


def test_requests_that_come_together_are_answered_in_their_order(trained: str, line: Line) -> None:
    """Whole, in halves, and on the heels of one that is being answered; red when what came early is dropped."""
    request, other = post(url(trained), SMALL, JSON), b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    line.teach(request)
    line.send(request, other, request)
    assert [line.answer().status_code for _ in range(3)] == [200] * 3
    for at in (10, len(request) - len(SMALL), len(request) - 1):
        line.send(request[:at])
        line.send(request[at:])
        assert "predictions" in line.answer().json()


def test_what_comes_while_one_is_answered_waits_for_its_turn(
    served: Served, trained: str, line: Line, held: Callable[[], threading.Event]
) -> None:
    request = post(url(trained), SMALL, JSON)
    line.teach(request)
    free = held()
    line.send(request)
    wait_until(lambda: served.service.predictor.desk.waiting)
    line.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", request)
    open_ones = served.server.server_state.connections
    wait_until(lambda: any(isinstance(each, Connection) and each.flow.read_paused for each in open_ones))
    free.set()
    assert ["predictions" in line.answer().text for _ in range(3)] == [True, False, True]


@pytest.fixture
def held(served: Served, monkeypatch: pytest.MonkeyPatch) -> Callable[[], threading.Event]:
    """Lets no network compute until the event is set."""

    def hold() -> threading.Event:
        free = threading.Event()
        for lane in served.service.predictor.desk.lanes():
            run = lane.form.run

            def slow(images: np.ndarray, run: Any = run) -> np.ndarray:
                assert free.wait(10)
                said: np.ndarray = run(images)
                return said

            monkeypatch.setattr(lane, "form", Form("held", slow))  # of unknown cost: in a thread
        return free

    return hold


def test_what_the_database_says_now_is_what_counts(served: Served, trained: str, parsed: list[str], line: Line) -> None:
    request = post(url(trained), SMALL, JSON)
    for _ in range(3):
        assert line.ask(request).status_code == 200
    parsed.clear()
    assert line.ask(request).status_code == 200
    assert not parsed
    assert served.http.delete(f"/v1/experiments/{trained}").status_code == 204
    assert line.ask(request).status_code == 404


def test_past_the_bound_the_answer_is_503_with_its_time(
    served: Served, trained: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = post(url(trained), SMALL, JSON)
    line.teach(request)
    with monkeypatch.context() as patched:
        patched.setattr(served.service.predictor.desk, "waiting", MOST_WAITING)
        answer = line.ask(request)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


@pytest.fixture
def hasty(
    served: Served, held: Callable[[], threading.Event], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], threading.Event]:
    """The same, while nobody waits for long."""

    def hold() -> threading.Event:
        monkeypatch.setattr(served.service.predictor.desk, "_longest", 0.2)
        return held()

    return hold


def test_who_waits_too_long_is_told_so_once(
    trained: str, parsed: list[str], line: Line, hasty: Callable[[], threading.Event]
) -> None:
    """Red when the request begins anew in the usual way."""
    request = post(url(trained), SMALL, JSON)
    line.teach(request)
    free = hasty()
    parsed.clear()
    answer = line.ask(request)
    free.set()
    assert not parsed
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("not read within")
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_network_that_fails_is_asked_again_in_the_usual_way(
    served: Served, trained: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = post(url(trained), SMALL, JSON)
    line.teach(request)
    lane = served.service.predictor.desk.lanes()[-1]
    run, failures = lane.form.run, iter([1])

    def failing(images: np.ndarray) -> np.ndarray:
        if next(failures, None):
            raise RuntimeError("for once")
        said: np.ndarray = run(images)
        return said

    monkeypatch.setattr(lane, "form", Form("failing", failing))
    assert line.ask(request).status_code == 200


def test_who_leaves_is_one_line(served: Served, trained: str, held: Callable[[], threading.Event]) -> None:
    with lined(served) as first, lined(served) as second, capture_logs() as logged:
        request = post(url(trained), SMALL, JSON)
        first.teach(request)
        logged.clear()
        free = held()
        first.send(request)
        wait_until(lambda: served.service.predictor.desk.waiting == 1)
        second.send(request)
        wait_until(lambda: served.service.predictor.desk.waiting == 2)
        second.connection.close()
        wait_until(lambda: logged)
        assert [each["event"] for each in logged] == ["the client went away"]
        assert logged[0]["experiment_id"] == trained
        free.set()
        assert first.answer().status_code == 200


def test_the_line_in_the_log_is_the_usual_one(served: Served, trained: str, line: Line) -> None:
    request = post(url(trained), SMALL, JSON)
    line.teach(request)
    with capture_logs() as logged:
        answer = line.ask(request)
        wait_until(lambda: logged)
    (told,) = logged
    assert isinstance(told.pop("seconds"), float)
    assert told == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "path": url(trained),
        "status": 200,
        "experiment_id": trained,
        "request_id": answer.headers["X-Request-ID"],
    }


ODD = {
    "blank lines before it": lambda request: b"\r\n\r\n" + request,
    "an id of its own": lambda request: request.replace(b"\r\n", b"\r\nX-Request-ID: mine\r\n", 1),
    "a name twice": lambda request: request.replace(b"\r\n", b"\r\nAccept: */*\r\nAccept: text/csv\r\n", 1),
    "an end": lambda request: request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
    "another time": lambda request: request.replace(b"HTTP/1.1", b"HTTP/1.0", 1),
}


@pytest.mark.parametrize("odd", ODD)
def test_only_plain_heads_are_remembered(served: Served, trained: str, parsed: list[str], odd: str) -> None:
    """Red when a head with any header is learnt."""
    request = ODD[odd](post(url(trained), SMALL, JSON))
    assert served.http.post(url(trained), content=SMALL, headers={"Content-Type": "application/json"}).is_success
    for _ in range(3):
        parsed.clear()
        with lined(served) as line:
            line.send(request)
            line.connection.shutdown(socket.SHUT_WR)
            line.connection.recv(65536)
        assert parsed, odd


def test_blank_lines_are_no_head(served: Served, trained: str) -> None:
    """Red when what was learnt need not have been all that came."""
    with lined(served) as line:
        for _ in range(3):
            line.ask(b"\r\n\r\n" + post(url(trained), SMALL, JSON))
        assert line.ask(b"\r\n\r\n" + SMALL).status_code == 400


def test_a_token_is_looked_at_every_time(tmp_path_factory: pytest.TempPathFactory, parsed: list[str]) -> None:
    """Revoked it opens nothing, and its owner's share is counted. Red when the guard is asked for the first only."""
    settings = settings_for(tmp_path_factory.mktemp("closed")).model_copy(update={"owner_predictions": 5})
    with serving(settings) as served, lined(served) as line:
        token_id, secret = make(served.database, "ana")
        served.http.headers["Authorization"] = f"Bearer {secret}"
        request = post(url(served.train(**SPEC)), SMALL, JSON, f"Authorization: Bearer {secret}")
        answers = [line.ask(request) for _ in range(40)]
        assert {each.status_code for each in answers} == {200, 429}
        assert len(parsed) < 40 + 10
        with served.database.writing() as session:
            tokens.revoke(session, token_id, now=datetime.now(UTC))
        assert line.ask(request).status_code == 401


def test_a_body_that_lacks_its_last_blanks_is_not_whole(
    served: Served, trained: str, parsed: list[str], line: Line
) -> None:
    """Red when the length that the head names is not looked at."""
    request = post(url(trained), same(SMALL, 60), JSON)
    line.teach(request)
    parsed.clear()
    line.send(request[:-10])
    wait_until(lambda: parsed)
    line.send(request[-10:])
    assert line.answer().status_code == 200
    assert line.ask(request).status_code == 200


def test_a_connection_in_use_is_not_hung_up_on(served: Served, trained: str, line: Line) -> None:
    """Red when requests that skip the parser are not counted for the watch."""
    request = post(url(trained), SMALL, JSON)
    line.teach(request)
    open_ones = served.server.server_state.connections
    watch = Watch(open_ones)
    for look in range(4):
        wait_until(lambda: all(isinstance(each, Connection) and each.phase is Phase.HEAD for each in open_ones))
        watch.look(look * (PATIENCE_SECONDS[Phase.HEAD] + 1))
        assert line.ask(request).status_code == 200
