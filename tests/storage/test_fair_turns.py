"""Thirty owners with twenty runs each on one machine: nobody waits behind another's sweep, stacked or not."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from service import ids
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.domain.sweep import Planned
from service.storage import experiments, queue
from tests.storage.conftest import LEASE, NOW, Bench

OWNERS = [f"student{number}" for number in range(30)]
RUNS = 20
ROUNDS = 3
"""That are looked at; the others are no different."""
STACK = 15


def submit(bench: Bench, owner: str, count: int, *, hidden: int = 8) -> None:
    """A sweep over seeds, which is a cohort with all others of as many hidden units."""
    with bench.database.writing() as session:
        specs = [
            ExperimentSpec.model_validate(
                {"dataset": "synthetic", "architecture": {"name": "mlp", "hidden": [hidden]}, "seed": seed}
            )
            for seed in range(count)
        ]
        experiments.add_sweep(
            session, ids.new(), experiment_ids=[ids.new() for _ in specs],
            planned=[Planned(spec, 100) for spec in specs], now=datetime.now(UTC), owner=owner,
        )  # fmt: skip


def take(bench: Bench, *, most_running: int = 0) -> list[Run]:
    """What one worker takes at a time: a run, and others to train beside it."""
    with bench.database.writing() as session:
        run = queue.claim(session, worker="box:1", lease_seconds=LEASE, now=NOW, most_running=most_running)
        if run is None:
            return []
        others = queue.claim_peers(
            session,
            run,
            threads=1,
            limit=STACK,
            worker="box:1",
            lease_seconds=LEASE,
            now=NOW,
            most_running=most_running,
        )
    return [run, *others]


def owners_of(bench: Bench, runs: list[Run]) -> list[str | None]:
    """Whose they are."""
    with bench.database.reading() as session:
        return [experiments.find(session, run.experiment_id).owner for run in runs]


@pytest.mark.parametrize("at_once", [RUNS, 1], ids=["sweeps", "run by run"])
@pytest.mark.parametrize("cohorts", ["one for all", "one each"])
def test_every_owner_s_first_run_starts_before_anybody_s_second(bench: Bench, cohorts: str, at_once: int) -> None:
    """Red when a claim or a turn goes by age alone, and when runs taken beside another pass over others' turns."""
    for number, owner in enumerate(OWNERS):
        for _ in range(RUNS // at_once):
            submit(bench, owner, at_once, hidden=8 if cohorts == "one for all" else 8 + number)
    started: Counter[str | None] = Counter(dict.fromkeys(OWNERS, 0))
    sizes = []
    while min(started.values()) < ROUNDS:
        taken = take(bench)
        started.update(owners_of(bench, taken))
        sizes.append(len(taken))
        assert max(started.values()) <= min(started.values()) + 1
    assert max(sizes) == (STACK + 1 if cohorts == "one for all" else 2)


def test_runs_of_one_owner_are_trained_side_by_side_where_nobody_else_waits(bench: Bench) -> None:
    """Fair turns cost a sweep its stack only while others wait."""
    submit(bench, "ana", 8)
    submit(bench, "ben", 1, hidden=9)
    assert owners_of(bench, take(bench)) == ["ana"]
    assert owners_of(bench, take(bench)) == ["ben"]
    assert owners_of(bench, take(bench)) == ["ana"] * 7


def test_no_owner_has_more_runs_in_training_than_the_limit_and_others_go_on(bench: Bench) -> None:
    """Red when either a claim or the claim of runs beside it does not know the limit."""
    submit(bench, "ana", 8)
    submit(bench, "ben", 4)
    bench.submit()
    bench.submit()
    running: list[Run] = []
    while taken := take(bench, most_running=3):
        running += taken
    assert Counter(owners_of(bench, running)) == {"ana": 3, "ben": 3, None: 2}
    bench.finish(next(run for run, owner in zip(running, owners_of(bench, running), strict=True) if owner == "ana"))
    assert owners_of(bench, take(bench, most_running=3)) == ["ana"]


def test_who_has_as_many_in_training_as_they_may_is_passed_over(bench: Bench) -> None:
    """Red when it is looked at only whether anybody has room, and not who."""
    submit(bench, "ana", 3)
    submit(bench, "ben", 3, hidden=9)
    (of_ana,), (of_ben,) = take(bench, most_running=1), take(bench, most_running=1)
    assert owners_of(bench, [of_ana, of_ben]) == ["ana", "ben"]
    bench.finish(of_ben)
    assert owners_of(bench, take(bench, most_running=1)) == ["ben"]
