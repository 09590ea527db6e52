"""Which ID token ends a sign-in: one that the provider signed for the portal, for this request, of a sign-in young enough."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.portal.provider import Demand, IdTokenRefused, Provider, ProviderAway
from services.portal.settings import PortalSettings
from shared.certificates import trusted
from shared.jwks import KeySetRefused, VerificationKey, usable_keys
from tests.unit.portal.test_settings import GIVEN

ISSUER = str(GIVEN["oidc_issuer"])
NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())
KEY = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)
NOBODYS: frozenset[str] = frozenset()
DEMAND = Demand("the-nonce", 300, NOW)
CLAIMS: dict[str, object] = {
    "iss": ISSUER, "sub": "f3a0", "aud": "avrr-portal", "exp": SECOND + 300, "iat": SECOND, "nonce": "the-nonce",
    "auth_time": SECOND - 10, "acr": "phr", "name": "Ana Anić", "roles": ["counsellor"], "org": "iom_ba",
    "countries": ["BA"], "sites": ["trc_lipa"],
}  # fmt: skip


class Published:
    """The keys that the provider publishes; none while it is away."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = usable_keys({"keys": [key.as_dict(private=False) for key in keys]}, frozenset({"ES256"})) if keys else {}

    async def key(self, kid: str) -> VerificationKey | None:
        if not self.keys:
            raise KeySetRefused("keys_unavailable")
        return self.keys.get(kid)


@asynccontextmanager
async def provider_with(*keys: ECKey) -> AsyncIterator[Provider]:
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as client:
        yield Provider(PortalSettings.model_validate(GIVEN), client, Published(*keys), lambda: NOW)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with provider_with(KEY) as found:
        yield found


def signed(claims: dict[str, object], key: ECKey = KEY, **header: str) -> str:
    return jwt.encode({"alg": "ES256", "kid": KEY.kid or "", "typ": "JWT", **header}, claims, key, algorithms=["ES256"])


def by_hand(algorithm: str, secret: bytes) -> str:
    """A token that the library would not make: unsigned, or signed with the public key as a shared secret."""
    header = {"alg": algorithm, "kid": KEY.kid, "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, CLAIMS)]
    signature = hmac.digest(secret, b".".join(parts), "sha256") if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in CLAIMS.items() if name not in names}


async def test_a_good_token_names_somebody(provider: Provider) -> None:
    found = await provider.identified(signed(CLAIMS), DEMAND)
    assert (found.person_id, found.name, found.acr) == ("f3a0", "Ana Anić", "phr")
    assert (found.roles, found.organisation) == (frozenset({"counsellor"}), "iom_ba")
    assert (found.countries, found.sites) == (frozenset({"BA"}), frozenset({"trc_lipa"}))
    assert found.auth_time == datetime.fromtimestamp(SECOND - 10, UTC)
    together = CLAIMS | {"aud": ["avrr-portal", "another"], "azp": "avrr-portal"}
    assert (await provider.identified(signed(together), DEMAND)).person_id == "f3a0"


@pytest.mark.parametrize(
    "claims",
    [
        CLAIMS | {"iss": "https://evil.example"}, without("iss"),
        CLAIMS | {"aud": "avrr"}, CLAIMS | {"aud": ["avrr"]}, CLAIMS | {"aud": ["avrr-portal", "another"]},
        CLAIMS | {"aud": ["avrr-portal", "another"], "azp": "another"}, without("aud"),
        CLAIMS | {"nonce": "another"}, without("nonce"),
        CLAIMS | {"exp": SECOND - 31}, without("exp"), CLAIMS | {"exp": "soon"},
        CLAIMS | {"iat": SECOND + 31}, without("iat"),
        without("auth_time"), CLAIMS | {"auth_time": SECOND - 331}, CLAIMS | {"auth_time": SECOND + 31},
        CLAIMS | {"auth_time": "now"}, CLAIMS | {"auth_time": True}, CLAIMS | {"auth_time": 10**30},
        without("sub"), CLAIMS | {"sub": ""}, CLAIMS | {"sub": 7}, CLAIMS | {"sub": "two words"}, CLAIMS | {"sub": "x" * 300},
    ],
)  # fmt: skip
async def test_a_claim_that_is_missing_or_another_ends_no_sign_in(claims: dict[str, object], provider: Provider) -> None:
    with pytest.raises(IdTokenRefused):
        await provider.identified(signed(claims), DEMAND)


@pytest.mark.parametrize(
    "token",
    [
        "", "a.b", "ünï.cö.de", signed(CLAIMS, kid="another"), signed(CLAIMS, typ="at+jwt"), signed(CLAIMS, jku="https://evil.example"),
        signed(CLAIMS, ECKey.generate_key("P-256", {"kid": KEY.kid or ""}, private=True)),
        signed(CLAIMS)[:-4] + "AAAA", signed(CLAIMS).rpartition(".")[0] + ".",
        by_hand("none", b""), by_hand("HS256", json.dumps(KEY.as_dict(private=False)).encode()),
    ],
    ids=range(11),
)  # fmt: skip
async def test_a_token_that_the_provider_did_not_sign_so_ends_no_sign_in(token: str, provider: Provider) -> None:
    with pytest.raises(IdTokenRefused):
        await provider.identified(token, DEMAND)


async def test_what_could_not_be_shown_in_a_line_is_left_out(provider: Provider) -> None:
    odd = CLAIMS | {"name": "two\nlines", "roles": "counsellor", "countries": [7, "BA", "x" * 300], "org": None}
    found = await provider.identified(signed(odd), DEMAND)
    assert (found.name, found.roles, found.countries, found.organisation) == ("", NOBODYS, frozenset({"BA"}), "")


async def test_without_the_providers_keys_nobody_is_refused_but_told_to_wait() -> None:
    async with provider_with() as provider:
        with pytest.raises(ProviderAway):
            await provider.identified(signed(CLAIMS), DEMAND)
