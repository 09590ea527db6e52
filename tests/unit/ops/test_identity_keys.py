"""The provider's keys are announced before they sign, outlive their last token, and belong to their owner alone."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.identity.client import NoToken, client_token, request_token, rotate_key
from ops.identity.clients import DEVELOPMENT_SECRET_FILE, development_secret
from ops.identity.keys import AHEAD, KEYS_FILE, LIFE_SECONDS, KeyRing, RotatedTooOften
from ops.identity.private_files import UnsafeFile, kept, replaced
from shared.auth import LEEWAY_SECONDS, BadToken
from shared.jwks import MAX_KEYS
from tests.unit.ops.identity_provider import ISSUER, Hands, Provider, running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "identity"


@pytest.fixture
async def provider(folder: Path) -> AsyncIterator[Provider]:
    async with running(folder) as found:
        yield found


def kids(ring: KeyRing) -> list[object]:
    return [key["kid"] for key in ring.published()]


async def token(provider: Provider) -> str:
    return await request_token(ISSUER, "manager", provider.secret, client=provider.http)


async def test_the_keys_to_come_are_published_before_they_sign(folder: Path) -> None:
    ring = KeyRing(folder, Hands())
    for _ in range(3):
        before = kids(ring)
        ring.rotate()
        assert ring.signing.kid == before[1]


async def test_a_service_that_fetched_once_knows_the_next_two_keys(provider: Provider) -> None:
    service = provider.service()
    await service.verify(await token(provider))
    for _ in range(AHEAD):
        await rotate_key(ISSUER, provider.secret, client=provider.http)
        assert await service.verify(await token(provider))
    # The service may not ask again so soon: this is what announcing spares it.
    await rotate_key(ISSUER, provider.secret, client=provider.http)
    with pytest.raises(BadToken, match="key_unknown"):
        await service.verify(await token(provider))


async def test_a_retired_key_is_published_until_its_last_token_has_ended(provider: Provider) -> None:
    last = await token(provider)
    await rotate_key(ISSUER, provider.secret, client=provider.http)
    provider.hands.forward(LIFE_SECONDS + LEEWAY_SECONDS - 1)
    assert await provider.service().verify(last)
    assert len((await provider.http.get("/jwks.json")).json()["keys"]) == 2 + AHEAD
    provider.hands.forward(1)
    assert len((await provider.http.get("/jwks.json")).json()["keys"]) == 1 + AHEAD


async def test_a_key_that_is_not_trusted_any_more_is_gone_at_once(provider: Provider) -> None:
    stolen = await token(provider)
    await rotate_key(ISSUER, provider.secret, retire_now=True, client=provider.http)
    with pytest.raises(BadToken, match="key_unknown"):
        await provider.service().verify(stolen)


async def test_keys_are_never_more_than_a_service_reads(folder: Path) -> None:
    hands = Hands()
    ring = KeyRing(folder, hands)
    for _ in range(MAX_KEYS - 1 - AHEAD):
        ring.rotate()
    signing = ring.signing.kid
    assert len(kids(ring)) == MAX_KEYS
    with pytest.raises(RotatedTooOften):
        ring.rotate()
    assert ring.signing.kid == signing
    ring.rotate(retire_now=True)
    hands.forward(LIFE_SECONDS + LEEWAY_SECONDS)
    ring.rotate()
    assert len(kids(ring)) == 2 + AHEAD


async def test_rotating_too_often_is_refused_with_its_reason(provider: Provider) -> None:
    for _ in range(MAX_KEYS - 1 - AHEAD):
        await rotate_key(ISSUER, provider.secret, client=provider.http)
    with pytest.raises(NoToken, match="rotated_too_often"):
        await rotate_key(ISSUER, provider.secret, client=provider.http)


async def test_the_development_secret_alone_rotates(provider: Provider) -> None:
    before = (await provider.http.get("/jwks.json")).json()
    for auth in (("avrr-development", "guess"), provider.login("avrr-portal"), provider.login("office-tn")):
        assert (await provider.http.post("/development/rotate", auth=auth)).status_code in {400, 401}
    wrong = {"retire": "yesterday"}
    answer = await provider.http.post("/development/rotate", data=wrong, auth=provider.login("avrr-development"))
    assert answer.status_code == 400
    assert (await provider.http.get("/jwks.json")).json() == before


async def test_the_published_keys_are_public_halves(provider: Provider) -> None:
    discovery = (await provider.http.get("/.well-known/openid-configuration")).json()
    await rotate_key(ISSUER, provider.secret, client=provider.http)
    keys = (await provider.http.get(discovery["jwks_uri"])).json()["keys"]
    assert len(keys) == 2 + AHEAD
    for key in keys:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_keys_survive_a_restart_and_retired_ones_lose_their_private_half(folder: Path) -> None:
    ring = KeyRing(folder, Hands())
    ring.rotate()
    again = KeyRing(folder, Hands())
    assert kids(again) == kids(ring)
    assert again.signing.as_dict(private=True) == ring.signing.as_dict(private=True)
    content = json.loads((folder / KEYS_FILE).read_text())
    assert ["d" in entry["key"] for entry in content["retired"]] == [False]


def test_keys_and_secret_are_made_once_and_belong_to_their_owner_alone(folder: Path) -> None:
    ring, secret = KeyRing(folder, Hands()), development_secret(folder)
    ring.rotate()
    assert (kids(KeyRing(folder, Hands())), development_secret(folder)) == (kids(ring), secret)
    assert len(secret) >= 43
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        KEYS_FILE: 0o600,
        DEVELOPMENT_SECRET_FILE: 0o600,
    }
    assert folder.stat().st_mode & 0o777 == 0o700


def test_two_folders_share_neither_key_nor_secret(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert not set(kids(KeyRing(one, Hands()))) & set(kids(KeyRing(two, Hands())))
    assert development_secret(one) != development_secret(two)


def test_processes_that_start_together_end_up_with_one_secret(folder: Path) -> None:
    with ThreadPoolExecutor(8) as starts:
        secrets = set(starts.map(development_secret, [folder] * 8))
    assert len(secrets) == 1
    assert [file.name for file in folder.iterdir()] == [DEVELOPMENT_SECRET_FILE]


def test_a_file_is_replaced_as_a_whole_and_stays_private(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert kept(file, lambda: b"old") == b"old"
    replaced(file, b"new")
    assert kept(file, lambda: b"other") == b"new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_file_that_others_may_read_is_not_used(folder: Path) -> None:
    development_secret(folder)
    (folder / DEVELOPMENT_SECRET_FILE).chmod(0o640)
    with pytest.raises(UnsafeFile, match="open to others"):
        development_secret(folder)


def test_a_link_in_place_of_the_keys_is_not_followed(folder: Path, tmp_path: Path) -> None:
    KeyRing(tmp_path / "elsewhere", Hands())
    folder.mkdir()
    (folder / KEYS_FILE).symlink_to(tmp_path / "elsewhere" / KEYS_FILE)
    with pytest.raises(UnsafeFile, match="cannot be opened"):
        KeyRing(folder, Hands())


DAMAGED = {
    "nothing": "",
    "an empty object": "{}",
    "a list": "[]",
    "one key alone": '{"kty": "oct", "k": "c2VjcmV0"}',
    "a shared secret": '{"signing": {"kty": "oct", "k": "c2VjcmV0"}, "announced": [], "retired": []}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_keys_stop_the_start(content: str, folder: Path) -> None:
    folder.mkdir()
    file = folder / KEYS_FILE
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(UnsafeFile):
        KeyRing(folder, Hands())


@pytest.mark.parametrize("change", ["no announced key", "a public half that has to sign"])
def test_keys_that_cannot_do_their_part_stop_the_start(change: str, folder: Path) -> None:
    KeyRing(folder, Hands())
    content = json.loads((folder / KEYS_FILE).read_text())
    if change == "no announced key":
        content["announced"] = []
    else:
        del content["signing"]["d"]
    (folder / KEYS_FILE).write_text(json.dumps(content))
    with pytest.raises(UnsafeFile):
        KeyRing(folder, Hands())


async def test_a_machine_goes_on_after_a_rotation(provider: Provider) -> None:
    name, secret = provider.login("office-tn")
    before = await client_token(ISSUER, name, secret, client=provider.http)
    await rotate_key(ISSUER, provider.secret, client=provider.http)
    after = await client_token(ISSUER, name, secret, client=provider.http)
    for found in (before, after):
        assert (await provider.tokens.verify(found)).person_id == "client:office-tn"
