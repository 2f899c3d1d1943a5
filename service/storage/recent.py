"""Experiments that were read lately: what a reader could see of a row changes with its revision alone.

So a page of experiments that have long ended costs no more than their ids, and a page that shows others while they
learn is cheap, too. The place in the queue is left out: it changes with other rows.
"""

from collections.abc import Sequence
from threading import Lock

import sqlalchemy as sa
from cachetools import LRUCache
from sqlalchemy.orm import Session

from service.domain.experiment import Experiment, State
from service.errors import NotFoundError
from service.storage import records
from service.storage.engine import SNAPSHOT
from service.storage.experiments import positions, revisions
from service.storage.tables import ExperimentRow

KEPT = 4096

_kept: LRUCache[tuple[str, int], Experiment] = LRUCache(KEPT)
_lock = Lock()


def several(session: Session, experiment_ids: Sequence[str]) -> tuple[Experiment, ...]:
    """In the order of the ids; `NotFoundError` for the first that is not there."""
    present = revisions(session, experiment_ids)
    for missing in (each for each in experiment_ids if each not in present):
        raise NotFoundError(f"there is no experiment {missing!r}")
    return experiments(session, [(each, present[each]) for each in experiment_ids])


def experiments(session: Session, wanted: Sequence[tuple[str, int]]) -> tuple[Experiment, ...]:
    """Those with these ids and revisions, in this order; they must have been read in the same transaction."""
    with _lock:
        there = {key: _kept[key] for key in wanted if key in _kept}
    missing = [own_id for own_id, revision in wanted if (own_id, revision) not in there]
    if missing:
        rows = session.scalars(sa.select(ExperimentRow).where(ExperimentRow.id.in_(missing)))
        read = {(row.id, row.revision): records.experiment(row, queue_position=None) for row in rows}
        there |= read
        if SNAPSHOT in session.info:  # what a writer sees may yet be undone, and its revision be another's
            with _lock:
                _kept.update(read)
    found = [there[key] for key in wanted]
    places = positions(session, [each.id for each in found if each.state is State.QUEUED])
    return tuple(
        each.model_copy(update={"queue_position": places[each.id]}) if each.id in places else each for each in found
    )
