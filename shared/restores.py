"""The rules by which two persons accept that a service's database was set back to an earlier time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from shared.aggregate import Aggregate
from shared.contracts.counselling import Sha256
from shared.contracts.restores import EVENTS, AcceptanceProposed, Entries, RestoreAccepted, RestoreReason
from shared.db import Sql, UnitOfWork, Write
from shared.decider import Decider, Events, NoFacts, changing, either
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event

_ACCEPTED: Final = Sql(
    "UPDATE restored SET accepted_at = clock_timestamp() WHERE id = :id AND accepted_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Restore:
    """A setting back: how much of the log was kept, what is known of the rest, and who of two accepted it."""

    kept: int
    root: str
    known: int
    listed: int
    list_sha256: str
    reason: RestoreReason
    proposed_by: str
    accepted_by: str | None = None
    accepted_at: datetime | None = None


class ProposeAcceptance(Command):
    """Accept that a log goes on from where its database was set back to, as the first of two; until then it may be said anew."""

    kept: Entries
    root: Sha256
    known: Entries
    listed: Entries
    list_sha256: Sha256
    reason: RestoreReason


class AcceptRestore(Command):
    """Accept the same list, as the second of two."""

    list_sha256: Sha256


def two_persons() -> FourEyes:
    """Refuses whoever accepted already; the database's CHECK refuses it in the same words."""
    return FourEyes("You accepted this already, so somebody else has to.")


def _not_accepted(state: Restore, _: NoFacts, __: Context) -> None:
    if state.accepted_by is not None:
        raise RuleViolation("already_accepted", "Two persons accepted this already.")


def _by_another(state: Restore, _: NoFacts, context: Context) -> None:
    if context.actor.person_id == state.proposed_by:
        raise two_persons()


def _propose(_: Restore | None, order: ProposeAcceptance, __: NoFacts, context: Context) -> Events:
    return (
        AcceptanceProposed(
            kept=order.kept, root=order.root, known=order.known, listed=order.listed, list_sha256=order.list_sha256,
            reason=order.reason, proposed_by=context.actor.person_id, proposed_at=context.now,
        ),
    )  # fmt: skip


def _accept(state: Restore, order: AcceptRestore, _: NoFacts, context: Context) -> Events:
    if order.list_sha256 != state.list_sha256:
        raise RuleViolation("list_changed", "More is known by now than the first person accepted. Begin again with the list of today.")
    return (
        RestoreAccepted(kept=state.kept, known=state.known, accepted_by=context.actor.person_id, accepted_at=context.now),
    )


def evolve(state: Restore | None, event: Event) -> Restore:
    """The setting back after one fact; TypeError for a fact that does not fit."""
    match event:
        case AcceptanceProposed() if state is None or state.accepted_by is None:
            return Restore(
                event.kept, event.root, event.known, event.listed, event.list_sha256, event.reason, event.proposed_by
            )
        case RestoreAccepted() if state is not None:
            return replace(state, accepted_by=event.accepted_by, accepted_at=event.accepted_at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a restore here")


RESTORE: Decider[Restore, NoFacts] = Decider(
    rules=(
        either(ProposeAcceptance, "Accept a restore", _propose, _not_accepted),
        changing(AcceptRestore, "Accept a restore as the second of two", _accept, _not_accepted, _by_another),
    ),
    evolve=evolve,
    events=EVENTS,
)


async def _no_facts(_: UnitOfWork, __: UUID, ___: object, ____: Command | None, _____: Context) -> NoFacts:
    return NoFacts()


def _ends_waiting(id: UUID, _: Restore | None, __: Restore, events: tuple[Event, ...]) -> Sequence[Write]:
    return tuple(Write(_ACCEPTED, {"id": id}) for event in events if isinstance(event, RestoreAccepted))


def restore_of(service: str, table: sa.Table) -> Aggregate[Restore, NoFacts]:
    """The restores of one service, as wired as any of its aggregates; their ids are those of the marks."""
    return Aggregate(
        service=service, name="restore", decider=RESTORE, table=table, state=Restore, facts=_no_facts, project=_ends_waiting,
        chosen=False,
    )  # fmt: skip
