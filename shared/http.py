"""What every service's API shares: refusals as problem details, the calling actor, receipts, ETags and paging."""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.aggregate import Aggregate
from shared.auth import BadToken, KeysUnavailable, Tokens
from shared.callers import actor_of
from shared.clock import REPLAY_HEADER, Clock
from shared.db import CONTENTION, INFRASTRUCTURE, Busy, Database, Sql, UnitOfWork, WriteConflict
from shared.errors import NotFound, NotPermitted, Refusal, RuleViolation, Stale
from shared.handling import Repeat, handle, read, transact
from shared.ids import uuid7
from shared.messages import Command, Context, Origin
from shared.metrics import Metrics
from shared.policy import Policy

State = TypeVar("State")
Facts = TypeVar("Facts")
Item = TypeVar("Item")
Row = TypeVar("Row", bound=BaseModel)
Result = TypeVar("Result")

log = structlog.get_logger("http")

PROBLEM = "application/problem+json"
# The longest command, a plan of thirty lines, needs some ten kilobytes.
MAX_BODY_BYTES = 256 * 1024
_OUR_FAULT = "Something went wrong on our side. It has been noted."
_STATUS: Mapping[type[Refusal], int] = {RuleViolation: 409, NotFound: 404, Stale: 412, NotPermitted: 403}
_CORRELATION = re.compile(r"^[A-Za-z0-9\-]{8,64}$")
_KEY = re.compile(r"^[\x21-\x7e]{8,128}$")
_MALFORMED: frozenset[str] = frozenset(
    {"idempotency_key_required", "idempotency_key_unreadable", "if_match_unreadable", "time_unreadable",
     "page_unreadable", "body_too_large"}
)


class Problem(BaseModel):
    """RFC 9457 problem details; ``code`` is stable, ``title`` is for people."""

    type: str
    title: str
    status: int
    code: str
    correlation_id: str
    fields: list[dict[str, str]] | None = None


class Receipt(BaseModel):
    """What a command came to. ``repeated`` says that this answer was given before under the same key."""

    id: UUID
    version: int
    repeated: bool


class Action(BaseModel):
    """A command that exists on a resource, whether its reader may give it now, and why not."""

    name: str
    label: str
    allowed: bool
    reason: str | None
    sentence: str | None


class View(BaseModel, Generic[State]):
    """One resource: its state, its version (also the ETag) and what its reader may do with it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: UUID
    version: int
    state: State
    actions: list[Action]


class Page(BaseModel, Generic[Item]):
    """One page of a list, oldest first; ``next`` is what ``after`` takes to go on."""

    items: list[Item]
    next: str | None


@dataclass(slots=True)
class Runtime:
    """What a running service's routes need; made in app.py, found by `call`."""

    service: str
    database: Database
    tokens: Tokens
    clock: Clock
    policy: Policy
    operations: Mapping[type[Command], str]
    refusals: Mapping[str, Refusal]
    mission_time_zone: str = "Europe/Sarajevo"


@dataclass(frozen=True, slots=True)
class Call:
    """One request by a known actor for an operation that the policy gives them."""

    request: Request
    response: Response
    runtime: Runtime
    context: Context
    origin: Origin
    operation: str
    countries: frozenset[str] | None

    async def order(self, aggregate: Aggregate[State, Facts], id: UUID, command: Command) -> Receipt:
        """Gives one command, once per ``Idempotency-Key``; 201 if it began something, else 200."""
        repeat = Repeat.of(self._key(), self.operation, id, await self.request.body())
        expected = self._if_match()

        async def work(unit: UnitOfWork) -> Receipt:
            handled = await handle(
                unit, aggregate, id, command, self.context, self.origin,
                expected_version=expected, repeat=repeat, countries=self.countries,
            )
            self.response.status_code = 201 if handled.created else 200
            self.response.headers["ETag"] = etag(handled.version)
            return Receipt(id=handled.id, version=handled.version, repeated=handled.repeated)

        return await transact(self.runtime.database, self.context.actor, work, self.runtime.refusals)

    async def view(self, aggregate: Aggregate[State, Facts], id: UUID) -> View[State]:
        """One resource for this reader, with the actions open to them."""

        async def work(unit: UnitOfWork) -> View[State]:
            found = await read(unit, aggregate, id, self.context, countries=self.countries)
            self.response.headers["ETag"] = etag(found.version)
            actions = [
                self._action(aggregate.decider.rule(command).label, command, refusal)
                for command, refusal in found.refusals.items()
                if command in self.runtime.operations
            ]
            return View[State](id=found.id, version=found.version, state=found.state, actions=actions)

        return await transact(self.runtime.database, self.context.actor, work)

    async def ask(self, question: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """A query in one transaction of this actor."""
        return await transact(self.runtime.database, self.context.actor, question)

    async def page(
        self, sql: Sql, item: type[Row], after: UUID | None, limit: int, **values: object
    ) -> "Page[Row]":
        """One page of a keyset list by id; sets ``Link: rel=next`` when more follows. ``sql`` takes after and limit."""

        async def work(unit: UnitOfWork) -> list[Row]:
            rows = await unit.rows(sql, after=after, limit=limit + 1, **values)
            return [item.model_validate(dict(row)) for row in rows]

        items = await self.ask(work)
        if len(items) <= limit:
            return Page[Row](items=items, next=None)
        items = items[:limit]
        last = str(items[-1].model_dump()["id"])
        url = self.request.url.include_query_params(after=last, limit=limit)
        self.response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return Page[Row](items=items, next=last)

    def _action(self, label: str, command: type[Command], refusal: Refusal | None) -> Action:
        name = self.runtime.operations[command]
        try:
            self.runtime.policy.countries(self.context.actor, name)
        except NotPermitted as error:
            refusal = error
        return Action(
            name=name, label=label, allowed=refusal is None,
            reason=refusal.code if refusal else None, sentence=refusal.sentence if refusal else None,
        )

    def _key(self) -> str:
        key = self.request.headers.get("idempotency-key")
        if key is None:
            raise RuleViolation("idempotency_key_required", "Send an Idempotency-Key, so that a repeat does no harm.")
        if not _KEY.match(key):
            raise RuleViolation("idempotency_key_unreadable", "An Idempotency-Key has 8 to 128 printable characters.")
        return key

    def _if_match(self) -> int | None:
        stated = self.request.headers.get("if-match")
        if stated is None:
            return None
        found = re.fullmatch(r'"v(\d{1,9})"', stated)
        if found is None:
            raise RuleViolation("if_match_unreadable", "If-Match takes the ETag of the version that you read.")
        return int(found[1])


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"v{version}"'


async def call(request: Request, response: Response) -> Call:
    """The call of this request; raises `BadToken` or `NotPermitted`."""
    runtime: Runtime = request.app.state.runtime
    actor = await actor_of(request)
    operation = request.scope["route"].name
    countries = runtime.policy.countries(actor, operation)
    now = runtime.clock.for_request(request.headers.get(REPLAY_HEADER))
    origin = Origin(request.scope["state"]["correlation_id"])
    return Call(request, response, runtime, Context(actor, now), origin, operation, countries)


Calling = Annotated[Call, Depends(call)]
Limit = Annotated[int, Field(ge=1, le=100)]


class AnswerCutShort(Exception):
    """Something failed after an answer had begun, so that it can only be broken off; the log says what."""


class Surroundings:
    """Pure ASGI: a correlation id for each request, one structured log line, headers that keep answers private.

    A body longer than `MAX_BODY_BYTES`, counted as it comes, is refused. What nobody else caught is answered here as
    a 500, with the same headers and the same line.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        stated = headers.get(b"x-correlation-id", b"").decode("latin-1")
        correlation = stated if _CORRELATION.match(stated) else str(uuid7())
        scope.setdefault("state", {})["correlation_id"] = correlation
        started = time.perf_counter()
        status = length = 0

        async def bounded() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > MAX_BODY_BYTES:
                raise HTTPException(413)
            return message

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-correlation-id", correlation.encode()),
                    (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
                ]
            await send(message)

        try:
            await self.app(scope, bounded, answer)
        except Exception as error:
            # Further out the framework would answer without our headers, and the server would log the error's text.
            log.exception("internal_error", kind=type(error).__name__, exc_info=error)
            if status:
                raise AnswerCutShort from None
            await problem(Request(scope), 500, "internal_error", _OUR_FAULT)(scope, receive, answer)
        finally:
            operation = getattr(scope.get("route"), "name", "none")
            seconds = time.perf_counter() - started
            self.metrics.requests.labels(operation, str(status)).inc()
            self.metrics.seconds.labels(operation).observe(seconds)
            log.info(
                "request", operation=operation, method=scope["method"], status=status,
                ms=round(seconds * 1000, 1), correlation_id=correlation,
            )


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


logging.getLogger("uvicorn.access").disabled = True
