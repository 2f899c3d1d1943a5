"""The queue against a model of it: whatever happens in whatever order, a run has one owner and nothing is lost.

Hypothesis submits, claims, reports, checkpoints, renews leases, loses workers, wakes them up again, sets the clock on
and back, cancels, continues, deletes, finishes. `python -m tests.torture model` does it for longer.
"""

import itertools
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from service.domain.experiment import State
from service.domain.run import Run
from service.errors import ConflictError, FencedError
from service.storage import Database
from tests.storage.conftest import Bench, a_checkpoint, an_epoch

MAX_FAILURES = 2
JUMPS = (3600.0, -3600.0, 10 * 365 * 86400.0, -10 * 365 * 86400.0)
"""Seconds."""
ENDS = (State.COMPLETED, State.FAILED, State.CANCELLED)


@dataclass
class Expected:
    """What must be true of an experiment."""

    state: State = State.QUEUED
    attempt: int = 0
    epoch: int = 0
    checkpoint: int = 0
    claimed_checkpoint: int = 0
    failures: int = 0
    cancel_requested: bool = False
    owner: Run | None = None
    """Whom the run is with, while it runs."""


@dataclass
class Held:
    """What a worker believes to own."""

    run: Run
    at_epoch: int


@dataclass
class Model:
    """All of them."""

    experiments: dict[str, Expected] = field(default_factory=dict)
    losses: int = 0

    def release(self, each: Expected) -> None:
        """As the lease decides."""
        self.losses += 1
        each.failures = 0 if each.checkpoint > each.claimed_checkpoint else each.failures + 1
        if each.cancel_requested:
            each.state = State.CANCELLED
        elif each.failures >= MAX_FAILURES:
            each.state = State.FAILED
        else:
            each.state = State.QUEUED
        each.cancel_requested = False


class QueueMachine(RuleBasedStateMachine):
    """Every rule does one thing to the database and to the model."""

    bench: Bench
    experiments = Bundle[str]("experiments")
    held = Bundle[Held]("held")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.workers = itertools.count()

    @rule(target=experiments, owner=st.sampled_from([None, "ana", "bob"]), priority=st.sampled_from([0, 0, 5]))
    def submit(self, owner: str | None, priority: int) -> str:
        experiment_id = self.bench.submit(owner=owner, priority=priority, epochs=20)
        self.model.experiments[experiment_id] = Expected()
        return experiment_id

    @rule(target=held)
    def claim(self) -> Held | MultipleResults[Held]:
        """Take what is next."""
        waiting = self.bench.waiting()
        run = self.bench.look_for_work(worker=f"box:{next(self.workers)}")
        if run is None:
            assert not any(each.state is State.QUEUED for each in self.model.experiments.values())
            return multiple()
        assert run.experiment_id == waiting[0]
        each = self.model.experiments[run.experiment_id]
        assert each.state is State.QUEUED
        each.state, each.attempt, each.owner = State.RUNNING, each.attempt + 1, run
        each.claimed_checkpoint = each.checkpoint
        assert (run.attempt, run.epoch) == (each.attempt, each.epoch)
        return Held(run, at_epoch=each.checkpoint)

    @rule(held=held, epochs=st.integers(1, 3), publish=st.booleans())
    def report(self, held: Held, epochs: int, publish: bool) -> None:
        each = self.model.experiments.get(held.run.experiment_id)
        last = held.at_epoch + epochs
        rows = [an_epoch(n, train_loss=float(held.run.attempt)) for n in range(held.at_epoch + 1, last + 1)]
        written = a_checkpoint(held.run, last) if publish else None
        newest = max(last, each.epoch) if each else last
        if each is None or not self._owns(held, each):
            with pytest.raises(FencedError):
                self.bench.report(held.run, *rows, checkpoint=written, epoch=newest)
            return
        asked = self.bench.report(held.run, *rows, checkpoint=written, epoch=newest)
        assert asked is each.cancel_requested
        held.at_epoch, each.epoch = last, newest
        if publish:
            each.checkpoint = last

    @rule(target=held, held=held, jump=st.sampled_from([0.0, 0.0, *JUMPS]), seen=st.booleans())
    def crash(self, held: Held, jump: float, seen: bool) -> Held | MultipleResults[Held]:
        """The worker is killed, or sleeps past its lease and believes to own what another has begun.

        Or the clock jumps, which is red where a lease is over by its end alone.
        """
        if jump:
            self._jump(jump, seen=seen)
            return self.claim()
        each = self.model.experiments.get(held.run.experiment_id)
        if each is None or not self._owns(held, each):
            assert self.bench.release(max_failures=MAX_FAILURES) == []
            return multiple()
        self.bench.lose(held.run)
        assert self.bench.release(max_failures=MAX_FAILURES) == [held.run.experiment_id]
        self.model.release(each)
        return self.claim()

    # Few rules, as each is as likely as any other: what happens seldom shares one.

    @rule(held=held, end=st.sampled_from([*ENDS, None]))
    def stop(self, held: Held, end: State | None) -> None:
        """Finish, or give back."""
        if end is None:
            self._give_back(held)
        else:
            self._finish(held, end)

    @rule(experiment_id=experiments, what=st.sampled_from(["cancel", "continue", "delete"]))
    def interfere(self, experiment_id: str, what: str) -> None:
        """A client asks for something."""
        {"cancel": self._cancel, "continue": self._continue_for, "delete": self._delete}[what](experiment_id)

    def _jump(self, seconds: float, *, seen: bool) -> None:
        """Where the workers are `seen` to live before anybody looks, nothing is taken from them."""
        running = {key: each for key, each in self.model.experiments.items() if each.state is State.RUNNING}
        self.bench.jump(seconds)
        for each in running.values():
            if seen and each.owner is not None:
                assert self.bench.report(each.owner) is each.cancel_requested
        released = self.bench.release(max_failures=MAX_FAILURES)
        assert set(released) == (set() if seen else set(running))
        for experiment_id in released:
            self.model.release(running[experiment_id])

    def _give_back(self, held: Held) -> None:
        each = self.model.experiments.get(held.run.experiment_id)
        owned = each is not None and self._owns(held, each)
        self.bench.give_back(held.run)
        if each is not None and owned:
            each.state = State.CANCELLED if each.cancel_requested else State.QUEUED
            each.cancel_requested = False

    def _finish(self, held: Held, end: State) -> None:
        each = self.model.experiments.get(held.run.experiment_id)
        if each is None or not self._owns(held, each):
            with pytest.raises(FencedError):
                self.bench.finish(held.run, end)
            return
        self.bench.finish(held.run, end, failures=0)
        each.state, each.failures, each.cancel_requested = end, 0, False

    def _cancel(self, experiment_id: str) -> None:
        each = self.model.experiments.get(experiment_id)
        if each is None:
            return
        if each.state in ENDS:
            with pytest.raises(ConflictError):
                self.bench.cancel(experiment_id)
            return
        self.bench.cancel(experiment_id)
        if each.state is State.QUEUED:
            each.state = State.CANCELLED
        else:
            each.cancel_requested = True

    def _continue_for(self, experiment_id: str) -> None:
        each = self.model.experiments.get(experiment_id)
        if each is None:
            return
        if each.state not in {State.COMPLETED, State.CANCELLED}:
            with pytest.raises(ConflictError):
                self.bench.continue_for(experiment_id, 5)
            return
        self.bench.continue_for(experiment_id, 5)
        each.state, each.failures = State.QUEUED, 0

    def _delete(self, experiment_id: str) -> None:
        if experiment_id not in self.model.experiments:
            return
        if self.model.experiments[experiment_id].state is State.RUNNING:
            with pytest.raises(ConflictError):
                self.bench.delete(experiment_id)
            return
        self.bench.delete(experiment_id)
        del self.model.experiments[experiment_id]

    @invariant()
    def nothing_accepted_is_lost(self) -> None:
        for experiment_id, each in self.model.experiments.items():
            found = self.bench.get(experiment_id)
            assert (found.state, found.attempt, found.progress.epoch) == (each.state, each.attempt, each.epoch)
            assert (found.finished_at is not None) is (each.state in ENDS)
            gave_up = each.state is State.FAILED and each.failures >= MAX_FAILURES
            assert (found.error is not None) is gave_up
        waiting = {key for key, each in self.model.experiments.items() if each.state is State.QUEUED}
        assert set(self.bench.waiting()) == waiting

    @invariant()
    def epochs_are_gapless(self) -> None:
        for experiment_id, each in self.model.experiments.items():
            numbers = [row.epoch for row in self.bench.epochs(experiment_id)]
            assert numbers == list(range(1, each.epoch + 1))

    @staticmethod
    def _owns(held: Held, each: Expected) -> bool:
        return each.state is State.RUNNING and each.attempt == held.run.attempt


def test_whatever_happens_a_run_has_one_owner_and_nothing_is_lost(_migrated_file: Path) -> None:  # noqa: PT019  # its value is used
    class OnSqlite(QueueMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(tempfile.mkdtemp())
            self.bench = Bench(Database(f"sqlite:///{shutil.copy(_migrated_file, self.folder / 'ardoise.db')}"))

        def teardown(self) -> None:
            self.bench.database.close()
            shutil.rmtree(self.folder)

    run_state_machine_as_test(
        OnSqlite,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            phases=(Phase.reuse, Phase.generate),  # thirty steps can be read; to find fewer takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
