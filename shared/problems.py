"""How a request can fail: each way leaves as RFC 9457 problem details, without exception text or input values."""

from collections.abc import Mapping, Sequence

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.auth import BadToken, KeysUnavailable
from shared.db import CONTENTION, INFRASTRUCTURE, Busy, WriteConflict
from shared.errors import NotFound, NotPermitted, Refusal, RuleViolation, Stale

PROBLEM = "application/problem+json"
_STATUS: Mapping[type[Refusal], int] = {RuleViolation: 409, NotFound: 404, Stale: 412, NotPermitted: 403}
_MALFORMED: frozenset[str] = frozenset(
    {"idempotency_key_required", "idempotency_key_unreadable", "if_match_unreadable", "time_unreadable",
     "page_unreadable", "body_too_large"}
)

log = structlog.get_logger("http")


class Problem(BaseModel):
    """RFC 9457 problem details; ``code`` is stable, ``title`` is for people."""

    type: str
    title: str
    status: int
    code: str
    correlation_id: str
    fields: list[dict[str, str]] | None = None


def problem(request: Request, status: int, code: str, title: str, fields: Sequence[dict[str, str]] = ()) -> Response:
    """One refusal as a problem document."""
    correlation = request.scope.get("state", {}).get("correlation_id", "")
    body = Problem(
        type=f"urn:avrr:problem:{code}", title=title, status=status, code=code, correlation_id=correlation,
        fields=list(fields) or None,
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status == 503:
        headers["Retry-After"] = "2"
    if status == 413:
        # What is still to come of the body is not read.
        headers["Connection"] = "close"
    return Response(body.model_dump_json(exclude_none=True), status, headers, PROBLEM)


def install_problems(app: FastAPI) -> None:
    """Every way a request can fail leaves as problem details, without exception text and without input values."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        status = 400 if error.code in _MALFORMED else _STATUS[type(error)]
        return problem(request, status, error.code, error.sentence)

    async def unknown_caller(request: Request, error: Exception) -> Response:
        assert isinstance(error, BadToken)
        log.warning("token_refused", code=error.code)
        if isinstance(error, KeysUnavailable):
            return problem(request, 503, "unavailable", "Sign-in cannot be checked just now. Try again in a moment.")
        return problem(request, 401, "not_authenticated", "Sign in again.")

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = [
            {"field": ".".join(str(part) for part in _known(item)), "code": str(item["type"])}
            for item in error.errors()[:20]
        ]
        return problem(request, 422, "malformed", "Some fields are missing or cannot be read.", fields)

    async def unavailable(request: Request, error: Exception) -> Response:
        log.error("unavailable", kind=type(error).__name__)
        return problem(request, 503, "unavailable", "The service cannot answer just now. Try again in a moment.")

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        codes = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
        code = codes.get(error.status_code, "refused")
        too_large = "This is longer than anything that can be asked here."
        sentence = too_large if error.status_code == 413 else "This cannot be asked here."
        answer = problem(request, error.status_code, code, sentence)
        for name, value in (error.headers or {}).items():
            answer.headers[name] = value
        return answer

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(BadToken, unknown_caller)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, http)
    for infrastructure in (*INFRASTRUCTURE, *CONTENTION, WriteConflict, Busy):
        app.add_exception_handler(infrastructure, unavailable)


def _known(item: Mapping[str, object]) -> Sequence[object]:
    location = item["loc"]
    assert isinstance(location, tuple)
    # The name of a field that does not exist is the caller's own text and is not repeated to them.
    return location[:-1] if item["type"] == "extra_forbidden" else location

