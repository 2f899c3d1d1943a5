"""The registry over HTTP: versions that outlive their experiments, aliases that go back, and what they read."""

import shutil
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.torch import load

from service import datasets, model_files
from service.domain.checkpoint import MANIFEST, WEIGHTS
from service.domain.registry import Alias, AliasChange, ModelList, ModelVersion, RegisteredModel, before
from service.errors import NotReadyError
from service.storage import aliases
from service.storage import registry as rows
from service.storage.registry import StoredVersion
from tests.api.conftest import NOON, NOWHERE, Served


@pytest.fixture
def trained(served: Served) -> str:
    """A perceptron of generated digits with two stored epochs; what other tests left of models is gone."""
    shutil.rmtree(served.settings.artifacts_dir / model_files.FOLDER, ignore_errors=True)
    return served.train(epochs=2, checkpoints={"keep": "all"})


@pytest.fixture
def image() -> list[list[int]]:
    """A test image as pixels."""
    pixels: list[list[int]] = datasets.load("synthetic", data_dir=NOWHERE).test.images[0].tolist()
    return pixels


def add(served: Served, model: str, experiment_id: str, checkpoint: str = "best", **more: Any) -> httpx.Response:
    body = {"experiment_id": experiment_id, "checkpoint": checkpoint} | more
    return served.http.put(f"/v1/models/{model}", json=body)


def added(served: Served, model: str, experiment_id: str, checkpoint: str = "best") -> ModelVersion:
    answer = add(served, model, experiment_id, checkpoint)
    assert answer.status_code == 201, answer.text
    return ModelVersion.model_validate(answer.json())


def point(served: Served, model: str, version: int, alias: str = "champion") -> Alias:
    answer = served.http.put(f"/v1/models/{model}/aliases/{alias}", json={"version": version})
    assert answer.status_code == 200, answer.text
    return Alias.model_validate(answer.json())


def folder_of(served: Served, model: str, version: int) -> Path:
    with served.database.reading() as session:
        stored: StoredVersion = rows.chosen(session, model, version)
    return served.settings.artifacts_dir / stored.checkpoint.folder


def left(served: Served, model: str) -> list[str]:
    """What lies in the model's folder."""
    own = served.settings.artifacts_dir / model_files.FOLDER / model
    return sorted(each.name for each in own.iterdir()) if own.exists() else []


def test_a_version_says_what_it_is_and_where_it_comes_from(served: Served, trained: str) -> None:
    answer = add(served, "reader", trained, description="the first")
    version = ModelVersion.model_validate(answer.json())
    experiment = served.http.get(f"/v1/experiments/{trained}").json()
    (best, *_) = served.http.get(f"/v1/experiments/{trained}/checkpoints").json()["items"]
    assert answer.status_code == 201
    assert (version.version, version.model, version.description) == (1, "reader", "the first")
    assert (version.experiment_id, version.checkpoint.epoch) == (trained, best["epoch"])
    assert (version.sha256, version.bytes) == (best["sha256"], best["bytes"])
    assert (version.test_accuracy, version.parameters) == (experiment["test"]["accuracy"], experiment["parameters"])
    assert (version.labels, version.image_size, version.dataset) == (tuple("0123456789"), 16, "synthetic")
    assert ModelVersion.model_validate(served.http.get(answer.headers["Location"]).json()) == version
    model = RegisteredModel.model_validate(served.http.get("/v1/models/reader").json())
    assert (model.versions, model.aliases) == ((version,), {})
    (summary,) = ModelList.model_validate(served.http.get("/v1/models").json()).items
    assert (summary.name, summary.versions, summary.newest) == ("reader", 1, version)


def test_an_epoch_that_the_test_split_was_not_looked_at_with_has_no_test_accuracy(served: Served, trained: str) -> None:
    best = served.http.get(f"/v1/experiments/{trained}").json()["best"]["epoch"]
    other = added(served, "reader", trained, str(3 - best))
    assert (other.test_accuracy, other.test_loss, other.checkpoint.epoch) == (None, None, 3 - best)


def test_the_same_weights_again_are_the_same_version_until_others_came_between(served: Served, trained: str) -> None:
    first = added(served, "reader", trained, "1")
    again = add(served, "reader", trained, "1")
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert again.headers["Location"] == first.links["self"]
    assert added(served, "reader", trained, "2").version == 2
    assert added(served, "reader", trained, "1").version == 3
    assert len(left(served, "reader")) == 3


def test_many_at_once_add_one_version_and_leave_no_file_behind(served: Served, trained: str) -> None:
    start, statuses = threading.Barrier(6), []

    def put() -> None:
        start.wait()
        statuses.append(add(served, "reader", trained).status_code)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 5 + [201]
    assert len(left(served, "reader")) == 1


def test_a_version_survives_its_experiment_and_answers_as_it_did(
    served: Served, trained: str, image: list[list[int]]
) -> None:
    sent = {"pixels": image}
    of_the_run = served.http.post(f"/v1/experiments/{trained}/predictions", json=sent).json()
    version = added(served, "reader", trained)
    weights = served.http.get(f"/v1/experiments/{trained}/checkpoints/best/weights").content
    assert served.http.delete(f"/v1/experiments/{trained}").status_code == 204
    assert not (served.settings.artifacts_dir / trained).exists()
    answer = served.http.post("/v1/models/reader/predictions", json=sent).json()
    (before,), (after,) = of_the_run.pop("predictions"), answer.pop("predictions")
    assert answer == of_the_run | {"model": {"name": "reader", "version": 1}}
    for figures in ("logits", "probabilities"):  # in different ways of computing, which agree within this
        assert after.pop(figures) == pytest.approx(before.pop(figures), abs=1e-4)
    assert after.pop("confidence") == pytest.approx(before.pop("confidence"), abs=1e-4)
    assert after == before
    folder = folder_of(served, "reader", 1)
    assert (folder / WEIGHTS).read_bytes() == weights
    assert sorted(each.name for each in folder.iterdir()) == [MANIFEST, WEIGHTS]
    assert folder.name.startswith("1-")
    assert ModelVersion.model_validate(served.http.get(version.links["self"]).json()) == version
    assert served.http.get(version.links["experiment"]).status_code == 404


def test_the_champion_answers_else_the_newest_and_whoever_is_named(
    served: Served, trained: str, image: list[list[int]]
) -> None:
    for epoch in ("1", "2"):
        added(served, "reader", trained, epoch)
    own = {
        epoch: served.http.post(
            f"/v1/experiments/{trained}/predictions?checkpoint={epoch}", json={"pixels": image}
        ).json()["predictions"][0]["logits"]
        for epoch in (1, 2)
    }
    assert own[1] != own[2]

    def asked(query: str = "") -> int:
        answer = served.http.post(f"/v1/models/reader/predictions{query}", json={"pixels": image}).json()
        version: int = answer["model"]["version"]
        assert np.allclose(answer["predictions"][0]["logits"], own[version], atol=1e-5)
        return version

    assert asked() == 2
    point(served, "reader", 1)
    point(served, "reader", 2, "next")
    assert [asked(), asked("?version=2"), asked("?alias=next"), asked("?alias=champion")] == [1, 2, 2, 1]
    both = served.http.post("/v1/models/reader/predictions?alias=next&version=1", json={"pixels": image})
    assert (both.status_code, both.json()["errors"][0]["pointer"]) == (422, "#/query/alias")
    missing = served.http.post("/v1/models/reader/predictions?alias=best", json={"pixels": image})
    assert (missing.status_code, "champion, next" in missing.json()["detail"]) == (404, True)


def test_an_alias_goes_back_step_by_step_and_keeps_its_history(served: Served, trained: str) -> None:
    for epoch in ("1", "2", "1"):
        version = added(served, "reader", trained, epoch).version
        point(served, "reader", version)
    point(served, "reader", 3)  # what is so already is no change
    path = "/v1/models/reader/aliases/champion"
    went = [Alias.model_validate(served.http.post(f"{path}/rollback").json()) for _ in range(2)]
    assert [each.version for each in went] == [2, 1]
    assert [(each.action, each.version) for each in went[-1].history] == [
        ("set", 1), ("set", 2), ("set", 3), ("rollback", 2), ("rollback", 1),
    ]  # fmt: skip
    nothing = served.http.post(f"{path}/rollback")
    assert (nothing.status_code, "no other version" in nothing.json()["detail"]) == (409, True)
    assert served.http.get("/v1/models/reader").json()["aliases"] == {"champion": 1}
    assert served.http.delete(path).status_code == 204
    for method, where in (("GET", path), ("DELETE", path), ("POST", f"{path}/rollback")):
        assert served.http.request(method, where).status_code == 404
    assert served.http.get("/v1/models/reader").json()["aliases"] == {}
    assert [each.action for each in point(served, "reader", 2).history][-2:] == ["delete", "set"]


@pytest.mark.parametrize(
    ("steps", "known", "expected"),
    [
        ("1 2 3", {1, 2, 3}, 2),
        ("1 2 3", {1, 3}, 1),
        ("1 2 1", {1, 2}, 2),
        ("1", {1}, None),
        ("1 2", {2}, None),
        ("1 2 3 <2", {1, 2, 3}, 1),
        ("1 2 3 <2 4", {1, 2, 3, 4}, 2),
        ("1 2 3 <1", {1, 2, 3}, None),
        ("1 2 x 3", {1, 2, 3}, None),
    ],
)
def test_what_an_alias_pointed_at_before(steps: str, known: set[int], expected: int | None) -> None:
    changes = []
    for step in steps.split():
        action = {"<": "rollback", "x": "delete"}.get(step[0], "set")
        version = None if action == "delete" else int(step.lstrip("<"))
        changes.append(
            AliasChange.model_validate({"action": action, "version": version, "owner": None, "changed_at": NOON})
        )
    assert before(tuple(changes), known=frozenset(known)) == expected


def test_what_an_alias_points_at_cannot_be_deleted_and_a_number_is_not_given_twice(
    served: Served, trained: str
) -> None:
    for epoch in ("1", "2"):
        added(served, "reader", trained, epoch)
    point(served, "reader", 2)
    point(served, "reader", 2, "steady")
    for path in ("/v1/models/reader/versions/2", "/v1/models/reader"):
        kept = served.http.delete(path)
        assert (kept.status_code, "champion, steady" in kept.json()["detail"]) == (409, True)
    assert len(left(served, "reader")) == 2
    for alias in ("champion", "steady"):
        served.http.delete(f"/v1/models/reader/aliases/{alias}")
    gone = folder_of(served, "reader", 2)
    assert served.http.delete("/v1/models/reader/versions/2").status_code == 204
    assert not gone.exists()
    assert served.http.get("/v1/models/reader/versions/2").status_code == 404
    assert added(served, "reader", trained, "2").version == 3
    assert served.http.delete("/v1/models/reader").status_code == 204
    assert (served.http.get("/v1/models/reader").status_code, left(served, "reader")) == (404, [])
    assert added(served, "reader", trained).version == 1


def test_a_version_that_is_gone_is_skipped_on_the_way_back(served: Served, trained: str) -> None:
    for epoch in ("1", "2", "1"):
        point(served, "reader", added(served, "reader", trained, epoch).version)
    assert served.http.delete("/v1/models/reader/versions/2").status_code == 204
    assert served.http.post("/v1/models/reader/aliases/champion/rollback").json()["version"] == 1


@pytest.mark.parametrize("name", ["Reader", "-a", "a b", "a" * 65, "é", ".a"])
def test_a_name_is_small_letters_digits_and_a_few_signs(served: Served, trained: str, name: str) -> None:
    refused = add(served, name, trained)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/path/model")
    assert served.http.get(f"/v1/models/{name}").status_code == 404
    added(served, "0a.b_c-d", trained)
    assert served.http.put("/v1/models/0a.b_c-d/aliases/1st", json={"version": 1}).status_code == 422


def test_what_a_name_or_a_choice_may_be_is_said_in_words(served: Served, trained: str) -> None:
    def told(answer: httpx.Response) -> tuple[str, str]:
        (error,) = answer.json()["errors"]
        return error["pointer"], error["detail"]

    choice = "must be `best`, `last` or an epoch that is stored, not 'first'"
    name = "must be small letters, digits and `._-`, of which the first is no sign, not 'Reader'"
    good = {"experiment_id": trained}
    assert told(served.http.put("/v1/models/Reader", json=good)) == ("#/path/model", name)
    assert told(served.http.put("/v1/models/reader", json=good | {"checkpoint": "first"})) == ("#/checkpoint", choice)
    unknown = served.http.put("/v1/models/reader", json={"experiment_id": "mine"})
    assert told(unknown) == ("#/experiment_id", "must be the id of an experiment, not 'mine'")
    predictions = f"/v1/experiments/{trained}/predictions?checkpoint=first"
    assert told(served.http.post(predictions, json={"pixels": [[0]]})) == ("#/query/checkpoint", choice)


def test_without_a_checkpoint_there_is_no_version(served: Served, trained: str) -> None:
    queued = served.submit()
    assert add(served, "reader", queued).status_code == 409
    assert add(served, "reader", trained, "7").status_code == 404
    assert add(served, "reader", trained, "first").status_code == 422
    assert served.http.get("/v1/models").json() == {"items": []}
    assert left(served, "reader") == []


def test_damaged_weights_become_no_version_and_are_not_predicted_from(
    served: Served, trained: str, image: list[list[int]]
) -> None:
    added(served, "reader", trained, "1")
    second = next((served.settings.artifacts_dir / trained).glob("000002-*")) / WEIGHTS
    for file in (second, folder_of(served, "reader", 1) / WEIGHTS):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    refused = add(served, "reader", trained, "2")
    assert (refused.status_code, "damaged" in refused.json()["detail"]) == (409, True)
    assert len(left(served, "reader")) == 1
    answer = served.http.post("/v1/models/reader/predictions?version=1", json={"pixels": image})
    assert (answer.status_code, "damaged" in answer.json()["detail"]) == (409, True)


def test_a_transaction_that_fails_leaves_neither_row_nor_file(
    served: Served, trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise NotReadyError(("the disk is full",))

    with monkeypatch.context() as patched:
        patched.setattr(rows, "add", full)
        assert add(served, "reader", trained).status_code == 503
    assert left(served, "reader") == []
    assert served.http.get("/v1/models").json() == {"items": []}
    assert added(served, "reader", trained).version == 1


def test_the_weights_of_a_version_are_loadable_by_themselves(served: Served, trained: str) -> None:
    added(served, "reader", trained)
    tensors = load((folder_of(served, "reader", 1) / WEIGHTS).read_bytes())
    assert sum(each.numel() for each in tensors.values()) == 2570


def test_who_changed_an_alias_is_kept(served: Served, trained: str) -> None:
    added(served, "reader", trained)
    served.http.put(
        "/v1/models/reader/aliases/champion", json={"version": 1}, headers={b"X-Ardoise-Owner": "Élodie".encode()}
    )
    with served.database.reading() as session:
        (change,) = aliases.get(session, "reader", "champion").history
    assert change.owner == "Élodie"
