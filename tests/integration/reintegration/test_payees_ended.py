"""Who a vendor was is deleted ten years after it was closed and paid last, with its key; that it was paid, and when, stays."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.payee_ending import DeletePayeeDetails
from services.reintegration.payee_retention_queries import KEPT
from services.reintegration.payee_wiring import PAYEE
from shared.actors import Actor
from shared.db import Sql
from shared.ids import FIRST
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import code
from tests.unit.reintegration.examples import TODAY

people = people_of
CLOCK = Actor.service("retention")
_LEFT = Sql(
    "SELECT (SELECT count(*) FROM payee_details WHERE payee_id = :payee_id) AS details, (SELECT count(*) FROM person_keys WHERE person_id = :payee_id) AS keys, "
    "(SELECT count(*) FROM payee_accounts WHERE payee_id = :payee_id) AS stated, (SELECT count(*) FROM payment_attempts WHERE payee_id = :payee_id) AS paid"
)


async def paid_and_closed(house: House, people: People) -> UUID:
    """A vendor that was paid and closed on the same day."""
    grant_id = await house.approved((await house.line()).request("500.00"), await house.fund())
    await house.accounted_for(grant_id, 1)
    payee_id = await house.vendors.of()
    assert (await people.reconciler.post(f"payees/{payee_id}/close", {"reason": "not_needed"})).status_code == 200
    return payee_id


async def left(house: House, payee_id: UUID) -> dict[str, int]:
    (row,) = await house.rows(_LEFT, payee_id=payee_id)
    return {name: int(count) for name, count in row.items()}


async def test_name_and_account_of_a_closed_vendor_go_after_ten_years_and_that_it_was_paid_stays(house: House, people: People) -> None:
    payee_id = await paid_and_closed(house, people)
    last = date(TODAY.year + 10, TODAY.month, TODAY.day)

    async def listed(until: date) -> list[tuple[str, str]]:
        rows = await house.rows(KEPT, after=FIRST, limit=9, until=until, zone="Europe/Sarajevo")
        return [(str(row["id"]), str(row["kept_until"])) for row in rows]

    assert (await listed(last - timedelta(days=1)), await listed(last)) == ([], [(str(payee_id), str(last))])
    assert await left(house, payee_id) == {"details": 1, "keys": 1, "stated": 1, "paid": 1}
    # In the mission the day after begins at ten in the evening.
    after = datetime(last.year, last.month, last.day, 22, tzinfo=UTC)
    assert await house.try_to(PAYEE, payee_id, DeletePayeeDetails(), CLOCK, after - timedelta(seconds=1)) == "not_due"
    assert await code(await people.reconciler.post(f"payees/{payee_id}/delete-details", {})) == "not_permitted"
    await house.give(PAYEE, payee_id, DeletePayeeDetails(), CLOCK, after)
    assert await left(house, payee_id) == {"details": 0, "keys": 0, "stated": 1, "paid": 1}
    assert await listed(last) == []
    shown = (await people.reconciler.get(f"payees/{payee_id}")).json()
    assert (shown["state"]["status"], shown["account"], shown["state"]["details_deleted_on"]) == ("closed", None, str(last + timedelta(days=1)))
    assert (await people.reconciler.get(f"payees/{payee_id}/accounts/1")).status_code == 404
    assert (await house.findings()).differences == []
    await house.give(PAYEE, payee_id, DeletePayeeDetails(), CLOCK, after + timedelta(days=1))
    assert (await house.findings()).differences == []


async def test_no_row_says_that_they_are_gone_before_their_time_or_there_again(house: House, people: People) -> None:
    payee_id = await paid_and_closed(house, people)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    for change, held_by in (
        ("details_deleted_on = date '2033-01-01'", "ck_payees_details_kept_for_their_time"),
        ("closed_at = NULL", "ck_payees_closed_at_a_moment"),
    ):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await owner.execute(f"UPDATE payees SET {change} WHERE id = $1", payee_id)
        assert refused.value.constraint_name == held_by
    after = datetime(TODAY.year + 10, TODAY.month, TODAY.day + 1, 12, tzinfo=UTC)
    await house.give(PAYEE, payee_id, DeletePayeeDetails(), CLOCK, after)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("UPDATE payees SET details_deleted_on = NULL WHERE id = $1", payee_id)
    await owner.close()
