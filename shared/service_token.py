"""How one of our services proves to another who it is: a client credentials token (RFC 6749 4.4), kept until it ages."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError

from shared.jwks import is_loopback

RENEW_BEFORE_SECONDS: Final = 60
# A look of an office waits for this and must end in time to be put on record.
DEADLINE_SECONDS: Final = 3.0
PAUSE_SECONDS: Final = 2.0
_TIMEOUT: Final = httpx.Timeout(3.0, connect=1.0)


class _Discovery(BaseModel):
    issuer: str
    token_endpoint: str


class _Issued(BaseModel):
    access_token: str = Field(min_length=1)
    expires_in: int = Field(gt=0)


class NoServiceToken(httpx.HTTPError):
    """The provider gave no token that could be used."""


class ServiceToken:
    """The access token of a service's own client; many who need it at once wait for one answer.

    The secret goes to the issuer's token endpoint alone, over https or on this machine. ``call`` raises
    `httpx.HTTPError` if there is no token to be had.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        issuer: str,
        client_id: str,
        secret: SecretStr,
        scope: str | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._scope = scope
        self._elapsed = elapsed
        self._token = ""
        self._good_until = elapsed()
        self._not_before = elapsed()
        self._asking = asyncio.Lock()

    async def __call__(self) -> str:
        """A token that is good for a while yet."""
        async with self._asking:
            if self._elapsed() < self._good_until:
                return self._token
            # Whoever waited for an attempt that failed shares its failure, instead of trying each for themselves.
            if self._elapsed() < self._not_before:
                raise NoServiceToken("the provider gave no token a moment ago")
            asked_at = self._elapsed()
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    issued = await self._issued()
            except (httpx.HTTPError, TimeoutError):
                self._not_before = self._elapsed() + PAUSE_SECONDS
                raise
            self._token = issued.access_token
            self._good_until = asked_at + max(issued.expires_in - RENEW_BEFORE_SECONDS, 1)
            return self._token

    def forget(self) -> None:
        """The token was refused: the next who needs one asks for another."""
        self._good_until = self._elapsed()

    async def _issued(self) -> _Issued:
        form = {"grant_type": "client_credentials"}
        if self._scope is not None:
            form["scope"] = self._scope
        try:
            found = await self._client.get(
                self._issuer.rstrip("/") + "/.well-known/openid-configuration", timeout=_TIMEOUT
            )
            discovery = _Discovery.model_validate_json(found.raise_for_status().content)
            if discovery.issuer != self._issuer or not is_confidential(discovery.token_endpoint):
                raise NoServiceToken("the token endpoint cannot be trusted")
            answer = await self._client.post(
                discovery.token_endpoint, data=form, timeout=_TIMEOUT, follow_redirects=False,
                auth=(self._client_id, self._secret.get_secret_value()),
            )
            return _Issued.model_validate_json(answer.raise_for_status().content)
        except ValidationError:
            raise NoServiceToken("the provider's answer cannot be read") from None


def is_confidential(url: str) -> bool:
    """Whether nobody on the way reads what is sent to this address: by https, or on this machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(parsed.host))
