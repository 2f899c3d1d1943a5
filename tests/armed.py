"""Workers and an API with armed fail-points, forked from one process that has imported what they need."""

import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING
from unittest.mock import patch

from service import failpoints, logs
from service.settings import Settings

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["workers.preloaded", "service.app"])
PATIENCE_SECONDS = 60.0


@contextmanager
def worker(settings: Settings, armed: str = "") -> Iterator["ForkServerProcess"]:
    """A worker that takes run after run until the block ends, or until it dies of what is armed."""
    lifeline, ours = CONTEXT.Pipe(duplex=False)
    with lifeline:
        process = CONTEXT.Process(target=_work, args=(settings, lifeline, armed))
        process.start()
    try:
        yield process
    finally:
        ours.close()
        process.join(PATIENCE_SECONDS)
        process.kill()
        process.join()


@contextmanager
def api(settings: Settings, listener: socket.socket, armed: str = "") -> Iterator["ForkServerProcess"]:
    """The API behind a socket, which stays open when it dies; it is killed at the end of the block."""
    process = CONTEXT.Process(target=_answer, args=(settings, listener, armed))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def name_of(process: "ForkServerProcess") -> str:
    """As the queue knows the worker."""
    return f"{socket.gethostname()}:{process.pid}"


def _work(settings: Settings, lifeline: Connection, armed: str) -> None:
    """Without the warm-up, as the API: it takes longer than what is tested."""
    from workers import worker

    logs.configure(settings)
    failpoints.arm(armed)
    with patch.object(worker, "_warm_up"):
        worker.work(settings, lifeline=lifeline.fileno(), threads=1, drain=False)


def _answer(settings: Settings, listener: socket.socket, armed: str) -> None:
    from service import app
    from service.api.server import ApiServer

    logs.configure(settings)
    failpoints.arm(armed)
    with patch.object(app, "_warm_up"):
        ApiServer(settings, on_start=lambda: None, on_end=lambda: None).answer(listener)
