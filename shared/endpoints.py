"""The routes every service has besides its own: its log for auditors, what it holds about a person, its forms, its health."""

import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import signature
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from shared.actors import Role
from shared.aggregate import AnyAggregate
from shared.callers import PUBLIC, AuthenticatedRoute
from shared.db import INFRASTRUCTURE, Busy, Database, Scope, Sql
from shared.errors import NotFound
from shared.held import Held
from shared.http import Calling
from shared.log_routes import add_log_routes
from shared.log_search import MOST_EVENTS
from shared.log_stream import log_lines
from shared.messages import Command
from shared.metrics import Metrics
from shared.problems import problem
from shared.sampling import Sampled
from shared.uploads import upload_of

_POSITION = Sql(
    "SELECT (SELECT size FROM log_head) AS size, (SELECT count(*) FROM dead_letter) AS dead_letters, "
    "(SELECT coalesce(json_object_agg(source, last_idx), '{}'::json) FROM cursor) AS cursors, "
    "(SELECT coalesce(json_object_agg(source, stopped), '{}'::json) FROM cursor WHERE stopped IS NOT NULL) AS stopped, "
    "EXISTS (SELECT FROM restored WHERE opened_at IS NULL) AS set_back"
)
# What the login can see by which requests are answered: how far a log is, is its worker's to tell.
_SERVES = Sql(
    "SELECT NULL::bigint AS size, NULL::bigint AS dead_letters, '{}'::json AS cursors, '{}'::json AS stopped, "
    "EXISTS (SELECT FROM restored WHERE opened_at IS NULL) AS set_back"
)
# Which process answers, and how often it told the log to the archive's program, this time included.
PROGRAM_READS = "Avrr-Program-Reads"


# Whoever starts a service that waits for people has started it.
WAITS_FOR = "Avrr-Waits-For"


class Form(BaseModel):
    """How one command is given: where to, and the JSON Schema of its body."""

    name: str
    label: str
    description: str
    method: str
    path: str
    body: dict[str, object]


class Readiness(BaseModel):
    """Whether a service can work, how long its log is, how far it has followed others, and what stands still.

    A process that only answers requests knows neither log nor followers, and tells None of them.
    """

    ready: bool
    log_size: int | None
    cursors: dict[str, int]
    dead_letters: int | None
    stopped: dict[str, str]
    worker: dict[str, object]
    set_back: bool = False


class Alive(BaseModel):
    """The process answers."""

    alive: bool = True


def command_of(route: APIRoute) -> type[Command] | None:
    """The command that a route takes as its body, or None; one that is made out of a file has no form."""
    for parameter in signature(route.endpoint).parameters.values():
        if isinstance(parameter.annotation, type) and issubclass(parameter.annotation, Command):
            return parameter.annotation
    return None


def operations_of(routers: Sequence[APIRouter]) -> dict[type[Command], str]:
    """Which operation gives which command."""
    found: dict[type[Command], str] = {}
    for route in api_routes(routers):
        upload = upload_of(route)
        command = upload.command if upload else command_of(route)
        if command is not None:
            found[command] = route.name
    return found


def api_routes(routers: Sequence[APIRouter]) -> list[APIRoute]:
    """Every route of a service's API."""
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def without_policy(routers: Sequence[APIRouter], operations: frozenset[str]) -> list[str]:
    """Routes that no policy row names, which nobody could use or everybody might."""
    return sorted(route.name for route in api_routes(routers) if route.name not in operations | PUBLIC)


def _recording(figures: Metrics) -> Callable[[Calling], Awaitable[dict[str, str]]]:
    """Puts a reading of the whole log on record, or counts the archive's program and makes the header that says so."""
    process, reads = secrets.token_hex(16), itertools.count(1)

    async def recorded(call: Calling) -> dict[str, str]:
        if Role.ARCHIVE not in call.context.actor.roles:
            await call.on_record()
            return {}
        figures.program_reads.inc()
        return {PROGRAM_READS: f"{process} {next(reads)}"}

    return recorded


def router_for(
    forms: Callable[[], Sequence[Form]],
    worker_status: Callable[[], Mapping[str, object]],
    databases: Mapping[str, Database],
    health: Database,
    figures: Metrics,
    sampled: Sequence[Sampled] = (),
) -> APIRouter:
    """The routes common to all services; ``health`` is asked for a position, so that it is not counted as commands."""
    router = APIRouter(route_class=AuthenticatedRoute)
    add_log_routes(router)
    recorded = _recording(figures)

    @router.get("/v1/events", response_class=StreamingResponse)
    async def read_events(
        call: Calling,
        first: Annotated[int, Query(ge=0, le=MOST_EVENTS, alias="from")] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1_000_000,
    ) -> StreamingResponse:
        """The log from a position on: the stored leaves, byte for byte, one a line.

        What the archive's own program reads round after round is on no record: the log would grow by being compared. It is
        counted, and the count told with each answer, so that the archive knows of whoever else reads in its name.
        """
        headers = await recorded(call)

        lines = log_lines(call.runtime.database, call.scope(log=True), first, limit)
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)

    @router.get("/v1/persons/{person_id}/held")
    async def read_held(person_id: UUID, call: Calling) -> Held:
        """Everything that this service holds about one person, and who looked at it, for that person.

        What names others is masked. The reading is on record, and told as the last of them.
        """
        call.take("held")
        await call.on_record(person_id, purpose="access_request")
        keys = call.runtime.person_keys
        found = await call.ask(lambda unit: call.teller.held(unit, person_id, keys), log=True)
        if not found.records and not found.history and not call.teller.readers_alone:
            raise NotFound
        return found

    @router.get("/v1/forms")
    async def read_forms(call: Calling) -> list[Form]:
        """The form of every command of this service."""
        del call
        return list(forms())

    @router.get("/healthz")
    async def healthz() -> Alive:
        """The process answers."""
        return Alive()

    @router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    async def readyz(response: Response) -> Readiness | Response:
        """The database answers and was not set back, as far as anybody can say, and the followers are not stopped."""
        try:
            async with health.unit_of_work(Scope("health")) as unit:
                row = await unit.row(_POSITION if "worker" in databases else _SERVES)
        except (*INFRASTRUCTURE, Busy):
            return problem(503, "unavailable", "The database does not answer.")
        assert row is not None
        stopped = json.loads(row["stopped"])
        worker = dict(worker_status())
        untold = worker.get("not_known_whether_set_back") is not None
        if stopped or row["set_back"] or untold:
            response.status_code = 503
            response.headers["Retry-After"] = "2"
            if row["set_back"] or stopped or worker.get("lacks") is not None:
                response.headers[WAITS_FOR] = "repair" if stopped and not row["set_back"] else "acceptance"
        return Readiness(
            ready=not stopped and not row["set_back"] and not untold, set_back=row["set_back"], log_size=row["size"],
            cursors=json.loads(row["cursors"]), dead_letters=row["dead_letters"], stopped=stopped, worker=worker,
        )

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """The figures of this process in the Prometheus text format."""
        for login, database in databases.items():
            figures.statements.labels(login).set(database.counts.statements)
            figures.transactions.labels(login).set(database.counts.transactions)
        for one in sampled:
            await one.refresh()
        return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def forms_of(routers: Sequence[APIRouter], aggregates: Mapping[str, AnyAggregate]) -> list[Form]:
    """A form for every command that a route takes, labelled as the aggregate's rules label it."""
    labels = {rule.command: rule.label for found in aggregates.values() for rule in found.decider.rules}
    return [
        Form(
            name=route.name, label=labels[command], description=(command.__doc__ or "").strip(),
            method=min(route.methods or {"POST"}), path=route.path, body=command.model_json_schema(),
        )
        for route in api_routes(routers)
        if (command := command_of(route)) is not None
    ]
