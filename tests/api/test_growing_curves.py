"""The curves of many runs in one answer, with a cursor for each."""

from typing import Any

import httpx
import pytest

from service.domain.curves import GrowingCurves
from service.domain.experiment import Resumption
from tests.api.conftest import Served, row_of

NOBODY = "0197f0c4-0000-7000-8000-000000000000"


def grown(http: httpx.Client, *cursors: str, **query: Any) -> GrowingCurves:
    """The answer."""
    answer = http.get("/v1/learning-curves", params={"ids": ",".join(cursors)} | query)
    assert answer.status_code == 200, answer.text
    return GrowingCurves.model_validate(answer.json())


def test_each_run_answers_what_is_newer_than_its_own_cursor(served: Served) -> None:
    long, short = served.completed(epochs=5), served.completed(epochs=2)
    whole, none = grown(served.http, long, f"{short}:2").items
    assert (whole.experiment_id, whole.epochs) == (long, (1, 2, 3, 4, 5))
    for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"):
        assert getattr(whole, name) == tuple(getattr(row_of(epoch), name) for epoch in whole.epochs)
    assert whole.seconds == (0.5, 1.0, 1.5, 2.0, 2.5)
    assert (none.experiment_id, none.epochs, none.seconds) == (short, (), ())
    later, _ = grown(served.http, f"{long}:3", short).items
    assert (later.epochs, later.seconds) == ((4, 5), (0.5, 1.0))
    alone = served.http.get(f"/v1/experiments/{long}").json()
    for field in ("state", "progress", "best", "diverged", "resumptions"):
        assert whole.model_dump(mode="json")[field] == alone[field]


def test_long_runs_are_thinned_alike_and_no_second_is_lost(served: Served) -> None:
    long, short = served.completed(epochs=10), served.completed(epochs=4)
    found = grown(served.http, long, short, points=4)
    first, second = found.items
    assert (found.every, first.epochs, second.epochs) == (3, (1, 3, 6, 9, 10), (1, 3, 4))
    assert (first.seconds, second.seconds) == ((0.5, 1.5, 3.0, 4.5, 5.0), (0.5, 1.5, 2.0))


def test_a_reader_that_knows_it_all_is_told_so_until_something_changes(served: Served) -> None:
    experiment_id = served.submit(epochs=9)
    run = served.claim()
    served.record(run, 1, 2)
    asked = {"ids": f"{experiment_id}:2"}
    tag = served.http.get("/v1/learning-curves", params=asked).headers["ETag"]
    again = served.http.get("/v1/learning-curves", params=asked, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    served.record(run, 3)
    newer = served.http.get("/v1/learning-curves", params=asked, headers={"If-None-Match": tag})
    assert (newer.status_code, newer.json()["items"][0]["epochs"]) == (200, [3])


def test_a_run_that_is_gone_is_left_out(served: Served) -> None:
    kept, gone = served.completed(), served.completed()
    assert served.http.delete(f"/v1/experiments/{gone}").status_code == 204
    assert [each.experiment_id for each in grown(served.http, gone, kept, NOBODY).items] == [kept]


def test_where_a_later_attempt_went_on_is_told(served: Served) -> None:
    experiment_id = served.submit(epochs=9)
    here = Resumption(attempt=2, after_epoch=7, continued=False)
    served.record(served.claim(), 1, resumptions=[here.model_dump()])
    assert grown(served.http, experiment_id).items[0].resumptions == (here,)


@pytest.mark.parametrize(
    ("ids", "status", "said"),
    [
        ("", 422, "must be 1 to 200 ids"),
        (",".join([NOBODY] * 201), 422, "must be 1 to 200 ids"),
        ("7", 404, "there is no experiment '7'"),
        (f"{NOBODY}:x", 422, "must be an epoch, 0 to 10,000"),
        (f"{NOBODY}:10001", 422, "must be an epoch, 0 to 10,000"),
        (f"{NOBODY}:", 422, "must be an epoch, 0 to 10,000"),
    ],
    ids=["none", "too many", "no id", "no number", "too late", "nothing"],
)
def test_wrong_ids_are_answered_with_what_is_allowed(http: httpx.Client, ids: str, status: int, said: str) -> None:
    answer = http.get("/v1/learning-curves", params={"ids": ids})
    assert answer.status_code == status
    assert said in answer.text
