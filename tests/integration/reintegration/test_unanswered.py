"""A payment of a file that the bank took and never answered for ends by two persons' word, and what comes all the same is an alarm."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.reintegration.domain.unanswered import ANSWERED_WITHIN
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import brought, imported, lines_of, reported
from tests.integration.reintegration.test_batches import make, second_payer, take
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import ONE, attempts, booked, debit, rejections, why
from tests.unit.reintegration.bank.answers import Account, Block, Told, Transaction, pain002
from tests.unit.reintegration.examples import PAYER, TODAY

people = people_of
# The batches here are to be paid on the day after they were made.
LATER = NOON + ANSWERED_WITHIN + timedelta(days=1)


async def end(caller: Caller, grant_id: UUID, step: str = "ask-to-end-payment", **said: Any) -> str:
    """What becomes of a step on the way to end the first payment of a grant."""
    answer = await caller.at(LATER).post(f"grants/{grant_id}/{step}", {"number": 1, **said})
    return "done" if answer.status_code == 200 else str(answer.json()["code"])


async def ended(people: People, grant_id: UUID) -> None:
    """A payment of which two reconcilers said that the bank never answered."""
    assert await end(people.reconciler, grant_id) == "done"
    assert await end(colleague(people), grant_id, "confirm-payment-end") == "done"


async def test_two_persons_end_what_the_bank_never_answered_and_it_is_paid_anew(house: House, people: People) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    (grant_id, attempt_id), (_, answered) = [await released_by_bank(house, fund_id) for _ in range(2)]
    batch_id = await sent(people, account_id, [attempt_id, answered])
    statement = await imported(people, Account([debit(answered)], id="MAY-1"))
    assert (await people.reconciler.post(f"bank-files/{statement}/settle", {})).json()["settled"] == 1
    # Nobody else gets it out of there.
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})).json()["code"] == "bank_had_it"
    early = await people.reconciler.at(LATER - timedelta(days=1)).post(f"grants/{grant_id}/ask-to-end-payment", {"number": 1})
    assert early.json()["code"] == "bank_may_answer"
    signer = Caller(people.payer._client, "payer-2", ["finance_payer", "finance_reconciler"], ["BA"])
    assert await end(signer, grant_id) == "four_eyes"
    assert await end(people.reconciler, grant_id) == "done"
    assert await end(people.reconciler, grant_id, "confirm-payment-end") == "four_eyes"
    assert await end(signer, grant_id, "keep-payment-open") == "four_eyes"
    assert await end(people.chief, grant_id, "keep-payment-open") == "done"
    shown = (await people.reconciler.get(f"grants/{grant_id}")).json()["state"]["tranches"][0]
    assert (shown["status"], shown["end_asked"]) == ("released", None)
    assert await end(people.reconciler, grant_id) == "done"
    assert await end(people.chief, grant_id, "confirm-payment-end") == "done"
    over = next(one for one in await attempts(house) if one["attempt_id"] == attempt_id)
    assert (over["status"], over["reason"], over["ended_by"]) == ("failed", "not_answered", "staff:chief")
    (former,) = (await people.reconciler.get(f"grants/{grant_id}")).json()["state"]["former_attempts"]
    assert former["end_asked_by"] == "staff:reconciler"
    again = uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=again), PAYER, LATER)
    assert (await take(second_payer(people), batch_id)).json()["code"] == "bank_had_it"
    assert (await make(people, account_id, [again], **ONE)).status_code == 201
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("says", ["debit", "unconfirmed", "lost_reference", "credit", "refusal"])
async def test_it_is_not_ended_while_a_line_waits_that_may_be_of_it(house: House, people: People, says: str) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    assert await end(people.reconciler, grant_id) == "done"
    lines = {
        "debit": debit(attempt_id, "499.99"), "unconfirmed": debit(attempt_id), "lost_reference": booked("-500.00", reference="B-2"),
        "credit": booked("500.00", debit(attempt_id).details[0], reference="R-1"),
    }  # fmt: skip
    if says == "refusal":
        await reported(people, rejections(batch_id, attempt_id, code="AM05"))
    else:
        await (brought if says == "unconfirmed" else imported)(people, Account([lines[says]], id="MAY-1"))
    assert await end(colleague(people), grant_id, "confirm-payment-end") == "bank_line_waits"
    assert [one["status"] for one in await attempts(house)] == ["released"]


async def test_it_is_not_ended_where_the_bank_reported_that_it_was_paid_nor_before_it_was_sent(house: House, people: People) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    assert await end(people.reconciler, grant_id) == "not_with_the_bank"
    batch_id = await sent(people, account_id, [attempt_id])
    assert await end(people.reconciler, grant_id) == "done"
    said = [Block(f"{batch_id.hex}001", Told("PART"), [Transaction(attempt_id.hex, Told("ACSC"))])]
    await reported(people, pain002(batch_id.hex, Told("PART"), said, id="ODGOVOR-1"))
    assert await end(colleague(people), grant_id, "confirm-payment-end") == "bank_says_paid"


async def test_a_debit_that_comes_all_the_same_pays_nothing_and_holds_the_tranche_until_two_explained_it(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    await ended(people, grant_id)
    again = uuid7()
    order = await house.vendors.release(1, method="bank_file", attempt_id=again)
    await house.give(GRANT, grant_id, order, PAYER, LATER)
    statement = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    assert (await people.reconciler.post(f"bank-files/{statement}/settle", {})).json()["settled"] == 0
    assert await why(people, statement) == [("unmatched", "booked_after_all")]
    assert (await make(people, account_id, [again], **ONE)).json()["code"] == "bank_line_waits"
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert (found["grant_id"], "booked_after_all" in found["exceptions"]) == (str(grant_id), True)
    (line,) = await lines_of(people, statement)
    explain = {"explanation": "not_ours"}
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/explain", explain)).json()["code"] == "names_our_payment"
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/propose-explanation", explain)).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line['id']}/confirm-explanation", {})).status_code == 200
    assert (await make(people, account_id, [again], **ONE)).status_code == 201
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("named", [True, False], ids=["named", "lost_reference"])
async def test_nothing_is_released_anew_while_such_a_debit_waits_and_it_is_not_explained_away_alone(
    house: House, people: People, named: bool
) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    await ended(people, grant_id)
    line = debit(attempt_id) if named else booked("-500.00", reference="B-2")
    statement = await imported(people, Account([line], id="MAY-1"))
    for method in ("bank_file", "cash"):
        order = await house.vendors.release(1, method=method)
        assert await house.try_to(GRANT, grant_id, order, PAYER, LATER) == "bank_line_waits"
    (kept,) = await lines_of(people, statement)
    answer = await people.reconciler.post(f"bank-lines/{kept['id']}/explain", {"explanation": "not_ours"})
    assert answer.json()["code"] == "names_our_payment"


@pytest.mark.parametrize("method", ["bank_file", "cash"])
@pytest.mark.parametrize("says", ["named", "lost_reference", "with_another"])
async def test_what_was_released_anew_is_neither_ordered_nor_given_out_while_a_debit_of_the_one_before_waits(
    house: House, people: People, method: str, says: str
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    (grant_id, attempt_id), (other_id, other) = [await released_by_bank(house, fund_id) for _ in range(2)]
    await sent(people, account_id, [attempt_id, other])
    await ended(people, grant_id)
    await ended(people, other_id)
    again = uuid7()
    order = await house.vendors.release(1, method=method, attempt_id=again)
    await house.give(GRANT, grant_id, order, PAYER, LATER)
    lines = {
        "named": debit(attempt_id), "lost_reference": booked("-500.00", reference="B-2"),
        "with_another": booked("-1000.00", reference="B-2"),
    }  # fmt: skip
    (line,) = await lines_of(people, await imported(people, Account([lines[says]], id="MAY-1")))

    async def paid_anew() -> str | None:
        if method == "cash":
            answer = await people.office.at(LATER).get(f"grants/{grant_id}/vouchers/1")
        else:
            answer = await make(people, account_id, [again], **ONE)
        return None if answer.status_code < 300 else str(answer.json()["code"])

    assert await paid_anew() == "bank_line_waits"
    explain = {"explanation": "not_ours"}
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/explain", explain)).json()["code"] == "names_our_payment"
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/propose-explanation", explain)).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line['id']}/confirm-explanation", {})).status_code == 200
    assert await paid_anew() is None
    assert (await house.findings()).differences == []
