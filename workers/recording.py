"""What is due of attempts that are trained side by side, stored in one transaction, each part behind its own guard."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service import failpoints
from service.errors import FencedError
from service.failpoints import Point
from service.storage import Database
from workers.attempt import Attempt

WRITERS = 8
"""Threads that write checkpoints: mostly they wait for the disk."""


def record(attempts: Sequence[Attempt], database: Database) -> None:
    """Store epochs and checkpoints where it is time for them, and the result of those that are over."""
    publishing = [attempt for attempt in attempts if attempt.recorder.checkpoint_due]
    if not publishing and not any(attempt.recorder.epochs_due for attempt in attempts):
        return
    _write(publishing)
    began = time.monotonic()
    there = [attempt for attempt in attempts if not attempt.ended]
    fenced: dict[Attempt, FencedError] = {}
    try:
        with database.writing(durable=bool(publishing)) as session:
            for attempt in there:
                try:
                    attempt.recorder.store(session)
                except FencedError as error:
                    fenced[attempt] = error
            failpoints.reach(Point.REPORTED)
    except Exception as error:  # it is stored as what became of each
        for attempt in there:
            with attempt.answering():
                raise error
        return
    seconds = time.monotonic() - began
    failpoints.reach(Point.RECORDED)
    for attempt, reason in fenced.items():
        attempt.recorder.withdraw()
        with attempt.answering():
            raise reason
    for attempt in there:
        if not attempt.ended:
            attempt.recorder.stored_all(seconds=seconds)
            failpoints.reach(Point.CLEANED)
            attempt.ended = attempt.over
            if attempt.ended:
                failpoints.reach(Point.FINISHED)


def _write(attempts: Sequence[Attempt]) -> None:
    if len(attempts) > 1:
        with ThreadPoolExecutor(WRITERS) as threads:
            list(threads.map(_write_one, attempts))
    else:
        for attempt in attempts:
            _write_one(attempt)


def _write_one(attempt: Attempt) -> None:
    with attempt.answering():
        attempt.recorder.write()
