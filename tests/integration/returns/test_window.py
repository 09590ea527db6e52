"""The receiving office's window: what is told, to whom, whose consent it needs, and that every look is on record."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.returns.domain.case_inquiry import AskForFamilyAssessment
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from shared.actors import Role
from shared.buckets import PEOPLE, Buckets
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.api import (
    APP,
    BAGHDAD,
    SETTINGS,
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
    PETRA,
    ZORAN,
    Attempt,
    Mission,
    family,
)

CORRELATION = str(uuid7())


async def asked(mission: Mission) -> list[Mapping[str, Any]]:
    """What the log says of every question about a status, in order."""
    async with mission.owner() as connection:
        rows = await connection.fetch(
            "SELECT leaf FROM event_log WHERE type = 'avrr.returns.access.status_asked.v1' ORDER BY idx"
        )
    return [json.loads(row["leaf"])["data"] for row in rows]


async def status(api: Api, case_id: UUID, at: datetime = NOON) -> httpx.Response:
    return await api.get(f"status/{case_ref(case_id)}", ANKARA, at, CORRELATION, purpose="reception")


async def told(api: Api, case_id: UUID, at: datetime = NOON) -> str:
    answer = await status(api, case_id, at)
    return str(answer.json()["status"]) if answer.is_success else str(answer.json()["code"])


async def test_an_office_is_told_the_coarse_status_of_a_case_of_its_country(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    await register.agree(attempt)
    answer = await status(api, attempt.id)
    assert answer.json() == {
        "case_ref": case_ref(attempt.id), "status": "travel_scheduled", "destination_country": "TR"
    }  # fmt: skip
    entry = (await asked(mission))[-1]
    assert (entry["actor_id"], entry["purpose"], entry["reason"]) == (ANKARA.person_id, "reception", "told")
    assert entry["told"] == [{"case_id": str(attempt.id), "country": "TR", "status": "travel_scheduled"}]


async def test_three_kinds_of_no_are_the_same_bytes_and_leave_three_reasons(
    mission: Mission, api: Api, register: Register
) -> None:
    silent = await mission.brought_to("approved")
    elsewhere = await mission.brought_to("approved", country="IQ")
    await register.agree(elsewhere, "IQ")
    unknown = uuid7()
    answers = [await status(api, case_id) for case_id in (unknown, elsewhere.id, silent.id)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert [(entry["reason"], entry["about"]) for entry in await asked(mission)] == [
        ("unknown", None), ("other_country", str(elsewhere.id)), ("not_consented", str(silent.id))
    ]  # fmt: skip


async def test_what_cannot_be_a_reference_is_as_unknown_as_any(mission: Mission, api: Api) -> None:
    answer = await api.get("status/no-reference-at-all", ANKARA, correlation=CORRELATION, purpose="reception")
    assert answer.content == (await status(api, uuid7())).content
    assert [entry["reason"] for entry in await asked(mission)] == ["unknown", "unknown"]


async def test_a_purpose_has_to_be_named(api: Api) -> None:
    assert problem(await api.get(f"status/{case_ref(uuid7())}", ANKARA)) == (422, "malformed")


async def test_nothing_is_told_before_approval(mission: Mission, api: Api, register: Register) -> None:
    attempt = await mission.brought_to("applied")
    await register.agree(attempt)
    unknown = uuid7()
    arrival = {"person_id": str(attempt.ids[0]), "arrived_at": NOON.isoformat(), "known_by": "met"}
    for case_id in (attempt.id, unknown):
        assert problem(await status(api, case_id)) == (404, "not_found")
        assert problem(await api.get(f"cases/{case_id}", ANKARA)) == (404, "not_found")
        order = await api.post(f"cases/{case_id}/confirm-arrival", arrival, ANKARA)
        assert problem(order) == (404, "not_found")
    assert (await api.get("cases", ANKARA)).json() == {"items": [], "next": None}
    assert (await asked(mission))[0]["reason"] == "not_known_abroad"
    await mission.approve(attempt)
    assert await told(api, attempt.id) == "in_preparation"
    assert (await api.get(f"cases/{attempt.id}", ANKARA)).status_code == 200


async def test_a_consent_taken_back_closes_the_window_before_returns_hears_of_it(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    await register.agree(attempt)
    assert await told(api, attempt.id) == "travel_scheduled"
    await register.take_back(attempt.adults[0])
    assert await told(api, attempt.id) == "not_found"
    assert problem(await api.get(f"cases/{attempt.id}", ANKARA)) == (404, "not_found")
    assert (await api.get("cases", ANKARA)).json()["items"] == []
    assert [entry["reason"] for entry in await asked(mission)] == ["told", "not_consented", "not_consented", "told"]


async def test_a_consent_to_another_office_is_none_to_this_one(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("approved")
    await register.agree(attempt, "IQ")
    assert await told(api, attempt.id) == "not_found"


async def test_no_answer_about_consent_is_no(mission: Mission, api: Api, register: Register) -> None:
    attempt = await mission.brought_to("approved")
    await register.agree(attempt)
    unknown = (await status(api, uuid7())).content
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=away)) as nobody:
        APP.state.runtime = runtime(mission, asking(nobody))
        answer = await status(api, attempt.id)
        assert answer.content == unknown
        listed = await api.get("cases", ANKARA)
    assert problem(listed) == (503, "unavailable")
    assert listed.headers["Retry-After"]
    assert [entry["reason"] for entry in await asked(mission)] == [
        "unknown", "consent_unanswered", "consent_unanswered"
    ]  # fmt: skip


async def test_an_office_lists_what_it_may_know_by_its_coarse_status(
    mission: Mission, api: Api, register: Register
) -> None:
    await mission.brought_to("approved")
    coming, elsewhere = await mission.brought_to("cleared_to_board"), await mission.brought_to("approved", country="IQ")
    preparing = await mission.brought_to("preparing")
    for attempt, country in ((coming, "TR"), (elsewhere, "IQ"), (preparing, "TR")):
        await register.agree(attempt, country)
    rows = (await api.get("cases", ANKARA)).json()["items"]
    assert rows == [
        {"id": str(coming.id), "case_ref": case_ref(coming.id), "status": "travel_scheduled",
         "destination_country": "TR", "persons": 1, "departs_at": in_json(DEPARTS)},
        {"id": str(preparing.id), "case_ref": case_ref(preparing.id), "status": "in_preparation",
         "destination_country": "TR", "persons": 1, "departs_at": None},
    ]  # fmt: skip
    at_one = (await api.get("cases", ANKARA, status="in_preparation")).json()["items"]
    assert [row["id"] for row in at_one] == [str(preparing.id)]
    by_reference = await api.get("cases", ANKARA, case_ref=case_ref(coming.id))
    assert problem(by_reference) == (422, "malformed")
    assert (await api.get("cases", ANKARA, destination_country="IQ")).json()["items"] == []
    first = await api.get("cases", ANKARA, limit="1")
    second = await api.get("cases", ANKARA, limit="1", after=first.json()["next"])
    assert [row["id"] for row in (*first.json()["items"], *second.json()["items"])] == [str(coming.id), str(preparing.id)]
    assert second.json()["next"] is None
    assert [len(entry["told"]) for entry in await asked(mission)] == [2, 1, 0, 1, 1]


async def test_staff_and_offices_ask_for_statuses_that_they_are_shown(mission: Mission, api: Api) -> None:
    assert problem(await api.get("cases", ANKARA, status="withdrawn")) == (422, "malformed")
    assert problem(await api.get("cases", ANNA, status="in_preparation")) == (422, "malformed")
    assert problem(await api.get("cases", ANKARA, mine="true")) == (422, "malformed")
    assert problem(await api.get("cases", ANKARA, open="true")) == (422, "malformed")
    assert (await api.get("cases", ANNA, status="withdrawn")).json()["items"] == []


async def test_to_an_office_of_another_country_a_case_does_not_exist(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await register.agree(attempt)
    await mission.depart(attempt)
    arrival = {"person_id": str(attempt.ids[0]), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
    assert problem(await api.get(f"cases/{attempt.id}", BAGHDAD)) == (404, "not_found")
    order = await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, BAGHDAD, ARRIVES)
    assert problem(order) == (404, "not_found")
    assert (await api.get("cases", BAGHDAD)).json()["items"] == []
    assert (await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, ANKARA, ARRIVES)).status_code == 200


async def test_an_office_sees_who_comes_and_nothing_of_how_it_was_decided(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    await register.agree(attempt)
    found: dict[str, Any] = (await api.get(f"cases/{attempt.id}", ANKARA)).json()
    state = found["state"]
    assert set(state) == {
        "case_ref", "status", "destination_country", "persons", "departs_at", "arrives_at", "flight", "needs",
        "departure_asked_at", "departure_confirmed_at",
    }  # fmt: skip
    assert state["status"] == "travel_scheduled"
    assert [set(person) for person in state["persons"]] == [
        {"person_id", "sex", "age_group", "travel", "departed_at", "arrived_at"}
    ] * 2
    assert [(action["name"], action["allowed"]) for action in found["actions"]] == [("confirm_arrival", True)]
    staff_see = (await api.get(f"cases/{attempt.id}", ZORAN)).json()["state"]
    assert {"counsellor_id", "approved_by", "expressed_at"} <= set(staff_see)


async def test_medical_staff_of_an_office_are_told_what_their_office_is_told(
    mission: Mission, api: Api, register: Register
) -> None:
    nurse = replace(ANKARA, roles=ANKARA.roles | {Role.MEDICAL})
    unapproved, elsewhere = await mission.brought_to("applied"), await mission.brought_to("approved", country="IQ")
    theirs = await mission.brought_to("preparing", *family())
    for attempt, country in ((unapproved, "TR"), (elsewhere, "IQ"), (theirs, "TR")):
        await register.agree(attempt, country)
    for attempt in (unapproved, elsewhere):
        assert problem(await api.get(f"cases/{attempt.id}", nurse)) == (404, "not_found")
    told = [(await api.get(path, by)).json() for path in ("cases", f"cases/{theirs.id}") for by in (nurse, ANKARA)]
    assert told[0] == told[1] and [row["id"] for row in told[0]["items"]] == [str(theirs.id)]
    assert told[2] == told[3] and "counsellor_id" not in told[2]["state"]
    pills = {"support_id": str(uuid7()), "person_id": str(theirs.ids[0]), "need": "medication", "needed_from": "2023-05-02"}
    assert problem(await api.post(f"cases/{theirs.id}/plan-support", pills, nurse)) == (403, "not_permitted")


async def test_an_office_does_not_see_who_withdrew(mission: Mission, api: Api, register: Register) -> None:
    attempt = await mission.brought_to("approved", *family())
    await register.agree(attempt)
    await mission.order(attempt.id, WithdrawPerson(person_id=attempt.ids[1]), ANNA)
    state = (await api.get(f"cases/{attempt.id}", ANKARA)).json()["state"]
    assert [UUID(person["person_id"]) for person in state["persons"]] == [attempt.ids[0]]


@pytest.mark.parametrize("through", ["status", "list", "case"])
async def test_an_office_that_waits_is_told_once_that_nobody_comes_and_not_why(
    mission: Mission, api: Api, register: Register, through: str
) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    await register.agree(attempt)

    async def look(at: datetime = NOON) -> object:
        if through == "status":
            return await told(api, attempt.id, at)
        if through == "list":
            rows = (await api.get("cases", ANKARA, at)).json()["items"]
            assert all(row["persons"] is row["departs_at"] is None for row in rows if row["status"] == "not_coming")
            return [row["status"] for row in rows]
        answer = (await api.get(f"cases/{attempt.id}", ANKARA, at)).json()
        if "state" in answer and answer["state"]["status"] == "not_coming":
            assert (answer["state"]["persons"], answer["state"]["departs_at"], answer["actions"]) == ([], None, [])
        return answer["state"]["status"] if "state" in answer else answer["code"]

    coming, over = ("travel_scheduled", "not_coming"), "not_found"
    expected = [[state] for state in coming] if through == "list" else list(coming)
    assert await look() == expected[0]
    await mission.order(attempt.id, WithdrawCase(), ANNA)
    assert await look() == expected[1]
    # A line that broke loses nothing: for a day the notice stands.
    assert await look(NOON + timedelta(hours=23)) == expected[1]
    assert await look(NOON + timedelta(hours=25)) == ([] if through == "list" else over)
    assert [entry["reason"] for entry in await asked(mission)][:2] == ["told", "told"]
    assert (await mission.verified()).differences == []


async def test_an_office_that_was_told_of_no_arrival_is_told_of_no_end(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("approved")
    await register.agree(attempt)
    assert await told(api, attempt.id) == "in_preparation"
    await mission.order(attempt.id, WithdrawCase(), ANNA)
    assert await told(api, attempt.id) == "not_found"
    assert (await api.get("cases", ANKARA)).json()["items"] == []
    assert (await asked(mission))[1]["reason"] == "ended"


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "going on"])
async def test_a_refusal_does_not_tell_an_office_the_exact_status(
    mission: Mission, api: Api, register: Register, ends: bool
) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    await register.agree(attempt)
    await told(api, attempt.id)
    if ends:
        await mission.order(attempt.id, WithdrawPerson(person_id=attempt.ids[0]), ANNA)
    answer = await api.post(f"cases/{attempt.id}/start-monitoring", {}, ANKARA)
    assert problem(answer) == (409, "not_possible_now")
    assert not [word for word in ("withdrawn", "ready") if word in answer.text]


async def test_an_order_of_an_office_tells_nothing_without_consent(
    mission: Mission, api: Api, register: Register
) -> None:
    unknown, silent = uuid7(), await mission.brought_to("cleared_to_board")
    await mission.depart(silent)
    for case_id, person_id in ((unknown, uuid7()), (silent.id, silent.ids[0]), (silent.id, uuid7())):
        arrival = {"person_id": str(person_id), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
        answer = await api.post(f"cases/{case_id}/confirm-arrival", arrival, ANKARA, ARRIVES)
        assert problem(answer) == (404, "not_found")
        assert "etag" not in answer.headers
        assert problem(await api.post(f"cases/{case_id}/start-monitoring", {}, ANKARA)) == (404, "not_found")
    await register.agree(silent)
    arrival = {"person_id": str(silent.ids[0]), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
    assert (await api.post(f"cases/{silent.id}/confirm-arrival", arrival, ANKARA, ARRIVES)).status_code == 200


async def test_while_nobody_can_say_who_agrees_no_list_is_answered_not_even_an_empty_one(
    mission: Mission, api: Api
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=away)) as nobody:
        APP.state.runtime = runtime(mission, asking(nobody))
        assert problem(await api.get("cases", ANKARA)) == (503, "unavailable")


async def test_while_nobody_can_say_who_agrees_no_order_tells_whether_there_is_a_case(mission: Mission, api: Api) -> None:
    unapproved, approved = await mission.brought_to("applied", *family()), await mission.brought_to("approved")
    # While the office is asked about a child's family, the case is within its reach, and is not there for any other order.
    await mission.order(unapproved.id, AskForFamilyAssessment(inquiry_id=uuid7(), person_id=unapproved.ids[1]), PETRA)
    report = {
        "report_id": str(uuid7()), "final_meeting": "not_held", "contributed_to": ["nothing"], "plan_outcome": "reached",
        "partner_feedback": "mixed", "follow_up": "done",
    }  # fmt: skip
    arrival = {"person_id": str(unapproved.ids[0]), "arrived_at": NOON.isoformat(), "known_by": "met"}
    orders: dict[str, dict[str, Any]] = {
        "confirm-arrival": arrival, "ask-to-confirm-departure": {}, "start-monitoring": {}, "write-final-report": report,
    }  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=away)) as nobody:
        APP.state.runtime = runtime(mission, asking(nobody))
        for order, body in orders.items():
            for case_id in (uuid7(), approved.id, unapproved.id):
                answer = await api.post(f"cases/{case_id}/{order}", body, ANKARA)
                assert problem(answer) == (503, "unavailable"), order


@pytest.mark.parametrize("silent", [False, True], ids=["withdrawn in flight", "nobody answers"])
async def test_an_office_that_was_told_of_an_arrival_confirms_it_whatever_became_of_the_consent(
    mission: Mission, api: Api, register: Register, silent: bool
) -> None:
    attempt, unseen = await mission.brought_to("cleared_to_board"), await mission.brought_to("cleared_to_board")
    for one in (attempt, unseen):
        await register.agree(one)
    assert await told(api, attempt.id) == "travel_scheduled"
    for one in (attempt, unseen):
        await mission.depart(one)
        await register.take_back(one.adults[0])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=away)) as nobody:
        if silent:
            APP.state.runtime = runtime(mission, asking(nobody))
        confirmed = [await _confirm(api, one) for one in (attempt, attempt, unseen)]
        # What is confirmed twice is confirmed once, and the repeat is no error.
        assert [answer.status_code for answer in confirmed] == [200, 200, 503 if silent else 404]
        assert confirmed[0].headers["etag"] == confirmed[1].headers["etag"]
        # What it did see by itself opens nothing else.
        assert problem(await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)) == (404, "not_found")
        monitoring = await api.post(f"cases/{attempt.id}/start-monitoring", {}, ANKARA, ARRIVES)
        assert monitoring.status_code == (503 if silent else 404)
    assert (await mission.case(attempt.id)).status == "arrived"


async def test_an_arrival_is_not_confirmed_before_anybody_left_by_who_was_told_of_it(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await register.agree(attempt)
    assert await told(api, attempt.id) == "travel_scheduled"
    await register.take_back(attempt.adults[0])
    assert problem(await _confirm(api, attempt)) == (404, "not_found")


async def _confirm(api: Api, attempt: Attempt) -> httpx.Response:
    arrival = {"person_id": str(attempt.ids[0]), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
    return await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, ANKARA, ARRIVES)


async def test_a_transfer_whose_last_day_is_over_closes_the_window_by_itself(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("approved")
    await register.agree(attempt, last_day=NOON.date())
    assert await told(api, attempt.id) == "in_preparation"
    over = NOON + timedelta(days=1)
    assert await told(api, attempt.id, over) == "not_found"
    assert (await api.get("cases", ANKARA, over)).json()["items"] == []


async def test_a_page_names_no_case_but_those_it_tells_of(mission: Mission, api: Api, register: Register) -> None:
    hidden, shown = await mission.brought_to("approved"), await mission.brought_to("approved")
    for attempt in (hidden, shown):
        await register.agree(attempt)
    await register.take_back(hidden.adults[0])
    answer = await api.get("cases", ANKARA, limit="1")
    assert [row["id"] for row in answer.json()["items"]] == [str(shown.id)]
    assert answer.json()["next"] is None
    assert str(hidden.id) not in answer.text + str(answer.headers)


async def test_an_office_that_looks_in_vain_does_so_as_seldom_as_it_asks_for_a_status(mission: Mission, api: Api) -> None:
    most = SETTINGS.searches_per_minute
    APP.state.runtime.buckets = Buckets(PEOPLE, lambda: 0)
    answers = [await api.get_in_real_time(f"cases/{uuid7()}", ANKARA) for _ in range(most + 3)]
    assert [answer.status_code for answer in answers] == [404] * most + [429] * 3
    assert len(await asked(mission)) == most


async def test_an_office_looks_at_what_is_its_own_as_often_as_people_do(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    await register.agree(attempt)
    for path in ("cases", "arrivals", f"cases/{attempt.id}"):
        answers = [await api.get_in_real_time(path, ANKARA) for _ in range(SETTINGS.searches_per_minute + 2)]
        assert {answer.status_code for answer in answers} == {200}, path
