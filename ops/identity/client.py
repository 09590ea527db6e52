"""Gets tokens from the development provider, for the command line and the demo."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

from ops.identity.app import PERSONA_GRANT
from ops.identity.settings import IdentityRefused, is_loopback_url
from ops.identity.tokens import CLIENT_ID

RENEW_BEFORE_SECONDS: Final = 60

_TIMEOUT: Final = httpx.Timeout(5.0)


class NoToken(Exception):
    """The development provider gave no token; `code` is its OAuth error, or `unreachable`, or `malformed`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def request_token(
    issuer: str, persona_name: str, secret: str, *, client: httpx.AsyncClient | None = None
) -> str:
    """A fresh access token of this persona; NoToken if the provider refuses or cannot be reached."""
    return (await _issued(issuer, persona_name, secret, client)).token


class PersonaTokens:
    """Access tokens of any personas, each asked for once and again 60 seconds before it expires."""

    def __init__(
        self,
        issuer: str,
        secret: str,
        *,
        client: httpx.AsyncClient | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._secret = secret
        self._client = client
        self._elapsed = elapsed
        self._issued: dict[str, tuple[_Issued, float]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def token(self, persona_name: str) -> str:
        """A token that is good for at least another minute; NoToken as in `request_token`."""
        # Many who need the same persona at once wait for one answer.
        async with self._asking.setdefault(persona_name, asyncio.Lock()):
            known = self._issued.get(persona_name)
            if known is None or self._elapsed() >= known[1]:
                asked_at = self._elapsed()
                issued = await _issued(self._issuer, persona_name, self._secret, self._client)
                known = issued, asked_at + issued.expires_in - RENEW_BEFORE_SECONDS
                self._issued[persona_name] = known
            return known[0].token


@dataclass(frozen=True, slots=True)
class _Issued:
    token: str
    expires_in: int


async def _issued(issuer: str, persona_name: str, secret: str, client: httpx.AsyncClient | None) -> _Issued:
    if client is None:
        # A proxy from the environment would carry the secret off this machine.
        async with httpx.AsyncClient(trust_env=False) as own:
            return await _issued(issuer, persona_name, secret, own)
    if not is_loopback_url(issuer):
        raise IdentityRefused("the development secret is sent to a loopback address only")
    try:
        response = await client.post(
            f"{issuer}/token",
            data={"grant_type": PERSONA_GRANT, "persona": persona_name},
            auth=(CLIENT_ID, secret),
            timeout=_TIMEOUT,
            follow_redirects=False,
        )
    except httpx.HTTPError:
        raise NoToken("unreachable") from None
    try:
        answer: object = response.json()
    except ValueError:
        raise NoToken("malformed") from None
    if not isinstance(answer, dict):
        raise NoToken("malformed")
    if response.status_code != httpx.codes.OK:
        error = answer.get("error")
        raise NoToken(error if isinstance(error, str) else "malformed")
    token, expires_in = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not isinstance(expires_in, int):
        raise NoToken("malformed")
    return _Issued(token, expires_in)
