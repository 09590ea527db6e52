"""Erases again who had been erased: what two persons decided before a database was set back holds on, before anybody is let in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from ops.after_restore import sources
from ops.after_restore.listing import Losses, Lost, subjects
from ops.settings import OpsSettings
from services.counselling.domain.erasure import RedoErasure
from services.counselling.wiring import PERSON as OF_COUNSELLING
from services.reintegration.domain.person import RecordErasure as RecordInReintegration
from services.reintegration.wiring import PERSON as OF_REINTEGRATION
from services.returns.domain.person import RecordErasure as RecordInReturns
from services.returns.wiring import PERSON as OF_RETURNS
from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.consumer import FAULTS
from shared.db import Database, Sql, UnitOfWork
from shared.errors import Refusal
from shared.handling import handle
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE
from shared.topology import BY_NAME, COUNSELLING

_REQUESTED: Final = "avrr.counselling.person.erasure_requested.v1"
_APPROVED: Final = "avrr.counselling.person.erasure_approved.v1"
_ASKED_BEFORE = Sql("SELECT erasure ->> 'requested_by' AS requested_by FROM persons WHERE id = :id")
# What counselling decided and this service has not heard of since: it would hear of it only after people were let in.
_DECIDED = Sql("SELECT DISTINCT subject FROM event_log WHERE type = :type AND idx > :after")
_PLACE = Sql("SELECT last_idx FROM cursor WHERE source = :source")
_BY_SERVICE: Final[Mapping[str, tuple[AnyAggregate, Command]]] = {
    "returns": (OF_RETURNS, RecordInReturns()), "reintegration": (OF_REINTEGRATION, RecordInReintegration()),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Redone:
    """How many persons were erased again, and who could not be, by the code of what stands in the way."""

    erased: int = 0
    failed: Mapping[UUID, str] = field(default_factory=dict)


def decided_before(losses: Sequence[Losses], before: Sequence[Lost] = ()) -> Sequence[UUID]:
    """Whom counselling's lost entries say to be erased: who holds anything of them may not have heard of it.

    ``before`` is what it lost by restores that it was opened after: another service may have stayed shut then, and still hold them.
    """
    lost = [*before, *(entry for one in losses if one.service == COUNSELLING.name for entry in one.entries)]
    return subjects(lost, _APPROVED)


def why_shut(service: str, failed: Mapping[UUID, str]) -> str:
    """What is wrong and what to do, for people; ids and codes alone."""
    named = ", ".join(f"{id} ({code})" for id, code in failed.items())
    return (
        f"{service} stays shut, for in it somebody could be read who had been erased and could not be erased again: {named}. "
        "Put right what stands in the way, then give the same command again; two persons need not accept anew."
    )


async def redo_erasures(settings: OpsSettings, losses: Losses, context: Context, decided: Sequence[UUID] = ()) -> Redone:
    """Erases in one service whom its lost entries, counselling's log, or ``decided`` of it say were erased.

    Destroys keys and ciphertext as the first time, in a transaction for each person. Done again it finds nothing. One who cannot
    be erased keeps nobody else from it.
    """
    service = BY_NAME[losses.service]
    if service == COUNSELLING:
        orders = _decided_in_counselling(losses.entries)
        # Only counselling's API may delete what is held of somebody without having heard of it.
        async with sources.database_of(settings, service, as_api=True) as database:
            return await _given(database, OF_COUNSELLING, losses, context, [(id, _order(database, id, found)) for id, found in orders.items()])
    if service.name not in _BY_SERVICE:
        return Redone()
    aggregate, order = _BY_SERVICE[service.name]
    persons = dict.fromkeys(subjects(losses.entries, f"avrr.{service.name}.person.erased.v1"))
    async with sources.database_of(settings, service) as database:
        place = await database.alone(_PLACE, source=COUNSELLING.name)
        async with sources.database_of(settings, COUNSELLING) as origin, origin.unit_of_work(sources.SCOPE, snapshot=True) as unit:
            rows = await unit.rows(_DECIDED, type=_APPROVED, after=place["last_idx"] if place is not None else -1)
        persons |= dict.fromkeys((*decided, *(row["subject"] for row in rows)))

        async def as_it_is() -> Command:
            return order

        return await _given(database, aggregate, losses, context, [(id, as_it_is) for id in persons])


def _decided_in_counselling(lost: Sequence[Lost]) -> dict[UUID, tuple[Lost, Lost | None]]:
    """Each decision to erase that was lost, with the request before it where that was lost too."""
    asked: dict[UUID, Lost] = {}
    decided: dict[UUID, tuple[Lost, Lost | None]] = {}
    for one in lost:
        if one.envelope.type == _REQUESTED:
            asked[one.envelope.subject] = one
        elif one.envelope.type == _APPROVED:
            decided[one.envelope.subject] = (one, asked.get(one.envelope.subject))
    return decided


def _order(database: Database, id: UUID, found: tuple[Lost, Lost | None]) -> Callable[[], Awaitable[Command]]:
    approved, requested = found

    async def order() -> Command:
        data = approved.envelope.data
        by = requested.envelope.data["requested_by"] if requested is not None else None
        if by is None:
            async with database.unit_of_work(sources.SCOPE) as unit:
                row = await unit.row(_ASKED_BEFORE, id=id)
            by = row["requested_by"] if row is not None else None
        # Whom nothing names asked for it as little as whoever approved.
        return RedoErasure.model_validate({"ground": data["ground"], "requested_by": by or "service:counselling", "approved_by": data["approved_by"]})

    return order


async def _given(
    database: Database, aggregate: AnyAggregate, losses: Losses, context: Context,
    orders: Sequence[tuple[UUID, Callable[[], Awaitable[Command]]]],
) -> Redone:  # fmt: skip
    erased = 0
    failed: dict[UUID, str] = {}
    actor = Actor.service(losses.service)
    for id, ordered in orders:
        async def work(unit: UnitOfWork, id: UUID = id, ordered: Callable[[], Awaitable[Command]] = ordered) -> bool:
            done = await handle(
                unit, aggregate, id, await ordered(), Context(actor, context.now), Origin(f"restore-{losses.mark.id}"), reach=EVERYWHERE
            )
            return done.changed

        try:
            erased += await database.attempt(EVERYWHERE.scope(actor), work)
        except FAULTS:
            # Of no person, and over by itself: the same command goes on with it.
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is this person's, and keeps nobody else from being erased
            failed[id] = _code_of(error)
    return Redone(erased, failed)


def _code_of(error: Exception) -> str:
    """What stands in the way, without a value of anybody's."""
    if isinstance(error, Refusal):
        return error.code
    if isinstance(error, asyncpg.PostgresError):
        return str(error.constraint_name or error.sqlstate)
    return type(error).__name__
