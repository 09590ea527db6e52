"""After a restore nothing is ordered to be paid until two persons of finance cleared what the lost entries say of payments (decision 120)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID, uuid5

from pydantic import Field

from services.reintegration.domain.grant_facts import MOST_TRANCHES
from shared.contracts.lost_payments import (
    EVENTS,
    MOST_IN_ONE_EVENT,
    LostFact,
    LostPayment,
    LostPaymentFound,
    LostPaymentsCleared,
    LostPaymentsClearingAsked,
    LostPaymentSettled,
    LostPaymentsListed,
    LostStop,
    MoneyOutcome,
)
from shared.decider import Decider, Events, ReadsFacts, changing, recording
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event

LostPaymentsStatus = Literal["waiting", "asked", "cleared"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An attempt to pay of which the restored database knows less than a lost entry says.

    ``by`` is who ordered or recorded it, as far as the entry says so; ``outcome`` is there once somebody found out. ``line_id`` is the
    line of the bank's by which it was found where no entry tells of it.
    """

    event_id: UUID
    fact: LostFact
    attempt_id: UUID | None
    grant_id: UUID | None
    number: int | None
    outcome: MoneyOutcome | None = None
    by: str | None = None
    line_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LostPayments:
    """What one restore lost of payments, under an id made of its mark's, and who said that all of it is known.

    ``unknown`` entries at least were lost between ``since`` and ``listed_at`` of which nobody has more than that they were there:
    how many, nobody can say where no source outlived the restore. ``since`` is None where the log was set back to nothing, and where
    nobody said since when, as of restores of before. ``stops`` said that money may not go. ``without_statements``: whoever asked
    said that of these own accounts no statement of those days can be had.
    """

    payments: tuple[Unknown, ...]
    listed_at: datetime
    status: LostPaymentsStatus = "waiting"
    asked_by: str | None = None
    cleared_by: str | None = None
    cleared_at: datetime | None = None
    unknown: int = 0
    since: datetime | None = None
    stops: tuple[LostStop, ...] = ()
    without_statements: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class LostPaymentsFacts:
    """What the bank's files say beside the lost entries; what was not looked up refuses.

    ``lines_wait``: a line of the lost days names a payment that the database does not know, and nobody found out what it is, or its
    file waits for a second person. ``statements_missing`` are the own accounts of which no statement covers those days; where
    ``accounts_known`` is false nobody knows of which accounts they should be. ``line_known`` and ``tranche_known``: the line by which
    somebody found a payment is a debit of these days that waits or was explained, and there is such a tranche.
    """

    lines_wait: bool = True
    statements_missing: tuple[UUID, ...] | None = None
    accounts_known: bool = False
    line_known: bool = False
    tranche_known: bool = False


class RecordLostPayments(Command):
    """Take note of what lost entries say of payments and of stops; each entry counts once, and a new one opens what was cleared."""

    payments: tuple[LostPayment, ...]
    unknown: Annotated[int, Field(ge=0)] = 0
    since: datetime | None = None
    stops: tuple[LostStop, ...] = ()


class SettleLostPayment(Command):
    """State whether the money of a lost payment left, as bank, cash desk or office know it; what was cleared by it is cleared anew.

    The bank may turn down days later what was taken to have left: so this is corrected at any time, by two again.
    """

    event_id: UUID
    outcome: MoneyOutcome


class NameFoundPayment(Command):
    """State which tranche a line of the bank's paid of which no lost entry tells. It is not ordered again; a colleague corrects it.

    A line that paid several is stated of each.
    """

    line_id: UUID
    grant_id: UUID
    number: Annotated[int, Field(strict=True, ge=1, le=MOST_TRANCHES)]


class AskToClearLostPayments(Command):
    """State that of every lost payment it is known what became of it. A colleague who approves has to agree.

    Whatever is known of lost entries, the statements of the lost days tell what left; say so if some cannot be had.
    """

    without_statements: Annotated[
        bool, Field(description="The statements of the lost days that are still missing cannot be had from the bank. The colleague is shown of which accounts.")
    ] = False


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


def bank_lines_wait() -> RuleViolation:
    """Refuses to clear while the bank tells of payments that nobody looked at, and that the database does not know."""
    return RuleViolation(
        "bank_lines_wait",
        "Lines of the bank's wait that name payments which the restored database does not know, or their file waits for a second person. Find out first what they are.",
    )


def statements_missing(accounts: tuple[UUID, ...]) -> RuleViolation:
    """Refuses to clear without what the bank says of those days; the accounts are named by their ids."""
    named = ", ".join(map(str, accounts)) or "some of our own accounts"
    return RuleViolation(
        "statements_missing",
        f"Nobody can say that all lost entries are known, and no statement that counts covers the lost days of {named}. Bring it, or state that it cannot be had.",
    )


def _record(state: LostPayments | None, order: RecordLostPayments, _: LostPaymentsFacts, context: Context) -> Events:
    known = {*(one.event_id for one in state.payments), *(one.event_id for one in state.stops)} if state is not None else set()
    fresh = tuple(one for one in order.payments if one.event_id not in known)
    stops = tuple(one for one in order.stops if one.event_id not in known)
    if state is not None and not fresh and not stops and order.unknown <= state.unknown:
        return ()
    parts: list[tuple[tuple[LostPayment, ...], tuple[LostStop, ...]]] = [(fresh[at : at + MOST_IN_ONE_EVENT], ()) for at in range(0, len(fresh), MOST_IN_ONE_EVENT)]
    parts += [((), stops[at : at + MOST_IN_ONE_EVENT]) for at in range(0, len(stops), MOST_IN_ONE_EVENT)]
    return tuple(
        LostPaymentsListed(payments=part, listed_at=context.now, unknown=order.unknown, since=order.since, stops=of_stops)
        for part, of_stops in parts or [((), ())]
    )


def _not_cleared(state: LostPayments, _: LostPaymentsFacts, __: Context) -> None:
    if state.status == "cleared":
        raise RuleViolation("already_cleared", "Two persons cleared this already.")


def _settle(state: LostPayments, order: SettleLostPayment, _: LostPaymentsFacts, context: Context) -> Events:
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


def found_by_line(line_id: UUID, grant_id: UUID, number: int) -> UUID:
    """Under which id stands that a line of the bank's paid a tranche: the same for the same of both, so that it stands once."""
    return uuid5(line_id, f"{grant_id}/{number}")


def _name(state: LostPayments, order: NameFoundPayment, facts: LostPaymentsFacts, context: Context) -> Events:
    named = (order.line_id, order.grant_id, order.number)
    if any((one.line_id, one.grant_id, one.number) == named and one.outcome != "not_left" for one in state.payments):
        raise RuleViolation("found_already", "Of this line it is stated already that it paid this tranche.")
    if not facts.line_known:
        raise RuleViolation("line_not_lost", "No debit of the lost days that waits has this id.")
    if not facts.tranche_known:
        raise RuleViolation("tranche_unknown", "No grant has such a tranche.")
    return (
        LostPaymentFound(
            line_id=order.line_id, grant_id=order.grant_id, number=order.number, found_by=context.actor.person_id, found_at=context.now,
            event_id=found_by_line(*named),
        ),
    )


def _all_known(state: LostPayments, _: LostPaymentsFacts, __: Context) -> None:
    if any(one.outcome is None for one in state.payments):
        raise RuleViolation("payments_unsettled", "Of some lost payments it is not stated yet whether their money left.")


def _asked(state: LostPayments, _: LostPaymentsFacts, __: Context) -> None:
    if state.status != "asked":
        raise RuleViolation("not_asked", "A reconciler states first that all of it is known.")


def _by_another(state: LostPayments, _: LostPaymentsFacts, context: Context) -> None:
    if context.actor.person_id == state.asked_by:
        raise not_by_whoever_stated()
    if any(one.by == context.actor.person_id for one in state.payments):
        raise not_by_whoever_ordered()


@ReadsFacts
def _no_line_waits(_: LostPayments, facts: LostPaymentsFacts, __: Context) -> None:
    if facts.lines_wait:
        raise bank_lines_wait()


@ReadsFacts
def _as_asked(state: LostPayments, facts: LostPaymentsFacts, _: Context) -> None:
    # A file that counted as somebody asked may have been dropped since.
    missing = facts.statements_missing
    if missing is None or not set(missing) <= set(state.without_statements):
        raise statements_missing(missing or ())


def _ask(_: LostPayments, order: AskToClearLostPayments, facts: LostPaymentsFacts, context: Context) -> Events:
    missing = facts.statements_missing
    if missing is None or ((missing or not facts.accounts_known) and not order.without_statements):
        raise statements_missing(missing or ())
    return (LostPaymentsClearingAsked(asked_by=context.actor.person_id, asked_at=context.now, without_statements=missing),)


def _clear(_: LostPayments, __: ClearLostPayments, ___: LostPaymentsFacts, context: Context) -> Events:
    return (LostPaymentsCleared(cleared_by=context.actor.person_id, cleared_at=context.now),)


def _asked_anew(state: LostPayments) -> LostPayments:
    return replace(state, status="waiting", asked_by=None, cleared_by=None, cleared_at=None, without_statements=())


def evolve(state: LostPayments | None, event: Event) -> LostPayments:
    """The list after one fact; TypeError for a fact that does not fit. What is added or changed is asked about anew."""
    match event:
        case LostPaymentsListed():
            added = tuple(Unknown(one.event_id, one.fact, one.attempt_id, one.grant_id, one.number, by=one.by) for one in event.payments)
            if state is None:
                return LostPayments(added, event.listed_at, unknown=event.unknown, since=event.since, stops=event.stops)
            return replace(
                _asked_anew(state), payments=(*state.payments, *added), unknown=max(state.unknown, event.unknown),
                since=state.since or event.since, stops=(*state.stops, *event.stops),
            )  # fmt: skip
        case LostPaymentSettled() if state is not None:
            settled = tuple(
                replace(one, outcome=event.outcome) if one.event_id == event.event_id else one for one in state.payments
            )
            return replace(_asked_anew(state), payments=settled)
        case LostPaymentFound() if state is not None:
            # Whoever found it has not the last word on it; what a colleague corrected may be found again.
            found = Unknown(event.event_id or event.line_id, "paid", None, event.grant_id, event.number, "left", event.found_by, event.line_id)
            others = tuple(one for one in state.payments if one.event_id != found.event_id)
            return replace(_asked_anew(state), payments=(*others, found))
        case LostPaymentsClearingAsked() if state is not None:
            return replace(state, status="asked", asked_by=event.asked_by, without_statements=event.without_statements)
        case LostPaymentsCleared() if state is not None:
            return replace(state, status="cleared", cleared_by=event.cleared_by, cleared_at=event.cleared_at)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit what a restore lost of payments")


LOST_PAYMENTS: Final[Decider[LostPayments, LostPaymentsFacts]] = Decider(
    rules=(
        recording(RecordLostPayments, "Take note of lost payments", _record),
        changing(SettleLostPayment, "State what became of a lost payment", _settle),
        changing(NameFoundPayment, "State which tranche a line paid", _name),
        changing(AskToClearLostPayments, "State that all lost payments are known", _ask, _not_cleared, _all_known, _no_line_waits),
        changing(
            ClearLostPayments, "Let money be ordered again", _clear, _not_cleared, _asked, _all_known, _no_line_waits, _as_asked, _by_another,
        ),
    ),
    evolve=evolve,
    events=EVENTS,
)
