"""What invented people need on the way and are given: which of them, their ids say, without a throw of the dice."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from ops.demo_year.people import Household, Member, day_of, moment
from ops.demo_year.script import Journey
from services.returns.domain.case_support import CancelSupport, GiveSupport, PlanSupport
from services.returns.domain.support import tells_of_health
from shared.contracts.support import SupportNeed
from shared.money import Money

# Invented providers, lines of the budget and prices in euro, the first for each need and the second for each day.
_GIVEN: dict[SupportNeed, tuple[str, str, int]] = {
    "medical_examination": ("invented-clinic", "AVRR-3.1", 40),
    "medication": ("invented-pharmacy", "AVRR-3.1", 25),
    "psychological_counselling": ("invented-counselling", "AVRR-3.2", 60),
    "supplies_for_children": ("invented-childcare", "AVRR-3.3", 30),
    "care_of_children": ("invented-childcare", "AVRR-3.3", 0),
    "nights_before_departure": ("invented-hostel", "AVRR-3.4", 35),
    "costs_of_documents": ("invented-cash-desk", "AVRR-3.5", 50),
}
_NIGHTS = 2


def support(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Some of a household need something before they leave; it is planned on this day and given within the week."""
    for member in household.members:
        for number, need in enumerate(_needs(household, member)):
            by = household.counsellor if tells_of_health(need) else "operations"
            support_id = UUID(int=member.person_id.int ^ (8 + number))
            at = moment(day, 15, number)
            journey.give(
                at, by, case_id,
                PlanSupport(
                    support_id=support_id, person_id=member.person_id, need=need, needed_from=day_of(day + 2),
                    needed_until=day_of(day + 2 + _NIGHTS),
                ),
            )  # fmt: skip
            given = moment(day + 5, 15, number)
            if member.person_id.int % 41 == 0:
                journey.give(given, by, case_id, CancelSupport(support_id=support_id, reason="declined"))
                continue
            provider, line, price = _GIVEN[need]
            nights = _NIGHTS if need == "nights_before_departure" else 0
            journey.give(
                given, by, case_id,
                GiveSupport(
                    support_id=support_id, provider=provider, given_from=day_of(day + 2), given_until=day_of(day + 2 + nights),
                    cost=Money(amount=Decimal(price * max(1, nights)), currency="EUR"), budget_line=line, outcome="need_met",
                ),
            )  # fmt: skip


def _needs(household: Household, member: Member) -> Iterator[SupportNeed]:
    number = member.person_id.int
    if not member.adult:
        yield "supplies_for_children"
    elif len(household.adults) == 1 < len(household.members):
        yield "care_of_children"
    if number % 9 == 1:
        yield "medical_examination" if number % 2 else "medication"
    if member.adult and number % 11 == 2:
        yield "psychological_counselling"
    if number % 5 == 3:
        yield "nights_before_departure"
    if member.adult and number % 6 == 4:
        yield "costs_of_documents"
