"""Approvals: as many as the rules ask for, each by an authority that counts today, and none by anybody who had a part before."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.reintegration.domain.approvals import next_approval
from services.reintegration.domain.caps import EXAMPLE_CAPS
from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.delegation import ActingTerms
from services.reintegration.domain.grant import GRANT, ReviseGrant
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.tranches import ConfirmPayment, ReconcileTranche
from services.reintegration.domain.turns import turns
from shared.actors import Actor
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.reintegration import GrantApproved
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event, SignIn
from shared.money import Money
from tests.given import NOON, SIGNED_IN, Given, code_of, staff
from tests.unit.reintegration.examples import (
    APPROVE,
    APPROVED,
    APPROVER,
    ASKED,
    AUTHORITY,
    CHIEF,
    COUNSELLOR,
    DELIVERED_1,
    ENDORSED,
    ENDORSER,
    GIVEN,
    NOTHING_STANDS_AGAINST_IT,
    ONE_APPROVES,
    PAID_1,
    RELEASED_1,
    REQUEST,
    REQUESTED,
    REQUESTER,
    TODAY,
    eur,
    had,
    ref,
    release,
)

SECOND = staff("second", "finance_approver")
DEPUTY = staff("stands_in", "finance_approver")
WAITS = (*ASKED, ENDORSED)
TWO = EXAMPLE_CAPS
THREE = replace(EXAMPLE_CAPS, two_approvers_up_to=Decimal("1000.00"))


def of(holder: Actor, acting: Actor | None = None, **changes: object) -> ActingTerms:
    who = acting or holder
    given = replace(AUTHORITY, authority_id=ref(sum(holder.person_id.encode())), holder_id=holder.person_id, acting_id=who.person_id)
    return replace(given, **changes)  # type: ignore[arg-type]


def knowing(*terms: ActingTerms, **changes: object) -> Given[Grant, GrantFacts]:
    caps, other = changes.pop("thresholds", ONE_APPROVES), changes.pop("other_support", "0.00")
    support = replace(had(other), caps=caps)  # type: ignore[arg-type]
    facts = replace(NOTHING_STANDS_AGAINST_IT, terms=terms, support=support, **changes)  # type: ignore[arg-type]
    return Given(GRANT, facts).given(*WAITS)


def given_by(who: Actor, *terms: ActingTerms, past: tuple[Event, ...] = (), **changes: object) -> tuple[Event, ...]:
    done = knowing(*terms, **changes).given(*past).when(APPROVE, who)
    assert done.refusal is None, done.refusal
    return done.events


def test_an_amount_below_the_threshold_is_approved_by_one() -> None:
    assert given_by(APPROVER, of(APPROVER)) == (replace_authority(GIVEN), APPROVED)


def replace_authority(given: ApprovalGiven) -> ApprovalGiven:
    return given.model_copy(update={"authority_id": of(APPROVER).authority_id})


def test_above_the_threshold_two_approve_and_the_second_commits_the_money() -> None:
    (first,) = given_by(APPROVER, of(APPROVER), thresholds=TWO)
    assert isinstance(first, ApprovalGiven)
    assert (first.level, first.levels_needed) == (1, 2)
    half = GRANT.fold((*WAITS, first))
    assert half is not None
    assert (half.status, half.committed, half.approver_id) == ("endorsed", Decimal(0), None)
    second, approved = given_by(SECOND, of(SECOND), past=(first,), thresholds=TWO)
    assert isinstance(second, ApprovalGiven)
    assert isinstance(approved, GrantApproved)
    assert second.level == 2
    whole = GRANT.fold((*WAITS, first, second, approved))
    assert whole is not None
    assert (whole.status, whole.committed, whole.approved_version) == ("approved", Decimal("1200.00"), 1)


def test_above_the_next_threshold_the_chief_of_mission_approves_last() -> None:
    chief = of(CHIEF, role="chief_of_mission")
    knowing(chief, thresholds=THREE).when(APPROVE, CHIEF).refused("chief_comes_last")
    (first,) = given_by(APPROVER, of(APPROVER), thresholds=THREE)
    (second,) = given_by(SECOND, of(SECOND), past=(first,), thresholds=THREE)
    half = GRANT.fold((*WAITS, first, second))
    assert half is not None
    assert set(turns(half)) == {"chief"}
    third_finance = staff("third", "finance_approver")
    waiting = knowing(of(third_finance), thresholds=THREE).given(first, second)
    waiting.when(APPROVE, third_finance).refused("chief_needed")
    last, approved = given_by(CHIEF, chief, past=(first, second), thresholds=THREE)
    assert isinstance(last, ApprovalGiven)
    assert (last.level, last.authority_role, type(approved)) == (3, "chief_of_mission", GrantApproved)


@pytest.mark.parametrize(
    ("alone", "two", "needed"),
    [("1200.00", "1200.00", 1), ("1199.99", "1200.00", 2), ("1199.99", "1199.99", 3)],
    ids=["one", "two", "three"],
)
def test_each_threshold_is_the_last_amount_that_so_many_approve(alone: str, two: str, needed: int) -> None:
    thresholds = replace(EXAMPLE_CAPS, one_approver_up_to=Decimal(alone), two_approvers_up_to=Decimal(two))
    first, *_ = given_by(APPROVER, of(APPROVER), thresholds=thresholds)
    assert isinstance(first, ApprovalGiven)
    assert first.levels_needed == needed
    assert (first.one_approver_up_to, first.two_approvers_up_to) == (eur(alone), eur(two))


def test_without_a_policy_nobody_knows_how_many_approve() -> None:
    state = GRANT.fold(WAITS)
    assert state is not None
    with pytest.raises(RuleViolation) as refused:
        next_approval(state, replace(NOTHING_STANDS_AGAINST_IT, support=None), Context(APPROVER, NOON))
    assert code_of(refused.value) == "policy_unknown"


def test_the_persons_other_grants_of_twelve_months_are_weighed_with_it() -> None:
    (first,) = given_by(APPROVER, of(APPROVER), thresholds=replace(TWO, one_approver_up_to=Decimal("1200.00")), other_support="0.01")
    assert isinstance(first, ApprovalGiven)
    assert (first.levels_needed, first.weighed) == (2, eur("1200.01"))


def test_what_the_first_approval_found_necessary_is_not_less_for_the_second() -> None:
    (first,) = given_by(APPROVER, of(APPROVER), thresholds=THREE)
    (second,) = given_by(SECOND, of(SECOND), past=(first,), thresholds=TWO)
    assert isinstance(second, ApprovalGiven)
    assert second.levels_needed == 3


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ((), "no_authority"),
        ((of(APPROVER, up_to=Decimal("1199.99")),), "beyond_authority"),
        ((of(APPROVER, open=False),), "authority_not_in_force"),
        ((of(APPROVER, valid_from=date(2023, 5, 3)),), "authority_not_in_force"),
        ((of(APPROVER, valid_until=date(2023, 5, 1)),), "authority_not_in_force"),
        ((of(APPROVER, currency="USD"),), "rate_missing"),
    ],
    ids=["none", "too little", "ended", "to come", "over", "without a rate"],
)
def test_nobody_approves_without_an_authority_that_counts_today_and_is_enough(terms: tuple[ActingTerms, ...], code: str) -> None:
    knowing(*terms).when(APPROVE, APPROVER).refused(code)
    reader = GRANT.refusal(GRANT.fold(WAITS), type(APPROVE), replace(NOTHING_STANDS_AGAINST_IT, terms=terms), Context(APPROVER, NOON))
    assert reader is not None
    assert reader.code == code


@pytest.mark.parametrize("day", [TODAY, date(2023, 5, 2)])
def test_the_first_and_the_last_day_of_an_authority_count(day: date) -> None:
    assert given_by(APPROVER, of(APPROVER, valid_from=day, valid_until=day))


def test_an_authority_in_another_currency_is_measured_by_the_rate_of_the_day() -> None:
    rates = RatesInForce.on(TODAY, [RecordedRate("BAM", "EUR", date(2023, 1, 1), 1, Decimal("1.95583"), "fixed_by_law")])
    first, _ = given_by(APPROVER, of(APPROVER, currency="BAM", up_to=Decimal("2347.00")), rates=rates)
    assert isinstance(first, ApprovalGiven)
    assert first.in_authority == Money(amount=Decimal("2347.00"), currency="BAM")
    assert (first.rate, first.rate_on, first.rate_sources) == ("1.95583", date(2023, 1, 1), ("fixed_by_law",))
    knowing(of(APPROVER, currency="BAM", up_to=Decimal("2346.99")), rates=rates).when(APPROVE, APPROVER).refused("beyond_authority")


def test_nobody_approves_twice() -> None:
    (first,) = given_by(APPROVER, of(APPROVER), thresholds=TWO)
    twice = knowing(of(APPROVER), of(SECOND, APPROVER), thresholds=TWO).given(first).when(APPROVE, APPROVER)
    twice.refused("approved_by_you")
    assert isinstance(twice.refusal, FourEyes)


def test_a_deputy_approves_for_the_holder_and_is_no_second_pair_of_eyes_beside_them() -> None:
    first, _ = given_by(DEPUTY, of(APPROVER, DEPUTY, terms_no=2))
    assert isinstance(first, ApprovalGiven)
    assert (first.approved_by, first.authority_holder, first.terms_no) == (DEPUTY.person_id, APPROVER.person_id, 2)
    (by_deputy,) = given_by(DEPUTY, of(APPROVER, DEPUTY), thresholds=TWO)
    knowing(of(APPROVER), thresholds=TWO).given(by_deputy).when(APPROVE, APPROVER).refused("authority_used_already")
    (by_holder,) = given_by(APPROVER, of(APPROVER), thresholds=TWO)
    knowing(of(APPROVER, DEPUTY), thresholds=TWO).given(by_holder).when(APPROVE, DEPUTY).refused("stands_in_for_one_involved")


def test_whose_authority_a_deputy_used_gives_no_other_approval_by_whosever_authority() -> None:
    (by_deputy,) = given_by(DEPUTY, of(APPROVER, DEPUTY), thresholds=TWO)
    waiting = knowing(of(SECOND, APPROVER), of(APPROVER), thresholds=TWO).given(by_deputy)
    waiting.when(APPROVE, APPROVER).refused("authority_used_already")
    assert isinstance(waiting.when(APPROVE, APPROVER).refusal, FourEyes)
    given_by(staff("third", "finance_approver"), of(SECOND, staff("third")), past=(by_deputy,), thresholds=TWO)


@pytest.mark.parametrize(
    ("past", "order"),
    [
        ((), release(1)),
        ((RELEASED_1,), ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY)),
        ((RELEASED_1, PAID_1, DELIVERED_1), ReconcileTranche(number=1)),
    ],
    ids=["release", "confirm", "reconcile"],
)
def test_whose_authority_a_deputy_used_wears_the_approvers_hat(past: tuple[Event, ...], order: Command) -> None:
    by_deputy = given_by(DEPUTY, of(APPROVER, DEPUTY))
    done = knowing(of(APPROVER)).given(*by_deputy, *past).when(order, APPROVER)
    done.refused("four_eyes")
    assert done.refusal is not None
    assert done.refusal.sentence.startswith("You approved this grant, or a deputy did by your authority, so somebody else has to ")


def test_an_earlier_version_s_deputy_binds_the_holder_to_nothing_on_the_next_one() -> None:
    (by_deputy,) = given_by(DEPUTY, of(APPROVER, DEPUTY), thresholds=TWO)
    half = knowing(of(APPROVER), thresholds=TWO).given(by_deputy)
    edit = ReviseGrant(modality="service", money=REQUEST.money, tranches=REQUEST.tranches, budget_lines=REQUEST.budget_lines)
    (revised,) = half.when(edit, REQUESTER).events
    state = GRANT.fold((*WAITS, by_deputy, revised))
    assert state is not None
    anew = half.given(revised, ENDORSED.model_copy(update={"request_version": 2, "content_hash": state.content_hash}))
    anew.when(APPROVE.model_copy(update={"request_version": 2, "content_hash": state.content_hash}), APPROVER).then_kinds(ApprovalGiven)


@pytest.mark.parametrize("holder", [REQUESTER, ENDORSER, COUNSELLOR], ids=["asked", "endorsed", "counsels"])
def test_a_deputy_never_inherits_from_whoever_had_a_part_in_the_request(holder: Actor) -> None:
    knowing(of(holder, DEPUTY)).when(APPROVE, DEPUTY).refused("stands_in_for_one_involved")
    assert given_by(DEPUTY, of(holder, DEPUTY), of(DEPUTY))


def test_whoever_has_an_authority_of_their_own_acts_by_it() -> None:
    first, _ = given_by(DEPUTY, of(APPROVER, DEPUTY), of(DEPUTY))
    assert isinstance(first, ApprovalGiven)
    assert first.authority_holder == DEPUTY.person_id
    by_another, _ = given_by(DEPUTY, of(APPROVER, DEPUTY), of(DEPUTY, up_to=Decimal("10.00")))
    assert isinstance(by_another, ApprovalGiven)
    assert by_another.authority_holder == APPROVER.person_id


def test_of_two_authorities_of_one_holder_the_first_one_counts_however_they_were_read() -> None:
    earlier, later = of(APPROVER, authority_id=ref(1)), of(APPROVER, authority_id=ref(2))
    for terms in ((earlier, later), (later, earlier)):
        first, _ = given_by(APPROVER, *terms)
        assert isinstance(first, ApprovalGiven)
        assert first.authority_id == earlier.authority_id


def test_an_authority_without_a_rate_does_not_stand_in_the_way_of_the_next_one() -> None:
    without_rate = of(DEPUTY, currency="USD")
    first, _ = given_by(DEPUTY, without_rate, of(APPROVER, DEPUTY))
    assert isinstance(first, ApprovalGiven)
    assert first.authority_holder == APPROVER.person_id
    too_little = of(APPROVER, DEPUTY, up_to=Decimal("10.00"))
    knowing(without_rate, too_little).when(APPROVE, DEPUTY).refused("beyond_authority")


def test_every_approval_is_from_the_same_fund() -> None:
    (first,) = given_by(APPROVER, of(APPROVER), thresholds=TWO)
    other = APPROVE.model_copy(update={"fund_id": ref(88)})
    knowing(of(SECOND), thresholds=TWO).given(first).when(other, SECOND).refused("another_fund")


def test_how_strong_and_how_old_the_sign_in_was_stands_in_the_approval() -> None:
    first, _ = GRANT.decide(
        GRANT.fold(WAITS), APPROVE, NOTHING_STANDS_AGAINST_IT, Context(APPROVER, NOON, SignIn("phishing_resistant", 240))
    )
    assert isinstance(first, ApprovalGiven)
    assert (first.strength, first.auth_age_seconds) == ("phishing_resistant", 240)
    state = GRANT.fold(WAITS)
    refusal = Given(GRANT, NOTHING_STANDS_AGAINST_IT).given(*WAITS)
    assert refusal.when(APPROVE, APPROVER).refusal is None
    with pytest.raises(RuleViolation) as refused:
        GRANT.decide(state, APPROVE, NOTHING_STANDS_AGAINST_IT, Context(APPROVER, NOON))
    assert code_of(refused.value) == "sign_in_unknown"


def test_an_edit_between_two_approvals_voids_the_first_and_the_old_hash_is_refused() -> None:
    (first,) = given_by(APPROVER, of(APPROVER), thresholds=TWO)
    half = knowing(of(SECOND), thresholds=TWO).given(first)
    edit = ReviseGrant(modality="service", money=REQUEST.money, tranches=REQUEST.tranches, budget_lines=REQUEST.budget_lines)
    (revised,) = half.when(edit, REQUESTER).events
    edited = half.given(revised)
    edited.when(APPROVE, SECOND).refused("wrong_status")
    state = GRANT.fold((*WAITS, first, revised))
    assert state is not None
    assert (state.approvals, state.endorser_id) == ((), None)
    endorsed_anew = ENDORSED.model_copy(update={"request_version": 2, "content_hash": state.content_hash})
    anew = edited.given(endorsed_anew)
    anew.when(APPROVE, SECOND).refused("version_changed")
    anew.when(APPROVE.model_copy(update={"request_version": 2}), SECOND).refused("content_changed")
    read = APPROVE.model_copy(update={"request_version": 2, "content_hash": state.content_hash})
    (again,) = anew.when(read, SECOND).events
    assert isinstance(again, ApprovalGiven)
    # Whoever approved the former version may approve the new one, by then as the first or the second of it.
    assert (again.level, again.levels_needed) == (1, 2)
    anew.knowing(replace(anew.facts, terms=(of(APPROVER),))).when(read, APPROVER).then_kinds(ApprovalGiven)
    anew.knowing(replace(anew.facts, terms=(of(APPROVER, DEPUTY),))).when(read, DEPUTY).then_kinds(ApprovalGiven)


def test_what_one_person_approved_before_there_were_levels_stays_approved() -> None:
    before = GRANT.fold((REQUESTED, ENDORSED, APPROVED))
    assert before is not None
    assert (before.status, before.approvals, before.approved_version, before.approved_before) == ("approved", (), None, 1)
    assert SIGNED_IN.age_seconds < 300
