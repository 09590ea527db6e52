"""A file that is read in several statements sees one moment: what goes between two of them stands in all of it, or in none."""

import asyncpg
import pytest

from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_donor_views import JUNE, filled
from tests.integration.reintegration.test_periods import close
from tests.unit.reintegration.examples import PAYER

people = people_of


@pytest.mark.parametrize(
    ("path", "asked", "table"),
    [
        ("open-items", {"table": "items"}, "payment_attempts"), ("exceptions", {"from": "2023-05-01", "to": "2023-05-31"}, "grants"),
        ("undecidable-grants", {}, "grant_turns"), ("turns", {}, "grant_turns"), ("donor-view", {"month": "2023-05"}, "fund_postings"),
    ],
    ids=["open_items", "exceptions", "undecidable", "turns", "donor_view"],
)  # fmt: skip
async def test_what_goes_while_a_file_is_read_stands_in_all_of_it(
    house: House, people: People, path: str, asked: dict[str, str], table: str
) -> None:
    fund_id = await filled(house)
    late = await house.approved((await house.line()).request("100.00"), fund_id)
    await house.give(GRANT, late, await house.vendors.release(1), PAYER)
    if path == "undecidable-grants":
        await house.without_authority()
    await house.endorsed((await house.line()).request("70.00"))
    await close(house)
    caller = (people.approver if path == "turns" else people.chief).at(JUNE)
    fund = {"fund": str(fund_id)} if path == "donor-view" else {}

    async def file() -> str:
        answer = await caller.get(f"exports/{path}", format="csv", **asked, **fund)
        assert answer.status_code == 200, answer.text
        return answer.text

    before = await file()
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    async with owner.transaction():
        await owner.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        meanwhile = await house.meanwhile(file())
        await owner.execute(f"DELETE FROM {table}")
    await owner.close()
    assert await meanwhile == before
    assert await file() != before
