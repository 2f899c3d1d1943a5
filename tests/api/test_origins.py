"""A page of another site changes nothing here, under whatever name it calls, and every answer is shut to it."""

from collections.abc import Iterator

import httpx
import pytest

from service.api.guard import is_this_machine
from service.domain.origins import host_name
from tests.api.conftest import Served, serving, settings_for

SPEC = {"dataset": "synthetic", "architecture": "perceptron", "epochs": 1}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An open service that also goes by another name."""
    settings = settings_for(tmp_path_factory.mktemp("named")).model_copy(
        update={"allowed_hosts": "Slate.school, x.test"}
    )
    with serving(settings) as served:
        yield served


def port_of(served: Served) -> int:
    port = httpx.URL(served.url).port
    assert port is not None
    return port


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost.evil.test:{port}"},
        {"Origin": "http://[::1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "anything"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.test"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:{port}"},
    ],
    ids=str,
)
def test_a_page_of_another_site_changes_nothing(named: Served, method: str, headers: dict[str, str]) -> None:
    """Red when either header is not looked at, and when an origin counts by its host without the port."""
    experiment_id = named.submit()
    sent = {name: value.format(port=port_of(named)) for name, value in headers.items()}
    path = "/v1/experiments" if method == "POST" else f"/v1/experiments/{experiment_id}"
    answer = named.http.request(method, path, json=SPEC, headers=sent)
    assert (answer.status_code, answer.json()["status"]) == (403, 403)
    assert named.http.get("/v1/experiments").json()["total"] == 1
    assert not [name for name in answer.headers if name.startswith("access-control")]
    named.clear()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "LOCALHOST:{port}", "Origin": "http://localhost:{port}"},
        {"Origin": "https://slate.school", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_our_own_page_and_programs_that_are_no_browsers_change_things(named: Served, headers: dict[str, str]) -> None:
    """The last is a proxy's, which asks under its own name."""
    sent = {name: value.format(port=port_of(named)) for name, value in headers.items()}
    assert named.http.post("/v1/experiments", json=SPEC, headers=sent).status_code == 202
    named.clear()


@pytest.mark.parametrize("method", ["GET", *UNSAFE])
@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:8000", "127.0.0.1.evil.test", "localhost@evil.test", "a b", "[::1", "slate.schoo"]
)
def test_a_name_that_is_not_known_is_answered_nothing(named: Served, method: str, host: str) -> None:
    """Red when every name is known: it is what a page gets whose name was made to point at this machine."""
    answer = named.http.request(method, "/v1/experiments", json=SPEC, headers={"Host": host})
    assert answer.status_code == 421
    assert named.http.get("/v1/experiments").json()["total"] == 0


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.9.9.9:1", 200), ("[::1]:8000", 200), ("a.localhost.", 200), ("x.test", 401),
     ("SLATE.school:80", 401), ("192.168.1.5", 401)],
)  # fmt: skip
def test_an_open_service_is_open_to_those_who_ask_this_machine(named: Served, host: str, status: int) -> None:
    """Under a name that others have for it, it is closed while there are no tokens. Red when any known name will do."""
    assert named.http.get("/v1/queue", headers={"Host": host}).status_code == status


def test_an_open_service_is_closed_to_who_comes_through_a_proxy(named: Served) -> None:
    for name in ("X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"):
        assert named.http.get("/v1/queue", headers={name: "1.2.3.4"}).status_code == 401


@pytest.mark.parametrize(
    ("server", "is_open"),
    [(("127.0.0.1", 8000), True), (("::1", 8000), True), (("::ffff:127.0.0.1", 1), True), (("192.168.1.5", 1), False),
     (("::", 1), False), (("/run/a.sock", None), False), (None, False)],
)  # fmt: skip
def test_a_connection_that_may_come_from_elsewhere_finds_no_service_open(
    server: tuple[str, int | None] | None, is_open: bool
) -> None:
    """What the connection says of itself, whatever the settings were."""
    assert is_this_machine({"server": server}, "localhost", {}) is is_open


def test_every_answer_is_shut(named: Served) -> None:
    """Errors, refusals, the page, files and pictures."""
    paths = ("/", "/web/app.js", "/v1/queue", "/v1/nothing", "/docs", "/v1/datasets/digits/samples.png", "/livez")
    answers = [named.http.get(path) for path in paths]
    answers += [named.http.get("/", headers={"Host": "evil.test"}), named.http.post("/v1/experiments", json={})]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert len(answer.headers.get_list("Content-Security-Policy")) == 1
    preflight = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    assert "Access-Control-Allow-Origin" not in named.http.options("/v1/experiments", headers=preflight).headers


def test_a_refusal_is_logged_and_answered_like_any_other_problem(named: Served) -> None:
    answer = named.http.get("/v1/queue", headers={"Host": "evil.test", "X-Request-ID": "mine"})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "mine"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "'evil.test' is no name of this service; ARDOISE_ALLOWED_HOSTS can add one"


def test_names_are_read_as_browsers_write_them() -> None:
    assert [host_name(each) for each in ("A.b:80", "[::1]:5", "1.2.3.4", "", "a:b", "a/b", "a:123456")] == [
        "a.b", "::1", "1.2.3.4", None, None, None, None,
    ]  # fmt: skip
