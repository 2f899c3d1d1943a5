"""Named places at which a process can be made to die, sleep, hang or fail, so that tests see what is left of its work.

    ARDOISE_FAILPOINTS=checkpoint.renamed:kill@2,epoch.batch:hang@1#poison

kills the process (SIGKILL) when it has renamed its second checkpoint, and lets it hang in the first batch of a run that
is named `poison`. The variable is read once, when this is imported, by the API and by `python -m workers`. Where it is
not set, to reach a point is a look at an empty dictionary. `tests/workers/test_failpoints.py` goes through all of them.
"""

import os
import signal
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

VARIABLE = "ARDOISE_FAILPOINTS"


class Point(StrEnum):
    """Every place there is, in the order in which a run comes by."""

    COMMITTING = "api.committing"
    """A request has written what it has to; nobody else sees it."""
    COMMITTED = "api.committed"
    """It is stored, and the client has not been told."""

    CLAIMED = "worker.claimed"
    PREPARED = "worker.prepared"
    """The data is read and the network is built."""
    BEGUN = "worker.begun"
    """The network is as the newest checkpoint has it."""
    RENEWING = "heartbeat.renewing"
    """The leases are renewed, but not committed."""

    EPOCH_BEGUN = "epoch.begun"
    BATCH = "epoch.batch"
    TRAINED = "epoch.trained"
    """Before the validation split is looked at."""
    VALIDATED = "epoch.validated"
    TAKEN = "epoch.taken"
    """The recorder has the epoch; nothing is stored of it."""

    CHECKPOINT_BEGUN = "checkpoint.begun"
    """There is a folder under another name, and nothing in it."""
    CHECKPOINT_WRITTEN = "checkpoint.written"
    """A file is written, but not synced."""
    CHECKPOINT_SYNCED = "checkpoint.synced"
    """All files are; the folder still has another name."""
    CHECKPOINT_RENAMED = "checkpoint.renamed"
    CHECKPOINT_PLACED = "checkpoint.placed"
    """Its folder is synced, too; no row names it."""

    GUARDED = "report.guarded"
    """The transaction has begun with its guard."""
    REPORTED = "report.written"
    """All is written, nothing is committed."""
    RECORDED = "report.committed"
    """What is superseded is still there."""
    CLEANED = "report.cleaned"

    TESTED = "finish.tested"
    """The test split has been looked at."""
    FINISHING = "finish.written"
    """The result is written, but not committed."""
    FINISHED = "finish.committed"


class Action(StrEnum):
    """What is done there."""

    KILL = "kill"
    """SIGKILL to this process."""
    STOP = "stop"
    """SIGSTOP: all its threads sleep until SIGCONT."""
    HANG = "hang"
    """This thread sleeps for ever, the others go on."""
    RAISE = "raise"
    MEMORY = "memory"
    """MemoryError."""


class FailpointError(Exception):
    """What `raise` raises."""


@dataclass
class _Charge:
    action: Action
    left: int | None
    """The point is passed so many times before anything is done; None: it is done each time."""
    about: str | None
    """Only where this run is worked at; None: whichever."""


_charges: dict[Point, list[_Charge]] = {}
_counting = threading.Lock()


def arm(text: str) -> None:
    """Arm what the text names, and disarm all else: `POINT:ACTION[@TIME][#RUN]`, with commas between.

    `@*` is every time. ValueError where there is no such point or action.
    """
    _charges.clear()
    for each in filter(None, text.split(",")):
        where, _, about = each.partition("#")
        where, _, time_ = where.partition("@")
        point, _, action = where.partition(":")
        left = None if time_ == "*" else int(time_ or 1) - 1
        charge = _Charge(Action(action), left=left, about=about or None)
        _charges.setdefault(Point(point), []).append(charge)


def reach(point: Point, about: Collection[str] = ()) -> None:
    """Say that this place is reached, by the runs of these names; mostly nothing happens."""
    if _charges:
        _fire(point, about)


def _fire(point: Point, about: Collection[str]) -> None:
    for charge in _charges.get(point, ()):
        if (charge.about is not None and charge.about not in about) or not _is_due(charge):
            continue
        match charge.action:
            case Action.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Action.STOP:
                os.kill(os.getpid(), signal.SIGSTOP)
            case Action.HANG:
                while True:
                    time.sleep(3600)
            case Action.RAISE:
                raise FailpointError(f"the fail-point {point} was armed")
            case Action.MEMORY:
                raise MemoryError


def _is_due(charge: _Charge) -> bool:
    if charge.left is None:
        return True
    with _counting:
        charge.left -= 1
        return charge.left == -1


arm(os.environ.get(VARIABLE, ""))
