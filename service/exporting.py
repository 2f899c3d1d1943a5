"""Which weights leave as which file, and what is written into it about them."""

from importlib.metadata import version as version_of

from service import reading, registry
from service.domain.experiment import State
from service.domain.export import ExportCard, ExportFormat, ExportPreprocessing
from service.domain.manifest import Manifest
from service.inference.models import Model, Models
from service.storage import Database, experiments


def of_checkpoint(
    database: Database, models: Models, *, experiment_id: str, checkpoint: str, kind: ExportFormat
) -> tuple[ExportCard, Model]:
    """What `Exports` needs for the file of the checkpoint called `best`, `last` or by its epoch.

    Errors are those of `reading.loaded`.
    """
    stored, model = reading.loaded(database, models, experiment_id, checkpoint)
    with database.reading() as session:
        experiment = experiments.get(session, experiment_id)
    tested = experiment.state is State.COMPLETED and experiment.best and experiment.best.epoch == stored.epoch
    return _card(
        model.manifest,
        kind,
        weights_sha256=stored.weights.sha256,
        dataset=experiment.spec.dataset.name,
        test_accuracy=experiment.test.accuracy if experiment.test and tested else None,
    ), model


def of_version(
    database: Database, models: Models, *, model: str, version: int, kind: ExportFormat
) -> tuple[ExportCard, Model]:
    """The same for a version of a registered model; errors are those of `registry.loaded`."""
    found, network = registry.loaded(database, models, model, version)
    return _card(
        network.manifest,
        kind,
        weights_sha256=found.sha256,
        dataset=found.dataset,
        test_accuracy=found.test_accuracy,
    ), network


def _card(
    manifest: Manifest, kind: ExportFormat, *, weights_sha256: str, dataset: str, test_accuracy: float | None
) -> ExportCard:
    return ExportCard(
        format=kind,
        ardoise=version_of("ardoise"),
        experiment_id=manifest.experiment_id,
        epoch=manifest.epoch,
        weights_sha256=weights_sha256,
        dataset=dataset,
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
        test_accuracy=test_accuracy,
    )
