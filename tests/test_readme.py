"""The README says what is so: its commands run, its tables are those of the code, what it names is there."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import BaseModel

from service import activations, architectures, cli, datasets, submission
from service.api.connections import MOST_CONNECTIONS, MOST_HEAD_BYTES, PATIENCE_SECONDS, Phase
from service.cli import demonstration
from service.domain.architecture import MAX_LAYERS, MAX_UNITS
from service.domain.augmentations import AUGMENTATIONS
from service.domain.optimizers import OPTIMIZERS
from service.domain.presets import PRESETS
from service.domain.schedules import SCHEDULES
from service.domain.spec import (
    MAX_PARAMETERS,
    CheckpointPolicy,
    CrossEntropy,
    DatasetChoice,
    EarlyStopping,
    ExperimentSpec,
)
from service.inference.decode import MAX_PIXELS
from service.settings import Settings
from service.storage.listing import Filters, Sort
from tests.api.test_exports import PROGRAMS
from tests.cli.conftest import LONG_SECONDS, Served, start, stop, until

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def section(title: str) -> str:
    """What stands below a heading, up to the next of its kind."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found is not None, f"there is no section {title!r}"
    return found.group(1)


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def table(text: str) -> dict[str, list[str]]:
    """The first table: by what stands in backticks in the first cell, the other cells."""
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert lines is not None
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines.group().splitlines()[2:]]
    return {cells[0].strip("`| "): cells[1:] for cells in rows}


def spans() -> Iterator[str]:
    """What is set as code, in the text and in blocks."""
    yield from re.findall(r"`([^`\n]+)`", README)
    for _, block in re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE):
        yield from block.splitlines()


@dataclass(frozen=True)
class Command:
    """A block that was run."""

    text: str
    status: int
    said: str


@dataclass(frozen=True)
class Tour:
    """All blocks of the tour, run in this folder in their order, up to the first that failed."""

    folder: Path
    url: str
    commands: list[Command]

    def said(self, part: str) -> str:
        """The output of the one block that has this in it."""
        found = [command.said for command in self.commands if part in command.text]
        assert len(found) == 1, f"{len(found)} blocks of the tour have {part!r} in them"
        return found[0]


SHELL = """
set -euo pipefail
if [ -f "$STATE" ]; then . "$STATE"; fi
set -a
{block}
{{ export -p; declare -f; }} > "$STATE"
"""
"""A block begins with the variables and functions that the one before it ended with, as in one terminal."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start(tmp_path_factory.mktemp("readme") / "home", "--workers", "1")
    try:
        until(served.is_ready, what="a worker that is ready")
        yield served
    finally:
        stop(served.process)


@pytest.fixture(scope="module")
def tour(service: Served, tmp_path_factory: pytest.TempPathFactory) -> Tour:
    if shutil.which("curl") is None:
        pytest.skip("the tour is made with curl, which is not on this machine")
    folder = tmp_path_factory.mktemp("tour")
    run = Tour(folder=folder, url=service.url, commands=[])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARDOISE_")} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "STATE": str(folder / ".state"),
        "ARDOISE_URL": service.url,
        "no_proxy": "127.0.0.1",
    }
    for block in blocks(section("A five-minute tour") + section("The same from the command line"), "sh"):
        done = subprocess.run(
            ["bash", "-c", SHELL.format(block=block.replace(ADDRESS, service.url))],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=LONG_SECONDS,
        )  # fmt: skip
        run.commands.append(Command(text=block, status=done.returncode, said=done.stdout))
        if done.returncode:
            break
    return run


def test_every_command_of_the_tour_runs(tour: Tour) -> None:
    last = tour.commands[-1]
    assert last.status == 0, f"{last.text}\nended with {last.status} and said:\n{last.said}"


def test_problems_are_answered_where_the_tour_says_so_and_nowhere_else(tour: Tour) -> None:
    said = "".join(command.said for command in tour.commands)
    assert re.findall(r'"type": ?"about:blank".*?"status": ?(\d+)', said, re.DOTALL) == ["422", "409"]


def test_the_run_of_the_tour_ends_as_shown(tour: Tour) -> None:
    page = json.loads(tour.said("metrics?after_epoch=19"))
    assert [row["epoch"] for row in page["items"]] == [20]
    events = tour.said("events -H 'Last-Event-ID: 18'")
    assert re.findall(r"^id: (\d+)$", events, re.MULTILINE) == ["19", "20"]
    assert events.count("event: end") == 1


def test_the_tour_writes_the_files_that_it_names(tour: Tour) -> None:
    content = {name: (tour.folder / name).read_bytes() for name in ("curves.svg", "metrics.csv")}
    pictures = re.findall(r"-o (\w+\.png)", "".join(command.text for command in tour.commands))
    assert len(pictures) > 5
    for picture in pictures:
        assert (tour.folder / picture).read_bytes().startswith(b"\x89PNG\r\n\x1a\n"), picture
    assert b"<svg" in content["curves.svg"]
    assert content["metrics.csv"].count(b"\n") == 21
    assert b"<svg" in (tour.folder / "tanh.svg").read_bytes()

    from safetensors.numpy import load_file

    assert set(load_file(tour.folder / "best.safetensors")) == {
        f"{layer}.{kind}" for layer in ("hidden1", "hidden2", "output") for kind in ("weight", "bias")
    }


def test_the_lists_of_the_tour_are_sorted_and_its_sums_add_up(tour: Tour) -> None:
    accuracies = [float(line.split()[-1]) for line in tour.said("sort=-test_accuracy&limit").splitlines()]
    assert len(accuracies) == 3
    assert accuracies == sorted(accuracies, reverse=True)
    sums = re.findall(r"\] (\S.*) = (\d+)$", tour.said('"lenet5"}'), re.MULTILINE)
    assert len(sums) == 5
    assert all(eval(left, {"__builtins__": {}}) == int(right) for left, right in sums)  # noqa: S307  # sums of our own


def test_the_sweep_of_the_tour_is_as_large_as_it_says_and_its_preset_is_changed(tour: Tour) -> None:
    first, total, last = tour.said("$SWEEP/cancel").splitlines()
    assert sum(int(count) for count in re.findall(r"\d+", first)) == int(total) == 12
    assert int(re.findall(r"'cancelled': (\d+)", last)[0]) > 0
    description, parameters = tour.said("/v1/presets/").splitlines()
    assert description == PRESETS["lab-relu"].description
    assert int(parameters) == (256 + 1) * 512 + (512 + 1) * 10


def test_the_answer_to_a_wrong_spec_is_the_one_that_is_shown(tour: Tour) -> None:
    answered = json.loads(tour.said('"hiden"'))
    shown = json.loads(blocks(section("A five-minute tour"), "json")[0])
    for one, other in zip(shown["errors"], answered["errors"], strict=True):
        cut = one["detail"].removesuffix("...")
        assert (one["pointer"], one["code"]) == (other["pointer"], other["code"])
        assert other["detail"] == cut or (cut != one["detail"] and other["detail"].startswith(cut))
    unlike = ("errors", "request_id")
    assert {k: v for k, v in shown.items() if k not in unlike} == {k: v for k, v in answered.items() if k not in unlike}


def test_digits_are_read_alike_however_they_are_sent(tour: Tour) -> None:
    labels = re.findall(r"shows a (\d)", tour.said("<<'PYTHON'"))
    said = tour.said("$PREDICTIONS ")
    answered = json.loads(said[: said.index("\n}") + 2])
    assert str(answered["predictions"][0]["digit"]) == labels[0]
    assert f"[{{'digit': {labels[0]}," in said
    assert "{'name': 'last', 'epoch': 20}" in said
    by_command_line = re.findall(r"digit\d.png: (\d)", tour.said("ardoise predict"))
    assert by_command_line == labels


def test_the_tour_changes_what_it_says_it_changes(tour: Tour) -> None:
    first, second, *_ = tour.said("Idempotency-Key").splitlines()
    assert first == second
    assert tour.said("$LONG/cancel").splitlines()[-1] == "cancelled"
    assert "'identical': True" in tour.said("/reproduce")
    assert tour.said("-X DELETE").strip() == "204"
    assert tour.said("/readyz").startswith('{"status":"ok"}')


def test_the_python_example_runs(tour: Tour) -> None:
    (example,) = blocks(section("The same from Python"), "python")
    done = subprocess.run(
        [sys.executable, "-c", example.replace(ADDRESS, tour.url)],
        cwd=tour.folder, capture_output=True, text=True, check=False, timeout=LONG_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:10]] == [str(epoch) for epoch in range(1, 11)]
    assert lines[10].startswith("loss=")
    assert len(json.loads(lines[11])) == 2


def test_a_class_is_set_up_as_shown(tmp_path: Path) -> None:
    """Tokens first, then the service on the same home, then what a student, another one and the teacher do."""
    folder = tmp_path / "class"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARDOISE_")} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "ARDOISE_HOME": str(folder / "home"),
    }  # fmt: skip

    def bash(block: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", block], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=LONG_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    making, using = blocks(section("For a class"), "sh")
    assert [line.split()[1:3] for line in bash(making).splitlines()[1:]] == [
        ["hopper", "teacher"], ["ada", "student"], ["blaise", "student"], ["carl", "student"],
    ]  # fmt: skip
    served = start(folder / "home", "--workers", "0")
    try:
        refused, *others = bash(using.replace(ADDRESS, served.url)).splitlines()
    finally:
        stop(served.process)
    assert refused == "ardoise: this belongs to 'ada': the token of 'blaise' changes what is their own"
    assert others[:2] == ["that is ada's", others[1]]
    assert others[1].endswith("is cancelled")
    assert "/#/shared?token=ardoise_" in others[2]


def test_what_the_lists_are_said_to_be_filtered_and_sorted_by_is_all_there_is() -> None:
    sentence = re.search(r"Lists are filtered by (.*?) and\s+sorted by (.*?);", README, re.DOTALL)
    assert sentence is not None
    filters, orders = (re.findall(r"`(\w+)`", part) for part in sentence.groups())
    assert set(filters) == set(Filters.model_fields)
    assert set(orders) == {order.removeprefix("-") for order in Sort}


def test_make_targets_and_the_readme_name_each_other() -> None:
    targets = set(re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    named = {name for span in spans() for name in re.findall(r"\bmake ([a-z-]+)", span)}
    assert named == targets


def test_commands_and_the_readme_name_each_other() -> None:
    known = {
        each.name or each.callback.__name__ for each in cli.commands.registered_commands if each.callback is not None
    }
    named = {name for span in spans() for name in re.findall(r"(?:^|\()ardoise ([a-z]+)\b", span)}
    groups = {each.name for each in cli.commands.registered_groups}
    assert known <= named - {"https", "http"} <= known | groups


def test_paths_that_the_readme_names_are_there() -> None:
    named = {span for span in spans() if re.fullmatch(r"(service|workers|tests|docker|alembic)(/[\w.]+)*", span)}
    added = {path for path, _ in additions()}
    assert len(named) > 12
    assert [path for path in named - added if not (ROOT / path).exists()] == []


def test_the_picture_names_files_that_are_there() -> None:
    (picture,) = blocks(README, "mermaid")
    named = re.findall(r"([a-z]+(?:/[a-z_]+)*(?:\.py|/))(?=[<\"\],])", picture)
    folders = (ROOT, ROOT / "service", ROOT / "service" / "api")
    assert len(named) > 12
    assert [path for path in named if not any((folder / path).exists() for folder in folders)] == []


def test_the_programs_that_need_no_ardoise_are_those_that_are_tested_and_have_ten_lines() -> None:
    shown = blocks(section("Outside Ardoise"), "python")
    assert shown == [*PROGRAMS.values()]
    for program in shown:
        lines = program.splitlines()
        assert (len(lines), max(map(len, lines)) <= 100, ";" in program) == (10, True, False)


def test_the_demo_compares_the_networks_of_the_table() -> None:
    shown = [line.rsplit(maxsplit=4)[:2] for line in blocks(section("Start"), "text")[1].splitlines()[1:]]
    specs = [ExperimentSpec.model_validate(spec) for spec in demonstration.comparison(epochs=1)]
    assert shown == [[spec.name, f"{submission.check(spec):,}"] for spec in specs]


def test_the_table_of_settings_is_the_settings() -> None:
    def shown(value: object) -> str:
        return "unset" if value is None else f"`{value}`"

    assert table(section("Settings")) == {
        f"ARDOISE_{name.upper()}": [shown(field.default), field.description]
        for name, field in Settings.model_fields.items()
    }


def spec_table() -> dict[str, list[str]]:
    return table(section("The spec"))


NESTED: Mapping[str, type[BaseModel]] = {
    "dataset": DatasetChoice,
    "loss": CrossEntropy,
    "early_stopping": EarlyStopping,
    "checkpoints": CheckpointPolicy,
}


def properties() -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Every field of a spec with a row of its own: its path, its JSON schema, the schema that it refers to."""
    schema = ExperimentSpec.model_json_schema()
    for name, node in schema["properties"].items():
        if name not in NESTED or name == "early_stopping":  # which may also be null
            yield name, node, schema
        if name in NESTED:
            inner = NESTED[name].model_json_schema()
            yield from ((f"{name}.{field}", each, inner) for field, each in inner["properties"].items())


def test_every_field_of_a_spec_has_its_row() -> None:
    assert list(spec_table()) == [path for path, _, _ in properties()]


def test_the_defaults_of_a_spec_are_those_of_the_table() -> None:
    rows = {path: cells[0] for path, cells in spec_table().items()}
    minimal = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "mlp"})
    defaults = minimal.model_dump(mode="json")
    defaults |= {"optimizer": defaults["optimizer"]["name"], "schedule": defaults["schedule"]["name"]}
    early_stopping = EarlyStopping().model_dump(mode="json")
    for path in rows.keys() - {"preset", "name", "dataset.name", "architecture", "activation"}:
        parent, _, field = path.rpartition(".")
        value = {"": defaults, "early_stopping": early_stopping}.get(parent) or defaults[parent]
        text = value[field] if isinstance(value[field], str) else json.dumps(value[field])
        assert rows[path] == f"`{text}`", path
    assert rows["dataset.name"] == rows["architecture"] == "required"
    assert ExperimentSpec.model_json_schema()["anyOf"] == [
        {"required": ["dataset", "architecture"]}, {"required": ["preset"]},
    ]  # fmt: skip
    perceptron = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "perceptron"})
    assert rows["activation"] == f"`{minimal.activation}`; `{perceptron.activation}` for `perceptron`"


def in_words(node: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What the table must say of a field: its bounds and, where they are few, its values."""
    if "$ref" in node:
        return in_words(schema["$defs"][node["$ref"].rsplit("/", 1)[1]], schema)
    if "discriminator" in node or "enum" in node:
        return [f"`{name}`" for name in node.get("enum", ())]
    words = [word for each in (*node.get("anyOf", ()), *node.get("oneOf", ())) for word in in_words(each, schema)]
    lowest, highest = node.get("minimum"), node.get("maximum")
    if lowest is not None and highest is not None:
        words.append(f"{lowest:,} to {highest:,}")
    elif "exclusiveMaximum" in node:
        limit = node["exclusiveMaximum"]
        words.append(f"{lowest:,} to below " + ("2^63" if limit == 2**63 else f"{limit:,}"))
    elif lowest is not None:
        words.append(f"{lowest:,} or more")
    if "maxLength" in node:
        words.append(f"{node['minLength']} to {node['maxLength']} printable")
    if "maxItems" in node:
        words += [f"at most {node['maxItems']}", *in_words(node["items"], schema)]
    if "const" in node:
        words.append(f"`{node['const']}` only")
    return words


def test_the_bounds_of_a_spec_are_those_of_the_table() -> None:
    listed_below = {"preset", "dataset.name", "architecture", "activation", "optimizer", "schedule", "early_stopping"}
    checked = 0
    for path, node, schema in properties():
        words = [] if path in listed_below else in_words(node, schema)
        assert [word for word in words if word not in spec_table()[path][1]] == [], path
        checked += len(words)
    assert checked > 20


def test_the_long_form_is_what_the_short_form_stands_for() -> None:
    (shown,) = blocks(section("The spec"), "json")
    short = re.search(r"`(\{\"dataset\".*?\})` is stored", section("The spec"))
    assert short is not None
    assert json.loads(shown) == ExperimentSpec.model_validate_json(short.group(1)).model_dump(mode="json")


def test_the_limits_are_those_of_the_code() -> None:
    text = " ".join(README.split())
    assert f"{MAX_LAYERS} layers with weights, {MAX_UNITS:,} units a layer and {MAX_PARAMETERS:,} parameters" in text
    side = int(MAX_PIXELS**0.5)
    assert f"up to {side} x {side} pixels" in text
    words = {10.0: "ten seconds", 60.0: "a minute"}
    head, body, reader = (words[PATIENCE_SECONDS[phase]] for phase in (Phase.HEAD, Phase.BODY, Phase.READER))
    assert body == reader
    assert f"{head} for a request's head, {body} for its body or for taking a part of the answer" in text
    assert f"{MOST_HEAD_BYTES // 1024} KB of headers, {MOST_CONNECTIONS:,} connections of a process" in text


def options(*models: type[BaseModel]) -> dict[str, str]:
    """The cell of each one's options."""
    return {
        model.model_fields["name"].default: ", ".join(
            f"`{name}={json.dumps(field.default)}`" for name, field in model.model_fields.items() if name != "name"
        )
        or "none"
        for model in models
    }


def catalogue(kind: str) -> dict[str, list[str]]:
    return table(section("The spec").partition(f"**{kind}.**")[2])


def test_the_catalogues_are_those_of_the_code() -> None:
    for kind, models in (
        ("Augmentations", AUGMENTATIONS),
        ("Architectures", architectures.options_classes()),
        ("Optimizers", OPTIMIZERS),
        ("Schedules", SCHEDULES),
    ):
        assert {name: cells[0] for name, cells in catalogue(kind).items()} == options(*models), kind
    line = re.search(r"\*\*Activations\.\*\* (.*)", README)
    assert line is not None
    assert re.findall(r"`(\w+)`", line.group(1)) == [*activations.names()]


def test_the_table_of_data_sets_is_their_facts() -> None:
    expected = {}
    for name in datasets.names():
        facts = datasets.facts(name)
        side, box = facts.image_size, facts.framing.box
        expected[name] = [
            f"{side}x{side}", f"{facts.train_images:,}", f"{facts.test_images:,}", "no" if facts.bundled else "yes",
            f"fits {box}x{box}, centred by its {facts.framing.centre}",
        ]  # fmt: skip
    assert catalogue("Data sets") == expected


def test_the_table_of_presets_is_theirs() -> None:
    assert catalogue("Presets") == {name: [preset.description] for name, preset in PRESETS.items()}


def additions() -> list[tuple[str, str]]:
    """The examples of what can be added: the file, and what to put into it."""
    one = r"^\*\*An? [^*]+\*\*:.*?`(service/[\w/.]+)`.*?^```python\n(.*?)^```$"
    return re.findall(one, README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A service from a copy of the source to which the examples have been added, with its lab's own data."""
    copy = tmp_path / "copy"
    for folder in ("service", "workers", "alembic"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in additions():
        file = copy / path
        if file.exists():
            assert file.name == "activations.py"
            last = '    "softplus": '
            file.write_text(file.read_text().replace(last, text + last))
        else:
            file.write_text(text)
    data = tmp_path / "home" / "data"
    data.mkdir(parents=True)
    chance = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        f"{split}_{kind}": chance.integers(0, most, size=(count, *shape), dtype=dtype)
        for split, count in (("train", 900), ("test", 100))
        for kind, most, shape, dtype in (("images", 256, (28, 28), np.uint8), ("labels", 10, (), np.int64))
    }
    np.savez(data / "lab_digits.npz", **arrays)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("PYTHONPATH", str(copy))
    served = start(tmp_path / "home", "--workers", "1")
    try:
        until(served.is_ready, what="a worker that is ready")
        yield served
    finally:
        stop(served.process)


def test_what_is_added_as_the_readme_says_is_there_and_trains(extended: Served) -> None:
    assert [path for path, _ in additions()] == [
        "service/architectures/mean_cnn.py", "service/datasets/lab_digits.py", "service/activations.py",
    ]  # fmt: skip
    spec = {"dataset": "lab_digits", "architecture": "mean_cnn", "activation": "mish", "epochs": 1}
    with httpx.Client(base_url=extended.url, timeout=LONG_SECONDS, trust_env=False) as http:
        for kind in ("dataset", "architecture", "activation"):
            item = http.get(f"/v1/{kind}s/{spec[kind]}")
            assert (item.status_code, item.json()["name"]) == (200, spec[kind])
        accepted = http.post("/v1/experiments", json=spec)
        assert accepted.status_code == 202, accepted.text
        own = accepted.headers["Location"]
        until(lambda: http.get(own).json()["finished_at"], what="the end of the run")
        experiment = http.get(own).json()
        assert (experiment["state"], experiment["error"]) == ("completed", None)
        assert experiment["parameters"] == (9 + 1) * 32 + (9 * 32 + 1) * 32 + (32 + 1) * 10
        read = http.post(f"{own}/predictions", json={"pixels": [[0, 255, 0], [0, 255, 0], [0, 255, 0]]})
        assert len(read.json()["predictions"][0]["probabilities"]) == 10
        unknown = http.post("/v1/experiments", json={**spec, "architecture": "mean_cn"})
        assert "allowed: mean_cnn, " in unknown.json()["errors"][0]["detail"]
