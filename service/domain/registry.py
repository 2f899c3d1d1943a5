"""Named models: immutable versions of trained weights, and aliases that say which of them answers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from service.domain.checkpoint import CheckpointChoice
from service.domain.examination import ExaminedPredictions
from service.domain.experiment import links as experiment_links
from service.domain.note import NoteText
from service.domain.prediction import CheckpointName, Predictions
from service.domain.record import Record
from service.domain.spec import ActivationName, Architecture

MODEL_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
ALIAS = r"[a-z][a-z0-9._-]{0,63}"
"""It begins with a letter: where a version is asked for, an alias cannot be taken for a number."""
CHAMPION = "champion"
"""The alias that answers where none is asked for, once it is set."""
MOST_MODELS = 1_000
MOST_VERSIONS = 1_000
"""Of one model."""
LARGEST_VERSION = 999_999_999


class NewVersion(Record):
    """The body of `PUT /v1/models/{name}`."""

    experiment_id: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="The id of an experiment", strict=True
        ),
    ]
    checkpoint: CheckpointChoice = "best"
    description: NoteText | None = None


class AliasTarget(Record):
    """The body of `PUT /v1/models/{name}/aliases/{alias}`."""

    version: Annotated[int, Field(ge=1, le=LARGEST_VERSION, strict=True)]


class VersionFacts(Record):
    """What a version is, written down when it is added: it holds whatever becomes of its experiment."""

    experiment_id: str
    """Where it comes from; the experiment may be gone."""
    experiment_name: str
    checkpoint: CheckpointName
    dataset: str
    architecture: Architecture
    activation: ActivationName
    labels: tuple[str, ...]
    image_size: int
    """Side in pixels of what the network sees."""
    parameters: int
    test_accuracy: float | None
    """Of these very weights: null where the run looked at the test split with another epoch's, or not yet."""
    test_loss: float | None
    bytes: int
    """Of the weights file."""
    sha256: str
    """Of the weights file."""


class ModelVersion(VersionFacts):
    """One version; only its aliases change."""

    model: str
    version: int
    description: str | None
    owner: str | None
    """The token's; on an open service whom the request named, of which there is no proof."""
    created_at: datetime
    aliases: tuple[str, ...]
    """Those that point at it now."""
    links: dict[str, str]


class AliasChange(Record):
    """What happened to an alias."""

    action: Literal["set", "rollback", "delete"]
    version: int | None
    """What it points at from then on; null once it is deleted."""
    owner: str | None
    changed_at: datetime


class Alias(Record):
    """A name for one of a model's versions."""

    model: str
    alias: str
    version: int
    history: tuple[AliasChange, ...]
    """All that happened to it, the newest last."""


class ModelSummary(Record):
    """A model in a list."""

    name: str
    created_at: datetime
    versions: int
    """How many there are."""
    aliases: dict[str, int]
    """Alias to version."""
    newest: ModelVersion | None


class ModelList(Record):
    """All models, by name."""

    items: tuple[ModelSummary, ...]


class RegisteredModel(Record):
    """A model with all its versions."""

    name: str
    created_at: datetime
    aliases: dict[str, int]
    """Alias to version."""
    versions: tuple[ModelVersion, ...]
    """The newest first."""
    links: dict[str, str]


class ModelReference(Record):
    """Which version answered."""

    name: str
    version: int


class ModelPredictions(Predictions):
    """As an experiment's predictions, from a version of a model."""

    model: ModelReference


class ExaminedModelPredictions(ExaminedPredictions):
    """The same with what the doctor says."""

    model: ModelReference


def links(name: str) -> dict[str, str]:
    """Where to go from a model."""
    own = f"/v1/models/{name}"
    return {"self": own, "predictions": f"{own}/predictions", "inference": f"/v2/models/{name}/infer"}


def version_links(name: str, version: int, experiment_id: str) -> dict[str, str]:
    """Where to go from a version of a model."""
    own = links(name)
    return {
        "self": f"{own['self']}/versions/{version}",
        "model": own["self"],
        "experiment": experiment_links(experiment_id)["self"],
        "predictions": f"{own['predictions']}?version={version}",
    }


def before(changes: tuple[AliasChange, ...], *, known: frozenset[int]) -> int | None:
    """What an alias pointed at before what it points at now, of the versions that are still known; None: nothing.

    Each change that set it is undone once, so that two rollbacks go two steps back and never to and fro.
    """
    steps: list[int] = []
    for change in changes:
        match change.action:
            case "set" if change.version is not None:
                steps.append(change.version)
            case "rollback":
                while steps and steps[-1] != change.version:
                    steps.pop()
            case _:
                steps.clear()
    earlier = [version for version in steps[:-1] if version in known and version != steps[-1]]
    return earlier[-1] if earlier else None
