"""What each fact changes of a grant, and that it changes nothing else."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import rfc8785

from services.reintegration.domain.budget import Budget, BudgetedLine, Quoted, budget_hash, written
from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_content import content_hash
from services.reintegration.domain.grant_state import (
    Addition,
    Approval,
    Certificate,
    Evidence,
    Grant,
    GrantTranche,
)
from shared.contracts.attempts import DisbursementUndone
from shared.contracts.commitments import CommitmentAdded, RateUsed
from shared.contracts.noted_cases import CaseSealed
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    EvidenceFiled,
    GrantApproved,
    GrantAttested,
    GrantCancelled,
    GrantCompleted,
    GrantDisbursed,
    GrantEndorsed,
    GrantRejected,
    GrantResubmitted,
    GrantReturned,
    GrantRevised,
    GrantSubmitted,
    PaymentConfirmed,
    Tranche,
    TrancheReconciled,
    TrancheReleased,
)
from shared.contracts.stops import GrantResumed, GrantSuspended, RecoveryOpened
from shared.messages import Concealed, Event
from shared.money import Money
from tests.given import NOON
from tests.unit.reintegration.examples import (
    APPROVER,
    BUDGET_HASH,
    CASE_ID,
    COUNSELLOR,
    DEPUTY_PAYER,
    DRAFTED,
    ENDORSER,
    FUND_ID,
    GIVEN,
    OFFICE,
    PAYER,
    PERSON,
    PLAN_ID,
    RECONCILER,
    REQUESTED,
    REQUESTER,
    SHOP,
    eur,
    ref,
)

EARLIER, LATER = NOON - timedelta(days=1), NOON + timedelta(hours=3)
OTHER_HASH = "ab" * 32
MARKS = Money(amount=Decimal("900.00"), currency="BAM")
BUDGET = Budget(
    (BudgetedLine("rent", Decimal("900.00")),), Decimal("40.00"), (Quoted("V-7", Decimal("910.00"), ref(71), chosen=True),), ref(95)
)
PAPER = EvidenceFiled(
    evidence_id=ref(71), evidence_kind=Concealed.of("quotation"), media_type="application/pdf", size=1234, sha256="cd" * 32,
    tranche=2, filed_by=OFFICE.person_id, filed_as="receiving_office", filed_at=LATER,
)  # fmt: skip
FILED = Evidence(ref(71), "quotation", "application/pdf", 1234, "cd" * 32, 2, OFFICE.person_id, "receiving_office", LATER)
DRAFT_OF = DRAFTED.model_copy(update={"drafted_at": EARLIER})
DRAFT = GRANT.evolve(None, DRAFT_OF)
# As far as a request comes, with everything on it that a later version takes away again.
ENDORSED = replace(
    DRAFT, status="endorsed", request_version=3, submitted_version=3, evidence=(FILED,), endorser_id=ENDORSER.person_id,
    endorsed_at=EARLIER, former_endorsers=("staff:former",), former_approvers=("staff:before",),
    certificate=Certificate("certified", None, Decimal(1), Decimal(2), "staff:doctor", EARLIER),
    approvals=(Approval(1, 2, APPROVER.person_id, APPROVER.person_id, FUND_ID, EARLIER),), return_reasons=("amount_unclear",),
)  # fmt: skip
SUBMITTED = replace(ENDORSED, status="submitted", endorser_id=None, endorsed_at=None, former_endorsers=(), approvals=())
RATE = RateUsed(
    currency="EUR", base="USD", effective_on=date(2023, 5, 1), revision=1, rate=Decimal("0.8"), source="un_operational_rate"
)
IN_DOLLARS: dict[str, Any] = {
    "fund_currency": "USD", "fund_amount": Decimal("1500.00"), "fund_total": Decimal("1500.00"),
    "fund_committed": Decimal("1500.00"), "fund_paid": Decimal(0), "fund_rates": (RATE,),
}  # fmt: skip
APPROVED = replace(ENDORSED, status="approved", committed=Decimal("1200.00"), fund_id=FUND_ID, **IN_DOLLARS)
FIRST, SECOND = APPROVED.tranches


def at(status: Any, **changes: Any) -> Grant:
    """The approved grant with its first tranche at this status, while money goes."""
    return replace(APPROVED, status="in_disbursement", tranches=(replace(FIRST, status=status), SECOND), **changes)


def first(before: Grant, **changes: Any) -> tuple[GrantTranche, ...]:
    return (replace(before.tranches[0], **changes), *before.tranches[1:])


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="USD")


REVISION: dict[str, Any] = {
    "modality": "service", "amount": Decimal("900.00"), "currency": "BAM", "tranches": (GrantTranche(1, Decimal("900.00")),),
    "budget": BUDGET, "budget_hash": OTHER_HASH, "content_hash": "ef" * 32, "just_below_threshold": True, "waiting_since": LATER,
    "plan_version": 3,
}  # fmt: skip
REVISED = GrantRevised(
    request_version=4, content_hash="ef" * 32, modality="service", money=MARKS, tranches=(Tranche(number=1, money=MARKS),),
    revised_at=LATER, budget=Concealed.of(written(BUDGET)), budget_hash=OTHER_HASH, just_below_threshold=True,
    plan_version=3,
)  # fmt: skip
ANEW: dict[str, Any] = {
    "status": "submitted", "request_version": 4, "submitted_version": 4, "papers": (ref(71),), "endorser_id": None,
    "endorsed_at": None, "certificate": None, "approvals": (), "return_reasons": (),
}  # fmt: skip
VOIDED: dict[str, Any] = {
    "former_endorsers": (ENDORSER.person_id, "staff:former"), "former_approvers": (APPROVER.person_id, "staff:before"),
}  # fmt: skip
TOLD = rfc8785.dumps({"outcome": "certified", "reason": None, "price_from": "10", "price_to": "12.5"}).decode()
NO = rfc8785.dumps({"outcome": "refused", "reason": "need_not_shown", "price_from": None, "price_to": None}).decode()
ATTESTED = GrantAttested(
    request_version=3, content_hash=OTHER_HASH, attestation=Concealed.of(TOLD), attested_by="staff:medical", attested_at=LATER
)
PAID = PaymentConfirmed(
    case_id=CASE_ID, number=1, money=eur("800.00"), reference="BANK-0001", paid_on=date(2023, 5, 1),
    confirmed_by=DEPUTY_PAYER.person_id, confirmed_at=LATER,
)  # fmt: skip
ADDED = CommitmentAdded(
    addition_no=2, fund_id=FUND_ID, money=usd("70.00"), total=usd("1600.00"), levels_needed=1, weighed=eur("1280.00"),
    one_approver_up_to=eur("3000.00"), two_approvers_up_to=eur("5000.00"), added_by="staff:second", added_at=LATER,
    added_on=date(2023, 5, 2), authority_id=ref(31), terms_no=1, authority_holder="staff:holder",
    authority_role="finance_approver", authority_up_to=eur("5000.00"), authority_valid_from=date.min,
    authority_valid_until=date.max, in_authority=eur("1280.00"), rate="0.8", rate_on=date(2023, 5, 1),
    rate_sources=("un_operational_rate",), strength="phishing_resistant", auth_age_seconds=5,
)  # fmt: skip
SUSPENDED = replace(at("delivered"), status="suspended", suspended_at=EARLIER, suspended_for="under_review")

FACTS: dict[str, tuple[Grant, Event, dict[str, Any]]] = {
    "submitted": (
        DRAFT,
        GrantSubmitted(
            case_id=CASE_ID, request_version=5, content_hash=OTHER_HASH, policy_programme="default", policy_version=2,
            submitted_at=LATER, just_below_threshold=True,
        ),
        {
            "status": "submitted", "waiting_since": LATER, "requested_at": LATER, "content_hash": OTHER_HASH, "submitted_version": 5,
            "policy_programme": "default", "policy_version": 2, "just_below_threshold": True,
        },
    ),
    "sent back": (
        SUBMITTED, GrantReturned(reason="paper_missing", reasons=("paper_missing",), returned_by="staff:endorser", returned_at=LATER),
        {"status": "returned", "waiting_since": LATER, "return_reasons": ("paper_missing",)},
    ),
    "a draft revised": (replace(DRAFT, evidence=(FILED,)), REVISED, {**REVISION, "request_version": 4, "papers": (ref(71),)}),
    "revised": (ENDORSED, REVISED, {**REVISION, **ANEW, **VOIDED}),
    "revised while it waits": (SUBMITTED, REVISED, {**REVISION, **ANEW, "former_approvers": ("staff:before",)}),
    "certified": (
        SUBMITTED, ATTESTED,
        {"certificate": Certificate("certified", None, Decimal(10), Decimal("12.5"), "staff:medical", LATER)},
    ),
    "not certified": (
        SUBMITTED, ATTESTED.model_copy(update={"attestation": Concealed.of(NO)}),
        {"certificate": Certificate("refused", "need_not_shown", None, None, "staff:medical", LATER)},
    ),
    "endorsed": (
        SUBMITTED, GrantEndorsed(endorsed_by="staff:other", request_version=3, endorsed_at=LATER),
        {"status": "endorsed", "waiting_since": LATER, "endorser_id": "staff:other", "endorsed_at": LATER},
    ),
    "approved by one of several": (
        ENDORSED,
        GIVEN.model_copy(update={
            "level": 2, "levels_needed": 3, "approved_by": "staff:second", "authority_holder": "staff:holder", "fund_id": ref(88),
            "approved_at": LATER,
        }),
        {
            "approvals": (*ENDORSED.approvals, Approval(2, 3, "staff:second", "staff:holder", ref(88), LATER)), "waiting_since": LATER,
        },
    ),
    "approved": (
        ENDORSED,
        GrantApproved(
            case_id=CASE_ID, fund_id=ref(88), money=eur("1200.00"), approved_by="staff:last", approved_at=LATER, request_version=3,
            in_fund=usd("1500.00"), rates=(RATE,),
        ),
        {
            "status": "approved", "waiting_since": LATER, "approver_id": "staff:last", "approved_at": LATER, "fund_id": ref(88),
            "committed": Decimal("1200.00"), "approved_version": 3, "approved_before": None, **IN_DOLLARS,
        },
    ),
    "approved before there were levels": (
        replace(ENDORSED, approvals=()),
        GrantApproved(
            case_id=CASE_ID, fund_id=ref(88), money=eur("1200.00"), approved_by="staff:last", approved_at=LATER, request_version=3
        ),
        {
            "status": "approved", "waiting_since": LATER, "approver_id": "staff:last", "approved_at": LATER, "fund_id": ref(88),
            "committed": Decimal("1200.00"), "approved_version": None, "approved_before": 3, "fund_currency": "EUR",
            "fund_amount": Decimal("1200.00"), "fund_total": Decimal("1200.00"), "fund_committed": Decimal("1200.00"),
            "fund_paid": Decimal(0),
        },
    ),
    "rejected": (
        SUBMITTED, GrantRejected(case_id=CASE_ID, reason="not_feasible", rejected_by="staff:other", rejected_at=LATER, appeal_told=True),
        {"status": "rejected", "waiting_since": LATER, "appeal_told": True},
    ),
    "cancelled": (
        replace(SUSPENDED, committed=Decimal("500.00")),
        GrantCancelled(
            case_id=CASE_ID, reason="not_needed", released=eur("400.00"), cancelled_at=LATER, cancelled_by="staff:manager",
            in_fund=usd("600.00"),
        ),
        {
            "status": "cancelled", "waiting_since": LATER, "committed": Decimal("100.00"), "suspended_at": None, "suspended_for": None,
            "fund_committed": Decimal("900.00"),
        },
    ),
    "cancelled in the fund's own currency": (
        APPROVED, GrantCancelled(case_id=CASE_ID, reason="not_needed", released=eur("1200.00"), cancelled_at=LATER),
        {"status": "cancelled", "waiting_since": LATER, "committed": Decimal(0), "fund_committed": Decimal("300.00")},
    ),
    "cancelled before it was approved": (
        SUBMITTED, GrantCancelled(case_id=CASE_ID, reason="not_needed", released=eur("0.00"), cancelled_at=LATER),
        {"status": "cancelled", "waiting_since": LATER},
    ),
    "added to": (
        replace(APPROVED, additions=(Addition(1, Decimal("5.00"), "staff:adder", "staff:adder", EARLIER),), last_addition=1),
        ADDED,
        {
            "waiting_since": LATER, "fund_total": Decimal("1600.00"), "fund_committed": Decimal("1570.00"), "last_addition": 2,
            "additions": (
                Addition(1, Decimal("5.00"), "staff:adder", "staff:adder", EARLIER),
                Addition(2, Decimal("70.00"), "staff:second", "staff:holder", LATER),
            ),
        },
    ),
    "released": (
        APPROVED,
        TrancheReleased(
            number=1, money=eur("800.00"), released_by=PAYER.person_id, released_at=LATER, in_fund=usd("1000.00"), rates=(RATE,)
        ),
        {
            "status": "in_disbursement", "payer_id": PAYER.person_id, "waiting_since": LATER,
            "tranches": first(
                APPROVED, status="released", released_by=PAYER.person_id, released_at=LATER, in_fund=Decimal("1000.00"), rates=(RATE,)
            ),
        },
    ),
    "the next released": (
        at("delivered", payer_id="staff:before"),
        TrancheReleased(number=2, money=eur("400.00"), released_by=PAYER.person_id, released_at=LATER),
        {
            "payer_id": PAYER.person_id, "waiting_since": LATER,
            "tranches": (
                at("delivered").tranches[0], replace(SECOND, status="released", released_by=PAYER.person_id, released_at=LATER),
            ),
        },
    ),
    "paid": (
        at("released", paid=Decimal("30.00"), fund_paid=Decimal("20.00")), PAID,
        {
            "payer_id": DEPUTY_PAYER.person_id, "waiting_since": LATER, "committed": Decimal("400.00"), "paid": Decimal("830.00"),
            "fund_committed": Decimal("700.00"), "fund_paid": Decimal("820.00"),
            "tranches": first(
                at("released"), status="paid", confirmed_by=DEPUTY_PAYER.person_id, confirmed_at=LATER, reference="BANK-0001",
                paid_on=date(2023, 5, 1),
            ),
        },
    ),
    "paid for good": (
        at("released"), PAID.model_copy(update={"in_fund": usd("900.00"), "not_needed": usd("50.00")}),
        {
            "payer_id": DEPUTY_PAYER.person_id, "waiting_since": LATER, "committed": Decimal("400.00"), "paid": Decimal("800.00"),
            "fund_committed": Decimal("550.00"), "fund_paid": Decimal("900.00"),
            "tranches": first(
                at("released"), status="paid", confirmed_by=DEPUTY_PAYER.person_id, confirmed_at=LATER, reference="BANK-0001",
                paid_on=date(2023, 5, 1),
            ),
        },
    ),
    "all paid": (SUSPENDED, GrantDisbursed(case_id=CASE_ID), {"status": "disbursed"}),
    "not all paid any more": (replace(APPROVED, status="disbursed"), DisbursementUndone(case_id=CASE_ID), {"status": "in_disbursement"}),
    "not all paid any more, and suspended": (replace(SUSPENDED, status="disbursed"), DisbursementUndone(case_id=CASE_ID), {"status": "suspended"}),
    "resumed where all is paid": (
        replace(SUSPENDED, status="disbursed"), GrantResumed(resumed_by="staff:endorser", resumed_at=LATER),
        {"waiting_since": LATER, "suspended_at": None, "suspended_for": None},
    ),
    "completed though it was suspended": (
        replace(SUSPENDED, status="disbursed"), GrantCompleted(case_id=CASE_ID), {"status": "completed", "suspended_at": None, "suspended_for": None}
    ),
    "suspended anew": (
        SUSPENDED, GrantSuspended(reason="lost_contact", suspended_by="staff:endorser", suspended_at=LATER),
        {"waiting_since": LATER, "suspended_at": LATER, "suspended_for": "lost_contact"},
    ),
    "delivered": (
        at("paid"), DeliveryConfirmed(number=1, confirmed_by=OFFICE.person_id, confirmed_at=LATER),
        {
            "waiting_since": LATER,
            "tranches": first(at("paid"), status="delivered", delivered_by=OFFICE.person_id, delivered_at=LATER),
        },
    ),
    "reconciled": (
        at("delivered"), TrancheReconciled(number=1, reconciled_by=RECONCILER.person_id, reconciled_at=LATER),
        {
            "waiting_since": LATER, "reconciler_id": RECONCILER.person_id,
            "tranches": first(at("delivered"), status="reconciled", reconciled_by=RECONCILER.person_id, reconciled_at=LATER),
        },
    ),
    "a paper filed later": (SUBMITTED, PAPER, {"evidence": (FILED, FILED)}),
    "completed": (replace(APPROVED, status="disbursed"), GrantCompleted(case_id=CASE_ID), {"status": "completed"}),
    "suspended": (
        APPROVED, GrantSuspended(reason="lost_contact", suspended_by="staff:endorser", suspended_at=LATER),
        {"status": "suspended", "waiting_since": LATER, "suspended_at": LATER, "suspended_for": "lost_contact"},
    ),
    "resumed": (
        SUSPENDED, GrantResumed(resumed_by="staff:endorser", resumed_at=LATER),
        {"status": "in_disbursement", "waiting_since": LATER, "suspended_at": None, "suspended_for": None},
    ),
    "resumed before anything was released": (
        replace(SUSPENDED, tranches=APPROVED.tranches), GrantResumed(resumed_by="staff:endorser", resumed_at=LATER),
        {"status": "approved", "waiting_since": LATER, "suspended_at": None, "suspended_for": None},
    ),
    "asked back": (
        APPROVED, RecoveryOpened(reason="paid_in_error", money=eur("70.00"), opened_by="staff:reconciler", opened_at=LATER),
        {"recovery_opened_at": LATER, "recovery_for": "paid_in_error", "recovery_amount": Decimal("70.00")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_changes_what_it_says_and_nothing_else(name: str) -> None:
    before, event, changes = FACTS[name]
    assert GRANT.evolve(before, event) == replace(before, **changes)


TIMELESS: dict[str, tuple[Grant, Event]] = {
    "sent back": (SUBMITTED, GrantReturned(reason="paper_missing", returned_by="staff:endorser")),
    "resubmitted": (
        replace(SUBMITTED, status="returned"),
        GrantResubmitted(request_version=4, modality="service", money=MARKS, tranches=(Tranche(number=1, money=MARKS),)),
    ),
    "endorsed": (SUBMITTED, GrantEndorsed(endorsed_by="staff:other", request_version=3)),
    "rejected": (SUBMITTED, GrantRejected(case_id=CASE_ID, reason="not_feasible", rejected_by="staff:other")),
    "cancelled": (APPROVED, GrantCancelled(case_id=CASE_ID, reason="not_needed", released=eur("1200.00"))),
    "released": (APPROVED, TrancheReleased(number=1, money=eur("800.00"), released_by=PAYER.person_id)),
    "paid": (at("released"), PAID.model_copy(update={"confirmed_at": None})),
    "delivered": (at("paid"), DeliveryConfirmed(number=1, confirmed_by=OFFICE.person_id)),
    "reconciled": (at("delivered"), TrancheReconciled(number=1, reconciled_by=RECONCILER.person_id)),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMELESS)
def test_a_fact_of_before_that_does_not_say_when_leaves_the_moment_of_the_last_step(name: str) -> None:
    before, event = TIMELESS[name]
    after = GRANT.evolve(before, event)
    assert (after.waiting_since, before.waiting_since) == (EARLIER, EARLIER)
    assert after != before


@pytest.mark.parametrize("event", [DRAFT_OF, REQUESTED], ids=["drafted", "requested"])
def test_a_grant_begins_as_it_was_asked_for(event: Event) -> None:
    drafted = event is DRAFT_OF
    moment = EARLIER if drafted else NOON
    begun = Grant(
        case_id=CASE_ID, person_id=PERSON, plan_id=PLAN_ID, plan_line_id=SHOP, category="business", modality="in_kind_vendor",
        destination_country="PK", counsellor_id=COUNSELLOR.person_id, requester_id=REQUESTER.person_id, requested_at=moment,
        waiting_since=moment, amount=Decimal("1200.00"), currency="EUR",
        tranches=(GrantTranche(1, Decimal("800.00")), GrantTranche(2, Decimal("400.00"))),
        status="draft" if drafted else "submitted", submitted_version=None if drafted else 1,
        budget=Budget((BudgetedLine("stock", Decimal("1200.00")),), Decimal(0), (), ref(90)) if drafted else None,
        budget_hash=BUDGET_HASH if drafted else None, plan_version=2 if drafted else None,
    )  # fmt: skip
    assert begun.budget is None or budget_hash(written(begun.budget)) == BUDGET_HASH
    assert GRANT.evolve(None, event) == replace(begun, content_hash=content_hash(begun))


def test_a_paper_that_is_filed_with_a_draft_stands_in_it() -> None:
    with_paper = replace(DRAFT, evidence=(FILED,), papers=(ref(71),))
    assert GRANT.evolve(DRAFT, PAPER) == replace(with_paper, content_hash=content_hash(with_paper))


@pytest.mark.parametrize("moment", [LATER, None], ids=["told", "not told"])
def test_what_was_resubmitted_before_there_were_revisions_names_no_papers_and_no_budget(moment: Any) -> None:
    returned = replace(SUBMITTED, status="returned", budget=BUDGET, budget_hash=OTHER_HASH, papers=(ref(71),))
    event = GrantResubmitted(
        request_version=4, modality="service", money=MARKS, tranches=(Tranche(number=1, money=MARKS),), resubmitted_at=moment
    )
    expected = replace(
        returned, **ANEW, modality="service", amount=Decimal("900.00"), currency="BAM",
        tranches=(GrantTranche(1, Decimal("900.00")),), budget=None, budget_hash=None, plan_version=None,
        waiting_since=moment or EARLIER,
    )  # fmt: skip
    expected = replace(expected, papers=())
    assert GRANT.evolve(returned, event) == replace(expected, content_hash=content_hash(expected))


def test_whoever_endorsed_or_approved_two_versions_is_named_once() -> None:
    twice = replace(ENDORSED, former_endorsers=(ENDORSER.person_id,), former_approvers=(APPROVER.person_id,))
    after = GRANT.evolve(twice, REVISED)
    assert (after.former_endorsers, after.former_approvers) == ((ENDORSER.person_id,), (APPROVER.person_id,))


def test_a_certificate_of_somebody_who_was_erased_is_gone() -> None:
    erased = ATTESTED.model_copy(update={"attestation": ATTESTED.attestation.model_copy(update={"value": None})})
    assert GRANT.evolve(SUBMITTED, erased) == replace(SUBMITTED, certificate=None)


def test_what_does_not_fit_a_grant_is_a_fault_of_ours_that_says_which_fact_it_was() -> None:
    with pytest.raises(TypeError, match=r"^a grant cannot begin with ApprovalGiven$"):
        GRANT.evolve(None, GIVEN)
    with pytest.raises(TypeError, match=r"^CaseSealed is not an event of a grant$"):
        GRANT.evolve(SUBMITTED, CaseSealed())
    with pytest.raises(LookupError, match=r"^an event names a tranche that its grant does not have$"):
        GRANT.evolve(APPROVED, TrancheReleased(number=3, money=eur("1.00"), released_by=PAYER.person_id))
