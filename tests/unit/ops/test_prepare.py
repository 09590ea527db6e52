"""What the job of a deployment refuses before it touches anything, and what it says then."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping

import pytest

from ops import databases
from ops.prepare import DATABASE_URL, PASSWORDS, role_passwords
from ops.settings import PROJECT, CannotStart

COMPLETE = {variable: f"invented-for-tests-{role}" for variable, role in PASSWORDS.items()}


def _run(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    rest = {name: value for name, value in os.environ.items() if not name.startswith("AVRR_")}
    return subprocess.run(
        [sys.executable, "-m", "ops.prepare"], env={**rest, **environment}, cwd=PROJECT, text=True,
        capture_output=True, check=False,
    )


def test_every_role_has_a_variable_of_its_own() -> None:
    assert PASSWORDS["AVRR_PASSWORD_RETURNS_API"] == "returns_api"
    assert sorted(PASSWORDS.values()) == sorted(databases.role_names())
    assert role_passwords(COMPLETE)["returns_api"] == COMPLETE["AVRR_PASSWORD_RETURNS_API"]


@pytest.mark.parametrize("variable", PASSWORDS)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_password_is_named_by_its_variable(variable: str, value: str | None) -> None:
    given = {**COMPLETE, variable: value}
    with pytest.raises(CannotStart) as refused:
        role_passwords({name: word for name, word in given.items() if word is not None})
    assert refused.value.code == "password_missing"
    assert refused.value.sentence == f"{variable} must be set"


@pytest.mark.parametrize("password", ["changeme", "nineteen-characters", "with/a/slash/and@more", "ends-in-a-line-break\n"])
def test_a_password_that_is_short_or_breaks_an_address_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(CannotStart) as refused:
        role_passwords({**COMPLETE, "AVRR_PASSWORD_RETURNS_API": password})
    assert refused.value.code == "password_unusable"
    assert refused.value.sentence.startswith("AVRR_PASSWORD_RETURNS_API must be")
    assert password not in refused.value.sentence


def test_two_roles_never_have_the_same_password() -> None:
    alike = {**COMPLETE, "AVRR_PASSWORD_RETURNS_WORKER": COMPLETE["AVRR_PASSWORD_RETURNS_API"]}
    with pytest.raises(CannotStart) as refused:
        role_passwords(alike)
    assert refused.value.code == "password_repeated"
    assert refused.value.sentence == "AVRR_PASSWORD_RETURNS_API and AVRR_PASSWORD_RETURNS_WORKER must not be the same"


def test_without_an_address_the_job_ends_with_one_line() -> None:
    ended = _run(COMPLETE)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "avrr: AVRR_DATABASE_URL must be set\n"


def test_without_passwords_the_job_ends_with_one_line_that_names_them_all() -> None:
    ended = _run({DATABASE_URL: "postgresql://admin:geheim@127.0.0.1:1/postgres"})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"avrr: {', '.join(PASSWORDS)} must be set\n"


def test_a_server_that_does_not_answer_is_named_without_any_password() -> None:
    with socket.socket() as silent:
        # Bound and not listening: nobody else can answer there either.
        silent.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        ended = _run({**COMPLETE, DATABASE_URL: f"postgresql://admin:geheim@{place}/postgres"})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"avrr: no PostgreSQL answers at {place} (AVRR_DATABASE_URL)\n"
