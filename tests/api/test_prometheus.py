"""`GET /metrics` as Prometheus reads it: every number that a request, a prediction and a training leave there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.inference.models import Models
from service.storage import checkpoints, workers
from service.telemetry.measures import MEASURES
from tests.api.conftest import NOON, Served, serving, settings_for
from tests.api.test_evaluations import work

DIGIT = {"pixels": [[0] * 8, *[[0, 0, 0, 200, 200, 0, 0, 0]] * 6, [0] * 8]}
Sample = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that nobody has asked anything yet; this process counts for it."""
    with serving(settings_for(tmp_path_factory.mktemp("counted"))) as served:
        yield served


def read(served: Served) -> dict[Sample, float]:
    """Every sample, by its name and labels."""
    answer = served.http.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(each.name, (*sorted(each.labels.items()),)): each.value for one in families for each in one.samples}


def test_what_is_done_is_counted(fresh: Served) -> None:
    experiment_id = fresh.train(epochs=3, dataset={"name": "synthetic", "train_size": 100})
    own = f"/v1/experiments/{experiment_id}"
    before = read(fresh)
    for _ in range(3):
        assert fresh.http.post(f"{own}/predictions", json=DIGIT).status_code == 200
    assert fresh.http.get("/v1/experiments/nothing").status_code == 404
    assert fresh.http.get("/nowhere").status_code == 404
    after = read(fresh)

    def grown(name: str, **labels: str) -> float:
        sample = name, (*sorted(labels.items()),)
        return after[sample] - before.get(sample, 0.0)

    route = "/v1/experiments/{experiment_id}/predictions"
    assert grown("ardoise_http_requests_total", method="POST", route=route, status="200") == 3
    assert grown("ardoise_http_request_seconds_count", route=route) == 3
    one = "/v1/experiments/{experiment_id}"
    assert grown("ardoise_http_requests_total", method="GET", route=one, status="404") == 1
    assert grown("ardoise_http_requests_total", method="GET", route="other", status="404") == 1
    assert grown("ardoise_predicted_images_total") == 3
    assert grown("ardoise_prediction_batch_images_sum") == 3
    assert 0 < grown("ardoise_prediction_batch_seconds_count") <= 3
    assert grown("ardoise_network_loads_total") == 1
    assert grown("ardoise_network_hits_total") == 2
    assert after["ardoise_trained_epochs_total", ()] == 3
    assert after["ardoise_trained_samples_total", ()] == 3 * 100
    assert after["ardoise_queue_wait_seconds_count", ()] == 1
    assert after["ardoise_database_write_wait_seconds_count", ()] > 3
    assert after["ardoise_experiments", (("state", "completed"),)] == 1
    assert after["ardoise_experiments", (("state", "queued"),)] == 0
    assert after["ardoise_longest_wait_seconds", ()] == 0
    assert after["ardoise_disk_free_bytes", ()] > 0
    assert after["ardoise_database_bytes", ()] > 0
    assert after["ardoise_database_log_bytes", ()] > 0


def test_what_workers_and_caches_do_is_counted(fresh: Served) -> None:
    """Red where a network that makes room, an evaluation, or one of the workers is not counted."""
    fresh.clear()
    experiment_id = fresh.train(epochs=2, checkpoints={"keep": "all"})
    before = read(fresh)
    models = Models(fresh.settings.artifacts_dir, capacity_bytes=1)
    with fresh.database.reading() as session:
        for each in checkpoints.all_of(session, experiment_id):
            models.get(each)
    wanted = {"dataset": "digits"}
    assert fresh.http.post(f"/v1/experiments/{experiment_id}/evaluations", json=wanted).status_code == 202
    assert read(fresh)["ardoise_evaluations", (("state", "queued"),)] == 1
    work(fresh)
    fresh.submit()
    with fresh.database.writing() as session:
        for worker in ("host:1", "host:2", "host:3"):
            workers.register(session, worker, lease_seconds=60.0, now=NOON, facts={})
        workers.leave(session, "host:3")
    assert fresh.claim().experiment_id != experiment_id
    after = read(fresh)
    assert after["ardoise_network_evictions_total", ()] - before["ardoise_network_evictions_total", ()] == 1
    assert after["ardoise_evaluated_total", ()] - before["ardoise_evaluated_total", ()] == 1
    assert after["ardoise_evaluations", (("state", "completed"),)] == 1
    assert (after["ardoise_workers", ()], after["ardoise_busy_workers", ()]) == (2, 1)
    fresh.clear()


def test_every_measure_is_there_and_none_has_an_id(fresh: Served) -> None:
    text = fresh.http.get("/metrics").text
    assert all(f"# HELP {measure.name}" in text for measure in MEASURES)
    assert not re.search("[0-9a-f]{8}-[0-9a-f]{4}", text)


def test_what_waits_is_shown(fresh: Served) -> None:
    fresh.submit()
    shown = read(fresh)
    assert shown["ardoise_experiments", (("state", "queued"),)] == 1
    assert 0 < shown["ardoise_longest_wait_seconds", ()] < 60
    fresh.clear()


def test_buckets_hold_all_that_is_below_them(fresh: Served) -> None:
    buckets: dict[str, list[float]] = {}
    for (name, labels), value in read(fresh).items():
        if name.endswith("_bucket"):
            rest = [each for each in labels if each[0] != "le"]
            buckets.setdefault(f"{name}{rest}", []).append(value)
    assert buckets
    assert all(each == sorted(each) for each in buckets.values())


def test_no_count_falls_when_the_service_is_started_again(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        served.train(epochs=2)
        first = read(served)
    with serving(settings_for(tmp_path)) as served:
        again = read(served)
    assert first["ardoise_trained_epochs_total", ()] == again["ardoise_trained_epochs_total", ()] == 2
    counts = [sample for sample in first if sample[0].endswith(("_total", "_count", "_sum", "_bucket"))]
    assert all(again[sample] >= first[sample] for sample in counts)
