"""What the doctor says over HTTP, of a run that was really trained."""

import base64
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image

from service import datasets
from tests.api.conftest import Served, serving, wait_until
from workers.heartbeat import Heartbeat
from workers.run import execute
from workers.workshop import Workshop

NOWHERE = Path("nowhere")
BLANK = np.full((40, 40), 200, dtype=np.uint8)


@pytest.fixture
def trained(served: Served) -> Iterator[str]:
    """A perceptron of generated shapes, trained in this process by the workers' own code; its id."""
    threads = torch.get_num_threads()
    experiment_id = served.submit(epochs=3)
    workshop = Workshop(
        worker="here",
        database=served.database,
        artifacts=served.settings.artifacts_dir,
        data_dir=NOWHERE,
        mirror=None,
        lease_seconds=60.0,
        max_failures=3,
        threads=1,
    )
    beat = Heartbeat(served.database, worker="here", lease_seconds=60.0, draining=threading.Event())
    execute(served.claim(), workshop, beat)
    yield experiment_id
    torch.set_num_threads(threads)


@pytest.fixture
def images() -> list[np.ndarray]:
    """Test images, (16, 16)."""
    return [image.numpy() for image in datasets.load("synthetic", data_dir=NOWHERE).test.images[:40]]


def ask(served: Served, trained: str, *images: np.ndarray, **asked: bool) -> httpx.Response:
    """Send them in one request."""
    query = {name: str(value).lower() for name, value in asked.items()}
    body = {"images": [{"pixels": each.tolist()} for each in images]}
    return served.http.post(f"/v1/experiments/{trained}/predictions", params=query, json=body)


def test_a_data_set_that_runs_were_completed_on_is_known_before_anybody_asks(served: Served, trained: str) -> None:
    known = served.settings.cache_dir / "familiarity-synthetic-16.safetensors"
    known.unlink(missing_ok=True)
    assert served.http.get(f"/v1/experiments/{trained}").json()["state"] == "completed"
    with serving(served.settings):
        wait_until(known.is_file)


def codes(prediction: dict[str, Any]) -> set[str]:
    return {each["code"] for each in prediction["reasons"]}


def squares(*corners: tuple[int, int]) -> np.ndarray:
    """Frames of 20 x 30 pixels, dark on light, at these places (left, top)."""
    sheet = np.full((160, 240), 255, dtype=np.uint8)
    for left, top in corners:
        sheet[top : top + 30, left : left + 20] = 0
        sheet[top + 6 : top + 24, left + 6 : left + 14] = 255
    return sheet


def test_it_says_nothing_until_it_is_asked_and_then_reads_the_same(
    served: Served, trained: str, images: list[np.ndarray]
) -> None:
    plain = ask(served, trained, *images).json()
    examined = ask(served, trained, *images, doctor=True).json()
    assert {*plain["predictions"][0]} == {
        "digit", "label", "confidence", "probabilities", "logits", "preprocessing", "name",
    }  # fmt: skip
    assert {*examined["predictions"][0]} - {*plain["predictions"][0]} == {
        "verdict", "reasons", "ink_share", "distance", "distance_unavailable", "box",
    }  # fmt: skip
    for before, after in zip(plain["predictions"], examined["predictions"], strict=True):
        assert (after["digit"], after["label"]) == (before["digit"], before["label"])
        assert after["logits"] == pytest.approx(before["logits"], abs=1e-4)
        assert after["preprocessing"] == {**before["preprocessing"], "seen": None}
    assert examined["checkpoint"] == plain["checkpoint"]
    assert examined["text"] is None


def test_most_images_of_the_data_set_are_in_order_and_noise_is_not(
    served: Served, trained: str, images: list[np.ndarray]
) -> None:
    familiar = ask(served, trained, *images, doctor=True).json()["predictions"]
    assert np.mean([each["verdict"] == "no_digit" for each in familiar]) <= 0.1
    distances = [each["distance"] for each in familiar]
    assert np.mean([each["value"] < each["doubtful_from"] for each in distances]) >= 0.9
    assert all(0 <= each["as_far"] <= 1 and each["doubtful_from"] <= each["no_digit_from"] for each in distances)
    assert (served.settings.cache_dir / "familiarity-synthetic-16.safetensors").is_file()

    rings = np.zeros((16, 16), dtype=np.uint8)
    rings[1::3] = 255
    (strange,) = ask(served, trained, rings, doctor=True).json()["predictions"]
    assert strange["verdict"] == "no_digit"
    assert "unfamiliar" in codes(strange)
    assert strange["distance"]["as_far"] < 0.005
    assert strange["ink_share"] == pytest.approx(rings.mean() / 255, abs=0.01)


def test_what_the_network_saw_is_the_framed_image(served: Served, trained: str, images: list[np.ndarray]) -> None:
    sheet = np.zeros((100, 120), dtype=np.uint8)
    sheet[30:62, 50:82] = images[0].repeat(2, 0).repeat(2, 1)
    first, second = ask(served, trained, images[0], sheet, seen=True).json()["predictions"]
    seen = [_png(each["preprocessing"]["seen"]) for each in (first, second)]
    assert [each.shape for each in seen] == [(16, 16), (16, 16)]
    found = served.http.post(
        f"/v1/experiments/{trained}/saliency", json={"images": [{"pixels": sheet.tolist()}]}
    ).json()["image"]["pixels"]
    assert np.abs(seen[1] - np.array(found)).max() <= 0.5
    assert first["ink_share"] == pytest.approx(seen[0].mean() / 255, abs=0.002)


def _png(text: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.asarray(image.convert("L"), dtype=np.float64)


def test_a_blank_sheet_is_warned_of_and_on_request_not_answered(
    served: Served, trained: str, images: list[np.ndarray]
) -> None:
    blank, _ = ask(served, trained, BLANK, images[0], doctor=True).json()["predictions"]
    assert (blank["verdict"], codes(blank)) >= ("no_digit", {"blank"})
    assert isinstance(blank["digit"], int)
    assert (blank["distance"], blank["distance_unavailable"]) == (None, "there is no ink to compare")
    silent, beside = ask(served, trained, BLANK, images[0], abstain=True).json()["predictions"]
    assert [silent[name] for name in ("digit", "label", "confidence")] == [None] * 3
    assert silent["probabilities"] == blank["probabilities"]
    assert (beside["digit"] is None) == (beside["verdict"] == "no_digit")


def test_several_digits_are_refused_with_the_way_out_and_found_on_request(served: Served, trained: str) -> None:
    corners = [(20, 20), (80, 24), (150, 18), (30, 100), (100, 98)]
    sheet = squares(*corners)
    (refused,) = ask(served, trained, sheet, abstain=True).json()["predictions"]
    assert (refused["digit"], refused["verdict"]) == (None, "no_digit")
    (reason,) = [each for each in refused["reasons"] if each["code"] == "several_digits"]
    assert "segment=true" in reason["detail"]

    answer = ask(served, trained, sheet, segment=True, seen=True).json()
    found = answer["predictions"]
    assert np.abs(np.array([each["box"] for each in found]) - [(*each, 20, 30) for each in corners]).max() <= 1
    digits = "".join(each["label"] for each in found)
    assert answer["text"] == digits[:3] + "\n" + digits[3:]
    assert {each["preprocessing"]["inverted"] for each in found} == {True}
    assert all(each["preprocessing"]["cropped"] == each["box"] for each in found)
    assert all("several_digits" not in codes(each) for each in found)
    # All five are the same shape, so a network that sees each alone sees the same.
    seen = [_png(each["preprocessing"]["seen"]) for each in found]
    assert max(np.abs(each - seen[0]).max() for each in seen) <= 8


def test_one_digit_on_a_picture_is_read_as_without_looking_for_more(served: Served, trained: str) -> None:
    sheet = squares((100, 60))
    (alone,) = ask(served, trained, sheet, segment=True).json()["predictions"]
    (plain,) = ask(served, trained, sheet).json()["predictions"]
    assert alone["digit"] == plain["digit"]
    assert alone["logits"] == pytest.approx(plain["logits"], abs=1e-4)
    assert np.abs(np.array(alone["box"]) - (100, 60, 20, 30)).max() <= 1


def test_boxes_are_in_the_pixels_of_the_picture_that_was_sent(served: Served, trained: str) -> None:
    large = Image.fromarray(squares((20, 20), (150, 18)).repeat(10, 0).repeat(10, 1))
    file = io.BytesIO()
    large.save(file, "PNG")
    headers = {"Content-Type": "image/png"}
    url = f"/v1/experiments/{trained}/predictions"
    answer = served.http.post(url, params={"segment": "true"}, content=file.getvalue(), headers=headers)
    boxes = np.array([each["box"] for each in answer.json()["predictions"]])
    assert np.abs(boxes - [(200, 200, 200, 300), (1500, 180, 200, 300)]).max() <= 10


def test_a_blank_sheet_holds_no_digits_and_of_two_pictures_none_is_searched(served: Served, trained: str) -> None:
    empty = ask(served, trained, BLANK, segment=True).json()
    assert (empty["text"], empty["predictions"]) == ("", [])
    two = ask(served, trained, BLANK, BLANK, segment=True)
    assert two.status_code == 422
    assert "exactly one" in two.json()["detail"]
    many = squares(*[(4 + 26 * column, 2 + 35 * row) for column in range(9) for row in range(4)])
    doubled = np.concatenate([many, many])
    refused = ask(served, trained, doubled, segment=True)
    assert refused.status_code == 422
    assert "72" in refused.json()["detail"]


def test_where_the_data_set_is_not_on_this_machine_the_rest_is_answered(
    served: Served, trained: str, images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "is_here", lambda *_args, **_names: False)
    monkeypatch.setattr(served.service.acquaintance, "_known", {})
    first, blank = ask(served, trained, images[0], BLANK, doctor=True).json()["predictions"]
    assert first["distance"] is None
    assert "not on this machine" in first["distance_unavailable"]
    assert first["digit"] is not None
    assert blank["verdict"] == "no_digit"


def test_a_misspelt_wish_is_an_error(served: Served, trained: str, images: list[np.ndarray]) -> None:
    answer = ask(served, trained, images[0], docter=True)
    assert answer.status_code == 422
    assert "doctor" in answer.json()["errors"][0]["detail"]
