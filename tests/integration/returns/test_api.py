"""Returns' API over HTTP with real tokens: who is let in, and what those get to see who prepare a case."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.returns.domain.case import CASE as CASE_DECIDER
from services.returns.domain.case_ref import case_ref
from services.returns.routes import router
from services.returns.wiring import WIRING
from shared.actors import Actor
from shared.endpoints import api_routes, operations_of
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.api import AUDITOR, FINANCE, Api, in_json, problem
from tests.integration.returns.mission import ANNA, BERIN, DEPARTS, EVE, OLEG, ZORAN, Mission, family


def test_every_command_that_people_give_has_one_route_and_no_other_has() -> None:
    people_give = {rule.command for rule in CASE_DECIDER.rules if rule.on == "existing"}
    assert set(operations_of((router,))) == people_give
    # One more is no command: it looks which of the service's own are due.
    assert len([route for route in api_routes((router,)) if "POST" in (route.methods or ())]) == len(people_give) + 1


def test_every_operation_of_the_policy_is_a_route() -> None:
    of_every_service = {"read_events", "read_verification", "read_forms", "read_held", "search_log", "read_event", "read_chain", "export_log"}
    assert {route.name for route in api_routes((router,))} | of_every_service == WIRING.policy.operations


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("approve", {}),
        ("declare-ineligible", {"reason": "not_entitled"}),
        ("clear-to-board", {}),
        ("record-departure", {"person_ids": [str(uuid7())], "departed_at": NOON.isoformat()}),
        ("confirm-arrival", {"person_id": str(uuid7()), "arrived_at": NOON.isoformat(), "known_by": "met"}),
        ("request-closing", {"reason": "completed"}),
    ],
)
async def test_a_counsellor_neither_decides_nor_clears_nor_attests_a_journey(
    mission: Mission, api: Api, path: str, body: dict[str, object]
) -> None:
    attempt = await mission.brought_to("applied")
    assert problem(await api.post(f"cases/{attempt.id}/{path}", body, ANNA)) == (403, "not_permitted")


@pytest.mark.parametrize("reader", [FINANCE, AUDITOR])
async def test_only_those_who_prepare_a_case_read_all_of_it(mission: Mission, api: Api, reader: Actor) -> None:
    attempt = await mission.brought_to("approved")
    for path in (f"cases/{attempt.id}", f"cases/{attempt.id}/departure-gate", "cases"):
        assert problem(await api.get(path, reader)) == (403, "not_permitted")


async def test_a_reader_is_told_what_is_possible_and_why_the_rest_is_not(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    answer = await api.get(f"cases/{attempt.id}", ZORAN)
    actions = {action["name"]: action for action in answer.json()["actions"]}
    assert actions["approve_case"]["allowed"]
    assert actions["clear_to_board"]["reason"] == "not_permitted"
    assert actions["lapse_case"]["reason"] == "too_early_to_lapse"
    assert answer.headers["ETag"] == f'"v{answer.json()["version"]}"'
    counsellor = (await api.get(f"cases/{attempt.id}", ANNA)).json()["actions"]
    assert {action["name"]: action["reason"] for action in counsellor}["approve_case"] == "not_permitted"


async def test_the_gate_names_what_is_missing_and_whose_part_it_is(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("preparing", *family())
    found = (await api.get(f"cases/{attempt.id}/departure-gate", OLEG)).json()
    assert (found["open"], found["boarding"]) == (False, False)
    missing = {line["code"]: line["provider"] for line in found["conditions"] if not line["met"]}
    assert missing == {
        "own_plan_missing": "counsellor", "booking_missing": "operations", "document_missing": "counsellor",
        "exit_formalities_missing": "operations", "other_parent_open": "counsellor",
    }  # fmt: skip
    await mission.make_ready(attempt)
    found = (await api.get(f"cases/{attempt.id}/departure-gate", OLEG, EVE)).json()
    assert [line["code"] for line in found["conditions"] if not line["met"]] == ["voluntariness_not_fresh"]
    await mission.confirm(attempt)
    found = (await api.get(f"cases/{attempt.id}/departure-gate", OLEG, EVE)).json()
    assert (found["open"], found["boarding"]) == (True, True)
    await mission.depart(attempt)
    found = (await api.get(f"cases/{attempt.id}/departure-gate", OLEG, EVE)).json()
    assert (found["open"], found["conditions"]) == (False, [])


async def test_a_case_is_found_by_the_reference_as_people_type_it(mission: Mission, api: Api) -> None:
    attempt = await mission.opened()
    await mission.opened()
    typed = case_ref(attempt.id).lower().replace("-", " ")
    assert [row["id"] for row in (await api.get("cases", ANNA, case_ref=typed)).json()["items"]] == [str(attempt.id)]
    assert (await api.get("cases", ANNA, case_ref="no reference")).json() == {"items": [], "next": None}


async def test_a_page_leads_to_the_next_with_the_same_filters(mission: Mission, api: Api) -> None:
    expected = [str((await mission.opened()).id) for _ in range(3)]
    first = await api.get("cases", ANNA, destination_country="TR", limit="2")
    assert "destination_country=TR" in first.headers["Link"]
    second = await api.get("cases", ANNA, destination_country="TR", limit="2", after=first.json()["next"])
    assert [row["id"] for row in (*first.json()["items"], *second.json()["items"])] == expected
    assert second.json()["next"] is None


async def test_the_figures_are_answered_for_days_in_the_missions_zone(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await mission.depart(attempt)
    await mission.arrive(attempt)
    answer = await api.get("statistics", ZORAN, from_="2023-01-01", to="2023-12-31")
    figures = {figure["key"]: figure for figure in answer.json()["figures"]}
    assert answer.json()["time_zone"] == "Europe/Sarajevo"
    assert figures["returns"] == {"key": "returns", "unit": "persons", "value": 1, "of": 1}
    assert figures["returned_cases"]["unit"] == "cases"
    refused = await api.get("statistics", ZORAN, from_="2023-12-31", to="2023-01-01")
    assert problem(refused) == (409, "period_reversed")


async def test_an_order_over_http_is_refused_by_the_rules_in_words(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    answer = await api.post(f"cases/{attempt.id}/lapse", {"reason": "no_contact"}, ZORAN, NOON + timedelta(days=1))
    assert problem(answer) == (409, "too_early_to_lapse")
    approval = await api.post(f"cases/{attempt.id}/approve", {}, ZORAN)
    assert approval.status_code == 200


async def test_a_list_says_who_goes_and_when_and_leaves_out_what_has_ended(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    other = await mission.opened(counsellor=BERIN)
    ended = await mission.opened()
    withdrawal = await api.post(f"cases/{ended.id}/withdraw", {"reason": "not_stated"}, ANNA)
    assert withdrawal.status_code == 200
    row = (await api.get("cases", OLEG)).json()["items"][0]
    assert (row["persons"], row["departs_at"], row["expressed_at"]) == (2, in_json(DEPARTS), in_json(NOON))
    assert await listed(api, ANNA, mine="true") == [attempt.id, ended.id]
    assert await listed(api, ANNA, mine="true", open="true") == [attempt.id]
    assert await listed(api, OLEG, open="true") == [attempt.id, other.id]
    assert await listed(api, OLEG, mine="true") == []
    assert await listed(api, ANNA, open="true", status="withdrawn") == []
    assert await listed(api, ANNA, open="true", status="intention") == [other.id]


async def listed(api: Api, by: Actor, **filters: str) -> list[UUID]:
    return [UUID(row["id"]) for row in (await api.get("cases", by, NOON, None, **filters)).json()["items"]]
