"""Refresh tokens of the development provider: each counts once, and a sign-in that goes on stays the sign-in it was."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ops.identity.refreshing import IDLE_SECONDS, LONGEST_SECONDS
from tests.unit.ops.identity_provider import NOW, Browser, Provider, running


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


@pytest.fixture
def browser(provider: Provider) -> Browser:
    return Browser(provider.app)


async def begun(provider: Provider, browser: Browser, persona: str = "counsellor-3") -> dict[str, str]:
    answer = await provider.exchange(await browser.sign_in(persona))
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


async def renewed(provider: Provider, token: str, client_id: str = "avrr-portal") -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await provider.http.post("/token", data=form, auth=provider.login(client_id))


async def test_a_sign_in_goes_on_with_another_token_each_time_and_stays_what_it_was(
    provider: Provider, browser: Browser
) -> None:
    found = await begun(provider, browser, "finance-approver")
    seen = {found["refresh_token"]}
    for _ in range(3):
        provider.hands.forward(240)
        answer = await renewed(provider, found["refresh_token"])
        assert answer.status_code == 200
        found = answer.json()
        seen.add(found["refresh_token"])
    assert len(seen) == 4
    actor = await provider.tokens.verify(found["access_token"])
    assert (actor.person_id, actor.acr, actor.auth_time) == ("staff:finance-approver", "phr", NOW)


async def test_a_token_that_comes_a_second_time_ends_the_chain(provider: Provider, browser: Browser) -> None:
    first = (await begun(provider, browser))["refresh_token"]
    second = (await renewed(provider, first)).json()["refresh_token"]
    assert (await renewed(provider, first)).json() == {"error": "invalid_grant"}
    assert (await renewed(provider, second)).json() == {"error": "invalid_grant"}


async def test_a_chain_ends_when_nobody_uses_it(provider: Provider, browser: Browser) -> None:
    token = (await begun(provider, browser))["refresh_token"]
    provider.hands.forward(IDLE_SECONDS)
    assert (await renewed(provider, token)).json() == {"error": "invalid_grant"}


async def test_a_chain_ends_after_a_working_day_however_often_it_is_used(provider: Provider, browser: Browser) -> None:
    token = (await begun(provider, browser))["refresh_token"]
    used = 0
    while (answer := await renewed(provider, token)).status_code == 200:
        token, used = answer.json()["refresh_token"], used + 1
        provider.hands.forward(600)
    assert used == LONGEST_SECONDS // 600


async def test_a_chain_ends_with_the_persons_sign_in_and_with_somebody_elses(provider: Provider, browser: Browser) -> None:
    token = (await begun(provider, browser))["refresh_token"]
    await browser.ask(prompt="login")
    await browser.send("/sign-in", persona="counsellor-4")
    assert (await renewed(provider, token)).json() == {"error": "invalid_grant"}
    token = (await begun(provider, browser))["refresh_token"]
    await browser.http.post("/end-session")
    assert (await renewed(provider, token)).json() == {"error": "invalid_grant"}


async def test_nobody_else_and_nothing_else_renews(provider: Provider, browser: Browser) -> None:
    token = (await begun(provider, browser))["refresh_token"]
    assert (await renewed(provider, token, "office-tn")).json() == {"error": "unauthorized_client"}
    assert (await renewed(provider, "made-up")).json() == {"error": "invalid_grant"}
    answer = await provider.http.post(
        "/token", data={"grant_type": "refresh_token"}, auth=provider.login("avrr-portal")
    )
    assert answer.json() == {"error": "invalid_request"}
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert (await provider.http.post("/token", data=form)).status_code == 401
    assert (await renewed(provider, token)).status_code == 200
