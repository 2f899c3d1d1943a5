"""Files that a killed process left beside the models: removed at the next start, and nothing else."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import model_files, registry
from service.domain.checkpoint import MANIFEST, WEIGHTS
from service.model_files import FOLDER
from service.storage import Database, migrations
from service.storage import registry as rows
from tests.api.conftest import Served, serving, settings_for, wait_until

KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path

from service import model_files, registry
from service.domain.registry import NewVersion
from service.storage import Database
from service.storage import registry as rows

url, artifacts, experiment_id, where = sys.argv[1:]
module, name = {"staged": (model_files, "place"), "placed": (rows, "add")}[where]
setattr(module, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
request = NewVersion(experiment_id=experiment_id, checkpoint="2")
registry.add(Database(url), Path(artifacts), "reader", request, owner=None, now=datetime.now(UTC))
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service with one version of `reader`, of the first of two epochs; its own, for it is started again."""
    with serving(settings_for(tmp_path)) as served:
        experiment_id = served.train(epochs=2, checkpoints={"keep": "all"})
        body = {"experiment_id": experiment_id, "checkpoint": "1"}
        assert served.http.put("/v1/models/reader", json=body).status_code == 201
        yield served


def folders(served: Served) -> list[str]:
    """What lies in the model's folder."""
    return sorted(each.name for each in (served.settings.artifacts_dir / FOLDER / "reader").iterdir())


def killed(served: Served, where: str) -> None:
    """A process that adds a version, and is killed before its row is stored."""
    (experiment,) = served.http.get("/v1/experiments").json()["items"]
    arguments = [str(served.database.url), str(served.settings.artifacts_dir), experiment["id"], where]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize("where", ["staged", "placed"])
def test_what_a_killed_process_left_is_removed_at_the_next_start(served: Served, where: str) -> None:
    (kept,) = folders(served)
    killed(served, where)
    assert len(folders(served)) == 2
    with serving(served.settings) as again:
        wait_until(lambda: folders(served) == [kept])
        answer = again.http.post("/v1/models/reader/predictions", json={"pixels": [[0, 255], [255, 0]]})
        assert answer.json()["model"]["version"] == 1
    folder = served.settings.artifacts_dir / FOLDER / "reader" / kept
    assert sorted(each.name for each in folder.iterdir()) == [MANIFEST, WEIGHTS]


def test_while_somebody_adds_nothing_is_removed(served: Served) -> None:
    killed(served, "staged")
    with model_files.adding(served.settings.artifacts_dir):
        registry.sweep(served.database, served.settings.artifacts_dir)
        assert len(folders(served)) == 2
    registry.sweep(served.database, served.settings.artifacts_dir)
    assert len(folders(served)) == 1


def test_of_a_deleted_version_nothing_stays_though_its_files_were_not_yet_removed(served: Served) -> None:
    with served.database.writing() as session:
        rows.delete_version(session, "reader", 1)
    assert len(folders(served)) == 1
    registry.sweep(served.database, served.settings.artifacts_dir)
    assert folders(served) == []


def test_where_there_are_no_models_there_is_nothing_to_remove(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ardoise.db")
    migrations.upgrade(database)
    registry.sweep(database, tmp_path / "artifacts")
    assert not (tmp_path / "artifacts").exists()
    database.close()
