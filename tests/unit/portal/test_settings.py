"""Which surroundings the portal starts in, and which it refuses without repeating a secret."""

import base64

import pytest
from pydantic import ValidationError

from services.portal.settings import PortalSettings

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
GIVEN: dict[str, object] = {
    "portal_database_url": "postgresql://nowhere", "counselling_url": "http://127.0.0.1:8001",
    "returns_url": "http://127.0.0.1:8002", "reintegration_url": "http://127.0.0.1:8003", "audit_url": "http://127.0.0.1:8004",
    "oidc_issuer": "https://identity.example/realms/avrr", "portal_client_secret": "secret",
    "portal_session_key": KEY, "portal_origin": "https://portal.example",
}  # fmt: skip


def test_the_address_of_the_portal_makes_its_callback_and_the_host_that_it_answers_to() -> None:
    settings = PortalSettings.model_validate(GIVEN)
    assert settings.callback == "https://portal.example/signed-in"
    assert settings.hosts == {"portal.example", "localhost", "127.0.0.1", "[::1]"}
    assert settings.issuer_origin == "https://identity.example"
    for origin, host in (("http://127.0.0.1:8000", "127.0.0.1"), ("http://[::1]:8000", "[::1]"), ("https://a.example:8443", "a.example")):
        assert host in PortalSettings.model_validate(GIVEN | {"portal_origin": origin}).hosts


@pytest.mark.parametrize(
    "origin",
    ["http://portal.example", "https://portal.example/", "https://portal.example/x", "https://Portal.example", "portal.example",
     "https://user@portal.example", "https://portal.example:", "https://", "", "https://portal.example\n"],
)  # fmt: skip
def test_an_address_that_is_no_origin_or_can_be_overheard_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        PortalSettings.model_validate(GIVEN | {"portal_origin": origin})


@pytest.mark.parametrize("key", ["", "short", KEY[:-4], KEY + "AAAA", "!" * 43, "é" * 43])
def test_a_key_that_is_not_32_bytes_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PortalSettings.model_validate(GIVEN | {"portal_session_key": key})
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("key", [KEY, KEY.rstrip("=")])
def test_a_key_may_come_with_or_without_its_padding(key: str) -> None:
    assert PortalSettings.model_validate(GIVEN | {"portal_session_key": key}).session_key == bytes(range(32))


@pytest.mark.parametrize("missing", GIVEN)
def test_nothing_that_has_to_be_known_has_a_default(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"AVRR_{missing.upper()}", raising=False)
    with pytest.raises(ValidationError):
        PortalSettings.model_validate({name: value for name, value in GIVEN.items() if name != missing})


def test_the_replay_clock_stays_on_this_machine() -> None:
    PortalSettings.model_validate(GIVEN | {"clock": "replay"})
    with pytest.raises(ValidationError):
        PortalSettings.model_validate(GIVEN | {"clock": "replay", "host": "0.0.0.0"})  # noqa: S104
