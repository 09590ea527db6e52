"""An office that waits in vain asks whether they departed, and what tickets cost, on a real database: who finds it, until when."""

from datetime import datetime, timedelta
from importlib import import_module

import pytest

from services.returns import queries
from services.returns.domain.case_corrections import AskForCorrection, CorrectDeparture
from services.returns.domain.case_departure_asked import AskToConfirmDeparture, ConfirmDeparture
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.queries.tickets import LISTED
from shared.ids import FIRST, uuid7
from tests.given import staff
from tests.integration.returns.api import Api, Register, problem
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    DEPARTS,
    MIRA,
    OLEG,
    PETRA,
    Attempt,
    Mission,
    family,
)

LATER = DEPARTS + timedelta(days=31)
BILL = {
    "booking": 1, "cost": {"amount": "640.00", "currency": "EUR"}, "refunded": {"amount": "0.00", "currency": "EUR"},
}  # fmt: skip


@pytest.fixture
async def missed(mission: Mission, register: Register) -> Attempt:
    """A case of somebody who is said to have left, of whom the office was told."""
    attempt = await mission.brought_to("cleared_to_board")
    await register.agree(attempt)
    await mission.depart(attempt)
    return attempt


async def told_abroad(api: Api, attempt: Attempt, at: datetime) -> tuple[str, datetime | None, datetime | None]:
    """What the office that asked is shown: the coarse status, since when it waits, and when it was last answered."""
    state = (await api.get(f"cases/{attempt.id}", ANKARA, at)).json()["state"]
    asked, confirmed = (
        datetime.fromisoformat(state[name]) if state[name] else None for name in ("departure_asked_at", "departure_confirmed_at")
    )
    return state["status"], asked, confirmed


async def test_the_coordinator_finds_what_an_office_asks_until_it_is_answered(
    mission: Mission, api: Api, register: Register, missed: Attempt
) -> None:
    ask = f"cases/{missed.id}/ask-to-confirm-departure"
    # An office that was told of the arrival asks whatever becomes of the consent afterwards.
    assert (await api.get(f"cases/{missed.id}", ANKARA, DEPARTS)).status_code == 200
    await register.take_back(missed.ids[0])
    assert problem(await api.post(ask, {}, ANKARA, LATER - timedelta(days=2))) == (409, "too_early")
    for by in (ANNA, OLEG, MIRA):
        assert problem(await api.post(ask, {}, by, LATER)) == (403, "not_permitted")
    assert (await api.post(ask, {}, ANKARA, LATER)).status_code == 200

    async def found() -> list[str]:
        rows = await api.get("cases", MIRA, LATER, departure_asked="true")
        return [row["id"] for row in rows.json()["items"]]

    assert await found() == [str(missed.id)]
    for more in ({"overdue": "true"}, {"mine": "true"}, {"status": "departed"}):
        assert (await api.get("cases", MIRA, LATER, departure_asked="true", **more)).status_code == 422
    assert (await api.get("cases", ANKARA, LATER, departure_asked="true")).status_code == 422
    await mission.order(missed.id, ConfirmDeparture(), MIRA, LATER)
    assert await found() == []
    assert (await mission.case(missed.id)).departure_confirmed_at == LATER
    assert problem(await api.post(ask, {}, ANKARA, LATER + timedelta(days=1))) == (409, "too_early")
    assert (await mission.verified()).sound


async def test_of_whoever_left_though_their_case_had_ended_an_office_is_answered_like_of_anybody(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await register.agree(attempt)
    await mission.order(attempt.id, WithdrawCase(), ANNA, DEPARTS)
    await mission.depart(attempt)
    ask = f"cases/{attempt.id}/ask-to-confirm-departure"
    assert (await api.get(f"cases/{attempt.id}", ANKARA, DEPARTS)).status_code == 200
    assert problem(await api.post(ask, {}, ANKARA, LATER - timedelta(days=2))) == (409, "too_early")
    assert (await api.post(ask, {}, ANKARA, LATER)).status_code == 200
    assert await told_abroad(api, attempt, LATER) == ("departed", LATER, None)
    await mission.order(attempt.id, ConfirmDeparture(), MIRA, LATER)
    assert (await mission.case(attempt.id)).status == "withdrawn"
    assert await told_abroad(api, attempt, LATER) == ("departed", None, LATER)
    assert (await mission.verified()).sound


async def test_a_question_about_two_stands_when_one_of_them_turns_out_not_to_have_left(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    await mission.order(attempt.id, AskToConfirmDeparture(), ANKARA, LATER)
    child = attempt.ids[1]
    await mission.order(attempt.id, AskForCorrection(person_id=child, of="departure"), OLEG, LATER)
    await mission.order(attempt.id, CorrectDeparture(person_id=child, record_id=uuid7()), MIRA, LATER)
    case = await mission.case(attempt.id)
    assert (case.status, case.departure_asked_at) == ("preparing", LATER)
    assert (await mission.verified()).sound
    # A row that forgot it before is what the log says again once the revision has gone past it.
    revision = import_module("migrations.returns.versions.2026_11_26_0110_asked_while_under_way")
    async with mission.owner() as owner:
        await owner.execute("UPDATE cases SET departure_asked_at = NULL")
        assert not (await mission.verified()).sound
        await owner.execute(revision._AS_IT_WAS_ASKED)
    assert (await mission.verified()).sound


async def test_an_office_is_told_that_it_cannot_ask_now_and_not_how_the_case_stands(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    await register.agree(attempt)
    assert (await api.get(f"cases/{attempt.id}", ANKARA)).status_code == 200
    answer = await api.post(f"cases/{attempt.id}/ask-to-confirm-departure", {}, ANKARA)
    assert problem(answer) == (409, "not_possible_now")


async def test_what_tickets_cost_is_recorded_by_operations_and_never_shown_abroad(
    mission: Mission, api: Api, missed: Attempt
) -> None:
    for by in (ANNA, PETRA, ANKARA):
        assert problem(await api.post(f"cases/{missed.id}/record-ticket-cost", BILL, by, LATER)) == (403, "not_permitted")
    assert (await api.post(f"cases/{missed.id}/record-ticket-cost", BILL, OLEG, LATER)).status_code == 200
    assert (await api.get(f"cases/{missed.id}", OLEG, LATER)).json()["state"]["ticket_costs"] == [BILL]
    abroad = await api.get(f"cases/{missed.id}", ANKARA, LATER)
    assert (abroad.status_code, "640.00" in abroad.text) == (200, False)
    await mission.order(missed.id, AskToConfirmDeparture(), ANKARA, LATER)
    doctor = (await api.get(f"cases/{missed.id}", staff("senka", "medical"), LATER)).json()["state"]
    assert (doctor["ticket_costs"], doctor["departure_asked_at"]) == ([], None)
    known = (await api.get(f"cases/{missed.id}", staff("senka", "medical", "operations"), LATER)).json()["state"]
    assert (known["ticket_costs"], known["departure_asked_at"] is None) == ([BILL], False)
    # Finance sees what it cost and nothing else of the case; a case without a bill is not on its list.
    await mission.opened()
    for role in ("finance_approver", "finance_payer", "finance_reconciler"):
        listed = (await api.get("ticket-costs", staff("lejla", role), LATER)).json()["items"]
        assert listed == [{"id": str(missed.id), "ticket_costs": [BILL]}]
    for by in (ANNA, OLEG, PETRA, ANKARA):
        assert problem(await api.get("ticket-costs", by, LATER)) == (403, "not_permitted")
    assert (await mission.verified()).sound


async def test_each_list_is_walked_by_an_index_that_holds_nothing_else(mission: Mission) -> None:
    asked = queries.cases({"departure_asked"}).text.replace("$1", "NULL").replace("$2", "10")
    billed = LISTED.text.replace("$1", f"'{FIRST}'").replace("$2", "10")
    async with mission.owner() as owner:
        await owner.execute("SET enable_seqscan = off")
        for text, index in ((asked, "ix_cases_departure_asked_id"), (billed, "ix_cases_ticketed_id")):
            assert index in "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {text}"))
