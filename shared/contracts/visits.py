"""What is seen on the spot: visits to what a tranche was for, and cash that was handed over; fields are only ever added."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts.paid_although import SaysWhatStoodAgainst
from shared.messages import Event

VisitMode = Literal["in_person", "phone", "video"]
VisitFinding = Literal["as_agreed", "differs", "nothing_found"]
# By what somebody of the office saw that whoever took the cash is the one it was for.
IdentityDocument = Literal["passport", "travel_document", "identity_card", "other_with_photo", "thumbprint"]
# What has to be there of the tranche before, until the next one is released.
NextTrancheNeed = Literal["receipt", "visit"]


class VisitRecorded(Event, kind="avrr.reintegration.grant.visit_recorded.v1"):
    """Somebody looked, on a day, at what a paid tranche was for, and what they found."""

    tranche: int
    visited_on: date
    mode: VisitMode
    finding: VisitFinding
    recorded_by: str
    recorded_at: datetime


class CashWitnessed(SaysWhatStoodAgainst, kind="avrr.reintegration.grant.cash_witnessed.v1"):
    """Somebody of the office saw who took the cash of an attempt, by which document, and the day: the first of two signatures."""

    number: int
    attempt_no: int
    attempt_id: UUID | None
    handed_over_on: date
    identity_document: IdentityDocument
    witnessed_by: str
    witnessed_at: datetime


class AsksBeforeNextTranche(Event):
    """What a policy asks for of the tranche before, until the next one is released; those of before asked for nothing."""

    next_tranche_needs: tuple[NextTrancheNeed, ...] = ()


class AsksBeforeReconciling(Event):
    """What a policy asks for of each tranche before it is reconciled; those of before asked for nothing."""

    reconciling_needs: tuple[NextTrancheNeed, ...] = ()


EVENTS: tuple[type[Event], ...] = (VisitRecorded, CashWitnessed)
