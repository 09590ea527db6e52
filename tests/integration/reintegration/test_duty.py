"""Whether anybody on duty may give the second approval, and the chief of mission's, which come from others than the first."""

from datetime import timedelta

from services.reintegration import control_queries
from services.reintegration.domain.authority import EndAuthority, GiveAuthority
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.domain.grant import EndorseGrant
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import AUTHORITY
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.given import NOON, staff
from tests.integration.reintegration.office import (
    EARLY,
    LENIENT_POLICY,
    MEDICAL,
    REQUESTER,
    House,
    authority_for,
    revision,
)
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import APPROVER, CHIEF, ENDORSER, MANAGER, TODAY, eur

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


async def nobody_for(house: House) -> dict[str, str]:
    """Which grants nobody may decide on, and why."""
    found = await transact(
        house.api, EVERYWHERE.scope(APPROVER),
        lambda unit: control_queries.undecidable(unit, RatesInForce({}), NOON, TODAY, None, 50),
    )  # fmt: skip
    return {str(one.grant_id): one.reason for one in found}


async def test_what_was_submitted_under_the_example_stays_under_it_whatever_is_published_since(house: House) -> None:
    # As if there were one, so that nothing is published and nobody has authority but the chief of mission.
    house.authority_id, house.policy_id = uuid7(), uuid7()
    await house.give(AUTHORITY, uuid7(), authority_for(CHIEF, role="chief_of_mission"), MANAGER, EARLY)
    fund_id = await house.fund()
    grant_id = await house.endorsed((await house.line("training")).request("400.00"))
    assert await nobody_for(house) == {}
    # By these three would approve, of whom the chief of mission comes last.
    await house.publish(LENIENT_POLICY.model_copy(update={"one_approver_up_to": eur("1.00"), "two_approvers_up_to": eur("2.00")}))
    assert await nobody_for(house) == {}
    after = await house.endorsed((await house.line("training")).request("400.00"))
    assert await nobody_for(house) == {str(after): "no_authority"}
    assert await house.try_to(GRANT, grant_id, await house.approval(grant_id, fund_id), CHIEF) == "done"


async def test_whoever_endorsed_an_earlier_version_or_certified_this_one_is_nobody_to_approve_it(house: House) -> None:
    await house.without_authority()
    fund_id, another = await house.fund(), staff("another", "coordinator")
    changed = await house.endorsed((await house.line()).request("400.00"))
    await house.give(GRANT, changed, revision("300.00"), REQUESTER)
    await house.give(GRANT, changed, EndorseGrant.model_validate(await house.shown(changed)), another)
    of_health = await house.endorsed((await house.line("medical")).request("200.00"), by=another)
    for involved, grant_id in ((ENDORSER, changed), (MEDICAL, of_health)):
        authority_id = uuid7()
        await house.give(AUTHORITY, authority_id, authority_for(involved), CHIEF, EARLY)
        assert (await nobody_for(house))[str(grant_id)] == "all_involved"
        assert await house.try_to(GRANT, grant_id, await house.approval(grant_id, fund_id), involved) == "four_eyes"
        await house.give(AUTHORITY, authority_id, EndAuthority(reason="left_the_post"), CHIEF, EARLY)
    await house.give(AUTHORITY, uuid7(), authority_for(APPROVER), CHIEF, EARLY)
    assert await nobody_for(house) == {}
