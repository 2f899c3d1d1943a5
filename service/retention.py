"""Room made on the disk: the weights of runs that ended long ago, and files that no row names.

`storage/retention.py` says what holds a run. Spec, figures, curves, notes and diagnostics of a run always stay.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from service import checkpoints, model_files
from service.domain.retention import Expendable, Policy
from service.errors import ConflictError
from service.storage import Database, artifacts
from service.storage import retention as rows

LEFT_SECONDS = 86_400.0
"""What no row names goes after so long: until then a worker may be about to publish it, or somebody may look at it."""


@dataclass(frozen=True)
class Leftover:
    """A folder that no row names."""

    path: Path
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What may go."""

    runs: tuple[Expendable, ...]
    leftovers: tuple[Leftover, ...]

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(run.bytes for run in self.runs) + sum(leftover.bytes for leftover in self.leftovers)


def plan(database: Database, root: Path, policy: Policy, *, now: datetime) -> Plan:
    """What the policy lets go at present, and what is left over.

    `ConflictError` where files of experiments are there and the database knows none of these.
    """
    # The folders first, then the rows: what is published between the two is named.
    left_before = now.timestamp() - LEFT_SECONDS
    found = list(checkpoints.folders_before(root, left_before, models=model_files.FOLDER))
    with database.reading() as session:
        named = {each.folder for each in artifacts.named(session)}
        known = rows.known_experiments(session)
        runs = tuple(rows.expendable(session))
        total = rows.total_bytes(session)
    leftovers = [each for each in found if each.relative_to(root).as_posix() not in named]
    owners = {each.parent.name for each in leftovers if each.parent.parent == root}
    if owners and not known:
        raise ConflictError(
            f"the database knows none of the {len(owners)} experiments whose files lie in {root}: is it the right one? "
            "Nothing was removed"
        )
    return Plan(
        runs=_expired(runs, policy, total=total, now=now),
        leftovers=tuple(Leftover(each, _bytes_of(each)) for each in leftovers),
    )


def carry_out(database: Database, root: Path, planned: Plan, *, now: datetime) -> Plan:
    """Remove it, but for runs that somebody has continued or holds by now; what was removed."""
    gone = []
    for run in planned.runs:
        with database.writing() as session:
            forgotten = rows.forget_weights(session, run.experiment_id, ended_by=run.finished_at, now=now)
        if forgotten:
            gone.append(run)
            checkpoints.remove(root, forgotten)
            _remove_if_empty(root / run.experiment_id)
    for leftover in planned.leftovers:
        shutil.rmtree(leftover.path, ignore_errors=True)
        _remove_if_empty(leftover.path.parent)
    return Plan(runs=tuple(gone), leftovers=planned.leftovers)


def _expired(runs: tuple[Expendable, ...], policy: Policy, *, total: int, now: datetime) -> tuple[Expendable, ...]:
    """Of runs in the order of their ends, those at the beginning."""
    for place, run in enumerate(runs):
        is_old = policy.keep_days is not None and run.finished_at <= now - timedelta(days=policy.keep_days)
        is_too_much = policy.keep_bytes is not None and total > policy.keep_bytes
        if not is_old and not is_too_much:
            return runs[:place]
        total -= run.bytes
    return runs


def _bytes_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # there is something in it
        return
