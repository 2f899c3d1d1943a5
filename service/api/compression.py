"""Long answers as gzip, for clients that take it: lists and curves, whose JSON repeats itself."""

import gzip
import re
from typing import Annotated

from fastapi import Header, Response

SHORTEST = 4_096
"""Bytes: below that a packet less is not worth the work."""
LEVEL = 1
"""The quickest."""

Encodings = Annotated[str | None, Header(alias="Accept-Encoding", include_in_schema=False)]


def takes_gzip(encodings: str | None) -> bool:
    """Whether the header names it, and not with the weight 0 (RFC 9110, 12.5.3)."""
    return bool(re.search(r"(^|[\s,])gzip\s*($|,|;\s*q=(?!0(\.0*)?\s*($|,)))", encodings or "", re.IGNORECASE))


def packed(answer: Response, encodings: str | None) -> Response:
    """The answer, as gzip where it is long and the client takes it."""
    answer.headers["Vary"] = "Accept-Encoding"
    if len(answer.body) >= SHORTEST and takes_gzip(encodings):
        answer.body = gzip.compress(answer.body, LEVEL, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer
