"""Whatever is ordered of the bank and whatever it tells, in whichever order: what was ordered, lines, funds and attempts agree."""

from random import Random

import pytest

from tests.integration.reintegration.books import Books
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paying import Paying
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_own_accounts import own_account

people = people_of


@pytest.mark.timeout(900)
async def test_what_is_ordered_is_what_the_bank_booked_and_what_is_open_came_back_or_failed_after_each_step(
    house: House, people: People, pytestconfig: pytest.Config
) -> None:
    """Acceptance 3, through the routes and on PostgreSQL; chosen at random, by the same numbers each time."""
    account_id, paying = await own_account(people), Paying(house)
    reached = {"paid", "failed", "reversed", "alone", "together"}
    seen: set[str] = set()
    steps: list[str] = []
    for number in range(pytestconfig.getoption("--bank-sequences")):
        books = Books(house, people, account_id, paying, Random(number), f"S{number}")
        await books.begin()
        for _ in range(20):
            await books.step()
            await books.add_up()
        steps += books.steps
        seen |= {one.status for one in books.ordered.values()} | books.summed
    assert seen >= reached, steps
    assert (await house.findings()).differences == []
