"""What forms of finance offer to choose from, with the real reintegration behind them: payments, lines of the bank's and payees."""

import re
from uuid import UUID

from services.portal.pages.naming import short
from services.reintegration.domain.payee import RegisterPayee
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.integration.portal.person import People, Person
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import sent
from tests.integration.reintegration.test_api import Caller
from tests.integration.reintegration.test_api import People as Callers
from tests.integration.reintegration.test_api import people as callers_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_payees import registered as state_payee
from tests.integration.reintegration.test_payees import vendor as business
from tests.integration.reintegration.test_recoveries import asked_back
from tests.integration.reintegration.test_release import returnee
from tests.integration.reintegration.test_settlement import booked
from tests.integration.reintegration.vendors import registered, vendor
from tests.unit.reintegration.bank.answers import Account, Detail
from tests.unit.reintegration.examples import PAYER

callers = callers_of


async def options(person: Person, path: str, name: str) -> list[tuple[str, str]]:
    """What a choice of a form offers: each value with what people read, but for the one that says nothing."""
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    # Few are buttons, many a list.
    found = re.findall(rf'<input type="radio"[^>]* name="{name}" value="([^"]*)"[^>]*> <label[^>]*>(.*?)</label>', answer.text, re.DOTALL)
    for choice in re.findall(rf'<select[^>]*name="{name}"[^>]*>(.*?)</select>', answer.text, re.DOTALL):
        found += re.findall(r'<option value="([^"]*)"[^>]*>(.*?)</option>', choice, re.DOTALL)
    return [(value, " ".join(re.sub("<[^>]+>", "", label).split())) for value, label in found if value]


async def test_a_line_is_matched_by_a_payment_that_is_chosen_and_no_id_is_typed(people: People, house: House, callers: Callers) -> None:
    account_id, fund_id = await own_account(callers), await house.fund()
    attempts: list[UUID] = []
    for amount in ("300.00", "500.00", "2000.00"):
        grant_id, attempt_id = await house.approved((await house.line()).request(amount), fund_id), uuid7()
        await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=attempt_id), PAYER)
        attempts.append(attempt_id)
    await sent(callers, account_id, attempts, expected_sums=[{"amount": "2800.00", "currency": "EUR"}])
    file_id = await imported(callers, Account([booked("-500.00", Detail("izgubljeno"), reference="B-1")], id="MAY-1"))
    (line,) = await lines_of(callers, file_id)
    reconciler = people()
    await reconciler.sign_in("finance-reconciler")
    offered = await options(reconciler, f"/do/reintegration/match_line/{line['id']}", "attempt_id")
    # What is exactly of its amount comes first; of the largest it would be less than half.
    assert [value for value, _ in offered] == [str(attempts[1]), str(attempts[0])]
    assert "500.00 EUR" in offered[0][1] and "waits for the bank" in offered[0][1]


async def test_each_credit_that_may_be_a_recovery_is_offered_in_its_currency_however_many_lines_wait(
    people: People, house: House, callers: Callers
) -> None:
    await own_account(callers)
    grant_id = await asked_back(house, await house.fund())
    debits = [booked("-1.00", Detail("drugo"), reference=f"D-{number}") for number in range(101)]
    credits = [booked(amount, Detail("povrat"), reference=f"C-{amount}") for amount in ("60.00", "70.00", "80.00")]
    await imported(callers, Account([*debits, *credits], id="MAY-1"))
    first = (await callers.auditor.get("bank-lines", recovers="EUR", limit=2)).json()
    rest = (await callers.auditor.get("bank-lines", recovers="EUR", after=first["next"])).json()
    by_amount = {line["amount"]: line["id"] for line in (*first["items"], *rest["items"])}
    assert (sorted(by_amount), rest["next"]) == (["60.00", "70.00", "80.00"], None)
    assert (await callers.auditor.get("bank-lines", recovers="BAM")).json()["items"] == []
    for amount, explanation in (("70.00", "recovery"), ("80.00", "interest")):
        path = f"bank-lines/{by_amount[amount]}"
        said = await callers.reconciler.post(f"{path}/explain", {"explanation": explanation})
        if said.status_code == 409:
            assert (await callers.reconciler.post(f"{path}/propose-explanation", {"explanation": explanation})).status_code == 201
            assert (await colleague(callers).post(f"{path}/confirm-explanation", {})).status_code == 200
    reconciler = people()
    await reconciler.sign_in("finance-reconciler")
    offered = await options(reconciler, f"/do/reintegration/record_recovery/{grant_id}", "bank_line")
    assert {value for value, _ in offered} == {by_amount["60.00"], by_amount["70.00"]}


async def test_who_returned_is_offered_first_and_every_vendor_however_many_there_are(
    people: People, house: House, callers: Callers
) -> None:
    await house.lenient()
    line = await house.line()
    shops = [await registered(house.made, vendor("PK", "EUR", f"V-{number}")) for number in range(101)]
    order: RegisterPayee = returnee(line)
    hers = await registered(house.made, order)
    grant_id = await house.approved(line.request("500.00"), await house.fund())
    payer = people()
    await payer.sign_in("finance-payer")
    offered = await options(payer, f"/do/reintegration/release_tranche/{grant_id}", "payee_id")
    assert [value for value, _ in offered] == [str(one) for one in (hers, *shops)]


async def test_payees_of_one_account_are_named_for_whoever_had_no_part_in_it(people: People, house: House, callers: Callers) -> None:
    reconciler = people()
    await reconciler.sign_in("finance-reconciler")
    person_id = (await reconciler.get("/who")).json()["person"]
    theirs = Caller(callers.reconciler._client, person_id.removeprefix("staff:"), ["finance_reconciler"], ["BA"])
    by_office, by_them = await state_payee(callers, vendor_code="V-1"), uuid7()
    answer = await theirs.post(f"payees/{by_them}", business(vendor_code="V-2"))
    assert answer.status_code == 201, answer.text
    third = await state_payee(callers, vendor_code="V-3")
    form = (await reconciler.get(f"/do/reintegration/accept_shared_account/{third}")).text
    assert short(by_office) in form
    assert short(by_them) not in form
    # Both are told all the same, to whoever is not of an office.
    read = (await theirs.get(f"payees/{third}")).json()
    assert (read["shared_with"], read["shared_left"]) == ([str(by_office), str(by_them)], [str(by_office)])
    told = (await callers.office.get(f"payees/{third}")).json()
    assert (told["account_shared"], told["shared_with"], told["shared_left"]) == (True, [], [])
