"""What persons say of a line of the bank's that settles nothing by itself: what it is, of which attempt to pay, or that it is told once."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.amounts import PositiveMoney
from services.reintegration.domain.bank_line_acts import (
    OF_THE_ATTEMPT_FOUND,
    BankLineAct,
    BankLineActStatus,
    evolve,
    line_settled,
    refuse_unless_free,
)
from services.reintegration.domain.matching import (
    BankLine,
    KnownAttempt,
    is_settling,
    settles,
    worth_of_part,
)
from shared.contracts.bank import (
    BankLineApartAsked,
    BankLineApartDropped,
    BankLineExplained,
    BankLineExplanationAsked,
    BankLineExplanationDropped,
    BankLineMatchAsked,
    BankLineMatchDropped,
    BankLineMatched,
    BankLineMatchKept,
    BankLineMatchUndone,
    BankLineToldApart,
    BankLineUndoAsked,
    Explanation,
    OtherThanNamed,
)
from shared.decider import Decider, Events, Guard, changing, either
from shared.errors import FourEyes, NotFound, RuleViolation
from shared.messages import Command, Context
from shared.money import Money, refuse_unpayable


@dataclass(frozen=True, slots=True)
class BankLineFacts:
    """The line as the bank has it, whether it waits for somebody or was taken for one told again, and the attempts that are meant.

    What was not looked up refuses.

    ``named`` is the attempt of ours that the bank names, and ``of_named`` the line as it is held against that one; ``attempt`` is
    the one that somebody says the line to be of.
    ``part_worth`` is what the part that somebody says is worth in the currency of the line, by the rate of its day, where that is
    another one. ``may_be_ours``: the line names none, and may be of an open one that the bank was ordered. ``may_be_another``: it
    names several, or may be an open one that is not meant, alone or with others. ``paid_by_reader``: whoever acts
    released one of these, or signed a batch with a payment of its grant.
    """

    line: BankLine | None = None
    waits: bool = False
    told_again: bool = False
    named: KnownAttempt | None = None
    of_named: BankLine | None = None
    attempt: KnownAttempt | None = None
    part_worth: Decimal | None = None
    may_be_ours: bool = True
    may_be_another: bool = True
    paid_by_reader: bool = True


class ExplainLine(Command):
    """Say what a line is that is no payment of ours, names none and fits none; it waits in the queue no more."""

    explanation: Explanation


class ProposeExplanation(Command):
    """Say what a line is that names a payment of ours, or has the amount of one that is open, and is none. A colleague confirms it."""

    explanation: Explanation


class ConfirmExplanation(Command):
    """Confirm that a line which names a payment of ours is what a colleague said; it waits in the queue no more."""


class DropExplanation(Command):
    """Take back what a line that names a payment of ours was said to be."""


class MatchLine(Command):
    """Say of which attempt to pay a line is, where the bank lost what we had written or booked another amount. A colleague confirms it.

    Where the bank names another payment of ours, say why it is not that one. Where it booked another amount, or says none, say how
    much of the line is of the payment: what the line has beyond that are the bank's charges.
    """

    attempt_id: UUID
    other_than_named: OtherThanNamed | None = None
    paid_part: Annotated[
        PositiveMoney | None,
        Field(description="How much of what was ordered was paid, or came back, by this line, in the currency of the payment; left out where it is of exactly that amount."),
    ] = None


class ConfirmMatch(Command):
    """Confirm that a line is of the attempt that a colleague found; it is settled as if the bank had said so."""


class DropMatch(Command):
    """Take back that a line is of that attempt."""


class UndoMatch(Command):
    """Say that a line which settled nothing yet is not of the attempt that two persons found. A colleague confirms it."""


class ConfirmUndoing(Command):
    """Confirm that a line is not of that attempt; it waits in the queue again, as the bank has it."""


class KeepMatch(Command):
    """Leave a line as it is: of the attempt that two persons found."""


class TellApart(Command):
    """Say that a line is another one than that for which it was taken, though both look the same. A colleague confirms it."""


class ConfirmApart(Command):
    """Confirm that it is another line, after you looked into both statements; from then on it waits as any other one does."""


class KeepTogether(Command):
    """Take back, or decline, that it is another line."""


def not_by_whoever_asked() -> FourEyes:
    """Refuses to confirm what one asked oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You said this of the line yourself, so somebody else has to confirm it.")


def refuse_to_explain_alone(*, names_ours: bool) -> None:
    """Refused as ``names_our_payment`` where one person would explain away what the bank says, or may say, of a payment of ours."""
    if names_ours:
        raise RuleViolation(
            "names_our_payment", "This line names a payment of ours, or may be one that is open. That it is none two persons say."
        )


def refuse_to_explain_by_two(*, names_ours: bool) -> None:
    """Refused as ``names_no_payment`` where nobody has to confirm what a line is."""
    if not names_ours:
        raise RuleViolation("names_no_payment", "This line names no payment of ours and fits none, so whoever looks at it says what it is.")


def _line(facts: BankLineFacts) -> BankLine:
    if facts.line is None:
        raise NotFound
    return facts.line


def _free(state: BankLineAct | None, facts: BankLineFacts) -> BankLine:
    line = _line(facts)
    refuse_unless_free(None if state is None else state.status, waits=facts.waits)
    return line


def _still_waiting(facts: BankLineFacts) -> BankLine:
    line = _line(facts)
    if not facts.waits:
        raise line_settled()
    return line


def _refuse_whoever_paid(facts: BankLineFacts) -> None:
    if facts.paid_by_reader:
        raise FourEyes("You released this payment or signed its batch, so somebody else has to say which line it is.")


def _refuse_unless_it_fits(
    line: BankLine, facts: BankLineFacts, attempt_id: UUID, reason: OtherThanNamed | None, part: Decimal | None
) -> None:
    """Refused by what stands against it: the reasons of `matching.settles`, and what the bank names."""
    if line.kind != "booked":
        raise RuleViolation("not_booked", "A report says itself which payments it speaks of. Only a line that was booked is matched.")
    whole = replace(line, attempt_id=attempt_id, by_hand=True, paid_part=None)
    if part is not None and is_settling(settles(whole, facts.attempt)):
        raise RuleViolation("fits_as_it_is", "This line is of exactly what was ordered, so there is no part to say.")
    found = settles(replace(whole, paid_part=part, part_worth=facts.part_worth), facts.attempt)
    if part is not None and is_settling(found) and facts.may_be_another:
        raise RuleViolation("may_be_another", "This line may be another payment of ours, or several at once. None of them is taken for charges.")
    if not is_settling(found):
        raise RuleViolation(found, "This line and this attempt to pay do not fit: amount, currency, and how far the payment is must.")
    _refuse_unsaid_other(facts, attempt_id, reason)


def _refuse_unsaid_other(facts: BankLineFacts, attempt_id: UUID, reason: OtherThanNamed | None) -> None:
    other = facts.named is not None and facts.named.attempt_id != attempt_id
    if other and facts.named is not None:
        if facts.named.status == "released" or facts.of_named is None or is_settling(settles(facts.of_named, facts.named)):
            raise RuleViolation("named_payment_open", "The bank names another payment, which is still open. That one is looked at first.")
        if facts.named.unanswered and facts.attempt is not None and facts.named.pays_for == facts.attempt.pays_for:
            # Taken for the one that was released in its place, nobody would see any more that the tranche may be paid twice.
            raise RuleViolation("named_booked_after_all", "The bank names the payment that was ended before this one was released in its place, so that both may be paid.")
        if reason is None:
            raise RuleViolation("other_than_named", "The bank names another payment. Say why the line is not of that one.")
    if not other and reason is not None:
        raise RuleViolation("names_no_other", "The bank names no other payment of ours, so there is nothing to say of one.")


def _explain(state: BankLineAct | None, order: ExplainLine, facts: BankLineFacts, context: Context) -> Events:
    _free(state, facts)
    refuse_to_explain_alone(names_ours=facts.named is not None or facts.may_be_ours)
    return (
        BankLineExplained(explanation=order.explanation, explained_by=context.actor.person_id, explained_at=context.now),
    )  # fmt: skip


def _propose(state: BankLineAct | None, order: ProposeExplanation, facts: BankLineFacts, context: Context) -> Events:
    _free(state, facts)
    refuse_to_explain_by_two(names_ours=facts.named is not None or facts.may_be_ours)
    _refuse_whoever_paid(facts)
    return (
        BankLineExplanationAsked(explanation=order.explanation, asked_by=context.actor.person_id, asked_at=context.now),
    )  # fmt: skip


def _confirm_explanation(state: BankLineAct, _: ConfirmExplanation, facts: BankLineFacts, context: Context) -> Events:
    assert state.explanation is not None
    _still_waiting(facts)
    _refuse_whoever_paid(facts)
    return (
        BankLineExplained(
            explanation=state.explanation, explained_by=context.actor.person_id, explained_at=context.now, asked_by=state.asked_by
        ),
    )


def _drop_explanation(_: BankLineAct, __: DropExplanation, facts: BankLineFacts, context: Context) -> Events:
    _refuse_whoever_paid(facts)
    return (BankLineExplanationDropped(dropped_by=context.actor.person_id, dropped_at=context.now),)


def _match(state: BankLineAct | None, order: MatchLine, facts: BankLineFacts, context: Context) -> Events:
    line = _free(state, facts)
    part = order.paid_part
    if part is not None:
        refuse_unpayable((part,))
        if facts.attempt is not None and part.currency != facts.attempt.currency:
            raise RuleViolation("currencies_differ", "The payment is in another currency.")
    _refuse_unless_it_fits(line, facts, order.attempt_id, order.other_than_named, None if part is None else part.amount)
    _refuse_whoever_paid(facts)
    return (
        BankLineMatchAsked(
            attempt_id=order.attempt_id, asked_by=context.actor.person_id, asked_at=context.now,
            other_than_named=order.other_than_named, paid_part=part,
        ),
    )  # fmt: skip


def _confirm(state: BankLineAct, _: ConfirmMatch, facts: BankLineFacts, context: Context) -> Events:
    assert state.attempt_id is not None
    assert state.asked_by is not None
    line = _still_waiting(facts)
    _refuse_unless_it_fits(line, facts, state.attempt_id, state.other_than_named, state.paid_part)
    _refuse_whoever_paid(facts)
    return (
        BankLineMatched(
            attempt_id=state.attempt_id, asked_by=state.asked_by, matched_by=context.actor.person_id, matched_at=context.now,
            part_worth=_worth(line, facts, state.paid_part),
        ),
    )  # fmt: skip


def _worth(line: BankLine, facts: BankLineFacts, part: Decimal | None) -> Money | None:
    # What it was found to be worth on that day stays, whatever becomes of the rate.
    if part is None or facts.part_worth is None or line.currency is None:
        return None
    return Money(amount=worth_of_part(line, facts.part_worth), currency=line.currency)


def _drop(_: BankLineAct, __: DropMatch, facts: BankLineFacts, context: Context) -> Events:
    _refuse_whoever_paid(facts)
    return (BankLineMatchDropped(dropped_by=context.actor.person_id, dropped_at=context.now),)


def _undo(state: BankLineAct, _: UndoMatch, facts: BankLineFacts, context: Context) -> Events:
    assert state.attempt_id is not None
    _still_waiting(facts)
    _refuse_whoever_paid(facts)
    return (BankLineUndoAsked(attempt_id=state.attempt_id, asked_by=context.actor.person_id, asked_at=context.now),)


def _confirm_undoing(state: BankLineAct, _: ConfirmUndoing, facts: BankLineFacts, context: Context) -> Events:
    assert state.attempt_id is not None
    assert state.asked_by is not None
    _still_waiting(facts)
    _refuse_whoever_paid(facts)
    return (
        BankLineMatchUndone(
            attempt_id=state.attempt_id, asked_by=state.asked_by, undone_by=context.actor.person_id, undone_at=context.now
        ),
    )


def _keep(_: BankLineAct, __: KeepMatch, facts: BankLineFacts, context: Context) -> Events:
    _refuse_whoever_paid(facts)
    return (BankLineMatchKept(kept_by=context.actor.person_id, kept_at=context.now),)


def refuse_unless_told_again(status: BankLineActStatus | None, *, told_again: bool) -> None:
    """Refused as ``not_told_again`` unless the line was taken for one that another statement has, and as ``apart_asked``."""
    if not told_again:
        raise RuleViolation("not_told_again", "Nobody took this line for one that another statement has as well.")
    if status == "apart_asked":
        raise RuleViolation("apart_asked", "A colleague found already that this is another line. Confirm that or drop it first.")


def _tell_apart(state: BankLineAct | None, _: TellApart, facts: BankLineFacts, context: Context) -> Events:
    _line(facts)
    refuse_unless_told_again(None if state is None else state.status, told_again=facts.told_again)
    _refuse_whoever_paid(facts)
    return (BankLineApartAsked(asked_by=context.actor.person_id, asked_at=context.now),)


def _confirm_apart(state: BankLineAct, _: ConfirmApart, facts: BankLineFacts, context: Context) -> Events:
    _refuse_whoever_paid(facts)
    assert state.asked_by is not None
    return (BankLineToldApart(asked_by=state.asked_by, confirmed_by=context.actor.person_id, confirmed_at=context.now),)


def _keep_together(_: BankLineAct, __: KeepTogether, ___: BankLineFacts, context: Context) -> Events:
    return (BankLineApartDropped(dropped_by=context.actor.person_id, dropped_at=context.now),)


def _while(*statuses: BankLineActStatus) -> Guard[BankLineAct, BankLineFacts]:
    def guard(state: BankLineAct, _: BankLineFacts, __: Context) -> None:
        if state.status not in statuses:
            raise RuleViolation("wrong_status", "Nobody has said this of the line, or it is decided already.")

    return guard


def _by_another(state: BankLineAct, _: BankLineFacts, context: Context) -> None:
    if state.asked_by == context.actor.person_id:
        raise not_by_whoever_asked()


_MATCHED: Final = _while(*sorted(OF_THE_ATTEMPT_FOUND - {"undo_asked"}))

BANK_LINE: Decider[BankLineAct, BankLineFacts] = Decider(
    rules=(
        either(ExplainLine, "Say what it is", _explain),
        either(ProposeExplanation, "Say that it is no payment of ours", _propose),
        changing(ConfirmExplanation, "Confirm what it is", _confirm_explanation, _while("explanation_asked"), _by_another),
        changing(DropExplanation, "Drop what it was said to be", _drop_explanation, _while("explanation_asked")),
        either(MatchLine, "Say which payment it is", _match),
        changing(ConfirmMatch, "Confirm which payment it is", _confirm, _while("match_asked"), _by_another),
        changing(DropMatch, "Drop the match", _drop, _while("match_asked")),
        changing(UndoMatch, "Undo the match", _undo, _MATCHED),
        changing(ConfirmUndoing, "Confirm that the match is undone", _confirm_undoing, _while("undo_asked"), _by_another),
        changing(KeepMatch, "Keep the match", _keep, _while("undo_asked")),
        either(TellApart, "Say that it is another line", _tell_apart),
        changing(ConfirmApart, "Confirm that it is another line", _confirm_apart, _while("apart_asked"), _by_another),
        changing(KeepTogether, "Leave it as told again", _keep_together, _while("apart_asked")),
    ),
    evolve=evolve,
    events=(
        BankLineExplained, BankLineExplanationAsked, BankLineExplanationDropped, BankLineMatchAsked, BankLineMatchDropped,
        BankLineMatched, BankLineUndoAsked, BankLineMatchKept, BankLineMatchUndone, BankLineApartAsked,
        BankLineApartDropped, BankLineToldApart,
    ),
)
