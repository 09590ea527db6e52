"""Nothing begins under an id that is no new one, and what began under another before goes on as it did."""

from uuid import UUID, uuid4

import pytest

from services.reintegration.domain.periods import ConfirmReopening, ReopenPeriod
from services.reintegration.wiring import PERIOD
from shared.ids import FIRST
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_periods import JUNE, close
from tests.unit.reintegration.examples import CHIEF, RECONCILER

people = people_of


@pytest.mark.parametrize("id", [FIRST, uuid4()], ids=["nil", "of version 4"])
async def test_an_order_or_a_file_that_begins_something_under_another_id_is_malformed(people: People, id: UUID) -> None:
    for named, answer in (
        ("batch_id", await people.payer.post(f"payment-batches/{id}", {})),
        ("list_id", await people.administrator.put(f"staff-accounts/{id}", b"iban\n", "text/csv")),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), answer.text
        assert {"field": f"path.{named}", "code": "uuid_version"} in answer.json()["fields"]
        assert str(id) not in answer.text


async def test_a_month_is_closed_under_a_new_id_and_one_that_was_under_another_is_closed_again(house: House, people: People) -> None:
    odd = uuid4()
    late = people.reconciler.at(JUNE)
    refused = await late.post(f"periods/{odd}", {"month": "2023-05"})
    assert (refused.status_code, refused.json()["code"]) == (409, "id_unfit")
    assert (await people.reconciler.get("periods")).json()["items"] == []

    await close(house, period_id=odd)
    await house.give(PERIOD, odd, ReopenPeriod(reason="payment_came_late"), RECONCILER, JUNE)
    await house.give(PERIOD, odd, ConfirmReopening(), CHIEF, JUNE)
    again = await late.post(f"periods/{odd}", {"month": "2023-05"})
    assert again.status_code == 200, again.text
    assert [row["id"] for row in (await people.reconciler.get("periods")).json()["items"]] == [str(odd)]
