"""Caps of a person and of a family hold in every currency, and who asks for just less than a threshold is marked."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.caps import (
    EXAMPLE_CAPS,
    Caps,
    Support,
    lies_just_below_a_threshold,
    refuse_beyond_caps,
)
from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.family import (
    FAMILY,
    Family,
    RecordFamily,
    RecordMember,
    RecordMemberGone,
)
from services.reintegration.domain.grant import GRANT, ReviseGrant
from services.reintegration.reactions import REACTIONS
from shared.contracts.counselling import FamilyMember, FamilyMemberJoined, FamilyMemberLeft, FamilyRegistered
from shared.contracts.noted_cases import CaseEndNoted
from shared.contracts.reintegration import GrantRevised, GrantSubmitted
from shared.contracts.relatives import FamilyNoted, MemberCame, MemberGone
from shared.decider import NoFacts
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event, Order, Received
from shared.money import Money
from tests.given import NOON, Given, code_of
from tests.unit.reintegration.examples import (
    CASE_ID,
    CHILD,
    COUNSELLOR,
    DRAFTED,
    MANAGER,
    NOTHING_STANDS_AGAINST_IT,
    PERSON,
    REQUEST,
    REQUESTER,
    STRANGER,
    SUBMIT,
    eur,
    had,
)

DAY = date(2023, 5, 2)
RATES = RatesInForce.on(
    DAY,
    [
        RecordedRate("BAM", "EUR", date(2023, 1, 1), 1, Decimal("1.95583"), "fixed_by_law"),
        RecordedRate("EUR", "USD", date(2023, 5, 1), 1, Decimal("0.908"), "un_operational_rate"),
    ],
)
FAMILIES = Given(FAMILY, NoFacts())
CAUSE = Received(subject=CASE_ID, at=NOON, actor_id=COUNSELLOR.person_id)
SUMS = st.decimals("0.01", "3000", places=2)


def money(amount: str, currency: str) -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def held_against(support: Support | None, asked: Money) -> str:
    try:
        refuse_beyond_caps(support, asked)
    except RuleViolation as refusal:
        return code_of(refusal)
    return "within"


def test_a_person_is_granted_at_most_the_cap_in_twelve_months() -> None:
    assert held_against(had("1800.00"), eur("1200.00")) == "within"
    assert held_against(had("1800.01"), eur("1200.00")) == "beyond_cap"
    assert held_against(None, eur("0.01")) == "beyond_cap"


def test_a_family_is_granted_at_most_its_own_cap_with_everybody_in_it() -> None:
    assert held_against(had("0.00", family="6300.00"), eur("1200.00")) == "within"
    assert held_against(had("0.00", family="6300.01"), eur("1200.00")) == "beyond_family_cap"


def test_what_was_granted_in_other_currencies_counts_by_the_rates_of_the_day() -> None:
    # 3,520.49 BAM are 1,799.99… EUR.
    for amount, code in (("3520.49", "within"), ("3520.52", "beyond_cap")):
        one = (money(amount, "BAM"),)
        assert held_against(Support(EXAMPLE_CAPS, one, one, RATES), eur("1200.00")) == code
    both = (money("1000.00", "EUR"), money("1101.32", "USD"))
    assert Support(EXAMPLE_CAPS, both, both, RATES).of_the_person(eur("0.00")) == eur("2000.00")
    # Asked for in dollars: 1,321.59 are 1,200.00 EUR.
    assert held_against(replace(had("1800.00"), rates=RATES), money("1321.58", "USD")) == "within"
    assert held_against(replace(had("1800.00"), rates=RATES), money("1321.60", "USD")) == "beyond_cap"


def test_without_a_rate_nothing_is_counted_as_nothing() -> None:
    francs = (money("1", "XOF"),)
    assert held_against(Support(EXAMPLE_CAPS, francs, francs, RATES), eur("1.00")) == "rate_missing"
    assert held_against(had("0.00"), money("1.00", "BAM")) == "rate_missing"
    assert held_against(Support(EXAMPLE_CAPS, (), francs, RATES), eur("1.00")) == "rate_missing"


def test_rates_of_another_day_change_what_was_granted_before_and_nothing_else() -> None:
    francs, dollars = (money("900.00", "XOF"),), (money("1000.00", "USD"),)
    support = Support(EXAMPLE_CAPS, francs, (*francs, *dollars), RatesInForce({}))
    assert support.currencies == {"EUR", "XOF", "USD"}
    assert support.by(RATES) == Support(EXAMPLE_CAPS, francs, (*francs, *dollars), RATES)


def test_a_policy_of_a_programme_has_caps_of_its_own() -> None:
    caps = Caps("BAM", Decimal(1000), Decimal(1500), Decimal(100), Decimal(500))
    support = Support(caps, (), (money("900.00", "BAM"),), RATES)
    assert held_against(support, money("600.00", "BAM")) == "within"
    assert held_against(support, money("600.01", "BAM")) == "beyond_family_cap"
    assert held_against(support, eur("511.29")) == "beyond_family_cap"
    assert held_against(support, eur("511.30")) == "beyond_cap"


# The example's thresholds are 500 and 2,000 EUR.
@pytest.mark.parametrize(
    ("asked", "person", "family", "marked"),
    [
        ("449.99", "600.00", "600.00", False),
        ("450.00", "50.00", "50.00", False),
        ("450.00", "50.01", "50.01", True),
        ("500.00", "0.01", "0.01", True),
        ("500.00", "0.00", "0.01", True),
        ("500.00", "0.00", "0.00", False),
        ("500.01", "600.00", "600.00", False),
        ("1800.00", "200.00", "200.00", False),
        ("1800.00", "200.00", "200.01", True),
    ],
)
def test_a_request_just_below_a_threshold_that_others_lift_above_it_is_marked(
    asked: str, person: str, family: str, marked: bool
) -> None:
    assert lies_just_below_a_threshold(had(person, family), eur(asked)) is marked


def test_where_nothing_was_looked_up_nothing_is_marked() -> None:
    assert lies_just_below_a_threshold(None, eur("500.00")) is False


def test_the_mark_stands_on_the_request_and_refuses_nothing() -> None:
    # What is asked for is 1,200 EUR.
    caps = replace(EXAMPLE_CAPS, one_approver_up_to=Decimal(1300))
    for had_before, marked in (("100.01", True), ("100.00", False)):
        support = replace(had(had_before), caps=caps)
        grants = Given(GRANT, replace(NOTHING_STANDS_AGAINST_IT, support=support)).given(DRAFTED)
        (submitted,) = grants.when(SUBMIT, REQUESTER).events
        assert isinstance(submitted, GrantSubmitted)
        assert submitted.just_below_threshold is marked
        after = GRANT.fold((DRAFTED, submitted))
        assert after is not None
        assert after.just_below_threshold is marked
        order = ReviseGrant(modality="service", money=REQUEST.money, tranches=REQUEST.tranches, budget_lines=REQUEST.budget_lines)
        for past, of_it in (((submitted,), marked), ((), False)):
            (revised,) = grants.given(*past).when(order, REQUESTER).events
            assert isinstance(revised, GrantRevised)
            assert revised.just_below_threshold is of_it


@examples(
    own=st.lists(SUMS, max_size=4), others=st.lists(SUMS, max_size=4), asked=SUMS,
    currency=st.sampled_from(("EUR", "BAM", "USD")),
)  # fmt: skip
def test_what_is_not_refused_lies_within_both_caps(
    own: list[Decimal], others: list[Decimal], asked: Decimal, currency: str
) -> None:
    person = tuple(Money(amount=amount, currency="EUR") for amount in own)
    family = (*person, *(Money(amount=amount, currency="BAM") for amount in others))
    support = Support(EXAMPLE_CAPS, person, family, RATES)
    if held_against(support, Money(amount=asked, currency=currency)) != "within":
        return
    rate = {"EUR": Decimal(1), "BAM": Decimal("1.95583"), "USD": Decimal(1) / Decimal("0.908")}
    cent = Decimal("0.01")
    mine = sum(own, Decimal(0)) + asked / rate[currency]
    assert mine <= EXAMPLE_CAPS.cap_per_person + cent
    assert mine + sum(others, Decimal(0)) / rate["BAM"] <= EXAMPLE_CAPS.cap_per_family + cent * (len(others) + 1)


def _orders(event: Event) -> tuple[Order, ...]:
    return REACTIONS[type(event)](event, CAUSE)


def test_a_family_is_noted_as_counselling_registers_it_but_for_guardians_of_many() -> None:
    members = tuple(
        FamilyMember(person_id=id, relation=relation)
        for id, relation in ((PERSON, "principal"), (CHILD, "child"), (STRANGER, "guardian"))
    )
    (noted,) = _orders(FamilyRegistered(members=members))
    assert noted == Order("family", CASE_ID, RecordFamily(member_ids=(PERSON, CHILD)))
    joined = FamilyMember(person_id=STRANGER, relation="spouse")
    (came,) = _orders(FamilyMemberJoined(member=joined, reason="united"))
    assert came.command == RecordMember(person_id=STRANGER)
    guardian = FamilyMember(person_id=STRANGER, relation="guardian")
    assert _orders(FamilyMemberJoined(member=guardian, reason="guardian_appointed")) == ()
    (gone,) = _orders(FamilyMemberLeft(person_id=CHILD, reason="grown_up"))
    assert gone.command == RecordMemberGone(person_id=CHILD)


def test_who_comes_and_goes_is_noted_once() -> None:
    noted = FamilyNoted(member_ids=(PERSON, CHILD))
    FAMILIES.when(RecordFamily(member_ids=(PERSON, CHILD)), MANAGER).then(noted)
    FAMILIES.when(RecordFamily(member_ids=()), MANAGER).then()
    FAMILIES.given(noted).when(RecordFamily(member_ids=(STRANGER,)), MANAGER).then()
    FAMILIES.given(noted).when(RecordMember(person_id=STRANGER), MANAGER).then(MemberCame(person_id=STRANGER))
    FAMILIES.given(noted).when(RecordMember(person_id=CHILD), MANAGER).then()
    FAMILIES.given(noted).when(RecordMemberGone(person_id=CHILD), MANAGER).then(MemberGone(person_id=CHILD))
    FAMILIES.given(noted).when(RecordMemberGone(person_id=STRANGER), MANAGER).then()
    # Of a family of before nobody else is known.
    FAMILIES.when(RecordMember(person_id=STRANGER), MANAGER).then(FamilyNoted(member_ids=(STRANGER,)))
    FAMILIES.when(RecordMemberGone(person_id=STRANGER), MANAGER).then()
    family = FAMILY.fold((noted, MemberCame(person_id=STRANGER), MemberGone(person_id=CHILD)))
    assert family == Family((PERSON, STRANGER))
    for state, event in ((None, MemberCame(person_id=PERSON)), (family, noted), (None, CaseEndNoted())):
        with pytest.raises(TypeError):
            FAMILY.evolve(state, event)


@examples(
    orders=st.lists(
        st.one_of(
            st.builds(lambda id: RecordMember(person_id=id), st.sampled_from((PERSON, CHILD, STRANGER))),
            st.builds(lambda id: RecordMemberGone(person_id=id), st.sampled_from((PERSON, CHILD, STRANGER))),
            st.just(RecordFamily(member_ids=(PERSON, CHILD))),
        ),
        max_size=12,
    )
)
def test_whatever_is_noted_nobody_is_in_a_family_twice(orders: list[Command]) -> None:
    state: Family | None = None
    for order in orders:
        state = FAMILY.fold(FAMILY.decide(state, order, NoFacts(), Context(MANAGER, NOON)), state)
        assert state is None or len(set(state.member_ids)) == len(state.member_ids)
