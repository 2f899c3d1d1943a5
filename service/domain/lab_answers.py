"""What is asked of lab sheets over HTTP, and what is answered."""

from typing import Annotated

from pydantic import Field

from service.domain.curves import Remark
from service.domain.lab import Lab, Measure, Name, Text
from service.domain.record import Record


class LabItem(Record):
    """A sheet in the list."""

    name: str
    title: Text | None
    """Null where the file is no lab sheet."""
    runs: int
    questions: int
    constraints: int
    problem: str | None
    """Why it cannot be used."""


class LabList(Record):
    """What `GET /v1/labs` answers."""

    items: tuple[LabItem, ...]


class NamedLab(Lab):
    """What `GET /v1/labs/{name}` answers."""

    name: str


class LabRequest(Record):
    """How a sheet is to be run; all of it has its default."""

    offline: Annotated[bool, Field(strict=True, description="On bundled data sets alone")] = False
    runs: Annotated[
        tuple[Name, ...] | None, Field(min_length=1, description="Only these of the sheet's runs; null: all")
    ] = None


class LabAccepted(Record):
    """The experiments of a sheet, stored as one sweep."""

    lab: str
    sweep_id: str
    count: int
    runs: dict[str, tuple[str, ...]]
    """Ids by the name of the run."""
    evaluate_on: dict[str, tuple[str, ...]]
    """Data sets on whose test images each network of a run is judged as well, once it is trained: these evaluations
    wait in the queue already."""


class ConstraintCheck(Record):
    """One constraint, of one experiment."""

    id: str
    measure: Measure
    met: bool | None
    """Null where it cannot be known yet, or never will be."""
    value: float | str | None
    limit: float | tuple[str, ...]
    text: Remark
    """The constraint, and what the experiment has, in words."""


class ExperimentCheck(Record):
    """One experiment against all constraints."""

    experiment_id: str
    name: str
    met: bool | None
    """True where all are met, false where one is not; null where that is not known yet."""
    constraints: tuple[ConstraintCheck, ...]


class LabCheck(Record):
    """What `GET /v1/labs/{name}/check` answers."""

    lab: str
    items: tuple[ExperimentCheck, ...]
    met_by: tuple[str, ...]
    """Experiments that meet all constraints."""
