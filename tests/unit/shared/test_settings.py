"""With which settings a service starts at all, and what a stated time may be."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from services.counselling.wiring import WIRING as COUNSELLING
from services.returns.wiring import WIRING as RETURNS
from shared.clock import Clock
from shared.db import Sql
from shared.epochs import FileEpochs
from shared.errors import RuleViolation
from shared.service import _person_keys
from shared.settings import Settings


def settings(**changes: object) -> Settings:
    given: dict[str, object] = {
        "oidc_issuer": "https://identity.example",
        "nats_url": "nats://127.0.0.1:4222",
        "api_database_url": SecretStr("postgresql://nowhere"),
        "worker_database_url": SecretStr("postgresql://nowhere"),
    }
    return Settings.model_validate({**given, **changes})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "mission.example"])  # noqa: S104 -- what is refused
def test_the_replay_clock_is_refused_where_others_could_state_the_time(host: str) -> None:
    with pytest.raises(ValidationError):
        settings(clock="replay", host=host)
    assert settings(clock="real", host=host).host == host


def test_the_replay_clock_runs_on_this_machine() -> None:
    assert settings(clock="replay", host="127.0.0.1").clock == "replay"


@pytest.mark.parametrize("stated", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2023-05-02T12:00:00", "x"])
def test_a_time_that_cannot_be_told_in_utc_is_unreadable(stated: str) -> None:
    with pytest.raises(RuleViolation, match="time_unreadable"):
        Clock("replay").for_request(stated)


def test_a_service_tells_nobody_how_it_is_asked_and_answers_to_this_machine_unless_told_otherwise() -> None:
    found = settings()
    assert (found.api_docs, found.allowed_hosts) == (False, ("localhost", "127.0.0.1", "[::1]"))
    assert (found.requests_in_flight, found.request_seconds) == (200, 10)


def test_the_hosts_are_given_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_ALLOWED_HOSTS", '["mission.example","10.0.0.7"]')
    found = Settings(
        oidc_issuer="https://identity.example", nats_url="nats://127.0.0.1:4222",
        api_database_url=SecretStr("postgresql://nowhere"), worker_database_url=SecretStr("postgresql://nowhere"),
    )  # fmt: skip
    assert found.allowed_hosts == ("mission.example", "10.0.0.7")


@pytest.mark.parametrize("host", ["https://mission.example", "mission.example:443", "*", "", "Mission.example", "a b"])
def test_what_no_host_header_can_say_is_no_host(host: str) -> None:
    with pytest.raises(ValidationError):
        settings(allowed_hosts=(host,))


def test_keys_go_to_a_transit_engine_by_https_or_on_this_machine_and_never_without_a_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    for url in ("https://bao.example/v1/transit", "http://127.0.0.1:8200/v1/transit", "http://localhost/v1/transit"):
        assert settings(transit_url=url, transit_token_file=token).transit_url == url
        with pytest.raises(ValidationError):
            settings(transit_url=url)
    for url in ("http://bao.example/v1/transit", "http://127.0.0.1.example/v1/transit", "bao.example", "ftp://localhost/"):
        with pytest.raises(ValidationError):
            settings(transit_url=url, transit_token_file=token)


async def nothing_sealed(_: Sql) -> bool:
    return False


async def test_a_folder_of_epochs_that_is_missing_is_not_begun_anew_where_something_is_sealed(tmp_path: Path) -> None:
    async def sealed_before(row: Sql) -> bool:
        return "person_keys" in row.text

    folder = tmp_path / "epochs"
    for _ in range(2):
        with pytest.raises(RuntimeError, match="Put the folder back"):
            async with _person_keys(COUNSELLING, settings(epochs_folder=folder), sealed_before):
                pass
        assert not (folder / "1").exists()
        # An empty one is none either.
        folder.mkdir(mode=0o700, exist_ok=True)


async def test_a_key_of_the_index_that_is_missing_is_not_made_anew_where_people_are_found_by_it(tmp_path: Path) -> None:
    """By another key nobody is found who was registered before, and they would be registered again."""

    async def hashed_before(row: Sql) -> bool:
        return "search_tokens" in row.text

    folder = tmp_path / "epochs"
    FileEpochs(folder).begin()
    with pytest.raises(RuntimeError, match="Put the folder back"):
        async with _person_keys(COUNSELLING, settings(epochs_folder=folder), hashed_before):
            pass
    assert not (folder / "index").exists()
    # One that is there is used, also where there is something.
    async with _person_keys(COUNSELLING, settings(epochs_folder=folder), nothing_sealed):
        pass
    async with _person_keys(COUNSELLING, settings(epochs_folder=folder), hashed_before) as keys:
        assert await keys.index.current() == "1"


async def test_a_service_that_seals_persons_starts_only_if_it_knows_who_holds_the_keys(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="AVRR_EPOCHS_FOLDER"):
        async with _person_keys(COUNSELLING, settings(), nothing_sealed):
            pass
    folder = tmp_path / "secrets" / "epochs"
    async with _person_keys(COUNSELLING, settings(epochs_folder=folder), nothing_sealed) as keys:
        assert keys.service == "counselling"
        assert sorted(path.name for path in folder.iterdir()) == ["1", "index"]
    # A vault is not asked before a key is needed: a service may start before it.
    transit = settings(transit_url="http://127.0.0.1:9/v1/transit", transit_token_file=tmp_path / "none")
    async with _person_keys(COUNSELLING, transit, nothing_sealed) as keys:
        assert keys.service == "counselling"
    # Each service seals parts of its rows.
    with pytest.raises(RuntimeError, match="AVRR_EPOCHS_FOLDER"):
        async with _person_keys(RETURNS, settings(), nothing_sealed):
            pass
    async with _person_keys(RETURNS, settings(epochs_folder=tmp_path / "returns"), nothing_sealed):
        assert [path.name for path in (tmp_path / "returns").iterdir()] == ["1"]
