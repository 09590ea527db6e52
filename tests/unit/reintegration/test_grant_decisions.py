"""Sending back, endorsing, rejecting, approving and cancelling a grant."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from services.reintegration.domain.fund import FundBalance
from services.reintegration.domain.grant import (
    GRANT,
    ApproveGrant,
    CancelGrant,
    EndorseGrant,
    RejectGrant,
    ReturnGrant,
)
from services.reintegration.domain.grant_facts import GrantFacts, while_in
from services.reintegration.domain.grant_state import TERMINAL, TRANSITIONS, Grant, GrantStatus
from shared.actors import Actor
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.noted_cases import CaseSealed
from shared.contracts.reintegration import (
    GrantApproved,
    GrantCancelled,
    GrantCompleted,
    GrantRejected,
    GrantResubmitted,
    GrantReturned,
)
from shared.errors import NotFound, RuleViolation
from shared.messages import Command, Context, Event
from shared.money import Money
from shared.transitions import IllegalTransition
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import (
    AGREED,
    APPROVE,
    APPROVED,
    APPROVER,
    ARRIVED,
    ASKED,
    BALANCE,
    CASE_ID,
    COUNSELLOR,
    DELIVERED_1,
    ENDORSE,
    ENDORSED,
    ENDORSER,
    FUND,
    FUND_ID,
    GIVEN,
    HASH,
    MANAGER,
    NOTED,
    NOTHING_STANDS_AGAINST_IT,
    OFFICE,
    PAID_1,
    RELEASED_1,
    REQUESTED,
    REQUESTER,
    RETURNED,
    SHOP,
    UNTIL_APPROVED,
    UNTIL_PAID,
    eur,
    had,
    hash_after,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
SUBMITTED = GRANTS.given(*ASKED)
ENDORSED_GRANT = GRANTS.given(*ASKED, ENDORSED)
RESUBMITTED = GrantResubmitted(
    request_version=2, modality="service", money=REQUESTED.money, tranches=REQUESTED.tranches,
    resubmitted_at=NOON,
)
SECOND = hash_after(*ASKED, RETURNED, RESUBMITTED)
RETURN = ReturnGrant(request_version=1, content_hash=HASH, reasons=("quotation_missing",))
REJECT = RejectGrant(request_version=1, content_hash=HASH, reason="not_feasible", appeal_told=True)
CANCEL = CancelGrant(reason="not_needed")
REJECTED = GrantRejected(case_id=CASE_ID, reason="not_feasible", rejected_by=ENDORSER.person_id, rejected_at=NOON, appeal_told=True, request_version=1)
CANCELLED = GrantCancelled(case_id=CASE_ID, reason="not_needed", released=eur("0.00"), cancelled_at=NOON)


def _cancelled(released: str, by: Actor) -> GrantCancelled:
    return CANCELLED.model_copy(update={"released": eur(released), "cancelled_by": by.person_id})


def _knowing(given: Given[Grant, GrantFacts], **facts: object) -> Given[Grant, GrantFacts]:
    return given.knowing(replace(NOTHING_STANDS_AGAINST_IT, **facts))  # type: ignore[arg-type]


def test_a_request_is_sent_back_with_a_reason() -> None:
    SUBMITTED.when(RETURN, ENDORSER).then(
        GrantReturned(
            reason="quotation_missing", reasons=("quotation_missing",), returned_by=ENDORSER.person_id, returned_at=NOON,
            request_version=1,
        )
    )


def test_a_request_is_sent_back_with_all_that_is_missing_each_reason_once() -> None:
    several = RETURN.model_copy(update={"reasons": ("paper_missing", "amount_unclear", "paper_missing")})
    (returned,) = SUBMITTED.when(several, ENDORSER).events
    assert isinstance(returned, GrantReturned)
    assert (returned.reason, returned.reasons) == ("paper_missing", ("paper_missing", "amount_unclear"))
    sent_back = GRANT.fold((*ASKED, returned))
    assert sent_back is not None
    assert sent_back.return_reasons == ("paper_missing", "amount_unclear")
    assert GRANT.evolve(sent_back, RESUBMITTED).return_reasons == ()


def test_an_endorsement_is_for_the_version_that_was_read() -> None:
    SUBMITTED.when(ENDORSE, ENDORSER).then(ENDORSED)
    SUBMITTED.given(RETURNED, RESUBMITTED).when(ENDORSE, ENDORSER).refused("version_changed")
    second = {"request_version": 2, "content_hash": SECOND}
    SUBMITTED.given(RETURNED, RESUBMITTED).when(ENDORSE.model_copy(update=second), ENDORSER).then(
        ENDORSED.model_copy(update=second)
    )


def test_an_approval_is_for_the_version_that_was_read() -> None:
    endorsed = GRANTS.given(
        *ASKED, RETURNED, RESUBMITTED, ENDORSED.model_copy(update={"request_version": 2})
    )
    endorsed.when(APPROVE, APPROVER).refused("version_changed")
    second = {"request_version": 2, "content_hash": SECOND}
    endorsed.when(APPROVE.model_copy(update=second), APPROVER).then_kinds(ApprovalGiven, GrantApproved)


@pytest.mark.parametrize(
    ("given", "command", "by"),
    [
        (SUBMITTED, RETURN, ENDORSER), (SUBMITTED, ENDORSE, ENDORSER), (SUBMITTED, REJECT, ENDORSER),
        (ENDORSED_GRANT, APPROVE, APPROVER),
    ],
    ids=["return", "endorse", "reject", "approve"],
)  # fmt: skip
def test_nobody_decides_on_another_version_or_other_content_than_they_read(
    given: Given[Grant, GrantFacts], command: Command, by: Actor
) -> None:
    given.when(command.model_copy(update={"request_version": 2}), by).refused("version_changed")
    given.when(command.model_copy(update={"content_hash": SECOND}), by).refused("content_changed")


@pytest.mark.parametrize("money", [eur("1199.99"), eur("1200.01"), Money(amount=Decimal("1200.00"), currency="USD")])
def test_an_approval_names_the_amount_that_was_read(money: Money) -> None:
    ENDORSED_GRANT.when(APPROVE.model_copy(update={"money": money}), APPROVER).refused("amount_changed")


@pytest.mark.parametrize("told", [True, False])
def test_a_rejection_notes_whether_the_person_was_told_how_to_appeal(told: bool) -> None:
    (rejected,) = SUBMITTED.when(REJECT.model_copy(update={"appeal_told": told}), ENDORSER).events
    grant = GRANT.fold((*ASKED, rejected))
    assert grant is not None
    assert (grant.status, grant.appeal_told) == ("rejected", told)


def test_an_approval_commits_the_whole_amount_of_one_fund() -> None:
    ENDORSED_GRANT.when(APPROVE, APPROVER).then(GIVEN, APPROVED)
    grant = GRANT.fold(UNTIL_APPROVED)
    assert grant is not None
    assert (grant.status, grant.fund_id, grant.committed, grant.paid) == (
        "approved",
        FUND_ID,
        Decimal("1200.00"),
        Decimal(0),
    )
    assert (grant.approver_id, grant.approved_at) == (APPROVER.person_id, NOON)


def test_a_fund_that_does_not_exist_pays_nothing() -> None:
    _knowing(ENDORSED_GRANT, fund=None).when(APPROVE, APPROVER).refused("fund_unknown")


@pytest.mark.parametrize("today", [date(2022, 12, 31), date(2024, 1, 1), GrantFacts().today])
def test_a_fund_is_used_on_its_days_only(today: date) -> None:
    _knowing(ENDORSED_GRANT, today=today).when(APPROVE, APPROVER).refused("fund_not_valid")


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"countries": ("TR", "PK")}, None),
        ({"countries": ("TR",)}, "fund_not_for_country"),
        ({"grant_categories": ("housing", "business")}, None),
        ({"grant_categories": ("housing",)}, "fund_not_for_category"),
        ({"programmes": ("AVRR-WB",)}, None),
        ({"programmes": ("AVRR-EU",)}, "fund_not_for_programme"),
    ],
    ids=["country", "another country", "category", "another category", "programme", "another programme"],
)
def test_a_fund_pays_only_for_the_countries_categories_and_programmes_that_its_donor_named(
    named: dict[str, tuple[str, ...]], code: str | None
) -> None:
    limited = replace(BALANCE, fund=replace(FUND, **named))  # type: ignore[arg-type]
    approving = _knowing(ENDORSED_GRANT, fund=limited, case=replace(ARRIVED, programme="AVRR-WB")).when(APPROVE, APPROVER)
    if code is None:
        approving.then(GIVEN, APPROVED)
    else:
        approving.refused(code)


def test_a_fund_in_another_currency_pays_nothing_without_a_rate() -> None:
    other = FundBalance(replace(FUND, currency="USD"), Decimal(0), Decimal(0))
    _knowing(ENDORSED_GRANT, fund=other).when(APPROVE, APPROVER).refused("rate_missing")


def test_a_fund_gives_to_the_last_cent_and_no_cent_more() -> None:
    exact = replace(BALANCE, committed=Decimal("7800.00"))
    short = replace(BALANCE, committed=Decimal("7800.01"))
    _knowing(ENDORSED_GRANT, fund=exact).when(APPROVE, APPROVER).then(GIVEN, APPROVED)
    _knowing(ENDORSED_GRANT, fund=short).when(APPROVE, APPROVER).refused("fund_exhausted")


@pytest.mark.parametrize(
    ("given", "command", "by"), [(SUBMITTED, ENDORSE, ENDORSER), (ENDORSED_GRANT, APPROVE, APPROVER)]
)
def test_a_request_is_held_against_the_plan_as_it_is_now(
    given: Given[Grant, GrantFacts], command: Command, by: object
) -> None:
    shop, room = AGREED.lines
    assert shop.line_id == SHOP
    without = replace(AGREED, plan_version=3, lines=(room,))
    reduced = replace(AGREED, plan_version=3, lines=(replace(shop, planned=Decimal("1199.99")), room))
    actor = ENDORSER if by is ENDORSER else APPROVER
    _knowing(given, plan=without).when(command, actor).refused("not_in_plan")
    _knowing(given, plan=reduced).when(command, actor).refused("beyond_plan")
    _knowing(given, case=NOTED).when(command, actor).refused("not_arrived_yet")


def test_an_approval_is_held_against_the_cap_as_it_is_used_now() -> None:
    _knowing(ENDORSED_GRANT, support=had("1800.01")).when(APPROVE, APPROVER).refused("beyond_cap")


@pytest.mark.parametrize("given", [SUBMITTED, ENDORSED_GRANT], ids=["submitted", "endorsed"])
def test_a_request_is_rejected_before_its_approval(given: Given[Grant, GrantFacts]) -> None:
    given.when(REJECT, APPROVER).then(REJECTED.model_copy(update={"rejected_by": APPROVER.person_id}))


@pytest.mark.parametrize(
    ("past", "released"),
    [
        ((*ASKED,), "0"),
        ((*ASKED, RETURNED), "0"),
        ((*ASKED, ENDORSED), "0"),
        (UNTIL_APPROVED, "1200.00"),
        (UNTIL_PAID, "400.00"),
        ((*UNTIL_PAID, DELIVERED_1), "400.00"),
    ],
    ids=["submitted", "returned", "endorsed", "approved", "first paid", "first delivered"],
)
def test_a_cancelled_grant_frees_what_was_committed_and_not_paid(
    past: tuple[Event, ...], released: str
) -> None:
    GRANTS.given(*past).when(CANCEL, MANAGER).then(_cancelled(released, MANAGER))
    grant = GRANT.fold((*past, _cancelled(released, MANAGER)))
    assert grant is not None
    assert (grant.status, grant.committed) == ("cancelled", Decimal(0))


def test_a_receiving_office_cancels_a_grant_only_until_it_is_approved() -> None:
    ENDORSED_GRANT.when(CANCEL, OFFICE).then(_cancelled("0", OFFICE))
    GRANTS.given(*UNTIL_APPROVED).when(CANCEL, OFFICE).refused("approved_already")
    GRANTS.given(*UNTIL_PAID, DELIVERED_1).when(CANCEL, OFFICE).refused("approved_already")


def test_a_coordinator_cancels_an_approved_grant_though_they_also_serve_a_receiving_office() -> None:
    both = staff("both", "coordinator", "receiving_office")
    GRANTS.given(*UNTIL_APPROVED).when(CANCEL, both).then(_cancelled("1200.00", both))


def test_a_grant_is_not_cancelled_while_a_tranche_is_released_and_not_confirmed_as_paid() -> None:
    GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(CANCEL, MANAGER).refused("tranche_under_way")


ALLOWED_IN: tuple[tuple[Command, frozenset[str]], ...] = (
    (RETURN, frozenset({"submitted"})),
    (ENDORSE, frozenset({"submitted"})),
    (REJECT, frozenset({"submitted", "endorsed"})),
    (APPROVE, frozenset({"endorsed"})),
    (CANCEL, frozenset({"draft", "submitted", "returned", "endorsed", "approved", "in_disbursement", "suspended"})),
)


@pytest.mark.parametrize(("command", "allowed"), ALLOWED_IN, ids=lambda value: type(value).__name__)
def test_a_decision_is_taken_only_at_its_own_statuses(command: Command, allowed: frozenset[str]) -> None:
    grant = GRANT.fold((*ASKED,))
    assert grant is not None
    for status in get_args(GrantStatus):
        refusal = GRANT.refusal(
            replace(grant, status=status),
            type(command),
            NOTHING_STANDS_AGAINST_IT,
            Context(MANAGER, NOON),
        )
        code = refusal.code if isinstance(refusal, RuleViolation) else None
        assert (code == "wrong_status") == (status not in allowed), status


@pytest.mark.parametrize(
    "command", [RETURN, ENDORSE, REJECT, APPROVE, CANCEL], ids=lambda command: type(command).__name__
)
def test_nothing_is_decided_on_a_grant_that_was_never_asked_for(command: Command) -> None:
    GRANTS.when(command, APPROVER).refused(NotFound().code)


def test_a_refusal_says_where_the_grant_stands_in_plain_words() -> None:
    refusal = GRANTS.given(*UNTIL_APPROVED, RELEASED_1).when(RETURN, ENDORSER).refusal
    assert refusal is not None
    assert (
        refusal.sentence == "The grant is in disbursement. This can be sent back only while it is submitted."
    )


def test_a_refusal_names_each_status_at_which_it_would_have_been_allowed() -> None:
    grant = GRANT.fold(UNTIL_APPROVED)
    assert grant is not None
    guard = while_in("looked at", "draft", "in_disbursement")
    with pytest.raises(RuleViolation) as refused:
        guard(grant, NOTHING_STANDS_AGAINST_IT, Context(ENDORSER, NOON))
    assert refused.value.sentence == "The grant is approved. This can be looked at only while it is draft or in disbursement."
    guard(replace(grant, status="in_disbursement"), NOTHING_STANDS_AGAINST_IT, Context(ENDORSER, NOON))


@pytest.mark.parametrize("command", [RETURN, REJECT], ids=["send back", "reject"])
def test_who_asked_does_not_decide_on_their_own_request(command: Command) -> None:
    SUBMITTED.when(command, REQUESTER).refused("four_eyes")


def test_the_reader_is_told_what_is_open_to_them_and_why_not() -> None:
    grant = GRANT.fold((*ASKED, ENDORSED))

    def code(command: type[Command], by: Context) -> str | None:
        refusal = GRANT.refusal(grant, command, NOTHING_STANDS_AGAINST_IT, by)
        return refusal.code if refusal is not None else None

    assert code(ApproveGrant, Context(APPROVER, NOON)) is None
    assert code(ApproveGrant, Context(ENDORSER, NOON)) == "four_eyes"
    assert code(ApproveGrant, Context(COUNSELLOR, NOON)) == "four_eyes"
    assert code(EndorseGrant, Context(APPROVER, NOON)) == "wrong_status"


def test_completed_rejected_and_cancelled_are_the_ends() -> None:
    assert frozenset({"completed", "rejected", "cancelled"}) == TERMINAL
    assert set(get_args(GrantStatus)) == set(TRANSITIONS)
    assert {onward for ways in TRANSITIONS.values() for onward in ways} <= set(TRANSITIONS)


@pytest.mark.parametrize(
    "past",
    [
        (*ASKED, APPROVED),
        (*ASKED, REJECTED, RETURNED),
        (*ASKED, CANCELLED, ENDORSED),
        (*UNTIL_APPROVED, GrantCompleted(case_id=CASE_ID)),
        (*UNTIL_APPROVED, PAID_1),
    ],
    ids=["unendorsed", "rejected", "cancelled", "unpaid", "unreleased"],
)
def test_an_undeclared_transition_is_a_fault_of_ours(past: tuple[Event, ...]) -> None:
    with pytest.raises(IllegalTransition):
        GRANT.fold(past)


@pytest.mark.parametrize("past", [(), (*ASKED,)], ids=["nothing", "a grant"])
def test_an_event_of_another_aggregate_is_a_fault_of_ours(past: tuple[Event, ...]) -> None:
    with pytest.raises(TypeError):
        GRANT.fold((*past, CaseSealed()))


def test_a_grant_that_was_never_asked_for_is_not_approved_by_an_event() -> None:
    with pytest.raises(TypeError):
        GRANT.evolve(None, APPROVED)
