"""Putting a case on hold and lifting the hold, for whatever reason, and an interrupted journey, which holds it too."""

from uuid import UUID

from services.returns.domain.case_guards import member, still_open
from services.returns.domain.case_state import HOLDABLE, Case, CaseFacts
from services.returns.domain.given_fields import PersonIds
from services.returns.domain.holds import Hold, may_lift
from shared.contracts.returns import HoldLifted, HoldOutcome, HoldPlaced, HoldReason, TransitInterrupted
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context
from shared.moments import Moment, refuse_future
from shared.new_ids import NewId


class PutOnHold(Command):
    """Put the case on hold: it goes no further, and nobody is cleared to board, until the hold is lifted.

    Several holds may stand at once. Withdrawing stays possible.
    """

    hold_id: NewId
    reason: HoldReason


class LiftHold(Command):
    """Lift one hold, and say what came of it. With the last one the case goes on where it was.

    A case that was ready to travel is prepared anew.
    """

    hold_id: UUID
    outcome: HoldOutcome


class RecordTransitInterrupted(Command):
    """Record that persons who left were stopped on the way: a connection missed, an entry refused."""

    hold_id: NewId
    person_ids: PersonIds
    interrupted_at: Moment


def _can_be_held(case: Case, facts: CaseFacts, context: Context) -> None:
    still_open(case, facts, context)
    if case.stretch not in HOLDABLE:
        raise RuleViolation(
            "being_closed",
            "This case is being closed, which takes a moment. Look again; if it stays open, put it on hold then.",
        )


def _somebody_is_under_way(case: Case, _: CaseFacts, __: Context) -> None:
    # Also while others of the case still wait for their departure.
    if all(person.travel != "departed" for person in case.persons):
        raise RuleViolation("not_under_way", "Nobody of this case is on the way, so no journey can be interrupted.")


def _a_hold_is_theirs_to_lift(case: Case, facts: CaseFacts, context: Context) -> None:
    still_open(case, facts, context)
    standing = [hold for hold in case.holds if hold.stands]
    if not standing:
        raise RuleViolation("not_on_hold", "The case is not on hold, so there is nothing to lift.")
    if not any(may_lift(hold, context.actor.roles) for hold in standing):
        raise _not_theirs()


def _not_theirs() -> RuleViolation:
    return RuleViolation(
        "hold_of_others", "This hold is not yours to lift. Whoever may lift it knows of it; ask the coordinator."
    )


def _known(case: Case, hold_id: UUID) -> Hold | None:
    return next((hold for hold in case.holds if hold.hold_id == hold_id), None)


def _put_on_hold(case: Case, order: PutOnHold, _: CaseFacts, context: Context) -> Events:
    known = _known(case, order.hold_id)
    actor_id = context.actor.person_id
    if known is not None:
        # Only who placed it may learn from the answer that the reason is the same.
        if known.placed_by == actor_id and known.reason == order.reason:
            return ()
        raise _id_taken()
    placed = HoldPlaced(
        hold_id=order.hold_id, reason=Concealed.of(order.reason), placed_by=actor_id, placed_at=context.now
    )
    return (placed,)


def _id_taken() -> RuleViolation:
    return RuleViolation("hold_id_taken", "Another hold was placed under this id. Place this one under a new id.")


def _lift_hold(case: Case, order: LiftHold, _: CaseFacts, context: Context) -> Events:
    known = _known(case, order.hold_id)
    if known is None:
        raise RuleViolation("hold_unknown", "There is no such hold on this case. Read the case again.")
    if not known.stands:
        return ()
    if not may_lift(known, context.actor.roles):
        raise _not_theirs()
    lifted = HoldLifted(hold_id=order.hold_id, outcome=Concealed.of(order.outcome), lifted_at=context.now)
    return (lifted,)


def _record_transit_interrupted(
    case: Case, order: RecordTransitInterrupted, _: CaseFacts, context: Context
) -> Events:
    refuse_future(order.interrupted_at, context)
    known = _known(case, order.hold_id)
    if known is not None:
        if known.placed_at == order.interrupted_at and known.placed_by == context.actor.person_id:
            return ()
        raise _id_taken()
    stopped = [member(case, person_id) for person_id in order.person_ids]
    if any(person.travel != "departed" for person in stopped):
        raise RuleViolation(
            "not_under_way", "One of these persons has not left, or has arrived. Name those who are on the way."
        )
    if any(person.departed_at is not None and order.interrupted_at < person.departed_at for person in stopped):
        raise RuleViolation(
            "interrupted_before_departure", "The journey cannot be interrupted before it began. Check both times, in UTC."
        )
    interrupted = TransitInterrupted(
        hold_id=order.hold_id, person_ids=order.person_ids, placed_by=context.actor.person_id,
        interrupted_at=order.interrupted_at,
    )  # fmt: skip
    return (interrupted,)


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(PutOnHold, "Put on hold", _put_on_hold, _can_be_held),
    changing(LiftHold, "Lift a hold", _lift_hold, _a_hold_is_theirs_to_lift),
    changing(
        RecordTransitInterrupted,
        "Record an interrupted journey",
        _record_transit_interrupted,
        _can_be_held,
        _somebody_is_under_way,
    ),
)
