"""Who asks for more than their share is told when to ask again, and others notice nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from service import tokens
from service.domain.access import Role, TokenRequest
from tests.api.conftest import Served, serving, settings_for
from tests.api.test_access import PIXELS, SPEC

LIMITS = {"owner_queued": 3, "owner_submissions": 6, "owner_predictions": 5}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with small limits."""
    settings = settings_for(tmp_path_factory.mktemp("limited")).model_copy(update=LIMITS)
    with serving(settings) as served:
        yield served


def client(served: Served, owner: str, *, read_only: bool = False) -> httpx.Client:
    """Of an owner who has a token."""
    wanted = TokenRequest(role=Role.STUDENT, owner=owner, read_only=read_only)
    with served.database.writing() as session:
        made = tokens.create(session, wanted, now=datetime.now(UTC))
    headers = {"Authorization": f"Bearer {made.token}"}
    return httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=30)


def test_more_runs_than_may_wait_are_refused_all_or_none(limited: Served) -> None:
    """Red when the runs are counted before they are stored, or not at all."""
    with client(limited, "ana") as ana, client(limited, "ben") as ben:
        assert ana.post("/v1/experiments", json=SPEC).status_code == 202
        refused = ana.post("/v1/sweeps", json={"base": SPEC, "seeds": [0, 1, 2]})
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
        assert refused.json()["detail"] == "'ana' may have 3 runs waiting, and this would be more: nothing was stored"
        assert ana.get("/v1/experiments", params={"owner": "ana"}).json()["total"] == 1
        assert ana.post("/v1/sweeps", json={"base": SPEC, "seeds": [0, 1]}).status_code == 202
        assert ana.post("/v1/experiments", json=SPEC).status_code == 429
        assert ben.post("/v1/experiments", json=SPEC).status_code == 202


def test_more_submissions_in_a_minute_than_an_owner_has_are_refused(limited: Served) -> None:
    """Of all of an owner's tokens together; another's go through. Red when the owner is not told from the token."""
    with client(limited, "cleo") as one, client(limited, "cleo") as two, client(limited, "dan") as dan:
        statuses = [each.post("/v1/experiments?dry_run=true", json=SPEC).status_code for each in (one, two) * 4]
        assert statuses == [200] * 6 + [429] * 2
        refused = one.post("/v1/experiments?dry_run=true", json=SPEC)
        assert 0 < int(refused.headers["Retry-After"]) <= 10
        assert refused.json()["detail"].startswith(
            "'cleo' may ask for 6 submissions in 60 seconds; there is room again"
        )
        assert dan.post("/v1/experiments?dry_run=true", json=SPEC).status_code == 200
        assert one.get("/v1/queue").status_code == 200


def test_who_has_only_a_link_of_theirs_spends_nothing_of_an_owner_s(limited: Served) -> None:
    """Red when a token that only reads counts before it is refused."""
    with client(limited, "ida") as ida, client(limited, "ida", read_only=True) as anybody:
        refused = [anybody.post("/v1/experiments?dry_run=true", json=SPEC).status_code for _ in range(10)]
        assert refused == [403] * 10
        assert ida.post("/v1/experiments?dry_run=true", json=SPEC).status_code == 200


def test_more_predictions_in_a_second_than_an_owner_has_are_refused(limited: Served) -> None:
    """On the short way and on the long one, counted together. Red when the guard stands behind the short way."""
    with client(limited, "eve") as eve, client(limited, "fay") as fay:
        limited.http.headers["Authorization"] = eve.headers["Authorization"]
        limited.clear()
        path = f"/v1/experiments/{limited.train(**SPEC)}/predictions"
        assert fay.post(path, json=PIXELS).status_code == 200
        answers = [eve.post(path, json=PIXELS) for _ in range(40)]
        refused = [each for each in answers if each.status_code == 429]
        assert answers[0].status_code == 200
        assert {each.status_code for each in answers} == {200, 429}
        assert refused[0].headers["Retry-After"] == "1"
        assert fay.post(path, json=PIXELS).status_code == 200


@pytest.mark.parametrize(
    ("way", "count"), [("json", 60), ("csv", 60), ("doctor", 60), ("infer", 60), ("infer", 12)], ids=str
)
def test_each_image_of_a_request_counts(limited: Served, way: str, count: int) -> None:
    """The last is so small that it takes the short way. Red when a request counts as one, whatever is in it."""
    owner = f"{way} of {count}"
    with client(limited, owner) as http, client(limited, f"not {owner}") as another:
        limited.http.headers["Authorization"] = http.headers["Authorization"]
        limited.clear()
        run = limited.train(**SPEC)
        path = f"/v1/experiments/{run}/predictions" + {"csv": "?format=csv", "doctor": "?doctor=true"}.get(way, "")
        body: dict[str, object] = {"images": [PIXELS] * count}
        if way == "infer":
            assert http.put("/v1/models/counted", json={"experiment_id": run}).status_code == 201
            path, data = "/v2/models/counted/infer", [0] * 256 * count
            body = {"inputs": [{"name": "image", "datatype": "FP32", "shape": [count, 16, 16], "data": data}]}
        assert http.post(path, json=body).status_code == 200
        refused = http.post(path, json=body)
        assert refused.status_code == 429
        assert count / 5 - 2 <= int(refused.headers["Retry-After"]) <= count / 5
        assert f"{owner!r} may ask for 5 images a second; there is room again in" in refused.text
        assert another.post(path, json=body).status_code == 200


def test_an_open_service_has_no_limits(served: Served) -> None:
    assert {served.http.get("/v1/queue").status_code for _ in range(5)} == {200}
    assert served.service.submissions.most > 0
    for _ in range(served.service.submissions.most + 1):
        assert served.http.post("/v1/experiments?dry_run=true", json={}).status_code == 422
