"""Approval policies as the database holds them: one of a programme, and every version as it was published."""

import asyncio
from collections import Counter

import asyncpg
import pytest

from services.reintegration.domain.policies import EXAMPLE
from services.reintegration.wiring import FUNDING_POLICY
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import MANAGER, eur
from tests.unit.reintegration.test_policies import PUBLISH

people = people_of


async def test_a_programme_has_one_policy_however_many_are_published_at_once(house: House) -> None:
    orders = [house.try_to(FUNDING_POLICY, uuid7(), PUBLISH, MANAGER) for _ in range(4)]
    assert Counter(await asyncio.gather(*orders)) == {"done": 1, "programme_has_a_policy": 3}
    assert await house.try_to(FUNDING_POLICY, uuid7(), EXAMPLE, MANAGER) == "done"
    assert (await house.findings()).differences == []


async def test_no_version_is_changed_or_deleted_and_a_lost_or_changed_one_is_found(house: House) -> None:
    policy_id = uuid7()
    await house.give(FUNDING_POLICY, policy_id, PUBLISH, MANAGER)
    await house.give(FUNDING_POLICY, policy_id, PUBLISH.model_copy(update={"required_papers": ()}), MANAGER)
    api = await asyncpg.connect(house.made.logins.api)
    for change in ("UPDATE policy_versions SET quotations_above = 4", "DELETE FROM policy_versions", "DELETE FROM funding_policies"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(change)
    await api.close()
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("UPDATE policy_versions SET two_approvers_up_to = 1")
    await owner.execute("UPDATE policy_versions SET required_papers = '[{}]' WHERE policy_version = 2")
    assert (await house.findings()).differences == [f"policy versions: {policy_id}"]
    await owner.execute("UPDATE policy_versions SET required_papers = '[]' WHERE policy_version = 2")
    assert (await house.findings()).differences == []
    await owner.execute("DELETE FROM policy_versions WHERE policy_version = 1")
    assert (await house.findings()).differences == [f"policy versions: {policy_id}"]
    await owner.close()


async def test_a_manager_publishes_and_finance_reads_each_version(house: House, people: People) -> None:
    policy_id = uuid7()
    body = PUBLISH.model_dump(mode="json")
    for caller in (people.chief, people.approver, people.reconciler, people.auditor, people.office):
        assert (await caller.post(f"approval-policies/{policy_id}", body)).json()["code"] == "not_permitted"
    first = await people.manager.post(f"approval-policies/{policy_id}", body)
    assert (first.status_code, first.headers["etag"]) == (201, '"v1"'), first.text
    changed = PUBLISH.model_copy(update={"quotations_above": eur("1500.00")}).model_dump(mode="json")
    assert (await people.manager.post(f"approval-policies/{policy_id}", changed, match='"v2"')).status_code == 412
    assert (await people.manager.post(f"approval-policies/{policy_id}", changed, match='"v1"')).status_code == 200
    view = (await people.payer.get(f"approval-policies/{policy_id}")).json()
    assert [(one["policy_version"], one["quotations_above"]) for one in view["versions"]] == [(2, "1500.00"), (1, "1000.00")]
    assert view["versions"][1]["required_papers"] == body["required_papers"]
    listed = (await people.chief.get("approval-policies")).json()["items"]
    assert [(one["programme"], one["policy_version"]) for one in listed] == [("default", 1), ("avrr-wb", 2)]
    assert (await people.auditor.get("example-policy")).json()["programme"] == "example"
    for caller in (people.counsellor, people.office, people.coordinator):
        assert (await caller.get("approval-policies")).status_code == 403
