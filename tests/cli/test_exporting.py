import zipfile
from pathlib import Path

import pytest

from service.client import Client
from service.domain.experiment import Experiment
from tests.cli.conftest import Ardoise, Served

BEGINNINGS = {"onnx": b"\x08\x08", "safetensors": b"", "pt2": b"PK"}
"""Of such files: ONNX's layout version 8, a length, a zip archive."""


@pytest.fixture(scope="module")
def completed(service: Served) -> Experiment:
    with Client(service.url) as client:
        *_, last = client.watch(client.submit({"dataset": "synthetic", "architecture": "perceptron", "epochs": 2}).id)
    assert isinstance(last, Experiment)
    return last


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_network_is_written_in_the_format_asked_for(
    service: Served, completed: Experiment, ardoise: Ardoise, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "network"
    said = ardoise("export", completed.id, "--format", kind, "--output", file, url=service.url)
    assert (said.status, said.out, said.err) == (0, f"{file}\n", "")
    content = file.read_bytes()
    with Client(service.url) as client:
        assert content == client.export(completed.id, kind)
    assert content.startswith(BEGINNINGS[kind])
    assert completed.id.encode() in content


def test_the_end_of_the_file_s_name_will_do(
    service: Served, client: Client, completed: Experiment, ardoise: Ardoise, tmp_path: Path
) -> None:
    file = tmp_path / "network.safetensors"
    assert ardoise("export", completed.id, "-o", file, "--checkpoint", 2, url=service.url).status == 0
    assert file.read_bytes() == client.export(completed.id, "safetensors", checkpoint=2)
    wrong = ardoise("export", completed.id, "-o", tmp_path / "network.h5", url=service.url)
    assert (wrong.status, ".onnx, .safetensors, .pt2" in wrong.err) == (2, True)


def test_the_file_is_called_after_the_run_where_nothing_is_said(
    service: Served, completed: Experiment, ardoise: Ardoise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ardoise("export", completed.id, url=service.url).out == f"{completed.id}.onnx\n"
    missing = ardoise("export", completed.id, "--checkpoint", 7, url=service.url)
    assert (missing.status, "no checkpoint '7'" in missing.err) == (1, True)
    assert [each.name for each in tmp_path.iterdir()] == [f"{completed.id}.onnx"]


def test_a_run_is_archived_with_its_notes(
    service: Served, client: Client, completed: Experiment, ardoise: Ardoise, tmp_path: Path
) -> None:
    file = tmp_path / "run.zip"
    said = ardoise("archive", completed.id, "-o", file, url=service.url)
    assert (said.status, said.out, said.err) == (0, f"{file}\n", "")
    assert file.read_bytes() == client.archive(completed.id)
    with zipfile.ZipFile(file) as stored:
        assert f'"experiment_id": "{completed.id}"' in stored.read("findings.json").decode()
