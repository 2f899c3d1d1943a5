"""Whatever is sent, as the OpenAPI document has it or not, is answered as the document says, and never by a 500.

Seen red: with a handler that divides by `limit - 1`. `make torture ARGS=requests` asks all routes, and what follows
from earlier answers.
"""

from collections.abc import Callable

from tests.cli.conftest import Served
from tests.fuzzed import fuzz

ROUTES = "^/v1/(experiments|queue|presets|specs/preview|disagreements|datasets/.name.)$"


def test_made_up_requests_are_answered_as_the_document_says(serving: Callable[..., Served]) -> None:
    service = serving("--workers", "0")
    fuzzed = fuzz(service.url, seconds=30, examples=1, seed=1, phases="coverage", only=ROUTES)
    assert not fuzzed.failures, fuzzed.said
    assert fuzzed.requests > 300
