"""Attacks on tokens, new signing keys under load, and an absent provider, against the services as they run."""

import asyncio
import json
import os
import re
import sys
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ops.after_restore.accepting import ACCEPTS
from ops.after_restore.signing_in import signed_in
from ops.identity.client import NoToken, client_token, request_token, rotate_key
from ops.identity.clients import client_of, secret_of
from ops.identity.forging import FORGERIES
from ops.settings import PROJECT, OpsSettings
from ops.supervisor import Running
from ops.system import Addresses, development_secret, identity_folder
from shared.actors import Role
from shared.topology import SERVICES
from tests.e2e.conftest import Mission
from tests.unit.ops.identity_provider import ASKED, CALLBACK, VERIFIER, sent_back

NOBODY = "00000000-0000-7000-8000-000000000000"
PERIOD = "from=2023-01-01&to=2023-12-31"
READS = {
    "counselling": ("counsellor", "/v1/sessions?limit=1"),
    "returns": ("coordinator", "/v1/cases?limit=1"),
    "reintegration": ("finance-approver", "/v1/grants?limit=1"),
}
# A read and a change of each service, and a read that all services have in common: they are guarded in two places.
TARGETS = [
    *((name, "GET", f"/v1/statistics?{PERIOD}") for name in READS),
    *((name, "GET", "/v1/forms") for name in READS),
    ("counselling", "POST", f"/v1/intentions/{NOBODY}"),
    ("returns", "POST", f"/v1/cases/{NOBODY}/approve"),
    ("reintegration", "POST", f"/v1/grants/{NOBODY}/approve"),
]

PER_SECOND = 50
SECONDS = 6
ROTATIONS_AT = (2 * PER_SECOND, 4 * PER_SECOND)
# No more than so many are under way at once: on a slower machine, those who are late would hold up each other.
AT_ONCE = 40


@dataclass(frozen=True)
class House:
    """A system whose provider a test may stop."""

    settings: OpsSettings
    running: Running
    addresses: Addresses
    client: httpx.AsyncClient

    async def token(self, persona: str, forge: str | None = None) -> str:
        secret = development_secret(self.settings)
        return await request_token(self.addresses.issuer, persona, secret, forge=forge, client=self.client)

    async def read(self, service: str, token: str) -> int:
        return (await self._get(service, READS[service][1], token)).status_code

    async def _get(self, service: str, path: str, token: str) -> httpx.Response:
        url = self.addresses.services[service] + path
        return await self.client.get(url, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def house(mission: Mission) -> House:
    """The system that all share: whatever its clock says, tokens are judged by the real one."""
    return House(mission.settings, mission.running, mission.addresses, mission.client)


async def forged(mission: Mission, kind: str) -> str:
    secret = development_secret(mission.settings)
    return await request_token(mission.addresses.issuer, "coordinator", secret, forge=kind, client=mission.client)


def bare(answer: httpx.Response) -> str:
    """A problem without what every request has anew."""
    return json.dumps({name: value for name, value in answer.json().items() if name != "correlation_id"})


def test_there_are_enough_kinds_of_attack() -> None:
    assert len(FORGERIES) >= 30


@pytest.mark.parametrize(("service", "method", "path"), TARGETS, ids=lambda value: str(value).partition("?")[0])
async def test_no_forged_token_is_taken_and_none_is_told_why(
    service: str, method: str, path: str, mission: Mission
) -> None:
    taken, bodies = [], set()
    for kind in FORGERIES:
        answer = await mission.raw(method, service, path, None, Authorization=f"Bearer {await forged(mission, kind)}")
        bodies.add(bare(answer))
        if answer.status_code != 401 or not answer.headers["www-authenticate"].startswith("Bearer"):
            taken.append((kind, answer.status_code))
    assert taken == []
    (body,) = bodies
    assert json.loads(body).keys() == {"type", "title", "status", "code"}
    assert json.loads(body)["code"] == "not_authenticated"


@pytest.mark.parametrize(("service", "method", "path"), TARGETS, ids=lambda value: str(value).partition("?")[0])
async def test_the_same_person_with_a_true_token_gets_further(
    service: str, method: str, path: str, mission: Mission
) -> None:
    answer = await mission.raw(method, service, path, "coordinator")
    # What is beyond the door: the answer itself; for the command that lacks all of its parts, another refusal.
    assert answer.status_code in ({200} if method == "GET" else {403, 422})


@pytest.mark.parametrize("service", READS)
async def test_a_true_token_counts_in_its_own_place_and_alone(service: str, mission: Mission) -> None:
    persona, path = READS[service]
    url, token = mission.addresses.services[service] + path, await mission.tokens.token(persona)
    true = ("Authorization", f"Bearer {token}")
    wrong: list[list[tuple[str, str]]] = [
        [],
        [("Authorization", token)],
        [("Authorization", f"Basic {token}")],
        [("Authorization", "Bearer")],
        [("Authorization", f"Bearer {token} {token}")],
        [("Cookie", f"access_token={token}")],
        [true, ("Authorization", f"Bearer {await forged(mission, 'expired')}")],
        [true, true],
    ]
    for headers in wrong:
        answer = await mission.client.get(url, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), headers[:1]
    joined = f"{url}&access_token={token}"
    assert (await mission.client.get(joined)).status_code == 401
    assert (await mission.client.get(url, headers=[true])).status_code == 200


async def machine(mission: Mission, client_id: str) -> Callable[[str, str], Awaitable[int]]:
    client = client_of(client_id)
    assert client is not None
    secret = secret_of(identity_folder(mission.settings), client)
    token = await client_token(mission.addresses.issuer, client_id, secret, client=mission.client)

    async def read(service: str, path: str) -> int:
        return (await mission.raw("GET", service, path, None, Authorization=f"Bearer {token}")).status_code

    return read


async def test_a_program_does_what_its_one_role_may(mission: Mission) -> None:
    office = await machine(mission, "office-tn")
    assert await office("returns", "/v1/cases?limit=1") == 200
    assert await office("returns", f"/v1/statistics?{PERIOD}") == 403
    service = await machine(mission, "service-returns")
    assert await service("counselling", "/v1/forms") == 200
    assert await service("counselling", f"/v1/statistics?{PERIOD}") == 403


async def test_somebody_who_signs_in_by_the_pages_is_known_to_a_service_and_can_step_up(house: House) -> None:
    issuer = house.addresses.issuer
    portal = client_of("avrr-portal")
    assert portal is not None
    login = ("avrr-portal", secret_of(identity_folder(house.settings), portal))
    # A browser of its own: the cookie belongs to it alone.
    async with httpx.AsyncClient(base_url=issuer, trust_env=False) as browser:

        async def signed_in(*steps: dict[str, str], **more: str) -> str:
            answer = await browser.get("/authorize", params={**ASKED, **more})
            for step in steps:
                found = re.search(r'action="([^"]+)"><input type="hidden" name="waiting" value="([^"]+)"', answer.text)
                assert found, answer.text
                answer = await browser.post(found[1], data={"waiting": found[2], **step})
            form = {
                "grant_type": "authorization_code", "code": sent_back(answer)["code"], "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
            }  # fmt: skip
            return str((await browser.post("/token", data=form, auth=login)).json()["access_token"])

        weak = await signed_in({"persona": "counsellor-1"})
        silent = await signed_in(prompt="none")
        strong = await signed_in({}, acr_values="phr", max_age="300")
    for token in (weak, silent, strong):
        assert await house.read("counselling", token) == 200
    assert [part_of(token, 1)["acr"] for token in (weak, silent, strong)] == ["pwd", "pwd", "phr"]


async def test_somebody_signs_in_for_the_command_line_from_another_computer_and_touches_the_key(house: House, tmp_path: Path) -> None:
    issuer = house.addresses.issuer
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from ops.cli import main; main()", "token", cwd=PROJECT,
        env=os.environ | {"AVRR_DATA": str(tmp_path), "AVRR_OIDC_ISSUER": issuer},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    told = re.fullmatch(r"Open (\S+) on your own computer, type ([A-Z]{4}-[A-Z]{4}) and touch your key\.\n", (await process.stderr.readline()).decode())
    assert told is not None
    assert told[1] == f"{issuer}/device"
    async with httpx.AsyncClient(base_url=issuer, trust_env=False) as browser:
        answer = await browser.post("/device", data={"user_code": told[2]})
        for step in ({"persona": "auditor"}, {}):
            found = re.search(r'action="([^"]+)"><input type="hidden" name="waiting" value="([^"]+)"', answer.text)
            assert found, answer.text
            answer = await browser.post(found[1], data={"waiting": found[2], **step})
        assert "goes on as" in answer.text
    output, _ = await process.communicate()
    # The token alone, as it is put into a variable.
    token = output.decode().removesuffix("\n")
    assert (process.returncode, token.count("."), len(token.split())) == (0, 2, 1)
    settings = OpsSettings(data=house.settings.data_folder, oidc_issuer=issuer)
    async with signed_in(settings, token, *ACCEPTS) as context:
        assert (context.actor.person_id, context.actor.roles) == ("staff:auditor", frozenset({Role.AUDITOR}))
    assert part_of(token, 1)["client_id"] == "avrr-command-line"


async def test_nobody_with_a_true_token_notices_new_keys_even_while_somebody_makes_up_key_ids(house: House) -> None:
    before = {name: await house.token(persona) for name, (persona, _) in READS.items()}
    used: set[object] = set()
    names = list(READS)
    places = asyncio.Semaphore(AT_ONCE)

    async def as_somebody(number: int) -> int:
        # By turns with a token that was just signed, and with one from before all of this.
        name = names[number % len(names)]
        try:
            token = before[name] if number % 2 else await house.token(READS[name][0])
            used.add(part_of(token, 0)["kid"])
            return await house.read(name, token)
        finally:
            places.release()

    async def as_attacker() -> list[int]:
        # Each service fetches the keys because of this, and may not fetch them again before the test is over.
        token = await house.token("coordinator", "kid-unknown")
        return [await house.read(name, token) for name in names]

    await as_attacker()
    running: list[asyncio.Task[int]] = []
    attacks: list[asyncio.Task[list[int]]] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(PER_SECOND * SECONDS):
        # The next one starts when it is due, whether or not the one before was answered.
        await places.acquire()
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - loop.time()))
        if number in ROTATIONS_AT:
            await rotate_key(house.addresses.issuer, development_secret(house.settings), client=house.client)
        if number % PER_SECOND == 0:
            attacks.append(asyncio.create_task(as_attacker()))
        running.append(asyncio.create_task(as_somebody(number)))
    assert Counter(await asyncio.gather(*running)) == {200: PER_SECOND * SECONDS}
    assert {status for attack in await asyncio.gather(*attacks) for status in attack} == {401}
    assert len(used) == 1 + len(ROTATIONS_AT)


async def test_an_absent_provider_keeps_nobody_out_who_has_a_token_and_is_found_again(house: House) -> None:
    held = {name: await house.token(persona) for name, (persona, _) in READS.items()}
    made_up = await house.token("coordinator", "kid-unknown")
    for name, token in held.items():
        assert await house.read(name, token) == 200
    pids = {service.name: house.running.pid(service.name) for service in SERVICES}
    await house.running.stop("identity")
    try:
        with pytest.raises(NoToken, match="unreachable"):
            await house.token("coordinator")
        for name, token in held.items():
            assert await house.read(name, made_up) == 401
            assert await house.read(name, token) == 200
    finally:
        await house.running.start("identity")
    for name, (persona, _) in READS.items():
        assert await house.read(name, await house.token(persona)) == 200
        assert await house.read(name, held[name]) == 200
    assert {service.name: house.running.pid(service.name) for service in SERVICES} == pids


def part_of(token: str, number: int) -> dict[str, object]:
    part = token.split(".")[number]
    found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(found, dict)
    return found
