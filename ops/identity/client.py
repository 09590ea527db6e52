"""Gets tokens from the development provider, for the command line, the demo and the tests."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from ops.identity.clients import CREDENTIALS_GRANT, DEVELOPMENT_CLIENT, PERSONA_GRANT
from ops.identity.settings import IdentityRefused, is_loopback_url
from shared.certificates import trusted
from shared.outgoing import Outgoing

RENEW_BEFORE_SECONDS: Final = 60

_TIMEOUT: Final = httpx.Timeout(5.0)


class NoToken(Exception):
    """The development provider gave no token; `code` is its OAuth error, or `unreachable`, or `malformed`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def request_token(
    issuer: str,
    persona_name: str,
    secret: str,
    *,
    acr: str | None = None,
    auth_age: int | None = None,
    forge: str | None = None,
    client: httpx.AsyncClient | None = None,
) -> str:
    """A fresh access token of this persona; NoToken if the provider refuses or cannot be reached.

    `acr` and `auth_age` say how strongly and how many seconds ago the persona signed in; otherwise as strongly as its
    role always does, and now. `forge` names a kind of bad token that no service may accept.
    """
    stated = {"acr": acr, "auth_age": None if auth_age is None else str(auth_age), "forge": forge}
    more = {name: value for name, value in stated.items() if value is not None}
    return (await _of_persona(issuer, persona_name, secret, client, more)).token


async def client_token(
    issuer: str, client_id: str, secret: str, *, client: httpx.AsyncClient | None = None
) -> str:
    """A fresh access token of a program that acts on its own, e.g. `office-tn`; NoToken as in `request_token`."""
    form = {"grant_type": CREDENTIALS_GRANT}
    return _issued(await _posted(issuer, "/token", form, (client_id, secret), client)).token


async def rotate_key(
    issuer: str, secret: str, *, retire_now: bool = False, client: httpx.AsyncClient | None = None
) -> str:
    """Lets the provider sign with its next key and answers its id; with `retire_now` the old key is gone at once."""
    form = {"retire": "now" if retire_now else "later"}
    answer = await _posted(issuer, "/development/rotate", form, (DEVELOPMENT_CLIENT, secret), client)
    kid = answer.get("kid")
    if not isinstance(kid, str):
        raise NoToken("malformed")
    return kid


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
                issued = await _of_persona(self._issuer, persona_name, self._secret, self._client, {})
                known = issued, asked_at + issued.expires_in - RENEW_BEFORE_SECONDS
                self._issued[persona_name] = known
            return known[0].token


@dataclass(frozen=True, slots=True)
class _Issued:
    token: str
    expires_in: int


async def _of_persona(
    issuer: str, persona_name: str, secret: str, client: httpx.AsyncClient | None, more: Mapping[str, str]
) -> _Issued:
    form = {"grant_type": PERSONA_GRANT, "persona": persona_name, **more}
    return _issued(await _posted(issuer, "/token", form, (DEVELOPMENT_CLIENT, secret), client))


def _issued(answer: Mapping[str, object]) -> _Issued:
    token, expires_in = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not isinstance(expires_in, int):
        raise NoToken("malformed")
    return _Issued(token, expires_in)


async def _posted(
    issuer: str, path: str, form: Mapping[str, str], auth: tuple[str, str], client: httpx.AsyncClient | None
) -> Mapping[str, object]:
    if client is None:
        # A proxy from the environment would carry the secret off this machine.
        async with Outgoing(verify=trusted(), trust_env=False) as own:
            return await _posted(issuer, path, form, auth, own)
    if not is_loopback_url(issuer):
        raise IdentityRefused("the development provider's secrets are sent to a loopback address only")
    try:
        response = await client.post(
            f"{issuer}{path}", data=dict(form), auth=auth, timeout=_TIMEOUT, follow_redirects=False
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
    return answer
