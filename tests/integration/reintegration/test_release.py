"""A release as callers and the database meet it: to a payee of the grant, by its masked account, held until it commits."""

from typing import Any
from uuid import UUID

from services.reintegration import payable_queries
from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.payee import ClosePayee, RegisterPayee
from services.reintegration.grant_wiring import GRANT
from services.reintegration.payee_wiring import PAYEE
from shared.db import Sql
from shared.ids import FIRST, uuid7
from shared.policy import EVERYWHERE
from tests.integration.reintegration.office import House, Line
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.vendors import registered, vendor
from tests.unit.reintegration.examples import PAYER, RECONCILER, TODAY

people = people_of
_ATTEMPTS = Sql("SELECT payee_id, account_no, method, status FROM payment_attempts WHERE grant_id = :grant_id ORDER BY attempt_no")
_REFUSED = Sql("SELECT outcome, about FROM accesses WHERE operation = :operation ORDER BY outcome")
_READ = Sql("SELECT about FROM accesses WHERE operation = 'list_payees_of_grant' AND outcome = 'read'")
_CLOSE = ClosePayee(reason="not_needed")


def returnee(line: Line) -> RegisterPayee:
    named = {"payee_kind": "returnee", "vendor_code": None, "case_id": line.case_id, "person_id": line.person_id}
    return vendor("PK", "EUR", f"R-{line.person_id.hex[-8:]}").model_copy(update=named)


async def approved(house: House, line: Line | None = None) -> UUID:
    return await house.approved((line or await house.line()).request("500.00"), await house.fund())


async def attempts(house: House, grant_id: UUID) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in await house.rows(_ATTEMPTS, grant_id=grant_id)]


def _told(items: list[dict[str, Any]]) -> dict[str, str | None]:
    return {one["id"]: one["reason"] for one in items}


async def test_whoever_pays_picks_one_of_whom_the_grant_is_for_by_the_last_characters_of_the_account(
    house: House, people: People
) -> None:
    line = await house.line()
    grant_id = await approved(house, line)
    hers, theirs = await registered(house.made, returnee(line)), await registered(house.made, returnee(await house.line()))
    shop = await house.vendors.of()
    waits = await registered(house.made, vendor("PK", "EUR", "V-WAITS"), confirmed=False)
    elsewhere, in_rupees = await house.vendors.of("TR"), await house.vendors.of("PK", "PKR")
    answer = await people.payer.get(f"grants/{grant_id}/payees")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert _told(items) == {str(hers): None, str(shop): None, str(waits): "payee_not_confirmed"}
    assert [(one["account"] or {}).get("account") for one in items] == [f"…{line.person_id.hex[-4:]}", "…KEUR", None]
    assert [row["about"] for row in await house.rows(_READ)] == [[grant_id]]
    for reader in (people.office, people.approver, people.reconciler, people.auditor):
        assert (await reader.get(f"grants/{grant_id}/payees")).status_code == 403
    assert (await people.payer.get(f"grants/{uuid7()}/payees")).status_code == 404
    path = f"grants/{grant_id}/release-tranche"
    for payee_id, code in (
        (theirs, "payee_not_of_grant"), (elsewhere, "payee_in_another_country"), (in_rupees, "another_currency"),
        (waits, "payee_not_confirmed"), (uuid7(), "payee_unknown"),
    ):  # fmt: skip
        order = {"number": 1, "payee_id": str(payee_id), "method": "cash"}
        refused = await people.payer.post(path, order)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    # Who tried to pay where nothing is to be paid is on record; which of all that may stand against a payee it was is not.
    tried = await house.rows(_REFUSED, operation="release_tranche")
    assert [tuple(map(str, row.values())) for row in tried] == [(code, str([grant_id])) for code in ("payee_not_of_grant", "payee_not_payable")]
    assert (await people.payer.post(path, {"number": 1})).status_code == 422
    done = await people.payer.post(path, {"number": 1, "payee_id": str(hers), "method": "office_account"})
    assert done.status_code == 200, done.text
    assert await attempts(house, grant_id) == [(hers, 1, "office_account", "released")]
    (tranche,) = (await people.payer.get(f"grants/{grant_id}")).json()["state"]["tranches"]
    assert (tranche["payee_id"], tranche["account_no"], tranche["method"]) == (str(hers), 1, "office_account")
    assert (await house.findings()).differences == []


async def test_the_vendor_that_was_chosen_is_listed_whatever_the_letters_of_its_code(house: House) -> None:
    shop = await house.vendors.of()
    await registered(house.made, vendor("PK", "EUR", "V-OTHER"))
    asked = {"country": "PK", "currency": "EUR", "person_id": uuid7(), "case_id": uuid7(), "after": FIRST, "limit": 10}

    async def listed(spelled: str) -> list[object]:
        rows = await house.api.attempt(
            EVERYWHERE.scope(PAYER), lambda unit: unit.rows(payable_queries.OF_GRANT, vendor_code=spelled, **asked)
        )
        return [row["id"] for row in rows]

    assert await listed("V-PK-EUR") == await listed("v-pk-eur") == [shop]


async def test_a_list_of_payees_goes_on_page_by_page(house: House, people: People) -> None:
    grant_id = await approved(house)
    made = [await registered(house.made, vendor("PK", "EUR", f"V-{number}")) for number in range(3)]
    first = (await people.payer.get(f"grants/{grant_id}/payees", limit=2)).json()
    rest = (await people.payer.get(f"grants/{grant_id}/payees", limit=2, after=first["next"])).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [str(one) for one in made]
    assert rest["next"] is None


async def test_a_payee_that_is_closed_at_the_same_moment_is_paid_before_or_not_at_all(house: House) -> None:
    grant_id, release = await approved(house), await house.vendors.release(1)
    async with house.half_done(PAYEE, release.payee_id, _CLOSE, RECONCILER):
        waiting = await house.meanwhile(house.try_to(GRANT, grant_id, release, PAYER))
    assert await waiting == "payee_closed"
    another = await approved(house)
    kept = await registered(house.made, vendor("PK", "EUR", "V-KEPT"))
    async with house.half_done(GRANT, another, release.model_copy(update={"payee_id": kept, "attempt_id": uuid7()}), PAYER):
        closing = await house.meanwhile(house.try_to(PAYEE, kept, _CLOSE, RECONCILER))
    assert await closing == "done"
    assert await attempts(house, another) == [(kept, 1, "office_account", "released")]
    assert (await house.findings()).differences == []


async def test_what_is_known_of_a_payee_costs_a_release_no_statement_of_its_own(house: House) -> None:
    grant_id, release = await approved(house), await house.vendors.release(1)
    before = house.api.counts.statements
    await house.give(GRANT, grant_id, release, PAYER)
    # Begin with the scope, grant under lock, its facts with the payee's, one write, commit.
    assert house.api.counts.statements - before == 5


async def test_what_the_bank_was_to_pay_is_taken_back_by_who_pays_alone_and_released_anew(house: House, people: People) -> None:
    grant_id = await approved(house)
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file"), PAYER)
    assert (await people.payer.get("turns")).json()["items"] == []
    assert (await house.findings()).differences == []
    assert await house.try_to(GRANT, grant_id, house.payment(1), PAYER) == "paid_by_bank"
    taken_back = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY)
    assert await house.try_to(GRANT, grant_id, taken_back, RECONCILER) == "paid_by_bank"
    assert await house.try_to(GRANT, grant_id, taken_back, PAYER) == "done"
    await house.paid(grant_id, 1)
    assert [said[1:] for said in await attempts(house, grant_id)] == [(1, "bank_file", "failed"), (1, "office_account", "paid")]
    assert (await house.findings()).differences == []
