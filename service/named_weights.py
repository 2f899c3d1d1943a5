"""The weights that a request names: those of an experiment, or of a registered model's version."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.checkpoint import Checkpoint
from service.domain.examination import ExaminedPrediction, ExaminedPredictions
from service.domain.prediction import CheckpointName, Prediction, Predictions
from service.domain.registry import ExaminedModelPredictions, ModelPredictions, ModelReference
from service.storage import Session, checkpoints, experiments, registry

Choice = int | str | None
"""A version's number, an alias, or neither: the champion, or the newest where there is none."""


@dataclass(frozen=True, slots=True)
class OfExperiment:
    """An experiment's checkpoint: `best`, `last` or an epoch."""

    experiment_id: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class OfModel:
    """A registered model's version."""

    model: str
    choice: Choice


Named = OfExperiment | OfModel


@dataclass(frozen=True)
class Weights:
    """What was named: where its files are, and what an answer says of it."""

    checkpoint: Checkpoint
    name: CheckpointName
    dataset: str
    """That it was trained on."""
    model: ModelReference | None = None
    revision: int | None = None
    """The experiment's, for as long as which this is so."""

    @property
    def version(self) -> str:
        """As the Open Inference Protocol has it; empty where these are an experiment's."""
        return "" if self.model is None else str(self.model.version)

    def answer(self, predictions: Sequence[Prediction]) -> Predictions:
        """To a request."""
        experiment_id, said = self.checkpoint.experiment_id, tuple(predictions)
        if self.model is None:
            return Predictions(experiment_id=experiment_id, checkpoint=self.name, predictions=said)
        return ModelPredictions(experiment_id=experiment_id, checkpoint=self.name, predictions=said, model=self.model)

    def examined(self, predictions: Sequence[ExaminedPrediction], *, text: str | None) -> ExaminedPredictions:
        """To a request that asks the doctor, too."""
        experiment_id, said = self.checkpoint.experiment_id, tuple(predictions)
        if self.model is None:
            return ExaminedPredictions(experiment_id=experiment_id, checkpoint=self.name, text=text, predictions=said)
        return ExaminedModelPredictions(
            experiment_id=experiment_id, checkpoint=self.name, text=text, predictions=said, model=self.model
        )


def read(session: Session, named: Named, before: Weights | None) -> Weights:
    """Errors are those of `checkpoints.named` and of `registry.chosen`; `before` is what was read before."""
    match named:
        case OfExperiment():
            return _of_experiment(session, named, before)
        case OfModel(model, choice):
            chosen = registry.chosen(session, model, choice)
            reference = ModelReference(name=model, version=chosen.version.version)
            return Weights(chosen.checkpoint, chosen.version.checkpoint, chosen.version.dataset, reference)


def _of_experiment(session: Session, named: OfExperiment, before: Weights | None) -> Weights:
    """Another than `before` only where the experiment has changed."""
    experiment_id, name = named.experiment_id, named.checkpoint
    revision = experiments.revisions(session, [experiment_id]).get(experiment_id)
    if before is not None and revision is not None and before.revision == revision:
        return before
    stored = checkpoints.named(session, experiment_id, name)
    dataset = experiments.get(session, experiment_id).spec.dataset.name
    return Weights(stored, CheckpointName(name=name, epoch=stored.epoch), dataset, revision=revision)
