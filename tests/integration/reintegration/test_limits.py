"""Limits that several aggregates share hold when people act at the same moment, each with its own refusal."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from decimal import Decimal
from uuid import UUID

from services.reintegration.domain.case import SealCase
from services.reintegration.domain.grant import CancelGrant, DraftGrant, ReturnGrant, SubmitGrant
from services.reintegration.domain.plan import AgreeFirstPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.tranches import ConfirmPayment
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import CASE, PLAN
from shared.ids import uuid7
from tests.integration.reintegration.office import OFFICE, REQUESTER, WORKER, House, Line, revision
from tests.unit.reintegration.examples import APPROVER, ENDORSER, PAYER, TODAY, eur


async def at_once(outcomes: Iterable[Awaitable[str]]) -> Counter[str]:
    return Counter(await asyncio.gather(*outcomes))


def ask(house: House, line: Line, amount: str) -> Awaitable[str]:
    return house.try_to(GRANT, uuid7(), line.request(amount), REQUESTER)


async def drafted(house: House, request: DraftGrant) -> tuple[UUID, SubmitGrant]:
    grant_id = uuid7()
    await house.lenient()
    await house.give(GRANT, grant_id, request, REQUESTER)
    return grant_id, SubmitGrant.model_validate(await house.shown(grant_id))


async def sent_back(house: House, request: DraftGrant) -> UUID:
    grant_id = await house.submitted(request)
    order = ReturnGrant.model_validate({**await house.shown(grant_id), "reasons": ("amount_unclear",)})
    await house.give(GRANT, grant_id, order, ENDORSER)
    return grant_id


async def test_a_fund_is_never_committed_beyond_what_it_holds(house: House) -> None:
    fund_id = await house.fund("5000.00")
    grants = [await house.endorsed((await house.line()).request("1000.00")) for _ in range(8)]
    orders = [await house.approval(grant_id, fund_id) for grant_id in grants]
    outcomes = await at_once(
        house.try_to(GRANT, grant_id, order, APPROVER) for grant_id, order in zip(grants, orders, strict=True)
    )
    assert outcomes == {"done": 5, "fund_exhausted": 3}
    assert await house.balance(fund_id) == (Decimal(5000), Decimal(0))
    assert (await house.findings()).differences == []


async def test_an_approval_that_read_the_balance_before_another_one_committed_is_refused(
    house: House,
) -> None:
    fund_id = await house.fund("4000.00")
    first, second = [await house.endorsed((await house.line()).request("2500.00")) for _ in range(2)]
    orders = [await house.approval(grant_id, fund_id) for grant_id in (first, second)]
    async with house.half_done(GRANT, first, orders[0], APPROVER):
        waiting = await house.meanwhile(house.try_to(GRANT, second, orders[1], APPROVER))
    assert await waiting == "fund_exhausted"
    assert (await house.findings()).differences == []


async def test_money_that_a_cancelled_grant_frees_can_be_approved_again(house: House) -> None:
    fund_id = await house.fund("1000.00")
    first = await house.approved((await house.line()).request("1000.00"), fund_id)
    second = await house.endorsed((await house.line()).request("1000.00"))
    order = await house.approval(second, fund_id)
    assert await house.try_to(GRANT, second, order, APPROVER) == "fund_exhausted"
    await house.give(GRANT, first, CancelGrant(reason="not_needed"), ENDORSER)
    assert await house.try_to(GRANT, second, order, APPROVER) == "done"


async def test_a_line_of_a_plan_has_one_grant_however_many_ask_at_once(house: House) -> None:
    line = await house.line()
    assert await at_once(ask(house, line, "100.00") for _ in range(6)) == {"done": 1, "line_has_a_grant": 5}
    assert (await house.findings()).differences == []


async def test_the_cap_of_a_person_holds_when_two_grants_are_asked_for_at_once(house: House) -> None:
    (first, one), (second, other) = [
        await drafted(house, line.request("2000.00")) for line in await house.lines("business", "housing")
    ]
    async with house.half_done(GRANT, first, one, REQUESTER):
        waiting = await house.meanwhile(house.try_to(GRANT, second, other, REQUESTER))
    assert await waiting == "beyond_cap"
    assert (await house.findings()).differences == []


async def test_requests_within_the_cap_that_meet_are_all_taken(house: House) -> None:
    lines = await house.lines("business", "housing", "medical", "other")
    drafts = [await drafted(house, line.request("1000.00")) for line in lines]
    outcomes = await at_once(house.try_to(GRANT, grant_id, order, REQUESTER) for grant_id, order in drafts)
    assert outcomes == {"done": 3, "beyond_cap": 1}
    assert (await house.findings()).differences == []


async def test_the_cap_holds_when_one_request_is_raised_while_another_is_approved(house: House) -> None:
    first, second = await house.lines("business", "housing")
    fund_id, returned = await house.fund(), await sent_back(house, first.request("1000.00"))
    other = await house.endorsed(second.request("1500.00"))
    order = await house.approval(other, fund_id)
    raised = revision("1500.01")
    async with house.half_done(GRANT, other, order, APPROVER):
        waiting = await house.meanwhile(house.try_to(GRANT, returned, raised, REQUESTER))
    assert await waiting == "beyond_cap"


async def test_an_approval_sees_a_request_that_was_raised_while_it_waited(house: House) -> None:
    first, second = await house.lines("business", "housing")
    fund_id, returned = await house.fund(), await sent_back(house, first.request("1000.00"))
    raised = revision("1500.00")
    other = await house.endorsed(second.request("1500.00"))
    order = await house.approval(other, fund_id)
    async with house.half_done(GRANT, returned, raised, REQUESTER):
        waiting = await house.meanwhile(house.try_to(GRANT, other, order, APPROVER))
    assert await waiting == "done"
    assert (await house.findings()).differences == []


async def test_a_person_has_one_open_advance_however_many_tranches_are_released_at_once(house: House) -> None:
    fund_id = await house.fund()
    lines = await house.lines("business", "housing", "medical")
    grants = [await house.approved(line.request("500.00"), fund_id) for line in lines]
    release = await house.vendors.release(1)
    outcomes = await at_once(house.try_to(GRANT, grant_id, release, PAYER) for grant_id in grants)
    assert outcomes == {"done": 1, "open_advance": 2}
    assert (await house.findings()).differences == []


async def test_one_payment_reference_pays_one_tranche(house: House) -> None:
    fund_id = await house.fund()
    grants = [await house.approved((await house.line()).request("500.00"), fund_id) for _ in range(4)]
    for grant_id in grants:
        await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    payment = ConfirmPayment(number=1, reference="BANK-0001", paid_on=TODAY)
    outcomes = await at_once(house.try_to(GRANT, grant_id, payment, PAYER) for grant_id in grants)
    assert outcomes == {"done": 1, "reference_used": 3}
    assert await house.balance(fund_id) == (Decimal(1500), Decimal(500))
    assert (await house.findings()).differences == []


async def test_a_tranche_is_paid_once_however_many_confirm_it_at_once(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await house.approved((await house.line()).request("500.00"), fund_id)
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    payments = [house.payment(1) for _ in range(6)]
    outcomes = await at_once(house.try_to(GRANT, grant_id, payment, PAYER) for payment in payments)
    assert outcomes == {"done": 1, "paid_already": 5}
    assert await house.balance(fund_id) == (Decimal(0), Decimal(500))


async def test_a_case_has_one_plan_however_many_are_agreed_at_once(house: House) -> None:
    person_id = uuid7()
    case_id = await house.case(person_id)
    lines = (
        PlannedLine(
            line_id=uuid7(),
            person_id=person_id,
            dimension="social",
            category="housing",
            planned=eur("900.00"),
        ),
    )
    agree = AgreeFirstPlan(case_id=case_id, person_ids=(person_id,), lines=lines, agreed_on=TODAY, method="signed")
    outcomes = await at_once(house.try_to(PLAN, uuid7(), agree, OFFICE) for _ in range(5))
    assert outcomes == {"done": 1, "case_has_a_plan": 4}
    assert (await house.findings()).differences == []


async def test_a_grant_asked_for_while_its_case_is_being_sealed_is_refused(house: House) -> None:
    line = await house.line()
    async with house.half_done(CASE, line.case_id, SealCase(), WORKER):
        waiting = await house.meanwhile(ask(house, line, "500.00"))
    assert await waiting == "case_sealed"
    assert (await house.findings()).differences == []


async def test_a_case_is_not_sealed_while_a_grant_is_being_asked_for(house: House) -> None:
    line = await house.line()
    async with house.half_done(GRANT, uuid7(), line.request("500.00"), REQUESTER):
        waiting = await house.meanwhile(house.seal(line.case_id))
    assert await waiting == "arrived"
    assert (await house.findings()).differences == []


async def test_sealing_and_asking_at_once_never_leaves_a_live_grant_in_a_sealed_case(house: House) -> None:
    for _ in range(12):
        line = await house.line()
        asked, sealed = await asyncio.gather(ask(house, line, "500.00"), house.seal(line.case_id))
        assert (asked, sealed) in {("done", "arrived"), ("case_sealed", "sealed")}
    assert (await house.findings()).differences == []
