"""What lost entries say of payments and stops, put in front of finance: nothing is ordered to be paid until two of them cleared it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from ops.after_restore import sources
from ops.after_restore.listing import Losses, Lost, subjects
from ops.after_restore.signing_in import signed_in
from ops.after_restore.stops import lost_stops
from ops.settings import CannotStart, OpsSettings
from services.reintegration.domain.lost_payments import (
    AskToClearLostPayments,
    ClearLostPayments,
    LostPayments,
    RecordLostPayments,
    SettleLostPayment,
    Unknown,
)
from services.reintegration.lost_bank_queries import BankKnows, bank_knows
from services.reintegration.lost_payment_queries import attempts_of_batches
from services.reintegration.wiring import LOST_PAYMENTS
from shared.actors import Actor, Role
from shared.contracts.lost_payments import LostFact, LostPayment, MoneyOutcome
from shared.db import Sql, UnitOfWork
from shared.errors import Refusal
from shared.handling import handle, states
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE
from shared.settings import MISSION
from shared.topology import REINTEGRATION

_LISTS = Sql("SELECT id FROM lost_payments ORDER BY id")
# Who states what became of a payment, and who agrees that all is known.
CLEARS: Final = frozenset({Role.FINANCE_RECONCILER, Role.FINANCE_APPROVER})
_RELEASED: Final = "avrr.reintegration.grant.tranche_released.v1"
_PAID: Final = "avrr.reintegration.grant.payment_confirmed.v1"
# That a batch was made names none of its payments: they follow as facts of their own.
_BATCHED: Final = "avrr.reintegration.payment_batch.payments_put_in.v1"
# From now on the bank may have the file, whose payments the restored database knows, or an entry lost before.
_TAKEN: Final = ("avrr.reintegration.payment_batch.handed_out.v1", "avrr.reintegration.payment_batch.file_taken_again.v1")
_WITNESSED: Final = "avrr.reintegration.grant.cash_witnessed.v1"

Say = Callable[[str], None]


def lost_payments(lost: Sequence[Lost], in_batches: Mapping[UUID, Sequence[UUID]]) -> tuple[LostPayment, ...]:
    """What these entries say of payments; of the many payments of one batch each has a row, under an id made of the entry's.

    ``in_batches`` are the attempts of each batch that the restored database knows.
    """
    return tuple(found for one in lost for found in _told_by(one, in_batches))


def _told_by(one: Lost, in_batches: Mapping[UUID, Sequence[UUID]]) -> list[LostPayment]:
    """What one entry says of payments; `CannotStart` names an entry that says it in a way that nobody can read."""
    try:
        return _read(one, in_batches)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        raise CannotStart(
            "payment_not_read",
            f"{REINTEGRATION.name} stays shut, for it cannot be read what its lost entry {one.envelope.id} says of a payment. "
            "Find out what stands there, then give the same command again; two persons need not accept anew.",
        ) from None


def _read(one: Lost, in_batches: Mapping[UUID, Sequence[UUID]]) -> list[LostPayment]:
    kind, data = one.envelope.type, one.envelope.data
    if kind in (_RELEASED, _WITNESSED, _PAID):
        fact: LostFact = "released" if kind == _RELEASED else "paid"
        return [
            LostPayment.model_validate(
                {"event_id": one.envelope.id, "fact": fact, "attempt_id": data.get("attempt_id"), "grant_id": one.envelope.subject, "number": data["number"], "by": one.envelope.actorid}
            )
        ]
    if kind not in (_BATCHED, *_TAKEN):
        return []
    attempts = data["attempts"] if kind == _BATCHED else in_batches.get(one.envelope.subject, ())
    assert isinstance(attempts, list | tuple)
    return [
        # Of one entry and one attempt always the same, and of no other.
        LostPayment(event_id=UUID(int=one.envelope.id.int ^ UUID(str(attempt)).int), fact="batched", attempt_id=UUID(str(attempt)), grant_id=None, number=None, by=one.envelope.actorid)
        for attempt in attempts
    ]


def record_of(mark: UUID) -> UUID:
    """Under which id stands what a restore lost of payments: one of its own, made of the mark's, whose events number what two persons accepted."""
    return UUID(int=mark.int ^ 1)


async def put_before_finance(settings: OpsSettings, losses: Losses, context: Context) -> int:
    """Records what was lost of payments and stops and how much nobody knows, and with it that nothing is paid; how many payments there are.

    Done again it changes nothing.

    `CannotStart` names an entry that cannot be read: then nothing is recorded, and reintegration stays shut.
    """
    if losses.service != REINTEGRATION.name:
        return 0
    taken = {batch for kind in _TAKEN for batch in subjects(losses.entries, kind)}
    # The worker reads of a batch no more than when it was sent.
    async with sources.database_of(settings, REINTEGRATION, as_api=True) as database:
        in_batches = await database.attempt(sources.SCOPE, lambda unit: attempts_of_batches(unit, taken))
    found = lost_payments(losses.entries, in_batches)
    actor = Actor.service(losses.service)
    order = RecordLostPayments(payments=found, unknown=losses.unknown, since=losses.kept_until, stops=lost_stops(losses.entries))
    async with sources.database_of(settings, REINTEGRATION) as database:
        await database.attempt(
            EVERYWHERE.scope(actor),
            lambda unit: handle(
                unit, LOST_PAYMENTS, record_of(losses.mark.id), order, Context(actor, context.now), Origin(f"restore-{losses.mark.id}"),
                reach=EVERYWHERE,
            ),
        )  # fmt: skip
    return len(found)


async def say_waiting(settings: OpsSettings, say: Say) -> None:
    """One line for each lost payment of restores that were not cleared, and for each that was cleared as left, by ids alone.

    With them each stop that was lost, how much nobody knows, and what the bank's files know of it.
    """
    found = await _of_restores(settings)
    known = await _bank_knows(settings, [id for id, state in found.items() if state.status != "cleared"])
    if all(state.status == "cleared" for state in found.values()):
        say("Nothing that a restore lost waits for finance.")
    for id, state in found.items():
        if state.status == "cleared":
            for one in state.payments:
                if one.outcome == "left":
                    say(f"  cleared as left, and corrected by ./avrr restored settle: {_named(one)}")
            continue
        asked = ", a reconciler says that all of it is known" if state.status == "asked" else ""
        say(f"restore {id}: {len(state.payments)} lost entries tell of payments{asked}")
        for one in state.payments:
            say(f"  {_named(one)}: {one.outcome or 'not known yet'}")
        for line in _besides(state, known[id]):
            say(line)


def _besides(state: LostPayments, bank: BankKnows) -> Iterator[str]:
    """What is said of a restore besides its payments."""
    since = f"{state.since:%Y-%m-%d %H:%M:%S}" if state.since is not None else "the beginning"
    # What outlived the restore may know less than was there: none of it says that this was all.
    known = f"at least {state.unknown}" if state.unknown else "nobody can say how many"
    yield (
        f"{known} entries between {since} and {state.listed_at:%Y-%m-%d %H:%M:%S} UTC are known to nobody: "
        "bring the bank's statements of these days before you clear, and ask the bank for orders that it still holds"
    )
    for one in bank.statements_missing:
        yield f"statement missing of the lost days: own account {one.id}"
    if bank.lines_waiting or bank.files_waiting:
        yield f"lines of the bank's that name payments which nobody here knows: {bank.lines_waiting} wait" + (
            ", and a file that nobody confirmed has some" if bank.files_waiting else ""
        )
    for stop in state.stops:
        yield f"stop that was lost, to be stated again: {stop.kind} {stop.subject} {stop.recorded_at:%Y-%m-%d %H:%M:%S} by {stop.by or 'nobody'} ({stop.event_id})"


def _named(one: Unknown) -> str:
    of = f"grant {one.grant_id} tranche {one.number}" if one.grant_id is not None else f"attempt {one.attempt_id}"
    return f"{one.event_id} {one.fact:8} {of}"


async def settle(settings: OpsSettings, token: str, event_id: UUID, outcome: MoneyOutcome) -> None:
    """States whether the money of a lost payment left, as a reconciler or, where that one recorded it, as an approver; `CannotStart` says why not.

    What was cleared is corrected by it too, and is cleared anew.
    """
    async with signed_in(settings, token, *CLEARS) as context:
        for id, state in (await _of_restores(settings)).items():
            if any(one.event_id == event_id for one in state.payments):
                await _give(settings, id, SettleLostPayment(event_id=event_id, outcome=outcome), context)
                return
    raise CannotStart("not_lost", "No lost entry that tells of a payment has this id.")


async def clear(settings: OpsSettings, token: str, say: Say, *, without_statements: bool = False) -> None:
    """Says as a reconciler that all of it is known, or agrees to that as an approver; `CannotStart` says why not.

    ``without_statements``: the reconciler says that the statements which are still missing cannot be had; the approver is told of how many accounts.
    """
    async with signed_in(settings, token, *CLEARS) as context:
        waiting = {id: state for id, state in (await _of_restores(settings)).items() if state.status != "cleared"}
        for id, state in waiting.items():
            approves = Role.FINANCE_APPROVER in context.actor.roles and state.status == "asked"
            if not approves and Role.FINANCE_RECONCILER not in context.actor.roles:
                raise CannotStart("not_asked", "A reconciler says first that all of it is known.")
            if approves and state.without_statements:
                say(f"No statement of the lost days can be had of {len(state.without_statements)} own accounts, a reconciler said: {', '.join(map(str, state.without_statements))}")
            ask = AskToClearLostPayments(without_statements=without_statements)
            await _give(settings, id, ClearLostPayments() if approves else ask, context)
            say("Money may be ordered again." if approves else "An approver has to agree.")


async def _of_restores(settings: OpsSettings) -> dict[UUID, LostPayments]:
    """What each restore lost of payments, cleared or not."""
    async with sources.database_of(settings, REINTEGRATION) as database:
        return await database.attempt(sources.SCOPE, _lists)


async def _lists(unit: UnitOfWork) -> dict[UUID, LostPayments]:
    ids = [row["id"] for row in await unit.rows(_LISTS)]
    return await states(unit, LOST_PAYMENTS, ids, Actor.service(REINTEGRATION.name), reach=EVERYWHERE)


async def _bank_knows(settings: OpsSettings, ids: Sequence[UUID]) -> dict[UUID, BankKnows]:
    # The worker reads no own accounts.
    async with sources.database_of(settings, REINTEGRATION, as_api=True) as database, database.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        return {id: await bank_knows(unit, id, None, MISSION.mission_time_zone) for id in ids}


async def _give(settings: OpsSettings, id: UUID, command: Command, context: Context) -> None:
    async with sources.database_of(settings, REINTEGRATION, as_api=True) as database:
        try:
            await database.attempt(
                EVERYWHERE.scope(context.actor),
                lambda unit: handle(unit, LOST_PAYMENTS, id, command, context, Origin(f"restore-{id}"), reach=EVERYWHERE),
            )
        except Refusal as refusal:
            raise CannotStart(refusal.code, refusal.sentence) from None
