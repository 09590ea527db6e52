"""What the mission is at when the demo begins: invented cases at every stage, so that each page has something to do."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final
from uuid import UUID

from ops.demo_year import granting, script, supporting, travelling
from ops.demo_year.granting import Wanted
from ops.demo_year.identities import make_known, show_documents
from ops.demo_year.paying import ByHand, Paying
from ops.demo_year.people import CENTRES, COUNSELLORS, Dice, Household, Kind, household, moment
from ops.demo_year.script import Journey, Step
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from shared.contracts.reintegration import GrantCategory

# From the wish to the flight.
_DAYS: Final = 24
# How many days ago each wish was expressed; whatever lies ahead of a journey has not happened yet.
_BEGAN: Final = (
    0, 1, 2, 3, 4, 6, 8, 9, 12, 15, 18, 20, 21, 22, 23, 24, 25, 26, 30, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 48,
)
# An approver takes her time, so that at every hour of the day some grant waits for her.
_DECIDED_AFTER: Final = 4
_COUNTRIES: Final = ("TR", "MA", "TR", "PK", "TR", "DZ", "IN")
_WHO: Final[tuple[tuple[Kind, ...], ...]] = (("man",), ("mother", "son"), ("woman",), ("man",))
_NEEDS: Final[tuple[tuple[GrantCategory, ...], ...]] = (("business",), ("housing",), ("medical",), ("business", "housing"))
# One counsellor at each of the first centres has all of them, so that whoever looks finds many.
_CENTRES: Final = 3


def build_present(seed: int, now: datetime) -> list[list[Step]]:
    """Journeys of the weeks before this moment, each as far as it has come by then; the same seed makes the same people."""
    dice = Dice(seed + 1)
    today = (now - moment(0, 0)).days
    fund_id = dice.id(today - 60)
    opened = Journey(dice, now)
    opened.give(
        moment(today - 60, 8), "manager", fund_id,
        OpenFund(
            project=f"AVRR-WB-{now:%Y}", donor="DONOR-1", granted=granting.euro(Decimal(60_000)),
            valid_from=(now - timedelta(days=90)).date(), valid_until=(now + timedelta(days=300)).date(),
        ),
    )  # fmt: skip
    opened.give(moment(today - 60, 7), "manager", granting.POLICY_ID, granting.POLICY)
    opened.give(moment(today - 60, 8, 30), "chief-of-mission", fund_id, ConfirmFund(change_no=1))
    paying = ByHand(f"BIH-{now:%Y%m%d}-{number:05}" for number in count(1))
    journeys = [opened]
    for number, ago in enumerate(_BEGAN):
        who = household(dice, _COUNTRIES[number % len(_COUNTRIES)], _WHO[number % len(_WHO)], "returned", now.year)
        site = CENTRES[number % _CENTRES]
        who = replace(who, site=site, counsellor=COUNSELLORS[site][0])
        journey = Journey(dice, now)
        _go(journey, who, today - ago, fund_id, paying, _NEEDS[number % len(_NEEDS)])
        journeys.append(journey)
    return [journey.in_order() for journey in journeys]


def _go(
    journey: Journey, who: Household, begins: int, fund_id: UUID, paying: Paying,
    needs: tuple[GrantCategory, ...],
) -> None:
    departure, plan_id = begins + _DAYS, journey.dice.id(begins)
    lines = granting.plan_lines(journey.dice, who, {who.principal.person_id: needs})
    make_known(journey, who, begins)
    case_id = script.express_intention(journey, who, begins)
    script.screen(journey, who, case_id, begins + 2)
    script.apply_for(journey, who, case_id, begins + 3)
    travelling.approve(journey, case_id, begins + 5)
    travelling.prepare(journey, who, case_id, plan_id, lines, begins + 7)
    show_documents(journey, who)
    supporting.support(journey, who, case_id, begins + 8)
    travelling.book(journey, who, case_id, departure - 8, departure)
    travelling.on_the_eve(journey, who, case_id, departure, ready=departure - 5)
    travelling.depart(journey, who, case_id, departure)
    travelling.arrive(journey, who, case_id, departure)
    granting.agree(journey, who, plan_id, lines, departure + 10)
    day = departure + 11
    before = Decimal(0)
    for line in lines:
        if line.person_id == who.principal.person_id:
            wanted = Wanted(line, "approved", returned_once=False)
            day = 22 + granting.request_and_pay(
                journey, who, case_id, plan_id, fund_id, wanted, paying, day, _DECIDED_AFTER, before
            )
            before += line.planned.amount
