"""`GET /metrics`: what all processes have counted, and how the service stands, in Prometheus' text format."""

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service import vitals
from service.api.state import Live, Now
from service.domain.vitals import Vitals
from service.telemetry import measures, sums

PATH = "/metrics"
_CONTENT = {"text/plain": {"schema": {"type": "string"}, "example": "ardoise_trained_epochs_total 120.0\n"}}

router = APIRouter(tags=["health"])


@router.get(PATH, response_class=Response, responses={200: {"content": _CONTENT}})
def prometheus(service: Live, now: Now) -> Response:
    """Requests, predictions, training, the queue, the database and the disk, over all processes of this machine.

    No counter falls where a process ends or the service is restarted. A label never holds an id.
    """
    settings = service.settings
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown(sums.gather(settings.counts_dir), vitals.read(service.database, settings, now=now)))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class _Shown:
    """What prometheus-client asks for when it writes a registry."""

    def __init__(self, counts: Counter[sums.Place], standing: Vitals) -> None:
        self._counts, self._standing = counts, standing

    def collect(self) -> Iterator[Metric]:
        """All of it, in the order in which `measures.py` has it."""
        for measure in measures.MEASURES:
            yield (
                _counter(measure, self._counts)
                if isinstance(measure, measures.Counter)
                else _histogram(measure, self._counts)
            )
        yield from _gauges(self._standing)


def _labels(measure: measures.Measure, counts: Counter[sums.Place]) -> list[tuple[str, ...]]:
    """Of the series that there are; one without labels is there from the beginning."""
    found = sorted({labels for name, labels, _part in counts if name == measure.name})
    return found or ([] if measure.labels else [()])


def _counter(measure: measures.Measure, counts: Counter[sums.Place]) -> Metric:
    family = CounterMetricFamily(measure.name, measure.tells, labels=measure.labels)
    for labels in _labels(measure, counts):
        family.add_metric(labels, counts[measure.name, labels, measures.TOTAL])
    return family


def _histogram(measure: measures.Histogram, counts: Counter[sums.Place]) -> Metric:
    family = HistogramMetricFamily(measure.name, measure.tells, labels=measure.labels)
    for labels in _labels(measure, counts):
        bounds = [*measure.bounds_named()]
        up_to = accumulate(counts[measure.name, labels, bound] for bound in bounds)
        family.add_metric(labels, [*zip(bounds, up_to, strict=True)], counts[measure.name, labels, measures.SUM])
    return family


def _gauges(standing: Vitals) -> Iterator[Metric]:
    for name, counts in (("experiments", standing.experiments), ("evaluations", standing.evaluations)):
        family = GaugeMetricFamily(f"ardoise_{name}", f"{name.capitalize()} by state", labels=["state"])
        for state, count in counts.items():
            family.add_metric([state], count)
        yield family
    for name, tells, value in (
        ("longest_wait_seconds", "How long the first of the runs that wait has waited", standing.longest_wait),
        ("workers", "Worker processes that are alive", standing.workers),
        ("busy_workers", "Worker processes that train a run", standing.busy_workers),
        ("disk_free_bytes", "Left where the checkpoints lie", standing.free_bytes),
        ("database_bytes", "SQLite's file", standing.database_bytes),
        ("database_log_bytes", "SQLite's write-ahead log", standing.log_bytes),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"ardoise_{name}", tells, value=value)
