"""What every service's API shares: refusals as problem details, the calling actor, receipts, ETags and paging."""

from asyncio import Semaphore
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Generic, TypeVar, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.actors import PROGRAMS, Actor
from shared.aggregate import Aggregate
from shared.auth import Tokens
from shared.buckets import Buckets, Kind, TooManyRequests
from shared.clock import REPLAY_HEADER, Clock
from shared.conditions import etag, expected_version, idempotency_key
from shared.contracts.access import ReadingPurpose
from shared.contracts.refused import recorded_as
from shared.db import Busy, Database, Scope, Sql, UnitOfWork, Write
from shared.disclosure import Consents, NobodyAgreed
from shared.errors import NotFound, NotPermitted, Refusal, RuleViolation, StepUpNeeded
from shared.handling import Handled, Read, Repeat, ShownAs, handle, read, transact
from shared.held import Teller
from shared.ids import FIRST
from shared.messages import Command, Context, Origin
from shared.new_ids import refuse_unfit
from shared.policy import EVERYWHERE, Policy, Reach
from shared.private import PersonKey, PersonKeys
from shared.recording import Recorder
from shared.sealing import FileSeal
from shared.step_up import StepUp
from shared.uploads import UPLOADS_AT_A_TIME

State = TypeVar("State")
Facts = TypeVar("Facts")
Item = TypeVar("Item")
Row = TypeVar("Row", bound=BaseModel)
Result = TypeVar("Result")


class Receipt(BaseModel):
    """What a command came to. ``repeated`` says that this answer was given before under the same key."""

    id: UUID
    version: int
    repeated: bool


class Action(BaseModel):
    """A command that exists on a resource, whether its reader may give it now, and why not.

    ``step_up`` says that it needs a strong sign-in of a moment ago, which is asked for when the command is given.
    """

    name: str
    label: str
    allowed: bool
    reason: str | None
    sentence: str | None
    step_up: bool


class View(BaseModel, Generic[State]):
    """One resource: its state, its version (also the ETag) and what its reader may do with it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: UUID
    version: int
    state: State
    actions: list[Action]


class Page(BaseModel, Generic[Item]):
    """One page of a list, oldest first unless it says otherwise; ``next`` is what ``after`` takes to go on."""

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
    recorder: Recorder
    step_up: StepUp = field(default_factory=StepUp)
    consents: Consents = field(default_factory=NobodyAgreed)
    buckets: Buckets = field(default_factory=Buckets)
    mission_time_zone: str = "Europe/Sarajevo"
    seal: FileSeal | None = None
    person_keys: PersonKeys | None = None
    teller: Teller | None = None
    uploads: Semaphore = field(default_factory=lambda: Semaphore(UPLOADS_AT_A_TIME))

    async def admit(self, request: Request, actor: Actor, operation: str) -> "Admitted":
        """Lets a known caller in to an operation; raises `TooManyRequests`, or a `Refusal` that is on record."""
        self.take(request, actor, "read" if request.method in ("GET", "HEAD") else "write")
        context = Context(actor, self.clock.for_request(request.headers.get(REPLAY_HEADER)))
        origin = Origin(request.scope["state"]["correlation_id"])
        try:
            reach = self.policy.reach(actor, operation)
            if self.policy.asks_for_step_up(actor, operation):
                context = replace(context, sign_in=self.step_up.demand(actor))
        except (NotPermitted, StepUpNeeded) as refusal:
            await self.recorder.refused(context, origin, operation, refusal.code, _about(request))
            raise
        # Only who may do it uses up what may be done less often.
        if operation in self.policy.exports:
            # Of each list so many: whoever closes a month needs all of them at once, and none of them often.
            self.take(request, actor, "export", operation)
        elif operation in self.policy.searches:
            self.take(request, actor, "search")
        return Admitted(context, origin, operation, reach)

    def take(self, request: Request, actor: Actor, kind: Kind, of: str = "") -> None:
        """Takes one of an actor's tokens of this kind, or of this one operation of the kind; raises `TooManyRequests`."""
        # A replay hurries through a year on this machine; what it states the time of is not held to people's pace.
        if self.clock.mode == "replay" and REPLAY_HEADER in request.headers:
            return
        # A program of ours asks on behalf of many people, each of whom took a token before, or at night of everybody.
        if actor.roles & PROGRAMS:
            return
        wait = self.buckets.take(f"{actor.person_id} {of}".rstrip(), kind)
        if wait > 0:
            raise TooManyRequests(wait)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A known actor's way in to an operation that the policy gives them."""

    context: Context
    origin: Origin
    operation: str
    reach: Reach


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

    @property
    def person_keys(self) -> PersonKeys:
        """The keys that personal values are sealed under; a programming error in a service that seals none."""
        if self.runtime.person_keys is None:
            raise LookupError("this service seals no personal values")
        return self.runtime.person_keys

    @property
    def teller(self) -> Teller:
        """What tells a person everything that is held about them; a programming error where the service has none."""
        if self.runtime.teller is None:
            raise LookupError("this service tells nobody what it holds about them")
        return self.runtime.teller

    @asynccontextmanager
    async def file(self) -> AsyncIterator[bytes]:
        """The body of a request that is a file; while the block runs it counts as one of those that are held at a time.

        Raises `Busy` beyond these.
        """
        if self.runtime.uploads.locked():
            raise Busy
        async with self.runtime.uploads:
            yield await self.request.body()

    async def order(
        self,
        aggregate: Aggregate[State, Facts],
        id: UUID,
        command: Command,
        *,
        repeat: Repeat | None = None,
        beside: Sequence[Write] = (),
        shown_as: ShownAs[State] | None = None,
    ) -> Receipt:
        """Gives one command, once per ``Idempotency-Key``; 201 if it began something, else 200.

        ``repeat`` takes the key's place where the command itself says what would be the same again; ``beside`` is
        written with the change, and not without one; by ``shown_as`` the caller knows the resource, not by its version.
        """
        repeat = repeat or Repeat.of(idempotency_key(self.request), self.operation, id, await self.request.body())

        async def work(unit: UnitOfWork) -> Receipt:
            return await self._given(unit, aggregate, id, command, repeat, lambda _: beside, shown_as)

        done = transact(self.runtime.database, self.scope(), work, self.runtime.refusals)
        return await self._refusals_on_record(done, id)

    async def order_privately(
        self, aggregate: Aggregate[State, Facts], id: UUID, command: Command,
        sealed: Callable[[PersonKey, Handled], Sequence[Write]],
        *,
        key_of: tuple[UUID, UUID] | None = None,
        repeat: Repeat | None = None,
        beside: Callable[[UnitOfWork], Awaitable[Sequence[Write]]] | None = None,
        first: Callable[[UnitOfWork], Awaitable[object]] | None = None,
        apart: bool = False,
    ) -> Receipt:  # fmt: skip
        """Gives one command about a person that says what has to be sealed, once per ``Idempotency-Key``.

        ``sealed`` are the writes of the change, under the person's key, which is made with it if there is none, and
        ``beside`` further ones that need a look at the database; ``key_of`` names a person and a thing of whose papers it
        is, where it is not the person's own. The body is remembered under that key as well: by a plain hash, names could
        be guessed for as long as it is kept. ``repeat`` takes the key's place where the command says what would be the same.
        With ``apart`` what the events conceal is sealed as well, and not kept beside the log. ``first`` is done before the key is made.
        """
        person_id, about = key_of or (id, id)
        stated, body = ("", b"") if repeat else (idempotency_key(self.request), await self.request.body())

        async def work(unit: UnitOfWork) -> Receipt:
            if first:
                await first(unit)
            key = await self.person_keys.made_key(unit, person_id, about)
            again = repeat or Repeat.of(stated, self.operation, id, key.fingerprint(body))
            more = await beside(unit) if beside else ()
            return await self._given(unit, aggregate, id, command, again, lambda done: (*sealed(key, done), *more), apart=apart)

        done = transact(self.runtime.database, self.scope(), work, self.runtime.refusals)
        return await self._refusals_on_record(done, id)

    async def _given(
        self, unit: UnitOfWork, aggregate: Aggregate[State, Facts], id: UUID, command: Command, repeat: Repeat | None,
        beside: Callable[[Handled], Sequence[Write]], shown_as: ShownAs[State] | None = None, *, apart: bool = False,
    ) -> Receipt:  # fmt: skip
        handled = await handle(
            unit, aggregate, id, command, self.context, self.origin,
            expected_version=expected_version(self.request), repeat=repeat, reach=self.reach, shown_as=shown_as,
            apart=apart,
        )
        refuse_unfit(id, begun=handled.created and aggregate.chosen)
        if handled.changed:
            unit.write(*beside(handled))
        self.response.status_code = 201 if handled.created else 200
        self.response.headers["ETag"] = etag(handled.version)
        return Receipt(id=handled.id, version=handled.version, repeated=handled.repeated)

    async def view(
        self, aggregate: Aggregate[State, Facts], id: UUID, *, recorded: bool = False
    ) -> View[State]:
        """One resource for this reader, with the actions open to them; ``recorded`` says that it is on record already."""

        async def work(unit: UnitOfWork) -> Read[State]:
            return await read(unit, aggregate, id, self.context, reach=self.reach)

        found = await self._refusals_on_record(transact(self.runtime.database, self.scope(), work), id)
        if not recorded:
            await self.on_record(id)
        return self.view_of(aggregate, found)

    def view_of(self, aggregate: Aggregate[State, Facts], found: Read[State]) -> View[State]:
        """What was read as this reader sees it: with its ETag, and with each action and why not."""
        self.response.headers["ETag"] = etag(found.version)
        actions = [
            self._action(aggregate, found.state, command, refusal)
            for command, refusal in found.refusals.items()
            if command in self.runtime.operations
        ]
        # Made of the state's own type: where a route has one model for each group of readers, the framework must not
        # have to guess which of them this is.
        model = cast("type[View[State]]", View[aggregate.state])  # type: ignore[name-defined]
        return model(id=found.id, version=found.version, state=found.state, actions=actions)

    def actions(self, aggregate: Aggregate[State, Facts], state: State) -> list[Action]:
        """What this reader's roles do with one of many, so that a list asks nothing more for each of its rows.

        Judged on the state and the reader alone; an operation that is never theirs is left out.
        """
        found = (
            self._action(aggregate, state, rule.command, aggregate.decider.refusal(state, rule.command, None, self.context))
            for rule in aggregate.decider.rules
            if rule.on == "existing" and rule.command in self.runtime.operations
        )
        return [action for action in found if action.reason != NotPermitted().code]

    async def ask(self, question: Callable[[UnitOfWork], Awaitable[Result]], *, log: bool = False, snapshot: bool = False) -> Result:
        """A query in one transaction of this actor; ``log`` lets it read the event log, a ``snapshot`` sees one moment throughout."""
        return await transact(self.runtime.database, self.scope(log=log), question, snapshot=snapshot)

    def may(self, operation: str) -> bool:
        """Whether the policy gives this actor another operation as well, wherever that reaches."""
        return self.reach_of(operation) is not None

    def reach_of(self, operation: str) -> Reach | None:
        """How far the policy gives this actor another operation as well; None if not at all."""
        try:
            return self.runtime.policy.reach(self.context.actor, operation)
        except NotPermitted:
            return None

    def take(self, kind: Kind) -> None:
        """Takes a further token, where a request does what is limited more strictly; raises `TooManyRequests`."""
        self.runtime.take(self.request, self.context.actor, kind)

    async def refused(self, code: str, about: UUID) -> None:
        """Puts on record that this call is refused, for the true reason."""
        await self.runtime.recorder.refused(self.context, self.origin, self.operation, code, about)

    async def on_record(
        self, about: UUID | None = None, shown: tuple[UUID, ...] = (), purpose: ReadingPurpose | None = None
    ) -> None:
        """Puts this read on record if the policy wants that of its operation; nothing is answered before it is."""
        if self.operation in self.runtime.policy.on_record:
            await self.runtime.recorder.read(self.context, self.origin, self.operation, about, shown, purpose)

    def scope(self, *, log: bool = False) -> Scope:
        """What row security is told of this call."""
        return self.reach.scope(self.context.actor, log=log)

    async def page(
        self, sql: Sql, item: type[Row], after: UUID | None, limit: int, **values: object
    ) -> "Page[Row]":
        """One page of a keyset list by id; sets ``Link: rel=next`` when more follows. ``sql`` takes after and limit.

        ``after`` None is the beginning, of which ``sql`` is told as `FIRST`: a statement that chooses it by itself, by
        a coalesce say, has no bound of an index there, since under row security that takes what leaks nothing.
        """

        async def work(unit: UnitOfWork) -> list[Row]:
            rows = await unit.rows(sql, after=after or FIRST, limit=limit + 1, **values)
            return [item.model_validate(dict(row)) for row in rows]

        found = await self.ask(work)
        items = found[:limit]
        following = self.goes_on_after(str(items[-1].model_dump()["id"]), limit) if len(found) > limit else None
        # Made of the row's own type, as a view is of its state's: a route may have one model for each group of readers.
        return cast("Page[Row]", Page[item](items=items, next=following))  # type: ignore[valid-type]

    def goes_on_after(self, last: str, limit: int) -> str:
        """Sets ``Link: rel=next`` to the page that follows this id, and answers with it."""
        url = self.request.url.include_query_params(after=last, limit=limit)
        self.response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return last

    async def _refusals_on_record(self, work: Awaitable[Result], about: UUID) -> Result:
        try:
            return await work
        except (RuleViolation, NotFound) as refusal:
            code = recorded_as(self.operation, refusal)
            # Whoever sees everything and finds nothing has mistyped; whoever sees some may have tried to see more.
            if code is not None and (isinstance(refusal, RuleViolation) or self.reach != EVERYWHERE):
                await self.runtime.recorder.refused(self.context, self.origin, self.operation, code, about)
            raise

    def _action(
        self, aggregate: Aggregate[State, Facts], state: State, command: type[Command], refusal: Refusal | None
    ) -> Action:
        name, label = self.runtime.operations[command], aggregate.decider.rule(command).label
        actor = self.context.actor
        try:
            # Of several roles another one may have opened this view than the one that could give the command.
            if not aggregate.within(state, self.runtime.policy.reach(actor, name), actor):
                refusal = NotPermitted()
        except NotPermitted as error:
            refusal = error
        return Action(
            name=name, label=label, allowed=refusal is None,
            reason=refusal.code if refusal else None, sentence=refusal.sentence if refusal else None,
            step_up=name in self.runtime.policy.step_up,
        )


async def call(request: Request, response: Response) -> Call:
    """The call of a request that was admitted before its body was read."""
    admitted: Admitted = request.state.admitted
    return Call(
        request, response, request.app.state.runtime, admitted.context, admitted.origin, admitted.operation,
        admitted.reach,
    )


def _about(request: Request) -> UUID | None:
    # What cannot be read as an id may be anything that somebody typed, and is not kept.
    for value in request.path_params.values():
        try:
            return UUID(str(value))
        except ValueError:
            continue
    return None


Calling = Annotated[Call, Depends(call)]
Limit = Annotated[int, Field(ge=1, le=100)]
