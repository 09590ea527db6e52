"""Before an arrival no answer tells an office whether there is a case: of one that is not there each is the same."""

from uuid import UUID

import httpx

from services.reintegration.domain.case import RecordCaseEnd
from services.reintegration.domain.plan import AgreeFirstPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.integration.reintegration.office import REQUESTER, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import vendor
from tests.integration.reintegration.test_plan_versions import agreement, needed, own_plan
from tests.integration.reintegration.test_surveys import interview, planned
from tests.unit.reintegration.examples import TODAY, eur

people = people_of


async def orders(people: People, case_id: UUID, person_id: UUID, round_id: UUID) -> list[httpx.Response]:
    """What an office begins for a case, and the list of what it began."""
    line = PlannedLine(line_id=uuid7(), person_id=person_id, dimension="social", category="business", planned=eur("90.00"))
    agreed = AgreeFirstPlan(case_id=case_id, person_ids=(person_id,), lines=(line,), agreed_on=TODAY, method="signed")
    grant = {
        "case_id": str(case_id), "person_id": str(person_id), "plan_id": str(uuid7()), "plan_line_id": str(line.line_id),
        "category": "business", "modality": "service", "money": {"amount": "90.00", "currency": "EUR"},
        "tranches": [{"number": 1, "money": {"amount": "90.00", "currency": "EUR"}}],
        "budget_lines": [{"what": "rent", "money": {"amount": "90.00", "currency": "EUR"}}],
    }  # fmt: skip
    survey = interview(case_id, person_id, round_id)
    refusal = {name: survey[name] for name in ("case_id", "person_id", "round_id", "mode")} | {"asked_on": "2023-05-02"}
    payee = vendor(payee_kind="returnee", case_id=str(case_id), person_id=str(person_id))
    del payee["vendor_code"]
    return [
        await people.office.post(f"plans/{uuid7()}/agree-first", agreed.model_dump(mode="json")),
        await people.office.post(f"grants/{uuid7()}", grant),
        await people.office.post(f"surveys/{uuid7()}", survey),
        await people.office.post(f"surveys/{uuid7()}/refusal", refusal),
        await people.office.post(f"payees/{uuid7()}", payee),
        await people.office.get(f"cases/{case_id}/surveys"),
    ]


async def test_while_nobody_can_say_who_agrees_no_order_tells_whether_there_is_a_plan_or_a_grant(house: House, people: People) -> None:
    person_id = uuid7()
    ended, plan_id = await own_plan(house, person_id, needed(person_id))
    _, shared = await own_plan(house, person_id, needed(person_id))
    for id in (plan_id, shared):
        assert (await people.counsellor.post(f"plans/{id}/share", {})).status_code == 200
    await house.react(ended, RecordCaseEnd())
    line, draft = await house.line(), uuid7()
    await house.give(GRANT, draft, line.request("90.00"), REQUESTER)
    house.register.taken_back = {person_id, line.person_id}
    body, reason = agreement(needed(person_id)), {"reason": "not_needed"}

    async def answers() -> list[set[tuple[int, bytes]]]:
        plans = [await people.office.post(f"plans/{id}/agree", body, '"v1"') for id in (plan_id, shared, uuid7())]
        grants = [await people.office.post(f"grants/{id}/cancel", reason) for id in (draft, uuid7())]
        return [{(one.status_code, one.content) for one in of} for of in (plans, grants)]

    assert [{status for status, _ in of} for of in await answers()] == [{404}, {404}]
    house.register.away = True
    assert [{status for status, _ in of} for of in await answers()] == [{503}, {503}]


async def test_an_order_of_an_office_tells_of_no_case_of_which_nobody_arrived(house: House, people: People) -> None:
    round_id, person_id = await planned(people), uuid7()
    cases = [await house.case(person_id, arrived=False), await house.case(person_id, arrived=False, programme="default"), uuid7()]
    for agrees in ("all agree", "nobody agrees", "nobody answers"):
        house.register.taken_back = {person_id} if agrees == "nobody agrees" else set()
        house.register.away = agrees == "nobody answers"
        answers = [[(one.status_code, one.content) for one in await orders(people, id, person_id, round_id)] for id in cases]
        assert answers[0] == answers[1] == answers[2], agrees
        assert {status for status, _ in answers[0]} == {404, 409}
