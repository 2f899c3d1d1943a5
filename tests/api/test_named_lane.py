"""Requests to a registered model wait where those to an experiment do, in bounds, and an alias is never behind."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from service import datasets
from service.api.quick_predictions import MOST_BYTES
from service.domain.open_inference import HEADER_LENGTH
from service.errors import BusyError
from service.inference.forms import Form
from service.inference.lane import MOST_TOGETHER
from tests.api.conftest import NOWHERE, Served, wait_until
from tests.api.test_doctor import squares

IMAGES: np.ndarray = datasets.load("synthetic", data_dir=NOWHERE).test.images[:40].numpy()
PIXELS = {"pixels": IMAGES[0].tolist()}
ONE = {"inputs": [{"name": "image", "shape": [1, 256], "datatype": "UINT8", "data": IMAGES[0].ravel().tolist()}]}
READ, INFER = "/v1/models/reader/predictions", "/v2/models/reader/infer"


@pytest.fixture
def trained(served: Served) -> str:
    """A perceptron with two stored epochs, which are two versions of `reader`; the experiment's id."""
    experiment_id = served.train(epochs=2, checkpoints={"keep": "all"})
    for epoch in ("1", "2"):
        body = {"experiment_id": experiment_id, "checkpoint": epoch}
        assert served.http.put("/v1/models/reader", json=body).status_code == 201
    return experiment_id


@pytest.fixture
def batches(served: Served, trained: str) -> Iterator[list[int]]:
    """How many images the champion's lane computes at once from now on; it is open."""
    served.http.put("/v1/models/reader/aliases/champion", json={"version": 2})
    assert served.http.post(READ, json=PIXELS).status_code == 200
    sizes: list[int] = []
    with held(served, lambda images: sizes.append(len(images))):
        yield sizes


class held:  # noqa: N801  # it reads as a with statement
    """Each open lane calls this before it computes, in a thread, for as long as the block lasts."""

    def __init__(self, served: Served, before: Callable[[np.ndarray], object]) -> None:
        self.lanes, self.before = served.service.predictor.desk.lanes(), before
        self.own = [lane.form for lane in self.lanes]

    def __enter__(self) -> None:
        for lane, own in zip(self.lanes, self.own, strict=True):

            def run(images: np.ndarray, own: Form = own) -> np.ndarray:
                self.before(images)
                return own.run(images)

            lane.form = Form("held", run)

    def __exit__(self, *_: object) -> None:
        for lane, own in zip(self.lanes, self.own, strict=True):
            lane.form = own


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(buffer, "PNG")
    return buffer.getvalue()


def test_those_that_come_while_it_computes_are_computed_together_in_either_protocol(
    served: Served, batches: list[int]
) -> None:
    computing, free = threading.Event(), threading.Event()

    def hold(_: np.ndarray) -> None:
        computing.set()
        assert free.wait(10)

    def ask(number: int) -> int:
        body, path = (PIXELS, READ) if number % 2 else (ONE, INFER)
        return httpx.post(f"{served.url}{path}", json=body, timeout=10).status_code

    with held(served, hold), ThreadPoolExecutor(9) as pool:
        first = pool.submit(ask, 1)
        assert computing.wait(10)
        others = [pool.submit(ask, number) for number in range(8)]
        wait_until(lambda: served.service.predictor.desk.waiting == 9)
        free.set()
        assert {each.result() for each in [first, *others]} == {200}
    assert batches == [1, 8]


def test_many_images_of_one_request_are_computed_some_at_a_time(served: Served, batches: list[int]) -> None:
    many = {"images": [{"pixels": each.tolist()} for each in IMAGES]}
    tensor = {"name": "image", "shape": [40, 16, 16], "datatype": "UINT8", "data": IMAGES.ravel().tolist()}
    for path, body in ((READ, many), (f"{READ}?format=csv", many), (f"{READ}?doctor=true", many)):
        assert served.http.post(path, json=body).status_code == 200
    assert served.http.post(INFER, json={"inputs": [tensor]}).status_code == 200
    assert batches == [MOST_TOGETHER, MOST_TOGETHER, 40 - 2 * MOST_TOGETHER] * 4


def test_past_the_bound_each_protocol_says_so_in_its_own_words(
    served: Served, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.service.predictor.desk, "waiting", 10**6)
    for path in (READ, f"{READ}?version=1", f"{READ}?format=ndjson", f"{READ}?doctor=true"):
        refused = served.http.post(path, json=PIXELS)
        assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["request_id"] == refused.headers["X-Request-ID"]
    refused = served.http.post(INFER, json=ONE)
    assert (refused.status_code, set(refused.json())) == (503, {"error"})
    assert "wait to be read already" in refused.json()["error"]
    assert int(refused.headers["Retry-After"]) > 0
    assert not batches


def test_a_body_that_there_is_no_room_for_is_refused_before_it_is_read(
    served: Served, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.service.predictor.darkroom, "bytes", 64 * 1024 * 1024)
    wrong = b"[" + b" " * 200_000
    for path in (READ, f"{READ}?format=csv", INFER):
        refused = served.http.post(path, content=wrong, headers={"Content-Type": "application/json"})
        assert refused.status_code == 503, refused.text
        assert int(refused.headers["Retry-After"]) > 0
        assert "are being read already" in refused.text
    assert served.http.post(READ, json=PIXELS).status_code == 200  # the short way needs no room


def test_who_has_waited_too_long_is_told_in_the_protocol_s_words(
    served: Served, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.service.predictor.desk, "_longest", 0.05)
    free = threading.Event()
    with held(served, lambda _: free.wait(10)):
        late = served.http.post(INFER, json=ONE)
        later = served.http.post(READ, content=png())
        free.set()
    assert [each.status_code for each in (late, later)] == [503, 503]
    assert late.json() == {"error": "not read within 0.05 seconds: try again, or with fewer images at once"}
    assert int(late.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("path", "body"), [(READ, PIXELS), (INFER, ONE), (f"{READ}?format=csv", PIXELS)])
def test_who_has_gone_is_not_computed_for(served: Served, batches: list[int], path: str, body: Any) -> None:
    computing, free = threading.Event(), threading.Event()

    def hold(_: np.ndarray) -> None:
        computing.set()
        assert free.wait(10)

    with held(served, hold), ThreadPoolExecutor(1) as pool, capture_logs() as logged:
        first = pool.submit(served.http.post, READ, json=PIXELS)
        assert computing.wait(10)
        with httpx.Client(base_url=served.url, timeout=0.2) as impatient, pytest.raises(httpx.ReadTimeout):
            impatient.post(path, json=body)
        wait_until(lambda: any(line["event"] == "the client went away" for line in logged))
        wait_until(lambda: served.service.predictor.desk.waiting == 1)
        free.set()
        assert first.result().status_code == 200
    assert served.http.post(READ, json=PIXELS).status_code == 200
    assert batches == [1, 1]


def test_one_small_image_takes_the_short_way(
    served: Served, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = {query: served.http.post(READ + query, json={"images": [PIXELS]}).json() for query in ("", "?version=1")}

    def no_other_way(*_: Any) -> Any:
        raise BusyError("the long way")

    with monkeypatch.context() as patched, capture_logs() as logged:
        patched.setattr(served.service.predictor, "read", no_other_way)
        for query, asked in (("", ""), ("?version=2", ""), ("?alias=champion", ""), ("?version=1", "?version=1")):
            for body in (json.dumps(PIXELS).encode(), png()):
                headers = {"Content-Type": "application/json"} if body.startswith(b"{") else {}
                short = served.http.post(READ + query, content=body, headers=headers)
                assert short.status_code == 200, short.text
                mine, other = short.json(), json.loads(json.dumps(long[asked]))
                for ours, theirs in zip(mine["predictions"], other["predictions"], strict=True):
                    for figures in ("logits", "probabilities", "confidence"):
                        assert ours.pop(figures) == pytest.approx(theirs.pop(figures), abs=1e-4)
                assert mine == other
        wait_until(lambda: len(logged) == 8)
    assert {line["model"] for line in logged} == {"reader"}
    for query in ("?version=0", "?version=3", "?alias=none", "?alias=champion&version=1", "?alias=", "?x=1"):
        assert served.http.post(READ + query, json=PIXELS).status_code in (404, 422), query
    assert served.http.post("/v1/models/none/predictions", json=PIXELS).status_code == 404


def test_a_small_inference_takes_the_short_way(
    served: Served, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [INFER, "/v2/models/reader/versions/1/infer", "/v2/models/reader/versions/champion/infer"]
    bodies = [json.dumps(ONE | more).encode() for more in ({}, {"parameters": {"binary_data_output": True}})]
    long = [served.http.post(path, content=body.ljust(MOST_BYTES + 1)) for path in paths for body in bodies]

    def no_other_way(_: int) -> Any:
        raise BusyError("the long way")

    with monkeypatch.context() as patched:
        patched.setattr(served.service.predictor, "holding", no_other_way)
        short = [served.http.post(path, content=body) for path in paths for body in bodies]
        wrong = served.http.post(INFER, content=b"{}")
    for mine, other in zip(short, long, strict=True):
        assert mine.status_code == other.status_code == 200
        assert mine.content == other.content
        for name in ("Content-Type", "Content-Length", HEADER_LENGTH):
            assert mine.headers.get(name) == other.headers.get(name)
    assert wrong.status_code == 503  # it went on
    assert served.http.post(INFER, content=b"{}").status_code == 400


def test_an_alias_that_was_set_anywhere_answers_from_the_next_request_on(served: Served, batches: list[int]) -> None:
    alias = "/v1/models/reader/aliases/champion"

    def answering() -> set[int]:
        read = served.http.post(READ, json=PIXELS).json()["model"]["version"]
        return {read, int(served.http.post(INFER, json=ONE).json()["model_version"])}

    for version in (1, 2) * 10:
        assert served.http.put(alias, json={"version": version}).status_code == 200
        assert answering() == {version}
    for version in (1, 2):
        assert served.http.put(alias, json={"version": version}).status_code == 200
    assert served.http.post(f"{alias}/rollback").json()["version"] == 1
    assert answering() == {1}
    assert served.http.delete(alias).status_code == 204
    assert answering() == {2}
    assert served.http.delete("/v1/models/reader/versions/2").status_code == 204
    assert answering() == {1}
    assert served.http.post(f"{READ}?version=2", json=PIXELS).status_code == 404
    assert served.http.delete("/v1/models/reader").status_code == 204
    assert [served.http.post(path, json=body).status_code for path, body in ((READ, PIXELS), (INFER, ONE))] == [404] * 2


def test_the_doctor_says_of_a_version_what_it_says_of_its_experiment(served: Served, trained: str) -> None:
    blank = np.full((40, 40), 200, dtype=np.uint8)
    body = {"images": [{"pixels": each.tolist()} for each in (*IMAGES[:5], blank)]}
    for query in ("doctor=true", "seen=true", "abstain=true"):
        of_the_run = served.http.post(f"/v1/experiments/{trained}/predictions?checkpoint=2&{query}", json=body).json()
        of_the_model = served.http.post(f"{READ}?{query}", json=body).json()
        assert of_the_model.pop("model") == {"name": "reader", "version": 2}
        assert of_the_model == of_the_run
        assert of_the_model["predictions"][-1]["verdict"] == "no_digit"
    sheet = squares((20, 20), (80, 24))
    found = served.http.post(f"{READ}?segment=true&version=1", json={"pixels": sheet.tolist()}).json()
    assert (found["model"]["version"], found["checkpoint"]["epoch"], len(found["text"])) == (1, 1, 2)
    assert served.http.delete(f"/v1/experiments/{trained}").status_code == 204
    alone = served.http.post(f"{READ}?doctor=true", json=PIXELS).json()["predictions"]
    assert alone[0]["distance"] is not None
    refused = served.http.post(f"{READ}?doctor=true&format=csv", json=PIXELS)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/query/format")
