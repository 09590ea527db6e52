"""The whole system on one machine: servers, databases, streams, the development provider, all services, the portal."""

import base64
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from ops import checkpoints, databases
from ops.alarms.child import NAME as ALARMS
from ops.alarms.child import alarm_children, usual_ports
from ops.backup.keeper import keeper_child
from ops.backup.kept_settings import note_settings
from ops.children import Child
from ops.database_server import PostgresAddress
from ops.embedded.nats import PROVISION
from ops.embedded.postgres import ADMIN
from ops.identity import clients
from ops.provision import Provision
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from shared.settings import Mission
from shared.topology import LOGS, PORTAL, Service

IDENTITY_PORT = 8010
ClockMode = Literal["real", "replay"]
# What is started in place of the usual processes.
Recast = Callable[[Running, Sequence[Child]], Sequence[Child]]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running system is reached; the secrets stay in their files."""

    services: dict[str, str]
    issuer: str
    nats: str
    postgres: str
    clock: ClockMode
    portal: str = ""
    checkpointer: str = ""
    witness: str = ""
    alarms: str = ""


def as_usual(_: Running, children: Sequence[Child]) -> Sequence[Child]:
    """Every process as it is where nobody tries the system."""
    return children


def make_system(
    settings: OpsSettings,
    *,
    clock: ClockMode = "real",
    quiet: bool = True,
    restart: bool = False,
    say: Callable[[str], None] = print,
    environment: Mapping[str, str] = MappingProxyType({}),
    recast: Recast = as_usual,
) -> Running:
    """The system, for ``async with``: inside, every service is ready.

    ``environment`` is told each service and the portal besides; whoever tries a system has other processes started by ``recast``.
    """

    async def prepare(running: Running) -> Sequence[Child]:
        await databases.prepare(running.postgres, _passwords(running), lambda left: say(f"avrr: {left}"))
        user, password = nats_login(running, PROVISION)
        await Provision(running.nats.url, user, password).ensure()
        write_addresses(settings, addresses(running, clock))
        note_settings(settings, os.environ)
        children = [_provision(running)]
        if settings.oidc_issuer is None:
            children.append(_identity(running))
        children += [service_child(running, service, clock, environment=environment) for service in LOGS]
        children.append(_portal(running, clock, environment))
        children += checkpoints.checkpoint_children(running, _passwords(running), _log_level(clock))
        found = addresses(running, clock)
        watched = {**found.services, "portal": found.portal, "checkpointer": found.checkpointer, "witness": found.witness}
        children += alarm_children(settings, watched, running.ports)
        if settings.backup_dir is not None:
            children.append(await keeper_child(settings, running.postgres))
        return recast(running, children)

    return Running(
        settings, prepare=prepare, quiet=quiet, restart=restart, say=say,
        other_ports={"identity": IDENTITY_PORT, PORTAL.name: PORTAL.port, **checkpoints.PORTS, **usual_ports()},
    )  # fmt: skip


def addresses(running: Running, clock: ClockMode) -> Addresses:
    """Where this system is reached."""
    return Addresses(
        services={service.name: f"http://127.0.0.1:{running.ports[service.name]}" for service in LOGS},
        issuer=issuer_of(running),
        nats=running.nats.url,
        postgres=f"{running.postgres.host}:{running.postgres.port}",
        clock=clock,
        portal=_origin(running),
        checkpointer=checkpoints.checkpointer_url(running),
        # Others than ours are somebody else's to look after.
        witness=f"http://127.0.0.1:{running.ports['witness']}" if running.settings.witness_is_ours else "",
        alarms=f"http://127.0.0.1:{running.ports[ALARMS]}" if ALARMS in running.ports else "",
    )


def issuer_of(running: Running) -> str:
    """Whose tokens the services accept."""
    return running.settings.oidc_issuer or f"http://127.0.0.1:{running.ports['identity']}"


def nats_login(running: Running, user: str) -> tuple[str | None, str | None]:
    """The user and password for the broker; none where the address given from outside carries its own."""
    password = running.nats.passwords.get(user)
    return (user, password) if password is not None else (None, None)


def write_addresses(settings: OpsSettings, found: Addresses) -> None:
    """Leaves word where the system runs, for the other commands."""
    path = _run_file(settings)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(found), file)
    draft.replace(path)


def read_addresses(settings: OpsSettings) -> Addresses:
    """Where the system runs, as the last start left word; `CannotStart` if it was never started here."""
    try:
        told = json.loads(_run_file(settings).read_text())
        # A later release may have left word of more.
        return Addresses(**{field.name: told[field.name] for field in fields(Addresses) if field.name in told})
    except FileNotFoundError:
        raise CannotStart("not_running", "Nothing was started in this data folder yet: run ./avrr up first.") from None


def administrator(settings: OpsSettings) -> PostgresAddress:
    """The server as its administrator reaches it, for commands beside a running system."""
    if settings.database_url is not None:
        return PostgresAddress.from_url(settings.database_url.get_secret_value())
    host, _, port = read_addresses(settings).postgres.rpartition(":")
    return PostgresAddress(host, int(port), ADMIN, Secrets(settings.secrets_folder).password("postgres_admin"))


def identity_folder(settings: OpsSettings) -> Path:
    """Where the development provider keeps its key and its clients' secret."""
    return settings.secrets_folder / "identity"


def development_secret(settings: OpsSettings) -> str:
    """What the development provider wants to see before it gives a persona's token."""
    return clients.development_secret(identity_folder(settings))


def worker_url(settings: OpsSettings, service: Service) -> str:
    """A service's database by its worker login, for commands that repair a system."""
    return _database_url(settings, service, "worker")


def verify_url(settings: OpsSettings, service: Service) -> str:
    """A service's database by the login that reads everything and changes nothing."""
    return _database_url(settings, service, "verify")


def api_url(settings: OpsSettings, service: Service) -> str:
    """A service's database by the login of its API, for what only that may do: wrapping keys of persons anew."""
    return _database_url(settings, service, "api")


def owner_url(settings: OpsSettings, service: Service) -> str:
    """A service's database as its owner, for what reaches every row of every table: sealing them anew."""
    return in_role_of_owner(_database_url(settings, service, "migrate"), service)


def in_role_of_owner(url: str, service: Service) -> str:
    """The URL of the login that migrates, as whom every row is within reach."""
    return f"{url}{'&' if '?' in url else '?'}role={service.name}_owner"


def epochs_folder(settings: OpsSettings, service: Service) -> Path:
    """Where the keys of a service's epochs are, if no vault holds them."""
    return settings.secrets_folder / "epochs" / service.name


def _database_url(settings: OpsSettings, service: Service, kind: Literal["api", "worker", "verify", "migrate"]) -> str:
    if settings.database_url is not None:
        server = PostgresAddress.from_url(settings.database_url.get_secret_value())
    else:
        host, _, port = read_addresses(settings).postgres.rpartition(":")
        server = PostgresAddress(host, int(port), "", "", "postgres")
    role = f"{service.name}_{kind}"
    # Where the roles were made by `ops.prepare`, their passwords are in its variables and not in a data folder.
    variable = f"AVRR_PASSWORD_{role.upper()}"
    password = os.environ.get(variable)
    if not password:
        if settings.database_url is not None and not (settings.secrets_folder / role).exists():
            raise CannotStart("password_missing", f"The password of {role} is not known here: say it in {variable}.")
        password = Secrets(settings.secrets_folder).password(role)
    return server.url_for(service.name, role, password)


# How often one person may ask; whoever measures a system says more.
COLLECTOR: Final = "AVRR_OTLP_ENDPOINT"
ALLOWANCES: Final = (
    "AVRR_WRITES_PER_MINUTE", "AVRR_READS_PER_MINUTE", "AVRR_SEARCHES_PER_MINUTE", "AVRR_PERSON_SEARCHES_PER_DAY",
    "AVRR_DISCLOSURES_PER_MINUTE", "AVRR_EXPORTS_PER_HOUR", "AVRR_HELD_PER_HOUR",
)  # fmt: skip
# What the mission says is usual there; every process has to be told the same.
USUAL: Final = tuple(f"AVRR_{name.upper()}" for name in Mission.model_fields)


def service_child(
    running: Running, service: Service, clock: ClockMode, role: Literal["all", "api", "worker"] = "all",
    port: int | None = None, environment: Mapping[str, str] = MappingProxyType({}),
) -> Child:  # fmt: skip
    """A service's process: its API and its worker together, or one of them alone under a name and port of its own."""
    user, password = nats_login(running, service.name)
    allowed = _handed_on(*ALLOWANCES, COLLECTOR, *USUAL)
    logins = databases.logins(running.postgres, service, _passwords(running))
    listens_at = port or running.ports[service.name]
    told = {
        "AVRR_PORT": str(listens_at),
        "AVRR_ROLE": role,
        "AVRR_CLOCK": clock,
        # Everything here listens on loopback only, and whoever tries it out may read how it is asked.
        "AVRR_API_DOCS": "true",
        "AVRR_LOG_LEVEL": _log_level(clock),
        "AVRR_API_DATABASE_URL": logins.api,
        "AVRR_WORKER_DATABASE_URL": logins.worker,
        "AVRR_VERIFY_DATABASE_URL": logins.verify,
        "AVRR_NATS_URL": running.nats.url,
        "AVRR_OIDC_ISSUER": issuer_of(running),
    }
    if user is not None and password is not None:
        told |= {"AVRR_NATS_USER": user, "AVRR_NATS_PASSWORD": password}
    if running.settings.oidc_jwks_url is not None:
        told["AVRR_OIDC_JWKS_URL"] = running.settings.oidc_jwks_url
    for asked in service.asks:
        told[f"AVRR_{asked.upper()}_URL"] = f"http://127.0.0.1:{running.ports[asked]}"
    if service.asks:
        told |= _own_client(running, service)
    told["AVRR_CHECKPOINTER_URL"] = checkpoints.checkpointer_url(running)
    # Of a data folder from before papers had keys of their own; a new one never has this key.
    if service.kept_files and (running.settings.secrets_folder / "files").exists():
        told["AVRR_FILES_KEY"] = _base64url(running.secrets.key("files"))
    told["AVRR_EPOCHS_FOLDER"] = str(epochs_folder(running.settings, service))
    return Child(
        service.name if role == "all" else f"{service.name}-{role}",
        (sys.executable, "-m", f"{service.module}.app"),
        {**told, **allowed, **environment},
        ready_url=f"http://127.0.0.1:{listens_at}/readyz",
    )


def _own_client(running: Running, service: Service) -> dict[str, str]:
    """By which client a service proves who it is when it asks another."""
    names = ("AVRR_SERVICE_CLIENT_ID", "AVRR_SERVICE_CLIENT_SECRET")
    return _client(running, f"service-{service.name}", names)


def _client(running: Running, name: str, names: tuple[str, str]) -> dict[str, str]:
    if running.settings.oidc_issuer is None:
        client = clients.client_of(name)
        assert client is not None
        values: tuple[str | None, ...] = client.id, clients.secret_of(identity_folder(running.settings), client)
    else:
        values = tuple(os.environ.get(name) for name in names)
    known = {name: value for name, value in zip(names, values, strict=True) if value}
    if len(known) < len(names):
        raise CannotStart(
            "client_missing", f"{' and '.join(names)} must name the client {name} at AVRR_OIDC_ISSUER."
        )
    return known


def _log_level(clock: ClockMode) -> str:
    return "warning" if clock == "replay" else "info"


def _origin(running: Running) -> str:
    return f"http://127.0.0.1:{running.ports[PORTAL.name]}"


def _portal(running: Running, clock: ClockMode, environment: Mapping[str, str]) -> Child:
    origin = _origin(running)
    told = {
        "AVRR_PORT": str(running.ports[PORTAL.name]),
        "AVRR_CLOCK": clock,
        "AVRR_LOG_LEVEL": _log_level(clock),
        "AVRR_PORTAL_DATABASE_URL": databases.front_logins(running.postgres, _passwords(running)).api,
        "AVRR_PORTAL_ORIGIN": origin,
        "AVRR_PORTAL_SESSION_KEY": _base64url(running.secrets.key("portal_session")),
        "AVRR_OIDC_ISSUER": issuer_of(running),
    }
    told |= {f"AVRR_{name.upper()}_URL": url for name, url in addresses(running, clock).services.items()}
    told |= _client(running, clients.PORTAL_CLIENT, ("AVRR_PORTAL_CLIENT_ID", "AVRR_PORTAL_CLIENT_SECRET"))
    if running.settings.oidc_jwks_url is not None:
        told["AVRR_OIDC_JWKS_URL"] = running.settings.oidc_jwks_url
    told |= _handed_on(COLLECTOR, "AVRR_MISSION_TIME_ZONE", "AVRR_STAFF_LIST")
    return Child(
        PORTAL.name, (sys.executable, "-m", f"{PORTAL.module}.app"), {**told, **environment}, ready_url=f"{origin}/readyz"
    )


def _handed_on(*names: str) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _base64url(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def _passwords(running: Running) -> dict[str, str]:
    return {role: running.secrets.password(role) for role in databases.role_names()}


def _provision(running: Running) -> Child:
    user, password = nats_login(running, PROVISION)
    environment = {"AVRR_NATS_URL": running.nats.url}
    if user is not None and password is not None:
        environment |= {"AVRR_NATS_USER": user, "AVRR_NATS_PASSWORD": password}
    return Child("provision", (sys.executable, "-m", "ops.provision"), environment)


def _identity(running: Running) -> Child:
    issuer = issuer_of(running)
    return Child(
        "identity",
        (sys.executable, "-m", "ops.identity"),
        {
            "AVRR_DEVELOPMENT_IDENTITY": "1",
            "AVRR_IDENTITY_FOLDER": str(identity_folder(running.settings)),
            "AVRR_IDENTITY_PORT": str(running.ports["identity"]),
            "AVRR_IDENTITY_ISSUER": issuer,
        },
        ready_url=f"{issuer}/jwks.json",
    )


def _run_file(settings: OpsSettings) -> Path:
    return settings.data_folder / "run.json"
