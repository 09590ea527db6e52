"""Arrivals: who is expected, with which flight and needs, in the order of the days, and what an office may know of it."""

import json
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from services.returns.domain.case_corrections import AskForCorrection, CorrectDeparture
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_preparation import ConfirmBooking, RecordMissedFlight
from services.returns.domain.case_withdrawal import WithdrawPerson
from services.returns.domain.person import RecordConsent
from shared.actors import Actor
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.api import (
    APP,
    BAGHDAD,
    Api,
    Register,
    asking,
    away,
    in_json,
    problem,
    runtime,
)
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    DEPARTS,
    OLEG,
    ZORAN,
    Attempt,
    Mission,
    family,
)


async def booked(mission: Mission, days: int, country: str = "TR") -> Attempt:
    """A family whose booking arrives so many days from noon, eight hours after departure."""
    attempt = await mission.brought_to("preparing", *family(), country=country)
    departs_at = NOON + timedelta(days=days)
    await mission.order(
        attempt.id,
        ConfirmBooking(
            departs_at=departs_at, arrives_at=departs_at + timedelta(hours=8), destination_country=country,
            person_ids=attempt.ids, flight="ZZ100", needs=("help_at_airport",),
        ),
        OLEG,
    )  # fmt: skip
    return attempt


async def listed(api: Api, by: Actor = OLEG, at: datetime = NOON, **query: str) -> list[str]:
    answer = await api.get("arrivals", by, at, **query)
    assert answer.status_code == 200
    return [row["id"] for row in answer.json()["items"]]


async def test_an_office_sees_who_comes_when_with_which_flight_and_what_must_stand_ready(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await booked(mission, 3)
    await register.agree(attempt)
    (row,) = (await api.get("arrivals", ANKARA)).json()["items"]
    case_ref = (await mission.case(attempt.id)).case_ref
    assert row == {
        "id": str(attempt.id), "case_ref": case_ref, "status": "in_preparation", "destination_country": "TR",
        "departs_at": in_json(NOON + timedelta(days=3)), "arrives_at": in_json(NOON + timedelta(days=3, hours=8)),
        "flight": "ZZ100", "needs": ["help_at_airport"], "adults": 1, "children": 1, "arrived": 0,
    }  # fmt: skip
    assert (await api.get("arrivals", OLEG)).json()["items"][0]["status"] == "preparing"
    assert (await api.get("arrivals", BAGHDAD)).json()["items"] == []


async def test_the_next_days_in_order_and_those_overdue_first(mission: Mission, api: Api) -> None:
    later, sooner, far = await booked(mission, 9), await booked(mission, 2), await booked(mission, 20)
    assert await listed(api) == [str(sooner.id), str(later.id)]
    assert await listed(api, days="30") == [str(sooner.id), str(later.id), str(far.id)]
    assert await listed(api, ZORAN, NOON + timedelta(days=5)) == [str(sooner.id), str(later.id)]


async def test_whoever_arrived_whole_is_not_expected_and_who_arrived_in_part_is(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    at = ARRIVES + timedelta(hours=1)
    assert await listed(api) == [str(attempt.id)]
    for person_id, still in zip(attempt.ids, ([str(attempt.id)], []), strict=True):
        arrival = ConfirmArrival(person_id=person_id, arrived_at=at, known_by="met")
        await mission.order(attempt.id, arrival, ANKARA, at)
        assert await listed(api) == still


async def test_a_page_leads_to_the_next_for_staff_and_for_offices(
    mission: Mission, api: Api, register: Register
) -> None:
    attempts = [await booked(mission, days) for days in (4, 1, 3, 2, 5)]
    for attempt in attempts[:-1]:
        await register.agree(attempt)
    for by, expected in ((OLEG, (1, 3, 2, 0, 4)), (ANKARA, (1, 3, 2, 0))):
        found: list[str] = []
        after = ""
        while True:
            page = (await api.get(f"arrivals?limit=2{after}", by)).json()
            found += [row["id"] for row in page["items"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert found == [str(attempts[number].id) for number in expected]


async def test_who_has_not_agreed_is_not_named_to_an_office(mission: Mission, api: Api, register: Register) -> None:
    silent, agreed = await booked(mission, 1), await booked(mission, 2)
    await register.agree(agreed)
    assert await listed(api, ANKARA) == [str(agreed.id)]
    await register.take_back(agreed.adults[0])
    assert await listed(api, ANKARA) == []
    assert await listed(api) == [str(silent.id), str(agreed.id)]


async def test_a_lost_booking_is_no_arrival(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    assert (await mission.case(attempt.id)).departs_at == DEPARTS
    assert await listed(api) == [str(attempt.id)]
    await mission.order(attempt.id, RecordMissedFlight(reason="late"), OLEG)
    assert await listed(api) == []


async def test_counsellors_have_no_list_of_arrivals_and_a_place_must_be_one(api: Api) -> None:
    assert problem(await api.get("arrivals", ANNA)) == (403, "not_permitted")
    for after in ("yesterday", "2023-01-01T00:00:00Z", f"{'9' * 18}-{UUID(int=0)}", f"1-{'0' * 32}"):
        assert problem(await api.get("arrivals", OLEG, after=after)) == (422, "malformed")



async def test_whoever_left_first_stays_in_both_lists_when_the_others_miss_the_flight_and_book_anew(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await register.agree(attempt)
    assert (await api.get(f"cases/{attempt.id}", ANKARA)).status_code == 200
    first, left_behind = attempt.ids[0], attempt.ids[1:]
    await mission.order(attempt.id, RecordDeparture(person_ids=(first,), departed_at=DEPARTS), OLEG, DEPARTS)
    at = DEPARTS + timedelta(hours=2)

    async def still_listed() -> None:
        assert [await listed(api, by, at) for by in (OLEG, ANKARA)] == [[str(attempt.id)]] * 2
        (row,) = (await api.get("arrivals/to-confirm", ANKARA, at)).json()["items"]
        assert (row["id"], row["person_ids"]) == (str(attempt.id), [str(first)])

    await still_listed()
    await mission.order(attempt.id, RecordMissedFlight(reason="late"), OLEG, at)
    await still_listed()
    departs_at = at + timedelta(days=90)
    booking = ConfirmBooking(
        departs_at=departs_at, arrives_at=departs_at + timedelta(hours=8), destination_country="TR", person_ids=left_behind,
    )  # fmt: skip
    await mission.order(attempt.id, booking, OLEG, at)
    await still_listed()
    arrival = {"person_id": str(first), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
    assert (await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, ANKARA, ARRIVES)).status_code == 200
    assert await listed(api, OLEG, ARRIVES) == []


@pytest.mark.parametrize("withdrew", [True, False])
async def test_a_child_that_is_under_way_alone_after_a_correction_is_met_from_its_flight_and_known_to_protection(
    mission: Mission, api: Api, withdrew: bool
) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    mother, child = attempt.ids
    at = DEPARTS + timedelta(hours=2)
    await mission.order(attempt.id, AskForCorrection(person_id=mother, of="departure"), OLEG, at)
    if withdrew:
        withdraws = WithdrawPerson(person_id=mother, withdrawn_at=DEPARTS - timedelta(hours=1))
        await mission.order(attempt.id, withdraws, ANNA, at)
    before = await mission.case(attempt.id)
    await mission.order(attempt.id, CorrectDeparture(person_id=mother, record_id=uuid7()), ZORAN, at)
    case = await mission.case(attempt.id)
    status, travel = ("departed", "withdrawn") if withdrew else ("preparing", "expected")
    assert (case.status, [one.travel for one in case.persons]) == (status, [travel, "departed"])
    assert (case.arrives_at, case.reception_arranged_at) == (before.arrives_at, before.reception_arranged_at) != (None, None)
    assert case.protection_since == DEPARTS
    (alert,) = case.screening_of(child).alerts
    assert alert.causes == ("left_uncleared",)
    assert alert.alert_id not in attempt.ids
    assert await listed(api, OLEG, at) == [str(attempt.id)]
    assert (await mission.verified()).sound


async def test_an_office_finds_whom_it_was_told_of_and_may_confirm_while_counselling_does_not_answer(
    mission: Mission, api: Api, register: Register
) -> None:
    told, unseen, staying, taken_back = [await mission.brought_to("cleared_to_board", *family()) for _ in range(4)]
    for attempt in (told, unseen, staying, taken_back):
        await register.agree(attempt)
        if attempt is not unseen:
            assert (await api.get(f"cases/{attempt.id}", ANKARA)).status_code == 200
        if attempt is not staying:
            await mission.depart(attempt)
    await mission.note(taken_back.adults[0], RecordConsent(consent="transfer", active=False))
    at, path = ARRIVES + timedelta(hours=1), "arrivals/to-confirm"

    async def found(by: Actor = ANKARA) -> list[dict[str, object]]:
        answer = await api.get(path, by, at)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, object]] = answer.json()["items"]
        return items

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=away)) as nobody:
        APP.state.runtime = runtime(mission, asking(nobody))
        assert problem(await api.get("arrivals", ANKARA, at)) == (503, "unavailable")
        # No more than the reference and who is awaited.
        assert await found() == [
            {
                "id": str(told.id), "case_ref": (await mission.case(told.id)).case_ref, "destination_country": "TR",
                "person_ids": [str(id) for id in told.ids],
            }
        ]  # fmt: skip
        assert await found(BAGHDAD) == []
        assert problem(await api.get(path, OLEG, at)) == (403, "not_permitted")
        for person_id, left in zip(told.ids, ([str(told.ids[1])], None), strict=True):
            arrival = {"person_id": str(person_id), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
            assert (await api.post(f"cases/{told.id}/confirm-arrival", arrival, ANKARA, at)).status_code == 200
            assert [row["person_ids"] for row in await found()] == ([left] if left else [])
    async with mission.owner() as connection:
        rows = await connection.fetch("SELECT leaf FROM event_log WHERE type = 'avrr.returns.access.record_read.v1' ORDER BY idx")
    read = [json.loads(row["leaf"])["data"] for row in rows]
    assert [(one["operation"], one["shown"]) for one in read] == [
        ("list_arrivals_to_confirm", shown) for shown in ([str(told.id)], [], [str(told.id)], [])
    ]
