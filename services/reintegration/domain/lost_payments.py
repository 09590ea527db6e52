"""After a restore nothing is ordered to be paid until two persons of finance cleared what the lost entries say of payments (decision 120)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from shared.contracts.lost_payments import (
    EVENTS,
    MOST_IN_ONE_EVENT,
    LostFact,
    LostPayment,
    LostPaymentsCleared,
    LostPaymentsClearingAsked,
    LostPaymentSettled,
    LostPaymentsListed,
    MoneyOutcome,
)
from shared.decider import Decider, Events, NoFacts, changing, recording
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event

LostPaymentsStatus = Literal["waiting", "asked", "cleared"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An attempt to pay of which the restored database knows less than a lost entry says.

    ``by`` is who ordered or recorded it, as far as the entry says so; ``outcome`` is there once somebody found out.
    """

    event_id: UUID
    fact: LostFact
    attempt_id: UUID | None
    grant_id: UUID | None
    number: int | None
    outcome: MoneyOutcome | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class LostPayments:
    """What one restore lost of payments, under an id made of its mark's, and who said that all of it is known."""

    payments: tuple[Unknown, ...]
    listed_at: datetime
    status: LostPaymentsStatus = "waiting"
    asked_by: str | None = None
    cleared_by: str | None = None
    cleared_at: datetime | None = None


class RecordLostPayments(Command):
    """Take note of what lost entries say of payments; each entry counts once, and a new one opens what was cleared."""

    payments: tuple[LostPayment, ...]


class SettleLostPayment(Command):
    """State whether the money of a lost payment left, as bank, cash desk or office know it; what was cleared by it is cleared anew.

    The bank may turn down days later what was taken to have left: so this is corrected at any time, by two again.
    """

    event_id: UUID
    outcome: MoneyOutcome


class AskToClearLostPayments(Command):
    """State that of every lost payment it is known what became of it. A colleague who approves has to agree."""


class ClearLostPayments(Command):
    """Agree that money may be ordered again, as the second of two."""


def restore_not_cleared() -> RuleViolation:
    """Refuses to order money while it is not known what was ordered before a restore."""
    return RuleViolation(
        "restore_not_cleared", "The database was restored, and finance has not cleared yet which payments it lost. Nothing is paid until then."
    )


def paid_before_restore() -> RuleViolation:
    """Refuses to order what was ordered before a restore that lost it."""
    return RuleViolation(
        "paid_before_restore", "An entry that a restore lost says that this was paid. It may be ordered only once it is stated that no money left."
    )


def not_by_whoever_stated() -> FourEyes:
    """Refuses to clear what one stated oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You stated this yourself, so somebody else has to agree.")


def not_by_whoever_ordered() -> FourEyes:
    """Refuses to clear a list that names a payment of one's own; the database's CHECK refuses it in the same words."""
    return FourEyes("You ordered or recorded one of these payments yourself, so somebody else has to agree.")


def _record(state: LostPayments | None, order: RecordLostPayments, _: NoFacts, context: Context) -> Events:
    known = {one.event_id for one in state.payments} if state is not None else set()
    fresh = tuple(one for one in order.payments if one.event_id not in known)
    if state is not None and not fresh:
        return ()
    parts = [fresh[at : at + MOST_IN_ONE_EVENT] for at in range(0, len(fresh), MOST_IN_ONE_EVENT)] or [()]
    return tuple(LostPaymentsListed(payments=part, listed_at=context.now) for part in parts)


def _not_cleared(state: LostPayments, _: NoFacts, __: Context) -> None:
    if state.status == "cleared":
        raise RuleViolation("already_cleared", "Two persons cleared this already.")


def _settle(state: LostPayments, order: SettleLostPayment, _: NoFacts, context: Context) -> Events:
    found = next((one for one in state.payments if one.event_id == order.event_id), None)
    if found is None:
        raise RuleViolation("not_lost", "No entry that this restore lost has this id.")
    if found.by == context.actor.person_id:
        raise FourEyes("You ordered or recorded this payment yourself, so somebody else has to find out what became of it.")
    if found.outcome == order.outcome:
        return ()
    return (
        LostPaymentSettled(
            event_id=order.event_id, outcome=order.outcome, settled_by=context.actor.person_id, settled_at=context.now
        ),
    )


def _all_known(state: LostPayments, _: NoFacts, __: Context) -> None:
    if any(one.outcome is None for one in state.payments):
        raise RuleViolation("payments_unsettled", "Of some lost payments it is not stated yet whether their money left.")


def _asked(state: LostPayments, _: NoFacts, __: Context) -> None:
    if state.status != "asked":
        raise RuleViolation("not_asked", "A reconciler states first that all of it is known.")


def _by_another(state: LostPayments, _: NoFacts, context: Context) -> None:
    if context.actor.person_id == state.asked_by:
        raise not_by_whoever_stated()
    if any(one.by == context.actor.person_id for one in state.payments):
        raise not_by_whoever_ordered()


def _ask(_: LostPayments, __: AskToClearLostPayments, ___: NoFacts, context: Context) -> Events:
    return (LostPaymentsClearingAsked(asked_by=context.actor.person_id, asked_at=context.now),)


def _clear(_: LostPayments, __: ClearLostPayments, ___: NoFacts, context: Context) -> Events:
    return (LostPaymentsCleared(cleared_by=context.actor.person_id, cleared_at=context.now),)


def evolve(state: LostPayments | None, event: Event) -> LostPayments:
    """The list after one fact; TypeError for a fact that does not fit. What is added or changed is asked about anew."""
    match event:
        case LostPaymentsListed():
            added = tuple(Unknown(one.event_id, one.fact, one.attempt_id, one.grant_id, one.number, by=one.by) for one in event.payments)
            if state is None:
                return LostPayments(added, event.listed_at)
            return replace(state, payments=(*state.payments, *added), status="waiting", asked_by=None, cleared_by=None, cleared_at=None)
        case LostPaymentSettled() if state is not None:
            settled = tuple(
                replace(one, outcome=event.outcome) if one.event_id == event.event_id else one for one in state.payments
            )
            return replace(state, payments=settled, status="waiting", asked_by=None, cleared_by=None, cleared_at=None)
        case LostPaymentsClearingAsked() if state is not None:
            return replace(state, status="asked", asked_by=event.asked_by)
        case LostPaymentsCleared() if state is not None:
            return replace(state, status="cleared", cleared_by=event.cleared_by, cleared_at=event.cleared_at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit what a restore lost of payments")


LOST_PAYMENTS: Final[Decider[LostPayments, NoFacts]] = Decider(
    rules=(
        recording(RecordLostPayments, "Take note of lost payments", _record),
        changing(SettleLostPayment, "State what became of a lost payment", _settle),
        changing(AskToClearLostPayments, "State that all lost payments are known", _ask, _not_cleared, _all_known),
        changing(ClearLostPayments, "Let money be ordered again", _clear, _not_cleared, _asked, _all_known, _by_another),
    ),
    evolve=evolve,
    events=EVENTS,
)
