"""Signs a person in at the mission's own provider from where there is no browser: by a code that they type on their own computer (RFC 8628)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from ops.settings import CannotStart, OpsSettings
from shared.certificates import trusted
from shared.jwks import is_loopback
from shared.outgoing import Outgoing
from shared.service_token import is_confidential

GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
# However long the provider would let a code live, nobody is waited for longer.
LONGEST_SECONDS: Final = 1800
SLOWER_SECONDS: Final = 5
_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
# What each answer that ends the waiting means to whoever waits.
_ENDS: Final[Mapping[str, str]] = {
    "access_denied": "The sign-in was refused, or given up: no token was given.",
    "expired_token": "Nobody signed in while the code was good: begin again.",
}

Say = Callable[[str], None]


def _plain(text: str) -> str:
    # A terminal does what control characters say.
    if not text.isascii() or not text.isprintable():
        raise ValueError("not to be shown")
    return text


def _confidential(url: str) -> str:
    if not is_confidential(url):
        raise ValueError("neither https nor on this machine")
    return url


class _Discovery(BaseModel):
    issuer: str
    token_endpoint: Annotated[str, AfterValidator(_confidential)]
    device_authorization_endpoint: Annotated[str, AfterValidator(_confidential)] | None = None


class _Codes(BaseModel):
    device_code: str = Field(min_length=1)
    user_code: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
    verification_uri: Annotated[str, Field(max_length=512), AfterValidator(_plain), AfterValidator(_confidential)]
    expires_in: int = Field(gt=0)
    interval: int = Field(default=5, ge=1, le=60)


class _Issued(BaseModel):
    access_token: Annotated[str, Field(min_length=1), AfterValidator(_plain)]
    token_type: str


class _Refused(BaseModel):
    error: Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")]


async def token_by_device(settings: OpsSettings, say: Say) -> str:
    """The access token of whoever signs in meanwhile at ``AVRR_OIDC_ISSUER``, to whom ``say`` tells address and code; `CannotStart` says why there is none."""
    # A proxy from the environment would carry a loopback address off this machine.
    trust_env = not is_loopback(urlsplit(settings.oidc_issuer or "").hostname or "")
    async with Outgoing(verify=trusted(trust_env=trust_env), trust_env=trust_env, timeout=_TIMEOUT) as client:
        return await DeviceSignIn(client, settings, say).token()


class DeviceSignIn:
    """One sign-in from afar. ``wait`` lets so many seconds pass, ``elapsed`` counts them."""

    def __init__(
        self, client: httpx.AsyncClient, settings: OpsSettings, say: Say,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep, elapsed: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        if settings.oidc_issuer is None:
            raise CannotStart("issuer_missing", "Say the address of the identity provider in AVRR_OIDC_ISSUER.")
        self._client = client
        self._issuer = settings.oidc_issuer
        self._settings = settings
        self._say = say
        self._wait = wait
        self._elapsed = elapsed

    async def token(self) -> str:
        """Tells address and code, and waits for the sign-in as long as the code is good; `CannotStart` as above."""
        try:
            found = await self._discovered()
            if found.device_authorization_endpoint is None:
                raise CannotStart("no_device_grant", f"The provider at {self._issuer} signs nobody in for a command line: it offers no device authorization grant.")
            codes = await self._begun(found.device_authorization_endpoint)
        except (httpx.HTTPError, ValidationError):
            raise CannotStart("provider_away", f"The identity provider at {self._issuer} does not answer as it has to.") from None
        minutes = max(min(codes.expires_in, LONGEST_SECONDS) // 60, 1)
        self._say(f"Open {codes.verification_uri} on your own computer, type {codes.user_code} and touch your key.")
        self._say(f"The code is good for {minutes} min. Type no code that somebody else sent you: it would sign them in as you.")
        return await self._waited_for(found.token_endpoint, codes)

    async def _discovered(self) -> _Discovery:
        answer = await self._client.get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        found = _Discovery.model_validate_json(answer.raise_for_status().content)
        if found.issuer != self._issuer:
            raise CannotStart("provider_other", f"Who answers at {self._issuer} says to be somebody else.")
        return found

    async def _begun(self, endpoint: str) -> _Codes:
        # A provider that looks at `acr_values` here asks for the key at once; another has to do so for this client by itself.
        form = {
            "client_id": self._settings.command_line_client_id, "scope": self._settings.command_line_scope,
            "acr_values": " ".join(self._settings.step_up_acr_values),
        }  # fmt: skip
        answer = await self._client.post(endpoint, data=form)
        if answer.is_client_error:
            raise CannotStart("client_refused", f"The provider does not let {form['client_id']} sign anybody in: {_error_of(answer)}.")
        return _Codes.model_validate_json(answer.raise_for_status().content)

    async def _waited_for(self, endpoint: str, codes: _Codes) -> str:
        until = self._elapsed() + min(codes.expires_in, LONGEST_SECONDS)
        pause: float = codes.interval
        form = {"grant_type": GRANT, "device_code": codes.device_code, "client_id": self._settings.command_line_client_id}
        while self._elapsed() + pause < until:
            await self._wait(pause)
            try:
                answer = await self._client.post(endpoint, data=form)
            except httpx.TransportError:
                # RFC 8628 section 3.5: whoever does not answer is asked less and less.
                pause *= 2
                continue
            if answer.is_success:
                return _token_of(answer)
            match _error_of(answer):
                case "authorization_pending":
                    pass
                case "slow_down":
                    pause += SLOWER_SECONDS
                case _ if answer.is_server_error:
                    pause *= 2
                case error:
                    sentence = _ENDS.get(error, f"The provider gives no token: {error}.")
                    raise CannotStart(error if error in _ENDS else "token_refused", sentence)
        raise CannotStart("expired_token", _ENDS["expired_token"])


def _token_of(answer: httpx.Response) -> str:
    try:
        issued = _Issued.model_validate_json(answer.content)
    except ValidationError:
        raise CannotStart("token_unreadable", "The provider's token cannot be read.") from None
    if issued.token_type.lower() != "bearer":
        raise CannotStart("token_unreadable", "The provider's token is of a kind that no service takes.")
    return issued.access_token


def _error_of(answer: httpx.Response) -> str:
    try:
        return _Refused.model_validate_json(answer.content).error
    except ValidationError:
        return "unreadable"
