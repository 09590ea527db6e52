"""The OpenAPI document of a service: not only what its routes take and give, but how each can refuse, and who is known."""

from collections.abc import Sequence
from inspect import isclass
from typing import Any, Final, get_args
from uuid import UUID

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from shared.callers import PUBLIC
from shared.endpoints import api_routes, command_of
from shared.http import Page, View
from shared.problems import PROBLEM, Problem
from shared.uploads import upload_of

Json = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/{model}"
_CORRELATION: Final = {"X-Correlation-Id": {"$ref": "#/components/headers/X-Correlation-Id"}}
_HEADERS: Final[Json] = {
    "X-Correlation-Id": {
        "description": "Which request this was; the caller's own, if it sent one.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "ETag": {
        "description": "The version of the resource, for If-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"v[0-9]{1,9}"$'},
    },
    "Link": {
        "description": "Where the next page is, as rel=next; without it this was the last.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "How to be known, or known better (RFC 9470).",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
    "Retry-After": {
        "description": "In how many seconds to ask again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}
_PARAMETERS: Final[Json] = {
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Chosen by the caller, another one for each command; the same again gets the same answer.",
        "schema": {"type": "string", "pattern": "^[!-~]{8,128}$", "minLength": 8, "maxLength": 128},
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag of the version that was read; if another is the present one, nothing is done.",
        "schema": {"type": "string", "pattern": '^"v[0-9]{1,9}"$'},
    },
}
# Where a command takes the place of what its sender was shown, its route names this answer.
_MATCH_REQUIRED: Final = 428
_MATCH: Final[Json] = {"Required-If-Match": {**_PARAMETERS["If-Match"], "required": True}}
_REFUSALS: Final = {
    400: "A header cannot be read, or is missing.",
    401: "Nobody known asks, or their sign-in is too weak or too old for this.",
    403: "The caller's role does not include this.",
    404: "There is nothing here that the caller may know of.",
    409: "A rule forbids this as things stand; nothing was done.",
    412: "The version that was read is no longer the present one; nothing was done.",
    413: "The body is longer than any that is needed.",
    422: "Some fields are missing, unknown or cannot be read.",
    428: "If-Match is missing, by which the caller says what it was shown; nothing was done.",
    429: "The caller asks more often than a person can.",
    431: "The address and headers are longer than any that are needed.",
    500: "Something went wrong on the service's side.",
    503: "The service cannot answer just now.",
}
_WITH: Final = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
_ANYBODY: Final = (400, 431, 500, 503)
_SOMEBODY: Final = (*_ANYBODY, 401, 403, 409, 422, 429)
_COMMAND: Final = (*_SOMEBODY, 404, 412, 413)


def document(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Has an application give the document that `described` makes of its routes."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = described(app, routers)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def described(app: FastAPI, routers: Sequence[APIRouter]) -> Json:
    """The framework's document, with every answer that an operation can give and every header that it takes."""
    found = get_openapi(
        title=app.title, version=app.version, openapi_version=app.openapi_version, routes=app.routes
    )
    components = found["components"]
    schemas = components["schemas"]
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    schemas |= models_json_schema([(Problem, "serialization")], ref_template=_SCHEMAS)[1]["$defs"]
    components["headers"] = _HEADERS
    components["parameters"] = {**_PARAMETERS, **_MATCH}
    components["responses"] = {str(status): _refusal(status) for status in _REFUSALS}
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    found["security"] = [{"token": []}]
    for route in api_routes(routers):
        if route.include_in_schema:
            for method in route.methods or ():
                _describe(found["paths"][route.path_format][method.lower()], route)
    return found


def _describe(operation: Json, route: APIRoute) -> None:
    operation["operationId"] = route.name
    given = operation["responses"]
    statuses: tuple[int, ...] = _SOMEBODY
    models = [model for model in get_args(route.response_model) or (route.response_model,) if isclass(model)]
    headers = dict(_CORRELATION)
    if route.name in PUBLIC:
        operation["security"] = []
        statuses = _ANYBODY
    elif command_of(route) is not None:
        named = [*_PARAMETERS]
        statuses = _COMMAND
        if str(_MATCH_REQUIRED) in given:
            named, statuses = [*named[:-1], *_MATCH], (*_COMMAND, _MATCH_REQUIRED)
            del given[str(_MATCH_REQUIRED)]
        headers |= _header("ETag")
        given["201"] = {**given["200"], "description": "It was done, and something has begun."}
        given["200"]["description"] = "It was done, or had been done before under this key."
        operation["parameters"] = [
            *operation["parameters"], *({"$ref": f"#/components/parameters/{name}"} for name in named)
        ]  # fmt: skip
    elif upload_of(route) is not None:
        statuses = _COMMAND
        headers |= _header("ETag")
        operation["parameters"].append({"$ref": "#/components/parameters/If-Match"})
    elif route.body_field is not None:
        statuses = (*_SOMEBODY, 413)
    elif "{" in route.path_format or any(_names_a_thing(field.field_info) for field in route.dependant.query_params):
        statuses = (*_SOMEBODY, 404)
    if any(issubclass(model, View) for model in models):
        headers |= _header("ETag")
    if any(issubclass(model, Page) for model in models):
        headers |= _header("Link")
    for answer in given.values():
        answer["headers"] = headers
    given.pop("422", None)
    for status in sorted(statuses):
        own = given.get(str(status))
        if own is None:
            given[str(status)] = {"$ref": f"#/components/responses/{status}"}
        else:
            refusal = _refusal(status)
            own["headers"] = refusal["headers"]
            own["content"] |= refusal["content"]
    for parameter in operation.get("parameters", ()):
        if parameter.get("in") == "query":
            parameter["schema"] = _without_null(parameter["schema"])


def _names_a_thing(parameter: FieldInfo) -> bool:
    """Whether a question cannot be asked without naming something that may not be there."""
    return parameter.is_required() and parameter.annotation is UUID


def _refusal(status: int) -> Json:
    headers = dict(_CORRELATION)
    if status in _WITH:
        headers |= _header(_WITH[status])
    return {
        "description": _REFUSALS[status],
        "headers": headers,
        "content": {PROBLEM: {"schema": {"$ref": _SCHEMAS.format(model=Problem.__name__)}}},
    }


def _header(name: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"}}


def _without_null(schema: Json) -> Json:
    """What is left out of an address is not there; no text in it means null."""
    if "anyOf" not in schema:
        return schema
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    rest: Json = {name: value for name, value in schema.items() if name != "anyOf"}
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})
