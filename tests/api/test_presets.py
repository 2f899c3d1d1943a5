"""Presets over HTTP: listed, looked at, and submitted with other fields on top of them."""

import httpx
import pytest

from service.domain.presets import PRESETS
from service.domain.spec import ExperimentSpec

CHANGED = {"preset": "lab-relu", "architecture": {"hidden": [32]}, "seed": 7}


def test_presets_are_listed_with_their_specs_written_out(http: httpx.Client) -> None:
    items = http.get("/v1/presets").json()["items"]
    assert [item["name"] for item in items] == [*PRESETS]
    for item in items:
        assert http.get(f"/v1/presets/{item['name']}").json() == item
        assert item["description"] == PRESETS[item["name"]].description
        assert ExperimentSpec.model_validate(item["spec"]).model_dump(mode="json") == item["spec"]


def test_a_preset_that_is_not_there_is_404_and_the_nearest_is_named_first(http: httpx.Client) -> None:
    answer = http.get("/v1/presets/lab-rleu")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("there is no preset 'lab-rleu'; there are: lab-relu, ")


def test_what_is_submitted_with_a_preset_is_stored_as_if_it_had_been_written_out(http: httpx.Client) -> None:
    answer = http.post("/v1/experiments", json=CHANGED)
    assert answer.status_code == 202
    stored = http.get(answer.headers["Location"]).json()
    assert "preset" not in stored["spec"]
    assert (stored["name"], stored["spec"]["architecture"]["hidden"], stored["spec"]["seed"]) == ("lab-relu", [32], 7)
    written = http.post("/v1/experiments", json=stored["spec"]).json()
    assert (written["spec"], written["spec_hash"]) == (stored["spec"], stored["spec_hash"])


def test_a_preset_can_be_looked_at_before_it_is_submitted(http: httpx.Client) -> None:
    dry = http.post("/v1/experiments", params={"dry_run": "true"}, json=CHANGED)
    assert dry.status_code == 200
    assert dry.json() == http.post("/v1/specs/preview", json=CHANGED).json()
    assert dry.json()["parameters"] == (256 + 1) * 32 + (32 + 1) * 10


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/specs/preview"])
def test_an_unknown_preset_is_told_with_those_that_there_are(http: httpx.Client, path: str) -> None:
    answer = http.post(path, json={"preset": "mnist-speedrunn", "epochs": 0})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("#/preset", "unknown_name")
    assert error["detail"].startswith("unknown name 'mnist-speedrunn'; allowed: mnist-speedrun, ")
    without = http.post(path, json={"epochs": 1}).json()["errors"]
    assert [(each["pointer"], each["code"]) for each in without] == [
        ("#/dataset", "missing"), ("#/architecture", "missing"),
    ]  # fmt: skip


def test_the_documentation_says_that_a_preset_is_enough(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    body = document["paths"]["/v1/experiments"]["post"]["requestBody"]["content"]["application/json"]
    examples = [example["value"] for example in body["examples"].values()]
    assert any("preset" in example for example in examples)
    for example in examples:
        assert http.post("/v1/specs/preview", json=example).status_code == 200
    schema = document["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
    assert {"required": ["preset"]} in schema["anyOf"]
