"""The OpenAPI document, and what the handling of requests looks up in it."""

from collections.abc import Mapping
from typing import Any, cast
from weakref import WeakSet

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi

from service.api import examples
from service.domain.field_errors import nearest_first
from service.domain.open_inference import InferenceError, InferenceRequest
from service.domain.prediction import PredictionRequest
from service.domain.problem import Problem
from service.domain.subject import OneImageRequest
from service.errors import FieldError, InvalidSpecError

_REF = "#/components/schemas/"
_UNNAMED = (Problem, PredictionRequest, OneImageRequest, InferenceRequest, InferenceError)
"""What no route's signature names."""


def document(app: FastAPI) -> dict[str, Any]:
    """The app's OpenAPI document: every error is a problem, every JSON body has an example."""
    found = outline(app)
    if app not in _illustrated:
        for operations in found["paths"].values():
            for operation in operations.values():
                _illustrate(operation)
        _illustrated.add(app)
    return found


def outline(app: FastAPI) -> dict[str, Any]:
    """The same, without the examples where nobody has read it yet: some are reckoned, with all that this takes."""
    if app.openapi_schema is None:
        found = _with_whole_bounds(
            get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        )
        schemas = found["components"]["schemas"]
        for model in _UNNAMED:
            schema = model.model_json_schema(ref_template=_REF + "{model}")
            schemas |= {**schema.pop("$defs", {}), model.__name__: schema}
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}, {}]  # none, while the service is open
        for path, operations in found["paths"].items():
            for operation in operations.values():
                _complete(operation, default=_PROTOCOL_ERROR if path.startswith("/v2") else _PROBLEM)
        app.openapi_schema = found
    return app.openapi_schema


def schema_of(request: Request, place: str) -> Mapping[str, Any]:
    """The JSON schema of a request's `body`, or of its `query`, `path` or `header` parameters as one object."""
    operation = _operation(request)
    definitions = {"$defs": outline(request.app)["components"]["schemas"]}
    if place == "body":
        content = operation.get("requestBody", {}).get("content", {})
        schema: Mapping[str, Any] = content.get("application/json", {}).get("schema", {})
        return {**definitions, **schema}
    return definitions | {"properties": {each["name"]: each["schema"] for each in _parameters(operation, place)}}


async def no_unknown_parameters(request: Request) -> None:
    """A dependency: a misspelt query parameter is an error, as `?dryrun=true` must not start a run."""
    allowed = [each["name"] for each in _parameters(_operation(request), "query")]
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in allowed]
    if unknown:
        raise InvalidSpecError(tuple(_unknown(name, allowed) for name in unknown))


def _unknown(name: str, allowed: list[str]) -> FieldError:
    choice = f"allowed: {nearest_first(name, allowed)}" if allowed else "none is allowed here"
    detail = f"unknown parameter {name[:60]!r}; {choice}"
    return FieldError(pointer=f"#/query/{name}", detail=detail, code="unknown_parameter")


def _operation(request: Request) -> dict[str, Any]:
    path = getattr(request.scope.get("route"), "path_format", "")
    found = outline(request.app)["paths"].get(path, {}).get(request.method.lower(), {})
    return cast("dict[str, Any]", found)


def _parameters(operation: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    return [each for each in operation.get("parameters", ()) if each["in"] == place]


def _with_whole_bounds(node: Any) -> Any:
    """FastAPI makes floats of all bounds: an integer is between 1 and 64, not between 1.0 and 64.0."""
    if isinstance(node, dict):
        return {
            key: int(value) if _is_whole_bound(key, value) else _with_whole_bounds(value) for key, value in node.items()
        }
    return [_with_whole_bounds(value) for value in node] if isinstance(node, list) else node


def _is_whole_bound(key: str, value: object) -> bool:
    return key.lower().endswith(("minimum", "maximum")) and isinstance(value, float) and value.is_integer()


def _complete(operation: dict[str, Any], *, default: Mapping[str, str]) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    content = {default["media_type"]: {"schema": {"$ref": _REF + default["schema"]}}}
    responses["default"] = {"description": default["description"], "content": content}


def _illustrate(operation: Mapping[str, Any]) -> None:
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media_type in ("application/json", "application/problem+json"):
            content = body.get("content", {}).get(media_type, {})
            name = content.get("schema", {}).get("$ref", "").removeprefix(_REF).removesuffix("-Input")
            if "examples" not in content and name in examples.by_schema():
                content["example"] = examples.by_schema()[name]
            # Where it is one of several, an example of each.
            names = [each.get("$ref", "").removeprefix(_REF) for each in content.get("schema", {}).get("anyOf", ())]
            if "examples" not in content and (known := [each for each in names if each in examples.by_schema()]):
                content["examples"] = {each: {"value": examples.by_schema()[each]} for each in known}


_PROBLEM = {
    "description": "Every error is a problem as in RFC 9457",
    "media_type": "application/problem+json",
    "schema": "Problem",
}
_PROTOCOL_ERROR = {
    "description": "Every error is one sentence, as the Open Inference Protocol has it",
    "media_type": "application/json",
    "schema": "InferenceError",
}
_illustrated: WeakSet[FastAPI] = WeakSet()
"""Apps whose document has its examples."""
