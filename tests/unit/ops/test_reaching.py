"""Where the commands that ask services over HTTP find them, and with which token."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ops.access_request import pour_out, take_home, written
from ops.audit.taking import export_from_here
from ops.checkpoints import latest
from ops.reaching import reached
from ops.settings import PROJECT, CannotStart, OpsSettings
from ops.system import Addresses, write_addresses

ELSEWHERE = {name: f"https://{name}.example" for name in ("counselling", "returns", "reintegration")}
HERE = Addresses(dict.fromkeys(ELSEWHERE, "http://127.0.0.1:1"), "http://127.0.0.1:2", "", "", "real")


async def of_development(found: Addresses) -> str:
    return f"of {found.issuer}"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpsSettings:
    for name in (*ELSEWHERE, "audit", "token"):
        monkeypatch.delenv(f"AVRR_{name.upper()}{'' if name == 'token' else '_URL'}", raising=False)
    return OpsSettings(data=tmp_path)


async def test_a_system_on_this_machine_is_found_by_the_word_that_it_left(
    settings: OpsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotStart):
        await reached(settings, of_development)
    write_addresses(settings, HERE)
    found = await reached(settings, of_development)
    assert (found.urls, found.token) == (HERE.services, "of http://127.0.0.1:2")
    # What opens the development provider is sent to no other one.
    write_addresses(settings, replace(HERE, issuer="https://identity.example"))
    with pytest.raises(CannotStart, match="no development provider"):
        await reached(settings, of_development)
    with pytest.raises(CannotStart, match=r"AVRR_TOKEN, as \./avrr token prints one"):
        await export_from_here(settings, settings.data / "out", (date(2023, 1, 1), date(2023, 1, 2)), [], [], print)
    monkeypatch.setenv("AVRR_TOKEN", "stated")
    assert (await reached(settings, of_development)).token == "stated"


async def test_services_elsewhere_are_asked_where_the_environment_says_and_never_with_a_token_of_development(
    settings: OpsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, url in ELSEWHERE.items():
        monkeypatch.setenv(f"AVRR_{name.upper()}_URL", f"{url}/")
    with pytest.raises(CannotStart) as refused:
        await reached(settings, of_development)
    assert refused.value.code == "no_token"
    monkeypatch.setenv("AVRR_TOKEN", "")
    with pytest.raises(CannotStart, match="no development provider"):
        await reached(settings, of_development)
    monkeypatch.setenv("AVRR_TOKEN", "stated")
    found = await reached(settings, of_development)
    assert (found.urls, found.token) == (ELSEWHERE, "stated")


async def test_who_looked_for_a_person_is_asked_of_the_archive_too_where_the_environment_says_where_services_are(
    settings: OpsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there: whoever asks says that nobody answers.
    for name in ELSEWHERE:
        monkeypatch.setenv(f"AVRR_{name.upper()}_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AVRR_TOKEN", "stated")
    for archive, code in ((None, "archive_unknown"), ("http://127.0.0.1:1/", "not_running")):
        if archive is not None:
            monkeypatch.setenv("AVRR_AUDIT_URL", archive)
        with pytest.raises(CannotStart) as refused:
            await take_home(settings, "01900000-0000-7000-8000-000000000001", None, tmp_path / "home")
        assert (refused.value.code, (tmp_path / "home").exists()) == (code, False)
    assert (await reached(settings, of_development)).urls["audit"] == "http://127.0.0.1:1"


async def test_what_is_held_about_somebody_is_shown_on_no_screen_and_is_not_asked_for_either(settings: OpsSettings) -> None:
    _, screen = os.openpty()
    with os.fdopen(screen, "wb", buffering=0) as into, pytest.raises(CannotStart) as refused:
        await pour_out(settings, "01900000-0000-7000-8000-000000000001", None, into)
    assert refused.value.code == "out_is_screen"


def test_a_stream_of_what_is_held_has_nothing_in_it_where_nobody_answers(settings: OpsSettings) -> None:
    stated = {f"AVRR_{name.upper()}_URL": "http://127.0.0.1:1" for name in (*ELSEWHERE, "audit")} | {"AVRR_TOKEN": "stated"}
    ended = subprocess.run(
        [sys.executable, "-m", "ops", "access-request", "01900000-0000-7000-8000-000000000001", "--out", "-"],
        cwd=PROJECT, env={**os.environ, **stated, "AVRR_DATA": str(settings.data)}, capture_output=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, b"", 1)
    assert b"do not answer" in ended.stderr


def test_where_nothing_can_be_written_that_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="can't be written"):
        written({"held.json": b"{}"}, tmp_path / "file" / "home")
    (path,) = written({"held.json": b"{}"}, tmp_path / "home")
    assert (path.read_bytes(), path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (b"{}", 0o600, 0o700)


@pytest.mark.parametrize("given", [None, b"quorum nobody\n", b"\xff"])
async def test_an_export_by_keys_that_cannot_be_read_is_not_begun(settings: OpsSettings, tmp_path: Path, given: bytes | None) -> None:
    keys = tmp_path / "keys"
    if given is not None:
        keys.write_bytes(given)
    with pytest.raises(CannotStart) as refused:
        await export_from_here(settings, tmp_path / "out", (date(2023, 1, 1), date(2023, 1, 2)), [], [], print, policy=keys)
    assert (refused.value.code, (tmp_path / "out").exists()) == ("policy_wrong", False)


@contextmanager
def _nobodys(*files: Path) -> Iterator[None]:
    """These files may not be read meanwhile, not even by the administrator of a machine, who otherwise reads all."""
    for file in files:
        file.chmod(0)
    if os.getuid() == 0:
        os.seteuid(10001)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


@pytest.mark.parametrize("named", ["staff", "policy"])
async def test_what_is_mounted_and_may_not_be_read_is_said_to_be_so_and_not_to_be_something_else(
    settings: OpsSettings, tmp_path: Path, named: str
) -> None:  # fmt: skip
    file = tmp_path / "mounted"
    file.write_text("id,name\n" if named == "staff" else "quorum none\n")
    staff, policy = (file if name == named else None for name in ("staff", "policy"))
    with _nobodys(file), pytest.raises(CannotStart, match=f"Permission denied .*{file}") as refused:
        await export_from_here(settings, tmp_path / "out", (date(2023, 1, 1), date(2023, 1, 2)), [], [], print, staff, policy)
    assert refused.value.code == "permission"


async def test_keys_that_may_not_be_read_are_said_to_be_so_where_checkpoints_are_looked_at(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("quorum none\n")
    with _nobodys(keys), pytest.raises(CannotStart, match=f"Permission denied .*{keys}") as refused:
        await latest("http://127.0.0.1:1", keys, lambda: datetime(2026, 11, 27, tzinfo=UTC))
    assert refused.value.code == "permission"
