"""The identity provider's published keys: from one pinned address, kept fresh, and kept while it is down."""

import asyncio
import contextlib
import ipaddress
import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

FRESH_SECONDS: Final = 600
# A set this old is renewed behind the requests, so that in daily use none of them waits for the provider.
AHEAD_SECONDS: Final = 480
KEPT_SECONDS: Final = 24 * 3600
# Anybody can send a made-up key id. Without this pause each one would be a request to the provider.
COOL_DOWN_SECONDS: Final = 30
# A service that has no key yet can do nothing, so it asks sooner: it may have started before the provider.
FIRST_COOL_DOWN_SECONDS: Final = 1
MAX_KEYS: Final = 16
MAX_ANSWER_BYTES: Final = 64 * 1024
MIN_RSA_BITS: Final = 2048

_DEADLINE_SECONDS: Final = 5
_TIMEOUT: Final = httpx.Timeout(3.0, connect=2.0)

# What a key of this type and curve can verify; an algorithm that is not listed cannot be configured either.
_ABLE: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("OKP", "Ed25519"): frozenset({"Ed25519"}),
    ("RSA", None): frozenset({"PS256", "RS256"}),
}
_MEMBERS: Final = {"EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x"), "RSA": ("kty", "n", "e")}
_TYPES: Final[Mapping[str, type[ECKey] | type[OKPKey] | type[RSAKey]]] = {
    "EC": ECKey,
    "OKP": OKPKey,
    "RSA": RSAKey,
}
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the allowed algorithms that it may verify, in their RFC 9864 names."""

    algorithms: frozenset[str]
    key: ECKey | OKPKey | RSAKey


class KeySetRefused(Exception):
    """The provider's answer cannot be trusted as a whole; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def allowed_algorithms(names: Collection[str]) -> frozenset[str]:
    """The algorithms in their RFC 9864 names; ValueError if there are none, or one is not a safe signature.

    ``EdDSA`` is the older name of what RFC 9864 splits in two, and stands here for Ed25519 alone.
    """
    known = frozenset[str]().union(*_ABLE.values())
    allowed = frozenset(algorithm_name(name) for name in names)
    if not allowed or not allowed <= known:
        raise ValueError(f"the signature algorithms must be some of {', '.join(sorted(known))}")
    return allowed


def algorithm_name(name: str) -> str:
    """The RFC 9864 name of an algorithm."""
    return "Ed25519" if name == "EdDSA" else name


def is_loopback(host: str) -> bool:
    """Whether this host never leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def usable_keys(document: object, allowed: frozenset[str]) -> dict[str, VerificationKey]:
    """The keys of a JWK set that an allowed algorithm can use, by key id.

    A key of another kind is passed over, as RFC 7517 section 5 wants it. KeySetRefused if there are more than
    16 keys, if two share an id, if a private or shared key is published, or if none is usable.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KeySetRefused("key_set_malformed")
    if len(entries) > MAX_KEYS:
        raise KeySetRefused("key_set_too_large")
    usable: dict[str, VerificationKey] = {}
    for entry in entries:
        # Whoever reads a published secret can sign as anybody, so nothing else in that set is trusted either.
        if not _PRIVATE_MEMBERS.isdisjoint(entry):
            raise KeySetRefused("key_set_with_secret")
        kid = entry.get("kid")
        key = _verification_key(entry, allowed)
        if not isinstance(kid, str) or not kid or key is None:
            continue
        if kid in usable:
            raise KeySetRefused("key_set_ambiguous")
        usable[kid] = key
    if not usable:
        raise KeySetRefused("key_set_without_usable_key")
    return usable


class ProviderKeys:
    """The current keys of one issuer, found by discovery or at a given address.

    Fresh for 10 minutes and renewed in the background before that. An unknown key id causes one fetch, shared
    by all who wait, at most every 30 seconds; so a provider should publish a key for ten minutes before it signs with
    it, or the first tokens that it signs are refused for as long as somebody's made-up key ids use up the pause. While the provider is down or its answer is refused, the last
    good set stays in use for at most 24 hours.
    """

    def __init__(
        self,
        *,
        issuer: str,
        jwks_url: str | None,
        algorithms: Collection[str],
        client: httpx.AsyncClient,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        for url in (issuer, *([jwks_url] if jwks_url else [])):
            if not is_confidential(url):
                raise ValueError("the identity provider's address must be https, or http on this machine")
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._allowed = allowed_algorithms(algorithms)
        self._client = client
        self._elapsed = elapsed
        self._keys: dict[str, VerificationKey] = {}
        self._fetched_at = 0.0
        self._failing = False
        self._next_fetch_at = elapsed()
        self._fetch: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> VerificationKey | None:
        """The key of this id, None if the provider has none such; KeySetRefused if no set is known at all."""
        age = self._elapsed() - self._fetched_at
        if age >= KEPT_SECONDS:
            self._keys = {}
        if not self._keys or (age >= FRESH_SECONDS and not self._failing):
            await self._fetched()
        elif age >= AHEAD_SECONDS:
            self._fetching()
        if not self._keys:
            raise KeySetRefused("keys_unavailable")
        if kid not in self._keys:
            await self._fetched()
        return self._keys.get(kid)

    async def aclose(self) -> None:
        """Give up a fetch that is under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._fetch

    async def _fetched(self) -> None:
        fetch = self._fetching()
        if fetch is not None:
            # A caller who goes away must not take the fetch away from the others.
            await asyncio.shield(fetch)

    def _fetching(self) -> asyncio.Task[None] | None:
        if self._fetch is None or self._fetch.done():
            if self._elapsed() < self._next_fetch_at:
                return None
            pause = COOL_DOWN_SECONDS if self._keys else FIRST_COOL_DOWN_SECONDS
            self._next_fetch_at = self._elapsed() + pause
            self._fetch = asyncio.create_task(self._renew(), name="provider-keys")
        return self._fetch

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                document = await self._json(self._jwks_url or await self._discovered())
            keys = usable_keys(document, self._allowed)
        except KeySetRefused as refusal:
            reason = refusal.code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            reason = "provider_unreachable"
        else:
            self._keys, self._fetched_at, self._failing = keys, self._elapsed(), False
            return
        self._failing = True
        log.warning("provider_keys_not_renewed", reason=reason)

    async def _discovered(self) -> str:
        document = await self._json(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise KeySetRefused("discovery_of_another_issuer")
        url = document.get("jwks_uri")
        if not isinstance(url, str) or not is_confidential(url):
            raise KeySetRefused("discovery_without_confidential_address")
        return url

    async def _json(self, url: str) -> object:
        body = bytearray()
        # Asked for and read as on the wire: a small compressed answer could unfold into a very large one.
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        request = self._client.build_request("GET", url, headers=headers, timeout=_TIMEOUT)
        response = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code != httpx.codes.OK:
                raise KeySetRefused("provider_answer_not_ok")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise KeySetRefused("provider_answer_too_large")
        finally:
            await response.aclose()
        try:
            document: object = json.loads(body)
        except (ValueError, RecursionError):
            raise KeySetRefused("provider_answer_not_json") from None
        return document


def is_confidential(url: str) -> bool:
    """Whether what is said at this address stays between us and who answers: https, or http on this machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    if parsed.userinfo or not parsed.host:
        return False
    return parsed.scheme == "https" or (parsed.scheme == "http" and is_loopback(parsed.host))


def _verification_key(entry: Mapping[str, object], allowed: frozenset[str]) -> VerificationKey | None:
    kty, crv, declared = entry.get("kty"), entry.get("crv"), entry.get("alg")
    if not isinstance(kty, str) or not isinstance(crv, str | None) or entry.get("use", "sig") != "sig":
        return None
    able = _ABLE.get((kty, crv), frozenset()) & allowed
    if declared is not None:
        able &= {algorithm_name(declared)} if isinstance(declared, str) else set()
    if not able:
        return None
    material = {name: value for name in _MEMBERS[kty] if isinstance(value := entry.get(name), str)}
    # Six bits a character, zeros before it aside. The import would take a short modulus with a mere warning.
    if kty == "RSA" and len(material.get("n", "").lstrip("A")) * 6 < MIN_RSA_BITS:
        return None
    try:
        return VerificationKey(able, _TYPES[kty].import_key(dict(material)))
    except (JoseError, ValueError, ArithmeticError):
        return None
