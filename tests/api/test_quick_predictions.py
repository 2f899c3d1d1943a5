"""The short way of one small image answers as the long one does, or leaves it to it."""

import base64
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from service.api import quick_predictions
from service.inference.desk import MOST_WAITING
from service.inference.forms import Form
from tests.api import test_predictions
from tests.api.conftest import Served, wait_until
from tests.api.test_predictions import file_of, url

trained, images = test_predictions.trained, test_predictions.images

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def long_ways(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by a word whenever the route's own way is taken."""
    taken: list[str] = []
    read = served.service.predictor.read

    async def counted(*arguments: Any) -> Any:
        taken.append("long")
        return await read(*arguments)

    monkeypatch.setattr(served.service.predictor, "read", counted)
    return taken


def grid(body: Any) -> dict[str, Any]:
    """As JSON."""
    return {"content": body if isinstance(body, bytes) else json.dumps(body).encode(), "headers": JSON}


def coloured(size: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_small_images_take_the_short_way_and_are_answered_as_on_the_long(
    served: Served,
    trained: str,
    images: list[np.ndarray],
    long_ways: list[str],
) -> None:
    one = images[0]
    bodies: list[dict[str, Any]] = [
        grid({"pixels": one.tolist()}),
        grid({"pixels": (one / 255).tolist()}),
        grid({"pixels": one.astype(float).tolist()}),
        grid({"pixels": (one > 128).astype(int).tolist()}),
        grid({"pixels": [[0, 255], [255, 0]]}),
        grid({"pixels": np.pad(one, 4).tolist()}),
        {"content": file_of(one), "headers": {"Content-Type": "image/png"}},
        {"content": file_of(255 - one)},
        {"content": coloured(40), "headers": {"Content-Type": "application/octet-stream"}},
    ]
    assert served.http.post(url(trained), **bodies[0]).status_code == 200  # loads the network
    for name in (None, "best", "last"):
        served.http.post(url(trained, name), **bodies[0])
        for body in bodies:
            long_ways.clear()
            short = served.http.post(url(trained, name), **body)
            assert short.status_code == 200, short.text
            assert not long_ways
            sent = body["content"]
            is_json = body.get("headers") == JSON
            image = json.loads(sent) if is_json else {"base64": base64.b64encode(sent).decode()}
            long = served.http.post(url(trained, name), json={"images": [image]})
            assert long_ways
            mine, other = short.json(), long.json()
            assert short.headers["Content-Type"] == "application/json"
            assert short.headers["X-Request-ID"]
            for ours, theirs in zip(mine["predictions"], other["predictions"], strict=True):
                assert ours.keys() == theirs.keys()
                assert np.abs(np.array(ours.pop("logits")) - np.array(theirs.pop("logits"))).max() < 1e-4
                for field in ("probabilities", "confidence"):
                    assert ours.pop(field) == pytest.approx(theirs.pop(field), abs=1e-4)
            assert mine == other


WRONG: list[tuple[Any, int]] = [
    ({"pixels": [[True, 1], [1, 1]]}, 422),
    ({"pixels": [["1", 1], [1, 1]]}, 422),
    ({"pixels": [[None, 1], [1, 1]]}, 422),
    ({"pixels": [[256, 1], [1, 1]]}, 422),
    ({"pixels": [[-1, 1], [1, 1]]}, 422),
    ({"pixels": [[-0.5, 1], [1, 1]]}, 422),
    ({"pixels": [[1e300, 1], [1, 1]]}, 422),
    (b'{"pixels": [[99999999999999999999, 1]]}', 422),
    (b'{"pixels": [[NaN, 1]]}', 400),
    (b'{"pixels": [[1e999, 1]]}', 422),
    ({"pixels": [[1], [1, 1]]}, 422),
    ({"pixels": [[], []]}, 422),
    ({"pixels": []}, 422),
    ({"pixels": [1, 2]}, 422),
    ({"pixels": [9_999_999_999_999]}, 422),
    ({"pixels": [{}, {}]}, 422),
    ({"pixels": [{"1": 1}, {"2": 2}]}, 422),
    ({"pixels": [[[1]], [[1]]]}, 422),
    ({"pixels": {"0": [1]}}, 422),
    ({"pixels": "1"}, 422),
    ({"pixels": 3}, 422),
    ({"pixels": [[1]], "more": 1}, 422),
    ({"pixels": [list(range(2))] * 1025}, 422),
    ([[1]], 422),
    (b'{"pixels": [[1]]} x', 400),
    (b'{"pixels": [[1]', 400),
    (b'{"pixels": [["\xff"]]}', 400),
    (b"[" * 5000, 400),
]


@pytest.mark.parametrize(("body", "status"), WRONG, ids=[str(body)[:30] for body, _ in WRONG])
def test_what_is_wrong_is_told_as_ever(served: Served, trained: str, body: Any, status: int) -> None:
    served.http.post(url(trained), **grid({"pixels": [[0, 255], [255, 0]]}))
    answer = served.http.post(url(trained), **grid(body))
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_may_come_in_pieces(served: Served, trained: str, images: list[np.ndarray]) -> None:
    whole = grid({"pixels": images[0].tolist()})["content"]
    pieces = iter([whole[:10], whole[10:400], whole[400:]])
    answer = served.http.post(url(trained), content=pieces, headers=JSON)
    assert answer.json() == served.http.post(url(trained), content=whole, headers=JSON).json()


def test_a_small_file_of_a_huge_image_takes_the_long_way(
    served: Served,
    trained: str,
    long_ways: list[str],
) -> None:
    buffer = io.BytesIO()
    Image.new("L", (900, 900)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < quick_predictions.MOST_BYTES
    assert served.http.post(url(trained), content=buffer.getvalue()).status_code == 200
    assert long_ways == ["long"]


def test_past_the_bound_the_answer_is_503_with_its_time(
    served: Served,
    trained: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = grid({"pixels": [[0, 255], [255, 0]]})
    assert served.http.post(url(trained), **body).status_code == 200
    monkeypatch.setattr(served.service.predictor.desk, "waiting", MOST_WAITING)
    for each in (body, grid({"images": [{"pixels": [[0, 255], [255, 0]]}]})):
        answer = served.http.post(url(trained), **each)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "wait" in answer.json()["detail"]
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("media_type", ["text/csv", "application/x-ndjson"])
def test_another_format_is_the_long_ways(served: Served, trained: str, media_type: str) -> None:
    body = grid({"pixels": [[0, 255], [255, 0]]})
    served.http.post(url(trained), **body)
    answer = served.http.post(url(trained), content=body["content"], headers=JSON | {"Accept": media_type})
    assert answer.headers["Content-Type"].startswith(media_type)


def test_the_short_way_keeps_the_ids_and_the_line_in_the_log(served: Served, trained: str) -> None:
    body = grid({"pixels": [[0, 255], [255, 0]]})
    served.http.post(url(trained), **body)
    with capture_logs() as logged:
        answer = served.http.post(url(trained), content=body["content"], headers=JSON | {"X-Request-ID": "mine"})
        wait_until(lambda: logged)
    assert answer.headers["X-Request-ID"] == "mine"
    (line,) = logged
    told = {name: line[name] for name in ("event", "method", "status", "experiment_id", "request_id", "path")}
    assert told == {
        "event": "request",
        "method": "POST",
        "status": 200,
        "experiment_id": trained,
        "request_id": "mine",
        "path": url(trained),
    }
    assert isinstance(line["seconds"], float)


def test_who_leaves_a_request_on_the_short_way_is_one_line(
    served: Served, trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client is gone before the network has its turn."""
    body = grid({"pixels": [[0, 255], [255, 0]]})
    assert served.http.post(url(trained), **body).status_code == 200
    computing, free = threading.Event(), threading.Event()
    for lane in served.service.predictor.desk.lanes():
        run = lane.form.run

        def held(images: np.ndarray, run: Any = run) -> np.ndarray:
            computing.set()
            assert free.wait(10)
            said: np.ndarray = run(images)
            return said

        monkeypatch.setattr(lane, "form", Form("held", held))  # of unknown cost: in a thread
    with ThreadPoolExecutor(1) as pool, capture_logs() as logged:
        first = pool.submit(served.http.post, url(trained), **body)
        assert computing.wait(10)
        with httpx.Client(base_url=served.url, timeout=0.2) as impatient, pytest.raises(httpx.ReadTimeout):
            impatient.post(url(trained), **body)
        wait_until(lambda: any(line["event"] == "the client went away" for line in logged))
        free.set()
        assert first.result().status_code == 200
