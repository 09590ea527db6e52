"""What every service's API promises: one shape of refusals, repeats that do no harm, versions, pages, the log."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.counselling.domain.person import RegisterPerson
from services.counselling.domain.session import HoldSession
from shared.ids import uuid7
from shared.tlog.tree import leaf_hash
from tests.e2e.conftest import Mission

NOW = datetime(2023, 5, 2, 12, 0, tzinfo=UTC)
SERVICES = ("counselling", "returns", "reintegration")


def somebody() -> RegisterPerson:
    return RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa")


async def test_every_refusal_has_the_same_shape(mission: Mission) -> None:
    person_id = uuid7()
    body = somebody().model_dump(mode="json")
    answers = {
        "not_authenticated": await mission.raw("GET", "counselling", f"/v1/persons/{person_id}", None),
        "not_permitted": await mission.raw("GET", "counselling", f"/v1/persons/{person_id}", "finance-payer"),
        "not_found": await mission.raw("GET", "counselling", f"/v1/persons/{person_id}", "counsellor"),
        "malformed": await mission.raw(
            "POST", "counselling", f"/v1/persons/{person_id}", "counsellor", {**body, "sex": "secret-value"},
            Idempotency_Key=str(uuid7()),
        ),
        "idempotency_key_required": await mission.raw(
            "POST", "counselling", f"/v1/persons/{person_id}", "counsellor", body
        ),
        "method_not_allowed": await mission.raw("DELETE", "counselling", f"/v1/persons/{person_id}", "counsellor"),
    }  # fmt: skip
    for code, answer in answers.items():
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert (problem["code"], problem["status"]) == (code, answer.status_code)
        assert problem["type"] == f"urn:avrr:problem:{code}"
        assert answer.headers["x-correlation-id"]
        assert problem["title"]
        assert "secret-value" not in answer.text


async def test_the_name_of_a_field_that_does_not_exist_is_not_repeated(mission: Mission) -> None:
    answer = await mission.raw(
        "POST", "counselling", f"/v1/persons/{uuid7()}", "counsellor",
        {**somebody().model_dump(mode="json"), "a-migrants-name": "x"}, Idempotency_Key=str(uuid7()),
    )  # fmt: skip
    assert answer.status_code == 422
    assert "a-migrants-name" not in answer.text


async def test_a_repeat_under_the_same_key_gets_the_same_answer_and_another_body_is_refused(mission: Mission) -> None:
    person_id, key = uuid7(), str(uuid7())
    first = await mission.give("counselling", "counsellor", person_id, somebody(), NOW, key)
    again = await mission.give("counselling", "counsellor", person_id, somebody(), NOW, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["etag"] == again.headers["etag"] == '"v1"'
    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    other = somebody().model_copy(update={"birth_year": 1991})
    refused = await mission.give("counselling", "counsellor", person_id, other, NOW, key)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")


async def test_whoever_read_an_older_version_is_told_that_it_is_stale(mission: Mission) -> None:
    person_id = uuid7()
    await mission.done("counselling", "counsellor", person_id, somebody(), NOW)
    consent = {
        "consent": "data", "text_version": "v1", "language": "tur", "method": "signature",
        "given_at": "2023-05-02T10:00:00Z",
    }  # fmt: skip
    path = f"/v1/persons/{person_id}/give-consent"
    common = {"Avrr_Now": NOW.isoformat()}
    stale = await mission.raw(
        "POST", "counselling", path, "counsellor", consent, Idempotency_Key=str(uuid7()), If_Match='"v7"', **common
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    fresh = await mission.raw(
        "POST", "counselling", path, "counsellor", consent, Idempotency_Key=str(uuid7()), If_Match='"v1"', **common
    )
    assert (fresh.status_code, fresh.headers["etag"]) == (200, '"v2"')


async def test_a_resource_tells_its_reader_what_may_be_done_and_why_not(mission: Mission) -> None:
    person_id = uuid7()
    await mission.done("counselling", "counsellor", person_id, somebody(), NOW)
    answer = await mission.read("counselling", "counsellor", f"/v1/persons/{person_id}")
    actions = {action["name"]: action for action in answer.json()["actions"]}
    assert actions["give_consent"]["allowed"] is True
    assert actions["withdraw_consent"] == {
        "name": "withdraw_consent", "label": "Take a consent back", "allowed": False, "reason": "no_such_consent",
        "sentence": "There is no active consent of this kind that could be taken back.", "step_up": False,
    }  # fmt: skip
    protection = await mission.read("counselling", "protection", f"/v1/persons/{person_id}")
    reasons = {action["name"]: action["reason"] for action in protection.json()["actions"]}
    assert reasons["give_consent"] == reasons["record_identity"] == "not_permitted"


async def test_a_list_is_read_page_by_page_to_its_end(mission: Mission) -> None:
    made = set()
    for _ in range(5):
        session_id = uuid7()
        order = HoldSession(
            session_type="individual", modality="phone", site="remote", language="tur", interpreter="none", present=("not_known",),
            held_at=NOW, outcome="information_only",
        )  # fmt: skip
        await mission.done("counselling", "counsellor-12", session_id, order, NOW)
        made.add(str(session_id))
    seen: list[str] = []
    path: str | None = "/v1/sessions?limit=2"
    while path is not None:
        answer = await mission.read("counselling", "counsellor-12", path)
        seen += [item["id"] for item in answer.json()["items"]]
        link = answer.headers.get("link")
        path = link.partition("<")[2].partition(">")[0] if link else None
    assert made <= set(seen)
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("service", SERVICES)
async def test_an_auditor_gets_the_log_byte_for_byte_and_nobody_else_does(mission: Mission, service: str) -> None:
    answer = await mission.read(service, "auditor", "/v1/events?from=0&limit=50")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    for leaf in answer.content.splitlines():
        event = json.loads(leaf)
        assert leaf == json.dumps(event, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        assert UUID(event["id"]).version == 7
        assert len(leaf_hash(leaf)) == 32
    assert (await mission.read(service, "counsellor", "/v1/events")).status_code == 403


async def test_a_body_that_cannot_be_read_is_not_looked_at_before_the_caller_is_known(mission: Mission) -> None:
    url = f"{mission.addresses.services['counselling']}/v1/persons/{uuid7()}"
    answer = await mission.client.post(url, content=b"{not json", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_without_a_token_learns_anything(mission: Mission, service: str) -> None:
    openapi = (await mission.raw("GET", service, "/v1/openapi.json", None)).json()
    for path, operations in openapi["paths"].items():
        for method in operations:
            if path in ("/healthz", "/readyz"):
                continue
            answer = await mission.raw(method.upper(), service, path.replace("{", "").replace("}", ""), None, {})
            assert answer.status_code == 401, (method, path, answer.status_code)
            assert answer.headers["www-authenticate"] == "Bearer"
