"""Examples of what is answered about the registry."""

from datetime import UTC, datetime, timedelta

from service.domain.prediction import CheckpointName, Prediction
from service.domain.record import Record
from service.domain.registry import (
    CHAMPION,
    Alias,
    AliasChange,
    ModelList,
    ModelPredictions,
    ModelReference,
    ModelSummary,
    ModelVersion,
    RegisteredModel,
    links,
    version_links,
)
from service.domain.spec import ExperimentSpec

_BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
_NAME = "digits"


def records(experiment_id: str, prediction: Prediction) -> tuple[Record, ...]:
    """One of each answer."""
    spec = ExperimentSpec.model_validate({"dataset": "mnist", "architecture": "mlp"})
    checkpoint = CheckpointName(name="best", epoch=2)
    version = ModelVersion(
        model=_NAME,
        version=1,
        description="Two hidden layers, as in the second session.",
        owner="ada",
        created_at=_BEGAN,
        aliases=(CHAMPION,),
        links=version_links(_NAME, 1, experiment_id),
        experiment_id=experiment_id,
        experiment_name=spec.name,
        checkpoint=checkpoint,
        dataset="mnist",
        architecture=spec.architecture,
        activation=spec.activation,
        labels=tuple("0123456789"),
        image_size=28,
        parameters=235_146,
        test_accuracy=0.981,
        test_loss=0.06,
        bytes=940_984,
        sha256="9f86d081" * 8,
    )
    pointing = {CHAMPION: 1}
    set_first = AliasChange(action="set", version=1, owner="ada", changed_at=_BEGAN)
    set_then = AliasChange(action="set", version=2, owner="ada", changed_at=_BEGAN + timedelta(hours=1))
    rolled_back = AliasChange(action="rollback", version=1, owner="ada", changed_at=_BEGAN + timedelta(hours=2))
    summary = ModelSummary(name=_NAME, created_at=_BEGAN, versions=1, aliases=pointing, newest=version)
    return (
        version,
        RegisteredModel(name=_NAME, created_at=_BEGAN, aliases=pointing, versions=(version,), links=links(_NAME)),
        ModelList(items=(summary,)),
        Alias(model=_NAME, alias=CHAMPION, version=1, history=(set_first, set_then, rolled_back)),
        ModelPredictions(
            experiment_id=experiment_id,
            checkpoint=checkpoint,
            predictions=(prediction,),
            model=ModelReference(name=_NAME, version=1),
        ),
    )
