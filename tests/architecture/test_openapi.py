"""What a service's OpenAPI document promises: who is known, how each operation can refuse, and which headers go where."""

import functools
from inspect import isclass
from typing import Any, get_args, get_type_hints

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from shared.callers import PUBLIC
from shared.endpoints import api_routes, command_of
from shared.http import Page, View
from shared.openapi import described
from shared.uploads import upload_of
from tests.architecture.test_services import ORDERED, routers_of

Json = dict[str, Any]

# By its lines all that an office is shown of a plan is replaced.
MATCHING = frozenset({"agree_plan", "revise_plan", "change_draft", "confirm_draft"})
each_service = pytest.mark.parametrize("service", ORDERED)


@functools.cache
def document_of(service: str) -> Json:
    app = FastAPI(title=service, version="1")
    for router in routers_of(service):
        app.include_router(router)
    return described(app, routers_of(service))


@functools.cache
def operations(service: str) -> list[tuple[APIRoute, Json]]:
    """Every route with what the document says of it, where it refers to something with that in its place."""
    document = document_of(service)
    return [
        (route, _resolved(document["paths"][route.path_format][method.lower()], document))
        for route in api_routes(routers_of(service))
        if route.include_in_schema
        for method in route.methods or ()
    ]


def _resolved(value: Any, document: Json) -> Any:
    if isinstance(value, dict):
        reference = value.get("$ref", "")
        if reference and "/schemas/" not in reference:
            found: Any = document
            for name in reference.removeprefix("#/").split("/"):
                found = found[name]
            return _resolved(found, document)
        return {name: _resolved(part, document) for name, part in value.items()}
    return [_resolved(part, document) for part in value] if isinstance(value, list) else value


@each_service
def test_the_document_is_valid_and_refers_to_nothing_that_is_not_there(service: str) -> None:
    document = document_of(service)
    assert document["openapi"].startswith("3.1")
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    _resolved(document, document)
    assert "HTTPValidationError" not in str(document)


@each_service
def test_every_operation_says_what_it_is_for_and_who_is_known(service: str) -> None:
    document = document_of(service)
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for route, operation in operations(service):
        assert operation["description"]
        assert operation["operationId"] == route.name
        assert operation.get("security") == ([] if route.name in PUBLIC else None)


@each_service
def test_every_operation_says_how_it_can_refuse_and_that_a_refusal_is_a_problem(service: str) -> None:
    for route, operation in operations(service):
        expected = {400, 431, 500, 503}
        if route.name not in PUBLIC:
            expected |= {401, 403, 409, 422, 429}
        named = [one for one in operation.get("parameters", []) if one.get("in") == "query" and one.get("required")]
        if "{" in route.path or any(one["schema"].get("format") == "uuid" for one in named):
            expected |= {404}
        if command_of(route) is not None or upload_of(route) is not None:
            expected |= {412, 413}
            if route.name in MATCHING:
                expected |= {428}
        elif route.body_field is not None:
            expected |= {413}
        answers = {int(status): answer for status, answer in operation["responses"].items()}
        assert {status for status in answers if status >= 400} == expected, route.name
        for status in expected:
            content = answers[status]["content"]
            assert content["application/problem+json"] == {"schema": {"$ref": "#/components/schemas/Problem"}}
            assert set(content) == {"application/problem+json"} or (route.name, status) == ("readyz", 503)


@each_service
def test_every_answer_names_its_headers(service: str) -> None:
    needed = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    for route, operation in operations(service):
        for status, answer in operation["responses"].items():
            headers = {name for name, header in answer["headers"].items() if header.get("required")}
            wanted = {"X-Correlation-Id", *filter(None, [needed.get(int(status))])}
            if status in ("200", "201") and (
                command_of(route) is not None or upload_of(route) is not None or _answers_with(route, View)
            ):
                wanted.add("ETag")
            assert headers == wanted, (route.name, status)
        assert ("Link" in operation["responses"]["200"]["headers"]) == _answers_with(route, Page)


@each_service
def test_every_command_says_how_it_is_given_and_that_it_may_begin_something(service: str) -> None:
    given = [(route, operation) for route, operation in operations(service) if command_of(route) is not None]
    assert given
    for route, operation in given:
        headers = {item["name"]: item for item in operation["parameters"] if item["in"] == "header"}
        assert {name: header["required"] for name, header in headers.items()} == {
            "Idempotency-Key": True, "If-Match": route.name in MATCHING,
        }  # fmt: skip
        for status in ("200", "201"):
            schema = operation["responses"][status]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Receipt"}


@each_service
def test_nothing_in_an_address_may_be_null(service: str) -> None:
    for _, operation in operations(service):
        for item in operation.get("parameters", []):
            assert {"type": "null"} not in item["schema"].get("anyOf", [])


@each_service
def test_no_body_takes_a_text_that_may_hold_anything(service: str) -> None:
    document = document_of(service)
    for route in api_routes(routers_of(service)):
        command = command_of(route)
        if command is not None:
            assert _free_texts(document["components"]["schemas"][command.__name__], document) == [], command.__name__


def _free_texts(schema: Any, document: Json) -> list[Json]:
    """Strings without a pattern, a format or a list of values: PostgreSQL keeps no NUL, and UTF-8 no half characters."""
    if isinstance(schema, list):
        return [text for part in schema for text in _free_texts(part, document)]
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        return _free_texts(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if schema.get("type") == "string" and not {"pattern", "format", "enum", "const"} & set(schema):
        return [schema]
    return [text for part in schema.values() for text in _free_texts(part, document)]


def _answers_with(route: APIRoute, kind: type[BaseModel]) -> bool:
    answer = get_type_hints(route.endpoint)["return"]
    return any(isclass(model) and issubclass(model, kind) for model in get_args(answer) or (answer,))
