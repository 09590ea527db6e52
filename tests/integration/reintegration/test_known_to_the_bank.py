"""After a restore the bank's files are a source: lines that name payments which nobody here knows wait for two, and missing statements are named."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.reintegration.bank.references import remittance_code
from services.reintegration.domain.lost_payments import RecordLostPayments
from shared.contracts.lost_payments import LostStop
from shared.db import Sql
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank
from tests.integration.reintegration.test_another_payee import settle
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import (
    bringer,
    brought,
    confirm,
    imported,
    lines_of,
    put,
    reported,
)
from tests.integration.reintegration.test_clearing_lost_payments import ordered
from tests.integration.reintegration.test_lost_payments import SERVICE, give
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_release import approved
from tests.integration.reintegration.test_settlement import booked, credit, debit
from tests.unit.reintegration.bank.answers import (
    Account,
    Block,
    Detail,
    Entry,
    Told,
    Transaction,
    camt053,
    pain002,
)
from tests.unit.reintegration.bank.examples import attempt

people = people_of
SINCE = NOON - timedelta(days=1)
_SAID = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log WHERE type = 'avrr.reintegration.lost_payments.clearing_asked.v1' ORDER BY idx")


async def restored(house: House, **said: Any) -> str:
    restore = uuid7()
    await give(house, restore, RecordLostPayments(**{"payments": (), "since": SINCE, **said}), SERVICE)
    return f"lost-payments/{restore}"


async def bank_of(reader: Caller, path: str) -> dict[str, Any]:
    found: dict[str, Any] = (await reader.get(path)).json()["bank"]
    return found


async def explained(people: People, line: str) -> None:
    """Two persons say that a line is no payment that is open here."""
    assert (await people.reconciler.post(f"bank-lines/{line}/explain", {"explanation": "answered_otherwise"})).json()["code"] == "names_our_payment"
    asked = await people.reconciler.post(f"bank-lines/{line}/propose-explanation", {"explanation": "answered_otherwise"})
    assert asked.status_code == 201, asked.text
    assert (await people.reconciler.post(f"bank-lines/{line}/confirm-explanation", {})).json()["code"] == "four_eyes"
    assert (await colleague(people).post(f"bank-lines/{line}/confirm-explanation", {})).status_code == 200


async def test_a_line_that_names_a_payment_nobody_here_knows_is_listed_and_holds_the_clearing_until_two_said_what_it_is(house: House, people: People) -> None:
    await own_account(people)
    path = await restored(house)
    unknown = uuid7()
    await imported(people, Account([debit(unknown), booked("-12.00", reference="B-2")], id="MAY-1"))
    found = await bank_of(people.reconciler, path)
    assert (found["lines_waiting"], found["files_waiting"], len(found["statements_missing"])) == (1, False, 1)
    (line,) = found["lines"]
    told = (line["attempt_id"], line["amount"], line["currency"], line["direction"], line["state"])
    assert told == (str(unknown), "500.00", "EUR", "debit", "unmatched")
    # Whoever reads no lines of the bank's is told that one waits.
    assert await bank_of(people.manager, path) == {**found, "lines": []}
    assert await ordered(people.reconciler, f"{path}/ask-to-clear") == (409, "bank_lines_wait")
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (409, "bank_lines_wait")
    await explained(people, line["id"])
    assert (await bank_of(people.reconciler, path))["lines_waiting"] == 0
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)

    # What is brought before the second word is looked at first.
    await imported(people, Account([credit(uuid7())], id="MAY-2"))
    assert await ordered(people.approver, f"{path}/clear") == (409, "bank_lines_wait")
    line, before = (await bank_of(people.reconciler, path))["lines"]
    assert (line["direction"], before["state"]) == ("credit", "explained")
    await explained(people, line["id"])
    assert await ordered(people.approver, f"{path}/clear") == (200, None)
    assert (await house.findings()).differences == []

    # The bank may hold a lost order for some weeks: until then two say what a line is, though it is cleared, and then one person again.
    for day, status in (("2023-06-06", 409), ("2023-06-07", 201)):
        entry = replace(debit(uuid7(), reference=f"B-{day}"), booked=f"<BookgDt><Dt>{day}</Dt></BookgDt>")
        file_id = await imported(people, Account([entry], id=day, on=day))
        (held,) = await lines_of(people, file_id)
        assert (await people.reconciler.post(f"bank-lines/{held['id']}/explain", {"explanation": "not_ours"})).status_code == status


async def test_lines_of_days_before_hold_nothing(house: House, people: People) -> None:
    await own_account(people)
    path = await restored(house, since=NOON + timedelta(days=10))
    await imported(people, Account([debit(uuid7())], id="MAY-1"))
    assert (await bank_of(people.reconciler, path))["lines_waiting"] == 0
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)


async def test_a_restore_to_an_empty_log_is_not_cleared_by_an_empty_list(house: House, people: People) -> None:
    restore = uuid7()
    await give(house, restore, RecordLostPayments(payments=()), SERVICE, NOON - timedelta(hours=1))
    path = f"lost-payments/{restore}"
    assert await ordered(people.reconciler, f"{path}/ask-to-clear") == (409, "statements_missing")
    # Accounts were confirmed anew behind it, and no statement begins where the log did.
    account_id = await own_account(people)
    await imported(people, Account([debit(uuid7())], id="MAY-1"))
    found = await bank_of(people.reconciler, path)
    assert (found["lines_waiting"], [one["id"] for one in found["statements_missing"]]) == (1, [str(account_id)])
    await explained(people, found["lines"][0]["id"])
    assert await ordered(people.reconciler, f"{path}/ask-to-clear") == (409, "statements_missing")
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)
    assert (await people.approver.get(path)).json()["state"]["without_statements"] == [str(account_id)]


async def test_a_line_that_bears_several_codes_or_ids_of_ours_holds_the_clearing_though_one_of_them_is_known(house: House, people: People) -> None:
    await own_account(people)
    _, known = await released_by_bank(house, await house.fund())
    path = await restored(house)
    codes = f"{remittance_code(uuid7())} {remittance_code(uuid7())}"
    lines = [booked("-300.00", Detail(named, "300.00", words=codes), reference=f"B-{at}") for at, named in enumerate(("NOTPROVIDED", known.hex))]
    await imported(people, Account(lines, id="MAY-1"))
    found = await bank_of(people.reconciler, path)
    assert [(one["attempt_id"], one["remittance_code"]) for one in found["lines"]] == [(None, None), (str(known), None)]
    assert found["lines_waiting"] == 2
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (409, "bank_lines_wait")


async def test_of_several_restores_a_line_is_of_the_last_one_whose_days_it_falls_in(house: House, people: People) -> None:
    await own_account(people)
    first, second = await restored(house), await restored(house, since=SINCE - timedelta(days=3))
    await imported(people, Account([debit(uuid7())], id="MAY-1"))
    assert [(await bank_of(people.reconciler, path))["lines_waiting"] for path in (first, second)] == [0, 1]
    assert await ordered(people.reconciler, f"{first}/ask-to-clear", without_statements=True) == (200, None)


async def test_a_later_restore_that_was_cleared_takes_no_line_from_an_earlier_one_that_was_not(house: House, people: People) -> None:
    await own_account(people)
    first, second = await restored(house), await restored(house, since=SINCE - timedelta(days=3))
    assert await ordered(people.reconciler, f"{second}/ask-to-clear", without_statements=True) == (200, None)
    assert await ordered(people.approver, f"{second}/clear") == (200, None)
    await imported(people, Account([debit(uuid7())], id="MAY-1"))
    assert (await bank_of(people.reconciler, first))["lines_waiting"] == 1
    assert await ordered(people.reconciler, f"{first}/ask-to-clear", without_statements=True) == (409, "bank_lines_wait")


async def test_a_report_on_a_payment_nobody_here_knows_waits_and_one_that_accepted_it_is_told_and_holds_nothing(house: House, people: People) -> None:
    await own_account(people)
    path, refused, accepted = await restored(house), attempt(1), attempt(2)
    said = [Transaction(refused.hex, Told("RJCT", ["AC04"])), Transaction(accepted.hex, Told("ACSC"))]
    await reported(people, pain002(attempt(99).hex, Told("PART"), [Block(f"{attempt(99).hex}001", Told("PART"), said)]))
    found = await bank_of(people.reconciler, path)
    assert [(one["attempt_id"], one["state"]) for one in found["lines"]] == [(str(refused), "unmatched"), (str(accepted), "accepted")]
    assert found["lines_waiting"] == 1
    await explained(people, found["lines"][0]["id"])
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)


async def test_a_block_of_a_batch_and_a_code_that_nobody_here_knows_are_listed_too(house: House, people: People) -> None:
    await own_account(people)
    path = await restored(house)
    of_a_block = Entry("-700.00", reference="B-5", block=f"{uuid7().hex}001")
    code = remittance_code(uuid7())
    of_a_code = booked("-300.00", Detail("NOTPROVIDED", "300.00", words=code), reference="B-6")
    await imported(people, Account([of_a_block, of_a_code, booked("-12.00", reference="B-7")], id="MAY-1"))
    found = await bank_of(people.reconciler, path)
    told = [(one["attempt_id"], one["amount"], one["remittance_code"]) for one in found["lines"]]
    assert told == [(None, "700.00", None), (None, "300.00", code)]
    assert found["lines_waiting"] == 2


async def test_a_file_that_waits_for_its_second_person_holds_the_clearing_and_tells_its_lines_to_nobody_else(house: House, people: People) -> None:
    await own_account(people)
    path, statement = await restored(house), Account([debit(uuid7())], id="MAY-1")
    file_id = await brought(people, statement)
    found = await bank_of(people.reconciler, path)
    assert (found["lines_waiting"], found["files_waiting"], found["lines"]) == (0, True, [])
    assert [one["state"] for one in (await bank_of(bringer(people), path))["lines"]] == ["unconfirmed"]
    assert await ordered(people.reconciler, f"{path}/ask-to-clear") == (409, "bank_lines_wait")
    assert (await people.approver.post(f"bank-files/{file_id}/drop", {"reason": "brought_by_mistake"})).status_code == 200
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)


@pytest.mark.parametrize("unknown", [0, 3], ids=["no-source-outlived-it", "some-known-to-nobody"])
async def test_the_statements_of_the_lost_days_are_asked_for_of_each_own_account_whatever_others_know(house: House, people: People, unknown: int) -> None:
    account_id = await own_account(people)
    path = await restored(house, unknown=unknown)
    found = await bank_of(people.reconciler, path)
    assert found["statements_missing"] == [{"id": str(account_id), "currency": "EUR", "account": "…8494"}]
    refused = await people.reconciler.post(f"{path}/ask-to-clear", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "statements_missing")
    assert str(account_id) in refused.text

    # One that begins later leaves days of which nobody was told; one that counts not yet tells nothing.
    statement = camt053(Account([], id="APR-30", on="2023-04-30"))
    answer = await put(bringer(people), statement)
    assert answer.status_code == 201, answer.text
    await imported(people, Account([booked("-12.00", reference="B-2")], id="MAY-1"))
    assert len((await bank_of(people.reconciler, path))["statements_missing"]) == 1
    assert (await confirm(people, UUID(answer.json()["id"]), statement)).status_code == 200
    assert (await bank_of(people.reconciler, path))["statements_missing"] == []
    assert await ordered(people.reconciler, f"{path}/ask-to-clear") == (200, None)
    assert await ordered(people.approver, f"{path}/clear") == (200, None)
    assert (await house.findings()).differences == []


@pytest.mark.parametrize(("opening", "missing"), [("1000.00", 0), ("990.00", 1)], ids=["follows", "with-a-gap"])
async def test_statements_that_follow_on_each_other_cover_the_lost_days_and_one_behind_a_gap_does_not(
    house: House, people: People, opening: str, missing: int
) -> None:
    await own_account(people)
    path = await restored(house, unknown=1)
    await imported(people, Account([], id="APR-30", on="2023-04-30"))
    await imported(people, Account([booked("-12.00", reference="B-2")], id="MAY-1", opening=opening))
    assert len((await bank_of(people.reconciler, path))["statements_missing"]) == missing


async def test_a_statement_follows_on_the_latest_one_before_it_and_on_no_older_one_with_the_same_balance(house: House, people: People) -> None:
    await own_account(people)
    path = await restored(house)
    await imported(people, Account([], id="APR-20", on="2023-04-20"))
    await imported(people, Account([], id="MAY-1", on="2023-05-04"))
    assert (await bank_of(people.reconciler, path))["statements_missing"] == []
    await imported(people, Account([], id="APR-28", on="2023-04-28", opening="900.00"))
    assert len((await bank_of(people.reconciler, path))["statements_missing"]) == 1


@pytest.mark.parametrize(("since", "missing"), [(NOON, 0), (SINCE, 1)], ids=["from-its-first-line", "from-before"])
async def test_the_first_statement_of_an_account_covers_from_the_day_of_its_first_line_on(house: House, people: People, since: datetime, missing: int) -> None:
    await own_account(people)
    path = await restored(house, unknown=1, since=since)
    await imported(people, Account([booked("-12.00", reference="B-2")], id="MAY-1"))
    assert len((await bank_of(people.reconciler, path))["statements_missing"]) == missing


async def test_that_a_statement_cannot_be_had_one_says_another_is_shown_and_it_is_on_record(house: House, people: People) -> None:
    account_id = await own_account(people)
    path = await restored(house, unknown=3)
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)
    assert (await people.approver.get(path)).json()["state"]["without_statements"] == [str(account_id)]
    (said,) = [str(row["leaf"]) for row in await house.rows(_SAID)]
    assert f'"without_statements":["{account_id}"]' in said
    assert await ordered(people.approver, f"{path}/clear") == (200, None)
    assert (await house.findings()).differences == []


async def test_lists_say_how_much_nobody_knows_and_how_many_stops_were_lost_and_each_stop_is_told(house: House, people: People) -> None:
    stop = LostStop(event_id=uuid7(), kind="avrr.reintegration.grant.suspended.v1", subject=uuid7(), recorded_at=NOON, by="staff:approver")
    path = await restored(house, unknown=3, stops=(stop,))
    (row,) = (await people.payer.get("lost-payments")).json()["items"]
    assert (row["unknown"], row["since"], row["stops"]) == (3, "2023-05-01T12:00:00Z", 1)
    assert (await people.auditor.get(path)).json()["state"]["stops"] == [stop.model_dump(mode="json")]
    # Stops stand in nobody's way.
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)
    assert (await house.findings()).differences == []


async def test_which_tranche_a_line_paid_one_states_and_it_is_not_ordered_again(house: House, people: People) -> None:
    await own_account(people)
    path, (paid, other), shop = await restored(house), [await approved(house) for _ in range(2)], await house.vendors.of()
    await imported(people, Account([debit(uuid7())], id="MAY-1"))
    (line,) = (await bank_of(people.reconciler, path))["lines"]
    found = {"line_id": line["id"], "grant_id": str(paid), "number": 1}
    assert await ordered(people.payer, f"{path}/name-found", **found) == (403, "not_permitted")
    assert await ordered(people.reconciler, f"{path}/name-found", **{**found, "number": 6}) == (409, "tranche_unknown")
    assert await ordered(people.reconciler, f"{path}/name-found", **{**found, "line_id": str(uuid7())}) == (409, "line_not_lost")
    assert await ordered(people.reconciler, f"{path}/name-found", **found) == (200, None)
    (known,) = (await people.reconciler.get(path)).json()["known"]
    assert (known["grant_id"], known["tranche"], known["booked"], known["own"]) == (str(paid), 1, True, True)
    await explained(people, line["id"])
    assert await ordered(people.reconciler, f"{path}/ask-to-clear", without_statements=True) == (200, None)
    assert await ordered(people.approver, f"{path}/clear") == (200, None)

    async def release(grant_id: UUID) -> tuple[int, str | None]:
        return await ordered(people.payer, f"grants/{grant_id}/release-tranche", number=1, payee_id=str(shop), method="office_account")

    assert await release(paid) == (409, "paid_before_restore")
    assert await release(other) == (200, None)
    # A colleague finds that it was another payment after all, and the line, which was explained, is stated to have paid that one.
    event_id = known["event_id"]
    assert await ordered(people.reconciler, f"{path}/settle", event_id=event_id, outcome="not_left") == (409, "four_eyes")
    assert await ordered(people.approver, f"{path}/settle", event_id=event_id, outcome="not_left") == (200, None)
    assert [one["state"] for one in (await bank_of(people.reconciler, path))["lines"]] == ["explained"]
    assert await ordered(people.reconciler, f"{path}/name-found", **{**found, "grant_id": str(other)}) == (200, None)
    known = (await people.reconciler.get(path)).json()["known"]
    assert [(one["grant_id"], one["booked"]) for one in known] == [(str(paid), True), (str(other), True)]
    assert (await house.findings()).differences == []


async def test_what_left_by_a_batch_that_nobody_knows_is_paid_by_its_line_once_it_was_found(house: House, people: People) -> None:
    await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    path = await restored(house, unknown=2)
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    (line,) = await lines_of(people, file_id)
    assert line["why"] == "not_sent"
    assert await ordered(people.reconciler, f"{path}/name-found", line_id=line["id"], grant_id=str(grant_id), number=1) == (200, None)
    asked = await people.reconciler.post(f"bank-lines/{line['id']}/match", {"attempt_id": str(attempt_id)})
    assert asked.status_code == 201, asked.text
    assert (await colleague(people).post(f"bank-lines/{line['id']}/confirm-match", {})).status_code == 200
    assert await settle(people, file_id) == 1
    assert (await lines_of(people, file_id))[0]["state"] == "matched"
    assert (await house.findings()).differences == []
