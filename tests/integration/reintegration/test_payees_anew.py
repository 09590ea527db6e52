"""Whoever was paid before is called before another account of theirs is paid to, under whatever payee it comes."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from services.reintegration.domain.payable import refuse_unless_payable
from services.reintegration.domain.payee import HOLD, DropAccountChange
from services.reintegration.domain.payee_state import CONTACT_SETTLES, Payee
from services.reintegration.payable_queries import payable
from services.reintegration.payee_wiring import PAYEE
from shared.db import Sql
from shared.errors import RuleViolation
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON, SIGNED_IN
from tests.integration.bus.house import until
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import (
    CHANGED,
    active,
    code,
    of_a_returnee,
    registered,
    vendor,
)
from tests.unit.reintegration.examples import PAYER, RECONCILER
from tests.unit.reintegration.test_payee import CHANGE, HERE, THERE

people = people_of
LATER = NOON + CONTACT_SETTLES + timedelta(days=1)
_LIES = (
    "INSERT INTO payee_confirmations SELECT payee_id, 1, country, stated_by, stated_at, 'staff:x', now(), {0} "
    "FROM payee_accounts WHERE anew"
)
_STATED = Sql("SELECT account_no FROM payee_details WHERE payee_id = :payee_id ORDER BY account_no")


async def test_a_vendor_that_is_closed_and_registered_anew_is_called_under_the_contact_of_before(
    house: House, people: People
) -> None:
    former = await active(people)
    await people.office.post(f"payees/{former}/close", {"reason": "not_needed"})
    anew = await registered(people, vendor_code="v-17", iban=THERE, call_back_contact="+92 000 0000666")
    # One of another country is another vendor.
    abroad = uuid7()
    assert (await people.office_abroad.post(f"payees/{abroad}", vendor(country="TR", account_number="1", iban=None, bank_code="INVTTRIS"))).status_code == 201
    assert (await people.reconciler.post(f"payees/{abroad}/confirm", {})).status_code == 200
    assert await code(await people.reconciler.post(f"payees/{anew}/confirm", {})) == "call_back_first"
    assert await code(await people.reconciler.post(f"payees/{anew}/confirm", {"unreachable": True})) == "call_back_first"
    shown = (await people.reconciler.get(f"payees/{anew}")).json()
    assert shown["call"] == {"payee_id": str(former), "account_no": 1}
    called = {"account_no": 1, "called_at": NOON.isoformat()}
    assert (await people.reconciler.post(f"payees/{anew}/confirm-call-back", called)).status_code == 200
    state = (await house.read(PAYEE, anew, RECONCILER)).state
    assert isinstance(state, Payee)
    assert (state.status, state.held_until) == ("active", NOON + HOLD)
    known = await transact(house.made.api, EVERYWHERE.scope(RECONCILER), lambda unit: payable(unit, anew))
    with pytest.raises(RuleViolation, match="payee_on_hold"):
        refuse_unless_payable(known, "PKR", PAYER.person_id, NOON + HOLD - timedelta(seconds=1))
    assert refuse_unless_payable(known, "PKR", PAYER.person_id, NOON + HOLD) == 1
    assert (await house.findings()).differences == []


async def test_where_nobody_is_there_any_more_the_chief_of_mission_confirms_and_two_days_pass(house: House, people: People) -> None:
    former = await active(people)
    await people.office.post(f"payees/{former}/close", {"reason": "not_needed"})
    anew = await registered(people)
    assert await code(await people.chief.post(f"payees/{anew}/confirm", {})) == "call_back_first"
    assert (await people.chief.post(f"payees/{anew}/confirm", {"unreachable": True})).status_code == 200
    state = (await people.reconciler.get(f"payees/{anew}")).json()["state"]
    assert (state["status"], state["held_until"]) == ("active", (NOON + HOLD).isoformat().replace("+00:00", "Z"))
    first = await registered(people, vendor_code="V-99", iban=THERE)
    assert await code(await people.chief.post(f"payees/{first}/confirm", {"unreachable": True})) == "nobody_to_call"
    assert (await house.findings()).differences == []


async def test_a_returnee_has_one_payee_in_a_currency_and_is_called_about_the_next(house: House, people: People) -> None:
    first, person_id = await of_a_returnee(house, people)
    assert (await people.reconciler.post(f"payees/{first}/confirm", {})).status_code == 200
    state = (await people.reconciler.get(f"payees/{first}")).json()["state"]
    said = vendor(payee_kind="returnee", case_id=state["case_id"], person_id=str(person_id), iban=THERE)
    del said["vendor_code"]
    assert await code(await people.office.post(f"payees/{uuid7()}", said)) == "person_has_a_payee"
    second = uuid7()
    assert (await people.office.post(f"payees/{second}", {**said, "currency": "EUR"})).status_code == 201
    assert await code(await people.reconciler.post(f"payees/{second}/confirm", {})) == "call_back_first"
    assert (await people.reconciler.get(f"payees/{second}")).json()["call"] == {"payee_id": str(first), "account_no": 1}
    await people.office.post(f"payees/{first}/close", {"reason": "not_needed"})
    third = uuid7()
    assert (await people.office.post(f"payees/{third}", said)).status_code == 201
    assert (await people.reconciler.get(f"payees/{third}")).json()["call"] == {"payee_id": str(first), "account_no": 1}
    assert (await house.findings()).differences == []


async def test_whoever_changed_the_contact_lately_is_not_the_one_who_is_called(house: House, people: People) -> None:
    payee_id = await active(people)
    contact = {**CHANGED, "iban": HERE, "reason": "contact_changed"}
    assert (await people.office.post(f"payees/{payee_id}/change-account", contact)).status_code == 200
    assert (await people.reconciler.get(f"payees/{payee_id}")).json()["call"] == {"payee_id": str(payee_id), "account_no": 1}
    called = {"account_no": 2, "called_at": NOON.isoformat()}
    assert (await people.reconciler.post(f"payees/{payee_id}/confirm-call-back", called)).status_code == 200
    # Also through a change that was dropped, and through another payee, the call goes where it went.
    await people.office.post(f"payees/{payee_id}/change-account", CHANGED)
    await people.office.post(f"payees/{payee_id}/drop-account-change", {"account_no": 3, "reason": "entered_in_error"})
    await people.office.post(f"payees/{payee_id}/change-account", CHANGED)
    assert (await people.reconciler.get(f"payees/{payee_id}")).json()["call"] == {"payee_id": str(payee_id), "account_no": 1}
    await people.office.post(f"payees/{payee_id}/close", {"reason": "not_needed"})
    anew = await registered(people)
    assert (await people.reconciler.get(f"payees/{anew}")).json()["call"] == {"payee_id": str(payee_id), "account_no": 1}
    await people.office.post(f"payees/{anew}/close", {"reason": "not_needed"})
    settled = uuid7()
    assert (await people.office.at(LATER).post(f"payees/{settled}", vendor())).status_code == 201
    assert (await people.reconciler.get(f"payees/{settled}")).json()["call"] == {"payee_id": str(payee_id), "account_no": 2}
    assert (await house.findings()).differences == []


async def test_codes_of_vendors_are_of_a_country_and_compared_without_case(house: House, people: People) -> None:
    await active(people)
    assert await code(await people.office.post(f"payees/{uuid7()}", vendor(vendor_code="v-17"))) == "vendor_code_taken"
    other = {"country": "TR", "iban": THERE}
    assert (await people.office_abroad.post(f"payees/{uuid7()}", vendor(**other))).status_code == 201
    for caller, found in ((people.reconciler, 2), (people.office, 1)):
        assert len((await caller.get("payees", vendor_code="v-17")).json()["items"]) == found


async def test_whoever_drops_a_change_pays_the_payee_no_more(house: House, people: People) -> None:
    payee_id = await active(people)
    await people.office.post(f"payees/{payee_id}/change-account", CHANGED)
    dropped = {"account_no": 2, "reason": "not_confirmed_by_payee"}
    other = await people.office.post(f"payees/{payee_id}/drop-account-change", {**dropped, "account_no": 3})
    assert await code(other) == "another_change_waits"
    assert (await people.reconciler.post(f"payees/{payee_id}/drop-account-change", dropped)).status_code == 200
    state = (await house.read(PAYEE, payee_id, RECONCILER)).state
    assert isinstance(state, Payee)
    assert RECONCILER.person_id in state.handlers
    assert (await house.findings()).differences == []


async def test_an_account_is_kept_under_the_number_that_it_was_given_whatever_was_read_before(house: House, people: People) -> None:
    payee_id = await active(people)
    async with house.api.unit_of_work(EVERYWHERE.scope(RECONCILER)) as unit:
        context, origin = Context(RECONCILER, NOON, SIGNED_IN), Origin("test-correlation")
        await handle(unit, PAYEE, payee_id, CHANGE, context, origin, reach=EVERYWHERE, apart=True)
        await unit.flush()
        # It has read one account by now, and waits for the payee.
        second = asyncio.create_task(people.office.post(f"payees/{payee_id}/change-account", CHANGED))
        await until(house.somebody_waits)
        drop = DropAccountChange(account_no=2, reason="entered_in_error")
        await handle(unit, PAYEE, payee_id, drop, context, origin, reach=EVERYWHERE)
        await unit.flush()
    answer = await second
    assert answer.status_code == 200, answer.text
    kept = [row["account_no"] for row in await house.rows(_STATED, payee_id=payee_id)]
    assert kept == [1, 3]


async def test_an_iban_and_the_number_that_its_country_writes_are_found_as_one(house: House, people: People) -> None:
    first = await active(people)
    written = {"iban": None, "account_number": "1123456702", "bank_code": None, "bank_country": "PK", "bank_name": "Invented Bank", "vendor_code": "V-2"}
    second = await registered(people, **written)
    other_bank = await registered(people, **{**written, "bank_name": None, "bank_code": "HABBPKKA", "vendor_code": "V-3"})
    assert (await people.reconciler.get(f"payees/{second}")).json()["shared_with"] == [str(first), str(other_bank)]
    assert (await people.reconciler.get(f"payees/{other_bank}")).json()["shared_with"] == [str(second)]
    listed = {one["id"] for one in (await people.reconciler.get("payee-findings")).json()["items"]}
    assert listed == {str(first), str(second), str(other_bank)}


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        (_LIES.format("NULL, NULL, false"), "fk_payee_confirmations_anew"),
        (_LIES.format("NULL, stated_at + interval '47 hours', true"), "ck_payee_confirmations_held_long_enough"),
        (_LIES.format("stated_at - interval '1 second', stated_at + interval '48 hours', true"), "ck_payee_confirmations_called_in_time"),
    ],
    ids=["as-if-first", "too-early", "called-before"],
)  # fmt: skip
async def test_a_service_that_lies_about_who_was_paid_before_is_stopped(house: House, people: People, sql: str, constraint: str) -> None:
    former = await active(people)
    await people.office.post(f"payees/{former}/close", {"reason": "not_needed"})
    await registered(people)
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:x', false)")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await connection.execute(sql)
    await connection.close()
    assert refused.value.constraint_name == constraint
