"""A grant as those see it who pay, reconcile or have no part in its fund: each without what is not theirs to know."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from services.reintegration.domain.grant_state import (
    CashWitness,
    EndAsked,
    EndedEarly,
    Evidence,
    Grant,
    GrantStatus,
    TrancheStatus,
    Visit,
)
from services.reintegration.domain.papers import as_shown
from services.reintegration.policy import SEES_THE_FUND, SEES_THE_MONEY, SEES_WHAT_IT_IS_FOR, certifies
from services.reintegration.recovery_queries import MoneyBackRow, ProposedBackRow, WriteOffRow
from shared.actors import Actor, Role
from shared.conditions import version_shown
from shared.contracts.accounting import DifferenceReason, ShortReason
from shared.contracts.attempts import FailureReason, PaymentMethod, ReversalReason
from shared.contracts.commitments import RateUsed
from shared.contracts.reintegration import EvidenceKind, Filer, GrantModality
from shared.contracts.stops import RecoveryReason, SuspensionReason
from shared.files.media import MediaType
from shared.handling import ShownAs
from shared.money import Amount

_MONEY_ALONE: Final = (*SEES_THE_MONEY, Role.OFFICE_PAYER)
# An office is told what its grants are for, as far as the persons agree.
_SEES_MORE: Final = (*SEES_WHAT_IT_IS_FOR, Role.RECEIVING_OFFICE)


class TrancheToPay(BaseModel):
    """One instalment as who pays and who reconciles see it."""

    number: int
    amount: Amount
    status: TrancheStatus
    reference: str | None
    paid_on: date | None
    released_by: str | None
    released_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    delivered_by: str | None
    delivered_at: datetime | None
    reconciled_by: str | None
    reconciled_at: datetime | None
    in_fund: Amount | None
    rates: tuple[RateUsed, ...]
    attempt_no: int
    attempt_id: UUID | None
    posted_in: date | None
    payee_id: UUID | None
    account_no: int | None
    method: PaymentMethod | None
    witness: CashWitness | None
    received: Amount | None
    difference: Amount | None
    difference_reason: DifferenceReason | None
    end_asked: EndAsked | None
    bank_charges: Amount | None
    booked_short: Amount | None
    ended_early: EndedEarly | None
    charges_currency: str | None
    short_reason: ShortReason | None


class AttemptRow(BaseModel):
    """An attempt to pay that failed or whose money came back, as who pays and who reconciles see it; no ``ended_by``: the bank said so."""

    tranche: int
    attempt_no: int
    attempt_id: UUID | None
    amount: Amount
    in_fund: Amount | None
    released_by: str | None
    released_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    reference: str | None
    paid_on: date | None
    ended_by: str | None
    end_asked_by: str | None
    ended_at: datetime
    ended_on: date
    reason: FailureReason | ReversalReason
    payee_id: UUID | None
    account_no: int | None
    method: PaymentMethod | None


class AdditionRow(BaseModel):
    """What an approver added to a commitment, in the fund's currency."""

    addition_no: int
    amount: Amount
    adder_id: str
    added_at: datetime


class EvidenceRow(BaseModel):
    """A receipt or another paper of a grant as its readers see it: what it is, and in which role it was filed."""

    evidence_id: UUID
    kind: EvidenceKind | None
    media_type: MediaType
    size: int
    sha256: str
    tranche: int | None
    filed_as: Filer
    filed_at: datetime


class GrantToPay(BaseModel):
    """A grant as who pays and who reconciles see it: the money, who decided on it and its papers, not what it is for."""

    case_id: UUID
    person_id: UUID
    destination_country: str
    status: GrantStatus
    modality: GrantModality
    amount: Amount
    currency: str
    fund_id: UUID | None
    committed: Amount
    paid: Amount
    requested_at: datetime
    waiting_since: datetime
    endorser_id: str | None
    endorsed_at: datetime | None
    approver_id: str | None
    approved_at: datetime | None
    suspended_at: datetime | None
    suspended_for: SuspensionReason | None
    recovery_opened_at: datetime | None
    recovery_for: RecoveryReason | None
    recovery_amount: Amount | None
    recovery_closed_at: datetime | None
    recovered: Amount
    recoveries: tuple[MoneyBackRow, ...]
    recovery_proposed: ProposedBackRow | None
    written_off: Amount
    write_off: WriteOffRow | None
    write_offs: tuple[WriteOffRow, ...]
    fund_currency: str | None
    fund_amount: Amount | None
    fund_total: Amount | None
    fund_committed: Amount | None
    fund_paid: Amount | None
    fund_recovered: Amount | None
    fund_rates: tuple[RateUsed, ...]
    additions: tuple[AdditionRow, ...]
    tranches: tuple[TrancheToPay, ...]
    former_attempts: tuple[AttemptRow, ...]
    visits: tuple[Visit, ...]
    evidence: tuple[EvidenceRow, ...]


def to_pay(grant: Grant) -> GrantToPay:
    """A grant without what it is for."""
    return GrantToPay(
        case_id=grant.case_id, person_id=grant.person_id, destination_country=grant.destination_country,
        status=grant.status, modality=grant.modality, amount=grant.amount, currency=grant.currency,
        fund_id=grant.fund_id, committed=grant.committed, paid=grant.paid,
        requested_at=grant.requested_at, waiting_since=grant.waiting_since, endorser_id=grant.endorser_id,
        endorsed_at=grant.endorsed_at, approver_id=grant.approver_id, approved_at=grant.approved_at,
        suspended_at=grant.suspended_at, suspended_for=grant.suspended_for, recovery_opened_at=grant.recovery_opened_at,
        recovery_for=grant.recovery_for, recovery_amount=grant.recovery_amount,
        recovery_closed_at=grant.recovery_closed_at, recovered=grant.recovered, written_off=grant.written_off,
        recoveries=tuple(MoneyBackRow.model_validate(one, from_attributes=True) for one in grant.recoveries),
        recovery_proposed=(
            None if grant.recovery_proposed is None else ProposedBackRow.model_validate(grant.recovery_proposed, from_attributes=True)
        ),
        write_off=None if grant.write_off is None else WriteOffRow.model_validate(grant.write_off, from_attributes=True),
        write_offs=tuple(WriteOffRow.model_validate(one, from_attributes=True) for one in grant.write_offs),
        fund_currency=grant.fund_currency, fund_amount=grant.fund_amount, fund_total=grant.fund_total,
        fund_committed=grant.fund_committed, fund_paid=grant.fund_paid, fund_recovered=grant.fund_recovered,
        fund_rates=grant.fund_rates,
        additions=tuple(AdditionRow.model_validate(one, from_attributes=True) for one in grant.additions),
        tranches=tuple(TrancheToPay.model_validate(tranche, from_attributes=True) for tranche in grant.tranches),
        former_attempts=tuple(AttemptRow.model_validate(one, from_attributes=True) for one in grant.former_attempts),
        visits=grant.visits,
        evidence=evidence_of(grant.evidence),
    )


def shown_as(reader: Actor) -> ShownAs[Grant] | None:
    """By what somebody knows a grant who sees its money alone; None for whoever knows it by its version.

    A grant of health is certified and has papers of its own, which the version counts.
    """
    if reader.roles.isdisjoint(_MONEY_ALONE) or certifies(reader) or not reader.roles.isdisjoint(_SEES_MORE):
        return None
    return lambda grant: version_shown(_with_its_money(grant, reader))


def _with_its_money(grant: Grant, reader: Actor) -> GrantToPay:
    shown = as_shown(grant, reader)
    return to_pay(without_its_fund(shown) if reader.roles.isdisjoint(SEES_THE_FUND) else shown)


def without_its_fund(grant: Grant) -> Grant:
    """A grant for who has no part in the money: what it costs a donor, and by which rates, is not told."""
    return replace(
        grant, fund_currency=None, fund_amount=None, fund_total=None, fund_committed=None, fund_paid=None, fund_rates=(),
        fund_recovered=None, recoveries=tuple(replace(back, in_fund=None) for back in grant.recoveries),
        additions=(), last_addition=None,
        tranches=tuple(replace(tranche, in_fund=None, rates=()) for tranche in grant.tranches),
        former_attempts=tuple(replace(attempt, in_fund=None) for attempt in grant.former_attempts),
    )  # fmt: skip


def evidence_of(filed: Sequence[Evidence]) -> tuple[EvidenceRow, ...]:
    """The evidence of a grant in the order in which it was filed, without who filed it."""
    return tuple(EvidenceRow.model_validate(one, from_attributes=True) for one in filed)
