"""The events of reintegration about delegated authority: who may approve up to how much, and who stands in for whom."""

from datetime import date, datetime
from typing import Literal

from shared.contracts.counselling import StaffId
from shared.messages import Event
from shared.money import Money

ApprovingRole = Literal["finance_approver", "chief_of_mission"]
AuthorityEndReason = Literal["left_the_post", "replaced", "no_longer_needed", "given_by_mistake", "misuse_suspected"]


class AuthorityGiven(Event, kind="avrr.reintegration.authority.given.v1"):
    """From the first to the last of these days ``holder_id`` may approve a grant of at most ``up_to`` in this role."""

    holder_id: StaffId
    role: ApprovingRole
    up_to: Money
    valid_from: date
    valid_until: date
    given_by: StaffId
    given_at: datetime


class DeputyNamed(Event, kind="avrr.reintegration.authority.deputy_named.v1"):
    """From the first to the last of these days ``deputy_id`` may act on the authority for its holder."""

    deputy_id: StaffId
    valid_from: date
    valid_until: date
    named_by: StaffId
    named_at: datetime


class AuthorityEnded(Event, kind="avrr.reintegration.authority.ended.v1"):
    """From now on nobody acts on this authority, its deputies no more than its holder; what was approved by it stays."""

    reason: AuthorityEndReason
    ended_by: StaffId
    ended_at: datetime


EVENTS: tuple[type[Event], ...] = (AuthorityGiven, DeputyNamed, AuthorityEnded)
