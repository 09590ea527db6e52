"""Funds as the database holds them: two persons behind what each grants, and nothing raised by the API's login alone."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.case import RecordProgramme
from services.reintegration.domain.fund import ChangeFund, CloseFund, ConfirmFund, DropFundChange, OpenFund
from services.reintegration.domain.grant import CancelGrant, EndorseGrant
from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import FUND
from shared.db import Sql
from shared.ids import uuid7
from shared.timers import Looked
from tests.given import NOON
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_settlement import by_the_clock, credit, debit
from tests.unit.reintegration.bank.answers import Account
from tests.unit.reintegration.examples import APPROVER, CHIEF, ENDORSER, MANAGER, PAYER, TODAY, eur
from tests.unit.reintegration.test_fund import LATER, OPEN

people = people_of
SECOND = ConfirmFund(change_no=2)


def granting(amount: str) -> ChangeFund:
    return ChangeFund(granted=eur(amount), valid_until=LATER, reason="donor_adds")


async def limited(house: House, **to: tuple[str, ...]) -> UUID:
    fund_id = uuid7()
    order = OpenFund.model_validate({**dict(OPEN), **to})
    await house.give(FUND, fund_id, order, MANAGER)
    await house.give(FUND, fund_id, ConfirmFund(change_no=1), CHIEF)
    return fund_id


async def approve(house: House, grant_id: UUID, fund_id: UUID) -> str:
    return await house.try_to(GRANT, grant_id, await house.approval(grant_id, fund_id), APPROVER)


async def test_from_a_fund_that_nobody_confirmed_nothing_is_approved(house: House) -> None:
    fund_id = uuid7()
    await house.give(FUND, fund_id, OPEN, MANAGER)
    grant_id = await house.endorsed((await house.line()).request("500.00"))
    assert await approve(house, grant_id, fund_id) == "fund_unknown"
    assert await house.try_to(FUND, fund_id, ConfirmFund(change_no=1), MANAGER) == "four_eyes"
    assert await approve(house, grant_id, fund_id) == "fund_unknown"
    assert await house.try_to(FUND, fund_id, ConfirmFund(change_no=1), CHIEF) == "done"
    assert await approve(house, grant_id, fund_id) == "done"
    assert (await house.findings()).differences == []


async def test_a_fund_pays_for_its_countries_categories_and_programmes_alone(house: House) -> None:
    line = await house.line("business")
    grant_id = await house.endorsed(line.request("500.00"))
    for refused in (
        {"countries": ("TR", "MA")}, {"grant_categories": ("housing",)}, {"programmes": ("AVRR-WB",)},
    ):  # fmt: skip
        fund_id = await limited(house, **refused)
        named = next(iter(refused)).removeprefix("grant_")
        code = {"countries": "fund_not_for_country", "categories": "fund_not_for_category", "programmes": "fund_not_for_programme"}[named]
        assert await approve(house, grant_id, fund_id) == code
    fund_id = await limited(house, countries=("PK",), grant_categories=("business", "housing"), programmes=("AVRR-WB",))
    assert await approve(house, grant_id, fund_id) == "fund_not_for_programme"
    await house.react(line.case_id, RecordProgramme(programme="AVRR-EU"))
    assert await approve(house, grant_id, fund_id) == "fund_not_for_programme"
    await house.react(line.case_id, RecordProgramme(programme="AVRR-WB"))
    assert await approve(house, grant_id, fund_id) == "done"
    assert (await house.findings()).differences == []


async def test_of_which_programme_a_case_is_whoever_commits_a_fund_is_told_while_a_grant_waits_for_that(house: House, people: People) -> None:
    line = await house.line("business")
    await house.react(line.case_id, RecordProgramme(programme="AVRR-WB"))
    submitted = await house.submitted(line.request("500.00"))

    async def told(*callers: Caller) -> list[str | None]:
        return [(await caller.get(f"grants/{submitted}")).json()["programme"] for caller in callers]

    assert await told(people.approver, people.chief) == [None, None]
    await house.give(GRANT, submitted, EndorseGrant.model_validate(await house.shown(submitted)), ENDORSER)
    assert await told(people.approver, people.chief) == ["AVRR-WB", "AVRR-WB"]
    assert await told(people.coordinator, people.counsellor, people.office) == [None, None, None]
    assert "programme" not in (await people.payer.get(f"grants/{submitted}")).json()
    assert await approve(house, submitted, await limited(house, programmes=("AVRR-WB",))) == "done"
    assert await told(people.approver, people.chief) == [None, None]


async def test_what_is_asked_counts_once_another_person_confirmed_it(house: House) -> None:
    fund_id = await house.fund("1000.00")
    grant_id = await house.endorsed((await house.line()).request("1500.00"))
    await house.give(FUND, fund_id, granting("2000.00"), MANAGER)
    assert await approve(house, grant_id, fund_id) == "fund_exhausted"
    assert await house.try_to(FUND, fund_id, SECOND, MANAGER) == "four_eyes"
    await house.give(FUND, fund_id, SECOND, CHIEF)
    assert await approve(house, grant_id, fund_id) == "done"
    assert await house.try_to(FUND, fund_id, granting("1499.99"), MANAGER) == "below_what_is_used"
    await house.give(FUND, fund_id, granting("1500.00"), MANAGER)
    await house.give(FUND, fund_id, DropFundChange(change_no=3), MANAGER)
    await house.give(FUND, fund_id, granting("1500.00"), MANAGER)
    await house.give(FUND, fund_id, ConfirmFund(change_no=4), CHIEF)
    assert (await house.findings()).differences == []


async def test_a_fund_is_not_reduced_below_an_approval_that_comes_first(house: House) -> None:
    fund_id = await house.fund("2000.00")
    grant_id = await house.endorsed((await house.line()).request("1500.00"))
    await house.give(FUND, fund_id, granting("1000.00"), MANAGER)
    order = await house.approval(grant_id, fund_id)
    async with house.half_done(GRANT, grant_id, order, APPROVER):
        waiting = await house.meanwhile(house.try_to(FUND, fund_id, SECOND, CHIEF))
    assert await waiting == "below_what_is_used"
    assert (await house.findings()).differences == []


async def test_an_approval_waits_for_a_reduction_that_comes_first_and_is_refused(house: House) -> None:
    fund_id = await house.fund("2000.00")
    grant_id = await house.endorsed((await house.line()).request("1500.00"))
    await house.give(FUND, fund_id, granting("1000.00"), MANAGER)
    async with house.half_done(FUND, fund_id, SECOND, CHIEF):
        waiting = await house.meanwhile(approve(house, grant_id, fund_id))
    assert await waiting == "fund_exhausted"
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("first", ["closing", "approval"])
async def test_a_fund_that_is_closed_while_a_grant_is_approved_is_one_or_the_other(house: House, first: str) -> None:
    fund_id = await house.fund("2000.00")
    grant_id = await house.endorsed((await house.line()).request("1500.00"))
    await house.give(FUND, fund_id, CloseFund(reason="project_ended"), MANAGER)
    if first == "closing":
        async with house.half_done(FUND, fund_id, SECOND, CHIEF):
            waiting = await house.meanwhile(approve(house, grant_id, fund_id))
        assert await waiting == "fund_closed"
        assert await approve(house, grant_id, fund_id) == "fund_closed"
    else:
        order = await house.approval(grant_id, fund_id)
        async with house.half_done(GRANT, grant_id, order, APPROVER):
            waiting = await house.meanwhile(house.try_to(FUND, fund_id, SECOND, CHIEF))
        assert await waiting == "fund_has_commitments"
        await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), ENDORSER)
        assert await house.try_to(FUND, fund_id, SECOND, CHIEF) == "done"
    assert (await house.findings()).differences == []


async def test_a_fund_is_not_closed_while_a_payment_of_it_is_not_delivered_whoever_asks(house: House) -> None:
    fund_id = await house.fund("2000.00")
    grant_id = await house.approved((await house.line()).request("500.00"), fund_id)
    await house.paid(grant_id, 1)
    close = CloseFund(reason="project_ended")
    assert await house.try_to(FUND, fund_id, close, MANAGER) == "fund_awaits_deliveries"
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    assert await house.try_to(FUND, fund_id, close, MANAGER) == "done"
    assert await house.try_to(FUND, fund_id, SECOND, CHIEF) == "done"
    assert (await house.findings()).differences == []


async def test_of_a_fund_that_is_closed_nothing_is_available_wherever_it_is_read(house: House, people: People) -> None:
    fund_id = await house.fund("2000.00")
    grant_id = await house.approved((await house.line()).request("500.00"), fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    await house.give(FUND, fund_id, CloseFund(reason="project_ended"), MANAGER)
    for second in (DropFundChange(change_no=2), None):
        (listed,) = (await people.approver.get("funds")).json()["items"]
        one = (await people.approver.get(f"funds/{fund_id}")).json()["balance"]
        amounts = {"granted": "2000.00", "committed": "0.00", "spent": "500.00", "available": "1500.00" if second else "0"}
        assert one.items() >= amounts.items() and listed.items() >= amounts.items()
        if second is not None:
            await house.give(FUND, fund_id, second, MANAGER)
            await house.give(FUND, fund_id, CloseFund(reason="project_ended"), MANAGER)
            await house.give(FUND, fund_id, ConfirmFund(change_no=3), CHIEF)


async def test_a_program_that_closes_a_fund_without_a_look_at_its_payments_is_stopped(house: House) -> None:
    fund_id = await house.fund("2000.00")
    await house.paid(await house.approved((await house.line()).request("500.00"), fund_id), 1)
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute(
        "INSERT INTO fund_changes SELECT fund_id, 2, 'close', granted, currency, valid_until, asked_by, 'project_ended', asked_at "
        "FROM fund_changes WHERE fund_id = $1", fund_id
    )
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await connection.execute(
            "INSERT INTO fund_confirmations SELECT fund_id, change_no, what, granted, currency, valid_until, asked_by, 'staff:another', asked_at "
            "FROM fund_changes WHERE fund_id = $1 AND change_no = 2", fund_id
        )
    await connection.close()
    assert refused.value.constraint_name == "closed_after_the_deliveries"


async def test_what_the_bank_sends_back_to_a_fund_that_is_closed_is_posted_free_and_all_agrees(house: House, people: People) -> None:
    account_id, fund_id = await own_account(people), await house.fund("500.00")
    grant_id, attempt_id = await house.approved((await house.line()).request("500.00"), fund_id), uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=attempt_id), PAYER)
    await sent(people, account_id, [attempt_id])
    await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    assert await by_the_clock(house) == Looked(1, 1)
    # As funds of before were closed.
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute("UPDATE fund_balances SET closed = true WHERE fund_id = $1", fund_id)
    await connection.close()
    await imported(people, Account([credit(attempt_id)], id="MAY-2", opening="500.00"))
    assert await by_the_clock(house) == Looked(1, 1)
    assert await by_the_clock(house) == Looked()
    assert await house.balance(fund_id) == (Decimal(0), Decimal(0))
    state = await house.grant(grant_id)
    assert (state.status, state.committed, state.tranches[0].status) == ("in_disbursement", Decimal(0), "planned")
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(1), PAYER) == "commitment_freed"
    june = NOON + timedelta(days=30)
    await house.give(GRANT, grant_id, CancelGrant(reason="not_needed"), ENDORSER, june)
    told = [line for line in (await house.findings()).differences if not line.startswith("fund balances")]
    assert told == []


@pytest.mark.parametrize("first", ["change", "approval"])
async def test_an_approval_beside_an_earlier_last_day_comes_before_it_or_is_refused(house: House, first: str) -> None:
    fund_id = await house.fund("2000.00")
    grant_id = await house.endorsed((await house.line()).request("1500.00"))
    earlier = ChangeFund(granted=eur("2000.00"), valid_until=TODAY - timedelta(days=1), reason="shortened")
    await house.give(FUND, fund_id, earlier, MANAGER)
    if first == "change":
        async with house.half_done(FUND, fund_id, SECOND, CHIEF):
            waiting = await house.meanwhile(approve(house, grant_id, fund_id))
        assert await waiting == "fund_not_valid"
        assert await approve(house, grant_id, fund_id) == "fund_not_valid"
    else:
        order = await house.approval(grant_id, fund_id)
        async with house.half_done(GRANT, grant_id, order, APPROVER):
            waiting = await house.meanwhile(house.try_to(FUND, fund_id, SECOND, CHIEF))
        assert await waiting == "done"
    assert (await house.findings()).differences == []


async def test_no_login_commits_money_on_a_day_on_which_the_fund_is_not_valid(house: House) -> None:
    fund_id = await house.fund("2000.00")
    grant_id = await house.approved((await house.line()).request("1500.00"), fund_id)
    api = await asyncpg.connect(house.made.logins.api)
    await api.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:approver', false)")
    for day in (date(2021, 12, 31), date(2025, 1, 1)):
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await api.execute(
                "INSERT INTO fund_postings SELECT gen_random_uuid(), 1, fund_id, destination_country, kind, tranche, amount, currency, "
                "amount_in_fund, fund_currency, cast($2 AS date), date_trunc('month', cast(cast($2 AS date) AS timestamp)) FROM fund_postings "
                "WHERE grant_id = $1", grant_id, day,
            )  # fmt: skip
        assert caught.value.constraint_name == "committed_while_the_fund_is_valid"
    await api.close()


async def test_what_a_fund_grants_is_raised_by_no_login_without_two_persons_and_a_difference_is_found(house: House) -> None:
    fund_id = await house.fund("1000.00")
    api = await asyncpg.connect(house.made.logins.api)
    await api.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:manager', false)")
    await api.execute("SET default_transaction_read_only = off")
    await house.give(FUND, fund_id, granting("9000.00"), MANAGER)
    confirm = "INSERT INTO fund_confirmations VALUES ($1, $4, 'change', $2, 'EUR', '2024-06-30', 'staff:manager', $3, now())"
    with pytest.raises(asyncpg.CheckViolationError, match="two_persons"):
        await api.execute(confirm, fund_id, 9000, "staff:manager", 2)
    # Nobody writes down what somebody else confirmed.
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.execute(confirm, fund_id, 9000, "staff:chief", 2)
    await api.execute("SELECT set_config('app.actor', 'staff:chief', false)")
    # Another amount than what was asked is confirmed by nobody.
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await api.execute(confirm, fund_id, 9001, "staff:chief", 2)
    # Nor is what was declined, be it the newest that was asked, or what came before it.
    await house.give(FUND, fund_id, DropFundChange(change_no=2), CHIEF)
    for asked_again in (False, True):
        if asked_again:
            await house.give(FUND, fund_id, granting("8000.00"), MANAGER)
        with pytest.raises(asyncpg.CheckViolationError) as declined:
            await api.execute(confirm, fund_id, 9000, "staff:chief", 2)
        assert declined.value.constraint_name == "fund_change_answered_once"
    assert (await house.findings()).differences == []
    changes = (await house.rows(Sql("SELECT change_no, dropped_by FROM fund_drops")))
    assert changes == [{"change_no": 2, "dropped_by": "staff:chief"}]
    await api.execute("UPDATE funds SET granted = 9000 WHERE id = $1", fund_id)
    await api.close()
    differences = (await house.findings()).differences
    assert f"fund balances: {fund_id}" in differences
    assert f"fund changes: {fund_id}" in differences


async def test_a_fund_is_asked_for_confirmed_and_changed_by_whom_the_policy_names(house: House, people: People) -> None:
    fund_id = uuid7()
    body = OPEN.model_dump(mode="json")
    for caller in (people.chief, people.approver, people.reconciler, people.payer, people.auditor, people.coordinator):
        assert (await caller.post(f"funds/{uuid7()}", body)).json()["code"] == "not_permitted"
    assert (await people.manager.post(f"funds/{fund_id}", body)).status_code == 201
    listed = (await people.auditor.get("funds")).json()["items"]
    assert [(one["status"], one["waiting"], one["granted"], one["available"]) for one in listed] == [
        ("asked", "open", "10000.00", "0"),
    ]  # fmt: skip
    own = await people.manager.post(f"funds/{fund_id}/confirm", {"change_no": 1}, match='"v1"')
    assert (own.status_code, own.json()["code"]) == (409, "four_eyes")
    for caller in (people.approver, people.reconciler, people.payer, people.auditor):
        assert (await caller.post(f"funds/{fund_id}/confirm", {"change_no": 1})).json()["code"] == "not_permitted"
    assert (await people.chief.post(f"funds/{fund_id}/confirm", {"change_no": 1}, match='"v1"')).status_code == 200
    change = granting("12000.00").model_dump(mode="json")
    assert (await people.manager.post(f"funds/{fund_id}/change", change, match='"v2"')).status_code == 200
    view = (await people.chief.get(f"funds/{fund_id}")).json()
    assert [(one["change_no"], one["what"], one["granted"], one["confirmed_by"]) for one in view["changes"]] == [
        (1, "open", "10000.00", "staff:chief"), (2, "change", "12000.00", None),
    ]  # fmt: skip
    assert (view["state"]["granted"], view["state"]["waiting"]["granted"], view["balance"]["available"]) == (
        "10000.00", "12000.00", "10000.00",
    )  # fmt: skip
    assert (await people.chief.post(f"funds/{fund_id}/drop-change", {"change_no": 2}, match='"v3"')).status_code == 200
    assert Decimal((await people.manager.get(f"funds/{fund_id}")).json()["balance"]["granted"]) == Decimal(10000)
