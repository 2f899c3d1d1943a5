"""`ardoise predict` with many files, and what a request of many large pictures takes of the service's memory."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from service import parcels
from service.cli import pictures, slate
from service.client import Client
from service.domain.experiment import Experiment
from service.domain.prediction import Predictions
from service.domain.registry import ModelPredictions
from tests.cli.conftest import Ardoise, Said, Served

QUICK = {"dataset": {"name": "synthetic", "train_size": 200}, "architecture": "perceptron", "epochs": 1}
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def completed(service: Served) -> Experiment:
    with Client(service.url) as client:
        *_, last = client.watch(client.submit(QUICK).id)
    assert isinstance(last, Experiment)
    return last


@pytest.fixture
def predict(service: Served, completed: Experiment, ardoise: Ardoise) -> Ardoise:
    return lambda *arguments: ardoise("predict", *arguments, "--experiment", completed.id, url=service.url)


@pytest.fixture
def named(service: Served, completed: Experiment) -> Iterator[None]:
    """Its network is version 1 of the model `reader`, which is called `next`, too."""
    with Client(service.url) as client:
        client.add_version("reader", completed.id)
        client.set_alias("reader", "next", 1)
        yield
        client.delete_alias("reader", "next")
        client.delete_model("reader")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve small pictures, two of them in a folder below, beside something else."""
    for number in range(12):
        name = f"{number:02}.png" if number < 10 else f"more/{number}.PNG"
        (tmp_path / "more").mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(slate.png([[255 * (x == number % 7) for x in range(8)] for _ in range(8)]))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def small_requests(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Requests of at most five pictures from now on; how many each of them had."""
    sizes: list[int] = []
    asked = Client.predict
    monkeypatch.setattr(pictures, "MOST_IMAGES", 5)

    def predict(client: Client, experiment_id: str, images: list[bytes], *, checkpoint: str) -> Predictions:
        sizes.append(len(images))
        return asked(client, experiment_id, images, checkpoint=checkpoint)

    monkeypatch.setattr(Client, "predict", predict)
    return sizes


def test_a_folder_a_pattern_and_files_give_the_same_lines_in_order(
    predict: Ardoise, folder: Path, small_requests: list[int]
) -> None:
    files = sorted(folder.rglob("*.png")) + sorted(folder.rglob("*.PNG"))
    assert len(files) == 12
    by_files, by_folder = predict(*files), predict(folder)
    assert (by_files.status, by_files.err) == (0, "")
    assert [line.split(": ")[0] for line in by_files.out.splitlines()] == [*map(str, files)]
    assert by_folder == by_files
    assert predict(folder / "*.png", folder / "more").out == by_files.out
    assert small_requests == [5, 5, 2] * 3


def test_what_cannot_be_read_is_named_at_the_end_and_the_rest_is_read(
    predict: Ardoise, folder: Path, small_requests: list[int]
) -> None:
    (folder / "03.png").write_text("Dear service")
    (folder / "07.png").write_bytes((folder / "07.png").read_bytes()[:40])
    said = predict(folder, folder / "nowhere.png")
    assert said.status == 1
    assert [Path(line.split(": ")[0]).name for line in said.out.splitlines()] == [
        *("00.png", "01.png", "02.png", "04.png", "05.png", "06.png", "08.png", "09.png", "10.PNG", "11.PNG")
    ]
    letter, cut, missing, last = said.err.splitlines()
    assert letter.startswith(f"{folder / '03.png'}: the bytes are of no accepted image format")
    assert cut.startswith(f"{folder / '07.png'}: the image is broken or cut off")
    assert missing == f"{folder / 'nowhere.png'}: no such file or directory"
    assert last == "ardoise: 3 of 13 pictures could not be read"
    assert small_requests[:3] == [5, 2, 3]


def test_csv_and_json_say_the_same_and_can_go_to_a_file(predict: Ardoise, folder: Path) -> None:
    as_json = Predictions.model_validate_json(predict(folder, "--format", "json").out)
    assert as_json.checkpoint.name == "best"
    assert [Path(each.name or "").name for each in as_json.predictions][:2] == ["00.png", "01.png"]
    output = folder / "read.csv"
    said = predict(folder, "--format", "csv", "--output", output)
    assert (said.status, said.out, said.err) == (0, "", "")
    table = [*csv.DictReader(io.StringIO(output.read_text()))]
    assert [(row["name"], int(row["digit"]), float(row["confidence"])) for row in table] == [
        (each.name, each.digit, each.confidence) for each in as_json.predictions
    ]
    assert [int(row["index"]) for row in table] == [*range(12)]
    assert predict(folder, "--output", folder / "no" / "such.csv").err.startswith("ardoise: ")


def test_a_wrong_checkpoint_is_one_error_and_not_one_a_picture(
    predict: Ardoise, folder: Path, small_requests: list[int]
) -> None:
    said = predict(folder, "--checkpoint", "worst")
    assert (said.status, said.out, said.err.count("\n")) == (1, "", 1)
    assert "checkpoint" in said.err
    assert small_requests == [5]


@pytest.mark.usefixtures("named")
def test_a_named_model_reads_them_by_its_champion_a_version_or_an_alias(
    service: Served, completed: Experiment, ardoise: Ardoise, predict: Ardoise, folder: Path
) -> None:
    def ask(which: str, *more: str) -> Said:
        return ardoise("predict", folder, "--model", which, *more, url=service.url)

    expected = predict(folder)
    for which in ("reader", "reader@1", "reader@next"):
        assert ask(which) == expected
    answer = ModelPredictions.model_validate_json(ask("reader", "--format", "json").out)
    assert (answer.model.version, len(answer.predictions)) == (1, 12)
    for which, why in (("reader@2", "no version 2"), ("reader@none", "its aliases are: next"), ("none", "no model")):
        refused = ask(which)
        assert (refused.status, refused.out, why in refused.err) == (1, "", True)
    assert ask("reader", "--experiment", completed.id).status == 2


@pytest.mark.usefixtures("named")
def test_the_version_that_reads_the_first_reads_all(
    service: Served, ardoise: Ardoise, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the alias points at meanwhile."""
    monkeypatch.setattr(pictures, "MOST_IMAGES", 5)
    asked: list[dict[str, Any]] = []
    own = Client.predict_with

    def predict_with(client: Client, model: str, images: list[bytes], **chosen: Any) -> ModelPredictions:
        asked.append(chosen)
        return own(client, model, images, **chosen)

    monkeypatch.setattr(Client, "predict_with", predict_with)
    assert ardoise("predict", folder, "--model", "reader@next", url=service.url).status == 0
    assert asked == [{"alias": "next"}, {"version": 1}, {"version": 1}]


@pytest.mark.parametrize("kind", [bytes, list])
def test_the_client_sends_many_images_in_several_requests(
    kind: type, service: Served, completed: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    grids = [[[255 * (x == number % 7) for x in range(8)] for _ in range(8)] for number in range(23)]
    images = [slate.png(grid) for grid in grids] if kind is bytes else grids
    with Client(service.url) as client:
        at_once = client.predict(completed.id, images)
        monkeypatch.setattr(parcels, "MOST_IMAGES", 10)
        parts = [*client.predict_in_parts(completed.id, images)]
        merged = client.predict(completed.id, images)
    assert [len(part.predictions) for part in parts] == [10, 10, 3]
    assert {part.checkpoint.epoch for part in parts} == {1}
    assert (merged.checkpoint, at_once.checkpoint.name) == (at_once.checkpoint, "best")
    assert [each.digit for each in merged.predictions] == [each.digit for each in at_once.predictions]


def test_a_request_is_bounded_by_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "MOST_BYTES", 1000)
    sent = [*parcels.bodies([b"x" * size for size in (400, 400, 400, 5000, 600, 400)])]
    assert [[len(content) for _, (_, content) in body["files"]] for body in sent] == [
        [400, 400],
        [400],
        [5000],
        [600, 400],
    ]
    assert [[name for _, (name, _) in body["files"]] for body in sent][-1] == ["4", "5"]
    grid = [[0.5] * 6] * 5
    assert [len(body["json"]["images"]) for body in parcels.bodies([grid, grid])] == [1, 1]
    assert [*parcels.bodies([])] == [{"json": {"images": []}}]


def test_memory_does_not_grow_with_the_number_of_large_pictures(service: Served, completed: Experiment) -> None:
    """60 pictures of 1,000 x 1,000 are 60 MB unpacked and 240 MB as floats: the peak of one is the peak of all."""
    forms = [("image", (f"{number}.png", _drawing(number), "image/png")) for number in range(60)]
    peak = _peak_of(service.process.pid)
    with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as http:

        def ask(count: int) -> int:
            path = f"/v1/experiments/{completed.id}/predictions?format=ndjson"
            return peak(lambda: http.post(path, files=forms[:count]).raise_for_status())

        ask(4)
        few, many = ask(4), ask(60)
    assert many - few < 24 * MEGABYTE


def _drawing(number: int) -> bytes:
    image = Image.new("L", (1000, 1000), 255)
    ImageDraw.Draw(image).line([(300 + number, 200), (700, 200), (450, 800)], fill=0, width=60)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _peak_of(pid: int) -> Callable[[Callable[[], object]], int]:
    """Bytes of memory that a process held at most while something was done."""

    def peak(do: Callable[[], object]) -> int:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # sets the mark back to what is held now: proc(5)
        do()
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        assert found is not None
        return int(found[1]) * 1024

    return peak
