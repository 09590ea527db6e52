"""Payees as callers and the database meet them: sealed, by two persons, masked, told to the returnee, and gone with them."""

import asyncio
import json
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration import payable_queries
from services.reintegration.account_tokens import hash_accounts_anew
from services.reintegration.domain.payable import refuse_unless_payable
from services.reintegration.domain.payee import HOLD
from services.reintegration.domain.payee_facts import Payable
from services.reintegration.domain.payee_state import Payee
from services.reintegration.domain.person import RecordErasure
from services.reintegration.payee_wiring import PAYEE
from services.reintegration.wiring import PERSON
from shared.blind_index import FileIndexKeys
from shared.db import Sql
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.reintegration.office import WORKER, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import PAYER, RECONCILER
from tests.unit.reintegration.test_payee import CHANGE, VENDOR

people = people_of
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log ORDER BY idx")
_COUNTED = Sql("SELECT (SELECT count(*) FROM payee_details) AS details, (SELECT count(*) FROM person_keys) AS keys")
_DISCLOSED = Sql("SELECT count(*) AS told FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.type LIKE '%.payee.%'")
_READ = Sql("SELECT operation, about FROM accesses WHERE operation LIKE 'read_payee%' AND outcome = 'read' ORDER BY operation")
SECRETS = ("Invented", "SCBL0000", "1123456702", "1171914455", "+92")


def vendor(**said: Any) -> dict[str, Any]:
    return {**VENDOR.model_dump(mode="json", exclude_none=True), **said}


CHANGED = CHANGE.model_dump(mode="json", exclude_none=True)


async def registered(people: People, **said: Any) -> UUID:
    payee_id = uuid7()
    answer = await people.office.post(f"payees/{payee_id}", vendor(**said))
    assert answer.status_code == 201, answer.text
    return payee_id


async def active(people: People, **said: Any) -> UUID:
    payee_id = await registered(people, **said)
    assert (await people.reconciler.post(f"payees/{payee_id}/confirm", {})).status_code == 200
    return payee_id


async def of_a_returnee(house: House, people: People) -> tuple[UUID, UUID]:
    line = await house.line()
    named = {"payee_kind": "returnee", "case_id": str(line.case_id), "person_id": str(line.person_id)}
    said = {key: value for key, value in vendor(**named).items() if key != "vendor_code"}
    payee_id = uuid7()
    answer = await people.office.post(f"payees/{payee_id}", said)
    assert answer.status_code == 201, answer.text
    return payee_id, line.person_id


async def erased(house: House, person_id: UUID) -> None:
    await transact(
        house.made.worker, EVERYWHERE.scope(WORKER),
        lambda unit: handle(unit, PERSON, person_id, RecordErasure(), Context(WORKER, NOON), Origin("x"), reach=EVERYWHERE),
    )  # fmt: skip


async def code(answer: Any) -> str:
    return str(answer.json()["code"])


async def test_one_registers_another_confirms_and_nobody_else_sees_more_than_the_last_characters(
    house: House, people: People
) -> None:
    payee_id = await registered(people)
    assert await code(await people.payer.post(f"payees/{payee_id}/confirm", {})) == "not_permitted"
    assert await code(await people.office.post(f"payees/{payee_id}/confirm", {})) == "not_permitted"
    assert (await people.reconciler.post(f"payees/{payee_id}/confirm", {})).status_code == 200
    found = (await people.reconciler.get(f"payees/{payee_id}")).json()
    assert found["state"]["status"] == "active"
    assert found["account"] == {"account_no": 1, "holder": "Invented Tools Ltd", "account": "…6702"}
    pseudonym = (await people.auditor.get(f"payees/{payee_id}")).json()
    assert (pseudonym["account"], pseudonym["state"]["vendor_code"]) == (None, "V-17")
    assert (await people.auditor.get(f"payees/{payee_id}/accounts/1")).status_code == 403
    whole = (await people.payer.get(f"payees/{payee_id}/accounts/1")).json()["details"]
    assert (whole["iban"], whole["call_back_contact"]) == ("PK36SCBL0000001123456702", "+92 000 0000001")
    assert [row["operation"] for row in await house.rows(_READ)] == ["read_payee", "read_payee", "read_payee_account"]
    assert (await house.findings()).differences == []


async def test_no_name_no_account_and_no_contact_stands_in_the_log_in_a_row_or_in_a_refusal(house: House, people: People) -> None:
    payee_id = await active(people)
    assert (await people.office.post(f"payees/{payee_id}/change-account", CHANGED)).status_code == 200
    refusals = [
        await people.office.post(f"payees/{uuid7()}", vendor(iban="PK37SCBL0000001123456702")),
        await people.office.post(f"payees/{uuid7()}", vendor(holder="Invented \u202e Person", currency="6702")),
        await people.office.post(f"payees/{uuid7()}", vendor()),
    ]
    assert [answer.status_code for answer in refusals] == [409, 422, 409]
    assert await code(refusals[2]) == "vendor_code_taken"
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    rows = [str(row["leaf"]) for row in await house.rows(_LOG)]
    for table in ("payees", "payee_accounts", "payee_details", "idempotency", "accesses", "disclosure"):
        rows += [str(row[0]) for row in await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t")]
    await connection.close()
    assert len(rows) > 8
    for told in (*rows, *(answer.text for answer in refusals)):
        assert not any(secret in told for secret in SECRETS)
    assert (await house.rows(_DISCLOSED))[0]["told"] == 0


async def test_a_change_of_account_holds_the_payee_until_another_called_back(house: House, people: People) -> None:
    payee_id = await active(people)
    assert (await people.reconciler.post(f"payees/{payee_id}/change-account", CHANGED)).status_code == 200
    held = (await people.reconciler.get(f"payees/{payee_id}")).json()
    assert (held["state"]["status"], held["account"]["account"], held["waiting"]["account"]) == ("on_hold", "…6702", "…4455")
    # The contact to call is the one of before.
    before = (await people.reconciler.get(f"payees/{payee_id}/accounts/1")).json()["details"]
    assert before["call_back_contact"] == "+92 000 0000001"
    called = {"account_no": 2, "called_at": NOON.isoformat()}
    assert await code(await people.office.post(f"payees/{payee_id}/confirm-call-back", called)) == "not_permitted"
    assert await code(await people.reconciler.post(f"payees/{payee_id}/confirm-call-back", called)) == "four_eyes"
    assert (await people.chief.post(f"payees/{payee_id}/confirm-call-back", called)).status_code == 200
    state = (await people.reconciler.get(f"payees/{payee_id}")).json()
    assert (state["state"]["status"], state["account"]["account"], state["waiting"]) == ("active", "…4455", None)
    assert state["state"]["held_until"] == (NOON + HOLD).isoformat().replace("+00:00", "Z")
    # To which account was paid before stays known.
    assert (await people.payer.get(f"payees/{payee_id}/accounts/1")).json()["details"]["iban"].endswith("6702")
    assert (await house.findings()).differences == []


async def test_a_change_that_is_dropped_and_a_payee_that_is_closed_leave_what_was_stated(house: House, people: People) -> None:
    payee_id = await active(people)
    await people.office.post(f"payees/{payee_id}/change-account", CHANGED)
    dropped = {"account_no": 2, "reason": "not_confirmed_by_payee"}
    assert (await people.reconciler.post(f"payees/{payee_id}/drop-account-change", dropped)).status_code == 200
    assert (await people.office.post(f"payees/{payee_id}/change-account", CHANGED)).status_code == 200
    assert (await people.office.post(f"payees/{payee_id}/close", {"reason": "out_of_business"})).status_code == 200
    # The code is free again, for whoever had it before.
    again = await registered(people)
    assert await code(await people.reconciler.post(f"payees/{again}/confirm", {})) == "call_back_first"
    assert (await house.findings()).differences == []


async def test_what_was_asked_again_under_its_key_is_answered_once(house: House, people: People) -> None:
    payee_id = await registered(people)
    assert await code(await people.office.post(f"payees/{payee_id}", vendor())) == "already_exists"


async def test_an_office_has_the_payees_of_its_countries_and_of_returnees_those_who_agree(house: House, people: People) -> None:
    business = await active(people)
    payee_id, person_id = await of_a_returnee(house, people)
    listed = {one["id"] for one in (await people.office.get("payees")).json()["items"]}
    assert listed == {str(business), str(payee_id)}
    assert (await people.office_abroad.get("payees")).json()["items"] == []
    assert (await people.office_abroad.get(f"payees/{business}")).status_code == 404
    assert (await people.office_abroad.post(f"payees/{uuid7()}", vendor(vendor_code="V-18"))).status_code == 404
    house.register.taken_back.add(person_id)
    assert (await people.office.get(f"payees/{payee_id}")).status_code == 404
    assert (await people.office.get(f"payees/{payee_id}/accounts/1")).status_code == 404
    assert (await people.office.post(f"payees/{payee_id}/change-account", CHANGED)).status_code == 404
    assert [one["id"] for one in (await people.office.get("payees")).json()["items"]] == [str(business)]
    assert (await people.reconciler.get(f"payees/{payee_id}")).status_code == 200


async def test_lists_are_of_a_status_or_of_the_code_that_quotations_name(people: People) -> None:
    waiting, business = await registered(people, vendor_code="V-1"), await active(people, vendor_code="V-2", iban=CHANGED["iban"])
    for caller in (people.office, people.reconciler, people.auditor):
        for asked, ids in (
            ({"status": "active"}, [business]), ({"status": "registered"}, [waiting]), ({"vendor_code": "V-1"}, [waiting]),
            ({}, [waiting, business]), ({"status": "closed"}, []),
        ):  # fmt: skip
            assert [one["id"] for one in (await caller.get("payees", **asked)).json()["items"]] == [str(id) for id in ids]


async def test_a_returnee_is_told_their_accounts_and_they_go_with_the_returnee(house: House, people: People) -> None:
    payee_id, person_id = await of_a_returnee(house, people)
    await people.reconciler.post(f"payees/{payee_id}/confirm", {})
    await people.office.post(f"payees/{payee_id}/change-account", CHANGED)
    held = (await people.protector.get(f"persons/{person_id}/held")).json()
    assert [row["id"] for row in held["records"]["payees"]] == [str(payee_id)]
    assert held["records"]["payees"][0]["registered_by"] == "staff"
    assert [row["account"]["iban"][-4:] for row in held["records"]["payee_details"]] == ["6702", "4455"]
    assert "staff:" not in json.dumps(held)
    assert (await house.findings()).differences == []
    await erased(house, person_id)
    assert (await house.rows(_COUNTED))[0] == {"details": 0, "keys": 0}
    assert (await people.reconciler.get(f"payees/{payee_id}")).json()["account"] is None
    assert (await people.reconciler.get(f"payees/{payee_id}/accounts/1")).status_code == 404
    assert await code(await people.reconciler.post(f"payees/{payee_id}/close", {"reason": "not_needed"})) == "person_erased"
    assert (await house.findings()).differences == []


async def test_an_account_of_two_payees_is_found_across_countries_and_paid_to_once_somebody_found_that_right(
    house: House, people: People
) -> None:
    first = await active(people)
    again = {"vendor_code": "V-2", "country": "TR", "iban": "pk36scbl0000001123456702"}
    second = uuid7()
    assert (await people.office_abroad.post(f"payees/{second}", vendor(**again))).status_code == 201
    found = (await people.reconciler.get(f"payees/{second}")).json()
    assert (found["account_shared"], found["shared_with"]) == (True, [str(first)])
    # Which others there are an office is not told.
    told = (await people.office_abroad.get(f"payees/{second}")).json()
    assert (told["account_shared"], told["shared_with"]) == (True, [])
    listed = {one["id"] for one in (await people.reconciler.get("payee-findings")).json()["items"]}
    assert listed == {str(first), str(second)}
    assert await code(await people.reconciler.post(f"payees/{second}/confirm", {})) == "account_shared"
    accept = {"with_ids": [str(first)], "reason": "same_business"}
    assert await code(await people.office_abroad.post(f"payees/{second}/accept-shared-account", accept)) == "not_permitted"
    assert (await people.chief.post(f"payees/{second}/accept-shared-account", accept)).status_code == 200
    assert (await people.reconciler.post(f"payees/{second}/confirm", {})).status_code == 200
    assert (await people.reconciler.get("payee-findings")).json()["items"] == []
    assert (await house.findings()).differences == []


async def test_what_was_found_of_one_account_says_nothing_of_a_later_one_of_the_same_two(house: House, people: People) -> None:
    first, second = await active(people), await registered(people, vendor_code="V-2")
    accept = {"with_ids": [str(first)], "reason": "same_business"}
    assert (await people.chief.post(f"payees/{second}/accept-shared-account", accept)).status_code == 200
    assert (await people.reconciler.post(f"payees/{second}/confirm", {})).status_code == 200
    for payee_id in (first, second):
        assert (await people.office.post(f"payees/{payee_id}/change-account", CHANGED)).status_code == 200
    for payee_id, other in ((first, second), (second, first)):
        shown = (await people.reconciler.get(f"payees/{payee_id}")).json()
        assert (shown["account_shared"], shown["shared_with"]) == (True, [str(other)])
    assert (await people.reconciler.post(f"payees/{second}/accept-shared-account", accept)).status_code == 200
    assert (await people.reconciler.get(f"payees/{first}")).json()["account_shared"] is False
    assert (await house.findings()).differences == []


async def test_of_payees_that_state_one_account_at_the_same_moment_each_is_found(house: House, people: People) -> None:
    ids = [uuid7() for _ in range(4)]
    answers = await asyncio.gather(
        *(people.office.post(f"payees/{id}", vendor(vendor_code=f"V-{number}")) for number, id in enumerate(ids))
    )
    assert [one.status_code for one in answers] == [201] * 4
    assert [one["id"] for one in (await people.reconciler.get("payee-findings")).json()["items"]] == sorted(map(str, ids))
    page = (await people.reconciler.get("payee-findings", limit=3)).json()
    assert len(page["items"]) == 3 and page["next"] is not None
    assert (await house.findings()).differences == []


async def test_an_account_that_is_paid_to_no_more_is_free_for_another(house: House, people: People) -> None:
    first = await active(people)
    await people.office.post(f"payees/{first}/change-account", CHANGED)
    waits = await registered(people, vendor_code="V-2", iban=CHANGED["iban"])
    assert (await people.reconciler.get(f"payees/{waits}")).json()["account_shared"] is True
    await people.reconciler.post(f"payees/{first}/drop-account-change", {"account_no": 2, "reason": "entered_in_error"})
    assert (await people.reconciler.get(f"payees/{waits}")).json()["account_shared"] is False
    await people.office.post(f"payees/{first}/close", {"reason": "not_needed"})
    third = await registered(people, vendor_code="V-3")
    assert (await people.reconciler.get(f"payees/{third}")).json()["account_shared"] is False
    assert (await house.findings()).differences == []


async def staff_accounts(people: People, content: bytes, version: str = "2023-05") -> Any:
    """What came of a list that the administrator brought, and a manager put in force where it could be read."""
    list_id = uuid7()
    answer = await people.administrator.put(f"staff-accounts/{list_id}?list_version={version}", content, "text/csv")
    if answer.status_code == 201:
        assert (await people.manager.post(f"staff-accounts/{list_id}/confirm", {})).status_code == 200
    return answer


async def test_accounts_of_staff_are_kept_as_hashes_and_nobody_else_is_paid_to_one(house: House, people: People) -> None:
    payee_id, other = await registered(people), await active(people, vendor_code="V-2", iban=CHANGED["iban"])
    content = b"iban,account_number,bank_country\npk36 scbl 0000 0011 2345 6702,,\n,12345678,IQ\n"
    answer = await staff_accounts(people, content)
    assert answer.status_code == 201, answer.text
    assert await code(await people.reconciler.post(f"payees/{payee_id}/confirm", {})) == "account_of_staff"
    assert [one["id"] for one in (await people.reconciler.get("payee-findings")).json()["items"]] == [str(payee_id)]
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    kept = [str(row[0]) for row in await connection.fetch("SELECT to_jsonb(t)::text FROM staff_accounts t")]
    await connection.close()
    assert len(kept) == 3
    assert not any("1123456702" in one or "12345678" in one for one in kept)
    # A newer list flags who was paid before, and is the one that counts.
    await staff_accounts(people, f"iban\n{CHANGED['iban']}\n".encode(), "2023-06")
    assert [one["id"] for one in (await people.reconciler.get("payee-findings")).json()["items"]] == [str(other)]
    assert (await people.reconciler.get(f"payees/{other}")).json()["account_of_staff"] is True
    listed = (await people.administrator.get("staff-accounts")).json()["items"]
    assert [(one["list_version"], one["accounts"]) for one in listed] == [("2023-05", 2), ("2023-06", 1)]
    assert await code(await staff_accounts(people, content.replace(b"pk36", b"pk37"))) == "rows_unreadable"
    assert (await people.reconciler.put(f"staff-accounts/{uuid7()}?list_version=x", content, "text/csv")).status_code == 403
    assert (await house.findings()).differences == []


async def test_what_is_known_when_money_is_to_be_sent_is_read_from_the_tables(house: House, people: People) -> None:
    payee_id = await active(people)
    state = (await house.read(PAYEE, payee_id, RECONCILER)).state
    assert isinstance(state, Payee)
    known = await transact(
        house.made.api, EVERYWHERE.scope(RECONCILER), lambda unit: payable_queries.payable(unit, payee_id)
    )
    assert known == Payable(state, account_known=True, shared_with=frozenset(), of_staff=False, newest_lists=())
    assert refuse_unless_payable(known, "PKR", PAYER.person_id, NOON) == 1


async def test_under_a_new_key_of_the_index_the_same_accounts_are_found(house: House, people: People) -> None:
    first, _ = await active(people), await registered(people, vendor_code="V-2")
    keys = house.made.person_keys
    index = keys.index
    assert isinstance(index, FileIndexKeys)
    await index.rotate()
    hashed = partial(hash_accounts_anew, keys=keys)
    assert await transact(house.made.api, EVERYWHERE.scope(WORKER), hashed) == 2
    assert await transact(house.made.api, EVERYWHERE.scope(WORKER), hashed) == 0
    await registered(people, vendor_code="V-3")
    assert len((await people.reconciler.get(f"payees/{first}")).json()["shared_with"]) == 2
    assert (await house.findings()).differences == []


_CONFIRMED = (
    "INSERT INTO payee_confirmations SELECT payee_id, account_no, country, stated_by, stated_at, {0}, now(), "
    "stated_at + interval '1 hour', stated_at + interval '{1} hours' FROM payee_accounts WHERE account_no = 2"
)


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        (_CONFIRMED.format("stated_by", 48), "ck_payee_confirmations_two_persons"),
        (_CONFIRMED.format("'staff:x'", 47), "ck_payee_confirmations_held_long_enough"),
        ("UPDATE payees SET version = 4, status = 'active', change = NULL, confirmed_no = 2", "fk_payees_confirmed_by_another"),
        ("UPDATE payees SET confirmed_by = stated_by", "ck_payees_two_persons"),
        ("UPDATE payees SET confirmed_by = 'staff:x'", "fk_payees_confirmed_by_another"),
        ("UPDATE payees SET confirmed_no = NULL, confirmed_by = NULL, stated_by = NULL, confirmed_at = NULL", "ck_payees_paid_once_confirmed"),
        ("UPDATE payees SET change = NULL", "ck_payees_on_hold_while_a_change_waits"),
        (_CONFIRMED.format("'staff:x'", 48).replace("account_no, country", "3, country"), "fk_payee_confirmations_what_was_stated"),
    ],
    ids=["oneself", "too-early", "unconfirmed", "same-person", "nobody", "none", "no-change", "not-stated"],
)  # fmt: skip
async def test_a_service_that_lies_is_stopped_by_keys_and_checks(house: House, people: People, sql: str, constraint: str) -> None:
    payee_id = await active(people)
    await people.office.post(f"payees/{payee_id}/change-account", CHANGED)
    connection = await asyncpg.connect(house.made.logins.api)
    actor = "staff:office-pk" if constraint == "ck_payee_confirmations_two_persons" else "staff:x"
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', $1, false)", actor)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        # A key that is deferred is looked at when the transaction ends, which it does with the statement.
        await connection.execute(sql)
    await connection.close()
    assert refused.value.constraint_name == constraint


async def test_nobody_states_or_confirms_an_account_in_anothers_name(house: House, people: People) -> None:
    payee_id = await registered(people)
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:x', false)")
    for sql in (
        "INSERT INTO payee_accounts VALUES ($1, 2, 'PK', 'staff:y', now(), 'bank_changed')",
        "INSERT INTO payee_confirmations SELECT payee_id, 1, country, stated_by, stated_at, 'staff:y', now() FROM payee_accounts WHERE payee_id = $1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(sql, payee_id)
    await connection.close()


async def test_the_status_of_a_payee_moves_only_along_the_declared_table(house: House, people: People) -> None:
    await registered(people)
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    with pytest.raises(asyncpg.PostgresError) as caught:
        await connection.execute("UPDATE payees SET status = 'on_hold'")
    assert caught.value.sqlstate == "AV003"
    await connection.close()
    assert PAYEE.table.name == "payees"
