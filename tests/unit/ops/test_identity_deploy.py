"""What is said about other identity providers agrees with the code: roles, claims, clients, settings."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import SecretStr

from ops.after_restore.accepting import ACCEPTS
from ops.after_restore.payments import CLEARS
from ops.identity.clients import (
    COMMAND_LINE_CLIENT,
    COMMAND_LINE_ROLES,
    PORTAL_CLIENT,
    SERVICE_CLIENTS,
    Client,
    client_of,
)
from ops.identity.devices import LIFE_SECONDS as CODE_SECONDS
from ops.identity.keys import LIFE_SECONDS
from ops.identity.refreshing import IDLE_SECONDS, LONGEST_SECONDS
from ops.settings import PROJECT, OpsSettings
from services.portal.settings import PortalSettings
from shared.actors import Actor, Role
from shared.auth import Tokens
from shared.jwks import VerificationKey, usable_keys
from shared.settings import Settings

KEYCLOAK = PROJECT / "deploy" / "keycloak"
REALM: dict[str, Any] = json.loads((KEYCLOAK / "realm-avrr.json").read_text())
README = (KEYCLOAK / "README.md").read_text()
ENTRA = (PROJECT / "deploy" / "entra.env.example").read_text()
CLIENTS: dict[str, dict[str, Any]] = {client["clientId"]: client for client in REALM["clients"]}
MACHINES = sorted(set(CLIENTS) - {PORTAL_CLIENT, COMMAND_LINE_CLIENT})
EXAMPLE = (PROJECT / "deploy" / "env.example").read_text()
IDENTITY = (PROJECT / "deploy" / "compose.identity.yaml").read_text()
FLOWS: dict[str, list[dict[str, Any]]] = {
    flow["alias"]: flow["authenticationExecutions"] for flow in REALM["authenticationFlows"]
}
LEVELS: dict[str, dict[str, str]] = {entry["alias"]: entry["config"] for entry in REALM["authenticatorConfig"]}
SECOND = 1_709_283_600
DEFAULTS = Settings.model_fields


def settings(text: str) -> Settings:
    """The settings that a text states, line by line."""
    stated = dict(re.findall(r"(?m)^AVRR_([A-Z_]+)=(.+)$", text))
    assert {name.lower() for name in stated} <= set(DEFAULTS)
    values: dict[str, object] = {name.lower(): value for name, value in stated.items()}
    if "OIDC_ALGORITHMS" in stated:
        values["oidc_algorithms"] = json.loads(stated["OIDC_ALGORITHMS"])
    unused = SecretStr("postgresql://nowhere")
    return Settings.model_validate(
        {"nats_url": "nats://127.0.0.1", "api_database_url": unused, "worker_database_url": unused, **values}
    )


class Published:
    """The keys of a provider that a test signs for."""

    def __init__(self, key: ECKey | RSAKey, algorithms: tuple[str, ...]) -> None:
        self.keys = usable_keys({"keys": [key.as_dict(private=False)]}, frozenset(algorithms))

    async def key(self, kid: str) -> VerificationKey | None:
        return self.keys.get(kid)


async def accepted(stated: Settings, key: ECKey | RSAKey, algorithm: str, claims: dict[str, object]) -> Actor:
    token = jwt.encode(
        {"alg": algorithm, "kid": key.kid or "", "typ": stated.oidc_token_type}, claims, key, algorithms=[algorithm]
    )
    published = Published(key, stated.oidc_algorithms)
    return await Tokens(stated, published, lambda: datetime.fromtimestamp(SECOND, UTC)).verify(token)


def claims_of(client_id: str, attributes: dict[str, list[str]], roles: list[str], life: int) -> dict[str, object]:
    """What Keycloak's mappers make of a user, as their documentation says."""
    claims: dict[str, object] = {"iat": SECOND, "exp": SECOND + life}
    for mapper in CLIENTS[client_id]["protocolMappers"]:
        config = mapper["config"]
        if mapper["protocolMapper"] == "oidc-full-name-mapper":
            # A name is for the portal's greeting; no service is told it.
            assert (config["access.token.claim"], config["id.token.claim"]) == ("false", "true")
            continue
        assert config["access.token.claim"] == "true"
        many = config.get("multivalued") == "true"
        match mapper["protocolMapper"]:
            case "oidc-audience-mapper":
                claims["aud"] = config["included.custom.audience"]
            case "oidc-hardcoded-claim-mapper":
                claims[config["claim.name"]] = config["claim.value"]
            case "oidc-usermodel-realm-role-mapper":
                claims[config["claim.name"]] = [*roles, "offline_access"] if many else roles[0]
            case "oidc-usermodel-attribute-mapper":
                found = attributes.get(config["user.attribute"])
                if found:
                    claims[config["claim.name"]] = found if many else found[0]
            case other:
                pytest.fail(f"a mapper that nobody knows here: {other}")
    return claims


def everything(found: object) -> Iterator[str]:
    """Every name in a document."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield name
            yield from everything(value)
    elif isinstance(found, list):
        for value in found:
            yield from everything(value)


def test_the_realm_has_our_roles_and_no_other() -> None:
    assert [role["name"] for role in REALM["roles"]["realm"]] == [role.value for role in Role]


def test_the_realm_holds_no_secret_and_no_person() -> None:
    secret = {"secret", "credentials", "privateKey", "certificate", "password", "value", "secretData"}
    assert not secret & set(everything(REALM))
    assert {user["username"] for user in REALM["users"]} == {f"service-account-{name}" for name in MACHINES}


def test_tokens_are_as_the_services_want_them_by_default() -> None:
    assert REALM["accessTokenLifespan"] == LIFE_SECONDS <= DEFAULTS["oidc_max_token_seconds"].default
    assert REALM["defaultSignatureAlgorithm"] in DEFAULTS["oidc_algorithms"].default
    (curve,) = {
        provider["config"].get("ecdsaEllipticCurveKey", [""])[0]
        for provider in REALM["components"]["org.keycloak.keys.KeyProvider"]
        if provider["providerId"] == "ecdsa-generated"
    }
    assert curve == "P-256"
    for client in CLIENTS.values():
        assert client["attributes"]["access.token.header.type.rfc9068"] == "true"
        assert client["attributes"]["access.token.signed.response.alg"] == "ES256"
        assert client["attributes"]["id.token.signed.response.alg"] == "ES256"
    assert DEFAULTS["oidc_token_type"].default == "at+jwt"


@pytest.mark.parametrize("client_id", CLIENTS)
def test_claims_bear_the_names_that_the_services_read(client_id: str) -> None:
    named = {
        mapper["config"]["claim.name"]: mapper["config"].get("multivalued")
        for mapper in CLIENTS[client_id]["protocolMappers"]
        if mapper["protocolMapper"].startswith("oidc-usermodel-")
    }
    assert named == {
        DEFAULTS["oidc_roles_claim"].default: "true",
        DEFAULTS["oidc_organisation_claim"].default: "false",
        DEFAULTS["oidc_countries_claim"].default: "true",
        DEFAULTS["oidc_sites_claim"].default: "true",
    }
    claims = claims_of(client_id, {}, ["auditor"], 300)
    assert claims["aud"] == DEFAULTS["oidc_audience"].default


def test_the_portal_signs_people_in_by_code_and_pkce_alone() -> None:
    portal, ours = CLIENTS[PORTAL_CLIENT], client_of(PORTAL_CLIENT)
    assert ours is not None
    assert portal["attributes"]["pkce.code.challenge.method"] == "S256"
    allowed = ("standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled")
    assert [portal[name] for name in allowed] == [True, False, False, False]
    assert not portal["publicClient"]
    root = portal["rootUrl"]
    assert {uri.removeprefix(root) for uri in portal["redirectUris"]} == ours.redirect_paths
    signed_out = portal["attributes"]["post.logout.redirect.uris"].split("##")
    assert {uri.removeprefix(root) for uri in signed_out} == ours.signed_out_paths
    assert set(portal["defaultClientScopes"]) == {"basic", "acr"}


def test_the_portal_keeps_a_sign_in_going_by_tokens_that_count_once_and_no_program_does() -> None:
    assert CLIENTS[PORTAL_CLIENT]["attributes"]["use.refresh.tokens"] == "true"
    assert REALM["revokeRefreshToken"] is True
    assert (REALM["ssoSessionIdleTimeout"], REALM["ssoSessionMaxLifespan"]) == (IDLE_SECONDS, LONGEST_SECONDS)
    assert {CLIENTS[name]["attributes"]["use.refresh.tokens"] for name in MACHINES} == {"false"}


def test_each_service_client_and_one_office_are_there() -> None:
    assert set(SERVICE_CLIENTS) < set(MACHINES)
    known = [client_of(name) for name in MACHINES]
    assert {client.role for client in known if client is not None} == {Role.SERVICE, Role.RETENTION, Role.ARCHIVE, Role.RECEIVING_OFFICE}


def expected(client: Client) -> Actor:
    assert client.role is not None
    nothing: frozenset[str] = frozenset()
    return Actor(
        client.subject, frozenset({client.role}), client.organisation, frozenset(client.countries), nothing, "", None
    )


@pytest.mark.parametrize("client_id", MACHINES)
async def test_a_program_is_the_same_to_a_service_as_in_development(client_id: str) -> None:
    client, ours = CLIENTS[client_id], client_of(client_id)
    assert ours is not None
    assert (client["serviceAccountsEnabled"], client["standardFlowEnabled"]) == (True, False)
    # Whatever scope came by default would bring `acr` and `auth_time`, and with them a sign-in that never was.
    assert client["defaultClientScopes"] == client["optionalClientScopes"] == []
    (account,) = [user for user in REALM["users"] if user["serviceAccountClientId"] == client_id]
    key = ECKey.generate_key("P-256", {"kid": "one"})
    stated = settings(README)
    claims = claims_of(client_id, account["attributes"], account["realmRoles"], REALM["accessTokenLifespan"])
    assert await accepted(stated, key, "ES256", {**claims, "iss": stated.oidc_issuer}) == expected(ours)


def test_the_command_line_signs_people_in_by_a_code_alone_and_keeps_nothing() -> None:
    client, ours = CLIENTS[COMMAND_LINE_CLIENT], client_of(OpsSettings.model_fields["command_line_client_id"].default)
    assert ours is not None
    assert (client["clientId"], client["publicClient"], ours.public) == (ours.id, True, True)
    others = ("standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled")
    assert not any(client[name] for name in others)
    assert client["redirectUris"] == client["webOrigins"] == client["optionalClientScopes"] == []
    attributes = client["attributes"]
    assert attributes["oauth2.device.authorization.grant.enabled"] == "true"
    assert attributes["oauth2.device.code.lifespan"] == str(CODE_SECONDS)
    assert attributes["use.refresh.tokens"] == "false"
    assert {name for name, one in CLIENTS.items() if "oauth2.device.authorization.grant.enabled" in one["attributes"]} == {COMMAND_LINE_CLIENT}
    # What "who" and "when" come by.
    assert set(client["defaultClientScopes"]) == {"basic", "acr"}


def test_a_token_of_the_command_line_bears_only_the_roles_that_give_orders_there() -> None:
    assert CLIENTS[COMMAND_LINE_CLIENT]["fullScopeAllowed"] is False
    (scope,) = REALM["scopeMappings"]
    assert (scope["client"], set(scope["roles"])) == (COMMAND_LINE_CLIENT, {role.value for role in COMMAND_LINE_ROLES})
    # Whoever may accept a restore or settle its payments is among them.
    assert ACCEPTS | CLEARS <= COMMAND_LINE_ROLES
    assert all(f"`{role.value}`" in README for role in COMMAND_LINE_ROLES)


def test_the_sign_in_of_the_command_line_asks_for_password_and_key_whoever_is_signed_in() -> None:
    # Nobody can ask for a level on this way, and a cookie would do otherwise.
    (flow,) = [found for found in REALM["authenticationFlows"] if found.get("id") == CLIENTS[COMMAND_LINE_CLIENT]["authenticationFlowBindingOverrides"]["browser"]]
    (only,) = FLOWS[flow["alias"]]
    assert (flow["topLevel"], only["requirement"]) == (True, "CONDITIONAL")
    condition, *steps = FLOWS[only["flowAlias"]]
    assert LEVELS[condition["authenticatorConfig"]] == {"loa-condition-level": "2", "loa-max-age": "0"}
    assert [step["authenticator"] for step in steps] == ["auth-username-password-form", "webauthn-authenticator-passwordless"]
    assert {step["requirement"] for step in (condition, *steps)} == {"REQUIRED"}


def test_a_password_is_long_and_neither_the_name_nor_the_address_of_its_person() -> None:
    policy = dict(re.findall(r"(\w+)\(([^)]*)\)", REALM["passwordPolicy"]))
    assert policy.keys() == {"length", "maxLength", "notUsername", "notEmail"}
    assert int(policy["length"]) >= 15
    assert int(policy["maxLength"]) >= 64
    assert REALM["passwordPolicy"].count(" and ") == len(policy) - 1


@pytest.mark.parametrize("client_id", [PORTAL_CLIENT, COMMAND_LINE_CLIENT])
async def test_a_person_at_keycloak_is_known_to_a_service(client_id: str) -> None:
    key, stated = ECKey.generate_key("P-256", {"kid": "one"}), settings(README)
    attributes = {"organisation": ["iom_ba"], "countries": ["BA"], "sites": ["trc_lipa"]}
    claims = claims_of(client_id, attributes, ["counsellor"], REALM["accessTokenLifespan"])
    person = "0b7d1c2e-0000-4000-8000-000000000000"
    claims |= {"iss": stated.oidc_issuer, "sub": person, "acr": "phr", "auth_time": SECOND}
    actor = await accepted(stated, key, "ES256", claims)
    assert (actor.person_id, actor.roles, actor.acr) == (person, frozenset({Role.COUNSELLOR}), "phr")
    assert (actor.countries, actor.sites) == (frozenset({"BA"}), frozenset({"trc_lipa"}))


def test_a_strong_sign_in_is_the_one_that_the_services_ask_for() -> None:
    (strong,) = DEFAULTS["step_up_acr_values"].default
    for attributes in (REALM["attributes"], *(CLIENTS[name]["attributes"] for name in (PORTAL_CLIENT, COMMAND_LINE_CLIENT))):
        assert json.loads(attributes["acr.loa.map"]) == {"pwd": 1, strong: 2}


def test_every_part_of_the_sign_in_is_there_and_the_strong_one_needs_a_key_every_time() -> None:
    assert REALM["browserFlow"] in FLOWS
    for executions in FLOWS.values():
        for execution in executions:
            assert execution["authenticatorFlow"] == ("flowAlias" in execution)
            assert execution.get("flowAlias", REALM["browserFlow"]) in FLOWS
            assert execution.get("authenticatorConfig", next(iter(LEVELS))) in LEVELS
    steps = {}
    for alias, executions in FLOWS.items():
        if alias.startswith("avrr command line"):
            continue
        condition = next((found for found in executions if found.get("authenticatorConfig")), None)
        if condition is not None:
            assert executions[0] is condition
            assert condition["authenticator"] == "conditional-level-of-authentication"
            assert [found["requirement"] for found in executions] == ["REQUIRED", "REQUIRED"]
            level = LEVELS[condition["authenticatorConfig"]]
            steps[level["loa-condition-level"]] = (executions[1]["authenticator"], level["loa-max-age"])
    assert steps == {
        "1": ("auth-username-password-form", "28800"),
        "2": ("webauthn-authenticator-passwordless", "0"),
    }
    assert REALM["webAuthnPolicyPasswordlessUserVerificationRequirement"] == "required"


def test_nobody_chooses_their_own_countries_sites_or_organisation() -> None:
    (component,) = REALM["components"]["org.keycloak.userprofile.UserProfileProvider"]
    profile = json.loads(component["config"]["kc.user.profile.config"][0])
    edited_by = {entry["name"]: entry["permissions"]["edit"] for entry in profile["attributes"]}
    assert {name: edited_by[name] for name in ("organisation", "countries", "sites")} == {
        "organisation": ["admin"], "countries": ["admin"], "sites": ["admin"],
    }  # fmt: skip
    assert profile.get("unmanagedAttributePolicy", "DISABLED") == "DISABLED"


def test_what_was_not_tested_says_so_and_names_no_setting_that_does_not_exist() -> None:
    for text in (README, ENTRA):
        assert "not tested here" in text.lower()
        for name in re.findall(r"\bAVRR_([A-Z_]+)\b", text):
            assert name.lower() in DEFAULTS | PortalSettings.model_fields | OpsSettings.model_fields or f"AVRR_{name}=" in EXAMPLE or name == "TOKEN"


def test_the_first_start_names_what_has_to_be_filled_in_and_by_which_client_each_secret_is_found() -> None:
    start = README.partition("## The first start")[2].partition("\n## ")[0]
    asked = set(re.findall(r"(?m)^(AVRR_\w+)=$", EXAMPLE)) | set(re.findall(r"\$\{(\w+):\?", IDENTITY))
    made = {name for name in asked if re.fullmatch(r"AVRR_PASSWORD_\w+|AVRR_PORTAL_SESSION_KEY", name)}
    assert sorted(name for name in asked - made if f"`{name}" not in start) == []
    # In the order in which the secrets are named.
    of_clients = re.findall(r"`(AVRR_\w+_CLIENT_SECRET)`", start)
    assert len(of_clients) == len({name for name in asked if name.endswith("_CLIENT_SECRET")}) == 4
    copied = re.findall(r"`([a-z-]+)`", start.partition("the secrets of ")[2].partition("in the order")[0])
    assert copied == ["avrr-portal", "service-returns", "service-audit", "service-retention"]
    assert set(copied) <= CLIENTS.keys()
    assert "`AVRR_SERVICE_CLIENT_ID=service-returns`" in start
    assert "`AVRR_ARCHIVE_CLIENT_ID=service-audit`" in start


def test_the_guide_counts_what_is_in_the_realm() -> None:
    assert f"the {len(Role)} roles" in README
    assert f"{len(SERVICE_CLIENTS)} clients of services" in README


async def test_a_token_as_entra_signs_it_is_understood_and_is_never_a_strong_sign_in() -> None:
    key, stated = RSAKey.generate_key(2048, {"kid": "one"}), settings(ENTRA)
    assert stated.oidc_algorithms == ("RS256",)
    claims: dict[str, object] = {
        "iss": stated.oidc_issuer, "aud": stated.oidc_audience, "iat": SECOND, "nbf": SECOND, "exp": SECOND + 899,
        "ver": "2.0", "sub": "pairwise", "oid": "0b7d1c2e-0000-4000-8000-000000000000", "roles": ["coordinator"],
        "extn.organisation": "iom_ba", "extn.countries": ["BA"], "extn.sites": ["trc_lipa"], "acrs": ["c1"],
    }  # fmt: skip
    assert await accepted(stated, key, "RS256", claims) == Actor(
        "0b7d1c2e-0000-4000-8000-000000000000", frozenset({Role.COORDINATOR}), "iom_ba", frozenset({"BA"}),
        frozenset({"trc_lipa"}), "", None,
    )  # fmt: skip
