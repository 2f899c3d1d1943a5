"""Who takes too long over a request is hung up on, and nobody else notices. Seen red with each patience endless."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from structlog.testing import capture_logs

from service.api import connections
from service.api.connections import MOST_HEAD_BYTES, PATIENCE_SECONDS, Phase
from tests.api.conftest import PATIENCE_SECONDS as LONG_SECONDS
from tests.api.conftest import Served, serving, settings_for

SHORT_SECONDS = 0.1
POST = b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HALVES = {
    "nothing at all": b"",
    "half a line": b"GET /li",
    "half a head": b"GET /livez HTTP/1.1\r\nHost: local",
    "no body": POST + b"Content-Length: 100\r\n\r\n",
    "half a body": POST + b"Content-Length: 100\r\n\r\n{",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "one answer, and half a head": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /li",
}


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with little patience."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connections, "LOOK_SECONDS", SHORT_SECONDS / 10)
        for phase in PATIENCE_SECONDS:
            patched.setitem(PATIENCE_SECONDS, phase, SHORT_SECONDS)
        with serving(settings_for(tmp_path_factory.mktemp("hasty"))) as served:
            yield served


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 80), timeout=LONG_SECONDS) as connection:
        yield connection


def read_to_the_end(connection: socket.socket) -> bytes:
    """All that comes until the other side hangs up; TimeoutError where it does not."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("half", HALVES)
def test_half_a_request_is_hung_up_on(hasty: Served, half: str) -> None:
    with connected(hasty) as connection:
        connection.sendall(HALVES[half])
        read_to_the_end(connection)


def test_a_byte_now_and_then_is_no_progress(hasty: Served) -> None:
    def drip(connection: socket.socket) -> None:
        for byte in HALVES["half a head"] * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(SHORT_SECONDS / 10)

    with connected(hasty) as connection, pytest.raises((ConnectionResetError, BrokenPipeError)):
        drip(connection)


def test_who_reads_nothing_of_a_large_answer_is_hung_up_on(hasty: Served) -> None:
    with capture_logs() as lines, connected(hasty) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40)
        deadline = time.monotonic() + LONG_SECONDS
        while not any(line["event"].startswith("hung up") for line in lines):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    (line,) = [line for line in lines if line["event"].startswith("hung up")]
    assert line["waited_for"] == Phase.READER


def test_one_line_tells_of_it(hasty: Served) -> None:
    with capture_logs() as lines, connected(hasty) as connection:
        connection.sendall(HALVES["half a body"])
        read_to_the_end(connection)
        hasty.http.get("/livez")
    assert [line["waited_for"] for line in lines if line["event"].startswith("hung up")] == [Phase.BODY]
    assert not [line for line in lines if line["log_level"] in ("warning", "error")]


def test_who_asks_to_wait_is_waited_for(hasty: Served) -> None:
    path = f"/v1/experiments/{hasty.submit()}/metrics"
    assert hasty.http.get(path, params={"wait": 10 * SHORT_SECONDS}).status_code == 200
    hasty.clear()


def test_many_slow_ones_are_no_hindrance_to_the_others(served: Served) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        for number in range(200):
            connection = stack.enter_context(connected(served))
            connection.sendall([*HALVES.values()][number % len(HALVES)])
        answers = pool.map(lambda _: httpx.get(f"{served.url}/livez", trust_env=False, timeout=LONG_SECONDS), range(40))
        assert {answer.status_code for answer in answers} == {200}


def test_a_head_without_an_end_is_refused(served: Served) -> None:
    line = b"X-More: " + b"a" * 1000 + b"\r\n"
    with connected(served) as connection:
        try:
            connection.sendall(b"GET /livez HTTP/1.1\r\n")
            for _ in range(2 * MOST_HEAD_BYTES // len(line)):
                connection.sendall(line)
        except OSError:
            pass
        else:
            answer = read_to_the_end(connection)
            assert answer == b"" or b"431" in answer.partition(b"\r\n")[0]  # a reset may overtake it
    assert served.http.get("/livez", headers={"X-More": "a" * 50_000}).status_code == 200


def test_one_connection_too_many_is_told_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(connections, "MOST_CONNECTIONS", 0)
        refused = httpx.get(f"{served.url}/livez", trust_env=False)
    assert refused.status_code == 503
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "5"
    assert refused.json()["status"] == 503
    assert served.http.get("/livez").status_code == 200


def test_what_is_no_http_is_told_so(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = read_to_the_end(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
