"""A warm worker: claims, trains or evaluates, claims again, until it is told to stop or, to drain, nothing is left.

It trains a few steps before it says that it is there, so a run that is queued starts within milliseconds.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog
import torch

from service import architectures
from service.domain.experiment import State
from service.domain.run import Run
from service.domain.spec import DatasetChoice, Device, ExperimentSpec
from service.inference.acquaintance import Acquaintance
from service.settings import Settings
from service.storage import Database, StorageError, evaluation_queue, migrations, queue, workers
from service.storage.arrivals import Arrivals
from service.telemetry import tally
from workers import across, environment, learners, run, trainer, training_data
from workers.ending import DRAIN_SECONDS, follow_parent, stop_on_signals
from workers.heartbeat import Heartbeat
from workers.turns import Turns
from workers.workshop import Workshop

POLL_SECONDS = 0.025
RELEASE_SECONDS = 1.0
RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


def name() -> str:
    """`host:pid` of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def work(
    settings: Settings, *, lifeline: int, threads: int, drain: bool, on_beat: Callable[[], None] = lambda: None
) -> None:
    """Until SIGTERM, SIGINT or the end of `lifeline`, the supervisor's pipe; with `drain`, until nothing is left.

    `on_beat` is called several times a second from when it is ready: who counts it knows that the worker lives.
    """
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who has claimed nothing yet may end at once, as SIGTERM has it
    follow_parent(stop, lifeline=lifeline, patience=DRAIN_SECONDS)
    torch.set_num_threads(threads)
    tally.HERE.attach(settings.counts_dir)
    database = Database(settings.database)
    migrations.ensure_current(database)
    settings.artifacts_dir.mkdir(parents=True, exist_ok=True)
    worker = name()
    workshop = Workshop(
        worker=worker,
        database=database,
        artifacts=settings.artifacts_dir,
        data_dir=settings.datasets_dir,
        mirror=settings.dataset_mirror,
        lease_seconds=settings.lease_seconds,
        max_failures=settings.max_failures,
        threads=threads,
        most_running=settings.owner_running,
        cache_dir=settings.cache_dir,
        min_free_bytes=settings.min_free_bytes,
    )
    _warm_up(workshop)
    stop_on_signals(stop)
    facts = environment.describe(environment.choose_device(Device.AUTO))
    with database.writing() as session:
        workers.register(session, worker, lease_seconds=settings.lease_seconds, now=datetime.now(UTC), facts=facts)
    heartbeat = Heartbeat(
        database,
        worker=worker,
        lease_seconds=settings.lease_seconds,
        draining=stop,
        stall_seconds=settings.stall_seconds,
        on_stall=partial(_give_up, settings, database, worker),
        on_beat=on_beat,
    )
    heartbeat.start()
    log.info("ready for work", worker=worker, threads=threads)
    try:
        _take_turns(settings, workshop, heartbeat, stop, drain=drain)
    finally:
        heartbeat.stop()
        with database.writing() as session:
            workers.leave(session, worker)
        database.close()


def _take_turns(
    settings: Settings, workshop: Workshop, heartbeat: Heartbeat, stop: threading.Event, *, drain: bool
) -> None:
    looked, held_up = 0.0, False
    trained_on: DatasetChoice | None = None
    arrivals = Arrivals(workshop.database)
    turns = Turns(
        workshop.database,
        worker=workshop.worker,
        lease_seconds=workshop.lease_seconds,
        most_running=workshop.most_running,
    )
    while not stop.is_set():
        try:
            if time.monotonic() - looked >= RELEASE_SECONDS:
                looked = time.monotonic()
                _release_lost(settings, workshop.database)
            held_up = _is_held_up(workshop, before=held_up)
            if held_up:
                arrivals.look_again()
            new = not held_up and arrivals.may_be_new()
            taken = turns.take() if new else None
        except StorageError as error:
            log.warning("the database does not answer; trying again", error=str(error))
            arrivals.look_again()
            stop.wait(RETRY_SECONDS)
            continue
        if taken is not None:
            began = time.monotonic()
            if isinstance(taken, Run):
                run.execute(taken, workshop, heartbeat)
                trained_on = taken.spec.dataset
            else:
                across.execute(taken, workshop, heartbeat)
            turns.took(taken, seconds=time.monotonic() - began)
        elif drain and _nothing_left(workshop.database):
            break
        elif trained_on is not None:
            _get_to_know(trained_on, workshop)
            trained_on = None
        else:
            stop.wait(POLL_SECONDS)
    arrivals.close()


def _get_to_know(choice: DatasetChoice, workshop: Workshop) -> None:
    """What the doctor reckons of a data set's images is there before somebody asks it about a network of theirs."""
    if workshop.cache_dir is None:
        return
    try:
        acquaintance = Acquaintance(data_dir=workshop.data_dir, cache_dir=workshop.cache_dir)
        acquaintance.with_dataset(choice.name, image_size=choice.side)
    except Exception as error:  # noqa: BLE001  # the doctor does it, and says what is wrong: the work here is training
        log.warning("could not get to know the images", dataset=choice.name, error=str(error))


def _is_held_up(workshop: Workshop, *, before: bool) -> bool:
    """True while there is no room for another run; what changes is told once."""
    lack = workshop.lacks_room()
    if lack and not before:
        log.warning("takes no run", why=lack)
    elif before and not lack:
        log.info("there is room again; takes runs")
    return lack is not None


def _release_lost(settings: Settings, database: Database) -> None:
    with database.reading() as session:
        if not queue.any_expired(session) and not evaluation_queue.any_expired(session):
            return
    now, most = datetime.now(UTC), settings.max_failures
    with database.writing() as session:
        runs = queue.release_expired(session, max_failures=most, now=now)
        evaluations = evaluation_queue.release_expired(session, max_failures=most, now=now)
    log.warning("took what was lost from its workers", experiment_ids=runs, evaluation_ids=evaluations)


def _give_up(settings: Settings, database: Database, worker: str) -> None:
    """The thread that trains hangs and cannot be stopped: the process ends, and another takes its place."""
    now, most = datetime.now(UTC), settings.max_failures
    why = f"it had not gone on for {settings.stall_seconds:g} seconds"
    with database.writing() as session:
        runs = queue.release_worker(session, worker, max_failures=most, now=now, why=why)
        evaluations = evaluation_queue.release_worker(session, worker, max_failures=most, now=now, why=why)
        workers.leave(session, worker)
    log.error("ends as its work has stalled", worker=worker, experiment_ids=runs, evaluation_ids=evaluations)
    os.kill(os.getpid(), signal.SIGKILL)


def _nothing_left(database: Database) -> bool:
    """Nothing waits and nothing runs: what goes on elsewhere may yet come back to the queue."""
    with database.reading() as session:
        facts = queue.facts(session)
        evaluating = evaluation_queue.count(session, State.RUNNING)
    return facts.queued == facts.running == facts.evaluations == evaluating == 0


def _warm_up(workshop: Workshop) -> None:
    """Train and judge a small network on generated images: what torch sets up on first use is set up now.

    On a GPU a dense one, too, and for two epochs: its libraries are large, and a step is recorded in the second.
    """
    _train_a_little(workshop, "cnn", torch.device("cpu"), epochs=1)
    device = environment.choose_device(Device.AUTO)
    if device.type != "cpu":
        for architecture in ("cnn", "mlp"):
            _train_a_little(workshop, architecture, device, epochs=2)


def _train_a_little(workshop: Workshop, architecture: str, device: torch.device, *, epochs: int) -> None:
    spec = ExperimentSpec.model_validate(
        {"dataset": {"name": "synthetic", "train_size": 128}, "architecture": architecture, "epochs": epochs}
    )
    data = training_data.prepare(
        spec.dataset, seed=0, data_dir=workshop.data_dir, mirror=None, cache_dir=workshop.cache_dir
    ).to(device)
    network = architectures.build(spec.architecture, activation="relu", image_size=spec.dataset.side, classes=10)
    for _epoch in trainer.train(learners.build(network.to(device), spec), data, spec):
        pass
