"""Suspended grants and recoveries on a real database: rows, limits and turns stay true, and the database refuses what the core does."""

import asyncio
from decimal import Decimal

import asyncpg
import pytest
from alembic import command

from ops import databases
from ops.supervisor import Running
from services.reintegration.domain.attempts import ReversePayment
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.stops import OpenRecovery, ResumeGrant, SuspendGrant
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql, Write
from shared.policy import EVERYWHERE
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_proposals_before import opened
from tests.unit.reintegration.examples import ENDORSER, PAYER, RECONCILER, TODAY, eur

people = people_of
_BEFORE = "reintegration_123"
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
    assert (shown["status"], shown["suspended_for"], shown["committed"]) == ("disbursed", "lost_contact", "0.00")
    assert (await house.findings()).differences == []
    await house.give(GRANT, grant_id, ReversePayment(number=2, reason="returned_by_bank", returned_on=TODAY), RECONCILER)
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(2), PAYER) == "wrong_status"
    assert (await house.findings()).differences == []
    await house.give(GRANT, grant_id, ResumeGrant(), ENDORSER)
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(2), PAYER) == "done"
    assert (await house.findings()).differences == []


async def test_a_grant_of_before_that_nobody_let_go_on_is_suspended_after_the_upgrade_and_its_log_says_the_same(
    house: House, servers: Running
) -> None:
    fund_id = await house.fund()
    paid, back, resumed = [await house.approved((await house.line()).request("500.00"), fund_id) for _ in range(3)]
    for grant_id in (paid, back, resumed):
        await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
        await house.give(GRANT, grant_id, SUSPEND, ENDORSER)
        await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, resumed, ResumeGrant(), ENDORSER)
    for grant_id in (back, resumed):
        await house.give(GRANT, grant_id, ReversePayment(number=1, reason="returned_by_bank", returned_on=TODAY), RECONCILER)
    url = await opened(house, servers)
    config = databases.alembic_config("reintegration", url)
    with pytest.raises(Exception, match="would be payable"):
        await asyncio.to_thread(command.downgrade, config, _BEFORE)
    owner = await asyncpg.connect(url)
    await owner.execute("SET ROLE reintegration_owner")
    # As it came to be: what came back let the grant go on, and it was the payer's turn.
    await owner.execute("UPDATE grants SET status = 'in_disbursement', suspended_at = NULL, suspended_for = NULL WHERE id = $1", back)
    await owner.execute("INSERT INTO grant_turns SELECT $1, hat, destination_country, step, since FROM grant_turns WHERE grant_id = $2", back, resumed)
    await asyncio.to_thread(command.downgrade, config, _BEFORE)
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    rows = {row["id"]: (row["status"], row["suspended_for"]) for row in await owner.fetch("SELECT id, status, suspended_for FROM grants")}
    await owner.close()
    assert rows == {paid: ("disbursed", "lost_contact"), back: ("suspended", "lost_contact"), resumed: ("in_disbursement", None)}
    assert await house.try_to(GRANT, back, await house.vendors.release(1), PAYER) == "wrong_status"
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
