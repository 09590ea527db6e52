"""Finance states over the API what became of payments that a restore lost, and clears them by two; whoever ordered one states nothing of it."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.lost_payments import RecordLostPayments
from shared.contracts.lost_payments import LostPayment
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank
from tests.integration.reintegration.paying import Paying
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import bringer, confirm, put
from tests.integration.reintegration.test_lost_payments import SERVICE, give, tranche_of
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_release import approved
from tests.integration.reintegration.test_settlement import debit
from tests.unit.reintegration.bank.answers import Account, camt053

people = people_of
UNSEEN = ("counsellor", "coordinator", "office", "office_payer", "medical", "protector", "administrator", "consul")
SEES = ("payer", "reconciler", "approver", "chief", "manager", "auditor")


def lost(grant_id: UUID, by: str | None = None) -> LostPayment:
    return LostPayment(event_id=uuid7(), fact="released", attempt_id=uuid7(), grant_id=grant_id, number=1, by=by)


async def listed(house: House, payments: Sequence[LostPayment]) -> str:
    restore = uuid7()
    await give(house, restore, RecordLostPayments(payments=tuple(payments)), SERVICE)
    return f"lost-payments/{restore}"


async def ordered(by: Caller, path: str, **body: object) -> tuple[int, str | None]:
    answer = await by.post(path, body)
    return answer.status_code, answer.json().get("code")


async def settled(by: Caller, path: str, one: LostPayment, outcome: str) -> tuple[int, str | None]:
    return await ordered(by, f"{path}/settle", event_id=str(one.event_id), outcome=outcome)


async def test_a_reconciler_states_and_an_approver_agrees_and_then_money_is_ordered_again(house: House, people: People) -> None:
    left, stayed = [await approved(house) for _ in range(2)]
    lists = [lost(left, "staff:reconciler"), lost(stayed, "staff:somebody")]
    path, shop = await listed(house, lists), await house.vendors.of()

    async def release(grant_id: UUID) -> tuple[int, str | None]:
        return await ordered(people.payer, f"grants/{grant_id}/release-tranche", number=1, payee_id=str(shop), method="office_account")

    assert await release(stayed) == (409, "restore_not_cleared")
    # Whoever ordered a payment states nothing of it; a colleague does, in either role.
    assert await settled(people.reconciler, path, lists[0], "left") == (409, "four_eyes")
    assert await settled(people.approver, path, lists[0], "left") == (200, None)
    assert await ordered(people.reconciler, f"{path}/ask-to-clear") == (409, "payments_unsettled")
    assert await settled(people.reconciler, path, lists[1], "not_left") == (200, None)
    assert await settled(people.reconciler, path, lost(stayed), "left") == (409, "not_lost")
    assert await ordered(people.approver, f"{path}/clear") == (409, "not_asked")
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)
    assert await release(stayed) == (409, "restore_not_cleared")
    assert await ordered(people.approver, f"{path}/clear") == (200, None)
    assert await release(left) == (409, "paid_before_restore")
    assert await release(stayed) == (200, None)

    # What was stated is corrected afterwards, and all of it is cleared anew.
    assert await settled(people.approver, path, lists[0], "not_left") == (200, None)
    assert await release(left) == (409, "restore_not_cleared")
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)
    assert await ordered(people.approver, f"{path}/clear") == (200, None)
    assert await release(left) == (200, None)
    assert (await house.findings()).differences == []


async def test_whoever_ordered_one_of_them_never_has_the_last_word_and_the_database_holds_it_too(house: House, people: People) -> None:
    one = lost(await approved(house), "staff:approver")
    path = await listed(house, [one])
    assert await settled(people.approver, path, one, "left") == (409, "four_eyes")
    assert await settled(people.reconciler, path, one, "left") == (200, None)
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)
    assert await ordered(people.approver, f"{path}/clear") == (409, "four_eyes")
    connection = await asyncpg.connect(house.made.logins.api)
    try:
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await connection.execute("UPDATE lost_payments SET status = 'cleared', cleared_by = 'staff:approver', cleared_at = now()")
        assert refused.value.constraint_name == "ck_lost_payments_cleared_by_another"
        # What a restore lost is put there by whoever accepts the restore, and taken away by nobody.
        for statement in ("INSERT INTO lost_payments SELECT * FROM lost_payments", "DELETE FROM lost_payments"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
    other = Caller(people.approver._client, "approver-2", ["finance_approver"], ["BA"])
    assert await ordered(other, f"{path}/clear") == (200, None)


async def test_each_list_says_how_far_finance_is_and_each_payment_what_is_known_of_it_by_now(house: House, people: People) -> None:
    planned, unknown = await approved(house), uuid7()
    attempt = await Paying(house).waiting()
    of_an_attempt = LostPayment(event_id=uuid7(), fact="batched", attempt_id=attempt, grant_id=None, number=None)
    of_nothing = LostPayment(event_id=uuid7(), fact="batched", attempt_id=unknown, grant_id=None, number=None)
    lists = [lost(planned, "staff:payer"), of_an_attempt, of_nothing]
    path = await listed(house, lists)
    empty = await listed(house, [])
    assert await settled(people.reconciler, path, of_nothing, "not_left") == (200, None)
    rows = (await people.payer.get("lost-payments")).json()["items"]
    assert [(row["id"], row["status"], row["payments"], row["unsettled"]) for row in rows] == [
        (path.rpartition("/")[2], "waiting", 3, 2), (empty.rpartition("/")[2], "waiting", 0, 0),
    ]  # fmt: skip
    first = (await people.payer.get("lost-payments", limit=1)).json()
    assert (await people.payer.get("lost-payments", after=first["next"])).json()["items"] == rows[1:]

    found = (await people.payer.get(path)).json()
    assert [one["event_id"] for one in found["known"]] == [str(one.event_id) for one in lists]
    told = [(one["tranche"], one["tranche_status"], one["attempt_status"], one["booked"], one["own"]) for one in found["known"]]
    assert told == [(1, "planned", None, False, True), (1, "released", "released", False, False), (None, None, None, False, False)]
    assert found["known"][0]["grant_id"] == str(planned)
    assert found["known"][1]["grant_id"] == str(await tranche_of(house, attempt))
    assert all(one["amount"] and one["currency"] for one in found["known"][:2])
    assert found["known"][2]["amount"] is None
    assert {one["name"]: one["allowed"] for one in found["actions"]} == dict.fromkeys(
        ("settle_lost_payment", "name_found_payment", "ask_to_clear_lost_payments", "clear_lost_payments"), False
    )
    assert not any(one["own"] for one in (await people.auditor.get(path)).json()["known"])


async def test_finance_and_who_looks_over_it_read_the_lists_and_nobody_else(house: House, people: People) -> None:
    path = await listed(house, [lost(await approved(house))])
    for name in SEES:
        assert [(await getattr(people, name).get(one)).status_code for one in ("lost-payments", path)] == [200, 200], name
    for name in UNSEEN:
        assert [(await getattr(people, name).get(one)).status_code for one in ("lost-payments", path)] == [403, 403], name
    body = {"event_id": str(uuid7()), "outcome": "left"}
    for name, orders in (("payer", 3), ("chief", 3), ("auditor", 3), ("reconciler", 1), ("approver", 1)):
        answers = [await getattr(people, name).post(f"{path}/{order}", body if order == "settle" else {}) for order in ("settle", "ask-to-clear", "clear")]
        assert sum(answer.status_code == 403 for answer in answers) == orders, name


async def test_a_line_of_the_bank_that_booked_it_is_said_beside_it_once_it_counts(house: House, people: People) -> None:
    await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    path = await listed(house, [LostPayment(event_id=uuid7(), fact="batched", attempt_id=attempt_id, grant_id=None, number=None)])

    async def booked() -> bool:
        (one,) = (await people.reconciler.get(path)).json()["known"]
        return bool(one["booked"])

    statement = camt053(Account([debit(attempt_id)], id="MAY-1"))
    answer = await put(bringer(people), statement)
    assert answer.status_code == 201, answer.text
    assert not await booked()
    assert (await confirm(people, UUID(answer.json()["id"]), statement)).status_code == 200
    assert await booked()
