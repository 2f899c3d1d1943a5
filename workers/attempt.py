"""One attempt at one experiment, from its claim to its end: what it needs, what is stored of it, how it may fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import structlog
import torch
from torch import nn

from service import architectures, datasets, failpoints, room
from service.domain.experiment import State
from service.domain.manifest import Manifest
from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.errors import FencedError
from service.failpoints import Point
from service.storage import StorageError, queue
from service.telemetry.measures import EPOCHS, SAMPLES
from workers import environment, failing, final_evaluation, learners, resumption, team, threads, training_data
from workers.heartbeat import Interruption, Watch
from workers.learner import Learner
from workers.randomness import Purpose, seed_global
from workers.recorder import Recorder, snapshot
from workers.trainer import Course
from workers.training_data import TrainingData
from workers.workshop import Workshop

log = structlog.get_logger(__name__)


class Attempt:
    """Whatever goes wrong in it is the run's failure, and not that of the worker or of the runs beside it."""

    def __init__(self, run: Run, workshop: Workshop, watch: Watch) -> None:
        self.run = run
        self.watch = watch
        self.begun = self.over = self.ended = False
        self._workshop = workshop

    @contextmanager
    def answering(self) -> Iterator[None]:
        """What is raised inside ends the attempt, and is stored as the reason."""
        with structlog.contextvars.bound_contextvars(experiment_id=self.run.experiment_id, attempt=self.run.attempt):
            try:
                yield
            except FencedError:
                self.ended = True
                log.warning("the run is another attempt's by now; nothing more is written")
            except StorageError as error:
                self._lose(f"the database failed it ({error.__cause__ or error})")
            except OSError as error:
                if error.errno not in room.DISK_ERRORS:
                    self._fail(error)
                else:
                    self._lose(f"the disk failed it ({error})")
            except Exception as error:  # noqa: BLE001  # a run may fail in any way; the reason is stored with it
                self._fail(error)

    def prepare(self) -> None:
        """Read the data and build the network, as new."""
        run, workshop = self.run, self._workshop
        self.device = environment.choose_device(run.spec.device)
        environment.require(run.spec.precision, self.device)
        self._data = training_data.prepare(
            run.spec.dataset,
            seed=run.spec.seed,
            data_dir=workshop.data_dir,
            mirror=workshop.mirror,
            cache_dir=workshop.cache_dir,
        ).to(self.device)
        seed_global(run.spec.seed, epoch=0, purpose=Purpose.WEIGHTS)
        self.recorder = Recorder(
            artifacts=workshop.artifacts,
            lease_seconds=workshop.lease_seconds,
            run=run,
            manifest=_manifest(run, self._data),
            learner=learners.build(_network(run, self.device), run.spec),
        )
        failpoints.reach(Point.PREPARED, [run.spec.name])

    def begin(self, *, beside: int) -> None:
        """Say in what environment it is trained, `beside` so many others, and go on where the last attempt was lost."""
        self.begun = True
        self._settle(beside)
        run, recorder = self.run, self.recorder
        after_epoch = resumption.resume(run, self._workshop, recorder)
        resumption.tell(run, self._workshop, after_epoch)
        self.course = Course(
            recorder.learner,
            self._data,
            run.spec,
            epoch=after_epoch,
            interrupted=self.watch.interrupted,
            progress=self.watch.progress,
            on_interruption=self._stop,
        )
        log.info(
            "training",
            name=run.spec.name,
            epochs=run.spec.epochs,
            after_epoch=after_epoch,
            parameters=run.parameters,
            beside=beside,
        )
        failpoints.reach(Point.BEGUN, [run.spec.name])
        # A run may have been lost between its last checkpoint and its end: then nothing is left to train.
        if after_epoch:
            diverged = recorder.last is not None and recorder.last.train_loss is None
            self._end_if_over(diverged=diverged, exhausted=run.continued_from < after_epoch)

    @property
    def learner(self) -> Learner:
        """Its network as it learns."""
        return self.recorder.learner

    @cached_property
    def threads(self) -> int:
        """Threads of each kernel: those it began with, on whatever worker; else as many as its size is worth."""
        first = self.run.environment
        if first:
            return int(first["threads"])
        return threads.of_kernels(self.run.spec, available=self._workshop.threads, shared=self.learner.shared)

    def take(self, epoch: EpochMetrics) -> None:
        """Take in an epoch; if it was the last, look at the test split. It is stored by `workers/recording.py`."""
        EPOCHS.add()
        SAMPLES.add(amount=len(self._data.train))
        self.recorder.take(epoch, self.course.diagnostics)
        failpoints.reach(Point.TAKEN, [self.run.spec.name])
        self._end_if_over(diverged=epoch.train_loss is None, exhausted=True)

    def _end_if_over(self, *, diverged: bool, exhausted: bool) -> None:
        spec, recorder = self.run.spec, self.recorder
        stopped = exhausted and recorder.selection.exhausted(spec)
        if diverged or stopped or self.course.epoch >= spec.epochs:
            self._finish(diverged=diverged)

    def _finish(self, *, diverged: bool) -> None:
        """Look at the test split, once, with the best weights."""
        test = outputs = None
        recorder = self.recorder
        network = recorder.learner.network
        if recorder.best is not None:
            last = snapshot(network)
            network.load_state_dict(dict(recorder.best))
            test, outputs = final_evaluation.judge(recorder.learner, self._data, self.run.spec)
            network.load_state_dict(dict(last))
        failpoints.reach(Point.TESTED, [self.run.spec.name])
        recorder.end(test=test, diverged=diverged, outputs=outputs)
        self.over = True
        log.info("completed", diverged=diverged, test_accuracy=test.accuracy if test else None)

    def _settle(self, beside: int) -> None:
        """Compute as the run began: its threads where it has begun already, and say where the rest has changed."""
        first, workshop = self.run.environment, self._workshop
        if self.threads != torch.get_num_threads():
            torch.set_num_threads(self.threads)
        present = environment.describe(self.device) | {
            "shares": team.SHARES if self.learner.shared else 1,
            "trained_beside": beside,
        }
        facts: dict[str, Any] = {"environment": present} if first is None else {}
        if first is not None and not environment.same_numbers(first, present):
            log.warning("goes on under another environment: the last bits may differ", began=first, present=present)
            facts["resumed_inexact"] = True
        with workshop.database.writing(durable=False) as session:
            queue.guard(session, self.run, lease_seconds=workshop.lease_seconds, **facts)

    def _stop(self) -> None:
        """Between two batches: end as cancelled, give the run back, or do nothing more where it is another's."""
        why = self.watch.interruption
        with self.answering():
            if why is not Interruption.FENCED:
                with self._workshop.database.writing() as session:
                    self.recorder.store(session)
                    if why is Interruption.CANCELLED:
                        queue.finish(session, self.run, State.CANCELLED, now=datetime.now(UTC))
                    elif why is Interruption.DRAINING:
                        queue.give_back(session, self.run, now=datetime.now(UTC))
            log.info("stopped", reason=why)
        self.ended = True

    def retreat(self, error: Exception) -> None:
        """What was computed beside others has failed, by the fault of one of them perhaps: each is tried alone."""
        with self.answering():
            self._lose(f"what it was trained beside failed ({type(error).__name__}: {error})")

    def _lose(self, why: str) -> None:
        """Not the run's fault, but it cannot go on so for ever."""
        self.ended = True
        log.warning("the run is lost and waits again", why=why)
        with self._noticing(), self._workshop.database.writing() as session:
            most = self._workshop.max_failures
            queue.release(session, self.run, max_failures=most, now=datetime.now(UTC), why=why)

    def _fail(self, error: Exception) -> None:
        self.ended = True
        failure = failing.described(error)
        log.error("failed", type=failure.type, error=failure.message, traceback=failure.traceback_tail)
        with self._noticing(), self._workshop.database.writing() as session:
            queue.finish(session, self.run, State.FAILED, now=datetime.now(UTC), error=failure.model_dump())

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Where not even the end of an attempt can be stored, its lease ends by itself."""
        try:
            yield
        except FencedError:
            log.warning("the run is another attempt's by now; nothing more is written")
        except StorageError as error:
            log.warning("the end of the attempt could not be stored; its lease will end", error=str(error))


def _network(run: Run, device: torch.device) -> nn.Sequential:
    spec = run.spec
    return architectures.build(
        spec.architecture,
        activation=spec.activation,
        image_size=spec.dataset.side,
        classes=len(datasets.facts(spec.dataset.name).labels),
    ).to(device)


def _manifest(run: Run, data: TrainingData) -> Manifest:
    spec = run.spec
    facts = datasets.facts(spec.dataset.name)
    return Manifest(
        experiment_id=run.experiment_id,
        spec_hash=spec.spec_hash,
        epoch=0,
        architecture=spec.architecture,
        activation=spec.activation,
        image_size=spec.dataset.side,
        labels=facts.labels,
        mean=data.mean,
        std=data.std,
        framing=facts.framing,
        native_size=facts.image_size,
    )
