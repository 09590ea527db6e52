"""What accepted access tokens turn into, and for how long they are remembered."""

import secrets
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from shared.actors import Actor, Role
from shared.auth import MAX_REMEMBERED, BadToken, KeysUnavailable, Tokens
from shared.jwks import allowed_algorithms
from tests.unit.shared.signing import (
    ED25519,
    GOOD,
    GOOD_CLAIMS,
    GOOD_HEADER,
    KEY,
    NOW,
    RSA,
    SECOND,
    STRANGER,
    KeysAtHand,
    NoKeys,
    claims,
    header,
    settings,
    signed,
    tokens,
    without,
)


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


async def test_a_good_token_becomes_the_actor_it_names() -> None:
    assert await tokens().verify(GOOD) == Actor(
        person_id="staff:finance-approver",
        roles=frozenset({Role.FINANCE_APPROVER}),
        organisation="iom_ba",
        countries=frozenset({"BA", "TN"}),
        sites=frozenset({"trc_lipa"}),
        acr="phr",
        auth_time=NOW - timedelta(seconds=60),
    )


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"])
async def test_the_type_may_be_written_as_a_media_type_in_any_case(kind: str) -> None:
    assert await tokens().verify(signed(header(typ=kind), GOOD_CLAIMS))


@pytest.mark.parametrize("name", ["Ed25519", "EdDSA"])
async def test_ed25519_is_accepted_under_both_of_its_names(name: str) -> None:
    token = signed(header(alg=name, kid="ed"), GOOD_CLAIMS, ED25519, "Ed25519")
    assert await tokens(KeysAtHand(ED25519)).verify(token)


async def test_an_algorithm_may_be_allowed_for_a_provider_that_has_no_other() -> None:
    keys = KeysAtHand(RSA, algorithms=("RS256",))
    verifier = Tokens(settings(oidc_algorithms=("RS256",)), keys, Hands())
    assert await verifier.verify(signed(header(alg="RS256", kid="rsa"), GOOD_CLAIMS, RSA, "RS256"))


@pytest.mark.parametrize("names", [(), ("none",), ("HS256",), ("ES256", "HS512"), ("Ed448",), ("es256",)])
def test_an_unsafe_or_empty_list_of_algorithms_stops_the_start(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="signature algorithms"):
        Tokens(settings(oidc_algorithms=names), KeysAtHand(KEY), Hands())


async def test_the_audience_may_stand_among_others() -> None:
    assert await tokens().verify(signed(GOOD_HEADER, claims(aud=["account", "avrr"])))


async def test_clocks_may_differ_by_less_than_half_a_minute() -> None:
    late = claims(iat=SECOND - 329, exp=SECOND - 29)
    early = claims(iat=SECOND + 30, exp=SECOND + 330, nbf=SECOND + 30, auth_time=SECOND + 30)
    assert await tokens().verify(signed(GOOD_HEADER, late))
    assert await tokens().verify(signed(GOOD_HEADER, early))


async def test_unknown_roles_are_dropped_and_logged_without_their_names() -> None:
    token = signed(GOOD_HEADER, claims(roles=["offline_access", "auditor", "uma_authorization"]))
    with capture_logs() as logged:
        actor = await tokens().verify(token)
    assert actor.roles == {Role.AUDITOR}
    (entry,) = logged
    assert (entry["event"], entry["dropped"], entry["kept"]) == ("token_roles_dropped", 2, 1)
    assert "offline_access" not in str(entry)


async def test_a_token_without_roles_and_scope_is_an_actor_without_any() -> None:
    bare = {name: GOOD_CLAIMS[name] for name in ("iss", "sub", "aud", "iat", "exp")}
    actor = await tokens().verify(signed(GOOD_HEADER, bare))
    nothing: frozenset[str] = frozenset()
    assert actor == Actor("staff:finance-approver", nothing, "", nothing, nothing, "", None)


@pytest.mark.parametrize(("name", "role"), [("service-returns", Role.SERVICE), ("service-retention", Role.RETENTION), ("office-tn", Role.RECEIVING_OFFICE)])
async def test_a_program_acts_under_a_name_of_its_own_and_never_signed_in(name: str, role: Role) -> None:
    stated = claims(sub=f"client:{name}", roles=[role])
    bare = without(without(stated, "acr"), "auth_time")
    actor = await tokens().verify(signed(GOOD_HEADER, bare))
    assert (actor.person_id, actor.roles) == (f"client:{name}", frozenset({role}))
    assert (actor.acr, actor.auth_time) == ("", None)


async def test_claims_are_read_where_the_settings_say() -> None:
    nested = claims(
        realm_access={"roles": ["auditor"]}, oid="0b7d", **{"https://avrr.example/countries": ["IQ"]}
    )
    verifier = tokens(
        oidc_roles_claim="realm_access.roles",
        oidc_person_claim="oid",
        oidc_countries_claim="https://avrr.example/countries",
        oidc_sites_claim="sites.of.nothing",
    )
    actor = await verifier.verify(signed(GOOD_HEADER, nested))
    assert actor.person_id == "0b7d"
    assert (actor.roles, actor.countries, actor.sites) == (
        frozenset({"auditor"}),
        frozenset({"IQ"}),
        frozenset(),
    )


async def test_without_any_key_no_token_can_be_judged() -> None:
    with pytest.raises(KeysUnavailable):
        await tokens(NoKeys()).verify(GOOD)


async def test_a_remembered_token_ends_at_its_expiry() -> None:
    hands = Hands()
    verifier = tokens(now=hands)
    await verifier.verify(GOOD)
    hands.time = NOW + timedelta(seconds=299)
    assert await verifier.verify(GOOD)
    hands.time = NOW + timedelta(seconds=330)
    with pytest.raises(BadToken, match="expired"):
        await verifier.verify(GOOD)


async def test_a_remembered_token_ends_with_the_key_that_signed_it() -> None:
    keys = KeysAtHand(KEY, ED25519)
    verifier = tokens(keys)
    await verifier.verify(GOOD)
    keys.publish(ED25519)
    with pytest.raises(BadToken, match="key_unknown"):
        await verifier.verify(GOOD)
    keys.publish(STRANGER)
    with pytest.raises(BadToken, match="signature_wrong"):
        await verifier.verify(GOOD)


async def test_a_verified_token_is_not_verified_again() -> None:
    verifier = tokens()
    assert await verifier.verify(GOOD) is await verifier.verify(GOOD)


async def test_only_so_many_tokens_are_remembered_and_the_oldest_goes_first() -> None:
    verifier = tokens()
    first = await verifier.verify(GOOD)
    for number in range(MAX_REMEMBERED - 1):
        await verifier.verify(signed(GOOD_HEADER, claims(jti=str(number))))
    assert await verifier.verify(GOOD) is first
    last = signed(GOOD_HEADER, claims(jti=secrets.token_hex(4)))
    remembered = await verifier.verify(last)
    again = await verifier.verify(GOOD)
    assert again == first
    assert again is not first
    assert await verifier.verify(last) is remembered


async def test_a_refused_token_is_not_remembered() -> None:
    keys = KeysAtHand(STRANGER)
    verifier = tokens(keys)
    with pytest.raises(BadToken, match="signature_wrong"):
        await verifier.verify(GOOD)
    keys.publish(KEY)
    assert await verifier.verify(GOOD)


def test_the_refusal_carries_nothing_but_its_code() -> None:
    assert str(BadToken("expired")) == "expired"
    assert allowed_algorithms(["EdDSA", "ES256"]) == {"Ed25519", "ES256"}
