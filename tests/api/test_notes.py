"""Notes over HTTP: written, read page by page, removed, gone with their experiment."""

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service import ids
from service.domain.note import MAX_CHARACTERS, MOST_NOTES, Note, NotePage
from service.storage import notes
from tests.api.conftest import NOON, Served


def write(served: Served, experiment_id: str, text: Any, *, owner: str | None = None) -> httpx.Response:
    headers = {} if owner is None else {b"X-Ardoise-Owner": owner.encode()}
    return served.http.post(f"/v1/experiments/{experiment_id}/notes", json={"text": text}, headers=headers)


def read(served: Served, experiment_id: str, **query: Any) -> NotePage:
    answer = served.http.get(f"/v1/experiments/{experiment_id}/notes", params=query)
    assert answer.status_code == 200, answer.text
    return NotePage.model_validate(answer.json())


def test_a_note_is_kept_as_it_was_written_with_its_author(served: Served) -> None:
    experiment_id = served.submit()
    text = "Surapprentissage dès l'époque 4 :\n\tla perte de validation remonte… 🙂\r\n"
    answer = write(served, experiment_id, text, owner="Élodie")
    assert answer.status_code == 201, answer.text
    added = Note.model_validate(answer.json())
    assert (added.text, added.author, added.experiment_id) == (text, "Élodie", experiment_id)
    assert read(served, experiment_id).items == (added,)
    assert Note.model_validate(served.http.get(answer.headers["Location"]).json()) == added
    assert answer.json()["created_at"].endswith("Z")


def test_a_note_without_an_owner_has_no_author(served: Served) -> None:
    assert write(served, served.submit(), "a").json()["author"] is None


def test_notes_are_read_in_pages_the_newest_last_while_some_go(served: Served) -> None:
    experiment_id, other = served.submit(), served.submit()
    written = [write(served, experiment_id, f"note {number}").json() for number in range(5)]
    write(served, other, "elsewhere")
    first = read(served, experiment_id, limit=2)
    assert ([note.text for note in first.items], first.total) == (["note 0", "note 1"], 5)
    for number in (0, 1, 3):
        path = f"/v1/experiments/{experiment_id}/notes/{written[number]['id']}"
        assert served.http.delete(path).status_code == 204
    second = read(served, experiment_id, limit=2, cursor=first.next_cursor)
    assert ([note.text for note in second.items], second.next_cursor, second.total) == (["note 2", "note 4"], None, 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "out_of_range"), ("x" * (MAX_CHARACTERS + 1), "out_of_range"), (" \n\t", "blank"),
        ("a\x00b", "not_printable"), ("\x1b[31mred", "not_printable"), (3, "wrong_type"), (None, "wrong_type"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_told(served: Served, text: Any, code: str) -> None:
    experiment_id = served.submit()
    answer = write(served, experiment_id, text)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("#/text", code)
    assert read(served, experiment_id).total == 0


def test_half_a_surrogate_pair_and_other_fields_are_refused_and_the_longest_note_is_not(served: Served) -> None:
    experiment_id = served.submit()
    path = f"/v1/experiments/{experiment_id}/notes"
    json_type = {"Content-Type": "application/json"}
    assert served.http.post(path, content=rb'{"text": "\ud800"}', headers=json_type).status_code == 400
    assert served.http.post(path, json={"text": "a", "author": "eve"}).status_code == 422
    assert served.http.post(path, json={}).status_code == 422
    assert write(served, experiment_id, "é" * MAX_CHARACTERS).status_code == 201


def test_a_note_of_another_experiment_is_not_found_under_this_one(served: Served) -> None:
    mine, other = served.submit(), served.submit()
    note = write(served, other, "theirs").json()["id"]
    for path in (f"/v1/experiments/{mine}/notes/{note}", f"/v1/experiments/{mine}/notes/nothing"):
        assert served.http.delete(path).status_code == served.http.get(path).status_code == 404
    assert read(served, other).total == 1


def test_notes_are_written_in_any_state_and_go_with_the_experiment(served: Served) -> None:
    experiment_id = served.completed(epochs=2)
    assert write(served, experiment_id, "after its end").status_code == 201
    served.http.post(f"/v1/experiments/{experiment_id}/continue", json={"epochs": 1})
    assert read(served, experiment_id).total == 1
    served.http.post(f"/v1/experiments/{experiment_id}/cancel")
    assert served.http.delete(f"/v1/experiments/{experiment_id}").status_code == 204
    assert served.http.get(f"/v1/experiments/{experiment_id}/notes").status_code == 404
    assert write(served, experiment_id, "too late").status_code == 404
    with served.database.reading() as session:
        assert notes.count(session, experiment_id) == 0


def test_there_is_a_most_of_notes(served: Served) -> None:
    experiment_id = served.submit()
    with served.database.writing() as session:
        for _ in range(MOST_NOTES):
            notes.add(session, experiment_id, note_id=ids.new(), author=None, text="a", now=NOON)
    answer = write(served, experiment_id, "one more")
    assert (answer.status_code, "1,000 notes" in answer.json()["detail"]) == (409, True)
    page = read(served, experiment_id, limit=200)
    assert (len(page.items), page.total) == (200, MOST_NOTES)


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "201"}, {"cursor": "x"}, {"cursor": "9" * 36}, {"after": "x"}]
)
def test_a_wrong_query_is_told(served: Served, query: dict[str, str]) -> None:
    answer = served.http.get(f"/v1/experiments/{served.submit()}/notes", params=query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/query/{name}" for name in query]


def a_picture(side: int, *, format: str = "PNG") -> str:  # noqa: A002  # as Pillow has it
    """Half as wide as it is high."""
    written = io.BytesIO()
    Image.radial_gradient("L").resize((side // 2, side)).convert("RGB").save(written, format)
    return base64.b64encode(written.getvalue()).decode()


def opened(picture: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture)))


def keep(served: Served, experiment_id: str, example: Any) -> httpx.Response:
    body = {"text": "a seven of mine", "example": example}
    return served.http.post(f"/v1/experiments/{experiment_id}/notes", json=body)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "BMP"])
def test_a_labelled_example_is_kept_pixel_for_pixel_in_grey(served: Served, format: str) -> None:  # noqa: A002
    experiment_id = served.submit()
    sent = a_picture(100, format=format)
    answer = keep(served, experiment_id, {"image": sent, "label": 7})
    assert answer.status_code == 201, answer.text
    (note,) = read(served, experiment_id).items
    assert Note.model_validate(answer.json()) == note
    assert note.example is not None
    assert note.example.label == 7
    kept = opened(note.example.image)
    assert (kept.format, kept.mode, kept.size) == ("PNG", "L", (50, 100))
    assert np.array_equal(np.asarray(kept), np.asarray(opened(sent).convert("L")))


def test_a_kept_example_is_read_as_the_picture_that_was_sent(served: Served) -> None:
    experiment_id = served.train(epochs=1)
    sent = a_picture(200)
    kept = keep(served, experiment_id, {"image": sent, "label": 7}).json()["example"]["image"]
    body = {"images": [{"base64": sent}, {"base64": kept}]}
    answer = served.http.post(f"/v1/experiments/{experiment_id}/predictions", json=body).json()
    assert answer["predictions"][0] == answer["predictions"][1]


def test_a_large_picture_is_kept_small(served: Served) -> None:
    kept = keep(served, served.submit(), {"image": a_picture(1200, format="JPEG"), "label": 0}).json()["example"]
    assert opened(kept["image"]).size == (128, 256)


def test_a_photo_is_more_than_is_read(served: Served) -> None:
    experiment_id = served.submit()
    assert keep(served, experiment_id, {"image": a_picture(400, format="BMP"), "label": 0}).status_code == 413
    assert read(served, experiment_id).total == 0


@pytest.mark.parametrize(
    ("example", "pointer", "code"),
    [
        ({"image": a_picture(8), "label": 10}, "#/example/label", "out_of_range"),
        ({"image": a_picture(8), "label": -1}, "#/example/label", "out_of_range"),
        ({"image": a_picture(8), "label": "7"}, "#/example/label", "wrong_type"),
        ({"image": a_picture(8)}, "#/example/label", "missing"),
        ({"image": "no base64!", "label": 7}, "#/example/image", "invalid_image"),
        ({"image": base64.b64encode(b"no picture").decode(), "label": 7}, "#/example/image", "invalid_image"),
        ({"image": "", "label": 7}, "#/example/image", "out_of_range"),
        ({"image": a_picture(8), "label": 7, "split": "test"}, "#/example/split", "unknown_field"),
    ],
)  # fmt: skip
def test_what_is_no_example_is_told_and_no_note_is_left(served: Served, example: Any, pointer: str, code: str) -> None:
    experiment_id = served.submit()
    answer = keep(served, experiment_id, example)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert read(served, experiment_id).total == 0
