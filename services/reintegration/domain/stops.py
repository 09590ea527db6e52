"""What stops the money of a grant: it is suspended and goes on again, and what was paid wrongly is asked back."""

from typing import Final

from services.reintegration.domain.amounts import NOTHING, PositiveMoney
from services.reintegration.domain.grant_facts import GrantFacts, while_in
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import not_the_requester
from shared.contracts.stops import (
    GrantResumed,
    GrantSuspended,
    RecoveryOpened,
    RecoveryReason,
    SuspensionReason,
)
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.money import refuse_unpayable


class SuspendGrant(Command):
    """Stop the money of the grant: no tranche is released until it goes on. What is under way is still accounted for.

    It lasts until somebody lets the grant go on, also where everything is paid meanwhile and some of it comes back.
    """

    reason: SuspensionReason


class ResumeGrant(Command):
    """Let the money of the grant go on where it was stopped."""


class OpenRecovery(Command):
    """Ask back what was paid and should not have been. No further tranche is released."""

    reason: RecoveryReason
    money: PositiveMoney


def no_recovery(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that lets no more money go while some is asked back: ``recovery_open``."""
    if state.recovery_is_open:
        raise RuleViolation("recovery_open", "Money of this grant is asked back. No more of it is paid.")


def is_committed(state: Grant) -> bool:
    """Whether what is planned is committed; not where it came back to a fund that was closed, and is free."""
    return sum((one.amount for one in state.tranches_in("planned")), NOTHING) <= state.committed


def still_committed(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that lets nothing go which is not committed any more: ``commitment_freed``."""
    if not is_committed(state):
        raise RuleViolation(
            "commitment_freed",
            "What came back of this grant is free, for its fund is closed. Cancel the grant, and ask anew for what is still to be paid.",
        )


def _recovery_is_new(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.recovery_is_open:
        raise RuleViolation("recovery_open_already", "What was paid on this grant is asked back already.")


def _is_stopped(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.suspended_for is None:
        _WHILE_SUSPENDED(state, facts, context)


def _something_was_paid(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.paid <= 0:
        raise RuleViolation("nothing_paid", "Nothing was paid on this grant, so there is nothing to ask back.")


def _suspend(state: Grant, order: SuspendGrant, facts: GrantFacts, context: Context) -> Events:
    return (
        GrantSuspended(reason=order.reason, suspended_by=context.actor.person_id, suspended_at=context.now),
    )


def _resume(state: Grant, order: ResumeGrant, facts: GrantFacts, context: Context) -> Events:
    return (GrantResumed(resumed_by=context.actor.person_id, resumed_at=context.now),)


def _open_recovery(state: Grant, order: OpenRecovery, facts: GrantFacts, context: Context) -> Events:
    refuse_unpayable((order.money,))
    if order.money.currency != state.currency:
        raise RuleViolation("currencies_differ", "The grant is in another currency.")
    if order.money.amount + (state.recovery_amount or NOTHING) > state.booked:
        raise RuleViolation("beyond_paid", "More cannot be asked back than was paid on this grant, as far as the bank booked it.")
    return (
        RecoveryOpened(
            reason=order.reason, money=order.money, opened_by=context.actor.person_id, opened_at=context.now
        ),
    )


_WHILE_SUSPENDED: Final = while_in("resumed", "suspended")
STOP_EVENTS: tuple[type[Event], ...] = (GrantSuspended, GrantResumed, RecoveryOpened)
STOP_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        SuspendGrant, "Suspend", _suspend, while_in("suspended", "approved", "in_disbursement"), not_the_requester
    ),
    changing(ResumeGrant, "Let it go on", _resume, _is_stopped, not_the_requester),
    changing(
        OpenRecovery, "Ask money back", _open_recovery, not_the_requester, _something_was_paid, _recovery_is_new
    ),
)
