"""Runs that are taken to be trained beside another: which, and in whose turn."""

from typing import Any

import pytest

from service.domain import cohort
from service.domain.run import Company, Run
from service.domain.spec import ExperimentSpec
from service.storage import queue, workers
from tests.storage.conftest import LEASE, NOW, Bench, a_checkpoint, an_epoch

OTHER: dict[str, Any] = {"architecture": {"name": "mlp", "hidden": [7]}}


def spec(**given: Any) -> ExperimentSpec:
    """A small one."""
    return ExperimentSpec.model_validate({"dataset": "synthetic", "architecture": "mlp"} | given)


def claim_peers(bench: Bench, run: Run, *, limit: int = 100, threads: int = 1) -> list[str]:
    """Their ids."""
    with bench.database.writing() as session:
        taken = queue.claim_peers(
            session, run, threads=threads, limit=limit, worker="box:1", lease_seconds=LEASE, now=NOW
        )
    assert all(each.attempt >= 1 and each.cohort == run.cohort for each in taken)
    return sorted(each.experiment_id for each in taken)


@pytest.mark.parametrize(
    "given",
    [
        {"seed": 5},
        {"optimizer": {"name": "sgd", "learning_rate": 0.5}},
        {"optimizer": {"name": "sgd", "weight_decay": 0.5}},
        {"optimizer": {"name": "sgd", "momentum": 0.5}},
        {"schedule": "cosine"},
        {"name": "other", "tags": ["a"], "priority": 3},
    ],
)
def test_a_cohort_differs_in_what_each_network_can_have_for_itself(given: dict[str, Any]) -> None:
    assert cohort.key(spec(**given)) == cohort.key(spec())


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "adam"},
        {"optimizer": {"name": "sgd", "momentum": 0.0}},
        {"architecture": {"name": "mlp", "dropout": 0.1}},
        {"epochs": 3},
        {"batch_size": 32},
        {"activation": "tanh"},
        {"loss": {"label_smoothing": 0.1}},
        {"early_stopping": {"patience": 2}},
        {"dataset": {"name": "synthetic", "train_size": 100}},
        {"device": "cpu"},
        OTHER,
    ],
)
def test_and_in_nothing_else(given: dict[str, Any]) -> None:
    assert cohort.key(spec(**given)) != cohort.key(spec())


def test_two_rates_of_dropout_are_one_cohort() -> None:
    keys = {cohort.key(spec(architecture={"name": "mlp", "dropout": rate})) for rate in (0.1, 0.5)}
    assert len(keys) == 1


def test_waiting_runs_of_the_cohort_are_taken_and_no_others(bench: Bench) -> None:
    submitted = [bench.submit(seed=seed) for seed in range(4)]
    other = bench.submit(**OTHER)
    first = bench.claim()
    assert first.experiment_id == submitted[0]
    assert claim_peers(bench, first, limit=2) == submitted[1:3]
    assert bench.waiting() == (submitted[3], other)
    taken = bench.get(submitted[1])
    assert (taken.state, taken.worker, taken.attempt, taken.started_at) == ("running", "box:1", 1, NOW)


def test_a_run_may_overtake_its_owners_others_but_nobody_elses_turn(bench: Bench) -> None:
    bench.submit(owner="ana")
    bench.submit(owner="ana", **OTHER)
    same_owner = bench.submit(owner="ana", seed=1)
    first = bench.claim()
    bobs = bench.submit(owner="bob", **OTHER)
    in_turn = bench.submit(owner="cem", seed=2)
    not_yet = bench.submit(owner="cem", seed=3)
    assert claim_peers(bench, first) == [in_turn]
    assert bench.claim().experiment_id == bobs
    assert claim_peers(bench, first) == sorted([same_owner, not_yet])


def test_a_run_of_another_priority_is_not_taken_and_a_higher_one_is_not_overtaken(bench: Bench) -> None:
    bench.submit()
    bench.submit(seed=1, priority=-1)
    peer = bench.submit(seed=2)
    first = bench.claim()
    urgent = bench.submit(priority=5, **OTHER)
    assert claim_peers(bench, first) == []
    assert bench.claim().experiment_id == urgent
    assert claim_peers(bench, first) == [peer]


def two_of_which_the_second_has_begun(bench: Bench) -> tuple[Run, Run]:
    """Both are claimed."""
    for seed in (1, 2):
        bench.submit(seed=seed)
    return bench.claim(), bench.claim()


def test_a_run_that_was_lost_without_progress_is_left_to_be_tried_alone(bench: Bench) -> None:
    first, second = two_of_which_the_second_has_begun(bench)
    bench.lose(second)
    bench.release()
    assert claim_peers(bench, first) == []
    again = bench.claim()
    assert (again.experiment_id, again.failures) == (second.experiment_id, 1)
    bench.report(again, an_epoch(1), checkpoint=a_checkpoint(again, 1))
    bench.lose(again)
    bench.release()
    assert claim_peers(bench, first) == [second.experiment_id], "it made progress"


def test_one_that_began_with_other_threads_is_not_taken(bench: Bench) -> None:
    first, second = two_of_which_the_second_has_begun(bench)
    bench.report(second, environment={"threads": 2})
    bench.give_back(second)
    assert claim_peers(bench, first, threads=1) == []
    assert claim_peers(bench, first, threads=2) == [second.experiment_id]


def test_how_a_cohort_stands(bench: Bench) -> None:
    with bench.database.writing() as session:
        for name in ("box:1", "box:2", "box:3", "gone:4"):
            lease = -1.0 if name.startswith("gone") else LEASE
            workers.register(session, name, lease_seconds=lease, now=NOW, facts={})
    for seed in range(5):
        bench.submit(seed=seed)
    bench.submit(**OTHER)
    first = bench.claim(worker="box:1")
    bench.claim(worker="box:2")
    with bench.database.reading() as session:
        assert queue.company(session, first) == Company(waiting=3, running=2, workers=2, idle=1)
