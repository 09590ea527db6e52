"""Reintegration's part of the report, on a small invented year."""

from datetime import UTC, date, datetime
from typing import get_args

from services.reintegration.domain.case import RecordArrival
from services.reintegration.domain.grant import CancelGrant, RejectGrant
from services.reintegration.domain.plan import AgreePlan, RecordOwnPlan, RevisePlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.figures import figures as figures_of
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PLAN
from shared.contracts.reintegration import GrantCategory
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from shared.statistics import Figure, period
from tests.integration.reintegration.office import OFFICE, REQUESTER, House
from tests.unit.reintegration.examples import COUNSELLOR, ENDORSER, MANAGER, eur

YEAR = (date(2023, 1, 1), date(2023, 12, 31))
MAY = datetime(2023, 5, 10, 10, 0, tzinfo=UTC)
# Midnight in Sarajevo is 23:00 UTC in winter.
FIRST_INSTANT = datetime(2022, 12, 31, 23, 0, tzinfo=UTC)
JUST_BEFORE = datetime(2022, 12, 31, 22, 59, 59, tzinfo=UTC)
LAST_INSTANT = datetime(2023, 12, 31, 22, 59, 59, tzinfo=UTC)
JUST_AFTER = datetime(2023, 12, 31, 23, 0, tzinfo=UTC)


def by_category(found: dict[str, Figure]) -> dict[str, int]:
    """What is told of grants by what they were for."""
    keys = {f"grants_{category}": category for category in get_args(GrantCategory)}
    return {keys[key]: figure.value for key, figure in found.items() if key in keys}


async def figures(house: House, first: date = YEAR[0], last: date = YEAR[1]) -> dict[str, Figure]:
    asked = period(first, last, "Europe/Sarajevo")
    found = await transact(house.api, EVERYWHERE.scope(MANAGER), lambda unit: figures_of(unit, asked))
    assert len({figure.key for figure in found}) == len(found)
    return {figure.key: figure for figure in found}


async def test_grants_are_counted_by_category_where_none_is_too_few_to_be_told_and_persons_once(house: House) -> None:
    fund_id = await house.fund()
    lines = [line for _ in range(5) for line in await house.lines("business", "housing")]
    for line in (*lines, await house.line("medical")):
        await house.approved(line.request("100.00"), fund_id, MAY)
    counted = await figures(house)
    # What is left of the whole would tell that one is for something else: so five others are left out along with it.
    assert _values(counted) == {
        "grants": 11, "grants_housing": 5, "persons_with_grant": 6, "grants_requested": 11, "grants_rejected": 0,
        "own_plans_recorded": 0, "plans_agreed": 6,
    }  # fmt: skip
    for _ in range(4):
        await house.approved((await house.line("medical")).request("100.00"), fund_id, MAY)
    counted = await figures(house)
    assert by_category(counted) == {"business": 5, "housing": 5, "medical": 5}
    assert {figure.of for key, figure in counted.items() if key.startswith("grants_")} == {15, None}
    assert (counted["grants"].unit, counted["persons_with_grant"].unit) == ("grants", "persons")
    # Of a day, a month, or a year and a day, the difference to another period would tell whose a grant is.
    for first, last in ((MAY.date(), MAY.date()), (date(2023, 5, 1), date(2023, 5, 31)), (date(2022, 12, 31), YEAR[1])):
        counted = await figures(house, first, last)
        assert (counted["grants"].value, by_category(counted)) == (15, {})


async def test_a_grant_counts_in_the_missions_year_of_its_approval(house: House) -> None:
    fund_id = await house.fund()
    for at in (JUST_BEFORE, FIRST_INSTANT, LAST_INSTANT, JUST_AFTER):
        await house.approved((await house.line()).request("500.00"), fund_id, at)
    assert (await figures(house))["grants"].value == 2
    assert (await figures(house, date(2022, 1, 1), date(2022, 12, 31)))["grants"].value == 1
    assert (await figures(house, date(2023, 12, 31), date(2023, 12, 31)))["grants"].value == 1


async def test_a_grant_that_was_cancelled_after_its_approval_does_not_count(house: House) -> None:
    fund_id = await house.fund()
    kept, dropped = [await house.approved((await house.line()).request("500.00"), fund_id) for _ in range(2)]
    await house.give(GRANT, dropped, CancelGrant(reason="re_migrated"), ENDORSER)
    assert (await figures(house))["grants"].value == 1
    await house.accounted_for(kept, 1)
    assert (await figures(house))["grants"].value == 1


async def test_rejected_requests_are_a_share_of_the_requests_of_the_period(house: House) -> None:
    for reject in (True, False, False):
        grant_id = await house.submitted((await house.line()).request("500.00"), MAY)
        if reject:
            order = {**await house.shown(grant_id), "reason": "not_feasible", "appeal_told": True}
            await house.give(GRANT, grant_id, RejectGrant.model_validate(order), ENDORSER, JUST_AFTER)
    # A draft is no request yet.
    await house.give(GRANT, uuid7(), (await house.line()).request("500.00"), REQUESTER, MAY)
    rejected = (await figures(house))["grants_rejected"]
    assert (rejected.value, rejected.of) == (1, 3)


async def test_a_plan_counts_when_it_was_recorded_and_once_when_it_was_first_agreed(house: House) -> None:
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    lines = (
        PlannedLine(
            line_id=uuid7(),
            person_id=person_id,
            dimension="social",
            category="housing",
            planned=eur("900.00"),
        ),
    )
    own = RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=lines, method="signed")
    await house.give(PLAN, plan_id, own, COUNSELLOR, MAY)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=MAY))
    agree = AgreePlan(lines=lines, agreed_on=date(2023, 6, 1), method="signed")
    await house.give(PLAN, plan_id, agree, OFFICE, datetime(2023, 6, 2, tzinfo=UTC))
    revise = RevisePlan(lines=lines, agreed_on=date(2024, 2, 1), method="signed", reason="price_changed")
    await house.give(PLAN, plan_id, revise, OFFICE, datetime(2024, 2, 2, tzinfo=UTC))
    counted = _values(await figures(house))
    assert (counted["own_plans_recorded"], counted["plans_agreed"]) == (1, 1)
    later = _values(await figures(house, date(2024, 1, 1), date(2024, 12, 31)))
    assert (later["own_plans_recorded"], later["plans_agreed"]) == (0, 0)


def _values(found: dict[str, Figure]) -> dict[str, int]:
    return {key: figure.value for key, figure in found.items()}
