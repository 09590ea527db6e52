"""Whether anybody on duty may give the second approval, and the chief of mission's, which come from others than the first."""

from datetime import timedelta

from services.reintegration.domain.authority import GiveAuthority
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import AUTHORITY
from shared.ids import uuid7
from tests.given import NOON, staff
from tests.integration.reintegration.office import LENIENT_POLICY, House, authority_for
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import APPROVER, CHIEF, MANAGER, TODAY, eur

people = people_of


async def test_the_second_approval_and_the_chief_s_have_to_be_somebody_else_s_too(house: House, people: People) -> None:
    thresholds = {"one_approver_up_to": eur("500.00"), "two_approvers_up_to": eur("2000.00")}
    await house.publish(LENIENT_POLICY.model_copy(update=thresholds))
    fund_id = await house.fund()
    grant_id = await house.endorsed((await house.line()).request("2500.00"), NOON - timedelta(days=2))

    async def nobody() -> list[str]:
        return [one["reason"] for one in (await people.manager.get("undecidable-grants")).json()["items"]]

    assert await nobody() == []
    await house.give(GRANT, grant_id, await house.approval(grant_id, fund_id), APPROVER)
    assert await nobody() == ["all_involved"]
    second = staff("second", "finance_approver")
    # The chief of mission comes last, so that their authority is none for the second approval.
    for holder, role, by, left in (
        (CHIEF, "chief_of_mission", MANAGER, ["all_involved"]), (second, "finance_approver", CHIEF, []),
    ):
        order = GiveAuthority.model_validate({**authority_for(holder).model_dump(), "role": role, "valid_from": TODAY})
        await house.give(AUTHORITY, uuid7(), order, by)
        assert await nobody() == left
    await house.give(GRANT, grant_id, await house.approval(grant_id, fund_id), second)
    assert await nobody() == []
    (chiefs,) = (await people.chief.get("turns")).json()["items"]
    assert (chiefs["id"], chiefs["hat"]) == (str(grant_id), "chief")
