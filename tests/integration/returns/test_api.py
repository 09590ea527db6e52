"""Returns' API over HTTP with real tokens: who is let in, and what a receiving office gets to see."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import SecretStr

from services.returns.domain.case import CASE as CASE_DECIDER
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_withdrawal import WithdrawPerson
from services.returns.routes import router
from services.returns.wiring import WIRING
from shared.actors import Actor
from shared.auth import Tokens
from shared.clock import Clock
from shared.endpoints import api_routes, operations_of
from shared.http import Runtime
from shared.ids import uuid7
from shared.jwks import VerificationKey, usable_keys
from shared.service import create_app
from shared.settings import Settings
from tests.given import NOON, staff
from tests.integration.returns.mission import ANKARA, ANNA, ARRIVES, EVE, OLEG, ZORAN, Mission, family

BAGHDAD = staff("sara", "receiving_office", countries=("IQ",))
FINANCE = staff("lejla", "finance_approver", "finance_payer")
AUDITOR = staff("amra", "auditor")
KEY = ECKey.generate_key("P-256", {"kid": "test"})
SETTINGS = Settings(
    oidc_issuer="https://identity.example", nats_url="nats://127.0.0.1:4222", clock="replay",
    api_database_url=SecretStr("postgresql://nowhere"), worker_database_url=SecretStr("postgresql://nowhere"),
)  # fmt: skip
APP = create_app(WIRING, (router,), SETTINGS)


class Keys:
    """The provider's published keys, at hand."""

    async def key(self, kid: str) -> VerificationKey | None:
        return usable_keys({"keys": [KEY.as_dict(private=False)]}, frozenset({"ES256"})).get(kid)


class Api:
    """The service's routes; each request is made by somebody, at the time that a test says."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, by: Actor, at: datetime = NOON, **query: str) -> httpx.Response:
        named = {name.removesuffix("_"): value for name, value in query.items()}
        return await self._client.get(f"/v1/{path}", params=named, headers=self._headers(by, at))

    async def post(self, path: str, body: Mapping[str, object], by: Actor, at: datetime = NOON) -> httpx.Response:
        headers = {**self._headers(by, at), "Idempotency-Key": str(uuid7())}
        return await self._client.post(f"/v1/{path}", json=body, headers=headers)

    @staticmethod
    def _headers(by: Actor, at: datetime) -> dict[str, str]:
        second = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": SETTINGS.oidc_issuer, "aud": SETTINGS.oidc_audience, "sub": by.person_id, "iat": second,
            "exp": second + 300, "roles": sorted(by.roles), "org": by.organisation, "countries": sorted(by.countries),
            "sites": [], "acr": by.acr, "auth_time": second - 60,
        }  # fmt: skip
        token = jwt.encode({"alg": "ES256", "kid": "test", "typ": "at+jwt"}, claims, KEY)
        return {"Authorization": f"Bearer {token}", "Avrr-Now": at.isoformat()}


@pytest.fixture
async def api(mission: Mission) -> AsyncIterator[Api]:
    APP.state.runtime = Runtime(
        service="returns", database=mission.database.api,
        tokens=Tokens(SETTINGS, Keys(), lambda: datetime.now(UTC)), clock=Clock("replay"), policy=WIRING.policy,
        operations=operations_of((router,)), refusals=WIRING.refusals,
    )  # fmt: skip
    transport = httpx.ASGITransport(app=APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://returns.test") as client:
        yield Api(client)


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_every_command_that_people_give_has_one_route_and_no_other_has() -> None:
    people_give = {rule.command for rule in CASE_DECIDER.rules if rule.on == "existing"}
    assert set(operations_of((router,))) == people_give
    assert len([route for route in api_routes((router,)) if "POST" in (route.methods or ())]) == len(people_give)


def test_every_operation_of_the_policy_is_a_route() -> None:
    of_every_service = {"read_events", "read_forms"}
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


@pytest.mark.parametrize("reader", [ANKARA, FINANCE, AUDITOR])
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


async def test_to_a_receiving_office_a_case_does_not_exist_before_approval(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    arrival = {"person_id": str(attempt.ids[0]), "arrived_at": NOON.isoformat(), "known_by": "met"}
    unknown = uuid7()
    for case_id in (attempt.id, unknown):
        read = await api.get(f"receiving-office/cases/{case_id}", ANKARA)
        order = await api.post(f"cases/{case_id}/confirm-arrival", arrival, ANKARA)
        assert (problem(read), problem(order)) == ((404, "not_found"), (404, "not_found"))
    assert (await api.get("receiving-office/cases", ANKARA)).json() == {"items": [], "next": None}
    await mission.approve(attempt)
    assert (await api.get(f"receiving-office/cases/{attempt.id}", ANKARA)).status_code == 200


async def test_to_a_receiving_office_of_another_country_a_case_does_not_exist(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await mission.depart(attempt)
    arrival = {"person_id": str(attempt.ids[0]), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
    assert problem(await api.get(f"receiving-office/cases/{attempt.id}", BAGHDAD)) == (404, "not_found")
    order = await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, BAGHDAD, ARRIVES)
    assert problem(order) == (404, "not_found")
    assert (await api.get("receiving-office/cases", BAGHDAD)).json()["items"] == []
    assert (await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, ANKARA, ARRIVES)).status_code == 200


async def test_a_receiving_office_sees_who_comes_and_nothing_of_how_it_was_decided(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    found: dict[str, Any] = (await api.get(f"receiving-office/cases/{attempt.id}", ANKARA)).json()
    state = found["state"]
    assert set(state) == {"case_ref", "state", "destination_country", "persons", "departs_at", "arrives_at"}
    assert state["state"] == "travel_scheduled"
    assert [set(person) for person in state["persons"]] == [
        {"person_id", "sex", "age_group", "travel", "departed_at", "arrived_at"}
    ] * 2
    assert found["actions"] == [
        {"name": "confirm_arrival", "label": "Confirm an arrival", "allowed": True, "reason": None, "sentence": None}
    ]
    row = (await api.get("receiving-office/cases", ANKARA, state="travel_scheduled")).json()["items"][0]
    assert row == {
        "id": str(attempt.id), "case_ref": case_ref(attempt.id), "state": "travel_scheduled",
        "destination_country": "TR",
    }  # fmt: skip


async def test_a_receiving_office_does_not_see_who_withdrew(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("approved", *family())
    await mission.order(attempt.id, WithdrawPerson(person_id=attempt.ids[1]), ANNA)
    state = (await api.get(f"receiving-office/cases/{attempt.id}", ANKARA)).json()["state"]
    assert [UUID(person["person_id"]) for person in state["persons"]] == [attempt.ids[0]]


async def test_the_gate_names_what_is_missing_and_whose_part_it_is(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("preparing", *family())
    found = (await api.get(f"cases/{attempt.id}/departure-gate", OLEG)).json()
    assert (found["open"], found["boarding"]) == (False, False)
    missing = {line["code"]: line["provider"] for line in found["conditions"] if not line["met"]}
    assert missing == {"own_plan_missing": "counsellor", "booking_missing": "operations", "document_missing": "counsellor"}
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


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "going on"])
async def test_a_refusal_does_not_tell_a_receiving_office_the_exact_status(
    mission: Mission, api: Api, ends: bool
) -> None:
    attempt = await mission.brought_to("preparing")
    if ends:
        await mission.order(attempt.id, WithdrawPerson(person_id=attempt.ids[0]), ANNA)
    arrival = {"person_id": str(attempt.ids[0]), "arrived_at": NOON.isoformat(), "known_by": "met"}
    answers = [
        await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, ANKARA),
        await api.post(f"cases/{attempt.id}/start-monitoring", {}, ANKARA),
    ]
    for answer in answers:
        assert answer.status_code == 409
        assert not [word for word in ("withdrawn", "preparation") if word in answer.text]
    assert answers[1].json()["code"] == ("case_ended" if ends else "wrong_status")
