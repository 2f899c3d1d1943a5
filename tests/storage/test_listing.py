"""Lists: each filter, each order, and pages that stay correct while rows come and go."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.experiment import Experiment, ExperimentPage
from service.errors import InvalidSpecError
from service.storage import listing
from service.storage.listing import Filters, Sort
from tests.storage.conftest import Bench

LIMIT = 3


def look(
    bench: Bench, *, sort: Sort = Sort.CREATED_AT, limit: int = 200, cursor: str | None = None, **filters: str
) -> ExperimentPage:
    """One page."""
    with bench.database.reading() as session:
        return listing.page(session, Filters.model_validate(filters), sort=sort, limit=limit, cursor=cursor)


def found_by(bench: Bench, field: str, value: str) -> list[str]:
    """Ids that one filter leaves."""
    with bench.database.reading() as session:
        page = listing.page(
            session, Filters.model_validate({field: value}), sort=Sort.CREATED_AT, limit=200, cursor=None
        )
    assert page.total == len(page.items)
    return [row.id for row in page.items]


def pages(bench: Bench, *, sort: Sort) -> list[Experiment]:
    """All rows, page by page."""
    found: list[Experiment] = []
    page = look(bench, sort=sort, limit=LIMIT)
    while True:
        found += page.items
        if page.next_cursor is None:
            return found
        page = look(bench, sort=sort, limit=LIMIT, cursor=page.next_cursor)


@pytest.fixture
def varied(bench: Bench) -> Bench:
    """Eight experiments with equal and missing values in every order."""
    for number, (name, accuracy) in enumerate(
        [("b", 0.9), ("a", None), ("B", 0.9), ("é", 0.5), ("a", 0.0), ("_", None), ("a%", 1.0), ("C", 0.9)]
    ):
        bench.submit(name=name, seed=number // 2)
        if accuracy is not None:
            run = bench.claim()
            bench.report(run, best_epoch=1, best_val_accuracy=accuracy)
            bench.finish(run, test_accuracy=1 - accuracy)
    return bench


KEYS: dict[str, Callable[[Experiment], Any]] = {
    "created_at": lambda row: row.id,
    "best_val_accuracy": lambda row: (row.best.val_accuracy if row.best else -1.0, row.id),
    "test_accuracy": lambda row: (row.test.accuracy if row.test else -1.0, row.id),
    "parameters": lambda row: (row.parameters, row.id),
}


def test_pages_put_together_are_the_whole_list_in_order(varied: Bench) -> None:
    for sort in Sort:
        whole = look(varied, sort=sort)
        found = pages(varied, sort=sort)
        assert found == list(whole.items), sort
        assert len({row.id for row in found}) == whole.total == 8
        if (key := KEYS.get(sort.removeprefix("-"))) is not None:  # names are in the database's own order of letters
            assert found == sorted(found, key=key, reverse=sort.startswith("-")), sort


@pytest.mark.parametrize(
    "sort", [Sort.CREATED_AT_DESCENDING, Sort.TEST_ACCURACY_DESCENDING, Sort.PARAMETERS, Sort.NAME]
)
def test_rows_that_come_and_go_neither_repeat_nor_hide_others(varied: Bench, sort: Sort) -> None:
    before = [row.id for row in look(varied, sort=sort).items]
    first = look(varied, sort=sort, limit=LIMIT)
    for name in ("0", "a", "zz"):
        varied.submit(name=name, seed=3)
    for experiment_id in (before[0], before[2], before[5]):  # seen, the cursor's own, and one still to come
        if varied.get(experiment_id).state == "queued":
            varied.cancel(experiment_id)
        varied.delete(experiment_id)
    seen, cursor = [row.id for row in first.items], first.next_cursor
    while cursor is not None:
        page = look(varied, sort=sort, limit=LIMIT, cursor=cursor)
        seen += [row.id for row in page.items]
        cursor = page.next_cursor
    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in before] == [each for each in before if each != before[5]]


def test_each_filter_finds_its_own(bench: Bench) -> None:
    first = bench.submit(
        dataset="usps",
        architecture="lenet5",
        activation="tanh",
        tags=["tp3", "x"],
        name="First One",
        owner="ana",
        sweep_id="s1",
    )
    second = bench.submit(dataset="digits", architecture="mlp", activation="relu", tags=["tp4"], name="other")
    run = bench.claim()
    assert run.experiment_id == first
    for field, own, others in (
        ("state", "running", "queued"),
        ("dataset", "usps", "digits"),
        ("architecture", "lenet5", "mlp"),
        ("activation", "tanh", "relu"),
        ("tag", "tp3", "tp4"),
        ("name", "st on", "OTH"),
    ):
        assert found_by(bench, field, own) == [first], field
        assert found_by(bench, field, others) == [second], field
    for field, own in (("owner", "ana"), ("sweep_id", "s1"), ("tag", "x")):
        assert found_by(bench, field, own) == [first], field
    for field in ("dataset", "architecture", "activation", "tag", "sweep_id", "owner", "name"):
        assert found_by(bench, field, "nothing") == []
    assert look(bench, dataset="usps", architecture="mlp").total == 0
    assert look(bench, dataset="usps", architecture="lenet5", tag="x").total == 1


def test_a_part_of_a_name_is_taken_as_it_is_written(bench: Bench) -> None:
    for name in ("100%", "100 or so", "a_b", "aXb", "a\\b", "a/b"):
        bench.submit(name=name)
    for part, found in (("0%", "100%"), ("a_b", "a_b"), ("\\", "a\\b"), ("/", "a/b"), ("AX", "aXb")):
        assert [row.name for row in look(bench, name=part).items] == [found]


def test_a_name_is_found_whatever_its_case_in_any_alphabet(bench: Bench) -> None:
    for name in ("École d'été", "Ωmega", "Привет"):
        bench.submit(name=name)
    for part, found in (("école", "École d'été"), ("ÉTÉ", "École d'été"), ("ωM", "Ωmega"), ("ПРИ", "Привет")):
        assert [row.name for row in look(bench, name=part).items] == [found]


def test_the_queued_ones_of_a_page_say_their_place(bench: Bench) -> None:
    submitted = [bench.submit() for _ in range(4)]
    bench.claim()
    page = look(bench, sort=Sort.CREATED_AT_DESCENDING, limit=2)
    assert [(row.id, row.queue_position) for row in page.items] == [(submitted[3], 3), (submitted[2], 2)]
    assert page.total == 4


def test_a_page_that_ends_the_list_has_no_cursor(bench: Bench) -> None:
    for _ in range(4):
        bench.submit()
    first = look(bench, limit=2)
    assert first.next_cursor is not None
    assert look(bench, limit=2, cursor=first.next_cursor).next_cursor is None
    assert look(bench, limit=4).next_cursor is None


def cursor_of(*content: Any) -> str:
    """As the list itself writes one."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


NOT_CURSORS = [
    "",
    "a",
    "?",
    "é",
    "\x00",
    "\ud800",
    "A" * 50_000,
    base64.urlsafe_b64encode(b"[" * 40_000).decode(),
    base64.urlsafe_b64encode(b'["created_at", "\xff", "x"]').decode(),
    base64.urlsafe_b64encode(b"9" * 5000).decode(),
    cursor_of(),
    cursor_of("created_at", "x"),
    cursor_of("created_at", 3, "x"),
    cursor_of("created_at", "x", 3),
    cursor_of("created_at", None, None),
    cursor_of("created_at", "nul \x00", "x"),
    cursor_of("created_at", "x", "nul \x00"),
    cursor_of("created_at", "\ud800", "x"),
    cursor_of("created_at", "x", "\ud800"),
    cursor_of("created_at", ["x"], "x"),
]


def test_what_is_no_cursor_is_refused(bench: Bench) -> None:
    for cursor in NOT_CURSORS:
        with pytest.raises(InvalidSpecError) as caught:
            look(bench, cursor=cursor)
        (error,) = caught.value.errors
        assert (error.pointer, error.code) == ("#/query/cursor", "invalid_cursor")
        assert error.detail == "is not a cursor that this list has answered"


def test_no_number_that_a_column_cannot_hold_gets_to_the_database(bench: Bench) -> None:
    never = (True, "x", None, float("nan"), float("inf"))
    values = {Sort.PARAMETERS: (10**30, -(10**30), 2**63, -1, 1.5, *never), Sort.BEST_VAL_ACCURACY_DESCENDING: never}
    for sort, wrong in values.items():
        for value in wrong:
            with pytest.raises(InvalidSpecError):
                look(bench, sort=sort, cursor=cursor_of(sort, value, "x"))


def test_a_cursor_of_another_order_is_told_so(bench: Bench) -> None:
    for _ in range(2):
        bench.submit()
    cursor = look(bench, limit=1).next_cursor
    with pytest.raises(InvalidSpecError) as caught:
        look(bench, sort=Sort.NAME, cursor=cursor)
    assert caught.value.errors[0].detail == "belongs to another order than sort=name"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sort=st.sampled_from(Sort), content=st.tuples(st.sampled_from(Sort), JSON, JSON) | JSON)
def test_a_forged_cursor_gives_a_page_or_an_error_of_ours(bench: Bench, sort: Sort, content: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    with suppress(InvalidSpecError):
        assert look(bench, sort=sort, cursor=cursor).total == 0
