"""Runs that wait and can be trained beside one that has been claimed."""

import math
from datetime import UTC, datetime

import structlog

from service.domain.run import Run
from service.storage import StorageError, queue
from workers.workshop import Workshop

log = structlog.get_logger(__name__)


def claim(run: Run, workshop: Workshop, *, threads: int, members: int, most: int) -> list[Run]:
    """At most `most` runs of the cohort, and no more than this worker's share of them.

    Workers that train the same cohort, and those that have nothing to do, are to have as many each: a sweep's
    throughput grows with the cores. `members` is how many are with this worker already. A run that was lost without
    progress is tried alone, so that others are not lost with it again.
    """
    if run.cohort is None or run.failures or workshop.lacks_room():
        return []
    try:
        with workshop.database.reading() as session:
            company = queue.company(session, run)
        share = math.ceil((company.waiting + company.running) / max(1, company.workers + company.idle))
        wanted = min(most, company.waiting, share - members)
        if wanted <= 0:
            return []
        with workshop.database.writing() as session:
            return queue.claim_peers(
                session,
                run,
                threads=threads,
                limit=wanted,
                worker=workshop.worker,
                lease_seconds=workshop.lease_seconds,
                now=datetime.now(UTC),
                most_running=workshop.most_running,
            )
    except StorageError as error:
        log.warning("could not look for runs to train beside", experiment_id=run.experiment_id, error=str(error))
        return []
