"""The provider can forge: each kind is refused for the one thing that is wrong with it, and by no accident."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ops.identity.client import NoToken, request_token
from ops.identity.forging import FORGERIES
from shared.auth import BadToken
from tests.unit.ops.identity_provider import ISSUER, Provider, running

REASONS = {
    "algorithm_refused": {
        "alg-none", "alg-none-capitals", "alg-none-signed", "alg-list", "hs256-public-jwk", "hs256-public-pem",
        "hs256-kid", "es384", "rs256", "ps256-our-kid",
    },
    "key_unknown": {
        "ed448", "eddsa-stranger", "es256-stranger", "kid-unknown", "kid-path", "kid-sql", "kid-address",
    },
    "key_of_another_algorithm": {"ed25519-our-kid"},
    "key_id_missing": {"kid-missing", "kid-empty", "kid-number"},
    "header_unexpected": {"jku", "jwk", "x5u", "x5t", "crit", "b64", "zip", "cty"},
    # A certificate makes a header longer than any that is read.
    "malformed": {"alg-missing", "x5c", "alg-twice", "two-parts", "double-dot", "five-parts", "oversized"},
    "type_wrong": {"typ-id-token", "typ-logout-token", "typ-missing", "typ-list"},
    "signature_wrong": {
        "es256-stranger-our-kid", "signature-missing", "signature-zeros", "signature-cut", "signature-der",
        "signature-padded", "signature-of-other-claims", "signature-of-other-header",
    },
    "expired": {"expired"},
    "not_yet_valid": {"not-yet-valid", "issued-in-future"},
    "time_malformed": {"expires-never", "exp-text", "exp-true"},
    "life_too_long": {"lives-too-long", "expires-before-issue"},
    "claim_missing": {"exp-missing", "iat-missing", "aud-missing", "iss-missing", "sub-missing"},
    "audience_wrong": {"aud-other", "aud-list-of-others", "aud-object"},
    "issuer_wrong": {"iss-other", "iss-slash"},
    "person_malformed": {"sub-empty", "sub-number", "sub-service", "sub-service-capitals", "sub-mail"},
    "client_signed_in": {"client-signed-in"},
    "person_with_service_role": {"person-as-service"},
    "roles_malformed": {"roles-text", "roles-objects"},
    "countries_malformed": {"countries-wildcard", "countries-lower-case", "countries-text"},
    "sites_malformed": {"sites-wildcard"},
    "organisation_malformed": {"organisation-list"},
    "acr_malformed": {"acr-list"},
    "auth_time_malformed": {"auth-time-future", "auth-time-text"},
    "claims_malformed": {
        "payload-empty", "payload-not-json", "payload-list", "payload-byte-order-mark", "payload-utf-16",
        "payload-claim-twice", "payload-deep", "payload-token",
    },
}  # fmt: skip
REASON_OF = {kind: reason for reason, kinds in REASONS.items() for kind in kinds}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


async def forged(provider: Provider, kind: str) -> str:
    return await request_token(ISSUER, "coordinator", provider.secret, forge=kind, client=provider.http)


def test_every_kind_has_its_reason() -> None:
    assert REASON_OF.keys() == FORGERIES.keys()
    assert len({entry.wrong for entry in FORGERIES.values()}) == len(FORGERIES)


@pytest.mark.parametrize("kind", FORGERIES)
async def test_a_forged_token_is_refused_for_what_is_wrong_with_it(kind: str, provider: Provider) -> None:
    with pytest.raises(BadToken) as refusal:
        await provider.tokens.verify(await forged(provider, kind))
    assert refusal.value.code == REASON_OF[kind]


async def test_the_same_person_without_a_forgery_is_accepted(provider: Provider) -> None:
    good = await request_token(ISSUER, "coordinator", provider.secret, client=provider.http)
    assert (await provider.tokens.verify(good)).person_id == "staff:coordinator"


async def test_a_kind_that_does_not_exist_is_refused(provider: Provider) -> None:
    for kind in ("", "alg_none", "good"):
        with pytest.raises(NoToken, match="invalid_request"):
            await forged(provider, kind)


async def test_nobody_else_can_have_a_token_forged(provider: Provider) -> None:
    form = {"grant_type": "urn:avrr:persona", "persona": "coordinator", "forge": "expired"}
    for auth in (provider.login("avrr-portal"), provider.login("office-tn"), ("avrr-development", "guess")):
        answer = await provider.http.post("/token", data=form, auth=auth)
        assert answer.status_code in {400, 401}
        assert answer.json().keys() == {"error"}
