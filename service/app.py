"""The HTTP service as one object: `create_app(Settings())`. Importing this module makes and opens nothing."""

import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property, lru_cache
from importlib.metadata import version

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from service import examining, registry, submission
from service import tokens as token_making
from service.analysis import charts, power_law
from service.api import (
    archives,
    calibration,
    catalogue,
    checkpoints,
    comparisons,
    curves,
    diagnostics,
    disagreements,
    docs,
    evaluations,
    events,
    experiments,
    exports,
    feature_maps,
    filters,
    growing_curves,
    health,
    history,
    images,
    labs,
    metrics,
    mistakes,
    model_exports,
    model_predictions,
    models,
    notes,
    open_inference,
    openapi,
    permissions,
    predictions,
    presets,
    problems,
    prometheus,
    queue,
    quick_connections,
    saliency,
    server,
    sessions,
    shares,
    specs,
    state,
    sweeps,
    tokens,
    web,
    workers,
)
from service.api.changes import Changes
from service.api.guard import Guard
from service.api.quick_predictions import QuickPredictions
from service.api.repeated_heads import Heads
from service.api.requests import BodyLimit, Requests
from service.domain.spec import ExperimentSpec
from service.fair_use import Rate
from service.inference import heap, threads
from service.inference.acquaintance import Acquaintance
from service.inference.models import Models
from service.linearity import Linearities
from service.predicting import Predictor
from service.report import page
from service.settings import Settings
from service.side_process import SideProcess
from service.storage import Database, migrations
from service.telemetry import tally

DESCRIPTION = "Trains handwritten-digit networks, shows how they learn, and reads digits with them."
RESOURCES = (
    experiments,
    sweeps,
    archives,
    history,
    metrics,
    events,
    curves,
    growing_curves,
    notes,
    comparisons,
    diagnostics,
    checkpoints,
    exports,
    predictions,
    mistakes,
    calibration,
    images,
    disagreements,
    filters,
    feature_maps,
    saliency,
    evaluations,
    models,
    model_predictions,
    open_inference,
    model_exports,
    specs,
    labs,
    presets,
    catalogue,
    queue,
    workers,
    sessions,
    shares,
    tokens,
    health,
    prometheus,
    docs,
    web,
)


class _Service(FastAPI):
    """FastAPI, behind the short way, behind the door."""

    allowed_hosts: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)

    def heads(self, _server: tuple[str, int] | None) -> Heads:
        """For connections that came to this address."""
        return Heads(self._door, lambda: state.of(self).predictor)

    @cached_property
    def _door(self) -> Guard:
        short_way = QuickPredictions(super().__call__, lambda: state.of(self).predictor)
        return Guard(short_way, lambda: state.of(self), allowed=self.allowed_hosts)


def create_app(settings: Settings) -> FastAPI:
    """The service; its database is opened when it starts, and closed when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, object]]:
        await run_in_threadpool(tally.HERE.attach, settings.counts_dir)
        database = Database(settings.database)
        await run_in_threadpool(migrations.ensure_current, database)
        models = Models(settings.artifacts_dir)
        service = state.Service(
            settings=settings,
            database=database,
            changes=Changes(database),
            models=models,
            linearities=Linearities(database, settings, models),
            predictor=Predictor(database, models),
            admissions=token_making.admissions(database),
            submissions=Rate(settings.owner_submissions, seconds=60),
            predictions=Rate(settings.owner_predictions, seconds=1),
            acquaintance=Acquaintance(data_dir=settings.datasets_dir, cache_dir=settings.cache_dir),
        )
        state.attach(app, service)
        warm_up = threading.Thread(target=_warm_up, args=(app,), name="warm-up")
        warm_up.start()
        try:
            yield {server.CHANGES: service.changes, quick_connections.HEADS: lru_cache(16)(app.heads)}
        finally:
            service.changes.close()
            await service.predictor.close()
            await service.admissions.close()
            await run_in_threadpool(warm_up.join)  # a process that ends while torch is being loaded is aborted
            await run_in_threadpool(service.beside.close)
            await run_in_threadpool(database.close)

    app = _Service(
        title="Ardoise",
        version=version("ardoise"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(permissions.require)],
    )
    app.allowed_hosts = settings.host_names
    for resource in RESOURCES:
        app.include_router(resource.router)
    app.mount(docs.ASSETS, docs.assets())
    problems.register(app)
    app.add_middleware(BodyLimit, most=settings.max_body_bytes)
    app.add_middleware(Requests)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]  # as FastAPI's documentation says to
    return app


def _warm_up(app: FastAPI) -> None:
    """What the first requests need and the start does not wait for: torch above all, and what draws."""
    service = state.of(app)
    registry.sweep(service.database, service.settings.artifacts_dir)
    threads.one_each()
    openapi.outline(app)
    with service.database.reading() as session:
        submission.preview(session, ExperimentSpec.model_validate({"dataset": "digits", "architecture": "lenet5"}))
    page.prepare()
    service.linearities.prepare()
    examining.prepare(service.database, service.acquaintance)
    # Swept with the third generation, three hundred thousand objects of libraries cost a tenth of small requests.
    gc.collect()
    gc.freeze()
    # What a request leaves for the collector is next to nothing: looked at so often, it cost each a few microseconds.
    gc.set_threshold(20_000, *gc.get_threshold()[1:])
    heap.give_back()
    _warm_up_beside(service.beside)


def _warm_up_beside(beside: SideProcess) -> None:
    """matplotlib, both of its ways to write, and what scipy fits and judges with."""
    beside.call(charts.draw, {}, title="", format="png")
    beside.call(charts.draw, {}, title="", format="svg")
    beside.call(power_law.fit, (1, 2, 3), (0.3, 0.2, 0.1), full=3)
