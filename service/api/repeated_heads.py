"""Heads of requests that have come before, and what they say: as the usual parser has read it, once.

A client that sends digits by the thousand sends the same head with each of them, to the byte. Only what is plain is
remembered: one small image for a network to read, and no header but those of `PLAIN`. Who asks and which weights are
meant is looked up every time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from service.api import answers, quick_predictions, requests
from service.api.guard import Guard, Visitor
from service.domain.prediction import Prediction
from service.errors import ArdoiseError, BusyError
from service.inference import desk
from service.inference.decode import Picture
from service.inference.desk import Receive
from service.named_weights import Named, Weights
from service.predicting import Predictor

PLAIN = frozenset(
    {
        b"host",
        b"user-agent",
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"connection",
        b"content-type",
        b"content-length",
        b"authorization",
    }
)
MOST = 1024
"""Of one address of ours; then all are forgotten, and those that still come are learnt again."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A request that waits for its answer."""

    weights: Weights
    answer: "asyncio.Future[tuple[Prediction]]"

    def content(self) -> bytes:
        """The answer's body; any error where there is none."""
        return answers.written(self.weights.answer(self.answer.result()))


@dataclass(frozen=True, eq=False)
class Head:
    """What one says."""

    scope: Scope
    named: Named
    length: int
    """Of the body, in bytes."""
    route: str
    visitor: Visitor
    picture: Callable[[bytes], Picture | None]
    """Of a body."""

    def busy(self, error: BusyError, *, request_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Status, headers and body of the answer that this is."""
        headers = [*self.scope["headers"], (requests.RAW_HEADER, request_id.encode())]
        return quick_predictions.busy({**self.scope, "headers": headers}, error)

    def account(self, *, status: int, began: float, request_id: str) -> None:
        """As every request is counted and logged; status 0: its client went away."""
        told = quick_predictions.told_of(self.named)
        requests.account(self.scope, status=status, began=began, route=self.route, request_id=request_id, **told)


class Heads:
    """Of requests to the one address of ours that a connection came to."""

    def __init__(self, guard: Guard, predictor: Callable[[], Predictor]) -> None:
        self._guard, self._predictor = guard, predictor
        self._known: dict[bytes, Head] = {}
        self.get = self._known.get

    def learn(self, raw: bytes, scope: Scope, *, length: int) -> None:
        """The head of these bytes, of which the parser made the scope, before a body of so many bytes."""
        head = self._head(scope)
        if head is not None and head.length == length:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[raw] = head

    def ask(self, head: Head, body: bytes, receive: Receive) -> Asked | None:
        """Put the request into its network's lane; None where it is not to be answered at once, or not so."""
        try:
            token = self._guard.admitted_at_once(head.visitor)
            picture, predictor = head.picture(body), self._predictor()
            ready = predictor.ready(head.named)
            if picture is None or ready is None:
                return None
            predictor.desk.let_in()
            self._guard.count_image({}, token)
            weights, lane = ready
            return Asked(weights, predictor.desk.ask(lane, picture, desk.Visitor(receive)))
        except Exception:  # noqa: BLE001  # the usual way finds it as well, and says what it is
            return None

    def _head(self, scope: Scope) -> Head | None:
        way, headers = quick_predictions.way_of(scope), dict[bytes, bytes](scope["headers"])
        if way is None or not PLAIN.issuperset(headers) or len(headers) < len(scope["headers"]):
            return None
        named, answer = way
        picture, length = quick_predictions.reader(scope), int(headers.get(b"content-length", 0))
        if picture is None or answer is not quick_predictions.predict:
            return None
        if not 0 < length <= quick_predictions.MOST_BYTES or scope["http_version"] != "1.1":
            return None
        try:
            visitor = self._guard.visitor(scope, headers)
        except ArdoiseError:
            return None
        # Without what is of the one request that it was learnt from.
        kept: dict[str, Any] = {**scope, "state": {}}
        return Head(kept, named, length, quick_predictions.route_of(named, answer), visitor, picture)
