"""Support on the way: what may be planned by whom, how it is given or cancelled, and who is told of it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.returns.domain.case import CASE
from services.returns.domain.case_state import Case
from services.returns.domain.case_support import MOST_SUPPORTS, CancelSupport, GiveSupport, PlanSupport
from services.returns.domain.support import KIND_OF, KINDS, Support, support_seen_by, tells_of_health
from shared.actors import Actor
from shared.contracts.returns import CaseWithdrawn, PersonWithdrew
from shared.contracts.support import SupportCancelled, SupportGiven, SupportNeed, SupportPlanned
from shared.messages import Concealed, Context, Event
from shared.money import Money
from tests.given import NOON, staff
from tests.unit.returns.examples import (
    ARRIVED,
    BOOKED,
    CHILD,
    COORDINATOR,
    COUNSELLOR,
    DEPARTED,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    OPERATIONS,
    PROTECTION,
    READY,
    STRANGER,
    SUBMITTER,
    after,
    given,
    ref,
)
from tests.unit.returns.sequences import run
from tests.unit.returns.test_transitions import SHAPE, STEP, Step, told, what_always_holds

BED, PILLS = ref(501), ref(502)
TODAY = NOON.date()
DOCTOR = staff("samir", "medical")


def plan(need: SupportNeed = "nights_before_departure", **answers: Any) -> PlanSupport:
    return PlanSupport(**{"support_id": BED, "person_id": MOTHER, "need": need, "needed_from": TODAY, **answers})


def planned(need: SupportNeed = "nights_before_departure", **answers: Any) -> SupportPlanned:
    stated = {"support_id": BED, "person_id": MOTHER, "need": Concealed.of(need), "needed_from": TODAY, **answers}
    return SupportPlanned(**stated)


def give(**answers: Any) -> GiveSupport:
    as_usual: dict[str, Any] = {
        "support_id": BED, "provider": "red_cross", "given_from": TODAY - timedelta(days=2), "given_until": TODAY,
        "cost": Money(amount=Decimal("120.50"), currency="BAM"), "budget_line": "AVRR-2.1", "outcome": "need_met",
    }  # fmt: skip
    return GiveSupport(**{**as_usual, **answers})


GIVEN = SupportGiven(
    support_id=BED, person_id=MOTHER, provider=Concealed.of("red_cross"), budget_line=Concealed.of("AVRR-2.1"),
    outcome=Concealed.of("need_met"), cost=Money(amount=Decimal("120.50"), currency="BAM"),
    given_from=TODAY - timedelta(days=2), given_until=TODAY,
)  # fmt: skip
CANCELLED = SupportCancelled(support_id=BED, person_id=MOTHER, reason=Concealed.of("declined"))


@pytest.mark.parametrize("past", [OPENED, BOOKED, READY, DEPARTED, ARRIVED], ids=lambda past: after(*past).status)
def test_support_is_planned_given_and_on_record_at_every_stretch_of_an_open_case(past: tuple[Event, ...]) -> None:
    given(*past).when(plan(), OPERATIONS).then(planned())
    given(*past, planned()).when(give(), OPERATIONS).then(GIVEN)
    assert after(*past, planned(), GIVEN).supports == (
        Support(
            support_id=BED, person_id=MOTHER, needed_from=TODAY, status="given", kind="accommodation",
            need="nights_before_departure", provider="red_cross", budget_line="AVRR-2.1", outcome="need_met",
            cost=Money(amount=Decimal("120.50"), currency="BAM"), given_from=TODAY - timedelta(days=2), given_until=TODAY,
        ),
    )  # fmt: skip


def test_what_support_it_is_stands_in_no_leaf_and_all_support_looks_alike() -> None:
    for need in get_args(SupportNeed):
        (event,) = given(*BOOKED).when(plan(need), COUNSELLOR).events
        assert {name for name, field in event if isinstance(field, Concealed)} == {"need"}
    assert {name for name, field in GIVEN if isinstance(field, Concealed)} == {"provider", "budget_line", "outcome"}


def test_every_need_is_counted_as_one_of_the_five_kinds() -> None:
    assert set(KIND_OF) == set(get_args(SupportNeed))
    assert set(KIND_OF.values()) == set(KINDS)
    assert {KIND_OF[need] for need in KIND_OF if tells_of_health(need)} == {"medical", "psychosocial"}


@pytest.mark.parametrize("by", [OPERATIONS, SUBMITTER])
def test_what_tells_of_health_is_for_those_who_care_for_the_person(by: Actor) -> None:
    given(*BOOKED).when(plan("medical_treatment"), by).refused("health_is_not_your_part")
    # To whom it is not shown it is not there either, whatever they guess.
    there = (*BOOKED, planned("psychological_counselling"))
    given(*there).when(give(), by).refused("no_support_planned")
    given(*there, planned(support_id=PILLS)).when(give(), by).refused("support_unknown")
    given(*there, planned(support_id=PILLS)).when(CancelSupport(support_id=BED, reason="declined"), by).refused("support_unknown")


@pytest.mark.parametrize("by", [COUNSELLOR, PROTECTION, DOCTOR])
def test_who_cares_for_the_person_plans_and_gives_what_tells_of_health(by: Actor) -> None:
    given(*BOOKED).when(plan("medication"), by).then(planned("medication"))
    given(*BOOKED, planned("medication")).when(give(), by).then(GIVEN)


def test_who_prepares_the_rest_is_not_shown_that_there_is_support_of_health() -> None:
    supports = after(*BOOKED, planned(), planned("medication", support_id=PILLS)).supports
    for reader, sees in ((COUNSELLOR, 2), (PROTECTION, 2), (DOCTOR, 2), (SUBMITTER, 1), (OPERATIONS, 1), (COORDINATOR, 1)):
        assert len(support_seen_by(supports, COUNSELLOR.person_id, reader)) == sees


def test_of_somebody_who_was_erased_it_stays_known_that_there_was_support_and_nobody_gives_any_more() -> None:
    # As the log has them once what they conceal is gone.
    bare = Concealed(digest="0")
    forgotten = (planned().model_copy(update={"need": bare}),)
    given_then = GIVEN.model_copy(update={"provider": bare, "budget_line": bare, "outcome": bare})
    (support,) = after(*BOOKED, *forgotten, given_then).supports
    assert (support.kind, support.need, support.provider, support.budget_line, support.outcome) == (None,) * 5
    assert (support.status, support.cost) == ("given", GIVEN.cost)
    assert support_seen_by((support,), COUNSELLOR.person_id, OPERATIONS) == ()
    given(*BOOKED, *forgotten).when(give(), PROTECTION).refused("no_support_planned")


def test_nothing_is_planned_for_strangers_for_who_stays_or_for_a_case_that_has_ended() -> None:
    given(*BOOKED).when(plan(person_id=STRANGER), OPERATIONS).refused("person_not_in_case")
    given(*BOOKED, PersonWithdrew(person_id=FATHER)).when(plan(person_id=FATHER), OPERATIONS).refused("person_withdrew")
    ended = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    given(*BOOKED, ended).when(plan(), OPERATIONS).refused("case_ended")


def test_what_was_given_is_recorded_after_the_case_has_ended_as_well() -> None:
    ended = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
    given(*BOOKED, planned(), ended).when(give(), OPERATIONS).then(GIVEN)


def test_what_support_cost_is_an_amount_that_can_be_paid() -> None:
    finer = Money(amount=Decimal("120.505"), currency="BAM")
    given(*BOOKED, planned()).when(give(cost=finer), OPERATIONS).refused("finer_than_paid")


def test_days_are_in_their_order_and_what_was_given_has_begun() -> None:
    yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    given(*BOOKED).when(plan(needed_until=yesterday), OPERATIONS).refused("days_in_wrong_order")
    there = given(*BOOKED, planned())
    there.when(give(given_from=TODAY, given_until=yesterday), OPERATIONS).refused("days_in_wrong_order")
    there.when(give(given_from=tomorrow, given_until=tomorrow), OPERATIONS).refused("in_the_future")
    # Nights that were paid for lie ahead.
    there.when(give(given_from=TODAY, given_until=tomorrow), OPERATIONS).then_kinds(SupportGiven)


@pytest.mark.parametrize("settled", [GIVEN, CANCELLED])
def test_what_is_settled_stays_so(settled: Event) -> None:
    past = given(*BOOKED, planned(), settled, planned(support_id=PILLS))
    past.when(give(), OPERATIONS).refused("support_settled")
    past.when(CancelSupport(support_id=BED, reason="not_needed"), OPERATIONS).refused("support_settled")
    past.when(plan(), OPERATIONS).refused("support_id_taken")


def test_what_is_cancelled_says_why_beside_the_log_alone() -> None:
    given(*BOOKED, planned()).when(CancelSupport(support_id=BED, reason="declined"), OPERATIONS).then(CANCELLED)
    assert [one.status for one in after(*BOOKED, planned(), CANCELLED).supports] == ["cancelled"]


def test_a_case_holds_so_much_support_and_no_more() -> None:
    full = tuple(planned(support_id=ref(600 + number)) for number in range(MOST_SUPPORTS))
    given(*BOOKED, *full).when(plan(), OPERATIONS).refused("too_much_support")


@pytest.mark.parametrize("provider", ["", " ", "a b", "a\n", "a" * 41])
def test_a_provider_is_a_code(provider: str) -> None:
    with pytest.raises(ValidationError):
        give(provider=provider)


def test_support_may_have_cost_nothing_and_never_less() -> None:
    nothing = Money(amount=Decimal(0), currency="EUR")
    given(*BOOKED, planned()).when(give(cost=nothing), OPERATIONS).then_kinds(SupportGiven)
    with pytest.raises(ValidationError):
        give(cost={"amount": "-1", "currency": "EUR"})


IDS = st.sampled_from([BED, PILLS, ref(503)])
ORDERS = st.one_of(
    st.builds(
        lambda id, who, need, days: lambda at: plan(
            need, support_id=id, person_id=who, needed_from=at.date() + timedelta(days=days)
        ),
        IDS, st.sampled_from([*FAMILY, STRANGER]), st.sampled_from(get_args(SupportNeed)), st.integers(-3, 30),
    ),
    st.builds(
        lambda id, days, amount: lambda at: give(
            support_id=id, given_from=at.date(), given_until=at.date() + timedelta(days=days),
            cost=Money(amount=Decimal(amount) / 100, currency="EUR"),
        ),
        IDS, st.integers(-1, 5), st.integers(0, 100_000),
    ),
    st.builds(lambda id: lambda _: CancelSupport(support_id=id, reason="not_needed"), IDS),
)
TURN = st.tuples(
    ORDERS, st.sampled_from([timedelta(minutes=1), timedelta(hours=7)]), st.none(),
    st.sampled_from([COUNSELLOR, OPERATIONS, PROTECTION, DOCTOR]),
)


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("past", [OPENED, READY, ARRIVED], ids=lambda past: after(*past).status)
@over(story=st.lists(st.one_of(TURN, TURN, STEP), min_size=10, max_size=40))
def test_along_any_orders_support_is_given_whole_once_and_to_persons_of_the_case(
    past: tuple[Event, ...], story: list[Step]
) -> None:
    def holds(before: Case | None, case: Case, facts: Any, at: Any) -> None:
        what_always_holds(before, case, facts, at)
        settled = {one.support_id: one for one in before.supports if one.status != "planned"} if before else {}
        assert all(one in case.supports for one in settled.values())
        assert len({one.support_id for one in case.supports}) == len(case.supports)
        for one in case.supports:
            assert case.person(one.person_id) is not None
            whole = (one.provider, one.budget_line, one.outcome, one.cost, one.given_from, one.given_until)
            assert all(part is not None for part in whole) is (one.status == "given")
            assert one.given_from is None or one.given_from <= at.date() + timedelta(days=1)

    run(CASE, told(story, NOON), SHAPE, holds, past)


def test_no_support_changes_how_far_a_case_is_or_what_it_lacks() -> None:
    before = after(*READY)
    events = CASE.decide(before, plan("medication"), given().facts, Context(COUNSELLOR, NOON))
    changed = CASE.fold(events, before)
    assert changed is not None
    assert (changed.status, changed.holds_until, changed.last_contact_at) == (
        before.status, before.holds_until, before.last_contact_at,
    )  # fmt: skip


def test_a_child_has_support_of_its_own() -> None:
    given(*BOOKED).when(plan("care_of_children", person_id=CHILD, needed_until=date(2023, 5, 9)), OPERATIONS).then(
        planned("care_of_children", person_id=CHILD, needed_until=date(2023, 5, 9))
    )
