"""What is sent to break things costs one clear answer each, and never a 500."""

import gzip
import socket
from collections.abc import Iterator

import httpx
import pytest

from service.api.json_bodies import MOST_BYTES
from tests.api.conftest import Served

JSON = {"Content-Type": "application/json"}
GOOD = b'{"dataset": "digits", "architecture": "mlp"}'
MEBIBYTE = 1024 * 1024


def nothing_is_stored(http: httpx.Client) -> bool:
    return bool(http.get("/v1/experiments").json()["total"] == 0)


def a_problem(answer: httpx.Response, status: int) -> str:
    """The detail of what must be a problem of this status."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return str(problem["detail"])


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"{", "line 1, column 2"),
        (b"{}\n}", "line 2, column 1"),
        (b" ", "line 1, column 2"),
        (b'{"dataset": NaN}', "NaN"),
        (b'{"seed": -Infinity}', "-Infinity"),
        (b'{"name": "\xff"}', "byte 10"),
        (b"\xef\xbb\xbf{}", ""),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": "b\nc"}', "line 1"),
        (b"[" * 60_000, "deeply"),
        (b'{"a":' * 12_000, "deeply"),
        (b'{"seed": ' + b"9" * 10_000 + b"}", "digits"),
        (b"{'a': 1}", "line 1"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_not_json_is_told_and_where(http: httpx.Client, body: bytes, part: str) -> None:
    detail = a_problem(http.post("/v1/experiments", content=body, headers=JSON), 400)
    assert part in detail
    assert nothing_is_stored(http)


@pytest.mark.parametrize(
    "body",
    [
        b"null", b"1", b'"mnist"', b"[]", b"{}", b"1e400", b'{"epochs": 1e400}', b'{"seed": 99999999999999999999}',
        b'{"seed": -9223372036854775809}', b'{"dataset": {}}', b'{"dataset": []}', b'{"dataset": {"name": {}}}',
        b'{"architecture": {"name": "mlp", "hidden": {}}}', b'{"optimizer": 3}', b'{"tags": "tp3"}',
        b'{"name": "\\u0000"}', b'{"dataset": "digits\\u0000"}', b'{"\\u0000": 1}', b'{"": 1}',
        b'{"early_stopping": []}',
        b'{"architecture": {"name": "mlp", "hidden": [' + b"1," * 30_000 + b"1]}}",
        b'{"architecture": {"name": "mlp", "hidden": [' + b"2.5," * 15_000 + b"1]}}",
        b'{"tags": [' + b'"",' * 20_000 + b'""]}',
        b'{"dataset": "' + b"m" * 60_000 + b'"}',
        b"{" + b",".join(b'"%d":0' % number for number in range(7_000)) + b"}",
    ],
    ids=lambda value: str(value)[:32],
)  # fmt: skip
def test_json_that_is_no_spec_is_told_by_field_in_a_short_answer(http: httpx.Client, body: bytes) -> None:
    spec = body.replace(b"{", b'{"architecture": "mlp", "dataset": "digits", ', 1) if b":" in body else body
    answer = http.post("/v1/experiments", content=spec, headers=JSON)
    a_problem(answer, 422)
    assert 1 <= len(answer.json()["errors"]) <= 100
    assert len(answer.content) < 100_000
    assert answer.elapsed.total_seconds() < 1
    assert nothing_is_stored(http)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "image/png", "json", ""])
@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/specs/preview"])
def test_another_content_type_is_told_what_is_needed(http: httpx.Client, path: str, media_type: str) -> None:
    detail = a_problem(http.post(path, content=GOOD, headers={"Content-Type": media_type}), 415)
    assert "application/json" in detail
    assert nothing_is_stored(http)


def test_a_body_of_no_declared_type_is_refused_and_no_body_at_all_is_a_missing_one(http: httpx.Client) -> None:
    a_problem(http.post("/v1/experiments", content=GOOD), 415)
    answer = http.post("/v1/experiments")
    a_problem(answer, 422)
    assert answer.json()["errors"] == [{"pointer": "#", "detail": "is required", "code": "missing"}]


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/vnd.ardoise+json"])
def test_json_by_any_of_its_names_is_taken(http: httpx.Client, media_type: str) -> None:
    assert http.post("/v1/specs/preview", content=GOOD, headers={"Content-Type": media_type}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/v1/experiments", "/v1/experiments/{}/predictions", "/v1/models/any/predictions", "/v2/models/any/infer"]
)
def test_a_compressed_body_is_told_to_come_as_it_is(served: Served, path: str) -> None:
    known = served.train(epochs=2)
    headers = JSON | {"Content-Encoding": "gzip"}
    answer = served.http.post(path.format(known), content=gzip.compress(GOOD), headers=headers)
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")
    assert "the encoding 'gzip' is not accepted" in answer.text
    assert served.http.get("/v1/experiments", headers=headers).status_code == 200


def test_a_declared_body_above_the_limit_is_refused_before_it_is_sent(served: Served) -> None:
    with socket.create_connection((served.http.base_url.host, served.http.base_url.port or 0), timeout=10) as client:
        client.sendall(
            b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999999999999\r\n\r\n"
        )
        answer = client.recv(65536)
    assert answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))


def test_a_declared_body_just_above_the_limit_is_413(served: Served) -> None:
    content = b" " * (served.settings.max_body_bytes + 1)
    detail = a_problem(served.http.post("/v1/experiments", content=content, headers=JSON), 413)
    assert "524,288" in detail


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/specs/preview"])
@pytest.mark.parametrize("size", [MOST_BYTES + 1, MEBIBYTE])
def test_a_body_that_grows_beyond_the_limit_on_the_way_is_413(http: httpx.Client, path: str, size: int) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(size // 4096 + 1):
            yield b" " * 4096

    a_problem(http.post(path, content=chunks(), headers=JSON), 413)
    assert nothing_is_stored(http)


def test_an_image_that_grows_beyond_the_limit_on_the_way_is_413(served: Served) -> None:
    path = f"/v1/experiments/{served.submit()}/predictions"
    pieces = iter([b"\x89PNG" * 1024] * 256)
    answer = served.http.post(path, content=pieces, headers={"Content-Type": "image/png"})
    assert "524,288" in a_problem(answer, 413)


def test_a_body_within_the_limit_may_come_in_pieces(http: httpx.Client) -> None:
    answer = http.post("/v1/specs/preview", content=iter([GOOD[:7], GOOD[7:]]), headers=JSON)
    assert answer.status_code == 200
