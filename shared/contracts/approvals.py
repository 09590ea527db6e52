"""The event of reintegration about an approval: one of those that a request needs, and by whose authority it was given."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.authority import ApprovingRole
from shared.contracts.counselling import Sha256
from shared.contracts.rates import RateSource
from shared.messages import Event
from shared.money import Money

CrossRate = Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,30})?$")]


class ApprovalGiven(Event, kind="avrr.reintegration.grant.approval_given.v1"):
    """One of the approvals that this version of a request needs; the last of them commits the money.

    ``weighed`` is the amount with the person's other grants of twelve months: by it and the two thresholds as many
    approve as ``levels_needed`` says. ``in_authority`` is the amount in the currency of the authority, by ``rate`` if that
    is another one. Who acts for the holder of the authority is a deputy. ``auth_age_seconds``: how long before it they
    had signed in, below zero where the issuer's clock is ahead.
    """

    request_version: int
    content_hash: Sha256
    money: Money
    fund_id: UUID
    level: int
    levels_needed: int
    weighed: Money
    one_approver_up_to: Money
    two_approvers_up_to: Money
    approved_by: str
    approved_at: datetime
    approved_on: date
    authority_id: UUID
    terms_no: int
    authority_holder: str
    authority_role: ApprovingRole
    authority_up_to: Money
    authority_valid_from: date
    authority_valid_until: date
    in_authority: Money
    rate: CrossRate | None
    rate_on: date | None
    rate_sources: tuple[RateSource, ...]
    strength: Literal["phishing_resistant"]
    auth_age_seconds: int


EVENTS: tuple[type[Event], ...] = (ApprovalGiven,)
