import base64
import io
import json
import re
import time
from pathlib import Path

import pytest
from PIL import Image

from service.cli import slate
from service.client import Client
from service.domain.curves import FindingList
from service.domain.experiment import Experiment, State
from service.domain.note import Note
from service.domain.prediction import Predictions
from service.domain.spec import ExperimentSpec
from tests.cli.conftest import Ardoise, Served, until

QUICK = {
    "dataset": {"name": "synthetic", "train_size": 200},
    "architecture": {"name": "mlp", "hidden": [8]},
    "epochs": 3,
}
ENDLESS = {"dataset": "synthetic", "architecture": "cnn", "epochs": 10_000}


@pytest.fixture(scope="module")
def completed(service: Served) -> Experiment:
    with Client(service.url) as client:
        experiment = client.submit({**QUICK, "name": "[bold]quick", "tags": ["done"]})
        *_, last = client.watch(experiment.id)
    assert isinstance(last, Experiment)
    assert last.state is State.COMPLETED
    return last


def spec_of(said: str, client: Client) -> ExperimentSpec:
    return client.get(said.strip()).spec


def test_options_alone_make_a_spec(service: Served, client: Client, ardoise: Ardoise) -> None:
    said = ardoise(
        *("submit", "--dataset", "synthetic", "--architecture", "mlp", "--hidden", "16,8", "--activation", "tanh"),
        *("--epochs", 1, "--learning-rate", 0.05, "--batch-size", 32, "--seed", 7, "--train-size", 100),
        *("--augmentation", "shift,elastic", "--name", "by options", "--tag", "a", "--tag", "b", "--priority", 3),
        url=service.url,
    )
    assert (said.status, said.err) == (0, "")
    assert spec_of(said.out, client) == ExperimentSpec.model_validate(
        {
            "name": "by options",
            "dataset": {"name": "synthetic", "train_size": 100, "augmentation": ["shift", "elastic"]},
            "architecture": {"name": "mlp", "hidden": [16, 8]}, "activation": "tanh",
            "optimizer": {"name": "sgd", "learning_rate": 0.05}, "epochs": 1, "batch_size": 32, "seed": 7,
            "tags": ["a", "b"], "priority": 3,
        }
    )  # fmt: skip


def test_options_come_on_top_of_a_file(service: Served, client: Client, ardoise: Ardoise, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    spec = {**QUICK, "optimizer": {"name": "sgd", "learning_rate": 0.5}, "epochs": 1}
    file.write_text(json.dumps(spec))
    kept = spec_of(ardoise("submit", file, "--hidden", "4", "--seed", 1, url=service.url).out, client)
    assert kept == ExperimentSpec.model_validate({**spec, "architecture": {"name": "mlp", "hidden": [4]}, "seed": 1})
    changed = spec_of(ardoise("submit", file, "--optimizer", "adam", "--architecture", "perceptron").out, client)
    assert changed == ExperimentSpec.model_validate({**spec, "optimizer": "adam", "architecture": "perceptron"})


def test_json_can_be_given_on_the_command_line(service: Served, client: Client, ardoise: Ardoise) -> None:
    said = ardoise("submit", json.dumps({**QUICK, "epochs": 1}), "--json", url=service.url)
    experiment = Experiment.model_validate_json(said.out)
    assert client.get(experiment.id).spec == ExperimentSpec.model_validate({**QUICK, "epochs": 1})


def test_an_owner_and_a_key_go_with_a_submission(service: Served, client: Client, ardoise: Ardoise) -> None:
    arguments = ("submit", json.dumps(QUICK), "--owner", "Élodie", "--idempotency-key", f"key-{time.time_ns()}")
    first, second = (ardoise(*arguments, url=service.url).out for _ in range(2))
    assert first == second
    assert client.get(first.strip()).owner == "Élodie"


def test_submit_can_stay_until_the_end(service: Served, ardoise: Ardoise) -> None:
    said = ardoise("submit", json.dumps({**QUICK, "name": "stayed"}), "--watch", url=service.url)
    lines = said.out.splitlines()
    assert (said.status, said.err) == (0, "")
    assert [line.split()[1] for line in lines if line.startswith("epoch ")] == ["1", "2", "3"]
    assert lines[-1].startswith("stayed completed, best epoch ")
    assert "test accuracy 0." in lines[-1]


def test_watch_prints_json_for_programs(service: Served, completed: Experiment, ardoise: Ardoise) -> None:
    said = ardoise("watch", completed.id, "--json", url=service.url)
    *epochs, last = map(json.loads, said.out.splitlines())
    assert [row["epoch"] for row in epochs] == [1, 2, 3]
    assert Experiment.model_validate(last) == completed


def test_a_wrong_spec_is_told_field_by_field_on_one_line(service: Served, ardoise: Ardoise) -> None:
    said = ardoise("submit", "--dataset", "digit", "--architecture", "mlp", "--hidden", "0", url=service.url)
    assert (said.status, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert said.err.startswith("ardoise: 2 fields are invalid: dataset")
    assert "allowed: digits" in said.err
    assert "architecture/hidden/0: must be between 1 and 65536" in said.err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("submit", "missing.json"), "missing.json cannot be read"),
        (("submit", "{"), "SPEC is not JSON"),
        (("submit", "--hidden", "8;8"), "8;8"),
        (("submit", "--epochs", "many"), "--epochs"),
        (("list", "--state", "asleep"), "--state"),
        (("curves", "some-id", "-o", "curves.gif"), "curves.gif"),
        (("predict", "missing.png"), "missing.png"),
        (("show",), "ID"),
        (("findings", "some-id", "--lang", "de"), "--lang"),
        (("note", "some-id"), "TEXT"),
        (("note", "some-id", "caf\udce9"), "UTF-8"),
        (("note", "some-id", "a seven", "--label", "7"), "--image"),
        (("note", "some-id", "a seven", "--image", __file__), "--label"),
        (("note", "some-id", "a seven", "--image", "missing.png", "--label", "7"), "missing.png"),
        (("shew",), "shew"),
    ],
)
def test_wrong_arguments_are_a_usage_error(arguments: tuple[str, ...], what: str, ardoise: Ardoise) -> None:
    said = ardoise(*arguments, url="http://127.0.0.1:1")
    assert (said.status, said.out) == (2, "")
    assert what in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("command", [("list",), ("show", "x"), ("watch", "x"), ("cancel", "x"), ("submit", "{}")])
def test_nobody_there_is_one_line_that_says_what_to_do(command: tuple[str, ...], ardoise: Ardoise) -> None:
    said = ardoise(*command, url="http://127.0.0.1:1")
    assert (said.status, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "http://127.0.0.1:1 does not answer" in said.err
    assert "make serve" in said.err


def test_list_shows_what_matches(service: Served, completed: Experiment, ardoise: Ardoise) -> None:
    said = ardoise("list", "--tag", "done", url=service.url)
    header, row = said.out.splitlines()
    assert header.split()[:3] == ["id", "name", "state"]
    assert row.split()[:4] == [completed.id, "[bold]quick", "completed", "3/3"]
    assert f"{completed.parameters:,}" in row
    assert ardoise("list", "--tag", "done", "--state", "failed").out == "no experiment\n"
    assert [Experiment.model_validate(each) for each in json.loads(ardoise("list", "--tag", "done", "--json").out)] == [
        completed
    ]


def test_show_tells_all_of_one(service: Served, completed: Experiment, ardoise: Ardoise) -> None:
    said = ardoise("show", completed.id, url=service.url)
    assert "name         [bold]quick" in said.out
    assert "epochs       3 of 3" in said.out
    assert Experiment.model_validate_json(ardoise("show", completed.id, "--json").out) == completed
    assert ardoise("show", "nobody").err == "ardoise: there is no experiment 'nobody'\n"


def test_history_tells_what_has_happened(service: Served, completed: Experiment, ardoise: Ardoise) -> None:
    said = ardoise("history", completed.id, url=service.url)
    assert (said.status, said.err) == (0, "")
    queued, claimed, ended = said.out.splitlines()
    assert queued.endswith("queued")
    assert re.search(rf" claimed +attempt 1  by {completed.worker}$", claimed)
    assert re.search(r" completed +attempt 1$", ended)
    assert json.loads(ardoise("history", completed.id, "--json", url=service.url).out)["left_out"] == 0


def test_curves_are_written_in_the_form_that_the_file_name_asks_for(
    service: Served, completed: Experiment, ardoise: Ardoise, tmp_path: Path
) -> None:
    for suffix, beginning in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("csv", b"epoch,"), ("json", b"{")):
        output = tmp_path / f"curves.{suffix}"
        said = ardoise("curves", completed.id, "--output", output, url=service.url)
        assert (said.status, said.out) == (0, f"{output}\n")
        assert output.read_bytes().startswith(beginning)
    said = ardoise("curves", completed.id, "--output", tmp_path / "nowhere" / "curves.png")
    assert (said.status, said.err.count("\n")) == (1, 1)
    assert "cannot be written" in said.err


def test_findings_are_said_in_either_language(service: Served, completed: Experiment, ardoise: Ardoise) -> None:
    said = ardoise("findings", completed.id, url=service.url)
    found = FindingList.model_validate_json(ardoise("findings", completed.id, "--json").out)
    assert said.status == 0
    for each in found.items:
        first, last = each.epochs
        assert f"{each.severity}: {each.kind}, epochs {first} to {last}\n    {each.text.en}\n" in said.out
        assert each.text.fr in ardoise("findings", completed.id, "--lang", "fr").out


def test_a_note_is_written(service: Served, client: Client, completed: Experiment, ardoise: Ardoise) -> None:
    said = ardoise("note", completed.id, "pas assez d'époques", "--owner", "ada", url=service.url)
    note = [*client.notes(completed.id)][-1]
    assert said.out == f"{note.id}\n"
    assert (note.text, note.author, note.example) == ("pas assez d'époques", "ada", None)


def test_a_note_keeps_a_picture_and_what_it_is_of(
    service: Served, client: Client, completed: Experiment, ardoise: Ardoise, tmp_path: Path
) -> None:
    picture = tmp_path / "seven.png"
    Image.new("L", (9, 12), 200).save(picture)
    said = ardoise("note", completed.id, "mine", "--image", str(picture), "--label", "7", "--json", url=service.url)
    kept = Note.model_validate_json(said.out).example
    assert kept is not None
    assert kept.label == 7
    with Image.open(io.BytesIO(base64.b64decode(kept.image))) as image:
        assert (image.format, image.size, image.getpixel((0, 0))) == ("PNG", (9, 12), 200)


def test_cancel_ends_what_runs_and_refuses_what_has_ended(
    service: Served, client: Client, completed: Experiment, ardoise: Ardoise
) -> None:
    running, waiting = client.submit(ENDLESS).id, client.submit({**ENDLESS, "priority": -100}).id
    until(lambda: client.get(running).state is State.RUNNING, what="a run that has begun")
    said = ardoise("cancel", waiting, running, url=service.url)
    assert said.out == f"{waiting} is cancelled\n{running} ends with its present batch\n"
    until(lambda: client.get(running).state.ended, what="the cancelled run's end", seconds=20)
    watched = ardoise("watch", running)
    assert (watched.status, client.get(running).state) == (1, State.CANCELLED)
    assert watched.err.endswith("was cancelled\n")
    refused = ardoise("cancel", completed.id)
    assert refused.status == 1
    assert "completed" in refused.err


def test_predict_reads_pictures_by_the_newest_completed_network_or_a_named_one(
    service: Served, client: Client, completed: Experiment, ardoise: Ardoise, tmp_path: Path
) -> None:
    newest = client.submit({**QUICK, "name": "newest"})
    assert [*client.watch(newest.id)]
    pictures = [tmp_path / "one.png", tmp_path / "two.png"]
    for picture, column in zip(pictures, (3, 5), strict=True):
        picture.write_bytes(slate.png([[255 * (x == column) for x in range(8)] for _ in range(8)]))
    said = ardoise("predict", *pictures, url=service.url)
    assert said.status == 0
    assert said.err == f"by newest ({newest.id}), the newest completed experiment\n"
    lines = said.out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(picture) for picture in pictures]
    assert all(re.match(r"\d  \(\d+\.\d %\)", line.split(": ", 1)[1]) for line in lines)
    named = ardoise("predict", pictures[0], "--experiment", completed.id, "--checkpoint", "last", "--json")
    answer = Predictions.model_validate_json(named.out)
    assert (answer.experiment_id, answer.checkpoint.name, len(answer.predictions)) == (completed.id, "last", 1)
    assert named.err == ""


def test_what_is_no_picture_is_said_on_one_line(service: Served, ardoise: Ardoise, tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_text("Dear service")
    said = ardoise("predict", tmp_path / "letter.png", url=service.url)
    assert (said.status, said.out) == (1, "")
    assert len([line for line in said.err.splitlines() if line.startswith("ardoise: ")]) == 1
    assert "Traceback" not in said.err
