"""Submitting, listing, cancelling, continuing, reproducing and deleting, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.domain.experiment import Experiment, State
from service.domain.spec import ExperimentSpec
from tests.api.conftest import Served

SPEC = {"dataset": "digits", "architecture": "mlp", "activation": "tanh", "epochs": 2, "tags": ["tp3"]}


def test_a_submitted_experiment_is_answered_whole_and_is_there_under_its_location(http: httpx.Client) -> None:
    answer = http.post("/v1/experiments", json=SPEC)
    assert answer.status_code == 202
    submitted = Experiment.model_validate(answer.json())
    assert submitted.spec == ExperimentSpec.model_validate(SPEC)
    assert submitted.spec_hash == submitted.spec.spec_hash
    assert (submitted.state, submitted.queue_position, submitted.parameters) == (
        State.QUEUED,
        1,
        64 * 256 + 256 + 34186,
    )
    assert answer.headers["Location"] == f"/v1/experiments/{submitted.id}"
    assert http.get(answer.headers["Location"]).json() == answer.json()
    assert answer.json()["created_at"].endswith("Z")


def test_a_dry_run_answers_the_spec_and_its_ledger_and_stores_nothing(http: httpx.Client) -> None:
    answer = http.post("/v1/experiments", params={"dry_run": "true"}, json=SPEC)
    assert answer.status_code == 200
    preview = answer.json()
    assert set(preview) == {"spec", "spec_hash", "parameters", "ledger", "counterpart", "epoch_estimate"}
    assert preview["epoch_estimate"] is None
    assert preview["parameters"] == preview["ledger"]["parameters"] == 50_826
    assert preview == http.post("/v1/specs/preview", json=SPEC).json()
    assert http.get("/v1/experiments").json()["total"] == 0


def test_augmentations_are_answered_as_a_list_and_errors_point_into_what_was_sent(http: httpx.Client) -> None:
    for sent in ("elastic", {"name": "elastic"}, ["elastic"]):
        answer = http.post("/v1/experiments", json={**SPEC, "dataset": {"name": "digits", "augmentation": sent}})
        assert answer.status_code == 202, answer.text
        elastic = {"name": "elastic", "alpha": 34.0, "sigma": 4.0}
        assert answer.json()["spec"]["dataset"]["augmentation"] == [elastic]
    for wrong, pointer in (
        ("elastc", ""),
        ({"name": "shift", "pixel": 1}, "/pixel"),
        (["shift", {"name": "rotate", "degrees": 181}], "/1/degrees"),
        (["shift", {"name": "shift", "pixels": 5}], ""),
    ):
        answer = http.post("/v1/experiments", json={**SPEC, "dataset": {"name": "digits", "augmentation": wrong}})
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["pointer"] == f"#/dataset/augmentation{pointer}"


def test_the_model_of_a_stored_experiment_is_its_preview(served: Served) -> None:
    experiment_id = served.submit(architecture="lenet5", activation="tanh")
    stored = served.http.get(f"/v1/experiments/{experiment_id}").json()
    model = served.http.get(f"/v1/experiments/{experiment_id}/model").json()
    assert (model["spec"], model["parameters"]) == (stored["spec"], stored["parameters"])
    assert (model["linear_collapse"], model["linear_fit"]) == (None, None)
    assert model["reason"] == f"experiment {experiment_id} is queued: once it is completed it has outputs to look at"
    assert served.http.get("/v1/experiments/nothing/model").status_code == 404


def test_a_network_above_the_limit_is_refused_by_number_and_not_stored(http: httpx.Client) -> None:
    body = {**SPEC, "architecture": {"name": "mlp", "hidden": [65_536, 65_536]}}
    answer = http.post("/v1/experiments", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "pointer": "#/architecture",
            "detail": "has 4,299,948,042 parameters; at most 50,000,000 are allowed",
            "code": "too_many_parameters",
        }
    ]
    assert http.get("/v1/experiments").json()["total"] == 0


def test_the_owner_comes_from_the_header_in_any_alphabet(http: httpx.Client) -> None:
    for name in ("ada", "Zoé 李"):
        answer = http.post("/v1/experiments", json=SPEC, headers={b"X-Ardoise-Owner": name.encode()})
        assert answer.json()["owner"] == name
    assert http.get("/v1/experiments", params={"owner": "Zoé 李"}).json()["total"] == 1


@pytest.mark.parametrize("owner", [b"", b"a" * 201, b"a\x85b", "a\u200bb".encode()])
def test_an_owner_that_cannot_be_shown_is_refused(http: httpx.Client, owner: bytes) -> None:
    answer = http.post("/v1/experiments", json=SPEC, headers={b"X-Ardoise-Owner": owner})
    assert answer.status_code == 422 or (owner == b"a\x85b" and answer.json()["owner"] == "a\ufffdb")


def test_a_repeat_with_the_same_key_is_the_same_experiment(http: httpx.Client) -> None:
    first, second = (http.post("/v1/experiments", json=SPEC, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (second.status_code, second.json()["id"]) == (202, first.json()["id"])
    assert second.headers["Location"] == first.headers["Location"]
    other = http.post("/v1/experiments", json={**SPEC, "seed": 1}, headers={"Idempotency-Key": "k"})
    assert other.status_code == 409
    theirs = http.post("/v1/experiments", json=SPEC, headers={"Idempotency-Key": "k", "X-Ardoise-Owner": "ada"})
    assert theirs.json()["id"] != first.json()["id"]


def test_a_key_used_many_times_at_once_makes_one_experiment(served: Served) -> None:
    def post(_: int) -> str:
        answer = served.http.post("/v1/experiments", json=SPEC, headers={"Idempotency-Key": "many"})
        assert answer.status_code == 202
        return str(answer.json()["id"])

    with ThreadPoolExecutor(12) as pool:
        assert len(set(pool.map(post, range(24)))) == 1
    assert served.http.get("/v1/experiments").json()["total"] == 1


@pytest.mark.parametrize("key", ["", "a b", "é", "k" * 201])
def test_a_key_that_is_none_is_refused(http: httpx.Client, key: str) -> None:
    answer = http.post("/v1/experiments", json=SPEC, headers={b"Idempotency-Key": key.encode()})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/header/Idempotency-Key")


def test_a_long_list_is_sent_as_gzip_to_those_who_take_it(served: Served) -> None:
    for seed in range(5):
        served.submit(seed=seed)
    plain = served.http.get("/v1/experiments", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    for taken in ("gzip", "br, GZIP;q=0.5", "deflate , gzip ; q=1"):
        answer = served.http.get("/v1/experiments", headers={"Accept-Encoding": taken})
        assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
        assert int(answer.headers["Content-Length"]) < len(plain.content) / 2
        assert answer.content == plain.content
    for not_taken in ("gzip;q=0", "gzip; q=0.00, br", "x-gzip", "br"):
        assert (
            "Content-Encoding" not in served.http.get("/v1/experiments", headers={"Accept-Encoding": not_taken}).headers
        )
    short = served.http.get("/v1/experiments?limit=1", headers={"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in short.headers, short.headers["Vary"]) == (False, "Accept-Encoding")


def test_pages_neither_repeat_nor_miss_an_experiment_while_others_are_added(served: Served) -> None:
    early = {served.submit(name=f"early {number}") for number in range(5)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = served.http.get("/v1/experiments", params={"limit": 2, **cursor}).json()
        seen += [item["id"] for item in page["items"]]
        served.submit(name="late")
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(seen) == sorted(early)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"architecture": "mlp"}, 1), ({"dataset": "digits"}, 1), ({"tag": "tp3"}, 1), ({"tag": "tp"}, 0),
        ({"activation": "tanh"}, 1), ({"name": "FIRST"}, 1), ({"name": "%"}, 0), ({"state": "queued"}, 2),
        ({"state": "running"}, 0), ({"sweep_id": "none"}, 0), ({"owner": "nobody"}, 0), ({}, 2),
    ],
)  # fmt: skip
def test_a_list_is_narrowed_by_each_filter(served: Served, query: dict[str, str], found: int) -> None:
    served.submit(name="the first", **{key: SPEC[key] for key in ("dataset", "architecture", "activation", "tags")})
    served.submit(name="another")
    page = served.http.get("/v1/experiments", params=query).json()
    assert (len(page["items"]), page["total"], page["next_cursor"]) == (found, found, None)


def test_a_list_is_sorted_as_asked(served: Served) -> None:
    for name, architecture in (("b", "mlp"), ("a", "perceptron"), ("c", "lenet5")):
        served.submit(name=name, architecture=architecture)

    def names(sort: str) -> list[str]:
        items = served.http.get("/v1/experiments", params={"sort": sort}).json()["items"]
        return [item["name"] for item in items]

    assert names("name") == ["a", "b", "c"]
    assert names("-name") == ["c", "b", "a"]
    assert names("created_at") == ["b", "a", "c"]
    assert names("parameters")[0] == "a"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": "0"}, "#/query/limit"), ({"limit": "201"}, "#/query/limit"), ({"limit": "x"}, "#/query/limit"),
        ({"sort": "size"}, "#/query/sort"), ({"state": "done"}, "#/query/state"), ({"cursor": "x"}, "#/query/cursor"),
        ({"name": "\0"}, "#/query/name"), ({"owner": ""}, "#/query/owner"), ({"limit": "9" * 30}, "#/query/limit"),
        ({"archtecture": "mlp"}, "#/query/archtecture"), ({"limit": "9" * 5000}, "#/query/limit"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_told_by_parameter(http: httpx.Client, query: dict[str, str], pointer: str) -> None:
    answer = http.get("/v1/experiments", params=query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_unknown_parameter_names_the_nearest(http: httpx.Client) -> None:
    listed = http.get("/v1/experiments", params={"archtecture": "mlp"}).json()["errors"][0]
    assert listed["detail"].startswith("unknown parameter 'archtecture'; allowed: architecture, ")
    misspelt = http.post("/v1/experiments", params={"dryrun": "1"}, json=SPEC)
    assert misspelt.status_code == 422
    assert http.get("/v1/experiments").json()["total"] == 0


def test_a_queued_experiment_is_cancelled_at_once_and_a_running_one_is_asked_to_end(served: Served) -> None:
    queued = served.submit()
    answer = served.http.post(f"/v1/experiments/{queued}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    running = served.submit()
    run = served.claim()
    assert served.http.post(f"/v1/experiments/{running}/cancel").json()["state"] == "running"
    served.finish(run, State.CANCELLED)
    again = served.http.post(f"/v1/experiments/{running}/cancel")
    assert again.status_code == 409
    assert "cancelled" in again.json()["detail"]


def test_a_finished_experiment_is_continued_as_one_series(served: Served) -> None:
    experiment_id = served.completed(epochs=3)
    answer = served.http.post(f"/v1/experiments/{experiment_id}/continue", json={"epochs": 4})
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/experiments/{experiment_id}"
    assert (answer.json()["state"], answer.json()["spec"]["epochs"], answer.json()["test"]) == ("queued", 7, None)
    assert served.http.post(f"/v1/experiments/{experiment_id}/continue", json={"epochs": 4}).status_code == 409


def test_what_has_happened_names_who_did_it(served: Served) -> None:
    ana, bob = {"X-Ardoise-Owner": "ana"}, {"X-Ardoise-Owner": "bob"}
    path = "/v1/experiments/" + served.http.post("/v1/experiments", json=SPEC, headers=ana).json()["id"]
    run = served.claim()
    served.record(run, 1)
    for what, body in (("cancel", None), ("continue", {"epochs": 1}), ("cancel", None)):
        assert served.http.post(f"{path}/{what}", json=body, headers=bob).status_code == 202
        if what == "cancel" and served.http.get(path).json()["state"] == "running":
            served.finish(run, State.CANCELLED)
    history = served.http.get(served.http.get(path).json()["links"]["history"]).json()
    assert [(each["kind"], each["by"], each["worker"]) for each in history["items"]] == [
        ("queued", "ana", None),
        ("claimed", None, "host:1"),
        ("cancel_requested", "bob", None),
        ("cancelled", None, None),
        ("continued", "bob", None),
        ("cancelled", "bob", None),
    ]
    assert history["items"][4]["epoch"] == 1
    assert (history["state"], history["left_out"]) == ("cancelled", 0)
    nothing = served.http.get("/v1/experiments/01997c5e-9f00-7a3b-8c4d-5e6f70819203/history")
    assert nothing.status_code == 404


def test_a_wrong_continuation_is_refused(served: Served) -> None:
    experiment_id = served.completed()
    wrong: list[Any] = [{}, {"epochs": 0}, {"epochs": 10_001}, {"epochs": "1"}, {"epochs": 1, "more": 1}, [], 1]
    for body in wrong:
        answer = served.http.post(f"/v1/experiments/{experiment_id}/continue", json=body)
        assert (answer.status_code, len(answer.json()["errors"])) == (422, 1)


def test_more_epochs_than_the_limit_are_refused(served: Served) -> None:
    experiment_id = served.completed(epochs=3)
    answer = served.http.post(f"/v1/experiments/{experiment_id}/continue", json={"epochs": 9_998})
    assert answer.status_code == 409
    assert "10000" in answer.json()["detail"]


def test_a_completed_experiment_is_reproduced_from_its_spec(served: Served) -> None:
    original = served.completed()
    answer = served.http.post(f"/v1/experiments/{original}/reproduce", headers={"X-Ardoise-Owner": "ada"})
    assert answer.status_code == 202
    repeat = answer.json()
    assert answer.headers["Location"] == f"/v1/experiments/{repeat['id']}"
    assert (repeat["reproduction"]["of"], repeat["reproduction"]["identical"]) == (original, None)
    assert repeat["spec_hash"] == served.http.get(f"/v1/experiments/{original}").json()["spec_hash"]
    assert repeat["owner"] == "ada"
    assert served.http.post(f"/v1/experiments/{repeat['id']}/reproduce").status_code == 409


def test_a_deleted_experiment_is_gone_with_its_rows_and_files_and_a_running_one_stays(served: Served) -> None:
    experiment_id = served.submit()
    run = served.claim()
    served.record(run, 1)
    folder = served.settings.artifacts_dir / experiment_id
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(b"x")
    assert served.http.delete(f"/v1/experiments/{experiment_id}").status_code == 409
    assert folder.exists()
    served.finish(run)
    answer = served.http.delete(f"/v1/experiments/{experiment_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not folder.exists()
    assert served.http.get(f"/v1/experiments/{experiment_id}").status_code == 404
    assert served.http.delete(f"/v1/experiments/{experiment_id}").status_code == 404


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"dataset": "mnits"}, {"#/dataset": "mnist, "}),
        ({"architecture": {"name": "mlp", "hiden": [3]}}, {"#/architecture/hiden": "hidden, "}),
        ({"architecture": {"name": "mlp", "hidden": [1, 0]}}, {"#/architecture/hidden/1": "between 1 and 65536"}),
        ({"epochs": 0, "batch_size": 1e9}, {"#/epochs": "between 1 and 10000", "#/batch_size": "an integer"}),
        ({"optimizer": {"name": "sgd", "learning_rate": -1}}, {"#/optimizer/learning_rate": "at most 1000"}),
        ({"seed": 10**30}, {"#/seed": "must be"}),
        ({"name": "a\u0000b"}, {"#/name": "printable"}),
        ({"tags": ["x" * 65]}, {"#/tags/0": "1 to 64 characters"}),
        ({"<script>": 1, "a/b~c": 2}, {"#/<script>": "unknown field", "#/a~1b~0c": "unknown field"}),
        ({"x" * 50_000: 1}, {"#/" + "x" * 997 + "…": "unknown field"}),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_every_wrong_field_is_told_once_with_what_is_allowed(
    http: httpx.Client, spec: dict[str, Any], wrong: dict[str, str]
) -> None:
    answer = http.post("/v1/experiments", json={"dataset": "digits", "architecture": "mlp", **spec})
    assert answer.status_code == 422
    errors = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert set(errors) == set(wrong)
    for pointer, part in wrong.items():
        assert part in errors[pointer]
    assert http.get("/v1/experiments").json()["total"] == 0
