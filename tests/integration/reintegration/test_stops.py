"""Suspended grants and recoveries on a real database: rows, limits and turns stay true, and the database refuses what the core does."""

from decimal import Decimal

import asyncpg
import pytest

from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.stops import OpenRecovery, ResumeGrant, SuspendGrant
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql, Write
from shared.policy import EVERYWHERE
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import ENDORSER, PAYER, RECONCILER, eur

people = people_of
SUSPEND = SuspendGrant(reason="lost_contact")


async def test_a_suspended_grant_is_accounted_for_and_goes_on_to_its_end(house: House, people: People) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("1200.00", "800.00", "400.00"), fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, SUSPEND, ENDORSER)
    assert await house.seal(line.case_id) != "sealed"
    assert (await house.findings()).differences == []
    shown = (await people.payer.get(f"grants/{grant_id}")).json()["state"]
    assert (shown["status"], shown["suspended_for"]) == ("suspended", "lost_contact")
    delivered = await people.office.post(f"grants/{grant_id}/confirm-delivery", {"number": 1})
    assert delivered.status_code == 200, delivered.text
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(2), PAYER) == "wrong_status"
    await house.give(GRANT, grant_id, ResumeGrant(), ENDORSER)
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(2), PAYER) == "done"
    await house.give(GRANT, grant_id, SUSPEND, ENDORSER)
    await house.give(GRANT, grant_id, house.payment(2), PAYER)
    shown = (await people.payer.get(f"grants/{grant_id}")).json()["state"]
    assert (shown["status"], shown["suspended_for"], shown["committed"]) == ("disbursed", None, "0.00")
    assert (await house.findings()).differences == []


async def test_a_recovery_of_a_grant_that_has_ended_breaks_no_sealed_case(house: House, people: People) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("500.00"), fund_id)
    await house.accounted_for(grant_id, 1)
    assert await house.seal(line.case_id) == "sealed"
    spent = await house.balance(fund_id)
    body = OpenRecovery(reason="used_otherwise", money=eur("200.00")).model_dump(mode="json")
    assert (await people.office.post(f"grants/{grant_id}/open-recovery", body)).status_code == 403
    asked = await people.approver.post(f"grants/{grant_id}/open-recovery", body)
    assert asked.status_code == 200, asked.text
    assert await house.balance(fund_id) == spent
    assert (await house.findings()).differences == []
    # Nor does a row say that more was asked back than was paid, whoever writes it.
    for change in ("recovery_amount = 500.01", "recovery_for = NULL", "recovery_amount = 0"):
        with pytest.raises(asyncpg.CheckViolationError):
            async with house.made.api.unit_of_work(EVERYWHERE.scope(RECONCILER)) as unit:
                unit.write(Write(Sql(f"UPDATE grants SET {change} WHERE id = :id"), {"id": grant_id}))


async def test_what_is_suspended_is_cancelled_and_its_money_free_again(house: House) -> None:
    line, fund_id = await house.line(), await house.fund("1000.00")
    grant_id = await house.approved(line.request("1000.00"), fund_id)
    await house.give(GRANT, grant_id, SUSPEND, ENDORSER)
    await house.give(GRANT, grant_id, CancelGrant(reason="lost_contact"), ENDORSER)
    assert await house.balance(fund_id) == (Decimal(0), Decimal(0))
    assert await house.seal(line.case_id) == "sealed"
    assert (await house.findings()).differences == []
