"""Who has no browser is signed in by somebody's browser elsewhere, once, strongly, and with no role but those of the command line."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.identity.clients import COMMAND_LINE_CLIENT, COMMAND_LINE_ROLES, DEVICE_GRANT
from ops.identity.devices import INTERVAL_SECONDS, LIFE_SECONDS, SLOWER_SECONDS
from ops.identity.personas import persona
from ops.identity.staff import Staff
from shared.actors import Actor, Role
from tests.unit.ops.identity_provider import ISSUER, Browser, Provider, running

CODES = {"device_code", "user_code", "verification_uri", "expires_in", "interval"}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


@pytest.fixture
def browser(provider: Provider) -> Browser:
    return Browser(provider.app)


async def begun(provider: Provider) -> dict[str, Any]:
    answer = await provider.http.post("/device/authorize", data={"client_id": COMMAND_LINE_CLIENT, "scope": "openid"})
    assert (answer.status_code, set(answer.json())) == (200, CODES)
    found: dict[str, Any] = answer.json()
    return found


async def asked(provider: Provider, codes: dict[str, Any], client_id: str = COMMAND_LINE_CLIENT) -> httpx.Response:
    form = {"grant_type": DEVICE_GRANT, "device_code": codes["device_code"], "client_id": client_id}
    return await provider.http.post("/token", data=form)


async def error_of(provider: Provider, codes: dict[str, Any]) -> str:
    answer = await asked(provider, codes)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    return str(answer.json()["error"])


async def typed(browser: Browser, code: str) -> httpx.Response:
    return await browser.send("/device", user_code=code)


async def signed_in(browser: Browser, code: str, name: str) -> httpx.Response:
    """Types the code, chooses somebody and touches the key."""
    assert (await typed(browser, code)).status_code == 200
    assert "Touch the key" in (await browser.send("/sign-in", persona=name)).text
    return await browser.send("/second-factor")


async def actor(provider: Provider, browser: Browser, name: str) -> Actor:
    codes = await begun(provider)
    assert name in (await signed_in(browser, codes["user_code"], name)).text
    return await provider.tokens.verify((await asked(provider, codes)).json()["access_token"])


async def test_whoever_types_the_code_and_touches_the_key_is_signed_in_where_the_code_was_told(provider: Provider, browser: Browser) -> None:
    codes = await begun(provider)
    assert (codes["verification_uri"], codes["expires_in"], codes["interval"]) == (f"{ISSUER}/device", LIFE_SECONDS, INTERVAL_SECONDS)
    assert 'name="user_code"' in (await browser.http.get("/device")).text
    assert await error_of(provider, codes) == "authorization_pending"
    provider.hands.forward(INTERVAL_SECONDS)
    answer = await signed_in(browser, codes["user_code"].lower().replace("-", " "), "auditor")
    assert "goes on as <strong>auditor</strong>" in answer.text
    given = await asked(provider, codes)
    assert set(given.json()) == {"access_token", "token_type", "expires_in"}
    found = await provider.tokens.verify(given.json()["access_token"])
    assert (found.person_id, found.roles, found.acr, found.auth_time) == ("staff:auditor", frozenset({Role.AUDITOR}), "phr", provider.hands())
    # The code counts once, on both ends.
    assert await error_of(provider, codes) == "invalid_grant"
    assert (await typed(browser, codes["user_code"])).status_code == 400


async def test_whoever_is_signed_in_already_chooses_anew_and_touches_the_key(provider: Provider, browser: Browser) -> None:
    await browser.sign_in("counsellor-3")
    codes = await begun(provider)
    answer = await typed(browser, codes["user_code"])
    assert 'action="/sign-in"' in answer.text
    assert "Go on as" not in answer.text
    assert await error_of(provider, codes) == "authorization_pending"


@pytest.mark.parametrize("name", ["deputy", "counsellor-3", "finance-payer", "manager", "chief-of-mission"])
async def test_a_token_for_the_command_line_bears_the_roles_that_give_orders_there_and_no_other(name: str, provider: Provider, browser: Browser) -> None:
    found, theirs = await actor(provider, browser, name), persona(name)
    assert found.roles == {theirs.role, theirs.also} & COMMAND_LINE_ROLES


async def test_who_asks_too_often_is_told_to_ask_less(provider: Provider) -> None:
    codes = await begun(provider)
    assert await error_of(provider, codes) == "authorization_pending"
    assert await error_of(provider, codes) == "slow_down"
    provider.hands.forward(INTERVAL_SECONDS + SLOWER_SECONDS - 1)
    assert await error_of(provider, codes) == "slow_down"
    provider.hands.forward(INTERVAL_SECONDS + 2 * SLOWER_SECONDS)
    assert await error_of(provider, codes) == "authorization_pending"


async def test_a_code_is_good_for_ten_minutes(provider: Provider, browser: Browser) -> None:
    codes = await begun(provider)
    provider.hands.forward(LIFE_SECONDS - 1)
    assert (await typed(browser, codes["user_code"])).status_code == 200
    provider.hands.forward(1)
    assert await error_of(provider, codes) == "expired_token"
    assert (await typed(browser, codes["user_code"])).status_code == 400
    # Who was on the way is too late as well.
    await browser.send("/sign-in", persona="auditor")
    assert (await browser.send("/second-factor")).status_code == 400


async def test_whoever_gives_it_up_ends_the_waiting(provider: Provider, browser: Browser) -> None:
    codes = await begun(provider)
    await typed(browser, codes["user_code"])
    assert "got nothing" in (await browser.send("/give-up")).text
    assert await error_of(provider, codes) == "access_denied"
    assert await error_of(provider, codes) == "invalid_grant"


async def test_whoever_was_suspended_meanwhile_gives_no_sign_in_away(provider: Provider, browser: Browser) -> None:
    codes = await begun(provider)
    await signed_in(browser, codes["user_code"], "auditor")
    Staff(provider.folder, provider.hands).suspend("auditor")
    assert await error_of(provider, codes) == "access_denied"


@pytest.mark.parametrize("wrong", ["", "BCDF-GHJK", "BCDF-GHJ", "AEIO-UAEI", "%00", "é"])
async def test_a_code_that_nobody_waits_for_leads_nowhere_and_is_not_repeated(wrong: str, provider: Provider, browser: Browser) -> None:
    await begun(provider)
    answer = await typed(browser, wrong)
    assert (answer.status_code, 'action="/sign-in"' in answer.text) == (400, False)
    assert f'value="{wrong}"' not in answer.text


async def test_only_a_program_without_a_secret_begins_and_collects_so(provider: Provider) -> None:
    for client_id in ("", "avrr-portal", "office-tn", "avrr-development", "elsewhere"):
        answer = await provider.http.post("/device/authorize", data={"client_id": client_id})
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
        assert (await asked(provider, await begun(provider), client_id)).json() == {"error": "invalid_client"}
    form = {"grant_type": DEVICE_GRANT, "device_code": "made-up"}
    for login in (provider.login("avrr-portal"), provider.login("office-tn")):
        assert (await provider.http.post("/token", data=form, auth=login)).json() == {"error": "unauthorized_client"}
    # What has no secret has none that could be derived either.
    guessed = await provider.http.post("/token", data=form, auth=provider.login(COMMAND_LINE_CLIENT))
    assert (guessed.status_code, guessed.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize("grant", ["urn:avrr:persona", "authorization_code", "client_credentials", "refresh_token"])
async def test_a_program_without_a_secret_gets_nothing_by_another_grant(grant: str, provider: Provider) -> None:
    form = {"grant_type": grant, "client_id": COMMAND_LINE_CLIENT, "persona": "coordinator", "code": "c", "refresh_token": "r"}
    answer = await provider.http.post("/token", data=form)
    assert (answer.status_code, answer.json()) == (400, {"error": "unauthorized_client"})


async def test_the_provider_says_where_it_begins(provider: Provider) -> None:
    discovery = (await provider.http.get("/.well-known/openid-configuration")).json()
    assert discovery["device_authorization_endpoint"] == f"{ISSUER}/device/authorize"
    assert DEVICE_GRANT in discovery["grant_types_supported"]
    assert "none" in discovery["token_endpoint_auth_methods_supported"]
