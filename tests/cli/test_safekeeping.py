from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.client import Client
from service.domain.experiment import Experiment
from tests.cli.conftest import Ardoise, Served
from tests.kept_home import a_home

QUICK = {
    "dataset": {"name": "synthetic", "train_size": 200},
    "architecture": {"name": "mlp", "hidden": [8]},
    "epochs": 2,
}


def test_a_service_that_runs_is_backed_up_and_not_restored_over(
    service: Served, client: Client, ardoise: Ardoise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, done = client.watch(client.submit(QUICK).id)
    assert isinstance(done, Experiment)
    monkeypatch.setenv("ARDOISE_HOME", str(service.home))
    said = ardoise("backup", tmp_path / "backup.tar")
    size = (tmp_path / "backup.tar").stat().st_size
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"{tmp_path / 'backup.tar'}: the database and ")
    assert said.out.endswith(f" checkpoints, {size:,} bytes, verified\n")
    refused = ardoise("restore", tmp_path / "backup.tar", "--force")
    assert refused.status == 1
    assert refused.err.startswith(f"ardoise: {service.home / 'ardoise.db'} is in use: end `ardoise serve`")
    assert client.get(done.id) == done
    monkeypatch.setenv("ARDOISE_HOME", str(tmp_path / "elsewhere"))
    restored = ardoise("restore", tmp_path / "backup.tar")
    assert restored.status == 0
    assert restored.out.startswith(f"{tmp_path / 'elsewhere'}: the database and ")
    again = ardoise("restore", tmp_path / "backup.tar")
    assert (again.status, "hold experiments already" in again.err, again.err.count("\n")) == (1, True, 1)


def test_gc_says_what_would_go_and_then_lets_it_go(
    ardoise: Ardoise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_home(tmp_path / "home") as home:
        old = home.ended(at=datetime.now(UTC) - timedelta(days=40), name="[bold]old")
        home.ended(name="new")
        size = sum(len(content) for name, content in home.files().items() if old.experiment_id in name)
        monkeypatch.setenv("ARDOISE_HOME", str(tmp_path / "home"))
        for arguments, word in ((("--dry-run", "--keep-days", 30), "would go"), (("--keep-days", 30), "went")):
            said = ardoise("gc", *arguments)
            row, total = said.out.splitlines()[1:]
            assert row.split()[:3] == [old.experiment_id, "[bold]old", "completed"]
            assert total == f"{size:,} bytes {word}: the weights of 1 run, and 0 folders that no row names"
        assert ardoise("gc").out == "0 bytes went: the weights of 0 runs, and 0 folders that no row names\n"
        assert home.read_all() == 1
