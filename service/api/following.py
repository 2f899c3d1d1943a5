"""Reading an experiment while it runs: what is there now, what is newer, and everything as it happens.

A reader holds a transaction only while it reads. One that has gone away is noticed at once and costs nothing more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive

from service.api import credentials
from service.api.state import Service
from service.domain.evaluation import Evaluation
from service.domain.experiment import Experiment, Progress, State
from service.domain.metrics import EpochMetrics
from service.domain.record import Record
from service.errors import NotFoundError
from service.storage import Database, evaluations, experiments, metrics

KEEP_ALIVE_SECONDS = 15.0
"""Between comment lines, so that proxies do not take a silent stream for a dead one."""


@dataclass(frozen=True)
class Snapshot:
    """An experiment and its newer epochs, as they were together at one moment."""

    experiment: Experiment
    epochs: tuple[EpochMetrics, ...]
    revision: int


class StateChange(Record):
    """The data of a `state` event."""

    state: State
    attempt: int


def snapshot(database: Database, experiment_id: str, *, after: int = 0) -> Snapshot:
    """What is stored now, with the epochs above `after`; `NotFoundError` where there is no such experiment."""
    with database.reading() as session:
        return Snapshot(
            experiment=experiments.get(session, experiment_id),
            epochs=metrics.epochs(session, experiment_id, after=after),
            revision=experiments.revisions(session, [experiment_id])[experiment_id],
        )


async def newer(service: Service, experiment_id: str, *, after: int, wait_seconds: float, receive: Receive) -> Snapshot:
    """The snapshot once it has an epoch above `after` or the run has ended, or as it is after `wait_seconds`."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_seconds
    found = await run_in_threadpool(snapshot, service.database, experiment_id, after=after)
    async with _departure(receive) as gone:
        while not found.epochs and not found.experiment.state.ended:
            left = deadline - clock()
            changed = left > 0 and await service.changes.wait(
                experiment_id, seen=found.revision, seconds=left, gone=gone
            )
            if not changed:
                break
            found = await run_in_threadpool(snapshot, service.database, experiment_id, after=after)
    return found


async def ended_evaluation(
    service: Service, experiment_id: str, evaluation_id: str, *, wait_seconds: float, receive: Receive
) -> Evaluation:
    """The evaluation once it has ended, or as it is after `wait_seconds`; `NotFoundError` where there is none."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_seconds

    def read() -> tuple[Evaluation, int]:
        with service.database.reading() as session:
            found = evaluations.get(session, experiment_id, evaluation_id)
            return found, experiments.revisions(session, [experiment_id])[experiment_id]

    found, seen = await run_in_threadpool(read)
    async with _departure(receive) as gone:
        while not found.state.ended and (left := deadline - clock()) > 0:
            if not await service.changes.wait(experiment_id, seen=seen, seconds=left, gone=gone):
                break
            found, seen = await run_in_threadpool(read)
    return found


async def events(service: Service, first: Snapshot, *, after: int, request: Request) -> AsyncIterator[str]:
    """Server-Sent Events from `first` on: `state`, `epoch` and `progress` as they change, then `end`.

    Ends without an `end` where the experiment is deleted, the service stops or the reader's token does; a client then
    comes again with the last id, which is an epoch. Looks itself for a reader that has gone: from ASGI 2.4 on,
    Starlette does not.
    """
    found: Snapshot | None = first
    state: StateChange | None = None
    progress: Progress | None = None
    async with _departure(request.receive) as gone:
        while found is not None:
            experiment = found.experiment
            news = []
            if (now := StateChange(state=experiment.state, attempt=experiment.attempt)) != state:
                news.append(_event("state", state := now))
            for row in found.epochs:
                news.append(_event("epoch", row, event_id=row.epoch))
                after = row.epoch
            if experiment.progress != progress:
                news.append(_event("progress", progress := experiment.progress))
            if experiment.state.ended:
                news.append(_event("end", experiment))
            if news:
                yield "".join(news)
            if experiment.state.ended:
                return
            while not await service.changes.wait(
                experiment.id, seen=found.revision, seconds=KEEP_ALIVE_SECONDS, gone=gone
            ):
                if gone.done() or service.changes.closed:
                    return
                if not await credentials.is_still_in(request.scope, service.admissions):
                    return
                yield ": nothing new\n\n"
            if not await credentials.is_still_in(request.scope, service.admissions):
                return
            found = await run_in_threadpool(_still_there, service.database, experiment.id, after=after)


def _still_there(database: Database, experiment_id: str, *, after: int) -> Snapshot | None:
    try:
        return snapshot(database, experiment_id, after=after)
    except NotFoundError:
        return None


def _event(name: str, data: Record, *, event_id: int | None = None) -> str:
    identified = "" if event_id is None else f"id: {event_id}\n"
    return f"{identified}event: {name}\ndata: {data.model_dump_json()}\n\n"


@asynccontextmanager
async def _departure(receive: Receive) -> AsyncIterator[asyncio.Future[None]]:
    """Done once the client has gone away."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watch = asyncio.ensure_future(gone())
    try:
        yield watch
    finally:
        watch.cancel()
