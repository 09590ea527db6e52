"""Programs get tokens by their own secret, with one role and no trace of a person, and can do nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ops.identity.client import NoToken, client_token
from ops.identity.clients import SERVICE_CLIENTS, client_of, development_secret, secret_of
from ops.identity.personas import PERSONAS
from ops.identity.settings import IdentityRefused
from shared.actors import PROGRAMS, Actor, Role
from shared.countries import ALPHA_2
from tests.unit.ops.identity_provider import ISSUER, Provider, running

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


async def actor(provider: Provider, client_id: str) -> Actor:
    name, secret = provider.login(client_id)
    return await provider.tokens.verify(await client_token(ISSUER, name, secret, client=provider.http))


async def test_an_office_acts_for_its_own_country_and_nobody_signed_in(provider: Provider) -> None:
    assert await actor(provider, "office-tn") == Actor(
        "client:office-tn", frozenset({Role.RECEIVING_OFFICE}), "iom_tn", frozenset({"TN"}), NOTHING, "", None
    )


@pytest.mark.parametrize("name", SERVICE_CLIENTS)
async def test_a_service_acts_as_itself_and_for_no_country(name: str, provider: Provider) -> None:
    role = {"service-retention": Role.RETENTION, "service-audit": Role.ARCHIVE}.get(name, Role.SERVICE)
    assert await actor(provider, name) == Actor(
        f"client:{name}", frozenset({role}), "avrr", NOTHING, NOTHING, "", None
    )


def test_every_country_has_an_office_and_each_office_a_secret_of_its_own(tmp_path: Path) -> None:
    secrets = set()
    for country in ALPHA_2:
        client = client_of(f"office-{country.lower()}")
        assert client is not None
        assert client.countries == (country,)
        secrets.add(secret_of(tmp_path, client))
    assert len(secrets) == len(ALPHA_2)
    assert all(len(secret) == 43 for secret in secrets)
    assert development_secret(tmp_path) not in secrets
    again = client_of("office-tn")
    assert again is not None
    assert secret_of(tmp_path, again) in secrets


@pytest.mark.parametrize("name", ["", "office-", "office-TN", "office-xk", "office-tun", "service-nowhere", "avrr", "client:office-tn"])
def test_no_other_program_is_known(name: str) -> None:
    assert client_of(name) is None


def test_no_person_has_the_role_of_a_service() -> None:
    assert all(member.role not in PROGRAMS for member in PERSONAS.values())
    assert not any(member.subject.startswith("client:") for member in PERSONAS.values())


async def test_nobody_gets_in_with_another_programs_secret(provider: Provider) -> None:
    _, tunisia = provider.login("office-tn")
    for name in ("office-ma", "service-returns", "avrr-portal", "avrr-development", "office-xk", ""):
        with pytest.raises(NoToken, match="invalid_client"):
            await client_token(ISSUER, name, tunisia, client=provider.http)


GRANTS = {
    "avrr-development": {"urn:avrr:persona"},
    "avrr-portal": {"authorization_code", "refresh_token"},
    "office-tn": {"client_credentials"},
    "service-returns": {"client_credentials"},
    "service-reintegration": {"client_credentials"},
    "service-retention": {"client_credentials"},
    "service-audit": {"client_credentials"},
}


@pytest.mark.parametrize("name", GRANTS)
@pytest.mark.parametrize("grant", ["urn:avrr:persona", "authorization_code", "client_credentials", "password", "refresh_token"])
async def test_each_program_gets_what_it_is_there_for_and_nothing_else(
    name: str, grant: str, provider: Provider
) -> None:
    form = {"grant_type": grant, "persona": "coordinator", "username": "coordinator", "password": "guess"}
    answer = await provider.http.post("/token", data=form, auth=provider.login(name))
    if grant in GRANTS[name]:
        assert answer.json().get("error", "invalid_request") == "invalid_request"
    else:
        known = grant in set().union(*GRANTS.values())
        assert (answer.status_code, answer.json()["error"]) == (
            400, "unauthorized_client" if known else "unsupported_grant_type",
        )  # fmt: skip


async def test_a_machine_cannot_ask_for_a_stronger_sign_in(provider: Provider) -> None:
    form = {"grant_type": "client_credentials", "acr": "phr", "acr_values": "phr", "auth_age": "0", "forge": "jku"}
    answer = await provider.http.post("/token", data=form, auth=provider.login("office-tn"))
    found = await provider.tokens.verify(answer.json()["access_token"])
    assert (found.acr, found.auth_time) == ("", None)


async def test_a_machines_secret_is_never_sent_off_this_machine(provider: Provider) -> None:
    with pytest.raises(IdentityRefused):
        await client_token("http://192.0.2.7:8005", "office-tn", "secret", client=provider.http)
