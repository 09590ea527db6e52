"""What is asked back of a grant comes back, or two persons write it off; then the recovery is closed.

Decision 61 says why what came back is posted at a share of what the grant had cost its fund.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.amounts import NOTHING, PositiveMoney
from services.reintegration.domain.commitment import in_fund
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats, may_wear
from services.reintegration.domain.recovery_evolve import asked_back
from services.reintegration.domain.recovery_line import refuse_unless_recovers
from services.reintegration.domain.recovery_state import ProposedBack, WriteOff
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.tranches import posted_in, reference_used
from shared.contracts.recoveries import (
    MoneyRecovered,
    RecoveryClosed,
    RecoveryProposalDropped,
    RecoveryProposed,
    RecoveryWrittenOff,
    WriteOffAsked,
    WriteOffDropped,
    WriteOffReason,
)
from shared.contracts.reintegration import Code
from shared.decider import Events, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day
from shared.money import Money, refuse_unpayable, rounded

WriteOffNo = Annotated[int, Field(strict=True, ge=1)]
ProposalNo = Annotated[int, Field(strict=True, ge=1)]


class RecordRecovery(Command):
    """Record money that came back of what was asked back, under the reference of that payment or of the receipt of the cash box.

    Its fund has spent that much less: at once where a line of the bank's tells of it, else once a colleague confirmed it.
    """

    money: PositiveMoney
    received_on: Day
    reference: Code
    bank_line: Annotated[
        UUID | None,
        Field(description="The line of the bank's by which it came; one line may be of several grants, never of more than came."),
    ] = None


class ConfirmRecovery(Command):
    """Confirm that what a colleague recorded was given back, by the receipt of the cash box. From then on it counts."""

    proposal_no: ProposalNo


class DropRecovery(Command):
    """Take back what you recorded as given back, or decline what a colleague recorded. It is waited for as before."""

    proposal_no: ProposalNo


class WriteOffRecovery(Command):
    """Ask that so much of what is asked back is not waited for any more. Another person confirms it."""

    money: PositiveMoney
    reason: WriteOffReason


class ConfirmWriteOff(Command):
    """Confirm what a colleague asked to write off. It stays spent, and nobody waits for it any more."""

    write_off_no: WriteOffNo


class DropWriteOff(Command):
    """Take back what you asked to write off, or decline what a colleague asked."""

    write_off_no: WriteOffNo


def share_in_fund(state: Grant, amount: Decimal) -> Decimal:
    """What of the grant's cost to its fund this amount gives back, in the fund's currency.

    In all as large a part of what the grant cost as came back of what was paid, rounded once, less what was posted before: so
    a grant that came back whole has cost its fund exactly nothing. It may be zero where the fund's smallest unit is large.
    """
    if state.fund_currency is None or not state.fund_in_another_currency:
        return amount
    cost = state.fund_paid or NOTHING
    in_all = rounded(Fraction(cost) * Fraction(state.recovered + amount) / Fraction(state.paid), state.fund_currency)
    return max(min(in_all, cost) - (state.fund_recovered or NOTHING), NOTHING)


def not_by_whoever_asked() -> FourEyes:
    """Refuses to confirm what one asked for oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You asked to write this off, so somebody else has to confirm it.")


def not_by_whoever_proposed() -> FourEyes:
    """Refuses to confirm what one recorded as given back; the database's CHECK refuses it in the same words."""
    return FourEyes("You recorded that this was given back, so somebody else has to confirm it.")


def _is_open(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.recovery_opened_at is None:
        raise RuleViolation("nothing_asked_back", "No money of this grant is asked back.")
    if state.recovery_closed_at is not None:
        raise RuleViolation("recovery_closed", "All that was asked back of this grant came back or is written off.")


def _took_no_part_in_the_money(state: Grant, facts: GrantFacts, context: Context) -> None:
    """Who asked for the grant, paid it or confirmed a delivery does not have money of it written off, nor does the counsellor."""
    worn = {hat for hat, person in hats(state) if person == context.actor.person_id}
    if worn & {"requester", "payer", "deliverer"} or context.actor.person_id == state.counsellor_id:
        raise FourEyes("You asked for this grant, paid it or confirmed its delivery, so others have to write money of it off.")


def _nothing_waits(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.write_off is not None:
        raise RuleViolation("write_off_waits", "What was asked to be written off before waits for its confirmation.")


def _something_waits(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.write_off is None:
        raise RuleViolation("no_write_off_waits", "Nothing of this grant waits to be written off.")


def _not_by_whoever_asked(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.write_off is not None and state.write_off.asked_by == context.actor.person_id:
        raise not_by_whoever_asked()


def _not_by_whoever_proposed(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.recovery_proposed is not None and state.recovery_proposed.proposed_by == context.actor.person_id:
        raise not_by_whoever_proposed()


def _not_of_another_part(state: Grant, facts: GrantFacts, context: Context) -> None:
    """Since proposals are held to the hats nobody comes to this; of whoever did before nothing more comes to count."""
    said = state.recovery_proposed
    if said is None:
        return
    if said.proposed_by == state.counsellor_id or any(hat != "reconciler" and by == said.proposed_by for hat, by in hats(state)):
        raise RuleViolation(
            "proposed_in_another_part",
            "Whoever recorded this takes another part on the grant. Decline it, then somebody else records it.",
        )


def _a_proposal_waits(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.recovery_proposed is None:
        raise RuleViolation("no_recovery_waits", "Nothing that was given back of this grant waits to be confirmed.")


def _refuse_beyond(state: Grant, money: Money) -> None:
    refuse_unpayable((money,))
    if money.currency != state.currency:
        raise RuleViolation("currencies_differ", "The grant is in another currency.")
    if money.amount > state.still_asked_back:
        raise RuleViolation("beyond_asked_back", "This is more than is still asked back of this grant.")


def _with_its_end(state: Grant, event: Event, context: Context) -> Events:
    """The fact, and that the recovery is closed where nothing is waited for any more; then nothing waits for a second person."""
    after = asked_back(state, event)
    if after.still_asked_back > NOTHING:
        return (event,)
    closed = RecoveryClosed(
        case_id=state.case_id, recovered=state.money.model_copy(update={"amount": after.recovered}),
        written_off=state.money.model_copy(update={"amount": after.written_off}), closed_at=context.now,
    )  # fmt: skip
    given_back = () if after.recovery_proposed is None else (_not_counted(after, after.recovery_proposed, context),)
    dropped = () if after.write_off is None else (_dropped(after, after.write_off, context),)
    return (event, *given_back, *dropped, closed)


def _record(state: Grant, order: RecordRecovery, facts: GrantFacts, context: Context) -> Events:
    _refuse_unless_came_back(state, order.money, order.received_on, facts)
    if order.bank_line is not None:
        refuse_unless_recovers(facts.recovery_line, order.money)
        return _counted(state, order, facts, context)
    if state.recovery_proposed is not None:
        raise RuleViolation("recovery_waits", "What was recorded as given back before waits for its confirmation.")
    return (
        RecoveryProposed(
            proposal_no=state.recovery_proposal_no + 1, money=order.money, received_on=order.received_on, reference=order.reference,
            proposed_by=context.actor.person_id, proposed_at=context.now,
        ),
    )  # fmt: skip


def _confirm_given_back(state: Grant, order: ConfirmRecovery, facts: GrantFacts, context: Context) -> Events:
    said = _what_was_said(state, order.proposal_no)
    money = state.money.model_copy(update={"amount": said.amount})
    # Money may have come by a line, or its reference been used, since it was said.
    _refuse_unless_came_back(state, money, said.received_on, facts)
    recorded = RecordRecovery(money=money, received_on=said.received_on, reference=said.reference)
    return _counted(state, recorded, facts, context, said.proposed_by)


def _drop_given_back(state: Grant, order: DropRecovery, facts: GrantFacts, context: Context) -> Events:
    return (_not_counted(state, _what_was_said(state, order.proposal_no), context),)


def _what_was_said(state: Grant, proposal_no: int) -> ProposedBack:
    if state.recovery_proposed is None or state.recovery_proposed.proposal_no != proposal_no:
        raise RuleViolation("another_recovery_waits", "This is not what waits any more. Read the grant again, then decide.")
    return state.recovery_proposed


def _not_counted(state: Grant, said: ProposedBack, context: Context) -> RecoveryProposalDropped:
    return RecoveryProposalDropped(
        proposal_no=said.proposal_no, money=state.money.model_copy(update={"amount": said.amount}),
        dropped_by=context.actor.person_id, dropped_at=context.now,
    )  # fmt: skip


def _refuse_unless_came_back(state: Grant, money: Money, received_on: date, facts: GrantFacts) -> None:
    _refuse_beyond(state, money)
    if facts.reference_used:
        raise reference_used()
    if received_on > facts.today:
        raise RuleViolation("in_the_future", "The day on which the money came back is still to come.")
    paid_on = [tranche.paid_on for tranche in state.tranches if tranche.paid_on is not None]
    if not paid_on or received_on < min(paid_on):
        raise RuleViolation("returned_before_payment", "The day on which the money came back lies before that of the payment.")


def _counted(
    state: Grant, order: RecordRecovery, facts: GrantFacts, context: Context, proposed_by: str | None = None
) -> Events:
    back = MoneyRecovered(
        case_id=state.case_id, recovery_no=len(state.recoveries) + 1, money=order.money, received_on=order.received_on,
        reference=order.reference, recorded_by=context.actor.person_id, recorded_at=context.now, bank_line=order.bank_line,
        in_fund=in_fund(state, share_in_fund(state, order.money.amount)), posted_in=posted_in(facts), proposed_by=proposed_by,
    )  # fmt: skip
    return _with_its_end(state, back, context)


def _ask_to_write_off(state: Grant, order: WriteOffRecovery, facts: GrantFacts, context: Context) -> Events:
    _refuse_beyond(state, order.money)
    return (
        WriteOffAsked(
            write_off_no=state.write_off_no + 1, money=order.money, reason=order.reason, asked_by=context.actor.person_id,
            asked_at=context.now,
        ),
    )  # fmt: skip


def _what_waits(state: Grant, write_off_no: int) -> WriteOff:
    if state.write_off is None or state.write_off.write_off_no != write_off_no:
        raise RuleViolation("another_write_off_waits", "This is not what waits any more. Read the grant again, then decide.")
    return state.write_off


def _confirm(state: Grant, order: ConfirmWriteOff, facts: GrantFacts, context: Context) -> Events:
    waiting = _what_waits(state, order.write_off_no)
    money = state.money.model_copy(update={"amount": waiting.amount})
    # Money may have come back since it was asked.
    _refuse_beyond(state, money)
    written_off = RecoveryWrittenOff(
        write_off_no=waiting.write_off_no, money=money, reason=waiting.reason, asked_by=waiting.asked_by,
        asked_at=waiting.asked_at, confirmed_by=context.actor.person_id, confirmed_at=context.now,
    )  # fmt: skip
    return _with_its_end(state, written_off, context)


def _drop(state: Grant, order: DropWriteOff, facts: GrantFacts, context: Context) -> Events:
    return (_dropped(state, _what_waits(state, order.write_off_no), context),)


def _dropped(state: Grant, waiting: WriteOff, context: Context) -> WriteOffDropped:
    return WriteOffDropped(
        write_off_no=waiting.write_off_no, money=state.money.model_copy(update={"amount": waiting.amount}),
        dropped_by=context.actor.person_id, dropped_at=context.now,
    )  # fmt: skip


RECOVERY_EVENTS: tuple[type[Event], ...] = (
    MoneyRecovered, RecoveryProposed, RecoveryProposalDropped, WriteOffAsked, WriteOffDropped, RecoveryWrittenOff, RecoveryClosed,
)  # fmt: skip
RECOVERY_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(RecordRecovery, "Record money that came back", _record, may_wear("reconciler"), not_who_signed_its_batch, _is_open),
    changing(
        ConfirmRecovery, "Confirm money that was given back", _confirm_given_back, may_wear("reconciler"), not_who_signed_its_batch,
        _is_open, _a_proposal_waits, _not_by_whoever_proposed, _not_of_another_part,
    ),
    changing(DropRecovery, "Do not count money as given back", _drop_given_back, _is_open, _a_proposal_waits),
    changing(
        WriteOffRecovery, "Ask to write off", _ask_to_write_off, _took_no_part_in_the_money, not_who_signed_its_batch, _is_open, _nothing_waits
    ),
    changing(
        ConfirmWriteOff, "Write off", _confirm, _took_no_part_in_the_money, not_who_signed_its_batch, _is_open, _something_waits, _not_by_whoever_asked
    ),
    changing(DropWriteOff, "Do not write off", _drop, _is_open, _something_waits),
)
