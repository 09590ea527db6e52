"""How the provider's published keys are fetched, renewed, and kept while it is down."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from shared.countries import ALPHA_2, is_country
from shared.jwks import (
    AHEAD_SECONDS,
    COOL_DOWN_SECONDS,
    FIRST_COOL_DOWN_SECONDS,
    FRESH_SECONDS,
    KEPT_SECONDS,
    KeySetRefused,
    ProviderKeys,
    usable_keys,
)

ISSUER = "https://identity.example"
ALGORITHMS = ("ES256", "Ed25519")
ALLOWED = frozenset(ALGORITHMS)
ONE = ECKey.generate_key("P-256", {"kid": "one"})
TWO = OKPKey.generate_key("Ed25519", {"kid": "two"})


def published(*keys: ECKey | OKPKey | RSAKey) -> dict[str, object]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


class Provider:
    """An identity provider on the other side of HTTP, which a test can rotate, stop or hold back."""

    def __init__(self) -> None:
        self.document: object = published(ONE)
        self.discovery: object = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.fetches: list[str] = []
        self.up = True
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.fetches.append(request.url.path)
        self.asked.set()
        await self.open.wait()
        if not self.up:
            raise httpx.ConnectError("down", request=request)
        if request.url.path == "/.well-known/openid-configuration":
            return self._response(self.discovery)
        return self._response(self.document)

    @staticmethod
    def _response(content: object) -> httpx.Response:
        if isinstance(content, httpx.Response):
            return content
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        return httpx.Response(200, stream=httpx.ByteStream(raw))

    @property
    def key_fetches(self) -> int:
        return self.fetches.count("/keys")


class Elapsed:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def following(provider: Provider, elapsed: Callable[[], float]) -> AsyncIterator[ProviderKeys]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider.answer)) as client:
        keys = ProviderKeys(
            issuer=ISSUER, jwks_url=f"{ISSUER}/keys", algorithms=ALGORITHMS, client=client, elapsed=elapsed
        )
        yield keys
        await keys.aclose()


async def test_the_set_is_fetched_once_and_used_for_ten_minutes() -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        assert await keys.key("one") is not None
        elapsed.seconds += AHEAD_SECONDS - 1
        assert await keys.key("one") is not None
    assert provider.fetches == ["/keys"]


async def test_many_who_need_the_first_set_share_one_fetch() -> None:
    provider = Provider()
    async with following(provider, Elapsed()) as keys:
        found = await asyncio.gather(*(keys.key("one") for _ in range(20)))
    assert None not in found
    assert provider.key_fetches == 1


async def test_a_key_id_nobody_knows_causes_one_fetch_in_thirty_seconds() -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        await keys.key("one")
        elapsed.seconds += COOL_DOWN_SECONDS
        found = await asyncio.gather(*(keys.key(f"made-up-{number}") for number in range(50)))
        assert found == [None] * 50
        assert provider.key_fetches == 2
        elapsed.seconds += COOL_DOWN_SECONDS - 1
        assert await keys.key("made-up") is None
        assert provider.key_fetches == 2
        elapsed.seconds += 1
        assert await keys.key("made-up") is None
        assert provider.key_fetches == 3


async def test_a_new_key_is_found_as_soon_as_a_token_names_it() -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        await keys.key("one")
        provider.document = published(ONE, TWO)
        elapsed.seconds += COOL_DOWN_SECONDS
        assert await keys.key("two") is not None
        assert await keys.key("one") is not None


async def test_a_withdrawn_key_is_forgotten_with_the_next_set() -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        await keys.key("one")
        provider.document = published(TWO)
        elapsed.seconds += FRESH_SECONDS
        assert await keys.key("one") is None
        assert await keys.key("two") is not None


async def test_an_ageing_set_is_renewed_without_anybody_waiting() -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        await keys.key("one")
        provider.document = published(ONE, TWO)
        provider.open.clear()
        provider.asked.clear()
        elapsed.seconds += AHEAD_SECONDS
        assert await keys.key("one") is not None
        async with asyncio.timeout(5):
            await provider.asked.wait()
        provider.open.set()
        assert await keys.key("two") is not None
    assert provider.key_fetches == 2


async def test_the_last_good_set_is_kept_for_a_day_while_the_provider_is_down() -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        await keys.key("one")
        provider.up = False
        elapsed.seconds += FRESH_SECONDS
        assert await keys.key("one") is not None
        elapsed.seconds += KEPT_SECONDS - FRESH_SECONDS - 1
        assert await keys.key("one") is not None
        elapsed.seconds += 1
        with pytest.raises(KeySetRefused, match="keys_unavailable"):
            await keys.key("one")


async def test_nobody_waits_for_a_provider_that_is_known_to_be_down() -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        await keys.key("one")
        provider.up = False
        elapsed.seconds += FRESH_SECONDS
        await keys.key("one")
        provider.open.clear()
        elapsed.seconds += COOL_DOWN_SECONDS
        assert await keys.key("one") is not None
        provider.up = True
        provider.document = published(ONE, TWO)
        provider.open.set()
        assert await keys.key("two") is not None


async def test_a_service_that_started_before_its_provider_asks_again_after_a_second() -> None:
    provider, elapsed = Provider(), Elapsed()
    provider.up = False
    async with following(provider, elapsed) as keys:
        for _ in range(5):
            with pytest.raises(KeySetRefused, match="keys_unavailable"):
                await keys.key("one")
        assert provider.key_fetches == 1
        provider.up = True
        elapsed.seconds += FIRST_COOL_DOWN_SECONDS
        assert await keys.key("one") is not None


async def test_one_impatient_caller_does_not_take_the_fetch_from_the_others() -> None:
    provider = Provider()
    provider.open.clear()
    async with following(provider, Elapsed()) as keys:
        impatient = asyncio.create_task(keys.key("one"))
        patient = asyncio.create_task(keys.key("one"))
        await provider.asked.wait()
        impatient.cancel()
        provider.open.set()
        assert await patient is not None
    assert impatient.cancelled()
    assert provider.key_fetches == 1


MALFORMED: dict[str, tuple[object, str]] = {
    "no JSON": (b"<html>", "provider_answer_not_json"),
    "a list": ([], "key_set_malformed"),
    "no keys": ({"keys": []}, "key_set_without_usable_key"),
    "a key that is text": ({"keys": ["one"]}, "key_set_malformed"),
    "seventeen keys": ({"keys": [{"kty": "EC"}] * 17}, "key_set_too_large"),
    "65 KiB": (b" " * 65 * 1024, "provider_answer_too_large"),
    "a redirect": (httpx.Response(302, headers={"location": f"{ISSUER}/other"}), "provider_answer_not_ok"),
    "an error page": (httpx.Response(500), "provider_answer_not_ok"),
    "the private key": ({"keys": [ONE.as_dict(private=True)]}, "key_set_with_secret"),
    "one id for two keys": (
        {"keys": [{**TWO.as_dict(private=False), "kid": "one"}, ONE.as_dict(private=False)]},
        "key_set_ambiguous",
    ),
}


@pytest.mark.parametrize(("answer", "reason"), MALFORMED.values(), ids=MALFORMED.keys())
async def test_an_answer_that_cannot_be_trusted_leaves_the_last_good_set(answer: object, reason: str) -> None:
    provider, elapsed = Provider(), Elapsed()
    async with following(provider, elapsed) as keys:
        await keys.key("one")
        provider.document = answer
        elapsed.seconds += FRESH_SECONDS
        with capture_logs() as logged:
            assert await keys.key("one") is not None
    assert [entry["reason"] for entry in logged] == [reason]
    assert "/other" not in provider.fetches


UNUSABLE: dict[str, Mapping[str, object]] = {
    "a shared secret kept apart": {"kty": "oct", "kid": "one"},
    "an RSA key, whose algorithms are not allowed": RSAKey.generate_key(2048, {"kid": "one"}).as_dict(
        private=False
    ),
    "another curve": ECKey.generate_key("P-384", {"kid": "one"}).as_dict(private=False),
    "Ed448": OKPKey.generate_key("Ed448", {"kid": "one"}).as_dict(private=False),
    "a key agreement curve": OKPKey.generate_key("X25519", {"kid": "one"}).as_dict(private=False),
    "a key for encryption": {**ONE.as_dict(private=False), "use": "enc"},
    "a key for another algorithm": {**ONE.as_dict(private=False), "alg": "ES384"},
    "an algorithm that is a list": {**ONE.as_dict(private=False), "alg": ["ES256"]},
    "no key id": {name: value for name, value in ONE.as_dict(private=False).items() if name != "kid"},
    "an empty key id": {**ONE.as_dict(private=False), "kid": ""},
    "a point off the curve": {**ONE.as_dict(private=False), "y": ONE.as_dict(private=False)["x"]},
    "a coordinate that is no base64url": {**ONE.as_dict(private=False), "x": "!"},
    "a missing coordinate": {
        name: value for name, value in ONE.as_dict(private=False).items() if name != "y"
    },
    "an empty coordinate": {**ONE.as_dict(private=False), "x": ""},
    "a curve that is a number": {**ONE.as_dict(private=False), "crv": 256},
}


@pytest.mark.parametrize("entry", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_that_no_allowed_algorithm_can_use_is_passed_over(entry: Mapping[str, object]) -> None:
    assert usable_keys({"keys": [entry, TWO.as_dict(private=False)]}, ALLOWED).keys() == {"two"}
    with pytest.raises(KeySetRefused, match="key_set_without_usable_key"):
        usable_keys({"keys": [entry]}, ALLOWED)


def test_a_published_shared_secret_spoils_the_whole_set() -> None:
    secret = OctKey.generate_key(256, {"kid": "three"}).as_dict(private=True)
    with pytest.raises(KeySetRefused, match="key_set_with_secret"):
        usable_keys({"keys": [ONE.as_dict(private=False), secret]}, ALLOWED)


def test_a_short_rsa_modulus_is_never_used() -> None:
    long = RSAKey.generate_key(2048, {"kid": "long"}).as_dict(private=False)
    short = {**long, "kid": "short", "n": str(long["n"])[:171]}
    padded = {**short, "kid": "padded", "n": str(short["n"]).rjust(342, "A")}
    assert usable_keys({"keys": [long, short, padded]}, frozenset({"RS256"})).keys() == {"long"}


def test_a_key_that_declares_the_older_name_verifies_ed25519() -> None:
    (key,) = usable_keys({"keys": [{**TWO.as_dict(private=False), "alg": "EdDSA"}]}, ALLOWED).values()
    assert key.algorithms == {"Ed25519"}


async def test_the_address_of_the_keys_is_discovered_from_the_issuer() -> None:
    provider = Provider()
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider.answer)) as client:
        keys = ProviderKeys(issuer=ISSUER, jwks_url=None, algorithms=ALGORITHMS, client=client)
        assert await keys.key("one") is not None
    assert provider.fetches == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": f"{ISSUER}/", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": "https://evil.example", "jwks_uri": f"{ISSUER}/keys"},
        {"jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://identity.example/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///keys"},
        {"issuer": ISSUER, "jwks_uri": "https://user:pass@identity.example/keys"},
        [],
    ],
)
async def test_a_discovery_document_that_is_not_the_issuers_own_is_refused(discovery: object) -> None:
    provider = Provider()
    provider.discovery = discovery
    async with httpx.AsyncClient(transport=httpx.MockTransport(provider.answer)) as client:
        keys = ProviderKeys(issuer=ISSUER, jwks_url=None, algorithms=ALGORITHMS, client=client)
        with pytest.raises(KeySetRefused, match="keys_unavailable"):
            await keys.key("one")
    assert provider.key_fetches == 0


@pytest.mark.parametrize(
    "url", ["http://identity.example", "http://192.0.2.1", "identity.example", "ftp://127.0.0.1", ""]
)
async def test_keys_are_never_asked_for_over_an_open_network(url: str) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(ValueError, match="https"):
            ProviderKeys(issuer=url, jwks_url=None, algorithms=ALGORITHMS, client=client)


def test_there_are_249_countries_in_upper_case() -> None:
    assert len(ALPHA_2) == 249
    assert all(is_country(code) for code in ("BA", "TN", "IQ", "SS", "PS", "TW"))
    assert not any(is_country(code) for code in ("ba", "BIH", "XK", "UK", "EU", "", "AN"))
