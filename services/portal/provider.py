"""The portal's side of OpenID Connect: where the provider is, tokens for a code, fresh ones, and whom an ID token names."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, extract_compact, validate_compact
from joserfc.jwt import JWTClaimsRegistry
from pydantic import BaseModel, Field, ValidationError

from services.portal.settings import PortalSettings
from shared.auth import LEEWAY_SECONDS, KeySource, claim_at
from shared.certificates import trusted
from shared.jwks import (
    KeySetRefused,
    ProviderKeys,
    algorithm_name,
    allowed_algorithms,
    is_confidential,
    is_loopback,
)
from shared.outgoing import Outgoing

FRESH_SECONDS: Final = 600
# Somebody waits for this, and a renewal holds its session's row meanwhile.
DEADLINE_SECONDS: Final = 4.0
# As `ProviderAway` says it where no answer came, for as long as somebody waits for one.
UNREACHABLE: Final = "unreachable"
MAX_ANSWER_BYTES: Final = 256 * 1024
MAX_TOKEN_CHARACTERS: Final = 16 * 1024
_TIMEOUT: Final = httpx.Timeout(3.0, connect=2.0)
_HEADER: Final = frozenset({"alg", "kid", "typ", "x5t"})
_LAST_SECOND: Final = 253_402_300_799
_LONGEST: Final = 256

log = structlog.get_logger(__name__)


class ProviderAway(Exception):
    """The provider cannot be asked just now, or its answer is of no use; `code` says why, for our log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class GrantRefused(Exception):
    """The provider gives nothing for this code or refresh token, now or later."""


class IdTokenRefused(Exception):
    """The ID token is none that this sign-in may end with; `code` says why, for our log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Discovery(BaseModel):
    """What the portal needs of the provider's own description."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


class Issued(BaseModel):
    """What the token endpoint gave, and when it was asked for it."""

    access_token: str = Field(min_length=1, max_length=MAX_TOKEN_CHARACTERS)
    expires_in: int = Field(gt=0, le=86_400)
    refresh_token: str | None = Field(default=None, min_length=1, max_length=MAX_TOKEN_CHARACTERS)
    id_token: str | None = Field(default=None, min_length=1, max_length=MAX_TOKEN_CHARACTERS)
    asked_at: datetime

    @property
    def until(self) -> datetime:
        """When the access token ends."""
        return self.asked_at + timedelta(seconds=self.expires_in)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an ID token names, for display; what somebody may do is decided by the services from the access token."""

    person_id: str
    name: str
    roles: frozenset[str]
    organisation: str
    countries: frozenset[str]
    sites: frozenset[str]
    acr: str
    auth_time: datetime


@dataclass(frozen=True, slots=True)
class Demand:
    """What a sign-in has to fulfil: its nonce, and not to be older than so many seconds when it was asked for."""

    nonce: str
    max_age: int
    asked_at: datetime
    acr_values: str = ""


@asynccontextmanager
async def open_provider(settings: PortalSettings, now: Callable[[], datetime]) -> AsyncIterator["Provider"]:
    """The provider of these settings, with a connection of its own; ValueError for one that is not confidential."""
    # A proxy from the environment would carry a loopback address off this machine.
    trust_env = not is_loopback(urlsplit(settings.oidc_issuer).hostname or "")
    async with Outgoing(
        verify=trusted(trust_env=trust_env), trust_env=trust_env, follow_redirects=False, timeout=_TIMEOUT
    ) as client:
        keys = ProviderKeys(
            issuer=settings.oidc_issuer, jwks_url=settings.oidc_jwks_url, algorithms=settings.oidc_algorithms,
            client=client,
        )
        try:
            yield Provider(settings, client, keys, now)
        finally:
            await keys.aclose()


class Provider:
    """One issuer as its confidential client asks it; every fault of the way there is `ProviderAway`."""

    def __init__(
        self, settings: PortalSettings, client: httpx.AsyncClient, keys: KeySource, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._client = client
        self._keys = keys
        self._now = now
        self._allowed = allowed_algorithms(settings.oidc_algorithms)
        self._signatures = JWSRegistry(algorithms=self._allowed)
        self._found: tuple[Discovery, float] | None = None

    async def discovery(self) -> Discovery:
        """Where the provider's endpoints are; asked again after ten minutes, and kept if it is away then."""
        if self._found is not None and time.monotonic() < self._found[1]:
            return self._found[0]
        try:
            found = await self._described()
        except ProviderAway:
            if self._found is None:
                raise
            found = self._found[0]
        self._found = found, time.monotonic() + FRESH_SECONDS
        return found

    async def authorize_url(self, state: str, challenge: str, demand: Demand) -> str:
        """Where a browser goes to sign in: code, PKCE with S256, and no other way."""
        asked = {
            "response_type": "code",
            "client_id": self._settings.portal_client_id,
            "redirect_uri": self._settings.callback,
            "scope": self._settings.portal_scope,
            "state": state,
            "nonce": demand.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            # With it the provider has to say when somebody signed in.
            "max_age": str(demand.max_age),
        }
        if demand.acr_values:
            asked["acr_values"] = demand.acr_values
        return _with_query((await self.discovery()).authorization_endpoint, asked)

    async def end_session_url(self, id_token: str) -> str:
        """Where a browser goes to sign out at the provider too; our own last page if the provider has no such place."""
        ours = f"{self._settings.portal_origin}/signed-out"
        end = (await self.discovery()).end_session_endpoint
        if end is None:
            return ours
        said = {"client_id": self._settings.portal_client_id, "id_token_hint": id_token, "post_logout_redirect_uri": ours}
        return _with_query(end, said)

    async def is_the_answering_issuer(self, stated: str | None) -> bool:
        """Whether an authorization response comes from our issuer, as RFC 9207 has it found out."""
        if stated is None:
            return not (await self.discovery()).authorization_response_iss_parameter_supported
        return stated == self._settings.oidc_issuer

    async def redeemed(self, code: str, verifier: str) -> Issued:
        """The tokens of a code; `GrantRefused` if the provider does not give them."""
        return await self._issued(
            {
                "grant_type": "authorization_code", "code": code, "redirect_uri": self._settings.callback,
                "code_verifier": verifier,
            }
        )  # fmt: skip

    async def renewed(self, refresh_token: str) -> Issued:
        """Fresh tokens; `GrantRefused` if the sign-in has ended at the provider."""
        return await self._issued({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def identified(self, id_token: str, demand: Demand) -> Identity:
        """Whom this ID token names; `IdTokenRefused` unless it was made for us, for this sign-in, and is fresh enough."""
        claims = await self._genuine(id_token)
        now = self._now()
        settings = self._settings
        rules = JWTClaimsRegistry(
            now=int(now.timestamp()), leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.oidc_issuer},
            aud={"essential": True, "value": settings.portal_client_id},
            sub={"essential": True}, exp={"essential": True}, iat={"essential": True},
            nonce={"essential": True, "value": demand.nonce},
        )  # fmt: skip
        try:
            rules.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise IdTokenRefused(getattr(error, "error", "claims_malformed")) from None
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != settings.portal_client_id:
            raise IdTokenRefused("audience_shared")
        signed_in = _instant(claims.get("auth_time"))
        if signed_in is None or signed_in > now + timedelta(seconds=LEEWAY_SECONDS):
            raise IdTokenRefused("auth_time_malformed")
        if signed_in < demand.asked_at - timedelta(seconds=demand.max_age + LEEWAY_SECONDS):
            raise IdTokenRefused("sign_in_too_old")
        person = _word(claim_at(claims, settings.oidc_person_claim))
        if not person or not person.isascii() or any(letter.isspace() for letter in person):
            raise IdTokenRefused("person_malformed")
        return Identity(
            person_id=person,
            name=_word(claim_at(claims, settings.oidc_name_claim)),
            roles=_words(claim_at(claims, settings.oidc_roles_claim)),
            organisation=_word(claim_at(claims, settings.oidc_organisation_claim)),
            countries=_words(claim_at(claims, settings.oidc_countries_claim)),
            sites=_words(claim_at(claims, settings.oidc_sites_claim)),
            acr=_word(claims.get("acr")),
            auth_time=signed_in,
        )

    async def _genuine(self, token: str) -> dict[str, object]:
        try:
            signed = extract_compact(token.encode("ascii"), registry=self._signatures)
            header = signed.headers()
            kid, algorithm = str(header.get("kid", "")), algorithm_name(str(header.get("alg", "")))
            if not header.keys() <= _HEADER or str(header.get("typ", "JWT")).upper() != "JWT":
                raise IdTokenRefused("header_unexpected")
            key = await self._keys.key(kid)
            if key is None or algorithm not in key.algorithms & self._allowed:
                raise IdTokenRefused("key_unknown")
            header["alg"] = algorithm
            if not validate_compact(signed, key.key, registry=self._signatures):
                raise IdTokenRefused("signature_wrong")
            claims: object = json.loads(signed.payload)
        except KeySetRefused:
            raise ProviderAway("keys_unavailable") from None
        except (JoseError, ValueError, TypeError, RecursionError):
            raise IdTokenRefused("malformed") from None
        if not isinstance(claims, dict):
            raise IdTokenRefused("malformed")
        return claims

    async def _described(self) -> Discovery:
        issuer = self._settings.oidc_issuer
        status, body = await self._asked("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
        if status != httpx.codes.OK:
            raise ProviderAway("discovery_refused")
        try:
            found = Discovery.model_validate_json(body)
        except ValidationError:
            raise ProviderAway("discovery_malformed") from None
        endpoints = [found.authorization_endpoint, found.token_endpoint, found.end_session_endpoint]
        if found.issuer != issuer or not all(is_confidential(url) for url in endpoints if url is not None):
            raise ProviderAway("discovery_of_another_issuer")
        return found

    async def _issued(self, form: Mapping[str, str]) -> Issued:
        settings = self._settings
        # RFC 6749 section 2.3.1: both halves are form-encoded before they are put together.
        login = quote(settings.portal_client_id, ""), quote(settings.portal_client_secret.get_secret_value(), "")
        asked_at = self._now()
        endpoint = (await self.discovery()).token_endpoint
        status, body = await self._asked("POST", endpoint, data=form, auth=login)
        if status == httpx.codes.BAD_REQUEST and _error_of(body) == "invalid_grant":
            raise GrantRefused
        if status != httpx.codes.OK:
            raise ProviderAway(f"token_endpoint_{status}")
        try:
            found = json.loads(body)
            return Issued.model_validate({**found, "asked_at": asked_at})
        except (ValueError, TypeError, RecursionError):
            raise ProviderAway("token_answer_malformed") from None

    async def _asked(
        self, method: str, url: str, data: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None
    ) -> tuple[int, bytes]:
        body = bytearray()
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        try:
            async with (
                asyncio.timeout(DEADLINE_SECONDS),
                self._client.stream(method, url, data=data, auth=auth, headers=headers) as answer,
            ):
                async for chunk in answer.aiter_raw():
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise ProviderAway("answer_too_large")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise ProviderAway(UNREACHABLE) from None
        return answer.status_code, bytes(body)


def _with_query(endpoint: str, said: Mapping[str, str]) -> str:
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(said)}"


def _error_of(body: bytes) -> object:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found.get("error") if isinstance(found, dict) else None


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LAST_SECOND:
        return None
    return datetime.fromtimestamp(value, UTC)


def _word(value: object) -> str:
    # It is shown and nothing else; what could not be shown in a line is left out.
    return value if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""


def _words(value: object) -> frozenset[str]:
    return frozenset(word for word in map(_word, value) if word) if isinstance(value, list) else frozenset()
