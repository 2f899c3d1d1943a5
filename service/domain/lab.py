"""A lab sheet: networks to train, questions to answer from them, and what a student's own network has to keep to.

A sheet is written in YAML (`service/labs`); each of its texts is there in every language of the lab.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from service.domain.record import Record
from service.domain.spec import DatasetName, Seed

MAX_RUNS, MAX_QUESTIONS, MAX_CONSTRAINTS = 50, 50, 50
NAME = r"^[a-z0-9][a-z0-9-]{0,27}$"
"""Of sheets, runs, questions and constraints: two of them fit into a tag."""

TAG = "lab:"
"""Begins the tags of a sheet's runs."""

Name = Annotated[str, StringConstraints(pattern=NAME, strict=True)]
Language = Literal["en", "fr"]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=5_000, strip_whitespace=True, strict=True)]
Document = dict[str, Any]

NUMBERS = ("parameters", "epochs", "train_size", "test_accuracy", "val_accuracy", "train_seconds")
CHOICES = ("dataset", "architecture", "activation", "optimizer")
Measure = Literal[
    "parameters", "epochs", "train_size", "test_accuracy", "val_accuracy", "train_seconds",
    "dataset", "architecture", "activation", "optimizer",
]  # fmt: skip


class Text(Record):
    """The same in every language."""

    en: Prose
    fr: Prose

    def in_(self, language: Language) -> str:
        """In one of them."""
        return self.fr if language == "fr" else self.en


class Offline(Record):
    """What of a run is other where no data set but those that are bundled is to be used."""

    spec: Document = Field(default_factory=dict)
    """Laid over the run's spec."""
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] | None = None
    """In place of the run's."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    """In place of the run's."""
    evaluate_on: tuple[DatasetName, ...] = ()


class LabRun(Record):
    """A network that is trained: once, or with every seed and every combination of a grid as a sweep has them."""

    label: Text
    """What it is called in the report."""
    spec: Document
    """As `POST /v1/experiments` takes it, or the base of a sweep."""
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    evaluate_on: tuple[DatasetName, ...] = ()
    """Other data sets whose test splits it is held against once it is trained."""
    offline: Offline = Offline()


class Evidence(Record):
    """A block of the report: which facts are shown, and of which of the question's runs."""

    block: Name
    """A file in `service/report/blocks`."""
    runs: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Null: all of the question's."""


class Verdict(Record):
    """Two runs of which the report says whether one is better than the other."""

    a: Name
    b: Name


class Question(Record):
    """One question of the sheet, and what the report answers it with."""

    id: Name
    title: Text
    text: Text
    """What is asked; blank lines divide paragraphs."""
    theory: Text | None = None
    """What is known without an experiment, for the report."""
    runs: Annotated[tuple[Name, ...], Field(min_length=1)]
    verdicts: tuple[Verdict, ...] = ()
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]


class Constraint(Record):
    """What a network has to keep to: a number within its bounds, or a name that is one of some."""

    id: Name
    text: Text
    measure: Measure
    at_most: float | None = None
    at_least: float | None = None
    one_of: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _has_one_limit_of_its_kind(self) -> Self:
        given = [name for name in ("at_most", "at_least", "one_of") if getattr(self, name) is not None]
        allowed = ("at_most", "at_least") if self.measure in NUMBERS else ("one_of",)
        if len(given) != 1 or given[0] not in allowed:
            raise PydanticCustomError(
                "one_limit",
                "must have exactly one limit: {measure} takes {allowed}",
                {"measure": self.measure, "allowed": " or ".join(allowed)},
            )
        return self


class Lab(Record):
    """A whole sheet."""

    title: Text
    introduction: Text
    offline: Document = Field(default_factory=dict)
    """Laid over the spec of every run for the offline variant, below the run's own `offline`."""
    runs: Annotated[dict[str, LabRun], Field(min_length=1, max_length=MAX_RUNS)]
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=MAX_QUESTIONS)]
    constraints: Annotated[tuple[Constraint, ...], Field(max_length=MAX_CONSTRAINTS)] = ()
    """Of a network that a student builds."""
