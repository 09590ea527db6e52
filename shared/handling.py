"""handle(): the one way by which state, log and projections change."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg

from shared import tracing
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.appending import Leaf
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.errors import NotFound, Refusal, RuleViolation, Stale
from shared.ledger import Disclosure, conceal, disclose, enclose, rows_of
from shared.messages import Command, Context, Event, Origin
from shared.policy import Reach
from shared.row_keys import RowKey, is_sealed, newest_of, place

State = TypeVar("State")
Facts = TypeVar("Facts")
Result = TypeVar("Result")
# What an actor to whom not everything is told is shown in place of a state's version.
ShownAs = Callable[[State], int]

_REMEMBER = Sql(
    "INSERT INTO idempotency (actor_id, key, fingerprint, status, resource_id, version) "
    "VALUES (:actor_id, :key, :fingerprint, :status, :resource_id, :version)"
)
_ANSWERED = Sql(
    "SELECT fingerprint, status, version, resource_id FROM idempotency WHERE actor_id = :actor_id AND key = :key"
)


@dataclass(frozen=True, slots=True)
class Repeat:
    """An ``Idempotency-Key`` with the fingerprint of what was asked under it."""

    key: str
    fingerprint: bytes

    @classmethod
    def of(cls, key: str, operation: str, id: UUID, body: bytes) -> "Repeat":
        """The key bound to an operation, the aggregate it is for, and the exact body."""
        return cls(key, hashlib.sha256(b"\x00".join((operation.encode(), id.bytes, body))).digest())


@dataclass(frozen=True, slots=True)
class Handled:
    """What a command came to: the aggregate's version now, and whether this was answered before.

    ``events`` are the facts that came of it now, and ``concealed`` is what they conceal, where that is to be kept sealed and
    not beside the log.
    """

    id: UUID
    version: int
    created: bool
    repeated: bool
    changed: bool
    concealed: tuple[Disclosure, ...] = ()
    events: tuple[Event, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Read(Generic[State]):
    """A state as a reader may see it, with what the reader may do and why not."""

    id: UUID
    version: int
    state: State
    refusals: Mapping[type[Command], Refusal | None]


async def handle(
    unit: UnitOfWork,
    aggregate: Aggregate[State, Facts],
    id: UUID,
    command: Command,
    context: Context,
    origin: Origin,
    *,
    expected_version: int | None = None,
    reach: Reach,
    repeat: Repeat | None = None,
    shown_as: ShownAs[State] | None = None,
    apart: bool = False,
) -> Handled:
    """Decides one command on one aggregate and gathers row, projections, key and events in the unit of work.

    ``reach`` limits which aggregates the actor may know of; with ``shown_as`` the version that is expected and answered is
    the one that it is shown as. What the events conceal is kept beside the log, or with ``apart`` handed to the caller, who
    has to seal it. Raises a `Refusal`.
    """
    try:
        with tracing.span("handle", command=type(command).__name__, aggregate=aggregate.name):
            return await _decided(
                unit, aggregate, id, command, context, origin, expected_version, repeat, reach, shown_as, apart
            )
    except Refusal:
        if repeat is None:
            raise
        # The lock may have waited for the very command that this one repeats; only a later statement sees its answer.
        before = await given_before(unit, aggregate.service, context.actor, repeat)
        if before is None:
            raise
        return before


async def given_before(unit: UnitOfWork, service: str, actor: Actor, repeat: Repeat) -> Handled | None:
    """What this very command was answered before; None if it was not given, and a `RuleViolation` if the key is another's."""
    row = await unit.row(_ANSWERED, actor_id=actor.person_id, key=repeat.key)
    return await _given_before(unit, service, actor, row, repeat) if row is not None else None


async def _decided(
    unit: UnitOfWork,
    aggregate: Aggregate[State, Facts],
    id: UUID,
    command: Command,
    context: Context,
    origin: Origin,
    expected_version: int | None,
    repeat: Repeat | None,
    reach: Reach,
    shown_as: ShownAs[State] | None,
    apart: bool,
) -> Handled:
    actor_id = context.actor.person_id
    rows = rows_of(aggregate)
    row = await unit.row(rows.lock_sql, id=id, actor_id=actor_id, key=repeat.key if repeat else "")
    assert row is not None
    if repeat is not None and row["fingerprint"] is not None:
        return await _given_before(unit, aggregate.service, context.actor, row, repeat)

    version, state = await rows.parsed(unit, row["body"]) if row["body"] is not None else (0, None)
    if state is not None and not aggregate.within(state, reach, context.actor):
        raise NotFound
    if expected_version is not None and expected_version != _shown(version, state, shown_as):
        raise NotFound if state is None else Stale

    facts = await aggregate.facts(unit, id, state, command, context)
    events = aggregate.decider.decide(state, command, facts, context)
    created = version == 0 and bool(events)
    after, after_version = state, version
    disclosed = []
    leaves: list[Leaf] = []
    for event in events:
        after = aggregate.decider.evolve(after, event)
        after_version += 1
        salted, disclosures = conceal(event)
        envelope, leaf = enclose(
            aggregate.service, id, aggregate.partition(id, after), after_version, salted, context, origin
        )
        leaves.append(Leaf(envelope.id, envelope.type, id, after_version, leaf))
        disclosed += [(envelope.id, disclosure) for disclosure in disclosures]
    key = await unit.keys.rows.sealing(unit, newest_of(row)) if events or repeat is not None else None
    if type(command).log_first:
        unit.log_first()
    if events and after is not None and key is not None:
        if created and not aggregate.within(after, reach, context.actor):
            raise NotFound
        unit.write(rows.save(id, version, after_version, after, key))
        unit.write(*aggregate.project(id, state, after, events))
        unit.write(*disclose(aggregate.service, key, () if apart else disclosed))
        unit.append(*leaves)
    told_version = _shown(after_version, after, shown_as)
    if repeat is not None and key is not None:
        unit.write(
            Write(
                _REMEMBER,
                {
                    "actor_id": actor_id, "key": repeat.key,
                    "fingerprint": sealed_fingerprint(aggregate.service, key, actor_id, repeat.key, repeat.fingerprint),
                    "status": 201 if created else 200, "resource_id": id, "version": told_version,
                },
            )
        )
    concealed = tuple(disclosure for _, disclosure in disclosed) if apart else ()
    return Handled(id, told_version, created, repeated=False, changed=bool(events), concealed=concealed, events=tuple(events))


async def read(
    unit: UnitOfWork,
    aggregate: Aggregate[State, Facts],
    id: UUID,
    context: Context,
    *,
    reach: Reach,
) -> Read[State]:
    """One aggregate's state with the refusal, if any, of each command on it; raises `NotFound`."""
    rows = rows_of(aggregate)
    row = await unit.row(rows.read_sql, id=id)
    if row is None:
        raise NotFound
    version, state = await rows.parsed(unit, row["body"])
    if not aggregate.within(state, reach, context.actor):
        raise NotFound
    facts = await aggregate.facts(unit, id, state, None, context)
    refusals: dict[type[Command], Refusal | None] = {
        rule.command: aggregate.decider.refusal(state, rule.command, facts, context)
        for rule in aggregate.decider.rules
        if rule.on == "existing"
    }
    return Read(id, version, state, refusals)


async def states(
    unit: UnitOfWork, aggregate: Aggregate[State, Facts], ids: Collection[UUID], actor: Actor, *, reach: Reach
) -> dict[UUID, State]:
    """The states of those of these aggregates that exist and that the actor may know of."""
    rows = rows_of(aggregate)
    many = await unit.rows(rows.many_sql, ids=list(ids))
    opening = await unit.keys.rows.opening(unit, [row["body"] for row in many])
    found = {row["id"]: rows.parse(row["body"], opening)[1] for row in many}
    return {id: state for id, state in found.items() if aggregate.within(state, reach, actor)}


async def locked(unit: UnitOfWork, aggregate: Aggregate[State, Facts], id: UUID) -> State | None:
    """The state of one more aggregate than the one that a command is about, under lock to the end of the transaction.

    For the facts of a command that concerns both: what is decided about one holds for the other.
    """
    row = await unit.row(rows_of(aggregate).lock_sql, id=id, actor_id="", key="")
    return (await rows_of(aggregate).parsed(unit, row["body"]))[1] if row is not None and row["body"] is not None else None


async def transact(
    database: Database,
    scope: Scope,
    work: Callable[[UnitOfWork], Awaitable[Result]],
    refusals: Mapping[str, Refusal] | None = None,
    *,
    snapshot: bool = False,
) -> Result:
    """One transaction within a scope, retried as a whole when it met another's change; one that is a ``snapshot`` only reads.

    A limit that the database held under concurrency (a unique key, a CHECK) is answered by the refusal that
    ``refusals`` names for the constraint.
    """
    try:
        return await database.attempt(scope, work, snapshot=snapshot)
    except asyncpg.IntegrityConstraintViolationError as error:
        refusal = (refusals or {}).get(error.constraint_name or "")
        if refusal is None:
            raise
        raise refusal from None


def _shown(version: int, state: State | None, shown_as: ShownAs[State] | None) -> int:
    return version if state is None or shown_as is None else shown_as(state)


def sealed_fingerprint(service: str, key: RowKey, actor_id: str, repeated: str, fingerprint: bytes) -> bytes:
    """What was asked under a key as it is remembered: of a bare hash the few possible texts of an order could be tried."""
    return key.seal(_answered_to(service, actor_id, repeated), fingerprint.hex()).encode()


async def opened_fingerprint(unit: UnitOfWork, service: str, actor_id: str, repeated: str, kept: bytes) -> bytes:
    """The fingerprint that is remembered so; one from before they were sealed is as it is."""
    text = kept.decode("ascii", "ignore")
    if not is_sealed(text):
        return kept
    opening = await unit.keys.rows.opening(unit, (text,))
    return bytes.fromhex(opening.text(_answered_to(service, actor_id, repeated), text))


def _answered_to(service: str, actor_id: str, repeated: str) -> bytes:
    return place(service, "idempotency", "fingerprint", UUID(int=0), f"{actor_id} {repeated}")


async def _given_before(unit: UnitOfWork, service: str, actor: Actor, row: asyncpg.Record, repeat: Repeat) -> Handled:
    known = await opened_fingerprint(unit, service, actor.person_id, repeat.key, bytes(row["fingerprint"]))
    if known != repeat.fingerprint:
        raise RuleViolation("idempotency_key_reused", "This Idempotency-Key was already used for something else.")
    return Handled(row["resource_id"], row["version"], row["status"] == 201, repeated=True, changed=False)
