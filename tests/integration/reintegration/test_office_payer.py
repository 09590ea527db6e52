"""Who pays for an office, as callers meet them: their countries' approved grants, the office's own ways, and nothing else."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.lost_payments import (
    AskToClearLostPayments,
    ClearLostPayments,
    RecordLostPayments,
    SettleLostPayment,
)
from services.reintegration.domain.stops import ResumeGrant, SuspendGrant
from services.reintegration.grant_wiring import GRANT
from shared.contracts.lost_payments import LostPayment
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People, turns_of
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_evidence import PHOTO
from tests.integration.reintegration.test_lost_payments import APPROVER as CLEARER
from tests.integration.reintegration.test_lost_payments import RECONCILER as FINDER
from tests.integration.reintegration.test_lost_payments import SERVICE, give
from tests.integration.reintegration.test_seen_on_the_spot import WITNESS
from tests.integration.reintegration.vendors import registered, vendor
from tests.unit.reintegration.examples import APPROVER, ENDORSER, OFFICE, PAYER, TODAY

people = people_of
_REFUSED = Sql("SELECT about, outcome FROM accesses WHERE operation = 'read_payee_account' AND outcome <> 'read' ORDER BY about")


async def order(house: House, method: str) -> Mapping[str, object]:
    return (await house.vendors.release(1, method=method)).model_dump(mode="json")


async def test_an_offices_payer_pays_approved_grants_of_their_countries_from_the_offices_account(house: House, people: People) -> None:
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.endorsed(line.request("500.00"))
    assert (await people.office_payer.get(f"grants/{grant_id}")).status_code == 404
    await house.give(GRANT, grant_id, await house.approval(grant_id, fund_id), APPROVER)
    assert await turns_of(people.office_payer) == [(str(grant_id), "release_tranche")]
    assert await turns_of(people.office_payer_abroad) == []
    seen = (await people.office_payer.get(f"grants/{grant_id}")).json()["state"]
    assert (seen["amount"], seen["fund_amount"]) == ("500.00", None)
    assert not seen.keys() & {"category", "plan_id", "plan_line_id", "counsellor_id", "requester_id", "budget"}
    paper = f"grants/{grant_id}/evidence/{uuid7()}"
    assert (await people.office.put(f"{paper}?kind=invoice", PHOTO, "image/jpeg")).status_code == 200
    assert [(await caller.get(paper)).status_code for caller in (people.office_payer, people.office_payer_abroad)] == [200, 404]
    release = f"grants/{grant_id}/release-tranche"
    assert (await people.office_payer_abroad.post(release, await order(house, "cash"))).status_code == 404
    by_bank = await people.office_payer.post(release, await order(house, "bank_file"))
    assert (by_bank.status_code, by_bank.json()["code"]) == (409, "not_by_the_office")
    payees = (await people.office_payer.get(f"grants/{grant_id}/payees")).json()["items"]
    assert [one["reason"] for one in payees] == [None]
    account = await people.office_payer.get(f"payees/{payees[0]['id']}/accounts/1")
    assert account.status_code == 200
    assert (await people.office_payer_abroad.get(f"payees/{payees[0]['id']}/accounts/1")).status_code == 404
    assert (await people.office_payer.post(release, await order(house, "office_account"))).status_code == 200
    failed = {"number": 1, "reason": "not_sent", "failed_on": TODAY.isoformat()}
    own = await people.office_payer.post(f"grants/{grant_id}/report-payment-failed", failed)
    assert (own.status_code, own.json()["code"]) == (409, "four_eyes")
    paid = {"number": 1, "reference": "OFFICE-0001", "paid_on": TODAY.isoformat()}
    assert (await people.office_payer_abroad.post(f"grants/{grant_id}/confirm-payment", paid)).status_code == 404
    assert (await people.office_payer.post(f"grants/{grant_id}/confirm-payment", paid)).status_code == 200
    assert await turns_of(people.office) == [(str(grant_id), "confirm_delivery")]
    assert (await house.findings()).differences == []


async def test_cash_of_an_office_is_released_and_confirmed_by_its_payer_and_seen_by_another(house: House, people: People) -> None:
    fund_id = await house.fund()
    grant_id = await house.approved((await house.line()).request("500.00"), fund_id)
    assert (await people.office_payer.post(f"grants/{grant_id}/release-tranche", await order(house, "cash"))).status_code == 200
    assert (await people.office_payer.get(f"grants/{grant_id}/vouchers/1")).json()["amount"] == "500.00"
    for path in ("unclaimed-cash", "turns"):
        assert (await people.office_payer.get(path)).json()["items"] == []
    witness = WITNESS.model_dump(mode="json", exclude_none=True)
    assert (await people.office_payer.post(f"grants/{grant_id}/witness-cash", witness)).status_code == 403
    await house.give(GRANT, grant_id, WITNESS, OFFICE)
    assert await turns_of(people.office_payer) == [(str(grant_id), "confirm_payment")]
    paid = {"number": 1, "reference": "CASH-0001", "paid_on": TODAY.isoformat()}
    assert (await people.office_payer.post(f"grants/{grant_id}/confirm-payment", paid)).status_code == 200
    assert await house.balance(fund_id) == (Decimal(0), Decimal(500))
    assert (await house.findings()).differences == []


async def test_an_office_and_the_mission_take_back_for_each_other_what_was_not_sent_but_not_from_the_bank(
    house: House, people: People
) -> None:
    not_sent = {"number": 1, "reason": "not_sent", "failed_on": TODAY.isoformat()}
    fund_id = await house.fund()
    theirs, ours, banks = [await house.approved((await house.line()).request("500.00"), fund_id) for _ in range(3)]
    assert (await people.office_payer.post(f"grants/{theirs}/release-tranche", await order(house, "office_account"))).status_code == 200
    await house.give(GRANT, theirs, ReportPaymentFailed.model_validate(not_sent), PAYER)
    await house.give(GRANT, ours, await house.vendors.release(1, method="office_account"), PAYER)
    assert (await people.office_payer.post(f"grants/{ours}/report-payment-failed", not_sent)).status_code == 200
    await house.give(GRANT, banks, await house.vendors.release(1, method="bank_file"), PAYER)
    refused = await people.office_payer.post(f"grants/{banks}/report-payment-failed", not_sent)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_by_the_office")


async def test_an_offices_payer_opens_the_account_that_is_to_be_paid_to_and_no_other(house: House, people: People) -> None:
    fund_id, vendor_id, other_id = await house.fund(), await house.vendors.of(), await registered(house.made, vendor("PK", "USD", "V-OTHER"))

    async def opened(payee_id: UUID, account_no: int = 1) -> int:
        return (await people.office_payer.get(f"payees/{payee_id}/accounts/{account_no}")).status_code

    assert (await opened(vendor_id), await opened(other_id)) == (404, 404)
    refused: list[object] = [(row["about"], row["outcome"]) for row in await house.rows(_REFUSED)]
    assert refused == [([vendor_id], "not_found"), ([other_id], "not_found")]
    grant_id = await house.approved((await house.line()).request("500.00"), fund_id)
    # What waits is paid to the account that is confirmed, of whoever sells for it; another currency is another payee's.
    assert (await opened(vendor_id), await opened(other_id), await opened(vendor_id, 2)) == (200, 404, 404)
    await people.office_payer.post(f"grants/{grant_id}/release-tranche", await order(house, "office_account"))
    changed = {"reason": "bank_changed", "holder": "Invented Tools", "account_number": "ACC-NEW", "bank_name": "Invented Bank", "bank_country": "PK", "call_back_contact": "+00 000 0000002"}
    assert (await people.office.post(f"payees/{vendor_id}/change-account", changed)).status_code == 200
    # It was released to the first, which is stopped while the second waits for a call.
    assert (await opened(vendor_id), await opened(vendor_id, 2)) == (409, 404)
    paid = {"number": 1, "reference": "OFFICE-0002", "paid_on": TODAY.isoformat()}
    assert (await people.office_payer.post(f"grants/{grant_id}/confirm-payment", paid)).status_code == 200
    assert await opened(vendor_id) == 404
    assert (await people.payer.get(f"payees/{vendor_id}/accounts/2")).status_code == 200


async def test_what_came_after_the_release_keeps_the_account_from_whoever_is_to_pay_to_it_and_what_left_is_recorded(
    house: House, people: People
) -> None:
    grant_id, vendor_id = await house.approved((await house.line()).request("500.00"), await house.fund()), await house.vendors.of()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="office_account"), PAYER)
    path = f"payees/{vendor_id}/accounts/1"

    async def told() -> tuple[int, str | None]:
        answer = await people.office_payer.get(path)
        return answer.status_code, answer.json().get("code")

    assert await told() == (200, None)
    await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), ENDORSER)
    assert await told() == (409, "grant_suspended")
    assert (await people.payer.get(path)).status_code == 200
    await house.give(GRANT, grant_id, ResumeGrant(), ENDORSER)
    assert await told() == (200, None)
    lost, restore = LostPayment(event_id=uuid7(), fact="paid", attempt_id=None, grant_id=grant_id, number=1), uuid7()
    await give(house, restore, RecordLostPayments(payments=(lost,)), SERVICE)
    assert await told() == (409, "restore_not_cleared")
    await give(house, restore, SettleLostPayment(event_id=lost.event_id, outcome="left"), FINDER)
    await give(house, restore, AskToClearLostPayments(without_statements=True), FINDER)
    await give(house, restore, ClearLostPayments(), CLEARER)
    assert await told() == (409, "paid_before_restore")
    await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), ENDORSER)
    paid = {"number": 1, "reference": "OFFICE-0009", "paid_on": TODAY.isoformat()}
    assert (await people.office_payer.post(f"grants/{grant_id}/confirm-payment", paid)).status_code == 200


async def test_an_account_that_a_waiting_tranche_can_be_paid_to_is_told_unless_something_stands_against_it(house: House, people: People) -> None:
    await house.approved((await house.line()).request("500.00"), await house.fund())
    path = f"payees/{await house.vendors.of()}/accounts/1"
    assert (await people.office_payer.get(path)).status_code == 200
    lost = LostPayment(event_id=uuid7(), fact="released", attempt_id=uuid7(), grant_id=uuid7(), number=1)
    await give(house, uuid7(), RecordLostPayments(payments=(lost,)), SERVICE)
    refused = await people.office_payer.get(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "restore_not_cleared")


async def test_an_offices_payer_reads_no_list_of_the_missions(house: House, people: People) -> None:
    for path in ("grants", "payees", "funds", "payment-batches", "own-accounts", "open-items", "paid-although", "my-decisions", "plans"):
        assert (await people.office_payer.get(path)).status_code == 403, path
