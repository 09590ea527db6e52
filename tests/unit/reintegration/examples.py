"""An invented case, plan, fund and grant, and the people around them, for the rules of reintegration."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from services.reintegration.domain.budget import BudgetLine, concealed
from services.reintegration.domain.caps import EXAMPLE_CAPS, Support
from services.reintegration.domain.case import Arrival, Case
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.domain.delegation import ActingTerms
from services.reintegration.domain.fund import Fund, FundBalance
from services.reintegration.domain.grant import GRANT, ApproveGrant, DraftGrant, EndorseGrant, SubmitGrant
from services.reintegration.domain.grant_facts import GrantFacts, PolicyInForce, RequestedTranche
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.payee_state import Payee
from services.reintegration.domain.plan_lines import Line
from services.reintegration.domain.plan_state import Plan
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
    ReleaseTranche,
)
from shared.actors import Actor
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    GrantApproved,
    GrantDrafted,
    GrantEndorsed,
    GrantRequested,
    GrantReturned,
    GrantSubmitted,
    PaymentConfirmed,
    Tranche,
    TrancheReconciled,
    TrancheReleased,
)
from shared.messages import Command, Concealed, Event
from shared.money import Money
from tests.given import NOON, staff


def ref(number: int) -> UUID:
    """The id of an invented thing."""
    return UUID(int=number | 0x7 << 76 | 0x2 << 62)


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


CASE_ID, PLAN_ID, FUND_ID = ref(1), ref(2), ref(3)
PERSON, CHILD, STRANGER = ref(11), ref(12), ref(13)
SHOP, ROOM = ref(21), ref(22)
TODAY = date(2023, 5, 2)
ARRIVED_AT = datetime(2023, 4, 20, 9, 30, tzinfo=UTC)

COUNSELLOR = staff("counsellor", "counsellor")
REQUESTER = staff("requester", "receiving_office")
ENDORSER = staff("endorser", "coordinator")
APPROVER = staff("approver", "finance_approver")
PAYER = staff("payer", "finance_payer")
DEPUTY_PAYER = staff("deputy_payer", "finance_payer")
OFFICE_PAYER = staff("office_payer", "office_payer", countries=("PK",))
RECONCILER = staff("reconciler", "finance_reconciler")
OFFICE = staff("office", "receiving_office")
MANAGER = staff("manager", "manager")
CHIEF = staff("chief", "chief_of_mission")

NOTED = Case(person_ids=(PERSON, CHILD), destination_country="PK", counsellor_id=COUNSELLOR.person_id)
PREPARED = replace(NOTED, programme="default")
ARRIVED = Case(
    person_ids=(PERSON, CHILD),
    destination_country="PK",
    counsellor_id=COUNSELLOR.person_id,
    arrived=(Arrival(PERSON, ARRIVED_AT),),
    status="arrived",
)
ENDED = Case((PERSON, CHILD), "PK", COUNSELLOR.person_id, status="ended")
SEALED = Case((PERSON, CHILD), "PK", COUNSELLOR.person_id, ARRIVED.arrived, "sealed")

AGREED = Plan(
    case_id=CASE_ID,
    destination_country="PK",
    person_ids=(PERSON, CHILD),
    lines=(
        Line(SHOP, PERSON, "economic", "business", Decimal("1500.00"), "EUR"),
        Line(ROOM, PERSON, "social", "housing", Decimal("900.00"), "EUR"),
    ),
    status="agreed",
    plan_version=2,
    agreed_on=date(2023, 4, 25),
)
FUND = Fund("CE-0412", "EU", Decimal("10000.00"), "EUR", date(2023, 1, 1), date(2023, 12, 31))
BALANCE = FundBalance(FUND, committed=Decimal("2000.00"), spent=Decimal("1000.00"))

# Published, and it asks for no papers.
LENIENT = PolicyInForce(
    programme="default", policy_version=1, currency="EUR", quotations_above=Decimal("100000.00"), own_contribution_percent=0,
    required_papers=(), next_tranche_needs=(), reconciling_needs=(),
)  # fmt: skip


def had(person: str | Decimal, family: str | Decimal | None = None) -> Support:
    """What else the person had in euros, and the whole family, where it is more."""
    sums = [(eur(str(amount)),) for amount in (person, person if family is None else family)]
    return Support(EXAMPLE_CAPS, sums[0], sums[1], RatesInForce({}))

AUTHORITY = ActingTerms(
    authority_id=ref(31), terms_no=1, holder_id=APPROVER.person_id, acting_id=APPROVER.person_id, role="finance_approver",
    up_to=Decimal("5000.00"), currency="EUR", valid_from=date.min, valid_until=date.max, open=True,
)
# One approves alone whatever the cap of a person lets ask for.
ONE_APPROVES = replace(EXAMPLE_CAPS, one_approver_up_to=Decimal("3000.00"), two_approvers_up_to=Decimal("5000.00"))

PAYEE_ID = ref(51)
# Registered by somebody of the receiving office, and confirmed by who reconciles.
VENDOR_PAID = Payee(
    kind="vendor", country="PK", currency="EUR", registered_by=OFFICE.person_id, registered_at=NOON,
    handlers=(OFFICE.person_id, RECONCILER.person_id), status="active", vendor_code="V-17", confirmed_no=1,
    stated_by=OFFICE.person_id, confirmed_by=RECONCILER.person_id, confirmed_at=NOON,
)

NOTHING_STANDS_AGAINST_IT = GrantFacts(
    case=ARRIVED,
    plan=AGREED,
    grants_on_line=0,
    paid_on_line=Decimal(0),
    support=replace(had("0.00"), caps=ONE_APPROVES),
    fund=BALANCE,
    open_advances=0,
    reference_used=False,
    month_closed=False,
    today=TODAY,
    policy=LENIENT,
    terms=(AUTHORITY,),
    payable=Payable(VENDOR_PAID, account_known=True, of_staff=False),
    in_a_batch=False,
    bank_line_waits=False, own_line_waits=False,
    signed_its_batch=False,
    by_my_file=frozenset(),
    restore_not_cleared=False, lost_tranches=frozenset(),
)

REQUEST = DraftGrant(
    case_id=CASE_ID,
    person_id=PERSON,
    plan_id=PLAN_ID,
    plan_line_id=SHOP,
    category="business",
    modality="in_kind_vendor",
    money=eur("1200.00"),
    tranches=(
        RequestedTranche(number=1, money=eur("800.00")),
        RequestedTranche(number=2, money=eur("400.00")),
    ),
    budget_lines=(BudgetLine(what="stock", money=eur("1200.00")),),
    nonce=ref(90),
)
BUDGET, BUDGET_HASH = concealed(REQUEST)

REQUESTED = GrantRequested(
    case_id=CASE_ID,
    person_id=PERSON,
    plan_id=PLAN_ID,
    plan_line_id=SHOP,
    category=Concealed.of("business"),
    modality="in_kind_vendor",
    money=eur("1200.00"),
    tranches=(Tranche(number=1, money=eur("800.00")), Tranche(number=2, money=eur("400.00"))),
    requested_by=REQUESTER.person_id,
    counsellor_id=COUNSELLOR.person_id,
    destination_country="PK",
    requested_at=NOON,
)
DRAFTED = GrantDrafted(
    **{name: value for name, value in dict(REQUESTED).items() if name not in ("requested_by", "requested_at")},
    drafted_by=REQUESTER.person_id,
    drafted_at=NOON,
    budget=BUDGET,
    budget_hash=BUDGET_HASH,
    plan_version=AGREED.plan_version,
)


def hash_after(*events: Event) -> str:
    """The hash of what is asked for after these facts."""
    grant = GRANT.fold(events)
    assert grant is not None
    return grant.content_hash


# Of a request of before, which had no budget, and of one of today.
HASH, ASKED_HASH = hash_after(REQUESTED), hash_after(DRAFTED)
SUBMITTED = GrantSubmitted(
    case_id=CASE_ID, request_version=1, content_hash=ASKED_HASH, policy_programme="default", policy_version=1, submitted_at=NOON
)
# A request as those who decide on it meet it, without a budget and without the version of its plan, as in requests of before.
PLAIN = DRAFTED.model_copy(update={"budget": None, "budget_hash": None, "plan_version": None})
ASKED: tuple[Event, ...] = (PLAIN, SUBMITTED.model_copy(update={"content_hash": HASH}))
SUBMIT = SubmitGrant(request_version=1, content_hash=ASKED_HASH)
ENDORSE = EndorseGrant(request_version=1, content_hash=HASH)
APPROVE = ApproveGrant(fund_id=FUND_ID, request_version=1, content_hash=HASH, money=REQUEST.money)
ENDORSE_ASKED = ENDORSE.model_copy(update={"content_hash": ASKED_HASH})
APPROVE_ASKED = APPROVE.model_copy(update={"content_hash": ASKED_HASH})
RETURNED = GrantReturned(
    reason="quotation_missing", reasons=("quotation_missing",), returned_by=ENDORSER.person_id, returned_at=NOON,
    request_version=1,
)
ENDORSED = GrantEndorsed(endorsed_by=ENDORSER.person_id, request_version=1, endorsed_at=NOON, content_hash=HASH)
APPROVED = GrantApproved(
    case_id=CASE_ID,
    fund_id=FUND_ID,
    money=eur("1200.00"),
    approved_by=APPROVER.person_id,
    approved_at=NOON,
    request_version=1,
    content_hash=HASH,
)
GIVEN = ApprovalGiven(
    request_version=1, content_hash=HASH, money=eur("1200.00"), fund_id=FUND_ID, level=1, levels_needed=1,
    weighed=eur("1200.00"), one_approver_up_to=eur("3000.00"), two_approvers_up_to=eur("5000.00"),
    approved_by=APPROVER.person_id, approved_at=NOON, approved_on=TODAY, authority_id=AUTHORITY.authority_id, terms_no=1,
    authority_holder=APPROVER.person_id, authority_role="finance_approver", authority_up_to=eur("5000.00"),
    authority_valid_from=date.min, authority_valid_until=date.max, in_authority=eur("1200.00"), rate=None,
    rate_on=None, rate_sources=(), strength="phishing_resistant", auth_age_seconds=5,
)
ATTEMPT_1, ATTEMPT_2 = ref(41), ref(42)


def release(number: int, **said: object) -> ReleaseTranche:
    """The order to pay a tranche to the vendor of these examples, out of the office's own account unless said otherwise."""
    return ReleaseTranche.model_validate({"number": number, "payee_id": PAYEE_ID, "method": "office_account", **said})


RELEASE_1 = release(1, attempt_id=ATTEMPT_1)
RELEASED_1 = TrancheReleased(
    number=1, money=eur("800.00"), released_by=PAYER.person_id, released_at=NOON, attempt_no=1, attempt_id=ATTEMPT_1,
    payee_id=PAYEE_ID, account_no=1, method="office_account",
)
PAID_1 = PaymentConfirmed(
    case_id=CASE_ID,
    number=1,
    money=eur("800.00"),
    reference="BANK-0001",
    paid_on=TODAY,
    confirmed_by=PAYER.person_id,
    confirmed_at=NOON,
)
DELIVERED_1 = DeliveryConfirmed(number=1, confirmed_by=OFFICE.person_id, confirmed_at=NOON)
RECONCILED_1 = TrancheReconciled(number=1, reconciled_by=RECONCILER.person_id, reconciled_at=NOON)

UNTIL_APPROVED: tuple[Event, ...] = (*ASKED, ENDORSED, GIVEN, APPROVED)
UNTIL_PAID: tuple[Event, ...] = (*UNTIL_APPROVED, RELEASED_1, PAID_1)
UNTIL_DELIVERED: tuple[Event, ...] = (*UNTIL_PAID, DELIVERED_1)

THE_WHOLE_LINE: tuple[tuple[Command, Actor], ...] = (
    (REQUEST, REQUESTER),
    (SUBMIT, REQUESTER),
    (ENDORSE_ASKED, ENDORSER),
    (APPROVE_ASKED, APPROVER),
    (release(1), PAYER),
    (ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY), PAYER),
    (ConfirmDelivery(number=1), OFFICE),
    (release(2), PAYER),
    (ConfirmPayment(number=2, reference="BANK-0002", paid_on=TODAY), PAYER),
    (ConfirmDelivery(number=2), OFFICE),
    (ReconcileTranche(number=1), RECONCILER),
    (ReconcileTranche(number=2), RECONCILER),
)
