"""The events by which the money of a grant is stopped, goes on, or is to come back; fields are only ever added."""

from datetime import datetime
from typing import Literal

from shared.contracts.recoveries import EVENTS as RECOVERIES
from shared.messages import Event
from shared.money import Money

# Why is told in words that accuse nobody: what is being looked into stands in no event.
SuspensionReason = Literal["under_review", "lost_contact", "re_migrated"]
RecoveryReason = Literal["overpaid", "paid_in_error", "used_otherwise"]


class GrantSuspended(Event, kind="avrr.reintegration.grant.suspended.v1"):
    """No further tranche is released until the grant goes on."""

    reason: SuspensionReason
    suspended_by: str
    suspended_at: datetime


class GrantResumed(Event, kind="avrr.reintegration.grant.resumed.v1"):
    """The grant goes on where it was suspended."""

    resumed_by: str
    resumed_at: datetime


class RecoveryOpened(Event, kind="avrr.reintegration.grant.recovery_opened.v1"):
    """Of what was paid so much is asked back, whatever the grant has come to since."""

    reason: RecoveryReason
    money: Money
    opened_by: str
    opened_at: datetime


EVENTS: tuple[type[Event], ...] = (GrantSuspended, GrantResumed, RecoveryOpened, *RECOVERIES)
