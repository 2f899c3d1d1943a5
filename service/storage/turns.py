"""Fair turns between the owners of what waits, the same for runs and for evaluations."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.experiment import State
from service.storage.tables import EvaluationRow, ExperimentRow

Job = type[ExperimentRow] | type[EvaluationRow]


def following(session: Session, job: Job, owner: str | None, *here: sa.ColumnElement[bool]) -> int:
    """An owner's place in the round: after their own waiting jobs, but not before what runs now.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996) with every job of equal length: jobs are taken by ascending
    turn, so each owner's n-th waiting job starts before anyone's (n+1)-th, and who comes anew joins the present round.
    Jobs that `here` leaves out have rounds of their own.
    """
    turn, state = job.turn, job.state
    own = session.scalar(
        sa.select(sa.func.max(turn)).where(
            *here, job.owner.is_not_distinct_from(owner), state.in_((State.QUEUED, State.RUNNING))
        )
    )
    running = session.scalar(sa.select(sa.func.max(turn)).where(*here, state == State.RUNNING))
    waiting = session.scalar(sa.select(sa.func.min(turn)).where(*here, state == State.QUEUED))
    present = running or waiting or 1
    if running is not None and waiting is not None:
        # What runs may have begun many rounds ago; the present round is at most one behind the next to start.
        present = max(running, waiting - 1)
    return max(present, own + 1) if own is not None else present
