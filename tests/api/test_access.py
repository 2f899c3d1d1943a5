"""Nobody is in who should not be, and whoever is in does no more than they may: each route, each kind of token."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa

from service import ids, tokens
from service.api import permissions
from service.app import create_app
from service.domain.access import PREFIX, Action, Role, TokenRequest
from service.settings import Settings
from service.storage import Database
from service.storage import tokens as rows
from service.storage.tables import Table, TokenRow
from tests.api.conftest import Served, serving, settings_for, wait_until
from tests.api.test_problems import NOBODY, body_for, filled

OPERATIONS = [
    (method.upper(), path)
    for path, operations in create_app(Settings()).openapi()["paths"].items()
    for method in operations
    if path not in permissions.TO_EVERYBODY and path not in {"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"}
]
CHANGING = [each for each in OPERATIONS if permissions.action(*each) in {Action.ADD, Action.CHANGE}]
SPEC = {"dataset": "synthetic", "architecture": "perceptron", "epochs": 1}
BODIES: dict[str, Any] = {
    "/v1/experiments": SPEC,
    "/v1/sweeps": {"base": SPEC, "seeds": [0, 1]},
    "/v1/labs/{name}/runs": {"offline": True},
    "/v1/shares": {},
    "/v1/tokens": {"role": "admin", "owner": "mallory"},
}
PIXELS = {"pixels": [[0] * 8, *[[0, 0, 0, 200, 200, 0, 0, 0]] * 6, [0] * 8]}


@dataclass
class Class:
    """A service with tokens, and what Ana has on it."""

    served: Served
    http: httpx.Client
    """It shows nothing by itself."""
    secrets: dict[str, str]
    paths: dict[str, str]

    @property
    def database(self) -> Database:
        """The service's own."""
        return self.served.database

    def ask(self, who: str | None, method: str, path: str, body: object = None) -> httpx.Response:
        """A request of somebody: the name of a token, or the token itself; None: without any."""
        shown = {} if who is None else {"Authorization": f"Bearer {self.secrets.get(who, who)}"}
        return self.http.request(method, path, json=body, headers=shown)

    def about(self, path: str) -> str:
        """The path with what is Ana's in it."""
        for name, value in self.paths.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def content(self) -> dict[str, list[Any]]:
        """All rows of all tables."""
        with self.database.reading() as session:
            return {
                table.name: sorted(map(repr, session.execute(sa.select(table))))
                for table in Table.metadata.sorted_tables
            }


def make(database: Database, owner: str, role: Role = Role.STUDENT, *, read_only: bool = False) -> tuple[str, str]:
    """A new token: its id and its secret."""
    wanted = TokenRequest(role=role, owner=owner, read_only=read_only, expires_days=1)
    with database.writing() as session:
        made = tokens.create(session, wanted, now=datetime.now(UTC))
    return made.id, made.token


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    """A class, with an experiment, a sweep, a note, an evaluation and a model of Ana's."""
    with serving(settings_for(tmp_path_factory.mktemp("school"))) as served:
        database = served.database
        secrets = {name: make(database, name)[1] for name in ("ana", "ben")}
        secrets["teacher"] = make(database, "tea", Role.TEACHER)[1]
        secrets["admin"] = make(database, "root", Role.ADMIN)[1]
        secrets["reader"] = make(database, "ana", Role.ADMIN, read_only=True)[1]
        secrets["wrong"] = PREFIX + "x" * 43
        expired, secrets["expired"] = make(database, "ana", Role.ADMIN)
        revoked, secrets["revoked"] = make(database, "ana", Role.ADMIN)
        with database.writing() as session:
            past = datetime.now(UTC) - timedelta(seconds=1)
            session.execute(sa.update(TokenRow).where(TokenRow.id == expired).values(expires_at=past))
            rows.revoke(session, revoked, now=past)
        served.http.headers["Authorization"] = f"Bearer {secrets['ana']}"
        trained = served.train(**SPEC)
        own = f"/v1/experiments/{trained}"
        note = served.http.post(f"{own}/notes", json={"text": "mine"}).json()["id"]
        evaluation = served.http.post(f"{own}/evaluations", json={"dataset": "digits"}).json()["id"]
        assert served.http.put("/v1/models/anas", json={"experiment_id": trained}).status_code == 201
        assert served.http.put("/v1/models/anas/aliases/champion", json={"version": 1}).status_code == 200
        sweep = served.http.post("/v1/sweeps", json=BODIES["/v1/sweeps"]).json()["id"]
        share = served.http.post("/v1/shares", json={}).json()["id"]
        paths = {
            "experiment_id": trained, "sweep_id": sweep, "note_id": note, "evaluation_id": evaluation, "model": "anas",
            "version": "1", "alias": "champion", "share_id": share, "token_id": expired, "name": "tp",
        }  # fmt: skip
        with httpx.Client(base_url=served.url, trust_env=False, timeout=30) as http:
            yield Class(served, http, secrets, paths)


def body_of(path: str, experiment_id: str) -> object:
    """What would be done, were it let be done."""
    if path in BODIES:
        return BODIES[path]
    body = body_for(path)
    return {**body, "experiment_id": experiment_id} if path == "/v1/models/{model}" and isinstance(body, dict) else body


@pytest.mark.parametrize("who", [None, "wrong", "expired", "revoked"])
def test_without_a_valid_token_every_route_is_401_and_nothing_happens(school: Class, who: str | None) -> None:
    """Red when `Guard` lets in everybody to `/v1/workers`, and when `is_valid` forgets either of its halves."""
    before = school.content()
    for method, path in OPERATIONS:
        answer = school.ask(who, method, school.about(path), body_of(path, school.paths["experiment_id"]))
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ardoise"'
    assert school.content() == before


def test_a_token_that_only_reads_changes_nothing_whatever_its_role(school: Class) -> None:
    """It is an admin's of Ana's own. Red when `may` looks at the role before `read_only`."""
    before = school.content()
    for method, path in OPERATIONS:
        asked = permissions.action(method, path)
        about = filled(path) if asked is Action.READ else school.about(path)
        answer = school.ask("reader", method, about, body_of(path, school.paths["experiment_id"]))
        assert (answer.status_code == 403) is (asked is not Action.READ), f"{method} {path}: {answer.status_code}"
        assert answer.status_code != 401
    assert school.content() == before


def test_a_student_changes_nothing_of_another_s(school: Class) -> None:
    """Red when a route that is listed nowhere counts as one that adds, or when its owner is not looked up."""
    before = school.content()
    for method, path in CHANGING:
        if permissions.action(method, path) is Action.CHANGE:
            answer = school.ask("ben", method, school.about(path), body_of(path, school.paths["experiment_id"]))
            assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
            assert "'ana'" in answer.json()["detail"]
    for method, path in OPERATIONS:
        if permissions.action(method, path) is Action.ADMINISTER:
            assert school.ask("ben", method, school.about(path), body_of(path, "")).status_code == 403
            assert school.ask("teacher", method, school.about(path), body_of(path, "")).status_code == 403
        else:
            answer = school.ask("ben", "GET", filled(path))
            assert answer.status_code not in {401, 403}, path
    assert school.content() == before


@pytest.mark.parametrize("who", ["ana", "teacher"])
def test_its_owner_and_a_teacher_change_it(school: Class, who: str) -> None:
    """So that what is refused above is refused for the reason that is given; of ids that are not there nothing goes."""
    for method, path in CHANGING:
        answer = school.ask(who, method, filled(path), body_for(path) or {})
        assert answer.status_code not in {401, 403}, f"{method} {path}: {answer.status_code}"
    note = school.ask("ana", "POST", school.about("/v1/experiments/{experiment_id}/notes"), {"text": "a"}).json()
    path = school.about(f"/v1/experiments/{{experiment_id}}/notes/{note['id']}")
    assert school.ask("ben", "DELETE", path).status_code == 403
    assert school.ask(who, "DELETE", path).status_code == 204


def test_what_is_sent_belongs_to_the_token_s_owner_whatever_a_header_says(school: Class) -> None:
    with httpx.Client(base_url=school.served.url, trust_env=False) as http:
        http.headers.update({"Authorization": f"Bearer {school.secrets['ben']}", "X-Ardoise-Owner": "ana"})
        accepted = http.post("/v1/experiments", json=SPEC)
        assert accepted.json()["owner"] == "ben"
        note = http.post(school.about("/v1/experiments/{experiment_id}/notes"), json={"text": "a"})
        assert note.json()["author"] == "ben"
        again = http.post(school.about("/v1/experiments/{experiment_id}/reproduce"))
        assert again.json()["owner"] == "ben"
        assert http.delete(accepted.headers["Location"]).status_code == 204


def test_of_two_who_give_a_name_at_once_one_has_the_model_and_the_other_is_told_so(school: Class) -> None:
    """Red where whose it is is asked only before there is one: then each puts a version into the other's model."""
    trained = school.served.train(**SPEC | {"seed": 1, "priority": 100})
    parts = school.served.settings.artifacts_dir / "models" / "race"

    weights = {"ana": school.paths["experiment_id"], "ben": trained}

    def put(who: str) -> httpx.Response:
        return school.ask(who, "PUT", "/v1/models/race", {"experiment_id": weights[who]})

    with ThreadPoolExecutor(2) as pool:
        with school.database.writing() as session:
            session.execute(sa.select(1))  # from here on nobody else writes
            answers = {who: pool.submit(put, who) for who in weights}
            wait_until(lambda: len([*parts.glob(".part-*")]) == 2)
        told = {who: answer.result() for who, answer in answers.items()}
    winner, loser = sorted(told, key=lambda who: told[who].status_code)
    assert (told[winner].status_code, told[loser].status_code) == (201, 403)
    assert f"this belongs to {winner!r}" in told[loser].json()["detail"]
    versions = school.ask("ana", "GET", "/v1/models/race").json()["versions"]
    assert [each["experiment_id"] for each in versions] == [weights[winner]]
    assert [each.name.partition("-")[0] for each in parts.iterdir()] == ["1"]


def test_a_revoked_token_stops_at_once_on_the_short_way_of_predictions_too(school: Class) -> None:
    """Red when the guard stands behind the short way, and when it remembers a token without asking for changes."""
    path = school.about("/v1/experiments/{experiment_id}/predictions")
    token_id, secret = make(school.database, "cleo")
    assert [school.ask(who, "POST", path, PIXELS).status_code for who in (secret, secret, None)] == [200, 200, 401]
    elsewhere = Database(school.served.settings.database)
    with elsewhere.writing() as session:
        rows.revoke(session, token_id, now=datetime.now(UTC))
    elsewhere.close()
    assert school.ask(secret, "POST", path, PIXELS).status_code == 401


def test_who_follows_a_run_hears_no_more_of_it_once_their_token_is_revoked(school: Class) -> None:
    """Red where the stream asks who reads it at its beginning alone."""
    token_id, secret = make(school.database, "hal")

    def follow(who: str) -> list[str]:
        """The events of a run that is cancelled meanwhile."""
        path = f"/v1/experiments/{school.served.submit()}"
        shown = {"Authorization": f"Bearer {who}"}
        with school.http.stream("GET", f"{path}/events", headers=shown) as answer:
            events = (each for each in answer.iter_lines() if each.startswith("event:"))
            heard = [next(events), next(events)]
            if who == secret:
                with school.database.writing() as session:
                    rows.revoke(session, token_id, now=datetime.now(UTC))
            assert school.ask("ana", "POST", f"{path}/cancel").status_code == 202
            return [*heard, *events]

    begun = ["event: state", "event: progress"]
    assert follow(school.secrets["ben"]) == [*begun, "event: state", "event: end"]
    assert follow(secret) == begun


def test_an_admin_makes_and_revokes_tokens_and_sees_no_secret_again(school: Class) -> None:
    made = school.ask("admin", "POST", "/v1/tokens", {"role": "student", "owner": "dan", "expires_days": 7}).json()
    assert school.ask(made["token"], "GET", "/v1/session").json()["owner"] == "dan"
    listed = school.ask("admin", "GET", "/v1/tokens")
    assert made["id"] in listed.text
    assert made["token"] not in listed.text
    assert school.ask("admin", "DELETE", f"/v1/tokens/{made['id']}").json()["revoked_at"] is not None
    assert school.ask(made["token"], "GET", "/v1/session").status_code == 401
    with school.database.reading() as session:
        assert not [each for table in school.content().values() for each in table if made["token"] in each]
        assert len(rows.listing(session)) > 5


def test_health_and_the_page_itself_are_for_everybody(school: Class) -> None:
    for path in ("/livez", "/readyz", "/v2/health/live", "/", "/web/app.js"):
        assert school.ask(None, "GET", path).status_code not in {401, 403}, path
    for path in ("/docs", "/openapi.json", "/docs/assets/swagger-ui.css", "/nothing", "/v1/session"):
        assert school.ask(None, "GET", path).status_code == 401, path


def test_the_first_token_closes_an_open_service_and_none_is_made_from_afar(served: Served) -> None:
    refused = served.http.post("/v1/tokens", json=BODIES["/v1/tokens"])
    assert refused.status_code == 409
    assert "ardoise token create" in refused.json()["detail"]
    assert served.http.post("/v1/shares", json={}).status_code == 409
    assert served.http.get("/v1/session").json()["open"] is True
    try:
        token_id, secret = make(served.database, "ana")
        assert served.http.get("/v1/queue").status_code == 401
        assert served.http.get("/v1/queue", headers={"Authorization": f"bearer {secret}"}).status_code == 200
        with served.database.writing() as session:
            rows.revoke(session, token_id, now=datetime.now(UTC))
        assert served.http.get("/v1/queue").status_code == 401  # the last one that goes leaves the door shut
    finally:
        with served.database.writing() as session:
            session.execute(sa.delete(TokenRow))
    assert served.http.get("/v1/queue").status_code == 200


def test_a_session_is_a_cookie_that_no_script_reads_and_ends_with_its_token(school: Class) -> None:
    token_id, secret = make(school.database, "eve")
    with httpx.Client(base_url=school.served.url, trust_env=False) as http:
        for wrong in (secret + "x", school.secrets["expired"], school.secrets["revoked"]):
            assert http.post("/v1/session", json={"token": wrong}).status_code == 401
        signed_in = http.post("/v1/session", json={"token": secret})
        cookie = signed_in.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert cookie.startswith(f"ardoise-{httpx.URL(school.served.url).port}=")
        assert 86_000 < int(cookie.partition("Max-Age=")[2].partition(";")[0]) <= 86_400
        assert signed_in.json() == http.get("/v1/session").json()
        assert http.post("/v1/experiments", json=SPEC).json()["owner"] == "eve"
        assert http.delete("/v1/session").status_code == 204
        assert http.get("/v1/session").status_code == 401
        http.post("/v1/session", json={"token": secret})
        with school.database.writing() as session:
            rows.revoke(session, token_id, now=datetime.now(UTC))
        assert http.get("/v1/queue").status_code == 401


def test_behind_a_proxy_that_speaks_tls_the_cookie_and_links_are_for_tls(school: Class) -> None:
    """Red when what the proxy says of its client's scheme is not taken, or the cookie does not ask for it."""
    for scheme in ("https", "http"):
        forwarded = {"X-Forwarded-Proto": scheme, "Authorization": f"Bearer {school.secrets['ana']}"}
        signed_in = school.http.post("/v1/session", json={"token": school.secrets["ana"]}, headers=forwarded)
        school.http.cookies.clear()
        parts = {part.strip() for part in signed_in.headers["Set-Cookie"].split(";")}
        assert ("Secure" in parts) is (scheme == "https")
        made = school.http.post("/v1/shares", json={}, headers=forwarded).json()
        assert made["url"].startswith(f"{scheme}://127.0.0.1:")


def test_a_shared_link_holds_a_token_that_only_reads_and_its_sharer_ends_it(school: Class) -> None:
    wanted = {"view": f"#/experiments/{school.paths['experiment_id']}?tab=notes&x=1", "expires_days": 2}
    made = school.ask("ana", "POST", "/v1/shares", wanted).json()
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)
    fragment = urlsplit(made["url"]).fragment
    asked = httpx.QueryParams(fragment.partition("?")[2])
    assert (fragment.partition("?")[0], f"#/{asked['to']}") == ("/shared", wanted["view"])
    secret = asked["token"]
    assert school.ask(secret, "GET", "/v1/session").json()["read_only"] is True
    assert school.ask(secret, "POST", "/v1/experiments", SPEC).status_code == 403
    assert school.ask("ben", "DELETE", f"/v1/shares/{made['id']}").status_code == 403
    assert school.ask("ana", "DELETE", f"/v1/shares/{made['id']}").status_code == 200
    assert school.ask(secret, "GET", "/v1/session").status_code == 401


def test_ids_of_the_walk_are_of_things_that_are_there(school: Class) -> None:
    """Or else a route could answer 404 where it should have refused."""
    paths = (
        "/v1/experiments/{experiment_id}", "/v1/sweeps/{sweep_id}", "/v1/experiments/{experiment_id}/notes/{note_id}",
        "/v1/models/{model}/versions/{version}", "/v1/models/{model}/aliases/{alias}",
        "/v1/experiments/{experiment_id}/evaluations/{evaluation_id}",
    )  # fmt: skip
    for path in paths:
        assert school.ask("ben", "GET", school.about(path)).status_code == 200, path
    assert NOBODY not in school.paths.values()
    assert ids.new() > school.paths["experiment_id"]
