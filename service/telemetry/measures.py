"""All that is counted, and how: each measure with its name, its labels and what it tells.

To count one more thing, add it here and call it where it happens; `GET /metrics` then shows it. Names and units are as
prometheus.io/docs/practices/naming has them. Labels must take few values: none is an id or anything that a client sent.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import cast

from service.telemetry.tally import HERE, Tally

Labels = tuple[str, ...]


class Measure:
    """A name, what it tells, and the names of its labels."""

    def __init__(self, name: str, tells: str, labels: Labels = (), *, tally: Tally = HERE) -> None:
        self.name, self.tells, self.labels = name, tells, labels
        self._tally = tally
        MEASURES.append(cast("Counter | Histogram", self))


class Counter(Measure):
    """Only ever grows."""

    def __init__(self, name: str, tells: str, labels: Labels = (), *, tally: Tally = HERE) -> None:
        super().__init__(name, tells, labels, tally=tally)
        self._places: dict[Labels, int] = {}

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Count."""
        place = self._places.get(labels)
        if place is None:
            place = self._places.setdefault(labels, self._tally.place(self.name, labels, TOTAL))
        self._tally.add(place, amount)


class Histogram(Measure):
    """How often a value was at most each of `bounds`, and the sum of all values."""

    def __init__(
        self, name: str, tells: str, labels: Labels = (), *, bounds: Sequence[float], tally: Tally = HERE
    ) -> None:
        super().__init__(name, tells, labels, tally=tally)
        self.bounds = tuple(bounds)
        self._places: dict[Labels, tuple[int, ...]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Take one in."""
        places = self._places.get(labels)
        if places is None:
            names = (SUM, *self.bounds_named())
            places = self._places.setdefault(
                labels, tuple(self._tally.place(self.name, labels, each) for each in names)
            )
        self._tally.add_two(places[0], value, places[1 + bisect_left(self.bounds, value)], 1.0)

    def bounds_named(self) -> Iterator[str]:
        """As Prometheus writes them, the open end included."""
        yield from map(repr, map(float, self.bounds))
        yield ENDLESS


TOTAL, SUM, ENDLESS = "total", "sum", "+Inf"
"""What a place of a measure holds; a place of a histogram else the number of values up to a bound, above the last."""

MEASURES: list[Counter | Histogram] = []

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
LONG_SECONDS = (0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)

REQUESTS = Counter(
    "ardoise_http_requests",
    "Requests that were answered; status 0: the client went away",
    ("method", "route", "status"),
)
REQUEST_SECONDS = Histogram(
    "ardoise_http_request_seconds",
    "From the head of a request to the end of its answer, what a reader chose to wait for included",
    ("route",),
    bounds=SECONDS,
)
PREDICTED = Counter("ardoise_predicted_images", "Images that networks have read for clients")
BATCHES = Histogram(
    "ardoise_prediction_batch_images", "Images that were computed together", bounds=(1, 2, 4, 8, 16, 32)
)
BATCH_SECONDS = Histogram("ardoise_prediction_batch_seconds", "Framing and computing of such a batch", bounds=SECONDS)
LOADS = Counter("ardoise_network_loads", "Networks that were read from their files")
HITS = Counter("ardoise_network_hits", "Requests that found their network in memory")
EVICTIONS = Counter("ardoise_network_evictions", "Networks that made room for others")
WRITE_WAITS = Histogram(
    "ardoise_database_write_wait_seconds", "Until a transaction that writes had its turn", bounds=SECONDS
)
QUEUE_WAITS = Histogram(
    "ardoise_queue_wait_seconds", "From the submission of a run to its first claim", bounds=LONG_SECONDS
)
EPOCHS = Counter("ardoise_trained_epochs", "Epochs that were trained and stored")
SAMPLES = Counter("ardoise_trained_samples", "Training images in those epochs")
EVALUATIONS = Counter("ardoise_evaluated", "Runs of a checkpoint on a test split of another data set")
