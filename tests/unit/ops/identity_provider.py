"""A development provider for a test: on a clock that the test moves, with browsers and a service's verifier."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from ops.identity.app import create_app
from ops.identity.clients import client_of, development_secret, secret_of
from ops.identity.settings import IdentitySettings
from shared.auth import Tokens
from shared.jwks import ProviderKeys
from shared.settings import Settings

ISSUER = "http://127.0.0.1:8005"
NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
CALLBACK = "http://127.0.0.1:8000/signed-in"
VERIFIER = "a-verifier-that-nobody-guesses-0123456789-._~"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "avrr-portal",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "state": "state-0123456789",
    "nonce": "nonce-0123456789",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Provider:
    """One provider as its clients, its browsers and the services see it."""

    app: FastAPI
    folder: Path
    hands: Hands
    http: httpx.AsyncClient
    tokens: Tokens

    @property
    def secret(self) -> str:
        return development_secret(self.folder)

    def login(self, client_id: str) -> tuple[str, str]:
        """What a client writes in its Authorization header."""
        client = client_of(client_id)
        assert client is not None
        return client_id, secret_of(self.folder, client)

    def service(self) -> Tokens:
        """A service that has not fetched any key yet."""
        keys = ProviderKeys(issuer=ISSUER, jwks_url=None, algorithms=("ES256", "Ed25519"), client=self.http)
        return Tokens(settings(), keys, self.hands)

    async def exchange(self, code: str, client_id: str = "avrr-portal", **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
            **changes,
        }  # fmt: skip
        return await self.http.post("/token", data=form, auth=self.login(client_id))


class Browser:
    """Somebody's browser: it keeps cookies, and sends the form that it was shown."""

    def __init__(self, app: FastAPI) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER)
        self.waiting = ""

    async def ask(self, **changes: str) -> httpx.Response:
        """Comes from the portal with a request."""
        return self._shown(await self.http.get("/authorize", params={**ASKED, **changes}))

    async def send(self, action: str, **fields: str) -> httpx.Response:
        return self._shown(await self.http.post(action, data={"waiting": self.waiting, **fields}))

    async def sign_in(self, persona: str, **changes: str) -> str:
        """Signs in as a persona, with the key where it is asked for; the code that the portal gets."""
        answer = await self.ask(**changes)
        if answer.status_code == 200 and 'action="/sign-in"' in answer.text:
            answer = await self.send("/sign-in", persona=persona)
        if answer.status_code == 200:
            answer = await self.send("/second-factor")
        return sent_back(answer)["code"]

    def _shown(self, answer: httpx.Response) -> httpx.Response:
        found = re.search(r'name="waiting" value="([^"]+)"', answer.text)
        if found:
            self.waiting = found[1]
        return answer


def sent_back(answer: httpx.Response, to: str = CALLBACK) -> dict[str, str]:
    """What a redirect tells the portal."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == to
    return dict(parse_qsl(parts.query, strict_parsing=True))


def settings() -> Settings:
    unused = SecretStr("postgresql://nowhere")
    return Settings(
        oidc_issuer=ISSUER, nats_url="nats://127.0.0.1:4222", api_database_url=unused, worker_database_url=unused
    )


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Provider]:
    hands = Hands()
    app = create_app(IdentitySettings(folder), hands)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as http:
        keys = ProviderKeys(issuer=ISSUER, jwks_url=None, algorithms=("ES256", "Ed25519"), client=http)
        yield Provider(app, folder, hands, http, Tokens(settings(), keys, hands))
