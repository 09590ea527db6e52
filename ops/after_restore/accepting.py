"""Two persons accept what was set back, each with a security key touched a moment ago; then what was lost and cannot wait is done, and orders are taken again."""

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Final

from ops.after_restore import sources
from ops.after_restore.agreeing import refuse_what_nobody_accepted
from ops.after_restore.earlier import folder_of
from ops.after_restore.erasing import decided_before, redo_erasures, why_shut
from ops.after_restore.listing import Losses, all_losses, keep, lost_once, sentences
from ops.after_restore.payments import put_before_finance
from ops.after_restore.showing import show
from ops.after_restore.signing_in import signed_in
from ops.after_restore.streams import follow_anew
from ops.operating import clock_of
from ops.settings import CannotStart, OpsSettings
from shared.actors import Actor, Role
from shared.clock import Clock
from shared.contracts.restores import RestoreReason
from shared.db import Sql, UnitOfWork, Write
from shared.errors import NotFound, Refusal
from shared.handling import handle, read
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE
from shared.restores import AcceptRestore, ProposeAcceptance
from shared.topology import BY_NAME, COUNSELLING, REINTEGRATION
from shared.wiring import Wiring

# Who answers for the mission, for its persons, and for what is proved of both.
ACCEPTS: Final = frozenset({Role.CHIEF_OF_MISSION, Role.DATA_PROTECTION, Role.AUDITOR})
_OPEN = Sql("UPDATE restored SET opened_at = clock_timestamp() WHERE id = :id AND opened_at IS NULL AND accepted_at IS NOT NULL")

Say = Callable[[str], None]


async def accept(settings: OpsSettings, token: str, reason: RestoreReason | None, say: Say) -> bool:
    """Accepts every list as it is now, as the first of two persons or as the second; whether orders are taken again.

    ``token`` is an access token of whoever accepts. `CannotStart` says why not, such as that the first has to say a reason.
    """
    losses = await all_losses(settings)
    if not losses:
        raise CannotStart("nothing_set_back", "No database waits for people: nothing was set back.")
    _refuse_half(losses)
    async with signed_in(settings, token, *ACCEPTS) as context:
        for one in (one for one in losses if not one.mark.accepted):
            await keep(settings, one)
            say(await _accepted(settings, one, context, reason))
    return await finish(settings, say)


async def finish(settings: OpsSettings, say: Say) -> bool:
    """Does what follows for all that two persons accepted, and opens it; whether nothing waits any more. Can be done again.

    `CannotStart` names who could not be erased again, and the entry of a payment that cannot be read: the services that hold them
    stay shut, and all others are open (decision 130). Where one log lost other entries than two persons accepted, nothing is done
    of any (decision 134).
    """
    losses = await all_losses(settings)
    if any(not one.mark.accepted for one in losses):
        say("A second person has to accept this: ./avrr restored accept")
        return False
    for one in losses:
        async with sources.database_of(settings, BY_NAME[one.service]) as database:
            await refuse_what_nobody_accepted(settings, database, one)
    context = Context(Actor.service("restore"), Clock(clock_of(settings)).present())
    # First of all: nobody who was erased is read by anybody who is let in by what follows.
    decided = decided_before(losses, await lost_once(settings, COUNSELLING))
    held: dict[str, CannotStart] = {}
    for one in losses:
        redone = await redo_erasures(settings, one, context, decided)
        say(f"{one.service}: {redone.erased} persons erased again")
        if redone.failed:
            held[one.service] = CannotStart("not_erased_again", why_shut(one.service, redone.failed))
        try:
            payments = await put_before_finance(settings, one, context)
        except CannotStart as stands:
            # Who is named already is put right first; the same command finds the entry again.
            held.setdefault(one.service, stands)
            continue
        if one.service == REINTEGRATION.name:
            say(f"{one.service}: {payments} lost entries tell of payments; nothing is paid until finance clears them")
            known = f"at least {one.unknown}" if one.unknown else "nobody can say how many"
            say(f"{one.service}: {known} lost entries are known to nobody; finance brings the bank's statements of these days first")
    # Of what stays shut too: from its old stream those who are let in would take what was lost as new.
    for one in losses:
        for line in await follow_anew(settings, one):
            say(line)
    for one in (one for one in losses if one.service not in held):
        await show(settings, BY_NAME[one.service], say)
        async with sources.database_of(settings, BY_NAME[one.service]) as database:
            await database.attempt(sources.SCOPE, _opens(one))
        say(f"{one.service}: takes orders again")
    if held:
        raise CannotStart(next(iter(held.values())).code, " ".join(why.sentence for why in held.values()))
    return True


async def listed(settings: OpsSettings, say: Say) -> Sequence[Losses]:
    """Says and keeps what is known of everything that was set back."""
    losses = await all_losses(settings)
    for one in losses:
        for line in sentences(one):
            say(line)
        say(f"  {await _accepted_already(settings, one) if one.mark.accepted else f'the list is in {await keep(settings, one)}'}")
    return losses


async def _accepted_already(settings: OpsSettings, losses: Losses) -> str:
    """Where the list is that two persons accepted, by which all that follows is done; or why it is accepted anew. It is not written over."""
    async with sources.database_of(settings, BY_NAME[losses.service]) as database:
        try:
            await refuse_what_nobody_accepted(settings, database, losses)
        except CannotStart as stands:
            return stands.sentence
    return f"two persons accepted the list in {folder_of(settings, losses.mark.id)}"


def _opens(losses: Losses) -> Callable[[UnitOfWork], Awaitable[None]]:
    async def work(unit: UnitOfWork) -> None:
        unit.write(Write(_OPEN, {"id": losses.mark.id}, rows=None))

    return work


def _refuse_half(losses: Sequence[Losses]) -> None:
    for one in losses:
        if one.unasked:
            raise CannotStart(
                "not_all_asked", f"The {one.unasked[0]} does not answer, and may know what {one.service} lost: start it first."
            )


async def _accepted(settings: OpsSettings, losses: Losses, context: Context, reason: RestoreReason | None) -> str:
    wiring: Wiring = import_module(f"services.{losses.service}.wiring").WIRING
    async with sources.database_of(settings, BY_NAME[losses.service]) as database:

        async def work(unit: UnitOfWork) -> str:
            command = await _next(unit, wiring, losses, context, reason)
            await handle(
                unit, wiring.restore, losses.mark.id, command, context, Origin(f"restore-{losses.mark.id}"), reach=EVERYWHERE
            )
            second = isinstance(command, AcceptRestore)
            return f"{losses.service}: accepted by {'a second' if second else 'a first'} person"

        try:
            return await database.attempt(EVERYWHERE.scope(context.actor), work)
        except Refusal as refusal:
            raise CannotStart(refusal.code, f"{losses.service}: {refusal.sentence}") from None


async def _next(
    unit: UnitOfWork, wiring: Wiring, losses: Losses, context: Context, reason: RestoreReason | None
) -> Command:
    try:
        found = (await read(unit, wiring.restore, losses.mark.id, context, reach=EVERYWHERE)).state
    except NotFound:
        found = None
    # A list that became longer is accepted by two persons anew.
    if found is not None and found.list_sha256 == losses.sha256:
        return AcceptRestore(list_sha256=losses.sha256)
    if reason is None:
        raise CannotStart("reason_missing", "Whoever accepts first says why the database was set back: --reason.")
    return ProposeAcceptance(
        kept=losses.mark.kept, root=losses.root, known=losses.known, listed=len(losses.lost), list_sha256=losses.sha256, reason=reason
    )
