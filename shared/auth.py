"""Turns an OIDC access token into the actor who sent it, or refuses it."""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, TypeGuard
from urllib.parse import urlsplit

import structlog
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode

from shared.actors import CLIENT, PROGRAMS, Actor, Role
from shared.certificates import trusted
from shared.countries import is_country
from shared.jwks import (
    KeySetRefused,
    ProviderKeys,
    VerificationKey,
    algorithm_name,
    allowed_algorithms,
    is_loopback,
)
from shared.outgoing import Outgoing
from shared.settings import Settings

LEEWAY_SECONDS: Final = 30
MAX_TOKEN_CHARACTERS: Final = 8 * 1024
MAX_REMEMBERED: Final = 1024
MAX_ENTRIES: Final = 256

# Nothing else may stand in a header: `jku`, `x5u`, `jwk` and `x5c` bring a key of the sender's choice, and
# `crit` and `b64` change what is signed.
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_LAST_SECOND: Final = 253_402_300_799
# No "@" and no space: a person id that is a mail address or a name would stand for ever in the event log.
_PERSON: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:|/+=-]{0,127}")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_INVALID_CLAIM: Final = {"iss": "issuer_wrong", "aud": "audience_wrong", "sub": "person_malformed"}

log = structlog.get_logger(__name__)


class BadToken(Exception):
    """The token is refused; `code` is a stable reason for our logs, all callers are answered 401 alike."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KeysUnavailable(BadToken):
    """No token can be judged, because the provider's keys were never had or are too old."""

    def __init__(self) -> None:
        super().__init__("keys_unavailable")


class KeySource(Protocol):
    """Where the issuer's public keys come from; `shared.jwks.ProviderKeys` in every process."""

    async def key(self, kid: str) -> VerificationKey | None:
        """The key of this id, None if there is none such; KeySetRefused if no key is known at all."""


@asynccontextmanager
async def open_tokens(settings: Settings, now: Callable[[], datetime]) -> AsyncIterator["Tokens"]:
    """The verifier of this process, with its own connection to the provider; `now` is always the real clock.

    ValueError for an issuer that is neither https nor on this machine, and for an algorithm that is not safe.
    """
    # A proxy from the environment would carry a loopback address off this machine.
    trust_env = not is_loopback(urlsplit(settings.oidc_jwks_url or settings.oidc_issuer).hostname or "")
    async with Outgoing(verify=trusted(trust_env=trust_env), trust_env=trust_env, follow_redirects=False) as client:
        keys = ProviderKeys(
            issuer=settings.oidc_issuer,
            jwks_url=settings.oidc_jwks_url,
            algorithms=settings.oidc_algorithms,
            client=client,
        )
        try:
            yield Tokens(settings, keys, now)
        finally:
            await keys.aclose()


class Tokens:
    """Verifies access tokens of one issuer for one audience (RFC 9068, RFC 8725).

    A verified token is remembered until it expires, as long as the key that signed it is still published.
    """

    def __init__(self, settings: Settings, keys: KeySource, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._keys = keys
        self._now = now
        self._allowed = allowed_algorithms(settings.oidc_algorithms)
        self._signatures = JWSRegistry(algorithms=self._allowed)
        self._remembered: dict[bytes, _Verified] = {}

    async def verify(self, token: str) -> Actor:
        """The actor whom this token names; BadToken for any other token.

        Roles that we do not know are dropped; an actor without a role may do nothing.
        """
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise BadToken("malformed")
        now = self._now()
        fingerprint = hashlib.sha256(token.encode("ascii")).digest()
        verified = self._remembered.get(fingerprint)
        if verified is not None and now < verified.expires and await self._key(verified.kid) == verified.key:
            return verified.actor
        self._remembered.pop(fingerprint, None)
        verified = await self._verified(token, now)
        while len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[fingerprint] = verified
        return verified.actor

    async def _verified(self, token: str, now: datetime) -> "_Verified":
        signed = self._unpacked(token)
        header = signed.headers()
        algorithm, kid = header["alg"], header["kid"]
        if algorithm not in self._allowed:
            raise BadToken("algorithm_refused")
        key = await self._key(kid)
        if key is None:
            raise BadToken("key_unknown")
        if algorithm not in key.algorithms:
            raise BadToken("key_of_another_algorithm")
        try:
            genuine = validate_compact(signed, key.key, registry=self._signatures)
        except (JoseError, ValueError, TypeError):
            genuine = False
        if not genuine:
            raise BadToken("signature_wrong")
        claims, expires = self._checked_claims(signed.payload, now)
        return _Verified(self._actor(claims, now), expires, kid, key)

    async def _key(self, kid: str) -> VerificationKey | None:
        try:
            return await self._keys.key(kid)
        except KeySetRefused:
            raise KeysUnavailable from None

    def _unpacked(self, token: str) -> CompactSignature:
        try:
            signed = extract_compact(token.encode("ascii"), registry=self._signatures)
            header = _json(urlsafe_b64decode(signed.segments["header"]))
        except (JoseError, ValueError, TypeError, RecursionError):
            raise BadToken("malformed") from None
        if not isinstance(header, dict) or not header.keys() <= _HEADER:
            raise BadToken("header_unexpected")
        if not isinstance(header.get("alg"), str):
            raise BadToken("algorithm_refused")
        if not isinstance(header.get("kid"), str) or not header["kid"]:
            raise BadToken("key_id_missing")
        # An ID token or a logout token of the same issuer is signed by the same key and is no permission.
        kind = header.get("typ")
        if not isinstance(kind, str):
            raise BadToken("type_wrong")
        if kind.lower().removeprefix("application/") != self._settings.oidc_token_type.lower():
            raise BadToken("type_wrong")
        # What is signed are the bytes of the token, so the algorithm may get its present name here. Under the
        # older one the library would take any Edwards curve.
        signed.headers()["alg"] = algorithm_name(header["alg"])
        return signed

    def _checked_claims(self, payload: bytes, now: datetime) -> tuple[dict[str, object], datetime]:
        try:
            claims = _json(payload)
        except (ValueError, RecursionError):
            raise BadToken("claims_malformed") from None
        if not isinstance(claims, dict):
            raise BadToken("claims_malformed")
        for name in ("exp", "iat", "nbf"):
            if claims.get(name) is not None and not _is_instant(claims[name]):
                raise BadToken("time_malformed")
        rules = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._settings.oidc_issuer},
            aud={"essential": True, "value": self._settings.oidc_audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            rules.validate(claims)
        except MissingClaimError:
            raise BadToken("claim_missing") from None
        except ExpiredTokenError:
            raise BadToken("expired") from None
        except InvalidClaimError as invalid:
            raise BadToken(_INVALID_CLAIM.get(invalid.claim, "not_yet_valid")) from None
        expires, issued = claims["exp"], claims["iat"]
        if not 0 < expires - issued <= self._settings.oidc_max_token_seconds:
            raise BadToken("life_too_long")
        return claims, datetime.fromtimestamp(expires, UTC)

    def _actor(self, claims: dict[str, object], now: datetime) -> Actor:
        settings = self._settings
        person = claim_at(claims, settings.oidc_person_claim)
        # A reaction acts as `service:<name>`; nobody who comes with a token may pass for one, to a reader either.
        if not isinstance(person, str) or not _PERSON.fullmatch(person) or person.lower().startswith("service:"):
            raise BadToken("person_malformed")
        roles = _known_roles(_strings(claims, settings.oidc_roles_claim, "roles_malformed"))
        acr, auth_time = _code(claims, "acr", "acr_malformed"), _auth_time(claims, now)
        if person.lower().startswith(CLIENT):
            # Whatever says that a program signed in would let it pass where a person has to be present.
            if acr or auth_time is not None:
                raise BadToken("client_signed_in")
        elif roles & PROGRAMS:
            raise BadToken("person_with_service_role")
        countries = _strings(claims, settings.oidc_countries_claim, "countries_malformed")
        if not all(is_country(country) for country in countries):
            raise BadToken("countries_malformed")
        sites = _strings(claims, settings.oidc_sites_claim, "sites_malformed")
        if not all(_CODE.fullmatch(site) for site in sites):
            raise BadToken("sites_malformed")
        return Actor(
            person_id=person,
            roles=roles,
            organisation=_code(claims, settings.oidc_organisation_claim, "organisation_malformed"),
            countries=countries,
            sites=sites,
            acr=acr,
            auth_time=auth_time,
        )


@dataclass(frozen=True, slots=True)
class _Verified:
    actor: Actor
    expires: datetime
    kid: str
    key: VerificationKey


def _json(raw: bytes) -> object:
    # Only what every parser reads alike: plain UTF-8 as RFC 7519 wants it, and no name twice.
    found: object = json.loads(raw.decode("utf-8"), object_pairs_hook=_named_once)
    return found


def _named_once(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a name stands there twice")
    return found


def claim_at(claims: dict[str, object], path: str) -> object:
    """The claim of this name, or, if there is none, what the names between dots lead to; None if that is nothing."""
    # The whole name first: namespaced claims such as "https://example.org/roles" hold dots themselves.
    if path in claims:
        return claims[path]
    value: object = claims
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _strings(claims: dict[str, object], path: str, code: str) -> frozenset[str]:
    value = claim_at(claims, path)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise BadToken(code)
    if not all(isinstance(entry, str) for entry in value):
        raise BadToken(code)
    return frozenset(value)


def _code(claims: dict[str, object], path: str, code: str) -> str:
    value = claim_at(claims, path)
    if value is None:
        return ""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise BadToken(code)
    return value


def _known_roles(names: frozenset[str]) -> frozenset[str]:
    known = frozenset(role for role in Role if role in names)
    if len(known) < len(names):
        log.info("token_roles_dropped", dropped=len(names) - len(known), kept=len(known))
    return known


def _auth_time(claims: dict[str, object], now: datetime) -> datetime | None:
    value = claims.get("auth_time")
    if value is None:
        return None
    if not _is_instant(value):
        raise BadToken("auth_time_malformed")
    moment = datetime.fromtimestamp(value, UTC)
    # A login that lies in the future would pass for a fresh one long after it happened.
    if (moment - now).total_seconds() > LEEWAY_SECONDS:
        raise BadToken("auth_time_malformed")
    return moment


def _is_instant(value: object) -> TypeGuard[int | float]:
    # NaN compares false with everything, and so falls out here too.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LAST_SECOND
