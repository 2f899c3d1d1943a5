"""JSON bodies: what is not JSON is told from what is JSON and wrong.

The standard library's reader takes more than RFC 8259 allows (`NaN`) and fails in ways of its own on what is deep, on
endless integers and on bytes that are no UTF-8: each is a 400 that says what and where, before any field is looked at.
"""

import json
import re
from collections.abc import Callable, Coroutine
from email.message import Message
from json import JSONDecodeError
from typing import Any, NoReturn

import structlog
from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

MOST_BYTES = 64 * 1024
"""Of a body read here: the longest spec there can be is half of it, and it is read on the event loop."""


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonRoute(APIRoute):
    """A route whose body, if it takes any, is JSON; log lines of its handling carry the experiment's id."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's, given a `JsonRequest`."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handle_json(request: Request) -> Response:
            if takes_body:
                request = JsonRequest(request.scope, request.receive)
                _require_json(request)
            with structlog.contextvars.bound_contextvars(**request.path_params):
                return await handle(request)

        return handle_json


class JsonRequest(Request):
    """A request whose `json` is strict."""

    async def body(self) -> bytes:
        """All bytes, of which there may be `MOST_BYTES`."""
        if not hasattr(self, "_body"):
            chunks, size = [], 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > MOST_BYTES:
                    raise HTTPException(413, f"the body is larger than the {MOST_BYTES:,} bytes that are read here")
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> Any:
        """The document; 400 where the body is none."""
        return parse(await self.body())


def parse(body: bytes) -> Any:
    """The JSON document, by RFC 8259; else HTTPException 400, which says what is wrong and where."""
    try:
        text = body.decode("utf-8")
        document = json.loads(text, parse_constant=_no_constant)
        if _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()  # fails on half a pair, which is no character
        return document
    except JSONDecodeError as error:
        raise HTTPException(400, f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"not JSON: byte {error.start} is no UTF-8") from error
    except UnicodeEncodeError as error:
        raise HTTPException(400, "not accepted: the JSON has half of a surrogate pair, which is no text") from error
    except RecursionError as error:
        raise HTTPException(400, "not accepted: the JSON is nested too deeply") from error
    except ValueError as error:
        raise HTTPException(400, "not accepted: the JSON has an integer of thousands of digits") from error


def _no_constant(name: str) -> NoReturn:
    raise HTTPException(400, f"not JSON: {name} is no number in JSON")


def _require_json(request: Request) -> None:
    """415 for another type, and for a body without one; no body at all is the handler's matter."""
    given = request.headers.get("content-type")
    message = Message()
    message["content-type"] = given or ""
    kind, subtype = message.get_content_maintype(), message.get_content_subtype()
    if given is not None and kind == "application" and (subtype == "json" or subtype.endswith("+json")):
        return
    if (
        given is None
        and request.headers.get("content-length", "0") == "0"
        and "transfer-encoding" not in request.headers
    ):
        return
    raise HTTPException(415, f"the body must be application/json, not {given or 'of no declared type'}")
