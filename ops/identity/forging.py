"""Bad tokens of every known kind, made for real, so that running services can be attacked with them.

Each is what an attacker might send, or what a misconfigured provider might sign: except for the one thing that its
entry names, it is the token of a persona who may do something. Only whoever holds the development secret is given one.
"""

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry


@dataclass(frozen=True, slots=True)
class Genuine:
    """What a good token would be made of."""

    header: Mapping[str, object]
    claims: Mapping[str, object]
    key: ECKey
    now: int


Make: TypeAlias = Callable[[Genuine], str]


@dataclass(frozen=True, slots=True)
class Forgery:
    """One kind of bad token: what is wrong with it, and how it is made."""

    wrong: str
    make: Make


def _segment(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signed(header: object, claims: object, algorithm: str, key: ECKey | OKPKey | RSAKey) -> str:
    content = f"{_segment(header)}.{_segment(claims)}"
    return f"{content}.{_segment(JWSRegistry.algorithms[algorithm].sign(content.encode(), key))}"


def _good(genuine: Genuine) -> str:
    return _signed(genuine.header, genuine.claims, "ES256", genuine.key)


def _without(given: Mapping[str, object], name: str) -> dict[str, object]:
    return {member: value for member, value in given.items() if member != name}


def _header(**changes: object) -> Make:
    """Signed by the true key, with these changes in the header."""
    return lambda genuine: _signed({**genuine.header, **changes}, genuine.claims, "ES256", genuine.key)


def _claims(**changes: object) -> Make:
    """Signed by the true key, with these changes in the claims."""
    return lambda genuine: _signed(genuine.header, {**genuine.claims, **changes}, "ES256", genuine.key)


def _times(**seconds: int) -> Make:
    """Signed by the true key, with these times, counted from now."""
    return lambda genuine: _claims(**{name: genuine.now + value for name, value in seconds.items()})(genuine)


def _no_header(name: str) -> Make:
    return lambda genuine: _signed(_without(genuine.header, name), genuine.claims, "ES256", genuine.key)


def _no_claim(name: str) -> Make:
    return lambda genuine: _signed(genuine.header, _without(genuine.claims, name), "ES256", genuine.key)


def _payload(content: Callable[[Genuine], bytes]) -> Make:
    """Signed by the true key, with these bytes in the place of the claims."""
    return lambda genuine: _signed(genuine.header, content(genuine), "ES256", genuine.key)


def _changed(change: Callable[[str], str]) -> Make:
    """A good token whose characters are changed afterwards."""
    return lambda genuine: change(_good(genuine))


def _by_stranger(kind: str, algorithm: str, *, our_kid: bool, name: str | None = None, **header: object) -> Make:
    """Signed by a key that was never published."""

    def make(genuine: Genuine) -> str:
        key = _stranger(kind)
        kid = genuine.header["kid"] if our_kid else key.kid
        changed = {**genuine.header, "alg": name or algorithm, "kid": kid, **header}
        return _signed(changed, genuine.claims, algorithm, key)

    return make


@functools.cache
def _stranger(kind: str) -> ECKey | OKPKey | RSAKey:
    match kind:
        case "RSA":
            return RSAKey.generate_key(2048, private=True, auto_kid=True)
        case "Ed25519" | "Ed448":
            return OKPKey.generate_key(kind, private=True, auto_kid=True)
        case _:
            return ECKey.generate_key(kind, private=True, auto_kid=True)


def _hmac_with(secret: Callable[[ECKey], bytes]) -> Make:
    def make(genuine: Genuine) -> str:
        content = f"{_segment({**genuine.header, 'alg': 'HS256'})}.{_segment(genuine.claims)}"
        return f"{content}.{_segment(hmac.digest(secret(genuine.key), content.encode(), hashlib.sha256))}"

    return make


def _unsigned(algorithm: str) -> Make:
    return lambda genuine: f"{_segment({**genuine.header, 'alg': algorithm})}.{_segment(genuine.claims)}."


def _with_foreign_key_inside(genuine: Genuine) -> str:
    public = _stranger("P-256").as_dict(private=False)
    return _by_stranger("P-256", "ES256", our_kid=True, jwk=public)(genuine)


def _with_foreign_certificate_inside(genuine: Genuine) -> str:
    return _by_stranger("P-256", "ES256", our_kid=True, x5c=[_certificate()])(genuine)


@functools.cache
def _certificate() -> str:
    key = load_der_private_key(_stranger("P-256").as_der(private=True), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "evil.example")])
    first = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(first + timedelta(days=36_500))
        .sign(key, SHA256())
    )
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _without_encoding(genuine: Genuine) -> str:
    # RFC 7797: what is signed is the payload as it is.
    header = {**genuine.header, "b64": False, "crit": ["b64"]}
    content = f"{_segment(header)}.".encode() + json.dumps(genuine.claims).encode()
    signature = JWSRegistry.algorithms["ES256"].sign(content, genuine.key)
    return f"{_segment(header)}.{_segment(genuine.claims)}.{_segment(signature)}"


def _algorithm_twice(genuine: Genuine) -> str:
    header = b'{"alg":"none",' + json.dumps(genuine.header).encode()[1:]
    return _signed(header, genuine.claims, "ES256", genuine.key)


def _role_twice(genuine: Genuine) -> bytes:
    return b'{"roles":["administrator"],' + json.dumps(genuine.claims).encode()[1:]


def _other_claims(genuine: Genuine) -> str:
    head, _, signature = _good(genuine).split(".")
    return f"{head}.{_segment({**genuine.claims, 'roles': ['administrator']})}.{signature}"


def _other_header(genuine: Genuine) -> str:
    _, claims, signature = _good(genuine).split(".")
    return f"{_segment(dict(reversed(list(genuine.header.items()))))}.{claims}.{signature}"


def _der_signature(token: str) -> str:
    content, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    half = len(raw) // 2
    der = encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
    return f"{content}.{_segment(der)}"


def _signature(replacement: str) -> Make:
    return _changed(lambda token: f"{token.rpartition('.')[0]}.{replacement}")


_EVIL: Final = "https://evil.example"

FORGERIES: Final[Mapping[str, Forgery]] = MappingProxyType(
    {
        name: Forgery(wrong, make)
        for name, wrong, make in (
            ("alg-none", "algorithm none, no signature", _unsigned("none")),
            ("alg-none-capitals", "algorithm nOnE, no signature", _unsigned("nOnE")),
            ("alg-none-signed", "algorithm none beside a true signature", _header(alg="none")),
            ("alg-list", "the algorithm in a list", _header(alg=["ES256"])),
            ("alg-missing", "no algorithm", _no_header("alg")),
            ("hs256-public-jwk", "HMAC, the published key as the secret",
             _hmac_with(lambda key: json.dumps(key.as_dict(private=False)).encode())),
            ("hs256-public-pem", "HMAC, the published key in PEM as the secret",
             _hmac_with(lambda key: key.as_pem(private=False))),
            ("hs256-kid", "HMAC, the key id as the secret", _hmac_with(lambda key: (key.kid or "").encode())),
            ("es384", "ES384, which is not allowed, by a stranger", _by_stranger("P-384", "ES384", our_kid=False)),
            ("rs256", "RS256, which is not allowed, by a stranger", _by_stranger("RSA", "RS256", our_kid=False)),
            ("ps256-our-kid", "PS256 under our key's id", _by_stranger("RSA", "PS256", our_kid=True)),
            ("ed448", "Ed448 under the older name EdDSA", _by_stranger("Ed448", "Ed448", our_kid=False, name="EdDSA")),
            ("eddsa-stranger", "EdDSA by a key that is not in the set",
             _by_stranger("Ed25519", "Ed25519", our_kid=False, name="EdDSA")),
            ("ed25519-our-kid", "Ed25519 under the id of our P-256 key",
             _by_stranger("Ed25519", "Ed25519", our_kid=True)),
            ("es256-stranger", "a stranger's key and its own id", _by_stranger("P-256", "ES256", our_kid=False)),
            ("es256-stranger-our-kid", "a stranger's key under our key's id",
             _by_stranger("P-256", "ES256", our_kid=True)),
            ("kid-missing", "no key id", _no_header("kid")),
            ("kid-empty", "an empty key id", _header(kid="")),
            ("kid-number", "a number for a key id", _header(kid=1)),
            ("kid-unknown", "a made-up key id", _header(kid="made-up")),
            ("kid-path", "a path for a key id", _header(kid="../../../../../../dev/null")),
            ("kid-sql", "SQL for a key id", _header(kid="x' UNION SELECT 'secret' --")),
            ("kid-address", "an address for a key id", _header(kid=f"{_EVIL}/key")),
            ("jku", "a stranger's key set by address", _by_stranger("P-256", "ES256", our_kid=False, jku=f"{_EVIL}/k")),
            ("jwk", "a stranger's key inside", _with_foreign_key_inside),
            ("x5u", "a stranger's certificate by address",
             _by_stranger("P-256", "ES256", our_kid=True, x5u=f"{_EVIL}/c")),
            ("x5c", "a stranger's certificate inside", _with_foreign_certificate_inside),
            ("x5t", "the thumbprint of a certificate", _header(x5t="made-up")),
            ("crit", "a critical extension", _header(crit=["exp"])),
            ("b64", "an unencoded payload", _without_encoding),
            ("zip", "compression", _header(zip="DEF")),
            ("cty", "said to hold another token", _header(cty="JWT")),
            ("alg-twice", "two algorithms, the first one none", _algorithm_twice),
            ("typ-id-token", "the type of an ID token", _header(typ="JWT")),
            ("typ-logout-token", "the type of a logout token", _header(typ="logout+jwt")),
            ("typ-missing", "no type", _no_header("typ")),
            ("typ-list", "the type in a list", _header(typ=["at+jwt"])),
            ("expired", "expired beyond any leeway", _times(iat=-400, exp=-100)),
            ("not-yet-valid", "valid in five minutes", _times(nbf=300)),
            ("issued-in-future", "issued in five minutes", _times(iat=300, exp=600)),
            ("expires-never", "expiry 1e300", _claims(exp=1e300)),
            ("lives-too-long", "valid for a day", _times(exp=86_400)),
            ("expires-before-issue", "expiry before its issue", _times(iat=20, exp=10)),
            ("exp-missing", "no expiry", _no_claim("exp")),
            ("exp-text", "expiry as text", _claims(exp="2999-01-01")),
            ("exp-true", "expiry true", _claims(exp=True)),
            ("iat-missing", "no time of issue", _no_claim("iat")),
            ("aud-other", "the audience of another program", _claims(aud="avrr-portal")),
            ("aud-missing", "no audience", _no_claim("aud")),
            ("aud-list-of-others", "a list of other audiences", _claims(aud=["account", "avrr-portal"])),
            ("aud-object", "an object for the audience", _claims(aud={"avrr": True})),
            ("iss-other", "another issuer", _claims(iss=_EVIL)),
            ("iss-slash", "the issuer with a slash more",
             lambda genuine: _claims(iss=f"{genuine.claims['iss']}/")(genuine)),
            ("iss-missing", "no issuer", _no_claim("iss")),
            ("sub-missing", "no subject", _no_claim("sub")),
            ("sub-empty", "an empty subject", _claims(sub="")),
            ("sub-number", "a number for a subject", _claims(sub=7)),
            ("sub-service", "the subject of a reaction", _claims(sub="service:returns")),
            ("sub-service-capitals", "nearly the subject of a reaction", _claims(sub="Service:returns")),
            ("sub-mail", "a mail address for a subject", _claims(sub="someone@iom.example")),
            ("client-signed-in", "a program that claims to have signed in", _claims(sub="client:office-tn")),
            ("person-as-service", "a person with the role of a service", _claims(roles=["service"])),
            ("roles-text", "roles as one string", _claims(roles="administrator")),
            ("roles-objects", "roles that are no strings", _claims(roles=[{"name": "administrator"}])),
            ("countries-wildcard", "a wildcard for countries", _claims(countries=["*"])),
            ("countries-lower-case", "a country in lower case", _claims(countries=["tn"])),
            ("countries-text", "countries as one string", _claims(countries="TN")),
            ("sites-wildcard", "a wildcard for sites", _claims(sites=["*"])),
            ("organisation-list", "a list of organisations", _claims(org=["iom_ba"])),
            ("acr-list", "a list of authentication contexts", _claims(acr=["phr"])),
            ("auth-time-future", "signed in five minutes from now", _times(auth_time=300)),
            ("auth-time-text", "the time of sign-in as text", _claims(auth_time="now")),
            ("signature-missing", "no signature", _signature("")),
            ("signature-zeros", "a signature of zeros", _signature(_segment(bytes(64)))),
            ("signature-cut", "a signature cut short", _changed(lambda token: token[:-4])),
            ("signature-der", "the true signature in DER", _changed(_der_signature)),
            ("signature-padded", "the true signature with padding", _changed(lambda token: f"{token}==")),
            ("signature-of-other-claims", "claims changed after signing", _other_claims),
            ("signature-of-other-header", "header changed after signing", _other_header),
            ("payload-empty", "no claims", _payload(lambda _: b"")),
            ("payload-not-json", "claims that are no JSON", _payload(lambda _: b"roles=administrator")),
            ("payload-list", "claims in a list", _payload(lambda genuine: json.dumps([dict(genuine.claims)]).encode())),
            ("payload-byte-order-mark", "a byte order mark before the claims",
             _payload(lambda genuine: b"\xef\xbb\xbf" + json.dumps(genuine.claims).encode())),
            ("payload-utf-16", "claims in UTF-16", _payload(lambda genuine: json.dumps(genuine.claims).encode("utf-16"))),
            ("payload-claim-twice", "roles that stand there twice", _payload(_role_twice)),
            ("payload-deep", "claims nested too deeply", _payload(lambda _: b"[" * 5000)),
            ("payload-token", "a good token inside another", _payload(lambda genuine: _good(genuine).encode())),
            ("two-parts", "a token without its last part", _changed(lambda token: token.rpartition(".")[0])),
            ("double-dot", "an empty part between", _changed(lambda token: token.replace(".", "..", 1))),
            ("five-parts", "the five parts of an encrypted token", _changed(lambda token: f"{token}.{_segment(b'x')}.")),
            ("oversized", "more than eight kilobytes", _claims(note="x" * 9000)),
        )
    }
)  # fmt: skip
