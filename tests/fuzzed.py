"""Requests made up by schemathesis from the OpenAPI document, and what it finds wrong with the answers.

What is not held against an answer: a 422 to what the schema allows (400 in the Open Inference Protocol), as rules
between fields are not in it; a spec that leaves out what its preset has; a 503 where a data set is not there.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"
CONFIGURATION = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 503]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]

[[operations]]
include-path-regex = "^/v1/(experiments|sweeps|specs/preview)$"
checks.negative_data_rejection.enabled = false

[[operations]]
include-path-regex = "^/v2/"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, 409, 503]
"""
STARTING_SECONDS = 60.0


@dataclass(frozen=True)
class Fuzzed:
    """What came of it."""

    requests: int
    failures: tuple[str, ...]
    """Each with the operations that it was found at."""
    said: str
    """By schemathesis, with the lines that show each again."""


def fuzz(url: str, *, seconds: float, examples: int, seed: int, phases: str, only: str = ".") -> Fuzzed:
    """Send some `examples` a route and phase, for `seconds` at most; `only` is a pattern of paths."""
    with tempfile.TemporaryDirectory() as folder:
        configuration, report = Path(folder) / "schemathesis.toml", Path(folder) / "report.json"
        configuration.write_text(CONFIGURATION)
        command = [
            sys.executable, "-c", PROGRAM, "--config-file", str(configuration), "run", f"{url}/openapi.json",
            "--phases", phases, "--max-examples", str(examples), "--max-time", str(max(1, round(seconds))),
            "--seed", str(seed), "--include-path-regex", only, "--generation-database", "none", "--no-shrink",
            "--continue-on-failure", "--no-color",
            "--report-json-path", str(report), "--max-response-time", "60", "--request-timeout", "60",
        ]  # fmt: skip
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=2 * seconds + STARTING_SECONDS
        )
        found = json.loads(report.read_text()) if report.exists() else {}
    told = [f"{each['title']}: {', '.join(each['operations'])}" for each in found.get("failures", ())]
    told += [str(each) for each in found.get("errors", ())]
    if not found:
        told.append(f"schemathesis ended with {ended.returncode}")
    requests = int(found["test_cases"]["generated"]) if found else 0
    return Fuzzed(requests=requests, failures=tuple(told), said=ended.stdout + ended.stderr)
