"""Whether the disks have room for what is begun anew: a run that is refused its checkpoint half-way helps nobody."""

import errno
import shutil
from pathlib import Path

from service.domain.experiment import Experiment, State
from service.domain.run import QueueFacts
from service.settings import Settings
from service.storage import Database

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG})
"""What a disk says that takes no more, or takes nothing: the same may succeed later."""


def lack(database: Database, artifacts: Path, *, least: int) -> str | None:
    """Which disk has fewer bytes free than `least`, in a sentence; None where there is room."""
    places = {"artifacts": artifacts}
    if database.is_sqlite and database.url.database:
        places["database"] = Path(database.url.database).parent
    for what, folder in places.items():
        there = next(each for each in (folder, *folder.parents) if each.exists())
        free = shutil.disk_usage(there).free
        if free < least:
            return (
                f"the disk of the {what} has {free / 1e6:,.0f} MB free, and {least / 1e6:,.0f} MB are to stay free "
                "(ARDOISE_MIN_FREE_BYTES): what waits is not begun"
            )
    return None


def explain(experiment: Experiment, database: Database, settings: Settings) -> Experiment:
    """One that waits says so where it waits for room."""
    if experiment.state is not State.QUEUED:
        return experiment
    return experiment.model_copy(update={"held_up": _lack(database, settings)})


def explain_queue(facts: QueueFacts, database: Database, settings: Settings) -> QueueFacts:
    """So does the queue."""
    return facts.model_copy(update={"held_up": _lack(database, settings)})


def _lack(database: Database, settings: Settings) -> str | None:
    return lack(database, settings.artifacts_dir, least=settings.min_free_bytes)
