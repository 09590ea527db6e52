"""Asking for a grant: only after arrival, only what plan and cap hold, in tranches that add up."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from services.reintegration.domain.budget import BudgetLine, concealed
from services.reintegration.domain.caps import EXAMPLE_CAPS
from services.reintegration.domain.case import Case
from services.reintegration.domain.grant import GRANT, DraftGrant, ReviseGrant
from services.reintegration.domain.grant_facts import (
    GrantFacts,
    RequestedTranche,
)
from services.reintegration.domain.plan_state import Plan
from shared.contracts.reintegration import GrantDrafted, GrantRevised, Tranche
from shared.errors import NotFound
from shared.ledger import conceal
from shared.money import Money
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    AGREED,
    ARRIVED,
    ASKED,
    CHILD,
    COUNSELLOR,
    DRAFTED,
    ENDED,
    ENDORSER,
    NOTED,
    NOTHING_STANDS_AGAINST_IT,
    PERSON,
    REQUEST,
    REQUESTER,
    RETURNED,
    ROOM,
    SEALED,
    STRANGER,
    SUBMIT,
    SUBMITTED,
    eur,
    had,
    hash_after,
    ref,
)

GRANTS = Given(GRANT, NOTHING_STANDS_AGAINST_IT)
SENT_BACK = GRANTS.given(*ASKED, RETURNED)


def _knowing(**facts: object) -> Given[object, GrantFacts]:
    return GRANTS.knowing(replace(NOTHING_STANDS_AGAINST_IT, **facts))  # type: ignore[arg-type, return-value]


def _whole(amount: str, currency: str = "EUR") -> dict[str, object]:
    money = Money(amount=Decimal(amount), currency=currency)
    lines = (BudgetLine(what="stock", money=money),)
    return {"money": money, "tranches": (RequestedTranche(number=1, money=money),), "budget_lines": lines}


def _again(**changes: object) -> ReviseGrant:
    return ReviseGrant(
        modality=REQUEST.modality, money=REQUEST.money, tranches=REQUEST.tranches, budget_lines=REQUEST.budget_lines,
        nonce=REQUEST.nonce,
    ).model_copy(update=changes)


def test_a_grant_is_asked_for_on_a_line_of_the_agreed_plan_of_somebody_who_arrived() -> None:
    GRANTS.when(REQUEST, REQUESTER).then(DRAFTED)


def test_the_counsellor_of_the_case_may_ask() -> None:
    GRANTS.when(REQUEST, COUNSELLOR).then(DRAFTED.model_copy(update={"drafted_by": COUNSELLOR.person_id}))


def test_a_grant_is_asked_for_once_under_its_id() -> None:
    GRANTS.given(DRAFTED).when(REQUEST, REQUESTER).refused("already_exists")


@pytest.mark.parametrize(
    ("case", "code"), [(None, "case_unknown"), (ENDED, "case_ended"), (SEALED, "case_sealed")]
)
def test_nothing_is_asked_for_in_a_case_that_is_unknown_ended_or_sealed(case: Case | None, code: str) -> None:
    _knowing(case=case).when(REQUEST, REQUESTER).refused(code)


def test_there_is_no_reintegration_money_before_arrival() -> None:
    _knowing(case=NOTED).when(REQUEST, REQUESTER).refused("not_arrived_yet")


def test_the_arrival_of_another_member_of_the_family_is_not_this_persons_arrival() -> None:
    for_the_child = REQUEST.model_copy(update={"person_id": CHILD})
    _knowing(case=ARRIVED).when(for_the_child, REQUESTER).refused("not_arrived_yet")


def test_a_grant_is_for_a_person_of_the_case() -> None:
    GRANTS.when(REQUEST.model_copy(update={"person_id": STRANGER}), REQUESTER).refused("not_in_the_case")


@pytest.mark.parametrize("plan", [None, replace(AGREED, status="own_plan", plan_version=1, agreed_on=None)])
def test_an_own_plan_is_not_enough_for_money(plan: Plan | None) -> None:
    _knowing(plan=plan).when(REQUEST, REQUESTER).refused("plan_not_agreed")


def test_a_completed_plan_takes_no_grant_until_a_new_version_takes_it_up_again() -> None:
    _knowing(plan=replace(AGREED, status="completed")).when(REQUEST, REQUESTER).refused("plan_completed")


@pytest.mark.parametrize(
    "change",
    [
        {"plan_line_id": ref(99)},
        {"plan_line_id": ROOM},
        {"category": "housing"},
    ],
    ids=["no such line", "a line of another category", "another category"],
)
def test_what_the_agreed_plan_does_not_hold_cannot_be_asked_for(change: dict[str, object]) -> None:
    GRANTS.when(REQUEST.model_copy(update=change), REQUESTER).refused("not_in_plan")


def test_a_line_of_another_person_cannot_be_asked_for() -> None:
    both_arrived = replace(ARRIVED, arrived=(*ARRIVED.arrived, replace(ARRIVED.arrived[0], person_id=CHILD)))
    for_the_child = REQUEST.model_copy(update={"person_id": CHILD})
    _knowing(case=both_arrived).when(for_the_child, REQUESTER).refused("not_in_plan")


def test_a_plan_of_another_case_is_no_plan_for_this_one() -> None:
    _knowing(plan=replace(AGREED, case_id=ref(98))).when(REQUEST, REQUESTER).refused("not_in_plan")


def test_a_line_of_the_plan_carries_one_grant() -> None:
    _knowing(grants_on_line=1).when(REQUEST, REQUESTER).refused("line_has_a_grant")


def test_a_grant_takes_at_most_the_planned_amount() -> None:
    GRANTS.when(REQUEST.model_copy(update=_whole("1500.00")), REQUESTER).then_kinds(GrantDrafted)
    GRANTS.when(REQUEST.model_copy(update=_whole("1500.01")), REQUESTER).refused("beyond_plan")


def test_what_a_cancelled_grant_paid_on_the_line_is_not_asked_for_again() -> None:
    paid_before = _knowing(paid_on_line=Decimal("300.00"))
    paid_before.when(REQUEST.model_copy(update=_whole("1200.00")), REQUESTER).then_kinds(GrantDrafted)
    paid_before.when(REQUEST.model_copy(update=_whole("1200.01")), REQUESTER).refused("beyond_plan")


def test_a_grant_is_in_the_currency_of_the_plan() -> None:
    GRANTS.when(REQUEST.model_copy(update=_whole("100.00", "BAM")), REQUESTER).refused("currencies_differ")


def test_a_currency_without_a_rate_is_refused_rather_than_left_without_limit() -> None:
    in_bam = replace(AGREED, lines=tuple(replace(line, currency="BAM") for line in AGREED.lines))
    in_bams = DRAFTED.model_copy(update=_whole("100.00", "BAM"))
    _knowing(plan=in_bam).given(in_bams).when(SUBMIT, REQUESTER).refused("rate_missing")


def test_all_grants_of_a_person_within_twelve_months_stay_within_the_cap() -> None:
    room_left = EXAMPLE_CAPS.cap_per_person - REQUEST.money.amount
    _knowing(support=had(room_left)).given(DRAFTED).when(SUBMIT, REQUESTER).then(SUBMITTED)
    beyond = _knowing(support=had(room_left + Decimal("0.01")))
    beyond.given(DRAFTED).when(SUBMIT, REQUESTER).refused("beyond_cap")
    beyond.when(REQUEST, REQUESTER).then(DRAFTED)


def test_a_grant_and_its_tranches_are_amounts_that_can_be_paid() -> None:
    halves = tuple(RequestedTranche(number=number, money=eur("600.005")) for number in (1, 2))
    for changed in (_whole("100.005"), {"money": eur("1200.01"), "tranches": halves}):
        GRANTS.when(REQUEST.model_copy(update=changed), REQUESTER).refused("finer_than_paid")
        SENT_BACK.when(_again(**changed), REQUESTER).refused("finer_than_paid")


@pytest.mark.parametrize("amounts", [("800.00", "399.99"), ("800.00", "400.01"), ("1200.00", "1200.00")])
def test_the_tranches_make_exactly_the_amount(amounts: tuple[str, str]) -> None:
    tranches = tuple(
        RequestedTranche(number=number, money=eur(amount)) for number, amount in enumerate(amounts, 1)
    )
    GRANTS.when(REQUEST.model_copy(update={"tranches": tranches}), REQUESTER).refused(
        "tranches_do_not_add_up"
    )
    SENT_BACK.when(_again(tranches=tranches), REQUESTER).refused("tranches_do_not_add_up")


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (1, 3), (2, 3)])
def test_tranches_are_numbered_one_after_the_other(numbers: tuple[int, int]) -> None:
    tranches = tuple(RequestedTranche(number=number, money=eur("600.00")) for number in numbers)
    GRANTS.when(REQUEST.model_copy(update={"tranches": tranches}), REQUESTER).refused("tranches_not_numbered")


def test_tranches_are_in_the_currency_of_the_grant() -> None:
    bam = RequestedTranche(number=2, money=Money(amount=Decimal("400.00"), currency="BAM"))
    GRANTS.when(REQUEST.model_copy(update={"tranches": (REQUEST.tranches[0], bam)}), REQUESTER).refused(
        "currencies_differ"
    )


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_neither_grant_nor_tranche_is_nothing_or_less(amount: str) -> None:
    with pytest.raises(ValidationError):
        DraftGrant.model_validate({**REQUEST.model_dump(), "money": {"amount": amount, "currency": "EUR"}})
    with pytest.raises(ValidationError):
        RequestedTranche(number=1, money=eur(amount))


@pytest.mark.parametrize("count", [0, 7])
def test_a_grant_has_one_to_six_tranches(count: int) -> None:
    with pytest.raises(ValidationError):
        DraftGrant.model_validate(
            {**REQUEST.model_dump(), "tranches": [REQUEST.tranches[0].model_dump()] * count}
        )


@pytest.mark.parametrize(
    "code_without",
    [
        ("case", "case_unknown"),
        ("plan", "plan_not_agreed"),
        ("grants_on_line", "line_has_a_grant"),
        ("paid_on_line", "beyond_plan"),
    ],
    ids=lambda pair: pair[0],
)
def test_a_fact_that_nobody_looked_up_refuses(code_without: tuple[str, str]) -> None:
    name, code = code_without
    without = _knowing(**{name: getattr(GrantFacts(), name)})
    without.when(REQUEST, REQUESTER).refused(code)
    without.given(DRAFTED).when(SUBMIT, REQUESTER).refused(code)


def test_without_what_else_the_person_had_nothing_is_submitted() -> None:
    _knowing(support=GrantFacts().support).given(DRAFTED).when(SUBMIT, REQUESTER).refused("beyond_cap")


def test_a_returned_request_is_handed_in_again_as_a_new_version_that_keeps_its_requester() -> None:
    order = _again(modality="service", **_whole("700.00"))
    budget, hashed = concealed(order)
    of_it = {"budget": budget, "budget_hash": hashed}
    corrected = GrantRevised(
        request_version=2,
        content_hash=hash_after(DRAFTED.model_copy(update={"modality": "service", **_whole("700.00"), **of_it})),
        modality="service",
        money=eur("700.00"),
        tranches=(Tranche(number=1, money=eur("700.00")),),
        revised_at=NOON,
        budget=budget,
        budget_hash=hashed,
        plan_version=AGREED.plan_version,
    )
    SENT_BACK.when(order, REQUESTER).then(corrected)
    grant = GRANT.fold((*ASKED, RETURNED, corrected))
    assert grant is not None
    assert (grant.status, grant.request_version, grant.requester_id) == ("submitted", 2, REQUESTER.person_id)
    assert (grant.amount, grant.modality, len(grant.tranches)) == (Decimal("700.00"), "service", 1)
    assert grant.person_id == PERSON


def test_only_who_asked_submits_the_draft_or_changes_the_request() -> None:
    for somebody in (ENDORSER, COUNSELLOR):
        GRANTS.given(DRAFTED).when(SUBMIT, somebody).refused("only_the_requester")
        GRANTS.given(DRAFTED).when(_again(), somebody).refused("only_the_requester")
        SENT_BACK.when(_again(), somebody).refused("only_the_requester")


def test_a_corrected_request_meets_the_same_limits() -> None:
    SENT_BACK.when(_again(**_whole("1500.01")), REQUESTER).refused("beyond_plan")
    replaced = SENT_BACK.knowing(replace(NOTHING_STANDS_AGAINST_IT, support=had("2000.00")))
    replaced.when(_again(), REQUESTER).refused("beyond_cap")
    SENT_BACK.knowing(replace(NOTHING_STANDS_AGAINST_IT, case=NOTED)).when(_again(), REQUESTER).refused(
        "not_arrived_yet"
    )


def test_what_was_never_asked_for_cannot_be_handed_in_again() -> None:
    GRANTS.when(_again(), REQUESTER, NOON + timedelta(days=1)).refused(NotFound().code)


def test_what_a_grant_is_for_does_not_stand_in_clear_in_the_event() -> None:
    leaf = conceal(DRAFTED)[0].model_dump_json()
    assert "business" not in leaf and "stock" not in leaf
