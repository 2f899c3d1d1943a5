"""The documentation: whole, with examples that hold, and there without a network."""

import re
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from service.api import examples
from service.app import create_app
from service.domain.experiment import Experiment
from service.domain.spec import ExperimentSpec
from service.settings import Settings

DOCUMENT = create_app(Settings()).openapi()
OPERATIONS = [
    (method, path, operation) for path, found in DOCUMENT["paths"].items() for method, operation in found.items()
]


def bodies(operation: dict[str, Any]) -> list[dict[str, Any]]:
    found = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [body["content"]["application/json"] for body in found if "application/json" in body.get("content", {})]


def test_the_document_is_served_as_openapi_3_1(http: httpx.Client) -> None:
    served = http.get("/openapi.json")
    assert served.json() == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda value: str(value)[:60])
def test_every_operation_says_what_it_does_and_gives_an_example_of_every_body(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    assert operation["description"]
    error = "application/json" if path.startswith("/v2") else "application/problem+json"
    assert operation["responses"]["default"]["content"][error]["example"]
    for body in bodies(operation):
        assert "example" in body or "examples" in body


def test_every_reference_leads_somewhere_and_the_framework_s_own_error_is_gone() -> None:
    names = set(re.findall(r"#/components/schemas/([\w.-]+)", str(DOCUMENT)))
    assert names <= set(DOCUMENT["components"]["schemas"])
    assert "HTTPValidationError" not in str(DOCUMENT)


def test_examples_are_valid() -> None:
    by_schema = examples.by_schema()
    ExperimentSpec.model_validate(by_schema["ExperimentSpec"])
    example = TypeAdapter(Experiment).validate_python(by_schema["Experiment"])
    assert example.progress.epoch == len(by_schema["EpochPage"]["items"])


def test_bounds_of_integers_are_integers() -> None:
    (limit,) = [each for each in DOCUMENT["paths"]["/v1/experiments"]["get"]["parameters"] if each["name"] == "limit"]
    assert str(limit["schema"]["maximum"]) == "200"


def test_the_pages_of_the_documentation_need_no_other_host(http: httpx.Client) -> None:
    page = http.get("/docs").text
    links = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(links) == 3
    for link in links:
        assert link.startswith("/docs/assets/")
        assert http.get(link).status_code == 200
    assert "http" not in re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
