"""Every error on every route is one shape, whatever it is about."""

import asyncio
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from structlog.testing import capture_logs

from service.api import problems
from service.app import create_app
from service.domain.access import Admission
from service.domain.problem import Problem
from service.errors import DamagedCheckpointError, FencedError
from service.settings import Settings
from service.storage.engine import sqlite_module
from tests.api.conftest import Served

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOBODY = "01997c5e-9f00-7a3b-8c4d-5e6f70819203"
STRANGE = ("no-id", NOBODY.upper(), "%00", "9" * 5000, "..%2f..", "%ff", "%E2%80%AE")
_FOUND: dict[str, dict[str, Any]] = create_app(Settings()).openapi()["paths"]
PATHS = {path: found for path, found in _FOUND.items() if not path.startswith("/v2")}
"""All but those of the Open Inference Protocol, whose errors `test_open_inference` looks at."""
OPERATIONS = [(method.upper(), path) for path, operations in PATHS.items() for method in operations]


def filled(path: str, an_id: str = NOBODY) -> str:
    for name, value in (
        ("experiment_id", an_id),
        ("sweep_id", an_id),
        ("note_id", an_id),
        ("token_id", an_id),
        ("share_id", an_id),
        ("evaluation_id", an_id),
        ("checkpoint", "best"),
        ("name", "nothing"),
        ("index", "0"),
        ("model", an_id),
        ("version", "1"),
        ("alias", "champion"),
    ):
        path = path.replace(f"{{{name}}}", value)
    return path


def body_for(path: str) -> object:
    """A body that the route takes, so that it gets as far as the thing that is not there."""
    bodies = {
        "continue": {"epochs": 1}, "predictions": {"pixels": [[0]]}, "notes": {"text": "a"},
        "evaluations": {"dataset": "digits"}, "{model}": {"experiment_id": NOBODY}, "{alias}": {"version": 1},
    }  # fmt: skip
    return bodies.get(path.rpartition("/")[2])


def a_problem(answer: httpx.Response, status: int) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = Problem.model_validate(answer.json())
    assert (problem.status, problem.type) == (status, "about:blank")
    assert problem.instance == httpx.URL(answer.request.url).raw_path.decode().partition("?")[0]
    assert problem.request_id == answer.headers["X-Request-ID"]
    return problem


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if "{" in each[1]])
def test_what_is_not_there_is_404_on_every_route(http: httpx.Client, method: str, path: str) -> None:
    problem = a_problem(http.request(method, filled(path), json=body_for(path)), 404)
    assert ("'nothing'" if "{name}" in path else NOBODY) in problem.detail


@pytest.mark.parametrize("path", [path for path, operations in PATHS.items() if "_id}" in path and "get" in operations])
def test_what_is_no_id_names_nothing_on_every_route(http: httpx.Client, path: str) -> None:
    for strange in STRANGE:
        answer = http.get(filled(path, strange))
        assert answer.status_code == 404
        assert len(answer.json()["detail"]) < 500


@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_405_and_told_all_that_are_allowed(http: httpx.Client, path: str) -> None:
    allowed = {method.upper() for method in PATHS[path]}
    for method in set(METHODS) - allowed:
        answer = http.request(method, filled(path))
        a_problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if each[1].startswith("/v1/")])
def test_an_unknown_parameter_is_422_on_every_route(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, filled(path), params={"nonsense": "1"}, json=body_for(path))
    problem = a_problem(answer, 422)
    assert [error.pointer for error in problem.errors or ()] == ["#/query/nonsense"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1", "/v1/experiments/", "/v1/nothing", "/v2nothing", "/%00", "/docs/assets/none.js"]
)
def test_an_unknown_path_is_404(http: httpx.Client, path: str) -> None:
    assert http.get(path).headers["Content-Type"] == "application/problem+json"
    assert http.get(path).status_code == 404


def test_titles_are_those_of_the_standard(http: httpx.Client) -> None:
    assert http.post("/v1/experiments", json={}).json()["title"] == "Unprocessable Content"
    assert http.get("/nothing").json()["title"] == "Not Found"
    assert {status for status in HTTPStatus if status.phrase.startswith("Request Entity")} == {413}


def test_a_locked_database_is_503_with_a_time_to_come_again(served: Served) -> None:
    # The service's own SQLite: two copies of the library in one process do not see each other's locks.
    other_connection = sqlite_module().connect(served.settings.home / "ardoise.db", isolation_level=None)
    with _impatiently(served), closing(other_connection) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = served.http.post("/v1/experiments", json={"dataset": "digits", "architecture": "mlp"})
        a_problem(answer, 503)
        assert int(answer.headers["Retry-After"]) >= 1
        assert served.http.get("/v1/experiments").status_code == 200
        other.execute("ROLLBACK")
    assert served.http.get("/v1/experiments").json()["total"] == 0


class _impatiently:  # noqa: N801  # reads as what it does
    """For the block, a writer of this service waits 10 ms for another, not half a minute."""

    def __init__(self, served: Served) -> None:
        self.engine = served.database.engine

    def __enter__(self) -> None:
        self.engine.dispose()
        self.listener = lambda connection, *_: connection.execute("PRAGMA busy_timeout=10")
        sa.event.listen(self.engine, "checkout", self.listener)

    def __exit__(self, *_: object) -> None:
        sa.event.remove(self.engine, "checkout", self.listener)
        self.engine.dispose()


class Everybody:
    """In the database's place: there are no tokens."""

    async def find(self, _key: str | None) -> Admission:
        return Admission(token=None, is_closed=False)


@pytest.fixture
def failing(tmp_path: Path) -> FastAPI:
    """The real app, not started, with routes that fail in ways that no request can bring about."""
    app = create_app(Settings(home=tmp_path))
    app.state.service = SimpleNamespace(admissions=Everybody())

    @app.get("/fail/bug")
    def bug() -> None:
        raise ZeroDivisionError("a secret in a message")

    @app.get("/fail/fenced")
    def fenced() -> None:
        raise FencedError("attempt 1 is over")

    @app.get("/fail/damaged")
    def damaged() -> None:
        raise DamagedCheckpointError("weights\ud800 are damaged" + "!" * 10_000)

    return app


async def _ask(app: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        return await http.get(path)


@pytest.mark.parametrize("path", ["/fail/bug", "/fail/fenced"])
def test_a_bug_is_a_500_that_says_nothing_and_is_logged_with_its_trace(failing: FastAPI, path: str) -> None:
    with capture_logs() as logged:
        answer = asyncio.run(_ask(failing, path))
    problem = a_problem(answer, 500)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert problem.errors is None
    errors = [line for line in logged if line["log_level"] == "error"]
    assert len(errors) == 1
    assert errors[0]["exc_info"]


def test_text_that_is_no_unicode_or_endless_is_answered_safely(failing: FastAPI) -> None:
    problem = a_problem(asyncio.run(_ask(failing, "/fail/damaged")), 409)
    assert problem.detail.startswith("weights\\ud800 are damaged!!!")
    assert len(problem.detail) <= problems.LONGEST_TEXT + 5
