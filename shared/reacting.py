"""From another service's event to our commands: a pure reaction names them, handle() carries them out."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.clock import Clock
from shared.consumer import Apply, Concerns
from shared.db import Sql, UnitOfWork
from shared.handling import handle, locked
from shared.messages import Cause, Context, Envelope, Event, Order, OrderAbout, Origin, Received
from shared.policy import EVERYWHERE

Reaction = Callable[..., Sequence[Order | OrderAbout]]
# By which statement the aggregates of a name are found that concern some persons: it takes ``ids`` and answers ``id``.
Concerning = Mapping[str, Sql]


def concerned(heard: Sequence[type[Event]], reactions: Mapping[type[Event], Reaction]) -> Concerns:
    """Whether a service reacts to events of a type; one that it does not know is none of its concern."""
    return frozenset(kind.kind for kind in heard if kind in reactions).__contains__


def reacting(
    service: str,
    heard: Sequence[type[Event]],
    reactions: Mapping[type[Event], Reaction],
    aggregates: Mapping[str, AnyAggregate],
    clock: Clock,
    concerning: Concerning | None = None,
) -> Apply:
    """How a service applies one event of another inside the consumer's transaction.

    Types that it does not know, and types without a reaction, are stepped past; fields it does not know are ignored.
    """
    by_kind = {kind.kind: kind for kind in heard}
    actor = Actor.service(service)

    async def apply(unit: UnitOfWork, envelope: Envelope, leaf_hash: bytes) -> None:
        kind = by_kind.get(envelope.type)
        reaction = reactions.get(kind) if kind is not None else None
        if kind is None or reaction is None:
            return
        event = kind.model_validate(envelope.data, extra="ignore")
        told = reaction(event, Received(envelope.subject, envelope.time, envelope.actorid))
        orders = await _addressed(unit, told, concerning or {})
        context = Context(actor, clock.for_reaction(envelope.time))
        origin = Origin(envelope.correlationid, Cause(envelope.id, leaf_hash, envelope.correlationid))
        # One lock order everywhere: aggregates by id. Orders of which one goes by what another came to are carried out as they
        # are given, with all of their rows locked before.
        by_id = sorted(orders, key=lambda order: order.id)
        if orders != by_id:
            for order in by_id:
                await locked(unit, aggregates[order.aggregate], order.id)
        for order in orders:
            await handle(unit, aggregates[order.aggregate], order.id, order.command, context, origin, reach=EVERYWHERE)

    return apply


async def _addressed(unit: UnitOfWork, orders: Iterable[Order | OrderAbout], concerning: Concerning) -> list[Order]:
    found: list[Order] = []
    for order in orders:
        if isinstance(order, Order):
            found.append(order)
            continue
        rows = await unit.rows(concerning[order.aggregate], ids=list(order.about))
        found += [Order(order.aggregate, row["id"], order.command) for row in rows]
    return found
