"""Lists of accounts of staff and of sanctions as callers and the database meet them: two persons put each in force."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import CHANGED, code, registered, vendor
from tests.integration.reintegration.test_sanctions import (
    LIST,
    brought,
    by_the_clock,
    proposed,
    state_of,
)

people = people_of
HEAD = "iban,account_number,bank_country\n"
OF_A_VENDOR = vendor()
OTHER = ",12345678,IQ\n"
MANY = 350


async def accounts(people: People, *rows: str, version: str = "1") -> UUID:
    list_id = uuid7()
    path = f"staff-accounts/{list_id}?list_version={version}"
    answer = await people.administrator.put(path, (HEAD + "".join(rows)).encode(), "text/csv")
    assert answer.status_code == 201, answer.text
    return list_id


def of(details: Any) -> str:
    return f"{details['iban']},,\n"


async def of_staff(people: People, payee_id: UUID) -> bool:
    return bool((await people.reconciler.get(f"payees/{payee_id}")).json()["account_of_staff"])


async def test_accounts_of_staff_count_once_another_confirmed_them_and_the_former_until_then(house: House, people: People) -> None:
    payee_id = await registered(people)
    first = await accounts(people, of(OF_A_VENDOR), OTHER)
    assert not await of_staff(people, payee_id)
    view = (await people.manager.get(f"staff-accounts/{first}")).json()
    assert view["differences"] == {"added": 2, "gone": 0, "changed": 0}
    assert (await people.administrator.post(f"staff-accounts/{first}/confirm", {})).status_code == 403
    assert (await people.approver.post(f"staff-accounts/{first}/confirm", {})).status_code == 200
    assert await of_staff(people, payee_id)
    assert await code(await people.manager.post(f"staff-accounts/{first}/confirm", {})) == "nothing_waits"

    second = await accounts(people, OTHER, of(CHANGED), ",987654,IQ\n", version="2")
    view = (await people.manager.get(f"staff-accounts/{second}")).json()
    assert view["differences"] == {"added": 2, "gone": 1, "changed": 0}
    assert await of_staff(people, payee_id)
    third = f"staff-accounts/{uuid7()}?list_version=3"
    assert await code(await people.administrator.put(third, (HEAD + OTHER).encode(), "text/csv")) == "list_waits"
    listed = (await people.auditor.get("staff-accounts")).json()["items"]
    assert [(one["list_version"], one["status"]) for one in listed] == [("1", "counts"), ("2", "waits")]
    assert (await people.manager.post(f"staff-accounts/{second}/confirm", {})).status_code == 200
    assert not await of_staff(people, payee_id)
    listed = (await people.auditor.get("staff-accounts")).json()["items"]
    assert [(one["list_version"], one["status"]) for one in listed] == [("1", "replaced"), ("2", "counts")]
    assert (await house.findings()).differences == []


async def test_a_list_that_is_dropped_counts_never_and_makes_room_for_another(house: House, people: People) -> None:
    payee_id = await registered(people)
    dropped = await accounts(people, of(OF_A_VENDOR))
    assert (await people.administrator.post(f"staff-accounts/{dropped}/drop", {})).status_code == 200
    assert await code(await people.manager.post(f"staff-accounts/{dropped}/confirm", {})) == "nothing_waits"
    await accounts(people, OTHER, version="2")
    assert not await of_staff(people, payee_id)
    assert (await people.payer.get("staff-accounts")).status_code == 403
    assert (await house.findings()).differences == []


async def test_of_two_lists_at_one_moment_one_waits(people: People) -> None:
    sent = (HEAD + OTHER).encode()
    answers = await asyncio.gather(
        *(people.administrator.put(f"staff-accounts/{uuid7()}?list_version={n}", sent, "text/csv") for n in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert [await code(answer) for answer in answers if answer.status_code == 409] == ["list_waits"]


async def test_what_a_version_adds_holds_at_once_and_what_it_leaves_out_until_another_confirmed_it(
    house: House, people: People
) -> None:
    await brought(people, LIST.replace("Tools Invented", "Person Left Out"))
    adds = "id,name,aliases,birth_date,country\nQDi.002,Nobody Here,,1980,\nQDi.009,Tools Invented,,,\n"
    list_id = await proposed(people, adds, "2")
    view = (await people.chief.get(f"sanctions-lists/{list_id}")).json()
    assert view["differences"] == {"added": 1, "gone": 1, "changed": 1}
    assert await code(await people.reconciler.post(f"sanctions-lists/{list_id}/confirm", {})) == "four_eyes"

    added, left_out = await registered(people), await registered(people, vendor_code="V-2", holder="Person Left Out", iban=CHANGED["iban"])
    await by_the_clock(house)
    hits = {id: [hit["entry_id"] for hit in (await state_of(people, id))["hits"]] for id in (added, left_out)}
    assert hits == {added: ["QDi.009"], left_out: ["QDi.001"]}

    assert (await people.chief.post(f"sanctions-lists/{list_id}/confirm", {})).status_code == 200
    # Whoever is screened against both is screened against the one that is left, and no hit goes by itself.
    assert (await by_the_clock(house)).due == 0
    assert [hit["entry_id"] for hit in (await state_of(people, left_out))["hits"]] == ["QDi.001"]
    listed = (await people.auditor.get("sanctions-lists")).json()["items"]
    assert [one["status"] for one in listed] == ["replaced", "counts"]
    assert (await house.findings()).differences == []


async def test_who_has_more_hits_than_are_kept_is_screened_until_all_were_cleared(house: House, people: People) -> None:
    payee_id = await registered(people)
    rows = "".join(f"X.{n:03d},Tools Invented,,,\n" for n in range(MANY))
    await brought(people, f"id,name,aliases,birth_date,country\n{rows}")
    cleared = 0
    while (await by_the_clock(house)).changed:
        hits = (await state_of(people, payee_id))["hits"]
        if not hits:
            break
        cleared += len(hits)
        assert await code(await people.reconciler.post(f"payees/{payee_id}/confirm", {})) == "screening_hit"
        assert (await people.reconciler.post(f"payees/{payee_id}/ask-to-clear-hits", {"reason": "alike_by_chance"})).status_code == 200
        assert (await people.chief.post(f"payees/{payee_id}/clear-hits", {})).status_code == 200
        if cleared < MANY:
            assert await code(await people.reconciler.post(f"payees/{payee_id}/confirm", {})) == "not_screened"
    assert cleared == MANY
    assert (await people.reconciler.post(f"payees/{payee_id}/confirm", {})).status_code == 200
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("table", ["staff_lists", "sanctions_lists"])
async def test_nobody_puts_a_list_in_force_alone_past_the_domain(house: House, people: People, table: str) -> None:
    await accounts(people, OTHER)
    await proposed(people)
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:x', false)")
    faults = []
    for changed in (
        "counts_since = now(), confirmed_by = uploaded_by", "counts_since = now()", "confirmed_by = 'staff:x'",
        "list_version = 'x'", "uploaded_by = 'staff:y'", "proposed = false, counts_since = now()", "dropped_at = now()", "dropped_by = 'staff:x', dropped_at = now(), counts_since = now(), confirmed_by = 'staff:x'",
    ):  # fmt: skip
        try:
            await connection.execute(f"UPDATE {table} SET {changed}")
        except asyncpg.PostgresError as fault:
            faults.append((getattr(fault, "constraint_name", None) or type(fault).__name__).removeprefix(f"ck_{table}_"))
    await connection.close()
    no_right = "InsufficientPrivilegeError"
    assert faults == [
        "two_persons", "counts_once_confirmed", "counts_once_confirmed", no_right, no_right, no_right, "drop_is_whole", "drops_what_waits"
    ]  # fmt: skip
