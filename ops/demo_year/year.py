"""The whole invented year for a seed: every journey, its steps in order, and nothing left to chance at run time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count, islice
from typing import get_args
from uuid import UUID

from ops.demo_year import (
    background,
    banking,
    exchange,
    granting,
    parting,
    quotas,
    script,
    setbacks,
    supporting,
    travelling,
    unaccompanied,
)
from ops.demo_year.donors import DonorLines
from ops.demo_year.granting import Fate, Wanted
from ops.demo_year.identities import make_known, show_documents
from ops.demo_year.paying import ByBank, ByHand, Paying, Trouble
from ops.demo_year.people import Dice, Household, households, moment
from ops.demo_year.script import LAST_DAY, Journey, Step
from ops.demo_year.setbacks import Setback
from services.reintegration.domain.plan_lines import PlannedLine
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
from shared.contracts.returns import IneligibleReason, LapseReason

# Who leaves by this day has time left in the year for two grants, one after the other.
EARLY = 255
EARLY_HOUSEHOLDS = 72
# After the wish, when each has been given what was planned for them: what is still to be given goes along.
PARTING = 13
INELIGIBLE: tuple[IneligibleReason, ...] = get_args(IneligibleReason)
LAPSED: tuple[LapseReason, ...] = get_args(LapseReason)


@dataclass(slots=True)
class _Returner:
    household: Household
    departure: int
    missed: bool = False
    second_attempt: bool = False
    virtual: bool = False
    setback: Setback | None = None
    categories: dict[UUID, tuple[GrantCategory, ...]] = field(default_factory=dict)
    fates: dict[UUID, Fate] = field(default_factory=dict)


def build_year(seed: int) -> list[list[Step]]:
    """Every journey's steps by time, the bank's last. The same seed makes the same year, another one other people and the same sums."""
    paying = ByBank()
    dice, journeys = _build(seed, paying)
    return [journey.in_order() for journey in (*journeys, banking.journey(dice, paying))]


def build_year_by_hand(seed: int) -> list[list[Step]]:
    """The same year without a bank: whoever pays says that it is paid, so that each journey stands by itself."""
    _, journeys = _build(seed, ByHand(f"BIH-{quotas.YEAR}-{number:05}" for number in count(1)))
    return [journey.in_order() for journey in journeys]


def _build(seed: int, paying: Paying) -> tuple[Dice, list[Journey]]:
    dice = Dice(seed)
    donors = DonorLines.of(dice)
    everybody = households(dice)
    returners = _returners(dice, [household for household in everybody if household.outcome == "returned"])
    returned_requests = iter(_first_of_many(quotas.REQUESTS_RETURNED))
    of_payments: tuple[tuple[Trouble, int], ...] = (
        ("failed", quotas.PAYMENTS_FAILED), ("came_back", quotas.PAYMENTS_CAME_BACK), ("asked_back", quotas.RECOVERIES),
    )  # fmt: skip
    troubles = [trouble for trouble, times in of_payments for _ in range(times)]
    journeys = [
        _money(dice, donors),
        *(_returning(dice, returner, donors, paying, returned_requests, troubles) for returner in returners),
    ]
    journeys += _all_staying(dice, [household for household in everybody if household.outcome != "returned"])
    left = quotas.SESSIONS - sum(journey.sessions for journey in journeys)
    journeys += [
        *background.sessions_with_others(dice, left), *background.group_sessions(dice), *background.outreach(dice)
    ]
    return dice, journeys


def _returners(dice: Dice, returning: list[Household]) -> list[_Returner]:
    dice.random.shuffle(returning)
    found = [
        _Returner(
            household,
            dice.between(32, EARLY) if number < EARLY_HOUSEHOLDS else dice.between(EARLY + 1, 352),
        )
        for number, household in enumerate(returning)
    ]
    for returner in found:
        if len(returner.household.adults) > 1:
            returner.departure = max(returner.departure, 60)
    alone = iter(one for one in found if len(one.household.members) == 1 == len(one.household.adults))
    for returner in islice(alone, quotas.MISSED_FLIGHTS):
        returner.missed, returner.departure = True, max(returner.departure, 60)
    for returner in islice(alone, quotas.SECOND_ATTEMPTS):
        returner.second_attempt, returner.departure = True, max(returner.departure, 120)
    for returner, setback in zip(alone, setbacks.OF_RETURNERS, strict=False):
        returner.setback, returner.departure = setback, max(returner.departure, 60)
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


def _money(dice: Dice, donors: DonorLines) -> Journey:
    journey = Journey(dice)
    journey.give(moment(2, 7), "manager", granting.POLICY_ID, granting.POLICY)
    granting.authorise(journey, 2)
    exchange.record(journey)
    donors.open(journey)
    return journey


def _returning(
    dice: Dice, returner: _Returner, donors: DonorLines, paying: Paying, returned_requests: Iterator[bool],
    troubles: list[Trouble],
) -> Journey:
    journey, household, departure = Journey(dice), returner.household, returner.departure
    misrecorded = returner.setback == "departure_misrecorded"
    first_departure = departure - 9 if returner.missed or misrecorded else departure
    parts_ways = len(household.adults) > 1
    begins = first_departure - dice.between(36 if parts_ways else 24, min(45, first_departure - 4))
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
    setbacks.before_booking(journey, household, case_id, returner.setback, begins + 9)
    if returner.missed or misrecorded:
        travelling.book(journey, household, case_id, first_departure - 6, first_departure)
        travelling.on_the_eve(journey, household, case_id, first_departure)
        if misrecorded:
            setbacks.misrecord_departure(journey, household, case_id, first_departure)
        else:
            travelling.miss_the_flight(journey, case_id, first_departure)
        # For the next flight it is reported anew.
        travelling.report_the_exit(journey, household, case_id, departure - 8)
    parts = [(returner, case_id, plan_id)]
    if parts_ways:
        ahead, ahead_id, others = parting.let_go_ahead(journey, household, case_id, begins + PARTING)
        parts = [
            (_part_of(returner, ahead, departure - 5), ahead_id, dice.id(departure)),
            (_part_of(returner, others, departure), case_id, plan_id),
        ]
    for part, its_case_id, its_plan_id in parts:
        _travel(journey, part, its_case_id)
        theirs = tuple(line for line in lines if line.person_id in part.household.person_ids)
        agreed = part.departure + 1 + dice.between(8, 18)
        first = its_case_id if its_plan_id != plan_id else None
        granting.agree(journey, part.household, its_plan_id, theirs, agreed, first_of=first)
        settled = _grants(
            journey, part, its_case_id, its_plan_id, donors, theirs, paying, returned_requests, troubles, agreed,
            granting.OWN_PLAN_AGREED if first is None else granting.FIRST_PLAN_AGREED,
        )  # fmt: skip
        _afterwards(journey, part.household, its_case_id, settled, declined=not part.categories)
    return journey


def _part_of(returner: _Returner, household: Household, departure: int) -> _Returner:
    """Some of a family that parted, with what these persons need."""
    categories = {id: needs for id, needs in returner.categories.items() if id in household.person_ids}
    fates = {id: fate for id, fate in returner.fates.items() if id in household.person_ids}
    return replace(returner, household=household, departure=departure, categories=categories, fates=fates)


def _travel(journey: Journey, returner: _Returner, case_id: UUID) -> None:
    household, departure = returner.household, returner.departure
    travelling.book(journey, household, case_id, departure - 6, departure)
    if household.guardian is not None:
        unaccompanied.arrange_supervision(journey, household, case_id, departure - 6, departure)
    travelling.on_the_eve(journey, household, case_id, departure)
    if returner.setback == "clearance_lost":
        setbacks.on_the_eve(journey, household, case_id, departure)
    travelling.depart(journey, household, case_id, departure)
    travelling.arrive(journey, household, case_id, departure)
    setbacks.after_arrival(journey, household, case_id, returner.setback, departure)


def _earlier_attempt(journey: Journey, household: Household, day: int) -> None:
    make_known(journey, household, day)
    case_id = script.express_intention(journey, household, day)
    journey.give(moment(day + 6, 10), household.counsellor, case_id, WithdrawCase(reason="changed_mind"))


def _prepare_to_leave(
    journey: Journey, household: Household, begins: int, plan_id: UUID, lines: tuple[PlannedLine, ...]
) -> UUID:
    case_id = script.express_intention(journey, household, begins)
    script.screen(journey, household, case_id, begins + 1)
    if household.guardian is not None:
        unaccompanied.find_what_is_best(journey, household, case_id, begins)
    script.apply_for(journey, household, case_id, begins + 2)
    script.hold_session(journey, household, moment(begins + 3, 13), "follow_up")
    travelling.approve(journey, case_id, begins + journey.dice.between(4, 5))
    travelling.prepare(journey, household, case_id, plan_id, lines, begins + 6)
    show_documents(journey, household)
    supporting.support(journey, household, case_id, begins + 7)
    return case_id


def _grants(
    journey: Journey, returner: _Returner, case_id: UUID, plan_id: UUID, donors: DonorLines,
    lines: tuple[PlannedLine, ...], paying: Paying, returned_requests: Iterator[bool], troubles: list[Trouble],
    agreed: int, plan_version: int,
) -> int:
    settled = agreed
    for person_id, fate in returner.fates.items():
        day, before = agreed + journey.dice.between(1, 4), Decimal(0)
        for line in (line for line in lines if line.person_id == person_id):
            wanted = Wanted(line, fate, fate == "approved" and next(returned_requests))
            assert line.category is not None
            fund_id = donors.for_a_grant(returner.household.country, line.category)
            befalls = troubles and fate == "approved" and donors.currency(fund_id) == "EUR"
            decided = granting.request_and_pay(
                journey, returner.household, case_id, plan_id, fund_id, wanted, paying, day, before=before,
                fund_currency=donors.currency(fund_id), plan_version=plan_version, trouble=troubles.pop(0) if befalls else None,
            )  # fmt: skip
            before += line.planned.amount
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


def _all_staying(dice: Dice, households: list[Household]) -> Iterator[Journey]:
    families: Counter[quotas.Outcome] = Counter()
    singles: Counter[quotas.Outcome] = Counter()
    for household in households:
        outcome, alone = household.outcome, len(household.members) == 1
        befalling = setbacks.OF_OTHERS.get(outcome, ())
        number = singles[outcome] if alone else families[outcome]
        (singles if alone else families)[outcome] += 1
        if outcome == "open":
            yield _open(dice, household, befalling[number] if alone and number < len(befalling) else None, number)
        elif outcome == "not_departed":
            yield _not_departed(Journey(dice), household)
        else:
            yield _ending(dice, household, befalling[number] if alone and number < len(befalling) else None, number)


def _open(dice: Dice, household: Household, setback: Setback | None, number: int) -> Journey:
    """A case in preparation when the year ends: of the first family one withdraws, and the second parts and joins again."""
    journey, family = Journey(dice), len(household.members) > 1
    begins = dice.between(300, 340 if family or setback is not None else 361)
    make_known(journey, household, begins)
    plan_lines = granting.plan_lines(dice, household, {})
    case_id = _prepare_to_leave(journey, household, begins, dice.id(begins), plan_lines)
    setbacks.before_booking(journey, household, case_id, setback, begins + 9)
    if family and number == 0:
        leaver = household.members[-1].person_id
        journey.give(moment(begins + 12, 15), household.counsellor, case_id, WithdrawPerson(person_id=leaver))
    elif family and number == 1:
        parting.part_and_join(journey, household, case_id, begins + PARTING)
    return journey


def _ending(dice: Dice, household: Household, setback: Setback | None, number: int) -> Journey:
    journey, outcome = Journey(dice), household.outcome
    latest = {"lapsed": 310, "withdrawn": 335, "ineligible": 340}[outcome]
    begins = dice.between(4, latest)
    make_known(journey, household, begins)
    case_id = script.express_intention(journey, household, begins)
    reached = dice.between(0, 3) if outcome == "withdrawn" else 2 if outcome == "ineligible" else dice.between(0, 1)
    if setback is not None:
        reached = 2
    if reached > 0:
        script.screen(journey, household, case_id, begins + 1)
    if reached > 1:
        script.apply_for(journey, household, case_id, begins + 2)
    if reached > 2:
        travelling.approve(journey, case_id, begins + 5)
    setbacks.before_booking(journey, household, case_id, setback, begins + 3)
    _end(journey, household, case_id, begins, number)
    return journey


def _end(journey: Journey, household: Household, case_id: UUID, begins: int, number: int) -> None:
    if household.outcome == "withdrawn":
        reason = journey.dice.random.choice(("not_stated", "changed_mind", "other_option_found", "family_decision"))
        day = begins + journey.dice.between(7, 25)
        journey.give(moment(day, 11), household.counsellor, case_id, WithdrawCase(reason=reason))
    elif household.outcome == "ineligible":
        reason = INELIGIBLE[number % len(INELIGIBLE)]
        journey.give(moment(begins + 8, 12), "coordinator", case_id, DeclareIneligible(reason=reason))
    else:
        for tried in (15, 26):
            at = moment(begins + tried, 10)
            journey.give(at, household.counsellor, case_id, RecordContactTried(tried_at=at))
        why = LAPSED[number % len(LAPSED)]
        journey.give(moment(begins + 40, 12), "coordinator", case_id, LapseCase(reason=why))


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
