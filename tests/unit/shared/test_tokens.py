"""Which access tokens are accepted, what they turn into, and how the provider's keys are kept."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from shared.actors import Actor, Role
from shared.auth import MAX_REMEMBERED, BadToken, KeysUnavailable, Tokens
from shared.jwks import KeySetRefused, VerificationKey, allowed_algorithms, usable_keys
from shared.settings import Settings

ISSUER = "https://identity.example"
NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())

KEY = ECKey.generate_key("P-256", {"kid": "one"})
P384 = ECKey.generate_key("P-384", {"kid": "p384"})
ED25519 = OKPKey.generate_key("Ed25519", {"kid": "ed"})
ED448 = OKPKey.generate_key("Ed448", {"kid": "ed448"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
STRANGER = ECKey.generate_key("P-256", {"kid": "one"})

GOOD_HEADER: Mapping[str, object] = {"alg": "ES256", "kid": "one", "typ": "at+jwt"}
GOOD_CLAIMS: Mapping[str, object] = {
    "iss": ISSUER,
    "sub": "staff:finance-approver",
    "aud": "avrr",
    "iat": SECOND,
    "exp": SECOND + 300,
    "roles": ["finance_approver"],
    "org": "iom_ba",
    "countries": ["BA", "TN"],
    "sites": ["trc_lipa"],
    "acr": "phr",
    "auth_time": SECOND - 60,
}


class KeysAtHand:
    """A set of public keys that a test can change, as a provider would between two fetches."""

    def __init__(
        self, *keys: ECKey | OKPKey | RSAKey, algorithms: tuple[str, ...] = ("ES256", "Ed25519")
    ) -> None:
        self.algorithms = frozenset(algorithms)
        self.lookups = 0
        self.publish(*keys)

    def publish(self, *keys: ECKey | OKPKey | RSAKey) -> None:
        document = {"keys": [key.as_dict(private=False) for key in keys]}
        self.keys = usable_keys(document, self.algorithms)

    async def key(self, kid: str) -> VerificationKey | None:
        self.lookups += 1
        return self.keys.get(kid)


class NoKeys:
    async def key(self, kid: str) -> VerificationKey | None:
        raise KeySetRefused(f"nothing is known about {len(kid)} characters")


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        return self.time


def settings(**changes: str | tuple[str, ...] | int) -> Settings:
    given = {"oidc_issuer": ISSUER, "nats_url": "nats://127.0.0.1:4222", **changes}
    unused = SecretStr("postgresql://nowhere")
    return Settings.model_validate({**given, "api_database_url": unused, "worker_database_url": unused})


def segment(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(
    header: object, claims: object, key: ECKey | OKPKey | RSAKey = KEY, algorithm: str = "ES256"
) -> str:
    """A token with any header and any payload and a genuine signature of this key."""
    content = f"{segment(header)}.{segment(claims)}"
    signature = JWSRegistry.algorithms[algorithm].sign(content.encode(), key)
    return f"{content}.{segment(signature)}"


def header(**changes: object) -> dict[str, object]:
    return {**GOOD_HEADER, **changes}


def claims(**changes: object) -> dict[str, object]:
    return {**GOOD_CLAIMS, **changes}


def without(given: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in given.items() if key != name}


def tokens(
    keys: KeysAtHand | NoKeys | None = None, now: Callable[[], datetime] = lambda: NOW, **changes: str
) -> Tokens:
    return Tokens(settings(**changes), keys or KeysAtHand(KEY), now)


GOOD = signed(GOOD_HEADER, GOOD_CLAIMS)


def hmac_with_the_public_key() -> str:
    content = f"{segment(header(alg='HS256'))}.{segment(GOOD_CLAIMS)}"
    public = json.dumps(KEY.as_dict(private=False)).encode()
    return f"{content}.{segment(hmac.digest(public, content.encode(), hashlib.sha256))}"


def with_other_claims() -> str:
    head, _, signature = GOOD.split(".")
    return f"{head}.{segment(claims(roles=['administrator']))}.{signature}"


def der_signature() -> str:
    content = GOOD.rpartition(".")[0]
    raw = base64.urlsafe_b64decode(GOOD.rpartition(".")[2] + "==")
    numbers = b"".join(b"\x02\x21\x00" + half for half in (raw[:32], raw[32:]))
    return f"{content}.{segment(b'0' + bytes([len(numbers)]) + numbers)}"


BAD: dict[str, tuple[str, str]] = {
    "an empty string": ("", "malformed"),
    "words": ("no token at all", "malformed"),
    "two segments": (GOOD.rpartition(".")[0], "malformed"),
    "four segments": (f"{GOOD}.{segment({})}", "malformed"),
    "an encrypted token's five segments": (f"{GOOD}..", "malformed"),
    "characters beyond ASCII": (GOOD + "é", "malformed"),
    "more than 8 KiB": (signed(GOOD_HEADER, claims(note="x" * 9000)), "malformed"),
    "a header that is no JSON": (signed(b"{", GOOD_CLAIMS), "malformed"),
    "a header that is a list": (signed(["alg"], GOOD_CLAIMS), "header_unexpected"),
    "a header that is a string": (signed("alg", GOOD_CLAIMS), "header_unexpected"),
    "a header that is a number": (signed(1, GOOD_CLAIMS), "malformed"),
    "a header nested too deeply": (signed(b"[" * 380, GOOD_CLAIMS), "malformed"),
    "a header without an algorithm": (signed(without(GOOD_HEADER, "alg"), GOOD_CLAIMS), "malformed"),
    "alg none, unsigned": (f"{segment(header(alg='none'))}.{segment(GOOD_CLAIMS)}.", "algorithm_refused"),
    "alg NONE, signed": (signed(header(alg="NONE"), GOOD_CLAIMS), "algorithm_refused"),
    "alg that is a list": (signed(header(alg=["ES256"]), GOOD_CLAIMS), "algorithm_refused"),
    "HMAC with the public key as secret": (hmac_with_the_public_key(), "algorithm_refused"),
    "RS256, which is not allowed": (
        signed(header(alg="RS256", kid="rsa"), GOOD_CLAIMS, RSA, "RS256"),
        "algorithm_refused",
    ),
    "ES384, which is not allowed": (
        signed(header(alg="ES384", kid="p384"), GOOD_CLAIMS, P384, "ES384"),
        "algorithm_refused",
    ),
    "Ed448, which is not allowed": (
        signed(header(alg="Ed448"), GOOD_CLAIMS, ED448, "Ed448"),
        "algorithm_refused",
    ),
    "Ed448 under the old name": (
        signed(header(alg="EdDSA", kid="ed448"), GOOD_CLAIMS, ED448, "Ed448"),
        "key_unknown",
    ),
    "an Edwards signature for an EC key": (
        signed(header(alg="Ed25519"), GOOD_CLAIMS, ED25519, "Ed25519"),
        "key_of_another_algorithm",
    ),
    "no key id": (signed(without(GOOD_HEADER, "kid"), GOOD_CLAIMS), "key_id_missing"),
    "an empty key id": (signed(header(kid=""), GOOD_CLAIMS), "key_id_missing"),
    "a key id that is a number": (signed(header(kid=1), GOOD_CLAIMS), "key_id_missing"),
    "an unknown key id": (signed(header(kid="../../one"), GOOD_CLAIMS), "key_unknown"),
    "the address of a foreign key set": (
        signed(header(jku="https://evil.example/jwks"), GOOD_CLAIMS),
        "header_unexpected",
    ),
    "a foreign key inside": (
        signed(header(jwk=STRANGER.as_dict(private=False)), GOOD_CLAIMS, STRANGER),
        "header_unexpected",
    ),
    "the address of a foreign certificate": (
        signed(header(x5u="https://evil.example/c"), GOOD_CLAIMS),
        "header_unexpected",
    ),
    "a foreign certificate inside": (signed(header(x5c=["MII"]), GOOD_CLAIMS), "header_unexpected"),
    "a certificate thumbprint": (signed(header(x5t="abc"), GOOD_CLAIMS), "header_unexpected"),
    "a critical extension": (signed(header(crit=["exp"]), GOOD_CLAIMS), "header_unexpected"),
    "an unencoded payload": (signed(header(b64=False), GOOD_CLAIMS), "malformed"),
    "compression": (signed(header(zip="DEF"), GOOD_CLAIMS), "header_unexpected"),
    "a nested token": (signed(header(cty="JWT"), GOOD_CLAIMS), "header_unexpected"),
    "no type": (signed(without(GOOD_HEADER, "typ"), GOOD_CLAIMS), "type_wrong"),
    "an ID token's type": (signed(header(typ="JWT"), GOOD_CLAIMS), "type_wrong"),
    "a logout token's type": (signed(header(typ="logout+jwt"), GOOD_CLAIMS), "type_wrong"),
    "a type that is a list": (signed(header(typ=["at+jwt"]), GOOD_CLAIMS), "type_wrong"),
    "another media type": (signed(header(typ="text/at+jwt"), GOOD_CLAIMS), "type_wrong"),
    "a stranger's signature": (signed(GOOD_HEADER, GOOD_CLAIMS, STRANGER), "signature_wrong"),
    "claims changed after signing": (with_other_claims(), "signature_wrong"),
    "no signature": (GOOD.rpartition(".")[0] + ".", "signature_wrong"),
    "a signature of zeros": (f"{GOOD.rpartition('.')[0]}.{segment(bytes(64))}", "signature_wrong"),
    "a shortened signature": (GOOD[:-4], "signature_wrong"),
    "a signature in another encoding": (der_signature(), "signature_wrong"),
    "a signature that is not base64url": (GOOD[:-4] + "+/+/", "signature_wrong"),
    "claims that are a list": (signed(GOOD_HEADER, ["sub"]), "claims_malformed"),
    "claims that are no JSON": (signed(GOOD_HEADER, b"\xff"), "claims_malformed"),
    "claims nested too deeply": (signed(GOOD_HEADER, b"[" * 5000), "claims_malformed"),
    "no issuer": (signed(GOOD_HEADER, without(GOOD_CLAIMS, "iss")), "claim_missing"),
    "another issuer": (signed(GOOD_HEADER, claims(iss="https://identity.example.evil")), "issuer_wrong"),
    "the issuer with a slash": (signed(GOOD_HEADER, claims(iss=f"{ISSUER}/")), "issuer_wrong"),
    "a list of issuers": (signed(GOOD_HEADER, claims(iss=[ISSUER])), "issuer_wrong"),
    "no audience": (signed(GOOD_HEADER, without(GOOD_CLAIMS, "aud")), "claim_missing"),
    "another audience": (signed(GOOD_HEADER, claims(aud="avrr-portal")), "audience_wrong"),
    "an empty list of audiences": (signed(GOOD_HEADER, claims(aud=[])), "audience_wrong"),
    "audience as an object": (signed(GOOD_HEADER, claims(aud={"avrr": True})), "audience_wrong"),
    "no subject": (signed(GOOD_HEADER, without(GOOD_CLAIMS, "sub")), "claim_missing"),
    "an empty subject": (signed(GOOD_HEADER, claims(sub="")), "person_malformed"),
    "a subject that is a number": (signed(GOOD_HEADER, claims(sub=7)), "person_malformed"),
    "a mail address as subject": (signed(GOOD_HEADER, claims(sub="someone@iom.example")), "person_malformed"),
    "a line break in the subject": (signed(GOOD_HEADER, claims(sub="staff:a\n")), "person_malformed"),
    "a subject that passes for a service": (
        signed(GOOD_HEADER, claims(sub="service:returns")),
        "person_malformed",
    ),
    "no expiry": (signed(GOOD_HEADER, without(GOOD_CLAIMS, "exp")), "claim_missing"),
    "no time of issue": (signed(GOOD_HEADER, without(GOOD_CLAIMS, "iat")), "claim_missing"),
    "expired beyond the leeway": (signed(GOOD_HEADER, claims(iat=SECOND - 330, exp=SECOND - 30)), "expired"),
    "issued in the future": (signed(GOOD_HEADER, claims(iat=SECOND + 31, exp=SECOND + 331)), "not_yet_valid"),
    "not valid yet": (signed(GOOD_HEADER, claims(nbf=SECOND + 31)), "not_yet_valid"),
    "a life of 601 seconds": (signed(GOOD_HEADER, claims(exp=SECOND + 601)), "life_too_long"),
    "an expiry before its issue": (
        signed(GOOD_HEADER, claims(iat=SECOND + 20, exp=SECOND + 10)),
        "life_too_long",
    ),
    "expiry 1e300": (signed(GOOD_HEADER, claims(exp=1e300)), "time_malformed"),
    "expiry not a number": (signed(GOOD_HEADER, claims(exp=float("nan"))), "time_malformed"),
    "expiry infinite": (signed(GOOD_HEADER, claims(exp=float("inf"))), "time_malformed"),
    "expiry as text": (signed(GOOD_HEADER, claims(exp=str(SECOND + 300))), "time_malformed"),
    "expiry true": (signed(GOOD_HEADER, claims(exp=True)), "time_malformed"),
    "issue a giant negative number": (signed(GOOD_HEADER, claims(iat=-(10**400))), "time_malformed"),
    "not-before as text": (signed(GOOD_HEADER, claims(nbf="soon")), "time_malformed"),
    "roles as one string": (signed(GOOD_HEADER, claims(roles="administrator")), "roles_malformed"),
    "a role that is an object": (signed(GOOD_HEADER, claims(roles=[{"name": "auditor"}])), "roles_malformed"),
    "too many roles": (signed(GOOD_HEADER, claims(roles=["r"] * 257)), "roles_malformed"),
    "a country in lower case": (signed(GOOD_HEADER, claims(countries=["tn"])), "countries_malformed"),
    "an alpha-3 country": (signed(GOOD_HEADER, claims(countries=["TUN"])), "countries_malformed"),
    "a country that is not assigned": (signed(GOOD_HEADER, claims(countries=["XK"])), "countries_malformed"),
    "a wildcard for a country": (signed(GOOD_HEADER, claims(countries=["*"])), "countries_malformed"),
    "countries as one string": (signed(GOOD_HEADER, claims(countries="TN")), "countries_malformed"),
    "a wildcard for a site": (signed(GOOD_HEADER, claims(sites=["*"])), "sites_malformed"),
    "an organisation with a line break": (
        signed(GOOD_HEADER, claims(org="iom\nba")),
        "organisation_malformed",
    ),
    "an acr that is a list": (signed(GOOD_HEADER, claims(acr=["phr"])), "acr_malformed"),
    "a login in the future": (signed(GOOD_HEADER, claims(auth_time=SECOND + 31)), "auth_time_malformed"),
    "a login time as text": (signed(GOOD_HEADER, claims(auth_time="now")), "auth_time_malformed"),
}


@pytest.mark.parametrize(("token", "code"), BAD.values(), ids=BAD.keys())
async def test_a_bad_token_is_refused_with_its_reason(token: str, code: str) -> None:
    with pytest.raises(BadToken) as refusal:
        await tokens().verify(token)
    assert refusal.value.code == code


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
    token = signed(GOOD_HEADER, claims(roles=["offline_access", "auditor", "service"]))
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
