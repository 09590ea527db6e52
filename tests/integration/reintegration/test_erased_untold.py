"""Of a child who was erased nobody knows any more what was of health: an office that was not told of it is not told then."""

from services.reintegration.domain.case import RecordArrival, RecordCase
from services.reintegration.domain.grant import RejectGrant
from services.reintegration.domain.plan import AgreeFirstPlan, AgreePlan
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PLAN
from shared.ids import uuid7
from tests.integration.reintegration.office import OFFICE, House, Line
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import erased
from tests.integration.reintegration.test_untold import needed, told
from tests.integration.reintegration.test_window import NOT_FOUND, listed, problem, said_again
from tests.unit.reintegration.examples import ARRIVED_AT, COUNSELLOR, ENDORSER, TODAY

people = people_of


async def test_what_was_of_a_childs_health_is_told_no_office_by_the_childs_erasure(house: House, people: People) -> None:
    adult, child, case_id, plan_id = uuid7(), uuid7(), uuid7(), uuid7()
    case = RecordCase(
        person_ids=(adult, child), destination_country="PK", counsellor_id=COUNSELLOR.person_id, deciding_ids=(adult,)
    )
    await house.react(case_id, case)
    for person_id in (adult, child):
        await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    lines = (needed(adult), needed(child, "medical"))
    agreed = AgreeFirstPlan(case_id=case_id, person_ids=(adult, child), lines=lines, agreed_on=TODAY, method="signed")
    await house.give(PLAN, plan_id, agreed, OFFICE)
    asked = Line(case_id, child, plan_id, lines[1].line_id, "medical").request("90.00")
    grant_id = await house.submitted(asked)
    read = await house.shown(grant_id)
    await house.give(GRANT, grant_id, RejectGrant.model_validate({**read, "reason": "not_feasible", "appeal_told": True}), ENDORSER)
    house.register.health_untold.add(adult)
    business = [str(lines[0].line_id)]
    for _ in ("before the erasure", "after it"):
        assert await told(people, plan_id) == [business] * 2
        assert listed(await people.office.get("grants")) == []
        assert problem(await people.office.get(f"grants/{grant_id}")) == NOT_FOUND
        assert problem(await people.office.post(f"grants/{grant_id}/cancel", {"reason": "not_needed"})) == NOT_FOUND
        await erased(house, child)
    again = AgreePlan(lines=lines[:1], agreed_on=TODAY, method="signed").model_dump(mode="json")
    assert problem(await said_again(people, plan_id, again)) == (200, "")
    assert (await told(people, plan_id))[0] == business
    house.register.health_untold.clear()
    assert listed(await people.office.get("grants")) == [str(grant_id)]
