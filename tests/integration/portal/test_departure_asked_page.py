"""What an office asks about a departure, and what tickets cost, on the pages with the real returns behind them."""

from datetime import UTC, datetime

from services.portal.pages.naming import short
from services.returns.domain.case_departure_asked import AskToConfirmDeparture
from services.returns.domain.case_tickets import RecordTicketCost
from shared.money import Money
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns
from tests.integration.returns.mission import ANKARA, OLEG


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_the_coordinator_finds_whom_an_office_misses_and_the_forms_by_which_it_is_answered(
    people: People, returns: Returns
) -> None:
    attempt = await returns.coming()
    await returns.mission.depart(attempt)
    coordinator = people()
    await coordinator.sign_in("coordinator")
    assert str(attempt.id) not in await at(coordinator, "/cases?whose=asked")
    operations = people()
    await operations.sign_in("operations")
    assert "asks whether they departed" not in await at(operations, f"/cases/{attempt.id}")

    now = datetime.now(UTC)
    await returns.mission.order(attempt.id, AskToConfirmDeparture(), ANKARA, now)
    amounts = [Money.model_validate({"amount": amount, "currency": "EUR"}) for amount in ("640.00", "180.00")]
    bill = RecordTicketCost(booking=1, cost=amounts[0], refunded=amounts[1])
    await returns.mission.order(attempt.id, bill, OLEG, now)
    assert str(attempt.id) in await at(coordinator, "/cases?whose=asked")
    page = await at(operations, f"/cases/{attempt.id}")
    assert "The receiving office asks whether they departed" in page
    assert "640.00" in page and "180.00" in page
    finance = people()
    await finance.sign_in("finance-payer")
    billed = await at(finance, "/tickets")
    assert "640.00" in billed and "180.00" in billed and short(attempt.id) in billed
    for name in ("confirm_departure", "record_not_departed"):
        await at(coordinator, f"/do/returns/{name}/{attempt.id}")
    assert f"/do/returns/record_ticket_cost/{attempt.id}" in page
    assert 'value="1"' in await at(operations, f"/do/returns/record_ticket_cost/{attempt.id}")
