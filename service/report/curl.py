"""The lines that a reader can type to get the same facts, for a shell in which `URL` is set."""

import json
import shlex
from typing import Any


def get(path: str) -> str:
    """Such as `curl -sS "$URL/v1/labs"`."""
    return f'curl -sS "$URL{path}"'


def saved(path: str, file: str) -> str:
    """The same into a file."""
    return f"{get(path)} -o {file}"


def post(path: str, body: Any) -> str:
    """A body of JSON."""
    document = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f'curl -sS "$URL{path}" -H "Content-Type: application/json" -d {document}'
