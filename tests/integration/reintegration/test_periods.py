"""Postings and months as the database holds them: balance, postings and grants agree, and none goes into a closed month."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa

from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.periods import ClosePeriod, ConfirmReopening, ReopenPeriod
from services.reintegration.domain.tranches import ConfirmDelivery, ConfirmPayment
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PERIOD
from shared.db import Sql
from shared.ids import uuid7
from shared.settings import MISSION
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import CHIEF, ENDORSER, PAYER, RECONCILER

people = people_of
JUNE = datetime(2023, 6, 5, 10, 0, tzinfo=UTC)
MAY = ClosePeriod(month="2023-05")
_POSTED = Sql(
    "SELECT kind, tranche, amount, occurred_on, month FROM fund_postings WHERE grant_id = :grant_id ORDER BY posting_no"
)


def paid(day: date, reference: str = "BANK-0001") -> ConfirmPayment:
    return ConfirmPayment(number=1, reference=reference, paid_on=day)


async def posted(house: House, grant_id: UUID) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in await house.rows(_POSTED, grant_id=grant_id)]


async def close(house: House, month: ClosePeriod = MAY, period_id: UUID | None = None) -> UUID:
    period_id = period_id or uuid7()
    await house.give(PERIOD, period_id, month, RECONCILER, JUNE)
    return period_id


async def reopen(house: House, period_id: UUID) -> None:
    await house.give(PERIOD, period_id, ReopenPeriod(reason="payment_came_late"), RECONCILER, JUNE)
    await house.give(PERIOD, period_id, ConfirmReopening(), CHIEF, JUNE)


async def released(house: House, fund_id: UUID) -> UUID:
    """An approved grant in two tranches, of which the first is on its way."""
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), fund_id)
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    return grant_id


async def test_each_movement_of_a_grant_is_posted_on_its_day_and_balance_postings_and_grants_agree(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await released(house, fund_id)
    await house.give(GRANT, grant_id, paid(date(2023, 6, 1)), PAYER, JUNE)
    await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), ENDORSER, JUNE)
    may, june = date(2023, 5, 1), date(2023, 6, 1)
    assert await posted(house, grant_id) == [
        ("commit", None, 1500, date(2023, 5, 2), may), ("spend", 1, 500, date(2023, 6, 1), june),
        ("release", None, 1000, date(2023, 6, 5), june),
    ]  # fmt: skip
    assert await house.balance(fund_id) == (Decimal(0), Decimal(500))
    assert (await house.findings()).differences == []


async def test_a_posting_that_is_changed_or_lost_beside_the_rules_is_found(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await released(house, fund_id)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("UPDATE fund_postings SET amount = amount + 1, amount_in_fund = amount_in_fund + 1")
    differences = (await house.findings()).differences
    assert {f"fund postings: {grant_id}", f"days of postings: {grant_id}", f"postings of funds: {fund_id}"} == set(differences)
    await owner.execute("UPDATE fund_postings SET amount = amount - 1, amount_in_fund = amount_in_fund - 1")
    assert (await house.findings()).differences == []
    # One of the same amount on another day, which may lie in a month that is closed.
    await owner.execute("UPDATE fund_postings SET occurred_on = occurred_on + 1")
    assert (await house.findings()).differences == [f"days of postings: {grant_id}"]
    await owner.execute("DELETE FROM fund_postings")
    assert {f"fund postings: {grant_id}", f"postings of funds: {fund_id}"} == set((await house.findings()).differences)
    await owner.close()


async def test_grants_of_before_there_were_postings_are_posted_from_their_rows(house: House) -> None:
    fund_id = await house.fund()
    stopped, under_way = [await released(house, fund_id) for _ in range(2)]
    await house.give(GRANT, stopped, paid(date(2023, 5, 2)), PAYER)
    await house.give(GRANT, stopped, CancelGrant(reason="not_needed"), ENDORSER, JUNE)
    await house.give(GRANT, stopped, ConfirmDelivery(number=1), OFFICE, JUNE + timedelta(days=40))
    await house.give(GRANT, under_way, paid(date(2023, 6, 1), "BANK-0002"), PAYER, JUNE)
    await house.endorsed((await house.line()).request("700.00"))
    before = [await posted(house, one) for one in (stopped, under_way)]
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("DELETE FROM fund_postings")
    statement = import_module("migrations.reintegration.versions.2026_11_26_1045_postings").WHAT_WAS
    written = sa.text(statement).bindparams(zone=MISSION.mission_time_zone)
    await owner.execute(str(written.compile(compile_kwargs={"literal_binds": True})))
    freed = import_module("migrations.reintegration.versions.2026_11_26_1140_money_held").FREED_ON_ITS_DAY
    moved = sa.text(freed).bindparams(zone=MISSION.mission_time_zone)
    await owner.execute(str(moved.compile(compile_kwargs={"literal_binds": True})))
    await owner.close()
    assert [await posted(house, one) for one in (stopped, under_way)] == before
    assert (await house.findings()).differences == []


async def test_into_a_closed_month_nothing_is_posted_until_two_persons_reopened_it(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await released(house, fund_id)
    period_id = await close(house)
    pay = paid(date(2023, 5, 20))
    for _ in range(2):
        with pytest.raises(Exception, match="period_closed"):
            await house.give(GRANT, grant_id, pay, PAYER, JUNE)
    assert await house.try_to(PERIOD, period_id, ReopenPeriod(reason="payment_came_late"), RECONCILER) == "done"
    assert await house.try_to(PERIOD, period_id, ConfirmReopening(), RECONCILER) == "four_eyes"
    assert await house.try_to(PERIOD, period_id, ConfirmReopening(), CHIEF) == "done"
    await house.give(GRANT, grant_id, pay, PAYER, JUNE)
    await house.give(PERIOD, period_id, MAY, RECONCILER, JUNE)
    with pytest.raises(Exception, match="month_has_a_period"):
        await house.give(PERIOD, uuid7(), MAY, RECONCILER, JUNE)
    assert (await house.findings()).differences == []


async def test_no_login_opens_a_month_that_two_persons_did_not_reopen(house: House) -> None:
    period_id = await close(house)
    reopened = "UPDATE accounting_periods SET version = 2, status = 'reopened', asked_by = 'staff:m', reopened_by = 'staff:m', reopened_at = now()"
    api = await asyncpg.connect(house.made.logins.api)
    await api.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:m', false)")
    await api.execute("SET default_transaction_read_only = off")
    for statement, held in (
        ("DELETE FROM closed_months", "reopened_by_two_persons"), (reopened, "ck_accounting_periods_two_persons"),
    ):  # fmt: skip
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await api.execute(statement)
        assert caught.value.constraint_name == held
    await api.close()
    assert [row["period_id"] for row in await house.rows(Sql("SELECT period_id FROM closed_months"))] == [period_id]


async def test_what_was_paid_in_the_west_on_the_day_before_is_posted_with_its_commitment(house: House) -> None:
    fund_id = await house.fund()
    # In Sarajevo it is the first of June, further west still the last of May.
    night = datetime(2023, 5, 31, 22, 30, tzinfo=UTC)
    grant_id = await house.approved((await house.line()).request("700.00"), fund_id, night)
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER, night)
    await close(house)
    await house.give(GRANT, grant_id, paid(date(2023, 5, 31)), PAYER, JUNE)
    june = date(2023, 6, 1)
    assert await posted(house, grant_id) == [("commit", None, 700, june, june), ("spend", 1, 700, june, june)]
    assert (await house.grant(grant_id)).tranches[0].paid_on == date(2023, 5, 31)
    assert (await house.findings()).differences == []


async def test_no_login_posts_into_a_month_before_the_commitment(house: House) -> None:
    grant_id = await released(house, await house.fund())
    api = await asyncpg.connect(house.made.logins.api)
    await api.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:payer', false)")
    spent = (
        "INSERT INTO fund_postings SELECT grant_id, 2, fund_id, destination_country, 'spend', 1, 500, currency, 500, "
        "fund_currency, '2023-04-30', '2023-04-01' FROM fund_postings WHERE grant_id = $1"
    )
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await api.execute(spent, grant_id)
    assert caught.value.constraint_name == "posted_after_the_commitment"
    await api.execute(spent.replace("'2023-04-30', '2023-04-01'", "'2023-05-31', '2023-05-01'"), grant_id)
    await api.close()


async def test_months_are_open_until_somebody_closes_them(house: House) -> None:
    await close(house, ClosePeriod(month="2023-04"))
    grant_id = await released(house, await house.fund())
    await house.give(GRANT, grant_id, paid(date(2023, 5, 31)), PAYER, JUNE)
    assert (await house.findings()).differences == []


async def test_a_month_that_is_being_closed_takes_no_payment_that_waited(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await released(house, fund_id)
    async with house.half_done(PERIOD, uuid7(), MAY, RECONCILER, JUNE):
        waiting = await house.meanwhile(house.try_to(GRANT, grant_id, paid(date(2023, 5, 2)), PAYER))
    assert await waiting == "period_closed"
    assert (await house.findings()).differences == []


async def test_a_month_is_closed_after_the_payment_that_came_first(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await released(house, fund_id)
    async with house.half_done(GRANT, grant_id, paid(date(2023, 5, 2)), PAYER):
        waiting = await house.meanwhile(house.try_to(PERIOD, uuid7(), MAY, RECONCILER, JUNE))
    assert await waiting == "done"
    assert (await house.findings()).differences == []


async def test_periods_are_closed_and_reopened_by_whom_the_policy_names(house: House, people: People) -> None:
    body = {"month": "2023-04"}
    for caller in (people.manager, people.chief, people.approver, people.payer, people.auditor, people.coordinator):
        assert (await caller.post(f"periods/{uuid7()}", body)).json()["code"] == "not_permitted"
    period_id = uuid7()
    assert (await people.reconciler.post(f"periods/{period_id}", body)).status_code == 201
    reason = {"reason": "audit_finding"}
    assert (await people.chief.post(f"periods/{period_id}/reopen", reason)).json()["code"] == "not_permitted"
    assert (await people.reconciler.post(f"periods/{period_id}/reopen", reason, match='"v1"')).status_code == 200
    assert (await people.reconciler.post(f"periods/{period_id}/confirm-reopening", {})).json()["code"] == "not_permitted"
    assert [(row["month"], row["status"], row["waits"]) for row in (await people.auditor.get("periods")).json()["items"]] == [
        ("2023-04", "closed", True),
    ]  # fmt: skip
    assert (await people.chief.post(f"periods/{period_id}/confirm-reopening", {}, match='"v2"')).status_code == 200
    view = (await people.payer.get(f"periods/{period_id}")).json()
    assert (view["state"]["status"], view["state"]["asked_by"], view["state"]["reopened_by"]) == (
        "reopened", "staff:reconciler", "staff:chief",
    )  # fmt: skip
    for caller in (people.counsellor, people.office, people.coordinator):
        assert (await caller.get("periods")).status_code == 403
    fund_id = await house.fund()
    await house.approved((await house.line()).request("700.00"), fund_id)
    months = (await people.reconciler.get(f"funds/{fund_id}")).json()["months"]
    assert [(one["month"], one["committed"], one["closed"]) for one in months] == [("2023-05-01", "700.00", False)]
