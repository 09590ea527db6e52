"""The outside of running services: what every answer carries, and what is refused before anybody looks at it closer."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import ceil
from uuid import UUID

import asyncpg
import httpx
import pytest

from ops.ports import next_free
from ops.system import service_child
from services.counselling.domain.person import RegisterPerson
from shared.ids import uuid7
from shared.surroundings import MAX_BODY_BYTES
from shared.topology import COUNSELLING, SERVICES
from tests.e2e.conftest import Mission
from tests.unit.shared.test_http import HEADERS

NAMES = [service.name for service in SERVICES]
SOMEBODY = RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa").model_dump(mode="json")
# Somebody at this site.
COUNSELLOR, COLLEAGUE = "counsellor-3", "counsellor-8"
SECONDS, IN_FLIGHT = 2, 3

each_service = pytest.mark.parametrize("service", NAMES)


@dataclass(frozen=True)
class Strict:
    """A service as it runs in a mission: with the real clock and the limits that people have."""

    mission: Mission
    url: str

    async def ask(self, method: str, path: str, persona: str | None, **more: object) -> httpx.Response:
        headers = {"Idempotency-Key": str(uuid7())}
        if persona is not None:
            headers["Authorization"] = f"Bearer {await self.mission.tokens.token(persona)}"
        return await self.mission.client.request(method, self.url + path, headers=headers, **more)  # type: ignore[arg-type]

    async def register(self, persona: str) -> httpx.Response:
        return await self.ask("POST", f"/v1/persons/{uuid7()}", persona, json=SOMEBODY)


@pytest.fixture(scope="module")
async def strict(mission: Mission) -> AsyncIterator[Strict]:
    async with _running(mission, "strict", {}) as found:
        yield found


@pytest.fixture(scope="module")
async def hurried(mission: Mission) -> AsyncIterator[Strict]:
    """One that gives up soon, and takes few at once."""
    async with _running(mission, "hurried", {"AVRR_REQUEST_SECONDS": str(SECONDS), "AVRR_REQUESTS_IN_FLIGHT": str(IN_FLIGHT)}) as found:
        yield found


@asynccontextmanager
async def _running(mission: Mission, name: str, environment: dict[str, str]) -> AsyncIterator[Strict]:
    port = next_free(9200)
    told = {"AVRR_API_DOCS": "false", **environment}
    # Under a name of its own: others run an API beside this one.
    child = replace(service_child(mission.running, COUNSELLING, "real", "api", port, told), name=f"counselling-{name}")
    await mission.running.add(child)
    yield Strict(mission, f"http://127.0.0.1:{port}")
    await mission.running.stop(child.name)


def headed(answer: httpx.Response) -> bool:
    return all(answer.headers.get_list(name) == [value] for name, value in HEADERS.items()) and bool(
        answer.headers["x-correlation-id"]
    )


async def routes_of(mission: Mission, service: str) -> list[tuple[str, str]]:
    document = (await mission.raw("GET", service, "/v1/openapi.json", None)).json()
    return [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, operations in document["paths"].items()
        for method in operations
    ]


@each_service
async def test_every_route_heads_every_answer_and_every_refusal_is_a_problem(mission: Mission, service: str) -> None:
    routes = await routes_of(mission, service)
    assert len(routes) > 20
    expected: dict[tuple[str, str, str | None], int] = {}
    for method, path in routes:
        expected[method, path, None] = 200 if path in ("/healthz", "/readyz") else 401
        expected["DELETE", path, None] = 405
        expected[method, f"{path}/no/such/path", None] = 404
    expected["GET", "/metrics", None] = expected["GET", "/v1/openapi.json", None] = 200
    expected["GET", "/v1/forms", "counsellor"] = 200
    expected["GET", "/v1/events?limit=1", "auditor"] = 200
    expected["GET", "/v1/events", "counsellor"] = 403
    expected["GET", "/v1/forms?no=1", "counsellor"] = 422
    for (method, path, persona), status in expected.items():
        answer = await mission.raw(method, service, path, persona)
        assert answer.status_code == status, (method, path, persona, answer.text)
        assert headed(answer), (method, path)
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status


@each_service
async def test_equal_refusals_are_equal_in_every_byte(mission: Mission, service: str) -> None:
    answers = [await mission.raw("GET", service, "/v1/forms", None) for _ in range(2)]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/persons/x", "GET, POST"), ("OPTIONS", "/v1/persons/x", "GET, POST"),
        ("GET", "/v1/persons/x/give-consent", "POST"), ("POST", "/v1/sessions", "GET"), ("HEAD", "/healthz", "GET"),
        ("TRACE", "/v1/events", "GET"), ("POST", "/metrics", "GET"), ("POST", "/v1/openapi.json", "GET, HEAD"),
    ],
)  # fmt: skip
async def test_who_asks_by_another_method_is_told_which_there_are(
    mission: Mission, method: str, path: str, allowed: str
) -> None:
    answer = await mission.raw(method, "counselling", path, None)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@each_service
@pytest.mark.parametrize("path", ["/v1/forms/", "/healthz/", "/v1//forms", "/V1/forms", "/docs", "/redoc", "/openapi.json"])
async def test_nobody_is_sent_from_one_address_to_another(mission: Mission, service: str, path: str) -> None:
    assert (await mission.raw("GET", service, path, None)).status_code == 404


@each_service
@pytest.mark.parametrize("path", ["/healthz", "/v1/forms", "/nothing"])
async def test_a_service_answers_to_its_own_names_only(mission: Mission, service: str, path: str) -> None:
    answer = await mission.raw("GET", service, path, "counsellor", Host="mission.example:8001")
    assert (answer.status_code, answer.json()["code"]) == (400, "host_unknown")
    assert headed(answer)


@each_service
async def test_the_other_services_of_a_deployment_may_call_it_by_its_name(mission: Mission, service: str) -> None:
    asked = {name: await mission.raw("GET", service, "/healthz", None, Host=f"{name}:8000") for name in NAMES}
    assert {name for name, answer in asked.items() if answer.status_code == 200} == {service}


@each_service
async def test_a_parameter_that_does_not_exist_or_is_there_twice_is_refused(mission: Mission, service: str) -> None:
    for path in ("/v1/forms?limit=1", "/v1/events?from=0&form=1", "/v1/events?limit=1&limit=2"):
        answer = await mission.raw("GET", service, path, "auditor")
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_body_longer_than_any_command_is_refused(mission: Mission) -> None:
    answer = await mission.raw(
        "POST", "counselling", f"/v1/persons/{uuid7()}", "counsellor", {"x": "x" * MAX_BODY_BYTES},
        Idempotency_Key=str(uuid7()),
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert headed(answer)


async def test_how_the_api_is_asked_is_told_only_where_that_was_wanted(strict: Strict) -> None:
    for path in ("/v1/openapi.json", "/openapi.json", "/docs", "/redoc"):
        answer = await strict.ask("GET", path, "counsellor")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert headed(answer)
    assert (await strict.ask("GET", "/metrics", None)).status_code == 200


async def test_nobody_changes_more_in_a_minute_than_a_person_can(strict: Strict) -> None:
    began = time.monotonic()
    answers = [await strict.register(COUNSELLOR) for _ in range(75)]
    ran_in = ceil(time.monotonic() - began)
    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) <= {201, 429}
    assert 60 <= counted[201] <= 60 + ran_in
    if counted[429]:
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["code"] == "too_many_requests"
        assert int(refused.headers["retry-after"]) >= 1
        assert headed(refused)
    # Nobody else pays for that, and reading is another matter.
    assert (await strict.register(COLLEAGUE)).status_code == 201
    assert (await strict.ask("GET", "/v1/sessions", COUNSELLOR)).status_code == 200


async def test_nobody_takes_more_exports_in_an_hour_than_a_person_needs(strict: Strict) -> None:
    answers = [await strict.ask("GET", "/v1/events?limit=1", "auditor") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 600


async def test_a_request_that_waits_for_a_lock_is_given_up_and_health_answers_meanwhile(strict: Strict, hurried: Strict) -> None:
    person_id = UUID((await strict.register(COLLEAGUE)).json()["id"])
    path = f"/v1/persons/{person_id}"
    async with locked(strict.mission, "persons"):
        answers = await asyncio.gather(*(hurried.ask("GET", path, COLLEAGUE) for _ in range(3 * IN_FLIGHT)))
        codes = Counter(answer.json()["code"] for answer in answers)
        assert {answer.status_code for answer in answers} == {503}
        assert set(codes) <= {"timed_out", "overloaded"}
        assert codes["timed_out"] >= 1
        assert all(int(answer.headers["retry-after"]) >= 1 and headed(answer) for answer in answers)
        assert (await hurried.ask("GET", "/healthz", None)).status_code == 200
    answer = await strict.ask("GET", path, COLLEAGUE)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"v1"')


async def test_a_change_that_was_given_up_can_be_asked_for_again_under_its_key(strict: Strict, hurried: Strict) -> None:
    path, key = f"/v1/persons/{uuid7()}", str(uuid7())
    token = await strict.mission.tokens.token(COLLEAGUE)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    async with locked(strict.mission, "persons"):
        answer = await hurried.mission.client.post(hurried.url + path, json=SOMEBODY, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")
    answer = await strict.mission.client.post(strict.url + path, json=SOMEBODY, headers=headers)
    assert (answer.status_code, answer.json()["repeated"]) == (201, False)


@asynccontextmanager
async def locked(mission: Mission, table: str) -> AsyncIterator[None]:
    """Nobody else gets at a table of counselling's."""
    server = mission.running.postgres
    connection = await asyncpg.connect(server.url_for("counselling", server.user, server.password))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()
