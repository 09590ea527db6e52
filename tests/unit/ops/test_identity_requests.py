"""Which requests to sign somebody in go where, and what a code is good for."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ops.identity.clients import client_of
from ops.identity.personas import persona
from ops.identity.sign_in import CODE_SECONDS, Asked, SignIns, Unacceptable
from tests.unit.ops.identity_provider import (
    ASKED,
    CALLBACK,
    ISSUER,
    NOW,
    VERIFIER,
    Browser,
    Provider,
    running,
    sent_back,
)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


@pytest.fixture
def browser(provider: Provider) -> Browser:
    return Browser(provider.app)


UNKNOWN = {
    "no application": {"client_id": ""},
    "an unknown application": {"client_id": "elsewhere"},
    "a program that signs nobody in": {"client_id": "office-tn"},
    "the development client": {"client_id": "avrr-development"},
    "no address": {"redirect_uri": ""},
    "an address elsewhere": {"redirect_uri": "https://evil.example/signed-in"},
    "an address that only begins like ours": {"redirect_uri": "http://127.0.0.1.evil.example/signed-in"},
    "an address with somebody in it": {"redirect_uri": "http://127.0.0.1@evil.example/signed-in"},
    "another path": {"redirect_uri": "http://127.0.0.1:8000/signed-in/"},
    "a way out of the path": {"redirect_uri": "http://127.0.0.1:8000/signed-in/../other"},
    "a query": {"redirect_uri": "http://127.0.0.1:8000/signed-in?to=evil"},
    "a fragment": {"redirect_uri": "http://127.0.0.1:8000/signed-in#evil"},
    "TLS, which was not registered": {"redirect_uri": "https://127.0.0.1:8000/signed-in"},
    "a port that is none": {"redirect_uri": "http://127.0.0.1:0/signed-in"},
    "another scheme": {"redirect_uri": "javascript:alert(1)//127.0.0.1/signed-in"},
    "capitals": {"redirect_uri": "HTTP://127.0.0.1:8000/signed-in"},
    "a line break": {"redirect_uri": "http://127.0.0.1:8000/signed-in\r\nx: y"},
    "the address after signing out": {"redirect_uri": "http://127.0.0.1:8000/signed-out"},
}


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN.keys())
async def test_an_unknown_application_or_address_is_never_sent_anywhere(
    changes: dict[str, str], browser: Browser
) -> None:
    answer = await browser.ask(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "evil" not in answer.text
    assert "<form" not in answer.text


@pytest.mark.parametrize("address", ["http://127.0.0.1:49152/signed-in", "http://localhost:1/signed-in", "http://127.0.0.1/signed-in"])
async def test_on_this_machine_any_port_will_do(address: str, browser: Browser) -> None:
    await browser.ask(redirect_uri=address)
    assert sent_back(await browser.send("/sign-in", persona="counsellor-3"), address)["code"]


REFUSED = {
    "no response type": ({"response_type": ""}, "unsupported_response_type"),
    "the implicit way": ({"response_type": "token"}, "unsupported_response_type"),
    "the hybrid way": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "no openid": ({"scope": "profile"}, "invalid_scope"),
    "a fragment as answer": ({"response_mode": "fragment"}, "invalid_request"),
    "no challenge": ({"code_challenge": ""}, "invalid_request"),
    "a short challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "the plain challenge": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method": ({"code_challenge_method": ""}, "invalid_request"),
    "no state": ({"state": ""}, "invalid_request"),
    "a state with a line break": ({"state": "0123456789\r\nx: y"}, "invalid_request"),
    "no nonce": ({"nonce": ""}, "invalid_request"),
    "a negative age": ({"max_age": "-1"}, "invalid_request"),
    "an age in words": ({"max_age": "old"}, "invalid_request"),
    "an unknown prompt": ({"prompt": "none login"}, "invalid_request"),
    "a request object": ({"request": "eyJ"}, "request_not_supported"),
    "a request by address": ({"request_uri": "https://evil.example/r"}, "request_not_supported"),
}


@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_request_that_is_not_as_it_must_be_is_sent_back_with_its_error(
    changes: dict[str, str], error: str, browser: Browser
) -> None:
    back = sent_back(await browser.ask(**changes))
    assert back["error"] == error
    assert back["iss"] == ISSUER
    assert "code" not in back


async def test_a_parameter_that_stands_there_twice_stops_everything(browser: Browser) -> None:
    query = str(httpx.QueryParams(ASKED))
    for more in ("redirect_uri=https%3A%2F%2Fevil.example", "state=another", "client_id=avrr-portal", "x&y"):
        answer = await browser.http.get(f"/authorize?{query}&{more}")
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_a_code_is_good_once(provider: Provider, browser: Browser) -> None:
    code = await browser.sign_in("counsellor-3")
    assert (await provider.exchange(code)).status_code == 200
    again = await provider.exchange(code)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


WRONG_EXCHANGES = {
    "no such code": {"code": "made-up"},
    "another verifier": {"code_verifier": VERIFIER.upper()},
    "a short verifier": {"code_verifier": "short"},
    "a verifier beyond ASCII": {"code_verifier": "é" * 43},
    "another address": {"redirect_uri": "http://127.0.0.1:9000/signed-in"},
}


@pytest.mark.parametrize("changes", WRONG_EXCHANGES.values(), ids=WRONG_EXCHANGES.keys())
async def test_a_code_is_bound_to_its_address_and_its_verifier_and_has_one_attempt(
    changes: dict[str, str], provider: Provider, browser: Browser
) -> None:
    code = await browser.sign_in("counsellor-3")
    wrong = await provider.exchange(**{"code": code, **changes})
    assert (wrong.status_code, wrong.json()) == (400, {"error": "invalid_grant"})
    assert (await provider.exchange(code)).status_code == (200 if "code" in changes else 400)


async def test_a_code_is_of_no_use_to_another_program(provider: Provider, browser: Browser) -> None:
    code = await browser.sign_in("counsellor-3")
    for client_id in ("office-tn", "service-returns", "avrr-development"):
        assert (await provider.exchange(code, client_id)).json() == {"error": "unauthorized_client"}
    assert (await provider.exchange(code, client_id="avrr-portal")).status_code == 200


def test_a_code_belongs_to_the_program_that_asked_for_it() -> None:
    portal, other = client_of("avrr-portal"), client_of("office-tn")
    assert portal is not None
    assert other is not None
    sign_ins = SignIns(lambda: NOW)
    cookie, found = sign_ins.new_browser()
    waiting = sign_ins.wait(Asked.of(portal, CALLBACK, ASKED), found)
    _, code = sign_ins.signed_in(waiting, persona("manager"), cookie, touched=False)
    with pytest.raises(Unacceptable, match="invalid_grant"):
        sign_ins.redeem(code, other, CALLBACK, VERIFIER)


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
async def test_an_exchange_without_one_of_its_parts_is_refused(
    missing: str, provider: Provider, browser: Browser
) -> None:
    form = {
        "grant_type": "authorization_code", "code": await browser.sign_in("counsellor-3"),
        "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
    }  # fmt: skip
    del form[missing]
    answer = await provider.http.post("/token", data=form, auth=provider.login("avrr-portal"))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


async def test_a_code_is_good_for_a_minute(provider: Provider, browser: Browser) -> None:
    code = await browser.sign_in("counsellor-3")
    provider.hands.forward(CODE_SECONDS)
    assert (await provider.exchange(code)).json() == {"error": "invalid_grant"}
    code = await browser.sign_in("counsellor-3")
    provider.hands.forward(CODE_SECONDS - 1)
    assert (await provider.exchange(code)).status_code == 200
