"""Which checkpoint a name stands for: `best` of a run that goes on is another one after the next epoch."""

from dataclasses import dataclass

from service.domain.checkpoint import Checkpoint
from service.storage import Session, checkpoints, experiments

Key = tuple[str, str]
"""An experiment's id, and `best`, `last` or an epoch."""


@dataclass(frozen=True)
class Named:
    """What the name stands for while the experiment is at this revision."""

    checkpoint: Checkpoint
    revision: int


def read(session: Session, key: Key, before: Named | None) -> Named:
    """Another one than `before` only where the experiment has changed; errors as `storage.checkpoints.named`."""
    experiment_id, name = key
    revision = experiments.revisions(session, [experiment_id]).get(experiment_id, -1)
    if before is not None and before.revision == revision:
        return before
    return Named(checkpoints.named(session, experiment_id, name), revision)
