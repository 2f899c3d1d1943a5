"""The bundled sheet without a network: its networks on the digits that are on every machine."""

from pathlib import Path

from service import laboratory, labs
from service.domain.experiment import Experiment
from service.domain.lab_answers import LabRequest
from service.storage import Database, migrations
from tests.workers.conftest import Bench

LEARNT = 0.9
"""Of the test images: a tenth is guessing."""


def test_every_network_of_the_offline_lab_learns(tmp_path: Path) -> None:
    lab = labs.load("tp", folder=None)
    runs = tuple(name for name, run in lab.runs.items() if not run.grid)
    planned = laboratory.plan("tp", lab, LabRequest(offline=True, runs=runs))
    first = {each.spec.tags[1]: each.spec for each in reversed(planned)}
    database = Database(f"sqlite:///{tmp_path / 'ardoise.db'}")
    migrations.upgrade(database)
    bench = Bench(home=tmp_path, database=database)
    try:
        ids = [bench.submit(**each.model_dump()) for each in first.values()]
        bench.drain()
        ended = [bench.get(each) for each in ids]
    finally:
        bench.close()
    assert len(ended) == len(runs)
    assert not [each.name for each in ended if _accuracy(each) < LEARNT]


def _accuracy(run: Experiment) -> float:
    return run.test.accuracy or 0.0 if run.test else 0.0
