"""A debit of what two persons had ended as never answered: it is that payment as long as nothing else pays its tranche."""

from decimal import Decimal
from uuid import UUID

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.domain.unanswered import BOOKED_WITHIN
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of, reported
from tests.integration.reintegration.test_booked_otherwise import eur, say
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import attempts, booked, by_the_clock, credit, debit, why
from tests.integration.reintegration.test_unanswered import LATER, end, ended
from tests.unit.reintegration.bank.answers import Account, Block, Entry, Told, Transaction, pain002
from tests.unit.reintegration.examples import PAYER, TODAY

people = people_of


async def ended_early(house: House, people: People) -> tuple[UUID, UUID, UUID]:
    """The account, the grant and the attempt of a payment of 500.00 EUR that two persons ended as never answered."""
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    await ended(people, grant_id)
    return account_id, grant_id, attempt_id


async def only_line(people: People, entry: Entry, id: str = "MAY-1") -> tuple[UUID, str]:
    """A statement with one line, and that line."""
    file_id = await imported(people, Account([entry], id=id))
    (line,) = await lines_of(people, file_id)
    return file_id, line["id"]


async def released_anew(house: House, grant_id: UUID) -> UUID:
    again = uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=again), PAYER, LATER)
    return again


@pytest.mark.parametrize(("entry", "part"), [("named", None), ("lost_reference", None), ("more", "500.00")])
async def test_two_persons_find_that_it_is_that_payment_and_it_is_paid_once(house: House, people: People, entry: str, part: str | None) -> None:
    _, grant_id, attempt_id = await ended_early(house, people)
    entries = {"named": debit(attempt_id), "lost_reference": booked("-500.00", reference="B-1"), "more": debit(attempt_id, "501.00")}
    file_id, line = await only_line(people, entries[entry])
    await by_the_clock(house)
    assert [one["status"] for one in await attempts(house)] == ["failed"]
    said = {"attempt_id": str(attempt_id), **({} if part is None else {"paid_part": eur(part)})}
    assert await say(people.reconciler, line, "match", **said) == "done"
    assert await say(people.reconciler, line, "confirm-match") == "four_eyes"
    assert await say(colleague(people), line, "confirm-match") == "done"
    await by_the_clock(house)
    assert await why(people, file_id) == [("matched", None)]
    (paid,) = await attempts(house)
    assert (paid["status"], paid["reason"], paid["ended_by"], str(paid["paid_line"])) == ("paid", None, None, line)
    state = await house.grant(grant_id)
    assert (state.paid, state.former_attempts, state.tranches[0].attempt_no) == (Decimal(500), (), 1)
    early = (await people.reconciler.get(f"grants/{grant_id}")).json()["state"]["tranches"][0]["ended_early"]
    assert (early["asked_by"], early["ended_by"]) == ("staff:reconciler", "staff:reconciler-2")
    # It stays in front of somebody, and is released no second time.
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert "booked_after_all" in found["exceptions"]
    order = await house.vendors.release(1, method="bank_file")
    assert await house.try_to(GRANT, grant_id, order, PAYER, LATER) != "done"
    assert (await house.findings()).differences == []


async def test_what_was_released_anew_and_not_sent_is_taken_back_and_the_late_debit_pays(house: House, people: People) -> None:
    _, grant_id, attempt_id = await ended_early(house, people)
    again = await released_anew(house, grant_id)
    file_id, line = await only_line(people, debit(attempt_id))
    assert await say(people.reconciler, line, "match", attempt_id=str(attempt_id)) == "booked_after_all"
    await house.give(GRANT, grant_id, ReportPaymentFailed(number=1, reason="not_sent", failed_on=LATER.date(), attempt_id=again), PAYER, LATER)
    await by_the_clock(house)
    assert await why(people, file_id) == [("unmatched", "booked_after_all")]
    assert await say(people.reconciler, line, "match", attempt_id=str(attempt_id)) == "done"
    assert await say(colleague(people), line, "confirm-match") == "done"
    await by_the_clock(house)
    assert sorted((one["attempt_id"] == attempt_id, one["status"]) for one in await attempts(house)) == [(False, "failed"), (True, "paid")]
    # It comes back, and the number of the next one is no other's.
    await imported(people, Account([credit(attempt_id)], id="JUNE"))
    await by_the_clock(house)
    assert (await house.grant(grant_id)).tranches[0].attempt_no == 3
    await released_anew(house, grant_id)
    assert (await house.findings()).differences == []


async def test_what_was_paid_anew_meanwhile_is_paid_twice_and_settled_by_nobody(house: House, people: People) -> None:
    account_id, grant_id, attempt_id = await ended_early(house, people)
    again = await released_anew(house, grant_id)
    await sent(people, account_id, [again])
    await imported(people, Account([debit(again)], id="MAY-1"))
    await by_the_clock(house)
    file_id, line = await only_line(people, debit(attempt_id, reference="B-2"), "MAY-2")
    assert await why(people, file_id) == [("unmatched", "paid_anew")]
    assert await say(people.reconciler, line, "match", attempt_id=str(attempt_id)) == "paid_anew"
    await by_the_clock(house)
    assert (await house.grant(grant_id)).paid == Decimal(500)
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert "booked_after_all" in found["exceptions"]
    assert (await house.findings()).differences == []


async def test_a_late_debit_is_not_taken_for_what_was_released_in_its_place(house: House, people: People) -> None:
    account_id, grant_id, attempt_id = await ended_early(house, people)
    again = await released_anew(house, grant_id)
    await sent(people, account_id, [again])
    _, line = await only_line(people, debit(attempt_id))
    said = {"other_than_named": "mixed_up_with_another"}
    assert await say(people.reconciler, line, "match", attempt_id=str(again), **said) == "named_booked_after_all"
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert "booked_after_all" in found["exceptions"]
    assert (await house.findings()).differences == []


async def test_a_late_debit_that_two_found_to_be_anothers_payment_stays_an_exception_of_the_one_that_the_bank_names(
    house: House, people: People
) -> None:
    account_id, grant_id, attempt_id = await ended_early(house, people)
    other_grant, other = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [other])
    _, line = await only_line(people, debit(attempt_id))
    said = {"attempt_id": str(other), "other_than_named": "mixed_up_with_another"}
    assert await say(people.reconciler, line, "match", **said) == "done"
    assert await say(colleague(people), line, "confirm-match") == "done"
    await by_the_clock(house)
    assert (await house.grant(other_grant)).paid == Decimal(500)
    found = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert {one["grant_id"] for one in found if "booked_after_all" in one["exceptions"]} == {str(grant_id)}
    assert (await house.findings()).differences == []


async def test_who_let_its_file_count_on_does_not_reconcile_the_tranche(house: House, people: People) -> None:
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    file_id, _ = await only_line(people, debit(attempt_id))
    third, fourth = (Caller(people.reconciler._client, f"reconciler-{n}", ["finance_reconciler"], ["BA"]) for n in (7, 8))
    assert (await third.post(f"bank-files/{file_id}/ask-to-revoke", {"reason": "differs_from_the_bank"})).status_code == 200
    assert (await fourth.post(f"bank-files/{file_id}/keep", {})).status_code == 200
    await by_the_clock(house)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    answer = await fourth.post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})
    assert answer.json()["code"] == "four_eyes"
    assert (await third.post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})).status_code == 200


async def test_who_ever_said_something_of_its_line_does_not_reconcile_the_tranche(house: House, people: People) -> None:
    """Whoever keeps a match last hides nobody who asked for it or confirmed it."""
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    _, line = await only_line(people, booked("-500.00", reference="B-1"))
    third, fourth = (Caller(people.reconciler._client, f"reconciler-{n}", ["finance_reconciler"], ["BA"]) for n in (7, 8))
    for caller, act, said in (
        (people.reconciler, "match", {"attempt_id": str(attempt_id)}), (colleague(people), "confirm-match", {}), (third, "undo-match", {}), (fourth, "keep-match", {}),
    ):  # fmt: skip
        assert await say(caller, line, act, **said) == "done"
    await by_the_clock(house)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    for caller in (people.reconciler, colleague(people), third, fourth):
        answer = await caller.post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})
        assert answer.json()["code"] == "four_eyes"
    other = Caller(people.reconciler._client, "reconciler-9", ["finance_reconciler"], ["BA"])
    assert (await other.post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})).status_code == 200
    assert (await house.findings()).differences == []


async def test_a_credit_that_may_be_what_came_back_two_explain_and_nobody_who_paid(house: House, people: People) -> None:
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    await by_the_clock(house)
    file_id = await imported(people, Account([booked("500.00", reference="R-1"), booked("3.00", reference="R-2")], id="MAY-2"))
    may_be, other = [line["id"] for line in await lines_of(people, file_id)]
    assert await say(people.reconciler, other, "explain", explanation="interest") == "done"
    assert await say(people.reconciler, may_be, "explain", explanation="not_ours") == "names_our_payment"
    payer = Caller(people.payer._client, "payer", ["finance_reconciler"], ["BA"])
    assert await say(payer, may_be, "propose-explanation", explanation="not_ours") == "four_eyes"
    assert await say(people.reconciler, may_be, "propose-explanation", explanation="not_ours") == "done"
    assert await say(colleague(people), may_be, "confirm-explanation") == "done"
    assert (await house.grant(grant_id)).paid == Decimal(500)


async def test_who_signed_what_was_ended_explains_no_late_debit_of_it(house: House, people: People) -> None:
    await ended_early(house, people)
    _, line = await only_line(people, booked("-500.00", reference="B-1"))
    signer = Caller(people.payer._client, "payer-2", ["finance_reconciler"], ["BA"])
    assert await say(signer, line, "propose-explanation", explanation="not_ours") == "four_eyes"
    assert await say(people.reconciler, line, "propose-explanation", explanation="not_ours") == "done"
    assert await say(signer, line, "confirm-explanation") == "four_eyes"
    assert await say(colleague(people), line, "confirm-explanation") == "done"


async def test_what_the_bank_reported_as_paid_and_never_booked_the_chief_ends_after_thirty_days(house: House, people: People) -> None:
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, await own_account(people), [attempt_id])
    said = [Block(f"{batch_id.hex}001", Told("PART"), [Transaction(attempt_id.hex, Told("ACSC"))])]
    await reported(people, pain002(batch_id.hex, Told("PART"), said, id="ODGOVOR-1"))
    assert await end(people.reconciler, grant_id) == "bank_says_paid"
    late = NOON + BOOKED_WITHIN

    async def step(caller: Caller, act: str) -> str:
        answer = await caller.at(late).post(f"grants/{grant_id}/{act}", {"number": 1})
        return "done" if answer.status_code == 200 else str(answer.json()["code"])

    assert await step(people.reconciler, "ask-to-end-payment") == "done"
    assert await step(colleague(people), "confirm-payment-end") == "chief_confirms"
    assert await step(people.chief, "confirm-payment-end") == "done"
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert "ended_though_reported" in found["exceptions"]
    assert (await house.findings()).differences == []
