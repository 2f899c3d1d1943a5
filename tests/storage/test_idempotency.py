"""A key makes a repeat safe: one experiment, however often and however simultaneously it is sent."""

import pytest
import sqlalchemy as sa

from service import ids, submission
from service.domain.spec import ExperimentSpec
from service.errors import ConflictError
from service.storage import idempotency
from tests.storage.conftest import NOW, Bench, in_threads

BODY, OTHER_BODY = "a" * 64, "b" * 64
SPEC = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "perceptron"})


def submit(bench: Bench, key: str | None, *, body: str = BODY, owner: str | None = None) -> str:
    """As the API does it."""
    with bench.database.writing() as session:
        return submission.submit(session, SPEC, owner=owner, idempotency_key=key, body_sha256=body, now=NOW).id


def test_a_repeat_finds_the_first(bench: Bench) -> None:
    first = submit(bench, "k")
    assert submit(bench, "k") == first
    assert bench.waiting() == (first,)


def test_without_a_key_nothing_is_a_repeat(bench: Bench) -> None:
    assert submit(bench, None) != submit(bench, None)


def test_a_key_for_another_body_is_a_conflict_and_stores_nothing(bench: Bench) -> None:
    first = submit(bench, "k")
    with pytest.raises(ConflictError, match="the idempotency key 'k' was used for another body"):
        submit(bench, "k", body=OTHER_BODY)
    assert bench.waiting() == (first,)


def test_each_owner_has_keys_of_their_own(bench: Bench) -> None:
    assert len({submit(bench, "k", owner=owner) for owner in (None, "ana", "bob")}) == 3


def test_a_key_is_free_again_once_its_experiment_is_deleted(bench: Bench) -> None:
    first = submit(bench, "k")
    bench.cancel(first)
    bench.delete(first)
    assert submit(bench, "k", body=OTHER_BODY) != first


def test_a_key_is_kept_only_with_its_experiment(bench: Bench) -> None:
    def fail_after_remembering() -> None:
        with bench.database.writing() as session:
            experiment_id = ids.new()
            idempotency.remember(session, "k", owner=None, body_sha256=BODY, experiment_id=experiment_id, now=NOW)

    with pytest.raises(sa.exc.IntegrityError):
        fail_after_remembering()
    with bench.database.writing() as session:
        assert idempotency.remembered(session, "k", owner=None, body_sha256=BODY) is None


def test_repeats_that_arrive_at_once_make_one_experiment(bench: Bench) -> None:
    answered: list[str] = []
    in_threads(*[lambda: answered.append(submit(bench, "k")) for _ in range(8)])
    assert len(answered) == 8
    assert bench.waiting() == (answered[0],)
    assert set(answered) == {answered[0]}
