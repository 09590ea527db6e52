"""The development provider gives tokens of invented staff to whoever holds its secret, on this machine."""

import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from ops.identity.app import PERSONA_GRANT, create_app
from ops.identity.client import NoToken, PersonaTokens, request_token
from ops.identity.keys import (
    CLIENT_SECRET_FILE,
    SIGNING_KEY_FILE,
    UnsafeFile,
    client_secret,
    new_signing_key,
    signing_key,
)
from ops.identity.personas import PERSONAS, SITES, UnknownPersona, persona
from ops.identity.settings import IdentityRefused, IdentitySettings
from ops.identity.tokens import CLIENT_ID, mint
from shared.actors import Role
from shared.auth import BadToken, Tokens
from shared.countries import ALPHA_2
from shared.jwks import ProviderKeys
from shared.settings import Settings

ISSUER = "http://127.0.0.1:8005"
NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
FORM = {"grant_type": PERSONA_GRANT, "persona": "coordinator"}


def now() -> datetime:
    return NOW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "identity"


@pytest.fixture
async def provider(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(IdentitySettings(folder), now)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        yield client


@pytest.fixture
def tokens(provider: httpx.AsyncClient) -> Tokens:
    unused = SecretStr("postgresql://nowhere")
    settings = Settings(
        oidc_issuer=ISSUER,
        nats_url="nats://127.0.0.1:4222",
        api_database_url=unused,
        worker_database_url=unused,
    )
    keys = ProviderKeys(issuer=ISSUER, jwks_url=None, algorithms=settings.oidc_algorithms, client=provider)
    return Tokens(settings, keys, now)


def everybody() -> list[str]:
    return [*PERSONAS, "receiving-office-tn", "receiving-office-iq", "consular-post-tn"]


@pytest.mark.parametrize("name", everybody())
async def test_a_service_takes_the_token_of_every_persona(
    name: str, provider: httpx.AsyncClient, tokens: Tokens, folder: Path
) -> None:
    expected = persona(name)
    actor = await tokens.verify(await request_token(ISSUER, name, client_secret(folder), client=provider))
    assert actor.person_id == expected.subject
    assert actor.roles == {expected.role}
    assert actor.organisation == expected.organisation
    assert actor.countries == set(expected.countries)
    assert actor.sites == set(expected.sites)
    assert (actor.acr, actor.auth_time) == (expected.acr, NOW)


async def test_the_secret_alone_opens_the_token_endpoint(provider: httpx.AsyncClient, folder: Path) -> None:
    secret = client_secret(folder)
    assert (await provider.post("/token", data=FORM)).status_code == 401
    for auth in ((CLIENT_ID, ""), (CLIENT_ID, secret[:-1]), ("avrr", secret), ("", secret), (CLIENT_ID, "é")):
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
        (b"grant_type=client_credentials&persona=coordinator", "unsupported_grant_type"),
        (b"grant_type=urn:avrr:persona&persona=administrator-2", "invalid_grant"),
        (b"&".join(b"a%d=1" % number for number in range(20)), "invalid_request"),
    ],
)
async def test_a_wrong_request_is_refused_as_oauth_says(
    form: bytes, error: str, provider: httpx.AsyncClient, folder: Path
) -> None:
    response = await provider.post(
        "/token",
        content=form,
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth=(CLIENT_ID, client_secret(folder)),
    )
    assert (response.status_code, response.json()) == (400, {"error": error})
    assert response.headers["cache-control"] == "no-store"


async def test_the_secret_is_taken_under_the_basic_scheme_alone(
    provider: httpx.AsyncClient, folder: Path
) -> None:
    credentials = base64.b64encode(f"{CLIENT_ID}:{client_secret(folder)}".encode()).decode()
    for scheme, status in (("Basic", 200), ("basic", 200), ("Bearer", 401)):
        response = await provider.post(
            "/token", data=FORM, headers={"authorization": f"{scheme} {credentials}"}
        )
        assert response.status_code == status


async def test_a_body_that_is_no_form_or_too_long_is_refused(
    provider: httpx.AsyncClient, folder: Path
) -> None:
    auth = (CLIENT_ID, client_secret(folder))
    assert (await provider.post("/token", json=FORM, auth=auth)).status_code == 400
    long = {**FORM, "note": "x" * 4000}
    assert (await provider.post("/token", data=long, auth=auth)).status_code == 413


async def test_a_token_answer_is_not_to_be_stored(provider: httpx.AsyncClient, folder: Path) -> None:
    response = await provider.post("/token", data=FORM, auth=(CLIENT_ID, client_secret(folder)))
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"access_token", "token_type", "expires_in"}


async def test_the_published_key_is_the_public_half_alone(provider: httpx.AsyncClient) -> None:
    discovery = (await provider.get("/.well-known/openid-configuration")).json()
    (key,) = (await provider.get(discovery["jwks_uri"])).json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


async def test_the_app_answers_nobody_who_reached_it_at_another_address(folder: Path) -> None:
    app = create_app(IdentitySettings(folder), now)
    for host in ("192.0.2.7:8005", "provider.example", "localhost:8005"):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
            assert (await client.get("/jwks.json")).status_code == 403


async def test_two_tokens_of_one_persona_are_two_tokens() -> None:
    key = new_signing_key()
    first, second = (mint(persona("manager"), key, ISSUER, "avrr", NOW) for _ in range(2))
    assert first.split(".")[1] != second.split(".")[1]


async def test_a_token_of_another_key_is_refused(tokens: Tokens) -> None:
    forged = mint(persona("administrator"), new_signing_key(), ISSUER, "avrr", NOW)
    with pytest.raises(BadToken, match="key_unknown"):
        await tokens.verify(forged)


async def test_a_token_lives_five_minutes(provider: httpx.AsyncClient, folder: Path) -> None:
    unused = SecretStr("postgresql://nowhere")
    settings = Settings(
        oidc_issuer=ISSUER, nats_url="nats://127.0.0.1", api_database_url=unused, worker_database_url=unused
    )
    keys = ProviderKeys(issuer=ISSUER, jwks_url=None, algorithms=settings.oidc_algorithms, client=provider)
    token = mint(persona("manager"), signing_key(folder), ISSUER, "avrr", NOW)
    assert await Tokens(settings, keys, lambda: NOW + timedelta(seconds=329)).verify(token)
    with pytest.raises(BadToken, match="expired"):
        await Tokens(settings, keys, lambda: NOW + timedelta(seconds=330)).verify(token)


class Elapsed:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_token_is_kept_until_a_minute_before_it_expires(
    provider: httpx.AsyncClient, folder: Path
) -> None:
    elapsed = Elapsed()
    source = PersonaTokens(ISSUER, client_secret(folder), client=provider, elapsed=elapsed)
    first = await source.token("manager")
    elapsed.seconds = 239
    assert await source.token("manager") == first
    assert await source.token("auditor") != first
    elapsed.seconds = 240
    assert await source.token("manager") != first


async def test_the_client_says_why_it_got_no_token(provider: httpx.AsyncClient, folder: Path) -> None:
    with pytest.raises(NoToken, match="invalid_client"):
        await request_token(ISSUER, "manager", "guess", client=provider)
    with pytest.raises(NoToken, match="invalid_grant"):
        await request_token(ISSUER, "nobody", client_secret(folder), client=provider)


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
    names = {role: role.value.replace("_", "-") for role in Role}
    abroad = {Role.RECEIVING_OFFICE, Role.CONSULAR_POST}
    assert all(persona(names[role]).role is role for role in Role if role not in abroad)
    for role in abroad:
        for country in ALPHA_2:
            found = persona(f"{names[role]}-{country.lower()}")
            assert (found.role, found.countries, found.sites) == (role, (country,), ())


def test_counsellors_cover_every_site_and_the_first_is_the_counsellor() -> None:
    counsellors = [persona(f"counsellor-{number}") for number in range(1, 13)]
    assert {site for counsellor in counsellors for site in counsellor.sites} == set(SITES)
    assert all(len(counsellor.sites) == 1 for counsellor in counsellors)
    assert persona("counsellor") is counsellors[0]


def test_no_two_personas_are_the_same_person() -> None:
    subjects = {member.subject for name, member in PERSONAS.items() if name != "counsellor"}
    assert len(subjects) == len(PERSONAS) - 1
    for twice in ("coordinator", "finance-approver"):
        assert persona(twice).subject != persona(f"{twice}-2").subject


def test_whose_acts_move_money_or_bind_the_mission_logged_in_with_a_key() -> None:
    strong = {name for name, member in PERSONAS.items() if member.acr == "phr"}
    assert strong == {
        "coordinator",
        "coordinator-2",
        "chief-of-mission",
        "finance-approver",
        "finance-approver-2",
        "finance-payer",
        "finance-reconciler",
    }


@pytest.mark.parametrize(
    "name",
    ["", "counsellor-0", "counsellor-13", "receiving-office", "receiving-office-", "receiving-office-TN",
     "receiving-office-xk", "consular-post-tun", "finance_approver", "service", "Manager"],
)  # fmt: skip
def test_nobody_else_exists(name: str) -> None:
    with pytest.raises(UnknownPersona):
        persona(name)


def test_key_and_secret_are_made_once_and_belong_to_their_owner_alone(folder: Path) -> None:
    key, secret = signing_key(folder), client_secret(folder)
    assert (signing_key(folder), client_secret(folder)) == (key, secret)
    assert len(secret) >= 43
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        SIGNING_KEY_FILE: 0o600,
        CLIENT_SECRET_FILE: 0o600,
    }
    assert folder.stat().st_mode & 0o777 == 0o700


def test_two_folders_share_neither_key_nor_secret(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert signing_key(one).kid != signing_key(two).kid
    assert client_secret(one) != client_secret(two)


def test_processes_that_start_together_end_up_with_one_secret(folder: Path) -> None:
    with ThreadPoolExecutor(8) as starts:
        secrets = set(starts.map(client_secret, [folder] * 8))
    assert len(secrets) == 1
    assert [file.name for file in folder.iterdir()] == [CLIENT_SECRET_FILE]


def test_a_file_that_others_may_read_is_not_used(folder: Path) -> None:
    client_secret(folder)
    (folder / CLIENT_SECRET_FILE).chmod(0o640)
    with pytest.raises(UnsafeFile, match="open to others"):
        client_secret(folder)


def test_a_link_in_place_of_the_key_is_not_followed(folder: Path, tmp_path: Path) -> None:
    signing_key(tmp_path / "elsewhere")
    folder.mkdir()
    (folder / SIGNING_KEY_FILE).symlink_to(tmp_path / "elsewhere" / SIGNING_KEY_FILE)
    with pytest.raises(UnsafeFile, match="cannot be opened"):
        signing_key(folder)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"kty": "oct", "k": "c2VjcmV0"}'])
def test_a_damaged_key_stops_the_start(content: str, folder: Path) -> None:
    folder.mkdir()
    file = folder / SIGNING_KEY_FILE
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(UnsafeFile):
        signing_key(folder)


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
