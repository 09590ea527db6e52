"""The invented year adds up to what was published whatever the seed, and is the same for the same seed."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.demo_year import quotas
from ops.demo_year.people import Dice, households
from ops.demo_year.script import Step
from ops.demo_year.year import build_year
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.outreach import RecordOutreach
from services.counselling.domain.session import HoldSession
from services.reintegration.domain.grant import (
    ApproveGrant,
    CancelGrant,
    RejectGrant,
    RequestGrant,
    ReturnGrant,
)
from services.returns.domain.case_journey import ConfirmArrival
from services.returns.domain.case_preparation import RecordMissedFlight

SEEDS = st.integers(min_value=0, max_value=2**32)


def orders_of(year: list[list[Step]], kind: type) -> list[Step]:
    return [step for journey in year for step in journey if isinstance(step.order, kind)]


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_every_seed_makes_the_published_sums(seed: int) -> None:
    year = build_year(seed)
    held = [step.order for step in orders_of(year, HoldSession)]
    individual = [order for order in held if isinstance(order, HoldSession) and order.session_type == "individual"]
    assert len(individual) == quotas.SESSIONS
    assert sum(order.modality == "virtual_country_of_origin" for order in individual) == quotas.VIRTUAL_SESSIONS
    outreach = [step.order for step in orders_of(year, RecordOutreach)]
    assert sum(order.contacts for order in outreach if isinstance(order, RecordOutreach)) == quotas.OUTREACH_CONTACTS
    places = {order.location for order in outreach if isinstance(order, RecordOutreach)}
    assert len(places) == quotas.OUTREACH_LOCATIONS
    wishes = [step.order for step in orders_of(year, ExpressIntention)]
    assert len({id for order in wishes if isinstance(order, ExpressIntention) for id in order.person_ids}) == 290
    assert len(orders_of(year, ConfirmArrival)) == sum(quotas.RETURNED.values()) == 96
    assert len(orders_of(year, RecordMissedFlight)) == quotas.MISSED_FLIGHTS


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_every_seed_grants_what_was_published(seed: int) -> None:
    year = build_year(seed)
    category = {step.id: step.order.category for step in orders_of(year, RequestGrant) if isinstance(step.order, RequestGrant)}
    approved = Counter(category[step.id] for step in orders_of(year, ApproveGrant))
    assert approved == Counter(quotas.GRANTS)
    assert len(orders_of(year, ReturnGrant)) == quotas.REQUESTS_RETURNED
    assert len(orders_of(year, RejectGrant)) == quotas.REQUESTS_REJECTED
    assert len(orders_of(year, CancelGrant)) == quotas.REQUESTS_CANCELLED


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_every_journey_is_in_order_and_inside_the_year(seed: int) -> None:
    first, last = datetime(2023, 1, 1, 1, tzinfo=UTC), datetime(2023, 12, 31, 22, tzinfo=UTC)
    for journey in build_year(seed):
        assert all(before.at <= after.at for before, after in pairwise(journey))
        assert all(first <= step.at <= last for step in journey)


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_those_who_return_are_as_published(seed: int) -> None:
    returning = [household for household in households(Dice(seed)) if household.outcome == "returned"]
    members = [(household.country, member) for household in returning for member in household.members]
    assert Counter(country for country, _ in members) == Counter(quotas.RETURNED)
    assert Counter(member.sex for _, member in members) == {"female": 7, "male": 89}
    assert sum(not member.adult for _, member in members) == 4
    assert all(household.adults for household in returning)


def test_the_same_seed_makes_the_same_year_and_another_seed_another() -> None:
    assert build_year(3) == build_year(3)
    assert build_year(3) != build_year(4)
