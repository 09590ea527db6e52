"""Finance clears on its pages what a restore lost of payments, with the real reintegration behind them and without a script."""

import re
from datetime import timedelta

from services.reintegration.domain.lost_payments import RecordLostPayments
from shared.contracts.lost_payments import LostPayment, LostStop
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.portal.person import People, Person
from tests.integration.portal.test_survey_pages import at
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People as Callers
from tests.integration.reintegration.test_api import people as callers_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_lost_payments import SERVICE, give
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_release import approved
from tests.integration.reintegration.test_settlement import debit
from tests.unit.reintegration.bank.answers import Account

callers = callers_of


async def signed_in(people: People, persona: str) -> Person:
    person = people()
    await person.sign_in(persona)
    return person


async def sent(person: Person, path: str, **answers: str) -> tuple[int, str]:
    """Sends a form as it stands on its page; where it leads, or what it says of why not."""
    version = re.findall(r'name="version" value="([^"]*)"', await at(person, path))[0].replace("&#34;", '"').replace("&quot;", '"')
    answer = await person.post(path, {"key": str(uuid7()), "version": version, "step": "send", **answers})
    return answer.status_code, answer.headers.get("location", answer.text)


def states_in(page: str) -> list[str]:
    """Where it is stated what became of each payment."""
    return [path.replace("&amp;", "&") for path in re.findall(r'href="(/do/reintegration/settle_lost_payment/[^"]+)"', page)]


async def test_finance_states_and_clears_what_was_lost_on_its_pages_and_corrects_it_there(people: People, house: House) -> None:
    await house.lenient()
    restore = uuid7()
    grants = [await approved(house) for _ in range(2)]
    lost = [
        LostPayment(event_id=uuid7(), fact="released", attempt_id=uuid7(), grant_id=grant, number=1, by=by)
        for grant, by in zip(grants, ("staff:finance-payer", "staff:finance-reconciler"), strict=True)
    ]
    await give(house, restore, RecordLostPayments(payments=tuple(lost)), SERVICE)
    reconciler, approver, auditor = [await signed_in(people, one) for one in ("finance-reconciler", "finance-approver", "auditor")]
    here = f"/lost-payments/{restore}"
    assert f'href="{here}"' in await at(reconciler, "/lost-payments")
    page = await at(reconciler, here)
    assert "nobody can say how many entries" in page
    # What they recorded themselves a colleague states, and nothing is to be done on it by who looks over it.
    assert len(states_in(page)) == 1
    assert "You ordered or recorded it: a colleague states what became of it." in page
    assert "no line of the bank tells of it" in page
    assert states_in(await at(auditor, here)) == []
    (first,) = states_in(page)
    asked = await at(reconciler, first)
    assert "its money left" in asked
    assert str(lost[0].event_id)[-6:] in asked
    assert await sent(reconciler, first, outcome="left") == (303, here)
    assert "its money left" in await at(reconciler, here)
    assert (await sent(reconciler, f"/do/reintegration/ask_to_clear_lost_payments/{restore}"))[0] == 409
    other = next(path for path in states_in(await at(approver, here)) if str(lost[1].event_id) in path)
    assert await sent(approver, other, outcome="not_left") == (303, here)

    # Without a payment that the address names one is chosen, and one's own is not among them.
    chosen = await at(reconciler, f"/do/reintegration/settle_lost_payment/{restore}")
    assert [str(one.event_id) in chosen for one in lost] == [True, False]
    assert "you ordered or recorded it yourself" in chosen

    assert "ask_to_clear_lost_payments" in await at(reconciler, here)
    assert await sent(reconciler, f"/do/reintegration/ask_to_clear_lost_payments/{restore}", without_statements="yes") == (303, here)
    assert "waits for an approver" in await at(auditor, "/lost-payments")
    assert "clear_lost_payments" in await at(approver, here)
    assert await sent(approver, f"/do/reintegration/clear_lost_payments/{restore}") == (303, here)
    assert "cleared" in await at(auditor, "/lost-payments")

    # The bank turned it down later: it is corrected, and waits for two anew.
    assert await sent(approver, first, outcome="not_left") == (303, here)
    assert "not cleared" in await at(auditor, "/lost-payments")


async def test_the_page_says_what_nobody_knows_which_statement_is_missing_which_lines_wait_and_which_stops_were_lost(people: People, house: House) -> None:
    await house.lenient()
    restore, grant = uuid7(), await approved(house)
    stop = LostStop(event_id=uuid7(), kind="avrr.reintegration.grant.suspended.v1", subject=grant, recorded_at=NOON, by="staff:finance-approver")
    since = NOON - timedelta(days=1)
    await give(house, restore, RecordLostPayments(payments=(), unknown=3, since=since, stops=(stop,)), SERVICE)
    reconciler, approver = [await signed_in(people, one) for one in ("finance-reconciler", "finance-approver")]
    page = await at(reconciler, f"/lost-payments/{restore}")
    assert "at least 3 entries" in page
    assert "Bring the bank’s statements of these days before you clear, and ask the bank for orders that it still holds: it may carry them out up to 30 days later." in page
    assert "the grant was suspended" in page
    assert f'href="/grants/{grant}"' in page
    assert "No line of theirs that waits names a payment which is not known here." in page
    ask = f"/do/reintegration/ask_to_clear_lost_payments/{restore}"
    asked = await at(reconciler, ask)
    assert "he statements that are still missing cannot be had from the bank" in asked
    assert await sent(reconciler, ask, without_statements="yes") == (303, f"/lost-payments/{restore}")
    assert "Entries known to nobody" in await at(approver, f"/do/reintegration/clear_lost_payments/{restore}")


async def test_a_line_of_the_bank_leads_to_where_it_is_settled_and_to_the_form_that_says_which_tranche_it_paid(
    people: People, house: House, callers: Callers
) -> None:
    await own_account(callers)
    restore, grant = uuid7(), await approved(house)
    await give(house, restore, RecordLostPayments(payments=(), since=NOON - timedelta(days=1)), SERVICE)
    file_id = await imported(callers, Account([debit(uuid7())], id="MAY-1"))
    (line,) = await lines_of(callers, file_id)
    reconciler, here = await signed_in(people, "finance-reconciler"), f"/lost-payments/{restore}"
    page = await at(reconciler, here)
    assert "1 line waits that names a payment which is not known here." in page
    assert f'href="/bank-lines/{line["id"]}"' in page
    form = f"/do/reintegration/name_found_payment/{restore}?line={line['id']}"
    assert form in page
    assert str(grant) in await at(reconciler, form)
    assert await sent(reconciler, form, line_id=line["id"], grant_id=str(grant), number="1") == (303, here)
    assert "the bank booked it" in await at(reconciler, here)


async def test_whoever_has_no_part_in_finance_is_shown_no_lost_payments(people: People, house: House) -> None:
    await give(house, uuid7(), RecordLostPayments(payments=()), SERVICE)
    counsellor = await signed_in(people, "counsellor-1")
    assert (await counsellor.get("/lost-payments")).status_code == 403
    assert 'href="/lost-payments"' not in (await counsellor.get("/lost-payments")).text
    payer = await signed_in(people, "finance-payer")
    (path,) = re.findall(r'href="(/lost-payments/[^"]+)"', await at(payer, "/lost-payments"))
    page = await at(payer, path)
    assert "No lost entry tells of a payment." in page
    assert "What can be done now" not in page
