"""The development provider gives tokens of invented staff to whoever holds its secret, on this machine."""

import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from ops.identity.app import create_app
from ops.identity.client import NoToken, PersonaTokens, request_token
from ops.identity.clients import DEVELOPMENT_CLIENT, PERSONA_GRANT
from ops.identity.personas import PERSONAS, SITES, UnknownPersona, persona
from ops.identity.settings import IdentityRefused, IdentitySettings
from shared.actors import PROGRAMS, Role
from shared.auth import BadToken, Tokens
from shared.countries import ALPHA_2
from tests.unit.ops.identity_provider import ISSUER, NOW, Provider, running

FORM = {"grant_type": PERSONA_GRANT, "persona": "coordinator"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "identity"


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[Provider]:
    async with running(folder) as found:
        yield found


@pytest.fixture
def provider(house: Provider) -> httpx.AsyncClient:
    return house.http


@pytest.fixture
def tokens(house: Provider) -> Tokens:
    return house.tokens


@pytest.fixture
def secret(house: Provider) -> str:
    return house.secret


def everybody() -> list[str]:
    return [*PERSONAS, "receiving-office-tn", "receiving-office-iq", "consular-post-tn"]


@pytest.mark.parametrize("name", everybody())
async def test_a_service_takes_the_token_of_every_persona(
    name: str, provider: httpx.AsyncClient, tokens: Tokens, secret: str
) -> None:
    expected = persona(name)
    actor = await tokens.verify(await request_token(ISSUER, name, secret, client=provider))
    assert actor.person_id == expected.subject
    assert actor.roles == {expected.role, expected.also} - {None}
    assert actor.organisation == expected.organisation
    assert actor.countries == set(expected.countries)
    assert actor.sites == set(expected.sites)
    assert (actor.acr, actor.auth_time) == (expected.acr, NOW)


async def test_the_secret_alone_opens_the_token_endpoint(provider: httpx.AsyncClient, secret: str) -> None:
    assert (await provider.post("/token", data=FORM)).status_code == 401
    for auth in ((DEVELOPMENT_CLIENT, ""), (DEVELOPMENT_CLIENT, secret[:-1]), ("avrr", secret), ("", secret), (DEVELOPMENT_CLIENT, "é")):
        response = await provider.post("/token", data=FORM, auth=auth)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Basic")
        assert response.json() == {"error": "invalid_client"}


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Bearer x", "Basic é", "Basic YQ"])
async def test_a_garbled_authorization_is_no_authorization(header: str, provider: httpx.AsyncClient) -> None:
    response = await provider.post("/token", data=FORM, headers={b"authorization": header.encode("latin-1")})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (b"", "invalid_request"),
        (b"grant_type", "invalid_request"),
        (b"persona=coordinator", "invalid_request"),
        (b"grant_type=urn:avrr:persona", "invalid_request"),
        (b"grant_type=urn:avrr:persona&persona=coordinator&persona=auditor", "invalid_request"),
        (b"grant_type=urn:avrr:persona&persona=%FF%FE", "invalid_grant"),
        (b"grant_type=urn:avrr:persona&persona=\xff", "invalid_request"),
        (b"grant_type=client_credentials&persona=coordinator", "unauthorized_client"),
        (b"grant_type=password&persona=coordinator", "unsupported_grant_type"),
        (b"grant_type=urn:avrr:persona&persona=administrator-2", "invalid_grant"),
        (b"&".join(b"a%d=1" % number for number in range(30)), "invalid_request"),
    ],
)
async def test_a_wrong_request_is_refused_as_oauth_says(
    form: bytes, error: str, provider: httpx.AsyncClient, secret: str
) -> None:
    response = await provider.post(
        "/token",
        content=form,
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth=(DEVELOPMENT_CLIENT, secret),
    )
    assert (response.status_code, response.json()) == (400, {"error": error})
    assert response.headers["cache-control"] == "no-store"


async def test_the_secret_is_taken_under_the_basic_scheme_alone(
    provider: httpx.AsyncClient, secret: str
) -> None:
    credentials = base64.b64encode(f"{DEVELOPMENT_CLIENT}:{secret}".encode()).decode()
    for scheme, status in (("Basic", 200), ("basic", 200), ("Bearer", 401)):
        response = await provider.post(
            "/token", data=FORM, headers={"authorization": f"{scheme} {credentials}"}
        )
        assert response.status_code == status


async def test_a_body_that_is_no_form_or_too_long_is_refused(
    provider: httpx.AsyncClient, secret: str
) -> None:
    auth = (DEVELOPMENT_CLIENT, secret)
    assert (await provider.post("/token", json=FORM, auth=auth)).status_code == 400
    long = {**FORM, "note": "x" * 4000}
    assert (await provider.post("/token", data=long, auth=auth)).status_code == 413


async def test_a_token_answer_is_not_to_be_stored(provider: httpx.AsyncClient, secret: str) -> None:
    response = await provider.post("/token", data=FORM, auth=(DEVELOPMENT_CLIENT, secret))
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"access_token", "token_type", "expires_in"}


async def test_the_app_answers_nobody_who_reached_it_at_another_address(folder: Path) -> None:
    app = create_app(IdentitySettings(folder))
    for host in ("192.0.2.7:8005", "provider.example", "localhost:8005"):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
            assert (await client.get("/jwks.json")).status_code == 403


async def test_the_app_answers_nobody_who_reached_it_by_another_name(provider: httpx.AsyncClient) -> None:
    for host in ("evil.example", "evil.example:8005", "127.0.0.1:8006", "127.0.0.1", ""):
        assert (await provider.get("/jwks.json", headers={"host": host})).status_code == 403
    assert (await provider.get("/jwks.json")).status_code == 200


async def test_two_tokens_of_one_persona_are_two_tokens(provider: httpx.AsyncClient, secret: str) -> None:
    first, second = [await request_token(ISSUER, "manager", secret, client=provider) for _ in range(2)]
    assert first.split(".")[1] != second.split(".")[1]


async def test_a_token_lives_five_minutes(house: Provider) -> None:
    token = await request_token(ISSUER, "manager", house.secret, client=house.http)
    house.hands.forward(329)
    assert await house.service().verify(token)
    house.hands.forward(1)
    with pytest.raises(BadToken, match="expired"):
        await house.service().verify(token)


async def test_a_persona_can_have_signed_in_weakly_or_long_ago(house: Provider) -> None:
    async def signed_in(**how: str | int) -> tuple[str, timedelta]:
        acr, age = how.get("acr"), how.get("auth_age")
        token = await request_token(
            ISSUER, "finance-approver", house.secret, client=house.http,
            acr=acr if isinstance(acr, str) else None, auth_age=age if isinstance(age, int) else None,
        )  # fmt: skip
        actor = await house.tokens.verify(token)
        assert actor.auth_time is not None
        return actor.acr, NOW - actor.auth_time

    assert await signed_in() == ("phr", timedelta(0))
    assert await signed_in(acr="pwd") == ("pwd", timedelta(0))
    assert await signed_in(auth_age=301) == ("phr", timedelta(seconds=301))


@pytest.mark.parametrize("field", ["acr=", "acr=mfa", "auth_age=-1", "auth_age=", "auth_age=1e9", "auth_age=86401", "auth_age=%C2%B2"])
async def test_a_sign_in_that_cannot_be_is_not_invented(field: str, provider: httpx.AsyncClient, secret: str) -> None:
    answer = await provider.post(
        "/token",
        content=f"grant_type=urn:avrr:persona&persona=coordinator&{field}",
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth=(DEVELOPMENT_CLIENT, secret),
    )
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


class Elapsed:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_token_is_kept_until_a_minute_before_it_expires(
    provider: httpx.AsyncClient, secret: str
) -> None:
    elapsed = Elapsed()
    source = PersonaTokens(ISSUER, secret, client=provider, elapsed=elapsed)
    first = await source.token("manager")
    elapsed.seconds = 239
    assert await source.token("manager") == first
    assert await source.token("auditor") != first
    elapsed.seconds = 240
    assert await source.token("manager") != first


async def test_the_client_says_why_it_got_no_token(provider: httpx.AsyncClient, secret: str) -> None:
    with pytest.raises(NoToken, match="invalid_client"):
        await request_token(ISSUER, "manager", "guess", client=provider)
    with pytest.raises(NoToken, match="invalid_grant"):
        await request_token(ISSUER, "nobody", secret, client=provider)


async def test_the_secret_is_never_sent_off_this_machine(provider: httpx.AsyncClient) -> None:
    for issuer in (
        "http://192.0.2.7:8005",
        "http://localhost:8005",
        "http://127.0.0.1@192.0.2.7",
        "https://x.example",
    ):
        with pytest.raises(IdentityRefused):
            await request_token(issuer, "manager", "secret", client=provider)


def test_every_role_has_a_persona() -> None:
    # A program of ours is no person.
    names: dict[Role, str] = {role: role.value.replace("_", "-") for role in Role if role not in PROGRAMS}
    abroad = {Role.RECEIVING_OFFICE, Role.OFFICE_PAYER, Role.CONSULAR_POST}
    assert all(persona(names[role]).role is role for role in names if role not in abroad)
    for role in abroad:
        for country in ALPHA_2:
            found = persona(f"{names[role]}-{country.lower()}")
            assert (found.role, found.countries, found.sites) == (role, (country,), ())
            second = persona(f"{found.name}-2")
            assert (second.role, second.countries) == (role, (country,))
            assert second.subject != found.subject


def test_counsellors_cover_every_site_and_the_first_is_the_counsellor() -> None:
    counsellors = [persona(f"counsellor-{number}") for number in range(1, 13)]
    assert {site for counsellor in counsellors for site in counsellor.sites} == set(SITES)
    assert all(len(counsellor.sites) == 1 for counsellor in counsellors)
    assert persona("counsellor") is counsellors[0]


def test_no_two_personas_are_the_same_person() -> None:
    subjects = {member.subject for name, member in PERSONAS.items() if name != "counsellor"}
    assert len(subjects) == len(PERSONAS) - 1
    for twice in ("coordinator", "finance-approver", "finance-payer", "finance-reconciler"):
        assert persona(twice).subject != persona(f"{twice}-2").subject


def test_whose_acts_move_money_bind_the_mission_or_take_data_out_signed_in_with_a_key() -> None:
    strong = {name for name, member in PERSONAS.items() if member.acr == "phr"}
    assert strong == {
        "coordinator",
        "coordinator-2",
        "chief-of-mission",
        "manager",
        "finance-approver",
        "finance-approver-2",
        "finance-payer",
        "finance-payer-2",
        "finance-reconciler",
        "finance-reconciler-2",
        "auditor",
        "data-protection",
        "administrator",
    }


@pytest.mark.parametrize(
    "name",
    ["", "counsellor-0", "counsellor-13", "receiving-office", "receiving-office-", "receiving-office-TN", "receiving-office-2", "receiving-office-tn-3", "receiving-office-tn-2-2",
     "receiving-office-xk", "consular-post-tun", "finance_approver", "service", "Manager"],
)  # fmt: skip
def test_nobody_else_exists(name: str) -> None:
    with pytest.raises(UnknownPersona):
        persona(name)


ENVIRONMENT = {"AVRR_DEVELOPMENT_IDENTITY": "1", "AVRR_IDENTITY_FOLDER": "/nowhere"}


def test_the_settings_come_from_the_environment() -> None:
    settings = IdentitySettings.from_environment({**ENVIRONMENT, "AVRR_IDENTITY_PORT": "9000"})
    assert settings == IdentitySettings(Path("/nowhere"), "127.0.0.1", 9000, "http://127.0.0.1:9000", "avrr")
    six = IdentitySettings.from_environment({**ENVIRONMENT, "AVRR_IDENTITY_HOST": "::1"})
    assert six.issuer == "http://[::1]:8005"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AVRR_DEVELOPMENT_IDENTITY", ""),
        ("AVRR_DEVELOPMENT_IDENTITY", "true"),
        ("AVRR_IDENTITY_FOLDER", ""),
        ("AVRR_IDENTITY_HOST", "0.0.0.0"),  # noqa: S104 -- the address that must be refused
        ("AVRR_IDENTITY_HOST", "::"),
        ("AVRR_IDENTITY_HOST", "192.0.2.7"),
        ("AVRR_IDENTITY_HOST", "localhost"),
        ("AVRR_IDENTITY_HOST", ""),
        ("AVRR_IDENTITY_PORT", "0"),
        ("AVRR_IDENTITY_PORT", "65536"),
        ("AVRR_IDENTITY_PORT", "-1"),
        ("AVRR_IDENTITY_ISSUER", "https://identity.example"),
        ("AVRR_IDENTITY_ISSUER", "http://identity.example"),
        ("AVRR_IDENTITY_ISSUER", "http://127.0.0.1:8005/realms/x"),
        ("AVRR_IDENTITY_ISSUER", "http://127.0.0.1:8005?x=1"),
    ],
)
def test_the_provider_does_not_start_anywhere_else(name: str, value: str) -> None:
    with pytest.raises(IdentityRefused):
        IdentitySettings.from_environment({**ENVIRONMENT, name: value})


def test_the_command_refuses_to_run_without_its_switch(folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AVRR_")}
    ran = subprocess.run(
        [sys.executable, "-m", "ops.identity"],
        env={**environment, "AVRR_IDENTITY_FOLDER": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ran.returncode == 1
    assert ran.stderr == "the development identity provider runs only with AVRR_DEVELOPMENT_IDENTITY=1\n"
    assert not folder.exists()
