"""How a request can fail: each way leaves as RFC 9457 problem details, without exception text or input values."""

import math
from collections.abc import Mapping, Sequence

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from shared.auth import BadToken, KeysUnavailable
from shared.buckets import TooManyRequests
from shared.db import CONTENTION, INFRASTRUCTURE, Busy, NotYetTold, SetBack, WriteConflict
from shared.disclosure import ConsentUnanswered
from shared.epochs import EpochsAway
from shared.errors import NotFound, NotPermitted, Refusal, RuleViolation, Stale, StepUpNeeded
from shared.sealing import Unsealed

PROBLEM = "application/problem+json"
_CODE = "refusal_code"
_STATUS: Mapping[type[Refusal], int] = {RuleViolation: 409, NotFound: 404, Stale: 412, NotPermitted: 403}
_MALFORMED: frozenset[str] = frozenset(
    {"idempotency_key_required", "idempotency_key_unreadable", "if_match_unreadable", "time_unreadable",
     "page_unreadable", "body_too_large"}
)
_REQUIRED: Mapping[str, int] = {"if_match_required": 428}
_BODY_UNREAD = frozenset({"body_too_large", "timed_out"})
_BY_STATUS: Mapping[int, tuple[str, str]] = {
    400: ("unreadable", "What was sent cannot be read."),
    404: ("not_found", "This cannot be asked here."),
    405: ("method_not_allowed", "This cannot be asked here."),
    413: ("body_too_large", "This is longer than anything that can be asked here."),
}
# Who waits longer is told how long, in seconds.
_A_MOMENT = 60
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")

log = structlog.get_logger("http")


class Fault(BaseModel):
    """What is wrong with one field; its value is not repeated."""

    field: str
    code: str


class Problem(BaseModel):
    """RFC 9457 problem details; ``code`` is stable, ``title`` is for people.

    Which request it was stands in the header `X-Correlation-Id`.
    """

    type: str
    title: str
    status: int
    code: str
    fields: list[Fault] = []


class Refused(Response):
    """A problem document that leaves its code with the request, so that whoever counts refusals need not read it."""

    def __init__(self, code: str, content: str, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(content, status, headers, PROBLEM)
        self._code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        scope.setdefault("state", {})[_CODE] = self._code
        await super().__call__(scope, receive, send)


def refusal_of(scope: Scope) -> str | None:
    """The code of the problem that a request was answered with, None if it was none."""
    code = scope.get("state", {}).get(_CODE)
    return code if isinstance(code, str) else None


def problem(status: int, code: str, title: str, fields: Sequence[Fault] = ()) -> Response:
    """One refusal as a problem document; the same refusal is the same bytes."""
    body = Problem(type=f"urn:avrr:problem:{code}", title=title, status=status, code=code, fields=list(fields))
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status == 503:
        headers["Retry-After"] = "2"
    if code in _BODY_UNREAD:
        # What is still to come of the body is not read.
        headers["Connection"] = "close"
    return Refused(code, body.model_dump_json(exclude_defaults=True), status, headers)


def install_problems(app: FastAPI) -> None:
    """Every way a request can fail leaves as problem details, without exception text and without input values."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        of_its_kind = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
        status = 400 if error.code in _MALFORMED else _REQUIRED.get(error.code, of_its_kind)
        return problem(status, error.code, error.sentence)

    async def too_weak(request: Request, error: Exception) -> Response:
        assert isinstance(error, StepUpNeeded)
        answer = problem(401, error.code, error.sentence)
        answer.headers["WWW-Authenticate"] = (
            f'Bearer error="{error.code}", error_description="A stronger or fresher sign-in is needed", '
            f'acr_values="{" ".join(error.acr_values)}", max_age="{error.max_age_seconds}"'
        )
        return answer

    async def unknown_caller(request: Request, error: Exception) -> Response:
        assert isinstance(error, BadToken)
        log.warning("token_refused", code=error.code)
        if isinstance(error, KeysUnavailable):
            return problem(503, "unavailable", "Sign-in cannot be checked just now. Try again in a moment.")
        return problem(401, "not_authenticated", "Sign in again.")

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = [
            Fault(field=".".join(str(part) for part in _known(item)), code=str(item["type"]))
            for item in error.errors()[:20]
        ]
        return problem(422, "malformed", "Some fields are missing or cannot be read.", fields)

    async def unavailable(request: Request, error: Exception) -> Response:
        log.error("unavailable", kind=type(error).__name__)
        return problem(503, "unavailable", "The service cannot answer just now. Try again in a moment.")

    async def set_back(request: Request, error: Exception) -> Response:
        sentence = "This was restored from a copy, and two persons have to accept that before anything is done here again."
        return problem(503, "restored_not_accepted", sentence)

    async def not_yet_told(request: Request, error: Exception) -> Response:
        sentence = "Nobody answers who could say whether anything here was lost. It goes on by itself as soon as somebody does."
        return problem(503, "not_known_whether_set_back", sentence)

    async def not_as_it_was_sealed(request: Request, error: Exception) -> Response:
        # Somebody changed what was kept, or its key is not the one that sealed it; neither mends itself.
        log.error("not_as_it_was_sealed")
        return problem(500, "not_as_it_was_sealed", "What is kept here cannot be opened. Tell whoever looks after this system.")

    async def too_many(request: Request, error: Exception) -> Response:
        assert isinstance(error, TooManyRequests)
        seconds = max(1, math.ceil(error.retry_after))
        sentence = "You ask more often than a person can. Wait a moment."
        if seconds > _A_MOMENT:
            sentence = f"You have asked as often as anybody may for now. You can ask again in {math.ceil(seconds / 60)} minutes."
        answer = problem(429, "too_many_requests", sentence)
        answer.headers["Retry-After"] = str(seconds)
        return answer

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code, sentence = _BY_STATUS.get(error.status_code, ("refused", "This cannot be asked here."))
        answer = problem(error.status_code, code, sentence)
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(_methods_of(request))
        return answer

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(StepUpNeeded, too_weak)
    app.add_exception_handler(BadToken, unknown_caller)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(TooManyRequests, too_many)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(SetBack, set_back)
    app.add_exception_handler(NotYetTold, not_yet_told)
    app.add_exception_handler(Unsealed, not_as_it_was_sealed)
    for infrastructure in (*INFRASTRUCTURE, *CONTENTION, WriteConflict, Busy, ConsentUnanswered, EpochsAway):
        app.add_exception_handler(infrastructure, unavailable)


def _methods_of(request: Request) -> list[str]:
    """What may be asked under the path of a request; the framework names the methods of the first route only."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.router.routes
        )
    ]


def _known(item: Mapping[str, object]) -> Sequence[object]:
    location = item["loc"]
    assert isinstance(location, tuple)
    # The name of a field that does not exist is the caller's own text and is not repeated to them.
    return location[:-1] if item["type"] == "extra_forbidden" else location

