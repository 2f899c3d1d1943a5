"""A whole service on a disk that fills up and fails: nothing is lost, it says why, and it goes on by itself.

One call that writes is refused, then a later one, then a later one; and then all of them for a while.
"""

import errno
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import checkpoints
from service.client import Client
from service.domain.experiment import Experiment, State
from service.storage import Database, artifacts
from tests.cli.conftest import Served, start, stop, until
from tests.failing_disk import FOREVER, FailingDisk

QUICK = {
    "dataset": {"name": "synthetic", "train_size": 200},
    "architecture": {"name": "mlp", "hidden": [8], "dropout": 0.2},
    "epochs": 3,
    "checkpoints": {"keep": "all"},
}
FULL = 1_000_000
"""Bytes free: fewer than are to stay free."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> FailingDisk:
    """That of the service's home and of its log beside it, `home.log`.

    Where a line of the log that could not be written was an error, it ended workers, and then all that start workers.
    """
    folder = tmp_path_factory.mktemp("disk")
    return FailingDisk(folder, below=folder / "home")


@pytest.fixture(scope="module")
def service(disk: FailingDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service with a worker; a lease that ends soon."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in disk.environment.items():
            patch.setenv(name, value)
        home = Path(disk.environment["FAILING_DISK_BELOW"])
        served = start(home, "--workers", "1", lease_seconds="1", max_failures="2")
    try:
        until(served.is_ready, what="a worker that is ready")
        yield served
    finally:
        stop(served.process)


@pytest.fixture(scope="module")
def expected(service: Served) -> list[tuple[Any, ...]]:
    """How a run ends that nothing happens to."""
    with Client(service.url) as client:
        return what_counts(client, ended(client, client.submit(QUICK).id))


def ended(client: Client, experiment_id: str) -> Experiment:
    """The run once it has ended; it can be read all the while."""
    until(lambda: client.get(experiment_id).state.ended, what="the end of the run", seconds=60)
    return client.get(experiment_id)


def what_counts(client: Client, experiment: Experiment) -> list[tuple[Any, ...]]:
    """What must be the same to the bit: every epoch's figures, the test's, the weights of every epoch."""
    assert experiment.state is State.COMPLETED
    epochs = client.metrics(experiment.id).items
    weights = client.checkpoints(experiment.id).items
    return [
        *((each.epoch, each.train_loss, each.val_loss, each.val_accuracy) for each in epochs),
        (experiment.test,),
        *sorted((each.name, each.sha256) for each in weights),
    ]


def is_sound(home: Path) -> bool:
    """SQLite's own check, and every file that a row names."""
    database = Database(f"sqlite:///{home / 'ardoise.db'}")
    try:
        with database.reading() as session:
            said = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar()
            named = list(artifacts.named(session))
        for each in named:
            for file in each.files:
                checkpoints.read_file(home / "artifacts", each, file.name)
    finally:
        database.close()
    return bool(said == "ok")


def hold_up(client: Client, disk: FailingDisk) -> str:
    """A run that waits for room: its id."""
    disk.has_free(FULL)
    return client.submit(QUICK).id


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_whichever_write_is_refused_the_run_ends_the_same_or_says_why(
    service: Served, disk: FailingDisk, expected: list[tuple[Any, ...]], error: int
) -> None:
    """From its claim on: of its epochs and checkpoints, of leases, of the log of writes that SQLite keeps."""
    refused = 0
    with Client(service.url) as client:
        for after in (0, 2, 5, 9, 14, 24):
            waiting = hold_up(client, disk)
            with disk.failing(after=after, error=error):
                disk.has_free(None)
                found = ended(client, waiting)
            refused += disk.failed
            if found.state is State.FAILED:
                assert found.error is not None
                assert any(word in found.error.message for word in ("disk", "I/O", "full", "lease", "ended"))
            else:
                assert what_counts(client, found) == expected, f"after {after}"
        assert what_counts(client, ended(client, client.submit(QUICK).id)) == expected
    assert refused > 3
    assert is_sound(service.home)


def test_while_nothing_can_be_written_all_can_be_read_and_then_it_goes_on(
    service: Served, disk: FailingDisk, expected: list[tuple[Any, ...]]
) -> None:
    with Client(service.url) as client:
        before = client.submit(QUICK).id
        ended(client, before)
        waiting = hold_up(client, disk)
        with disk.failing(after=12, times=FOREVER):
            disk.has_free(None)
            until(lambda: disk.failed > 20, what="refused writes")
            assert what_counts(client, client.get(before)) == expected
            refused = httpx.post(f"{service.url}/v1/experiments", json=QUICK, trust_env=False, timeout=60)
            assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
            until(lambda: disk.failed > 30, what="refused writes")
        found = ended(client, waiting)
        assert found.state is State.FAILED or what_counts(client, found) == expected
        assert what_counts(client, ended(client, client.submit(QUICK).id)) == expected
    assert is_sound(service.home)


def test_without_room_nothing_is_begun_and_all_say_why(service: Served, disk: FailingDisk) -> None:
    """What runs goes on meanwhile. Without the look before the claim, the run was begun."""
    with Client(service.url) as client:
        running = client.submit({**QUICK, "epochs": 10_000, "checkpoints": {"keep": "last"}}).id
        until(lambda: client.get(running).progress.epoch, what="its first epoch")
        waiting = hold_up(client, disk)
        known = client.get(running).progress.epoch
        until(lambda: client.get(running).progress.epoch > known, what="another epoch")
        why = "the disk of the artifacts has 1 MB free, and 537 MB are to stay free"
        assert (client.get(waiting).held_up or "").startswith(why)
        assert (client.queue().held_up or "").startswith(why)
        ready = httpx.get(f"{service.url}/readyz", trust_env=False)
        assert (ready.status_code, why in ready.json()["detail"]) == (503, True)
        client.cancel(running)
        assert ended(client, running).state is State.CANCELLED
        until(_log_says(service, "takes no run"), what="the worker's word")
        for _ in range(20):  # in which a worker looks several times
            assert client.get(waiting).state is State.QUEUED
        freed_at = datetime.now(UTC)
        disk.has_free(None)
        begun = ended(client, waiting)
        assert begun.state is State.COMPLETED
        assert begun.started_at is not None
        assert begun.started_at >= freed_at
        assert client.queue().held_up is None


def _log_says(service: Served, words: str) -> Callable[[], bool]:
    return lambda: words in (service.home.parent / "home.log").read_text()
