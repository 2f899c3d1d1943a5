"""Every answer about runs, asked of runs that did not go well: always one that is clear, never a 500."""

import json
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.domain.experiment import State
from service.settings import Settings
from tests.api.conftest import Served

CHANGING = ("/cancel", "/continue", "/reproduce", "/{note_id}", "/{evaluation_id}")
FILES_AND_STREAMS = ("/events", "/weights", "/onnx", "/safetensors", "/exported")
ABOUT_RUNS: dict[str, dict[str, Any]] = {
    path: found
    for path, found in create_app(Settings()).openapi()["paths"].items()
    if path.startswith("/v1/") and not path.endswith((*CHANGING, *FILES_AND_STREAMS))
}
OF_ONE = [
    (method.upper(), path)
    for path, found in ABOUT_RUNS.items()
    for method in found
    if "{experiment_id}" in path and method in {"get", "post"}
]
OF_SEVERAL = [
    path.replace("{name}", "tp")
    for path, found in ABOUT_RUNS.items()
    if "ids" in {each["name"] for each in found.get("get", {}).get("parameters", ())}
]
DRAWN = (".png", ".svg", "/report")
"""What is drawn takes longest, and is asked for once."""
IMAGE: dict[str, Any] = {"split": "test", "index": 0}
BODIES = {"notes": {"text": "a"}, "evaluations": {"dataset": "digits"}, "predictions": {"pixels": [[0, 255] * 8] * 16}}
WELL = ("one epoch", "other images")


@pytest.fixture
def runs(served: Served) -> dict[str, str]:
    """By what has become of them."""
    steep = {"name": "sgd", "learning_rate": 1000.0}
    found = {
        "one epoch": served.train(epochs=1),
        "other images": served.train(epochs=2, dataset="digits", architecture="lenet5", activation="tanh"),
        "diverged": served.train(epochs=5, architecture="mlp", optimizer=steep),
        "linear and diverged": served.train(epochs=5, architecture="mlp", activation="identity", optimizer=steep),
        "other classes": served.completed(epochs=1, dataset="fashion_mnist"),
        "diverged before an epoch": served.submit(),
    }
    served.finish(served.claim(), diverged=True)
    found["failed"] = served.submit()
    served.finish(served.claim(), State.FAILED, error={"type": "E", "message": "m"})
    found["running, without an epoch"] = served.submit()
    served.claim()
    found["cancelled at epoch 0"] = served.submit()
    served.http.post(f"/v1/experiments/{found['cancelled at epoch 0']}/cancel").raise_for_status()
    return found


def clear(answer: httpx.Response, *about: str) -> httpx.Response:
    """It is either what was asked for, or says what is the matter."""
    assert answer.status_code in {200, 201, 202, 404, 409, 422}, (about, answer.status_code, answer.text)
    if answer.headers["Content-Type"].endswith("json"):
        json.loads(answer.text, parse_constant=pytest.fail)
    if answer.is_error:
        assert answer.json()["detail"], about
    assert answer.status_code != 404 or "checkpoint" in answer.json()["detail"], (about, answer.text)
    return answer


def test_each_route_gives_a_clear_answer_about_each_run_alone(served: Served, runs: dict[str, str]) -> None:
    assert len(OF_ONE) > 25
    for name, experiment_id in runs.items():
        for method, path in OF_ONE:
            url = path.replace("{experiment_id}", experiment_id).replace("{index}", "0")
            body = BODIES.get(path.rpartition("/")[2], IMAGE) if method == "POST" else None
            found = clear(served.http.request(method, url, json=body), name, method, path)
            bends = name == "other images" and "/contributions" in path
            assert found.is_success or bends or name not in WELL, (name, path, found.text)


def test_each_route_gives_a_clear_answer_about_all_of_them_together(served: Served, runs: dict[str, str]) -> None:
    assert len(OF_SEVERAL) > 12
    for path in OF_SEVERAL:
        clear(served.http.get(path, params={"ids": ",".join(runs.values())}), path)
        for name, each in () if path.endswith(DRAWN) else runs.items():
            clear(served.http.get(path, params={"ids": f"{each},{runs['one epoch']}"}), path, name)
