"""Which PostgreSQL is used and how it is started."""

from pathlib import Path

import pytest

from ops.database_server import PostgresAddress
from ops.embedded.postgres import (
    Binaries,
    explain,
    find_binaries,
    initdb_command,
    major_version,
    server_command,
)
from ops.settings import CannotStart

LOG = Path("/data/logs/postgres.log")


def _pretend(folder: Path, version: str) -> Path:
    for program in ("initdb", "postgres"):
        path = folder / program
        path.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        path.chmod(0o755)
    return folder


def test_the_folder_that_is_named_comes_before_the_embedded_server(tmp_path: Path) -> None:
    assert find_binaries(_pretend(tmp_path, "17.2")) == Binaries(tmp_path, 17)


def test_a_postgresql_before_15_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as refused:
        find_binaries(_pretend(tmp_path, "14.9 (Debian 14.9-1)"))
    assert refused.value.code == "postgres_too_old" and "\n" not in refused.value.sentence


def test_a_named_folder_without_a_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as refused:
        find_binaries(tmp_path)
    assert refused.value.code == "no_postgres"


def test_versions_of_distributions_are_read_too() -> None:
    assert major_version("postgres (PostgreSQL) 15.10 (Debian 15.10-0+deb12u1)") == 15
    assert major_version("postgres (PostgreSQL) 19devel") == 19
    assert major_version("command not found") is None


def test_before_version_17_the_system_provides_the_sort_order() -> None:
    old = initdb_command(Binaries(Path("/pg"), 16), Path("/data"), Path("/word"))
    new = initdb_command(Binaries(Path("/pg"), 17), Path("/data"), Path("/word"))
    assert "--locale=C.UTF-8" in old and not any("builtin" in option for option in old)
    assert "--builtin-locale=C.UTF-8" in new


def test_no_connection_is_trusted_without_a_password() -> None:
    for command in (
        initdb_command(Binaries(Path("/pg"), major), Path("/d"), Path("/w")) for major in (15, 18)
    ):
        assert "--auth-host=scram-sha-256" in command
        assert not any("trust" in option for option in command)


def test_the_server_listens_on_loopback_only_and_logs_no_values() -> None:
    command = server_command(Binaries(Path("/pg"), 18), Path("/data"), 15432)
    assert {"listen_addresses=127.0.0.1", "unix_socket_directories=", "port=15432"} <= set(command)
    assert {"log_error_verbosity=terse", "log_parameter_max_length_on_error=0"} <= set(command)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("FATAL:  could not write lock file: No space left on device", "disk_full"),
        ('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', "port_taken"),
        ('FATAL:  could not open file "postmaster.pid": Permission denied', "permission"),
        ("FATAL:  something else", "postgres_failed"),
    ],
)
def test_the_servers_last_words_become_one_line(line: str, code: str) -> None:
    refused = explain("PostgreSQL did not start", ["LOG:  starting", line], 15432, LOG)
    assert refused.code == code and "\n" not in refused.sentence


def test_an_address_survives_awkward_passwords_and_hides_them_when_printed() -> None:
    address = PostgresAddress.from_url(
        "postgresql+asyncpg://ad%40min:p%2Fw%3A%25@db.example:5433/x?sslmode=require"
    )
    assert (address.user, address.password, address.port) == ("ad@min", "p/w:%", 5433)
    assert address.url == "postgresql://ad%40min:p%2Fw%3A%25@db.example:5433/x?sslmode=require"
    assert PostgresAddress.from_url(address.url_for("returns", "returns_api", "?#")).password == "?#"
    assert "p/w" not in repr(address)


@pytest.mark.parametrize(
    "url", ["mysql://a:b@c/d", "postgresql:///d", "postgresql://a:b@c:port/d", "nonsense"]
)
def test_an_address_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(CannotStart) as refused:
        PostgresAddress.from_url(url)
    assert url not in refused.value.sentence
