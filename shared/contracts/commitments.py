"""The event of reintegration about a commitment in the fund's currency, and the rates that such an amount was converted by."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts.approvals import CrossRate
from shared.contracts.authority import ApprovingRole
from shared.contracts.rates import Base, ExchangeRate, RateSource
from shared.messages import Event, Part
from shared.money import Money


class RateUsed(Part):
    """One revision of a rate that an amount was converted by: one unit of ``base`` was ``rate`` units of ``currency``."""

    currency: str
    base: Base
    effective_on: date
    revision: int
    rate: ExchangeRate
    source: RateSource


class CommitmentAdded(Event, kind="avrr.reintegration.grant.commitment_added.v1"):
    """So much more of its fund is committed to a grant in another currency, since the rates have moved.

    ``total`` is all that is committed to it or paid with this, in the fund's currency; ``weighed`` is that with the person's
    other grants of twelve months, by which as many would have to approve as ``levels_needed`` says. ``in_authority`` is the
    total in the currency of the authority, by ``rate`` if that is another one. ``auth_age_seconds`` is as with an approval.
    """

    addition_no: int
    fund_id: UUID
    money: Money
    total: Money
    levels_needed: int
    weighed: Money
    one_approver_up_to: Money
    two_approvers_up_to: Money
    added_by: str
    added_at: datetime
    added_on: date
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


EVENTS: tuple[type[Event], ...] = (CommitmentAdded,)
