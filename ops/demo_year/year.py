"""The whole invented year for a seed: every journey, its steps in order, and nothing left to chance at run time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from uuid import UUID

from ops.demo_year import background, granting, quotas, script, supporting, travelling
from ops.demo_year.granting import Fate, Wanted
from ops.demo_year.identities import make_known, show_documents
from ops.demo_year.people import Dice, Household, households, moment
from ops.demo_year.script import LAST_DAY, Journey, Step
from services.reintegration.domain.fund import OpenFund
from services.reintegration.domain.plan import PlannedLine
from services.returns.domain.case_application import DeclareIneligible
from services.returns.domain.case_journey import RecordNotDeparted
from services.returns.domain.case_reintegration import RequestClosing, StartMonitoring
from services.returns.domain.case_withdrawal import (
    LapseCase,
    RecordContactTried,
    WithdrawCase,
    WithdrawPerson,
)
from shared.contracts.reintegration import GrantCategory

# Who leaves by this day has time left in the year for two grants, one after the other.
EARLY = 255
EARLY_HOUSEHOLDS = 72


@dataclass(slots=True)
class _Returner:
    household: Household
    departure: int
    missed: bool = False
    second_attempt: bool = False
    virtual: bool = False
    categories: dict[UUID, tuple[GrantCategory, ...]] = field(default_factory=dict)
    fates: dict[UUID, Fate] = field(default_factory=dict)


def build_year(seed: int) -> list[list[Step]]:
    """Every journey's steps by time. The same seed makes the same year, another one other people and the same sums."""
    dice = Dice(seed)
    funds = (dice.id(1), dice.id(1))
    everybody = households(dice)
    returners = _returners(dice, [household for household in everybody if household.outcome == "returned"])
    references = (f"BIH-{quotas.YEAR}-{number:05}" for number in count(1))
    returned_requests = iter(_first_of_many(quotas.REQUESTS_RETURNED))
    journeys = [_funds(dice, funds)]
    for number, returner in enumerate(returners):
        fund_id = funds[number % len(funds)]
        journeys.append(_returning(dice, returner, fund_id, references, returned_requests))
    open_families = 0
    for household in everybody:
        if household.outcome != "returned":
            leaves_one = household.outcome == "open" and len(household.members) > 1 and open_families == 0
            open_families += leaves_one
            journeys.append(_staying(dice, household, one_withdraws=leaves_one))
    left = quotas.SESSIONS - sum(journey.sessions for journey in journeys)
    journeys += [
        *background.sessions_with_others(dice, left), *background.group_sessions(dice), *background.outreach(dice)
    ]
    return [journey.in_order() for journey in journeys]


def _returners(dice: Dice, returning: list[Household]) -> list[_Returner]:
    dice.random.shuffle(returning)
    found = [
        _Returner(
            household,
            dice.between(32, EARLY) if number < EARLY_HOUSEHOLDS else dice.between(EARLY + 1, 352),
        )
        for number, household in enumerate(returning)
    ]
    alone = [returner for returner in found if len(returner.household.members) == 1]
    for returner in alone[: quotas.MISSED_FLIGHTS]:
        returner.missed, returner.departure = True, max(returner.departure, 60)
    for returner in alone[quotas.MISSED_FLIGHTS : quotas.MISSED_FLIGHTS + quotas.SECOND_ATTEMPTS]:
        returner.second_attempt, returner.departure = True, max(returner.departure, 120)
    for returner in found[: quotas.VIRTUAL_SESSIONS]:
        returner.virtual = True
    _share_grants(dice, found)
    return found


def _share_grants(dice: Dice, returners: list[_Returner]) -> None:
    early = [
        (returner, member.person_id)
        for returner in returners
        if returner.departure <= EARLY
        for member in returner.household.adults
    ]
    dice.random.shuffle(early)
    both = quotas.WITH_BUSINESS_AND_HOUSING
    needs: tuple[tuple[int, tuple[GrantCategory, ...], Fate], ...] = (
        (both, ("business", "housing"), "approved"),
        (quotas.GRANTS["business"] - both, ("business",), "approved"),
        (quotas.GRANTS["housing"] - both, ("housing",), "approved"),
        (quotas.GRANTS["medical"], ("medical",), "approved"),
        (quotas.REQUESTS_REJECTED, ("housing",), "rejected"),
        (quotas.REQUESTS_CANCELLED, ("business",), "cancelled"),
    )
    each = [(categories, fate) for times, categories, fate in needs for _ in range(times)]
    for (returner, person_id), (categories, fate) in zip(early, each, strict=False):
        returner.categories[person_id] = categories
        returner.fates[person_id] = fate


def _first_of_many(first: int) -> Iterator[bool]:
    for _ in range(first):
        yield True
    while True:
        yield False


def _funds(dice: Dice, funds: tuple[UUID, ...]) -> Journey:
    journey = Journey(dice)
    for number, fund_id in enumerate(funds):
        journey.give(
            moment(2, 8, number), "manager", fund_id,
            OpenFund(
                project=f"AVRR-WB-{number + 1}", donor=f"DONOR-{number + 1}", granted=granting.euro(Decimal(90_000)),
                valid_from=date(quotas.YEAR, 1, 1), valid_until=date(quotas.YEAR + 1, 6, 30),
            ),
        )  # fmt: skip
    return journey


def _returning(
    dice: Dice, returner: _Returner, fund_id: UUID, references: Iterator[str], returned_requests: Iterator[bool]
) -> Journey:
    journey, household, departure = Journey(dice), returner.household, returner.departure
    first_departure = departure - 9 if returner.missed else departure
    begins = first_departure - dice.between(24, min(45, first_departure - 4))
    if returner.second_attempt:
        begins = max(begins, 60)
        _earlier_attempt(journey, household, begins - 45)
    else:
        make_known(journey, household, begins)
    lines = granting.plan_lines(dice, household, returner.categories)
    plan_id = dice.id(begins)
    case_id = _prepare_to_leave(journey, household, begins, plan_id, lines)
    if returner.virtual:
        travelling.meet_the_receiving_office(journey, household, begins + 10)
    if returner.missed:
        travelling.book(journey, household, case_id, first_departure - 6, first_departure)
        travelling.on_the_eve(journey, household, case_id, first_departure)
        travelling.miss_the_flight(journey, case_id, first_departure)
        # For the next flight it is reported anew.
        travelling.report_the_exit(journey, household, case_id, departure - 8)
    travelling.book(journey, household, case_id, departure - 6, departure)
    travelling.on_the_eve(journey, household, case_id, departure)
    travelling.depart(journey, household, case_id, departure)
    travelling.arrive(journey, household, case_id, departure)
    agreed = departure + 1 + dice.between(8, 18)
    granting.agree(journey, household, plan_id, lines, agreed)
    settled = _grants(journey, returner, case_id, plan_id, fund_id, lines, references, returned_requests, agreed)
    _afterwards(journey, household, case_id, settled, declined=not returner.categories)
    return journey


def _earlier_attempt(journey: Journey, household: Household, day: int) -> None:
    make_known(journey, household, day)
    case_id = script.express_intention(journey, household, day)
    journey.give(moment(day + 6, 10), household.counsellor, case_id, WithdrawCase(reason="changed_mind"))


def _prepare_to_leave(
    journey: Journey, household: Household, begins: int, plan_id: UUID, lines: tuple[PlannedLine, ...]
) -> UUID:
    case_id = script.express_intention(journey, household, begins)
    script.screen(journey, household, case_id, begins + 1)
    script.apply_for(journey, household, case_id, begins + 2)
    script.hold_session(journey, household, moment(begins + 3, 13), "follow_up")
    travelling.approve(journey, case_id, begins + journey.dice.between(4, 5))
    travelling.prepare(journey, household, case_id, plan_id, lines, begins + 6)
    show_documents(journey, household)
    supporting.support(journey, household, case_id, begins + 7)
    return case_id


def _grants(
    journey: Journey, returner: _Returner, case_id: UUID, plan_id: UUID, fund_id: UUID,
    lines: tuple[PlannedLine, ...], references: Iterator[str], returned_requests: Iterator[bool], agreed: int,
) -> int:
    settled = agreed
    for person_id, fate in returner.fates.items():
        day = agreed + journey.dice.between(1, 4)
        for line in (line for line in lines if line.person_id == person_id):
            wanted = Wanted(line, fate, fate == "approved" and next(returned_requests))
            decided = granting.request_and_pay(
                journey, returner.household, case_id, plan_id, fund_id, wanted, references, day
            )
            # One advance at a time: the next is asked for when the tranches of this one are behind.
            day = decided + 22
            settled = max(settled, day)
    return settled


def _afterwards(journey: Journey, household: Household, case_id: UUID, settled: int, *, declined: bool) -> None:
    if declined:
        office = f"receiving-office-{household.country.lower()}"
        journey.give(moment(settled + 20, 9), office, case_id, StartMonitoring())
    if journey.dice.random.random() < 0.5:
        reason = "declined_support" if declined else "completed"
        report = granting.final_report(case_id, settled + 44, declined=declined)
        journey.give(moment(settled + 44, 14), f"receiving-office-{household.country.lower()}", case_id, report)
        journey.give(moment(settled + 45, 9), "coordinator", case_id, RequestClosing(reason=reason))


def _staying(dice: Dice, household: Household, *, one_withdraws: bool) -> Journey:
    journey, outcome = Journey(dice), household.outcome
    if outcome == "not_departed":
        return _not_departed(journey, household)
    latest = {"open": 361, "lapsed": 310, "withdrawn": 335, "ineligible": 340}[outcome]
    begins = dice.between(300 if outcome == "open" else 4, 340 if one_withdraws else latest)
    make_known(journey, household, begins)
    if outcome == "open":
        plan_lines = granting.plan_lines(dice, household, {})
        case_id = _prepare_to_leave(journey, household, begins, dice.id(begins), plan_lines)
        if one_withdraws:
            leaver = household.members[-1].person_id
            journey.give(moment(begins + 12, 15), household.counsellor, case_id, WithdrawPerson(person_id=leaver))
        return journey
    case_id = script.express_intention(journey, household, begins)
    reached = dice.between(0, 3) if outcome == "withdrawn" else 2 if outcome == "ineligible" else dice.between(0, 1)
    if reached > 0:
        script.screen(journey, household, case_id, begins + 1)
    if reached > 1:
        script.apply_for(journey, household, case_id, begins + 2)
    if reached > 2:
        travelling.approve(journey, case_id, begins + 5)
    _end(journey, household, case_id, begins)
    return journey


def _end(journey: Journey, household: Household, case_id: UUID, begins: int) -> None:
    if household.outcome == "withdrawn":
        reason = journey.dice.random.choice(("not_stated", "changed_mind", "other_option_found", "family_decision"))
        day = begins + journey.dice.between(7, 25)
        journey.give(moment(day, 11), household.counsellor, case_id, WithdrawCase(reason=reason))
    elif household.outcome == "ineligible":
        reason = journey.dice.random.choice(("no_document_obtainable", "destination_not_served", "already_assisted"))
        journey.give(moment(begins + 8, 12), "coordinator", case_id, DeclareIneligible(reason=reason))
    else:
        for tried in (15, 26):
            at = moment(begins + tried, 10)
            journey.give(at, household.counsellor, case_id, RecordContactTried(tried_at=at))
        journey.give(moment(begins + 40, 12), "coordinator", case_id, LapseCase(reason="no_contact"))


def _not_departed(journey: Journey, household: Household) -> Journey:
    departure = journey.dice.between(60, 250)
    begins = departure - 25
    make_known(journey, household, begins)
    lines = granting.plan_lines(journey.dice, household, {})
    case_id = _prepare_to_leave(journey, household, begins, journey.dice.id(begins), lines)
    travelling.book(journey, household, case_id, departure - 6, departure)
    travelling.on_the_eve(journey, household, case_id, departure)
    travelling.depart(journey, household, case_id, departure)
    journey.give(moment(departure + 33, 10), "coordinator", case_id, RecordNotDeparted())
    return journey


__all__ = ["LAST_DAY", "build_year"]
