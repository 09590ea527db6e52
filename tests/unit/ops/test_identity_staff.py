"""Staff of the development provider: who is added, suspended, readmitted, and whose key is taken off counts from the next question on."""

import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.identity.clients import DEVELOPMENT_CLIENT, PERSONA_GRANT
from ops.identity.personas import UnknownPersona
from ops.identity.private_files import UnsafeFile
from ops.identity.staff import Staff, StaffRefused
from shared.actors import Role
from tests.unit.ops.identity_provider import Browser, Provider, running
from tests.unit.ops.test_identity_refreshing import begun, renewed

SUSPENDED = "counsellor-3"


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    async with running(tmp_path / "identity") as found:
        yield found


@pytest.fixture
def staff(provider: Provider) -> Staff:
    return Staff(provider.folder, provider.hands)


async def token_of(provider: Provider, name: str) -> httpx.Response:
    form = {"grant_type": PERSONA_GRANT, "persona": name}
    return await provider.http.post("/token", data=form, auth=provider.login(DEVELOPMENT_CLIENT))


async def test_whoever_was_added_signs_in_with_the_role_and_sites_that_were_said(provider: Provider, staff: Staff) -> None:
    staff.add("counsellor-lipa", Role.COUNSELLOR, ("trc_lipa",))
    browser = Browser(provider.app)
    assert "counsellor-lipa (trc_lipa)" in (await browser.ask()).text
    found = (await provider.exchange(await browser.sign_in("counsellor-lipa"))).json()
    actor = await provider.tokens.verify(found["access_token"])
    assert (actor.person_id, actor.roles, actor.sites) == ("staff:counsellor-lipa", frozenset({Role.COUNSELLOR}), frozenset({"trc_lipa"}))


@pytest.mark.parametrize(
    ("name", "role"),
    [("counsellor-1", Role.COUNSELLOR), ("counsellor", Role.COUNSELLOR), ("receiving-office-tn", Role.MANAGER), ("Lipa", Role.MANAGER),
     ("x" * 41, Role.MANAGER), ("a--b", Role.MANAGER), ("office", Role.RECEIVING_OFFICE), ("program", Role.RETENTION)],
)  # fmt: skip
def test_a_name_that_is_taken_or_none_and_a_role_that_is_not_of_the_mission_are_refused(staff: Staff, name: str, role: Role) -> None:
    with pytest.raises(StaffRefused):
        staff.add(name, role, ())


async def test_a_suspended_person_gets_no_token_by_any_way_and_nobody_else_is_touched(provider: Provider, staff: Staff) -> None:
    browser, other = Browser(provider.app), Browser(provider.app)
    open_page = (await begun(provider, browser, SUSPENDED))["refresh_token"]
    others = (await begun(provider, other, "counsellor-4"))["refresh_token"]
    # One has a code in hand, one has chosen and not touched the key yet.
    code = await Browser(provider.app).sign_in(SUSPENDED)
    choosing = Browser(provider.app)
    await choosing.ask(acr_values="phr")
    await choosing.send("/sign-in", persona=SUSPENDED)
    staff.suspend(SUSPENDED)
    assert (await renewed(provider, open_page)).json() == {"error": "invalid_grant"}
    assert (await provider.exchange(code)).json() == {"error": "invalid_grant"}
    assert (await choosing.send("/second-factor")).status_code == 400
    assert (await token_of(provider, SUSPENDED)).json() == {"error": "invalid_grant"}
    # Their browser is not signed in any more, and they cannot be chosen.
    assert 'action="/sign-in"' in (await browser.ask()).text
    assert "suspended" in (await browser.send("/sign-in", persona=SUSPENDED)).text
    assert (await renewed(provider, others)).status_code == 200
    assert (await token_of(provider, "counsellor-4")).status_code == 200


async def test_by_another_name_of_theirs_a_suspended_person_is_suspended_too(provider: Provider, staff: Staff) -> None:
    staff.suspend("counsellor")
    assert (await token_of(provider, "counsellor-1")).status_code == 400
    assert (await token_of(provider, "counsellor")).status_code == 400


async def test_whoever_is_readmitted_signs_in_anew_and_nothing_of_before_counts(provider: Provider, staff: Staff) -> None:
    token = (await begun(provider, Browser(provider.app), SUSPENDED))["refresh_token"]
    provider.hands.forward(1)
    staff.suspend(SUSPENDED)
    staff.readmit(SUSPENDED)
    assert (await renewed(provider, token)).json() == {"error": "invalid_grant"}
    assert "refresh_token" in await begun(provider, Browser(provider.app), SUSPENDED)


async def test_a_key_that_is_taken_off_ends_what_it_opened_and_the_next_touch_enrols_another(provider: Provider, staff: Staff) -> None:
    token = (await begun(provider, Browser(provider.app), "finance-payer"))["refresh_token"]
    provider.hands.forward(1)
    staff.reset_factor("finance-payer")
    assert (await renewed(provider, token)).json() == {"error": "invalid_grant"}
    for enrols in (True, False):
        browser = Browser(provider.app)
        await browser.ask()
        assert ("taken off" in (await browser.send("/sign-in", persona="finance-payer")).text) is enrols
        assert (await browser.send("/second-factor")).status_code == 303


def test_a_list_that_is_open_to_others_or_cannot_be_read_lets_nobody_in(staff: Staff, provider: Provider) -> None:
    staff.suspend(SUSPENDED)
    (provider.folder / "staff.json").write_text("{")
    with pytest.raises(UnsafeFile):
        staff.persona("counsellor-4")
    staff_of_others = Staff(provider.folder.parent)
    staff_of_others.suspend(SUSPENDED)
    (provider.folder.parent / "staff.json").chmod(0o644)
    with pytest.raises(UnsafeFile):
        staff_of_others.persona("counsellor-4")


def test_the_commands_say_what_happens_and_who_is_kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_DATA", str(tmp_path))
    runner, kept = CliRunner(), Staff(tmp_path / "secrets" / "identity")
    assert runner.invoke(app, ["staff", "add", "counsellor-lipa", "--role", "counsellor", "--site", "trc_lipa"]).exit_code == 0
    assert [one.name for one in kept.added()] == ["counsellor-lipa"]
    assert "within five minutes" in runner.invoke(app, ["staff", "suspend", "counsellor-lipa"]).output
    assert kept.added() == []
    for refused in (["add", "x", "--role", "emperor"], ["add", "x", "--role", "manager", "--site", "moon"], ["suspend", "nobody"]):
        assert runner.invoke(app, ["staff", *refused]).exit_code == 1
    monkeypatch.setenv("AVRR_OIDC_ISSUER", "https://identity.example")
    found = runner.invoke(app, ["staff", "suspend", "counsellor-1"])
    assert (found.exit_code, "AVRR_OIDC_ISSUER" in str(found.exception)) == (1, True)


def test_of_two_who_change_the_staff_at_once_neither_undoes_what_the_other_did(tmp_path: Path) -> None:
    other = threading.Thread(target=Staff(tmp_path).suspend, args=("counsellor-4",))

    def meanwhile() -> datetime:
        # Asked between reading and replacing: the other one is begun, and ends now unless it has to wait.
        other.start()
        other.join(0.3)
        return datetime.now(UTC)

    Staff(tmp_path, meanwhile).suspend(SUSPENDED)
    other.join()
    for name in (SUSPENDED, "counsellor-4"):
        with pytest.raises(UnknownPersona):
            Staff(tmp_path).persona(name)
