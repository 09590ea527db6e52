"""Arrivals: who is expected, with which flight and needs, in the order of the days, and what an office may know of it."""

from datetime import datetime, timedelta
from uuid import UUID

from services.returns.domain.case_journey import ConfirmArrival
from services.returns.domain.case_preparation import ConfirmBooking, RecordMissedFlight
from shared.actors import Actor
from tests.given import NOON
from tests.integration.returns.api import BAGHDAD, Api, Register, in_json, problem
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

