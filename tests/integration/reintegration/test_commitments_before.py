"""Grants that were approved before a commitment had a currency of its own: they are in their fund's, which was the grant's."""

import asyncio

import asyncpg
from alembic import command

from ops import databases
from ops.supervisor import Running
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import OFFICE, House
from tests.unit.reintegration.examples import ENDORSER, PAYER


async def test_grants_of_before_go_on_in_the_currency_of_their_fund(house: House, servers: Running) -> None:
    # A copy of the template has the rights of a database that is in use, in which nothing new is made.
    owner = await asyncpg.connect(servers.postgres.url, database=house.made.logins.migrate.rpartition("/")[2])
    await owner.execute("GRANT CREATE ON SCHEMA public TO reintegration_owner, reintegration_lookup, reintegration_eraser")
    await owner.close()
    fund_id = await house.fund()
    lines = await house.lines("business", "housing", "training")
    waiting, under_way, stopped = [
        await house.approved(line.request("700.00", "500.00", "200.00"), fund_id) for line in lines
    ]
    await house.give(GRANT, stopped, CancelGrant(reason="not_needed"), ENDORSER)
    await house.paid(under_way, 1)
    states = [await house.grant(one) for one in (waiting, under_way, stopped)]
    await asyncio.to_thread(_there_and_back, house.made.logins.migrate)
    assert [await house.grant(one) for one in (waiting, under_way, stopped)] == states
    assert await _besides_payees(house) == []
    house.vendors.forget()
    await house.give(GRANT, under_way, ConfirmDelivery(number=1), OFFICE)
    await house.paid(under_way, 2)
    await house.give(GRANT, under_way, ConfirmDelivery(number=2), OFFICE)
    await house.give(GRANT, waiting, await house.vendors.release(1), PAYER)
    assert await _besides_payees(house) == []


async def _besides_payees(house: House) -> list[str]:
    """What does not agree, but for payees: at that revision there were none, so whom an attempt was paid to went with them."""
    return [one for one in (await house.findings()).differences if not one.startswith(("payee ", "payment attempts: "))]


def _there_and_back(url: str) -> None:
    """To the revision before commitments had a currency, and to the newest again."""
    command.downgrade(databases.alembic_config("reintegration", url), "reintegration_35")
    databases.upgrade("reintegration", url)
