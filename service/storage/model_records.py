"""From rows of the registry to records."""

from collections.abc import Mapping

from service.domain.checkpoint import Checkpoint, StoredFile
from service.domain.registry import ModelVersion, VersionFacts, version_links
from service.storage.tables import ModelVersionRow


def version(row: ModelVersionRow, *, aliases: Mapping[str, int]) -> ModelVersion:
    """The row as the API answers it, with those of the model's aliases that point at it."""
    facts = VersionFacts.model_validate(row.facts)
    return ModelVersion(
        **dict(facts),
        model=row.model,
        version=row.version,
        description=row.description,
        owner=row.owner,
        created_at=row.created_at,
        aliases=tuple(alias for alias, number in aliases.items() if number == row.version),
        links=version_links(row.model, row.version, facts.experiment_id),
    )


def checkpoint(row: ModelVersionRow) -> Checkpoint:
    """Its files, as those of a checkpoint that no run goes on from."""
    facts = row.facts
    return Checkpoint(
        id=row.id,
        experiment_id=facts["experiment_id"],
        epoch=facts["checkpoint"]["epoch"],
        attempt=0,
        folder=row.folder,
        files=tuple(StoredFile.model_validate(file) for file in row.files),
        resumable=False,
        created_at=row.created_at,
    )
