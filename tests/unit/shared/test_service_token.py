"""The token by which a service asks another: one for all who wait, forgotten when refused, never from elsewhere."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from shared.service_token import PAUSE_SECONDS, RENEW_BEFORE_SECONDS, NoServiceToken, ServiceToken

ISSUER = "https://identity.example"
DISCOVERY = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}


class Provider:
    """An identity provider as a test wants it, at the other end of a transport."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 0.0
        self.discovery: object = DISCOVERY
        self.answer: Callable[[], httpx.Response] = self.issue

    def issue(self) -> httpx.Response:
        return httpx.Response(200, json={"access_token": f"token-{self.asked}", "expires_in": 300})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json=self.discovery)
        self.asked += 1
        assert request.headers["Authorization"].startswith("Basic ")
        assert b"grant_type=client_credentials" in request.content
        return self.answer()

    def token(self) -> ServiceToken:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return ServiceToken(
            client, ISSUER, "service-returns", SecretStr("invented"), elapsed=lambda: self.now
        )


async def test_many_who_need_a_token_wait_for_one() -> None:
    provider = Provider()
    token = provider.token()
    assert set(await asyncio.gather(*(token() for _ in range(6)))) == {"token-1"}


async def test_a_token_is_renewed_before_it_ends() -> None:
    provider = Provider()
    token = provider.token()
    assert await token() == "token-1"
    provider.now = 300 - RENEW_BEFORE_SECONDS - 1
    assert await token() == "token-1"
    provider.now = 300 - RENEW_BEFORE_SECONDS
    assert await token() == "token-2"


async def test_a_token_that_was_refused_is_forgotten() -> None:
    provider = Provider()
    token = provider.token()
    await token()
    token.forget()
    assert await token() == "token-2"


async def test_who_waited_for_an_attempt_that_failed_shares_its_failure() -> None:
    provider = Provider()
    provider.answer = lambda: httpx.Response(503)
    token = provider.token()
    answers = await asyncio.gather(*(token() for _ in range(6)), return_exceptions=True)
    assert all(isinstance(answer, httpx.HTTPError) for answer in answers)
    assert provider.asked == 1
    provider.answer = provider.issue
    provider.now = PAUSE_SECONDS
    assert await token() == "token-2"


@pytest.mark.parametrize(
    "discovery",
    [
        {**DISCOVERY, "issuer": "https://another.example"},
        {**DISCOVERY, "token_endpoint": "http://identity.example/token"},
        {**DISCOVERY, "token_endpoint": "not an address"},
        {"issuer": ISSUER},
    ],
)
async def test_the_secret_goes_nowhere_that_the_issuer_does_not_confidentially_name(discovery: object) -> None:
    provider = Provider()
    provider.discovery = discovery
    with pytest.raises(NoServiceToken):
        await provider.token()()
    assert provider.asked == 0


@pytest.mark.parametrize("answer", [{}, {"access_token": "", "expires_in": 300}, {"access_token": "x", "expires_in": 0}])
async def test_an_answer_that_is_no_token_is_none(answer: dict[str, object]) -> None:
    provider = Provider()
    provider.answer = lambda: httpx.Response(200, json=answer)
    with pytest.raises(NoServiceToken):
        await provider.token()()
