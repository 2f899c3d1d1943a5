"""What handlers are given: the one typed object on `app.state`, and transactions on its database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, cast

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, Request

from service import evidence, failpoints
from service.api.changes import Changes
from service.domain.export import ExportFormat
from service.evidence import Evidence
from service.failpoints import Point
from service.fair_use import Rate
from service.inference.acquaintance import Acquaintance
from service.inference.exports import Exports
from service.inference.models import Models
from service.linearity import Linearities
from service.predicting import Predictor
from service.settings import Settings
from service.side_process import SideProcess
from service.storage import Database, Session
from service.tokens import Admissions


@dataclass(frozen=True)
class Service:
    """All that lives as long as the app does."""

    settings: Settings
    database: Database
    changes: Changes
    models: Models
    predictor: Predictor
    linearities: Linearities
    acquaintance: Acquaintance
    admissions: Admissions
    submissions: Rate
    predictions: Rate
    beside: SideProcess = field(default_factory=SideProcess)
    exports: Exports = field(default_factory=Exports)
    export_turns: Mapping[ExportFormat, CapacityLimiter] = field(
        default_factory=lambda: {each: CapacityLimiter(1) for each in ExportFormat}
    )
    """Who waits for a file to be made waits without a thread."""

    def evidence(self, experiment_id: str) -> Evidence:
        """What a completed run can be judged by; errors as `evidence.read`."""
        return evidence.read(self.database, self.settings.artifacts_dir, experiment_id)


def attach(app: FastAPI, service: Service) -> None:
    """Put it where `of` finds it."""
    app.state.service = service


def of(app: FastAPI) -> Service:
    """The app's own."""
    return cast("Service", app.state.service)


# Without `async` each of these would be run in a thread of its own: it doubled the processor time of a small answer.
async def _of_request(request: Request) -> Service:
    return of(request.app)


Live = Annotated[Service, Depends(_of_request)]


def _reading(service: Live) -> Iterator[Session]:
    with service.database.reading() as session:
        yield session


def _writing(service: Live) -> Iterator[Session]:
    with service.database.writing() as session:
        yield session
        failpoints.reach(Point.COMMITTING)
    failpoints.reach(Point.COMMITTED)


async def _now() -> datetime:
    return datetime.now(UTC)


# With scope="function" the transaction ends before the answer is sent: who reads a 202 can rely on what it says.
Reading = Annotated[Session, Depends(_reading, scope="function")]
Writing = Annotated[Session, Depends(_writing, scope="function")]
Now = Annotated[datetime, Depends(_now)]
