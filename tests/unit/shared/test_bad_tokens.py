"""Which access tokens are refused, each for its own reason."""

import base64
import hashlib
import hmac
import json

import pytest

from shared.auth import BadToken
from tests.unit.shared.signing import (
    ED448,
    ED25519,
    GOOD,
    GOOD_CLAIMS,
    GOOD_HEADER,
    ISSUER,
    KEY,
    P384,
    RSA,
    SECOND,
    STRANGER,
    claims,
    header,
    segment,
    signed,
    tokens,
    without,
)


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
    "a header in UTF-16": (signed(json.dumps(GOOD_HEADER).encode("utf-16"), GOOD_CLAIMS), "malformed"),
    "an algorithm that stands there twice": (
        signed(b'{"alg":"none",' + json.dumps(GOOD_HEADER).encode()[1:], GOOD_CLAIMS),
        "malformed",
    ),
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
    "claims after a byte order mark": (
        signed(GOOD_HEADER, b"\xef\xbb\xbf" + json.dumps(GOOD_CLAIMS).encode()),
        "claims_malformed",
    ),
    "claims in UTF-16": (signed(GOOD_HEADER, json.dumps(GOOD_CLAIMS).encode("utf-16")), "claims_malformed"),
    "a claim that stands there twice": (
        signed(GOOD_HEADER, b'{"sub":"staff:other",' + json.dumps(GOOD_CLAIMS).encode()[1:]),
        "claims_malformed",
    ),
    "a name that stands twice inside a claim": (
        signed(GOOD_HEADER, json.dumps(GOOD_CLAIMS).encode()[:-1] + b',"x":{"a":1,"a":2}}'),
        "claims_malformed",
    ),
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
    "a subject that nearly passes for a service": (
        signed(GOOD_HEADER, claims(sub="SERVICE:returns")),
        "person_malformed",
    ),
    "a person with the role of a service": (
        signed(GOOD_HEADER, claims(roles=["coordinator", "service"])),
        "person_with_service_role",
    ),
    "a person with the role of the program that counts the time": (
        signed(GOOD_HEADER, claims(roles=["retention"])),
        "person_with_service_role",
    ),
    "a program that says how it signed in": (
        signed(GOOD_HEADER, without(claims(sub="client:office-tn"), "auth_time")),
        "client_signed_in",
    ),
    "a program that says when it signed in": (
        signed(GOOD_HEADER, without(claims(sub="Client:office-tn"), "acr")),
        "client_signed_in",
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
