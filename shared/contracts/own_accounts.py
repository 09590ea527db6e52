"""The events of reintegration about the mission's own accounts, from which is paid: each by two persons, and no event tells a number."""

from datetime import datetime
from typing import Literal

from shared.contracts.counselling import Country, StaffId
from shared.messages import Concealed, Event
from shared.money import Currency

OwnAccountKind = Literal["bank", "cash_box"]
OwnAccountClosingReason = Literal["account_closed", "not_needed", "entered_in_error"]


class OwnAccountRegistered(Event, kind="avrr.reintegration.own_account.registered.v1"):
    """There is an account or a cash box that can be paid from once somebody else confirmed it.

    Holder, number and bank are concealed as one value (`details`). Without a country it is the mission's, else that office's.
    """

    account_kind: OwnAccountKind
    currency: Currency
    country: Country | None
    details: Concealed
    registered_by: StaffId
    registered_at: datetime


class OwnAccountConfirmed(Event, kind="avrr.reintegration.own_account.confirmed.v1"):
    """Somebody other than who registered the account compared it with the bank's papers; from now on it can be paid from."""

    confirmed_by: StaffId
    confirmed_at: datetime


class OwnAccountClosed(Event, kind="avrr.reintegration.own_account.closed.v1"):
    """Nothing more is paid from this account; what was ordered before still runs."""

    reason: OwnAccountClosingReason
    closed_by: StaffId
    closed_at: datetime


EVENTS: tuple[type[Event], ...] = (OwnAccountRegistered, OwnAccountConfirmed, OwnAccountClosed)
