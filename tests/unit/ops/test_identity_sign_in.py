"""Signing in: what the portal and the services get, when a person is asked again, what ends it, how pages are made."""

import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from joserfc.jws import extract_compact

from ops.identity.personas import PERSONAS
from ops.identity.sign_in import BROWSER_SECONDS, WAITING_SECONDS
from shared.actors import Role
from shared.auth import BadToken
from tests.unit.ops.identity_provider import (
    ASKED,
    ISSUER,
    NOW,
    Browser,
    Provider,
    running,
    sent_back,
)

SECOND = int(NOW.timestamp())


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


@pytest.fixture
def browser(provider: Provider) -> Browser:
    return Browser(provider.app)


def said(id_token: str) -> dict[str, object]:
    claims = json.loads(extract_compact(id_token.encode()).payload)
    assert isinstance(claims, dict)
    return claims


async def tokens(provider: Provider, code: str, **changes: str) -> dict[str, str]:
    answer = await provider.exchange(code, **changes)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


async def test_somebody_signs_in_and_the_services_know_them(provider: Provider, browser: Browser) -> None:
    page = await browser.ask()
    assert page.status_code == 200
    back = sent_back(await browser.send("/sign-in", persona="counsellor-3"))
    assert back.keys() == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == (ASKED["state"], ISSUER)
    answer = await provider.exchange(back["code"])
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found.keys() == {"access_token", "id_token", "refresh_token", "token_type", "expires_in", "scope"}
    actor = await provider.tokens.verify(found["access_token"])
    assert (actor.person_id, actor.roles, actor.acr, actor.auth_time) == (
        "staff:counsellor-3", frozenset({Role.COUNSELLOR}), "pwd", NOW,
    )  # fmt: skip
    assert said(found["id_token"]) == {
        "iss": ISSUER, "sub": "staff:counsellor-3", "aud": "avrr-portal", "iat": SECOND, "exp": SECOND + 300,
        "nonce": ASKED["nonce"], "name": "counsellor-3", "acr": "pwd", "auth_time": SECOND,
        "roles": ["counsellor"], "org": "iom_ba", "countries": ["BA"], "sites": ["trc_lipa"],
    }  # fmt: skip


async def test_an_id_token_opens_no_service(provider: Provider, browser: Browser) -> None:
    found = await tokens(provider, await browser.sign_in("counsellor-3"))
    with pytest.raises(BadToken, match="type_wrong"):
        await provider.tokens.verify(found["id_token"])


@pytest.mark.parametrize("kind", ["receiving-office", "consular-post"])
@pytest.mark.parametrize("country", ["TN", "tn", " Tn "])
async def test_somebody_abroad_signs_in_by_their_country(
    kind: str, country: str, provider: Provider, browser: Browser
) -> None:
    await browser.ask()
    back = sent_back(await browser.send("/sign-in", kind=kind, country=country))
    actor = await provider.tokens.verify((await tokens(provider, back["code"]))["access_token"])
    assert (actor.person_id, actor.countries) == (f"staff:{kind}-tn", frozenset({"TN"}))


async def test_the_second_person_abroad_is_another_one(provider: Provider, browser: Browser) -> None:
    await browser.ask()
    back = sent_back(await browser.send("/sign-in", kind="receiving-office", country="TN", second="yes"))
    actor = await provider.tokens.verify((await tokens(provider, back["code"]))["access_token"])
    assert (actor.person_id, actor.countries) == ("staff:receiving-office-tn-2", frozenset({"TN"}))


async def test_a_country_that_does_not_exist_is_asked_for_again(browser: Browser) -> None:
    await browser.ask()
    page = await browser.send("/sign-in", kind="receiving-office", country="<b>")
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert "<b>" not in page.text
    assert sent_back(await browser.send("/sign-in", kind="receiving-office", country="TN"))["code"]


async def test_a_role_that_always_uses_a_key_is_asked_to_touch_it(provider: Provider, browser: Browser) -> None:
    await browser.ask()
    page = await browser.send("/sign-in", persona="finance-approver")
    assert 'action="/second-factor"' in page.text
    provider.hands.forward(20)
    back = sent_back(await browser.send("/second-factor"))
    actor = await provider.tokens.verify((await tokens(provider, back["code"]))["access_token"])
    assert (actor.acr, actor.auth_time) == ("phr", provider.hands())


async def test_a_key_is_not_touched_for_somebody_who_was_not_chosen(browser: Browser) -> None:
    await browser.ask()
    assert (await browser.send("/second-factor")).status_code == 400


async def test_whoever_is_signed_in_is_not_asked_again(provider: Provider, browser: Browser) -> None:
    await browser.sign_in("counsellor-3")
    provider.hands.forward(3600)
    for changes in ({}, {"prompt": "none"}, {"max_age": "3600"}, {"acr_values": "pwd"}):
        back = sent_back(await browser.ask(**changes))
        claims = said((await tokens(provider, back["code"]))["id_token"])
        assert (claims["sub"], claims["auth_time"]) == ("staff:counsellor-3", SECOND)


async def test_a_silent_renewal_never_shows_a_page(provider: Provider, browser: Browser) -> None:
    assert sent_back(await browser.ask(prompt="none"))["error"] == "login_required"
    await browser.sign_in("counsellor-3")
    assert sent_back(await browser.ask(prompt="none", acr_values="phr"))["error"] == "interaction_required"
    provider.hands.forward(61)
    assert sent_back(await browser.ask(prompt="none", max_age="60"))["error"] == "login_required"
    assert sent_back(await browser.ask(prompt="none"))["code"]


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "59"}])
async def test_a_fresh_sign_in_can_be_demanded(
    changes: dict[str, str], provider: Provider, browser: Browser
) -> None:
    await browser.sign_in("counsellor-3")
    provider.hands.forward(60)
    page = await browser.ask(**changes)
    assert page.status_code == 200
    back = sent_back(await browser.send("/sign-in", persona="counsellor-3"))
    assert said((await tokens(provider, back["code"]))["id_token"])["auth_time"] == SECOND + 60


async def test_no_age_at_all_is_always_too_old(browser: Browser) -> None:
    await browser.sign_in("counsellor-3")
    assert (await browser.ask(max_age="0")).status_code == 200
    assert sent_back(await browser.ask(prompt="none", max_age="0"))["error"] == "login_required"


async def test_stepping_up_asks_the_same_person_for_the_key_alone(provider: Provider, browser: Browser) -> None:
    await browser.sign_in("counsellor-3")
    provider.hands.forward(60)
    page = await browser.ask(acr_values="phr")
    assert 'action="/second-factor"' in page.text
    assert "counsellor-3" in page.text
    back = sent_back(await browser.send("/second-factor"))
    claims = said((await tokens(provider, back["code"]))["id_token"])
    assert (claims["sub"], claims["acr"], claims["auth_time"]) == ("staff:counsellor-3", "phr", SECOND + 60)


async def test_a_touch_does_not_stay_fresh(provider: Provider, browser: Browser) -> None:
    await browser.sign_in("finance-approver")
    provider.hands.forward(301)
    assert sent_back(await browser.ask(acr_values="phr"))["code"]
    page = await browser.ask(acr_values="phr", max_age="300")
    assert 'action="/second-factor"' in page.text
    back = sent_back(await browser.send("/second-factor"))
    assert said((await tokens(provider, back["code"]))["id_token"])["auth_time"] == SECOND + 301


async def test_a_weaker_sign_in_leaves_nothing_of_an_earlier_touch(provider: Provider, browser: Browser) -> None:
    await browser.sign_in("counsellor-3", acr_values="phr")
    provider.hands.forward(60)
    await browser.ask(prompt="login")
    back = sent_back(await browser.send("/sign-in", persona="counsellor-3"))
    claims = said((await tokens(provider, back["code"]))["id_token"])
    assert (claims["acr"], claims["auth_time"]) == ("pwd", SECOND + 60)


async def test_whoever_turns_back_is_sent_back(browser: Browser) -> None:
    await browser.ask()
    assert sent_back(await browser.send("/give-up"))["error"] == "access_denied"
    await browser.sign_in("counsellor-3")
    await browser.ask(acr_values="phr")
    back = sent_back(await browser.send("/give-up"))
    assert (back["error"], back["state"]) == ("unmet_authentication_requirements", ASKED["state"])
    assert (await browser.send("/second-factor")).status_code == 400


async def test_a_form_is_finished_once_in_its_own_browser_and_in_time(provider: Provider, browser: Browser) -> None:
    await browser.ask()
    stranger = Browser(provider.app)
    stranger.waiting = browser.waiting
    assert (await stranger.send("/sign-in", persona="counsellor-3")).status_code == 400
    await stranger.ask()
    stranger.waiting = browser.waiting
    assert (await stranger.send("/sign-in", persona="counsellor-3")).status_code == 400
    assert sent_back(await browser.send("/sign-in", persona="counsellor-3"))["code"]
    again = await browser.send("/sign-in", persona="counsellor-3")
    assert again.status_code == 400
    assert "location" not in again.headers
    await browser.ask(prompt="login")
    provider.hands.forward(WAITING_SECONDS)
    assert (await browser.send("/sign-in", persona="counsellor-3")).status_code == 400


async def test_a_sign_in_changes_the_cookie_and_the_old_one_opens_nothing(provider: Provider, browser: Browser) -> None:
    asked = await browser.ask()
    fixed = dict(browser.http.cookies)
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert attribute in asked.headers["set-cookie"]
    await browser.send("/sign-in", persona="counsellor-3")
    assert dict(browser.http.cookies).keys() == fixed.keys()
    assert dict(browser.http.cookies) != fixed
    thief = Browser(provider.app)
    thief.http.cookies.update(fixed)
    assert sent_back(await thief.ask(prompt="none"))["error"] == "login_required"


async def test_two_tabs_of_a_browser_do_not_disturb_each_other(provider: Provider, browser: Browser) -> None:
    await browser.ask()
    first = browser.waiting
    await browser.ask(state="another-state")
    await browser.send("/sign-in", persona="counsellor-3")
    browser.waiting = first
    assert sent_back(await browser.send("/sign-in", persona="counsellor-3"))["state"] == ASKED["state"]


async def test_a_sign_in_ends_by_itself(provider: Provider, browser: Browser) -> None:
    await browser.sign_in("counsellor-3")
    provider.hands.forward(BROWSER_SECONDS)
    assert sent_back(await browser.ask(prompt="none"))["error"] == "login_required"


async def test_signing_out_with_the_id_token_ends_everything_at_once(provider: Provider, browser: Browser) -> None:
    found = await tokens(provider, await browser.sign_in("counsellor-3"))
    left = sent_back(await browser.ask(prompt="none"))["code"]
    provider.hands.forward(30)
    out = {
        "client_id": "avrr-portal", "id_token_hint": found["id_token"], "state": "bye",
        "post_logout_redirect_uri": "http://127.0.0.1:8000/signed-out",
    }  # fmt: skip
    answer = await browser.http.get("/end-session", params=out)
    assert sent_back(answer, "http://127.0.0.1:8000/signed-out") == {"state": "bye"}
    assert sent_back(await browser.ask(prompt="none"))["error"] == "login_required"
    assert (await provider.exchange(left)).json() == {"error": "invalid_grant"}


async def test_an_id_token_that_has_expired_still_signs_out(provider: Provider, browser: Browser) -> None:
    found = await tokens(provider, await browser.sign_in("counsellor-3"))
    provider.hands.forward(3600)
    out = {"client_id": "avrr-portal", "id_token_hint": found["id_token"], "post_logout_redirect_uri": "http://localhost:8000/"}
    assert sent_back(await browser.http.get("/end-session", params=out), "http://localhost:8000/") == {}


async def test_nobody_is_signed_out_by_a_link_without_proof(provider: Provider, browser: Browser) -> None:
    other = (await tokens(provider, await Browser(provider.app).sign_in("manager")))["id_token"]
    access = (await tokens(provider, await browser.sign_in("counsellor-3")))["access_token"]
    for hint in ({}, {"id_token_hint": other}, {"id_token_hint": "made-up"}, {"id_token_hint": access}):
        out = {"client_id": "avrr-portal", "post_logout_redirect_uri": "http://127.0.0.1:8000/", **hint}
        page = await browser.http.get("/end-session", params=out)
        assert page.status_code == 200
        assert 'action="/end-session"' in page.text
    assert sent_back(await browser.ask(prompt="none"))["code"]
    assert (await browser.http.post("/end-session")).status_code == 200
    assert sent_back(await browser.ask(prompt="none"))["error"] == "login_required"


async def test_after_signing_out_nobody_is_sent_to_an_unknown_address(provider: Provider, browser: Browser) -> None:
    found = await tokens(provider, await browser.sign_in("counsellor-3"))
    out = {"client_id": "avrr-portal", "id_token_hint": found["id_token"], "post_logout_redirect_uri": "https://evil.example/"}
    answer = await browser.http.get("/end-session", params=out)
    assert answer.status_code == 200
    assert "evil" not in answer.text


class Page(HTMLParser):
    """What a page consists of, as far as a test asks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


async def test_pages_need_no_script_and_nothing_from_elsewhere(provider: Provider, browser: Browser) -> None:
    answers = [
        await browser.ask(),
        await browser.send("/sign-in", persona="finance-payer"),
        await browser.ask(client_id="elsewhere"),
        await browser.http.post("/end-session"),
    ]
    await browser.sign_in("counsellor-3")
    answers.append(await browser.http.get("/end-session"))
    for answer in answers:
        page = Page(answer.text)
        assert page.all("html") == [{"lang": "en"}]
        assert len(page.all("h1")) == len(page.all("title")) == len(page.all("main")) == 1
        assert not any(tag in {"script", "img", "link", "iframe", "object"} for tag, _ in page.tags)
        assert not any(name.startswith("on") or name in {"src", "href", "style"} for _, found in page.tags for name in found)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "'unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_every_persona_can_be_chosen_and_every_field_has_a_label(browser: Browser) -> None:
    answer = await browser.ask()
    page = Page(answer.text)
    chosen = {button["value"] for button in page.all("button") if button.get("name") == "persona"}
    assert chosen == {member.name for member in PERSONAS.values()}
    shown = [field for field in page.all("input") if field.get("type") != "hidden"]
    labelled = {label.get("for") for label in page.all("label")}
    assert [field for field in shown if field["type"] == "text"] != []
    assert all(field["type"] == "radio" or field["id"] in labelled for field in shown)
    assert len(page.all("fieldset")) == len(page.all("legend")) == 1
    # A browser that obeys form-action applies it to where the answer to the form leads.
    assert "form-action 'self' http://127.0.0.1:8000;" in answer.headers["content-security-policy"]


async def test_discovery_says_what_there_is(provider: Provider) -> None:
    found = (await provider.http.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == ISSUER
    for name in ("authorization_endpoint", "token_endpoint", "end_session_endpoint", "jwks_uri"):
        path = found[name].removeprefix(ISSUER)
        method = "POST" if name == "token_endpoint" else "GET"
        assert (await provider.http.request(method, path)).status_code != 404
    assert found["response_types_supported"] == ["code"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["acr_values_supported"] == ["pwd", "phr"]
    assert found["authorization_response_iss_parameter_supported"] is True
