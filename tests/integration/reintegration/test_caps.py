"""Caps as the database holds them: a family's counts everybody in it at the same moment, in every currency, by the policy."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.reintegration.domain.case import RecordProgramme
from services.reintegration.domain.family import RecordFamily, RecordMember, RecordMemberGone
from services.reintegration.domain.grant import CancelGrant, EndorseGrant, SubmitGrant
from services.reintegration.domain.plan import AgreeFirstPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.policies import PublishPolicy
from services.reintegration.domain.rates import RecordRate
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import FAMILY, FUNDING_POLICY, PLAN, RATE
from shared.db import Sql
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Command, Context, Origin
from shared.money import Money
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.reintegration.office import LENIENT_POLICY, OFFICE, REQUESTER, WORKER, House, Line
from tests.unit.reintegration.examples import APPROVER, ENDORSER, MANAGER, RECONCILER, TODAY, eur


async def noted(house: House, family_id: UUID, command: Command) -> None:
    await transact(
        house.made.worker, EVERYWHERE.scope(WORKER),
        lambda unit: handle(unit, FAMILY, family_id, command, Context(WORKER, NOON), Origin("test-correlation"), reach=EVERYWHERE),
    )


async def drafted(house: House, line: Line, amount: str) -> UUID:
    await house.lenient()
    grant_id = uuid7()
    await house.give(GRANT, grant_id, line.request(amount), REQUESTER)
    return grant_id


async def submit(house: House, grant_id: UUID) -> str:
    return await house.try_to(GRANT, grant_id, SubmitGrant.model_validate(await house.shown(grant_id)), REQUESTER)


def marks(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="BAM")


async def in_one_case(house: House, persons: int, planned: Money) -> list[Line]:
    """As many persons of one case, each with a line of its plan."""
    person_ids = [uuid7() for _ in range(persons)]
    case_id, plan_id = await house.case(*person_ids), uuid7()
    lines = tuple(
        PlannedLine(line_id=uuid7(), person_id=one, dimension="economic", category="business", planned=planned)
        for one in person_ids
    )
    order = AgreeFirstPlan(case_id=case_id, person_ids=tuple(person_ids), lines=lines, agreed_on=TODAY, method="signed")
    await house.give(PLAN, plan_id, order, OFFICE)
    return [Line(case_id, line.person_id, plan_id, line.line_id, line.category) for line in lines]


async def marked(house: House, grant_ids: Sequence[UUID]) -> list[bool]:
    return [(await house.grant(one)).just_below_threshold for one in grant_ids]


async def test_the_cap_of_a_family_holds_when_all_of_it_ask_at_once(house: House) -> None:
    # Each in a case of their own: 7,500 EUR are the example's cap.
    lines = [await house.line() for _ in range(4)]
    await noted(house, uuid7(), RecordFamily(member_ids=tuple(line.person_id for line in lines)))
    grants = [await drafted(house, line, "2500.00") for line in lines]
    outcomes = Counter(await asyncio.gather(*(submit(house, one) for one in grants)))
    assert outcomes == {"done": 3, "beyond_family_cap": 1}
    assert (await house.findings()).differences == []


async def test_who_asks_while_another_of_the_family_does_waits_and_sees_it(house: House) -> None:
    first, second = [await house.line() for _ in range(2)]
    third = await house.line()
    await noted(house, uuid7(), RecordFamily(member_ids=tuple(line.person_id for line in (first, second, third))))
    assert await submit(house, await drafted(house, third, "3000.00")) == "done"
    one, other = await drafted(house, first, "2500.00"), await drafted(house, second, "2500.00")
    order = SubmitGrant.model_validate(await house.shown(one))
    async with house.half_done(GRANT, one, order, REQUESTER):
        waiting = await house.meanwhile(submit(house, other))
    assert await waiting == "beyond_family_cap"
    assert (await house.findings()).differences == []


async def test_a_family_is_who_belongs_to_it_now(house: House) -> None:
    family_id = uuid7()
    first, second, third, fourth = [await house.line() for _ in range(4)]
    await noted(house, family_id, RecordFamily(member_ids=(first.person_id, second.person_id)))
    for line in (first, second, third):
        assert await submit(house, await drafted(house, line, "2500.00")) == "done"
    await noted(house, family_id, RecordMember(person_id=third.person_id))
    await noted(house, family_id, RecordMember(person_id=fourth.person_id))
    grant_id = await drafted(house, fourth, "100.00")
    assert await submit(house, grant_id) == "beyond_family_cap"
    await noted(house, family_id, RecordMemberGone(person_id=third.person_id))
    assert await submit(house, grant_id) == "done"


async def test_where_no_family_is_known_the_persons_of_the_case_are_one(house: House) -> None:
    lines = await in_one_case(house, 4, eur("2500.00"))
    outcomes = [await submit(house, await drafted(house, line, "2500.00")) for line in lines]
    assert outcomes == ["done", "done", "done", "beyond_family_cap"]


async def test_what_was_asked_in_another_currency_counts_by_the_rate_of_the_day_or_not_at_all(house: House) -> None:
    in_euros, in_marks = [(await in_one_case(house, 1, planned))[0] for planned in (eur("2000.00"), marks("2000.00"))]
    await noted(house, uuid7(), RecordFamily(member_ids=(in_euros.person_id, in_marks.person_id)))
    assert await submit(house, await drafted(house, in_euros, "1000.00")) == "done"
    # From now on the policy counts in marks: 1,000 EUR are 1,955.83 of them.
    policy = {
        name: marks("100000.00") if isinstance(value, Money) else value for name, value in dict(LENIENT_POLICY).items()
    } | {"cap_per_person": marks("3000.00"), "cap_per_family": marks("3000.00")}
    (policy_id,) = [row["id"] for row in await house.rows(Sql("SELECT id FROM funding_policies"))]
    await house.give(FUNDING_POLICY, UUID(str(policy_id)), PublishPolicy.model_validate(policy), MANAGER)
    grants = [uuid7(), uuid7()]
    for grant_id, asked in zip(grants, (marks("1044.18"), marks("1044.17")), strict=True):
        request = in_marks.request("1.00")
        parts = {name: (getattr(request, name)[0].model_copy(update={"money": asked}),) for name in ("tranches", "budget_lines")}
        order = request.model_copy(update={"money": asked, **parts})
        if grant_id == grants[0]:
            await house.give(GRANT, grant_id, order, REQUESTER)
            assert await submit(house, grant_id) == "rate_missing"
            for rate, day in (("1.5", date(2023, 1, 1)), ("1.95583", date(2023, 2, 1))):
                recorded = RecordRate(currency="BAM", base="EUR", effective_on=day, rate=Decimal(rate), source="fixed_by_law")
                await house.give(RATE, uuid7(), recorded, RECONCILER)
            assert await submit(house, grant_id) == "beyond_family_cap"
            await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), REQUESTER)
        else:
            await house.give(GRANT, grant_id, order, REQUESTER)
            assert await submit(house, grant_id) == "done"
    assert (await house.findings()).differences == []


async def test_the_caps_are_those_of_the_policy_that_a_request_was_submitted_under(house: House) -> None:
    policy_id, line = uuid7(), (await house.lines("business", "housing"))[0]
    strict = {**dict(LENIENT_POLICY), "programme": "AVRR-WB", "cap_per_person": eur("1000.00"), "cap_per_family": eur("1000.00")}
    await house.give(FUNDING_POLICY, policy_id, PublishPolicy.model_validate(strict), MANAGER)
    grant_id = await drafted(house, line, "1000.01")
    await house.react(line.case_id, RecordProgramme(programme="AVRR-WB"))
    assert await submit(house, grant_id) == "beyond_cap"
    generous = PublishPolicy.model_validate({**strict, "cap_per_person": eur("2000.00"), "cap_per_family": eur("2000.00")})
    await house.give(FUNDING_POLICY, policy_id, generous, MANAGER)
    assert await submit(house, grant_id) == "done"
    # Published afterwards, it is no policy of this request.
    await house.give(FUNDING_POLICY, policy_id, PublishPolicy.model_validate(strict), MANAGER)
    state = await house.grant(grant_id)
    assert (state.policy_programme, state.policy_version) == ("AVRR-WB", 2)
    fund_id = await house.fund()
    await house.give(GRANT, grant_id, EndorseGrant.model_validate(await house.shown(grant_id)), ENDORSER)
    await house.give(GRANT, grant_id, await house.approval(grant_id, fund_id), APPROVER)
    assert (await house.findings()).differences == []


async def test_requests_just_below_a_threshold_are_marked_and_not_refused(house: House) -> None:
    await house.publish(LENIENT_POLICY.model_copy(update={"one_approver_up_to": eur("500.00")}))
    first, second, third = await house.lines("business", "housing", "medical")
    grants = [await drafted(house, line, amount) for line, amount in ((first, "490.00"), (second, "490.00"), (third, "300.00"))]
    assert [await submit(house, one) for one in grants] == ["done"] * 3
    assert await marked(house, grants) == [False, True, False]
    assert (await house.findings()).differences == []
