"""Delegated authority: who may approve grants up to how much, from when until when, and who stands in for them."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from services.reintegration.domain.amounts import PositiveMoney
from shared.actors import Role
from shared.contracts.authority import (
    ApprovingRole,
    AuthorityEnded,
    AuthorityEndReason,
    AuthorityGiven,
    DeputyNamed,
)
from shared.contracts.counselling import StaffId
from shared.decider import Decider, Events, changing, opening
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day
from shared.money import refuse_unpayable

# Whoever decides above all others is given that by somebody who does not decide on money.
_GIVES: Final[dict[ApprovingRole, Role]] = {
    "finance_approver": Role.CHIEF_OF_MISSION, "chief_of_mission": Role.MANAGER,
}  # fmt: skip
_MUST_GIVE: Final[dict[ApprovingRole, str]] = {
    "finance_approver": "The chief of mission gives authority to those who approve for finance.",
    "chief_of_mission": "A manager gives the chief of mission's own authority.",
}


@dataclass(frozen=True, slots=True)
class Deputy:
    """Who acts for the holder from the first to the last of these days."""

    deputy_id: str
    valid_from: date
    valid_until: date
    named_by: str
    named_at: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """What was given to whom; its terms never change, deputies are only added, and once ended it stays so."""

    holder_id: str
    role: ApprovingRole
    up_to: Decimal
    currency: str
    valid_from: date
    valid_until: date
    given_by: str
    given_at: datetime
    deputies: tuple[Deputy, ...] = ()
    ended_by: str | None = None
    ended_at: datetime | None = None
    end_reason: AuthorityEndReason | None = None


@dataclass(frozen=True, slots=True)
class AuthorityFacts:
    """Whether the holder has an open authority of this role and currency under another id, and the mission's day."""

    taken: bool = False
    today: date | None = None


class GiveAuthority(Command):
    """Give a colleague the authority to approve grants up to an amount, with the first and the last day it counts."""

    holder_id: StaffId
    role: ApprovingRole
    up_to: PositiveMoney
    valid_from: Day
    valid_until: Day


class NameDeputy(Command):
    """Name who acts for the holder while they are away. A deputy has the holder's limit and decides nothing the holder could not."""

    deputy_id: StaffId
    valid_from: Day
    valid_until: Day


class EndAuthority(Command):
    """End an authority and all that its deputies had by it, from this moment on."""

    reason: AuthorityEndReason


def authority_open() -> RuleViolation:
    """Refuses a second open authority of one holder, role and currency; the database's key refuses it in the same words."""
    return RuleViolation(
        "authority_open", "This colleague has an authority of this role and currency. End that one before you give another."
    )


def not_for_oneself() -> FourEyes:
    """Refuses whoever would give, or pass on, an authority of their own; the database's CHECKs refuse it in the same words."""
    return FourEyes("Nobody gives authority to themselves or names who stands in for them. Somebody else has to.")


def _refuse_unless_gives(role: ApprovingRole, context: Context) -> None:
    if _GIVES[role] not in context.actor.roles:
        raise RuleViolation("not_yours_to_give", _MUST_GIVE[role])


def _refuse_days(order: GiveAuthority | NameDeputy, facts: AuthorityFacts) -> None:
    if order.valid_until < order.valid_from:
        raise RuleViolation("validity_reversed", "The last day lies before the first one.")
    if facts.today is not None and order.valid_from < facts.today:
        # Else what somebody had approved without authority could be covered afterwards.
        raise RuleViolation("backdated", "Authority counts from today on at the earliest.")


def _give(order: GiveAuthority, facts: AuthorityFacts, context: Context) -> Events:
    _refuse_unless_gives(order.role, context)
    if order.holder_id == context.actor.person_id:
        raise not_for_oneself()
    refuse_unpayable((order.up_to,))
    _refuse_days(order, facts)
    if facts.taken:
        raise authority_open()
    return (
        AuthorityGiven(
            holder_id=order.holder_id, role=order.role, up_to=order.up_to, valid_from=order.valid_from,
            valid_until=order.valid_until, given_by=context.actor.person_id, given_at=context.now,
        ),
    )  # fmt: skip


def _open(state: Authority, facts: AuthorityFacts, context: Context) -> None:
    if state.ended_at is not None:
        raise RuleViolation("authority_ended", "This authority was ended.")


def _gives_it(state: Authority, facts: AuthorityFacts, context: Context) -> None:
    _refuse_unless_gives(state.role, context)
    if state.holder_id == context.actor.person_id:
        raise not_for_oneself()


def _name(state: Authority, order: NameDeputy, facts: AuthorityFacts, context: Context) -> Events:
    if order.deputy_id == context.actor.person_id:
        raise not_for_oneself()
    if order.deputy_id == state.holder_id:
        raise RuleViolation("deputy_of_oneself", "Nobody stands in for themselves.")
    _refuse_days(order, facts)
    if not (state.valid_from <= order.valid_from and order.valid_until <= state.valid_until):
        raise RuleViolation("outside_the_authority", "A deputy acts on days on which the authority itself counts.")
    if any(
        one.deputy_id == order.deputy_id and one.valid_from <= order.valid_until and order.valid_from <= one.valid_until
        for one in state.deputies
    ):
        raise RuleViolation("deputy_named_already", "This colleague is the deputy on some of these days already.")
    return (
        DeputyNamed(
            deputy_id=order.deputy_id, valid_from=order.valid_from, valid_until=order.valid_until,
            named_by=context.actor.person_id, named_at=context.now,
        ),
    )  # fmt: skip


def _end(state: Authority, order: EndAuthority, facts: AuthorityFacts, context: Context) -> Events:
    # Whoever gives any authority may end each, their own too: it only takes away, and may have to be quick.
    return (AuthorityEnded(reason=order.reason, ended_by=context.actor.person_id, ended_at=context.now),)


def evolve(state: Authority | None, event: Event) -> Authority:
    """The authority after its event; TypeError for one that does not fit."""
    match event:
        case AuthorityGiven() if state is None:
            return Authority(
                holder_id=event.holder_id, role=event.role, up_to=event.up_to.amount, currency=event.up_to.currency,
                valid_from=event.valid_from, valid_until=event.valid_until, given_by=event.given_by, given_at=event.given_at,
            )  # fmt: skip
        case DeputyNamed() if state is not None:
            named = Deputy(event.deputy_id, event.valid_from, event.valid_until, event.named_by, event.named_at)
            return replace(state, deputies=(*state.deputies, named))
        case AuthorityEnded() if state is not None:
            return replace(state, ended_by=event.ended_by, ended_at=event.ended_at, end_reason=event.reason)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit an authority here")


AUTHORITY: Decider[Authority, AuthorityFacts] = Decider(
    rules=(
        opening(GiveAuthority, "Give authority", _give),
        changing(NameDeputy, "Name a deputy", _name, _open, _gives_it),
        changing(EndAuthority, "End the authority", _end, _open),
    ),
    evolve=evolve, events=(AuthorityGiven, DeputyNamed, AuthorityEnded),
)  # fmt: skip
