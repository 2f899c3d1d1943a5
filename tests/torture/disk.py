"""R3, R4 and backups for longer: files that change, writes that are refused, copies of homes that are in use."""

import errno
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from service import backup, checkpoints, restoring
from service.client import Client
from service.domain.checkpoint import MANIFEST, STATE, WEIGHTS
from service.domain.experiment import State
from service.errors import ConflictError, DamagedCheckpointError
from service.settings import Settings
from service.storage import Database
from service.storage import checkpoints as checkpoint_rows
from tests.cli.conftest import Served, start, stop, until
from tests.cli.test_full_disk import QUICK, ended, hold_up, is_sound, what_counts
from tests.failing_disk import FOREVER, FailingDisk
from tests.test_checkpoints import flip_a_bit, lengthen, swap_blocks, truncate, write, zero_a_page
from tests.torture import Outcome
from tests.workers.conftest import Bench, opened
from tests.workers.test_loss import DELICATE, Ended

SEEDS = 1_000
DAMAGES = (flip_a_bit, zero_a_page, truncate, lengthen, swap_blocks)
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
LATEST = 80
"""Of the calls that write while a small run is trained, one of the first so many is refused."""


def torment(seconds: float, chance: random.Random) -> Outcome:
    """A quarter of the time for files that change, the rest, at least half, for a service on a disk that fails."""
    began = time.monotonic()
    damaged, lost = _change_files(chance)
    resumed, more = _resume_over_damage(chance, until=began + seconds / 4)
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (service, disk):
        until_then = max(began + seconds, time.monotonic() + seconds / 2)
        runs, refused, backups, most = _refuse_writes(service, disk, chance, until=until_then)
    return Outcome(
        load=f"{resumed + runs} runs, {backups} backups",
        faults=damaged + resumed + refused,
        lost=(*lost, *more, *most),
        remark=f"{damaged:,} damaged files, {refused} refused writes",
    )


def _change_files(chance: random.Random) -> tuple[int, list[str]]:
    """Every damage, so many times: none may be read."""
    lost = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        written = write(root)
        for damage in DAMAGES:
            for seed in range(SEEDS):
                name = chance.choice([WEIGHTS, STATE, MANIFEST])
                path = root / written.folder / name
                sound = path.read_bytes()
                content = bytearray(sound)
                damage(content, random.Random(f"{chance.random()} {seed}"))
                path.write_bytes(content)
                try:
                    checkpoints.read_file(root, written, name)
                    lost.append(f"{damage.__name__} of {name} was not noticed")
                except DamagedCheckpointError:
                    pass
                path.write_bytes(sound)
    return len(DAMAGES) * SEEDS, lost


def _resume_over_damage(chance: random.Random, *, until: float) -> tuple[int, list[str]]:
    """A run that was lost goes on from the newest checkpoint that is sound, and ends as if nothing had happened."""
    resumed, lost = 0, []
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        run = bench.submit(**DELICATE)
        bench.work()
        expected = Ended.of(bench, run)
        while resumed == 0 or time.monotonic() < until:
            epoch = chance.randint(4, 29)
            bench.lose(run, after=epoch)
            for each in _newest(bench, run, chance.randint(1, 3)):
                path = bench.artifacts / each / chance.choice([WEIGHTS, STATE, MANIFEST])
                content = bytearray(path.read_bytes())
                chance.choice(DAMAGES)(content, chance)
                path.write_bytes(content)
            bench.work()
            resumed += 1
            if Ended.of(bench, run) != expected:
                lost.append(f"lost after epoch {epoch} with damaged checkpoints, a run ended otherwise")
    return resumed, lost


def _newest(bench: Bench, run: str, count: int) -> list[str]:
    with bench.database.reading() as session:
        return [each.folder for each in checkpoint_rows.all_of(session, run)[:count]]


@contextmanager
def _served(folder: Path) -> Iterator[tuple[Served, FailingDisk]]:
    disk = FailingDisk(folder, below=folder / "home")
    before = {name: os.environ.get(name) for name in disk.environment}
    os.environ.update(disk.environment)
    try:
        service = start(folder / "home", "--workers", "2", lease_seconds="1", max_failures="2")
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    try:
        until(service.is_ready, what="workers")
        yield service, disk
    finally:
        stop(service.process)


def _refuse_writes(
    service: Served, disk: FailingDisk, chance: random.Random, *, until: float
) -> tuple[int, int, int, list[str]]:
    """Run after run, each on a disk that refuses a call, or all calls for a while, or has no room."""
    runs = refused = backups = 0
    lost: list[str] = []
    with Client(service.url, timeout=60) as client:
        expected = what_counts(client, ended(client, client.submit(QUICK).id))
        while runs == 0 or time.monotonic() < until:
            waiting = hold_up(client, disk)
            times = chance.choice([1, 1, 1, 3, 10, FOREVER])
            with disk.failing(after=chance.randrange(LATEST), times=times, error=chance.choice(ERRORS)):
                disk.has_free(None)
                deadline = time.monotonic() + chance.uniform(0.1, 3.0)
                while time.monotonic() < deadline and not client.get(waiting).state.ended:
                    time.sleep(0.02)
            found = ended(client, waiting)
            runs += 1
            refused += disk.failed
            if found.state is State.COMPLETED and what_counts(client, found) != expected:
                lost.append(f"run {waiting} ended otherwise than on a sound disk")
            if found.state is not State.COMPLETED and not (found.state is State.FAILED and found.error):
                lost.append(f"run {waiting} is {found.state} without a reason")
            if runs % 5 == 0:
                lost += _back_up(service, client)
                backups += 1
        if not is_sound(service.home):
            lost.append("the database, or a file that it names, is damaged")
    return runs, refused, backups, lost


def _back_up(service: Served, client: Client) -> list[str]:
    """While a run trains; elsewhere all is there."""
    client.submit(QUICK)
    with tempfile.TemporaryDirectory() as folder:
        file, home = Path(folder) / "backup.tar", Path(folder) / "home"
        source, target = (Database(Settings(home=each).database) for each in (service.home, home))
        try:
            made = backup.write(source, service.home / "artifacts", file, progress=lambda *_: None)
            restoring.restore(
                target, home / "artifacts", file, force=False, now=datetime.now(UTC), progress=lambda *_: None
            )
        except ConflictError as error:
            return [f"a backup failed: {error}"]
        finally:
            source.close()
            target.close()
        if made.damaged or not is_sound(home):
            return ["a backup does not hold all that was there"]
    return []
