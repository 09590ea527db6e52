"""What every service's API shares: refusals as problem details, the calling actor, receipts, ETags and paging."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.aggregate import Aggregate
from shared.auth import Tokens
from shared.callers import actor_of
from shared.clock import REPLAY_HEADER, Clock
from shared.db import Database, Scope, Sql, UnitOfWork
from shared.errors import NotPermitted, Refusal, RuleViolation
from shared.handling import Repeat, handle, read, transact
from shared.messages import Command, Context, Origin
from shared.policy import Policy, Reach

State = TypeVar("State")
Facts = TypeVar("Facts")
Item = TypeVar("Item")
Row = TypeVar("Row", bound=BaseModel)
Result = TypeVar("Result")

_KEY = re.compile(r"^[\x21-\x7e]{8,128}$")


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
    reach: Reach

    async def order(self, aggregate: Aggregate[State, Facts], id: UUID, command: Command) -> Receipt:
        """Gives one command, once per ``Idempotency-Key``; 201 if it began something, else 200."""
        repeat = Repeat.of(self._key(), self.operation, id, await self.request.body())
        expected = self._if_match()

        async def work(unit: UnitOfWork) -> Receipt:
            handled = await handle(
                unit, aggregate, id, command, self.context, self.origin,
                expected_version=expected, repeat=repeat, reach=self.reach,
            )
            self.response.status_code = 201 if handled.created else 200
            self.response.headers["ETag"] = etag(handled.version)
            return Receipt(id=handled.id, version=handled.version, repeated=handled.repeated)

        return await transact(self.runtime.database, self.scope(), work, self.runtime.refusals)

    async def view(self, aggregate: Aggregate[State, Facts], id: UUID) -> View[State]:
        """One resource for this reader, with the actions open to them."""

        async def work(unit: UnitOfWork) -> View[State]:
            found = await read(unit, aggregate, id, self.context, reach=self.reach)
            self.response.headers["ETag"] = etag(found.version)
            actions = [
                self._action(aggregate.decider.rule(command).label, command, refusal)
                for command, refusal in found.refusals.items()
                if command in self.runtime.operations
            ]
            return View[State](id=found.id, version=found.version, state=found.state, actions=actions)

        return await transact(self.runtime.database, self.scope(), work)

    async def ask(self, question: Callable[[UnitOfWork], Awaitable[Result]], *, log: bool = False) -> Result:
        """A query in one transaction of this actor; ``log`` lets it read the event log."""
        return await transact(self.runtime.database, self.scope(log=log), question)

    def scope(self, *, log: bool = False) -> Scope:
        """What row security is told of this call."""
        return self.reach.scope(self.context.actor, log=log)

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
            self.runtime.policy.reach(self.context.actor, name)
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
    reach = runtime.policy.reach(actor, operation)
    now = runtime.clock.for_request(request.headers.get(REPLAY_HEADER))
    origin = Origin(request.scope["state"]["correlation_id"])
    return Call(request, response, runtime, Context(actor, now), origin, operation, reach)


Calling = Annotated[Call, Depends(call)]
Limit = Annotated[int, Field(ge=1, le=100)]
