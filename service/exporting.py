"""Which weights leave as which file, and what is written into it about them."""

from importlib.metadata import version

from service.domain.checkpoint import Checkpoint
from service.domain.experiment import Experiment, State
from service.domain.export import ExportCard, ExportFormat, ExportPreprocessing
from service.domain.manifest import Manifest
from service.inference.models import Model, Models
from service.reading import loaded
from service.storage import Database, experiments


def described(
    database: Database, models: Models, *, experiment_id: str, checkpoint: str, kind: ExportFormat
) -> tuple[ExportCard, Model]:
    """Whatever `Exports` needs for the file of the checkpoint called `best`, `last` or by its epoch.

    Errors are those of `reading.read`.
    """
    stored, model = loaded(database, models, experiment_id, checkpoint)
    with database.reading() as session:
        experiment = experiments.get(session, experiment_id)
    return card_of(experiment, stored, model.manifest, kind), model


def card_of(experiment: Experiment, stored: Checkpoint, manifest: Manifest, kind: ExportFormat) -> ExportCard:
    """What the file says of itself."""
    tested = experiment.state is State.COMPLETED and experiment.best and experiment.best.epoch == stored.epoch
    return ExportCard(
        format=kind,
        ardoise=version("ardoise"),
        experiment_id=experiment.id,
        epoch=stored.epoch,
        weights_sha256=stored.weights.sha256,
        dataset=experiment.spec.dataset.name,
        architecture=manifest.architecture,
        activation=manifest.activation,
        labels=manifest.labels,
        preprocessing=ExportPreprocessing(
            image_size=manifest.image_size,
            mean=manifest.mean,
            std=manifest.std,
            standardised_inside=kind is not ExportFormat.SAFETENSORS,
            framing=manifest.framing,
            native_size=manifest.native_size,
        ),
        test_accuracy=experiment.test.accuracy if experiment.test and tested else None,
    )
