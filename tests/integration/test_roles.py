"""A process that only answers, and one that only works: each comes by its own logins and has none of the other's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr, ValidationError

from shared.service import create_app
from shared.settings import Settings
from shared.topology import LOGS, Service
from shared.wiring import Wiring
from tests.integration.conftest import MakeDatabase, ServiceDatabase

NOWHERE = "http://127.0.0.1:1"

each_service = pytest.mark.parametrize("service", LOGS, ids=lambda service: service.name)


def _settings(role: str, epochs: Path, **given: object) -> Settings:
    return Settings.model_validate(
        {
            "role": role, "oidc_issuer": NOWHERE, "epochs_folder": epochs,
            "counselling_url": NOWHERE, "returns_url": NOWHERE, "reintegration_url": NOWHERE, "audit_url": NOWHERE,
            **given,
        }
    )  # fmt: skip


def _answering(database: ServiceDatabase, epochs: Path) -> Settings:
    secret = SecretStr("invented-for-tests")
    return _settings("api", epochs, api_database_url=SecretStr(database.logins.api), service_client_id="invented", service_client_secret=secret)


def _working(service: Service, database: ServiceDatabase, epochs: Path) -> Settings:
    logins = database.logins
    client = {"service_client_id": "invented", "service_client_secret": SecretStr("invented-for-tests")} if service.archives else {}
    return _settings(
        "worker", epochs, nats_url="nats://127.0.0.1:1", worker_database_url=SecretStr(logins.worker),
        verify_database_url=SecretStr(logins.verify), **client,
    )  # fmt: skip


@asynccontextmanager
async def _running(service: Service, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    wiring = import_module(f"{service.module}.wiring").WIRING
    assert isinstance(wiring, Wiring)
    router = import_module(f"{service.module}.routes").router
    app = create_app(wiring, (router,), settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client,
    ):
        yield client


async def _connected(admin: "asyncpg.Connection[asyncpg.Record]", database: ServiceDatabase) -> set[str]:
    name = database.logins.api.rpartition("/")[2]
    # The pools that the test itself was made with have another name.
    rows = await admin.fetch(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' AND application_name <> $2",
        name, "",
    )  # fmt: skip
    return {str(row["usename"]) for row in rows}


@each_service
async def test_whoever_only_answers_comes_by_the_login_for_that_and_follows_nothing(
    service: Service, make_database: MakeDatabase, admin: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    database = await make_database(service.name)
    for pool in (database.api, database.worker, database.verify):
        await pool.close()
    async with _running(service, _answering(database, tmp_path / "of_epochs")) as client:
        ready = await client.get("/readyz")
        figures = await client.get("/metrics")
        assert await _connected(admin, database) == {f"{service.name}_api"}
    assert ready.status_code == 200
    assert "relay" not in ready.json()["worker"]
    assert figures.status_code == 200
    assert "avrr_relay_lag" not in figures.text


@each_service
async def test_whoever_only_works_comes_by_the_logins_for_that_and_answers_no_order(
    service: Service, make_database: MakeDatabase, admin: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    database = await make_database(service.name)
    for pool in (database.api, database.worker, database.verify):
        await pool.close()
    with pytest.raises(RuntimeError, match="AVRR_EPOCHS_FOLDER"):
        async with _running(service, _working(service, database, tmp_path / "of_epochs")):
            pass
    async with _running(service, _answering(database, tmp_path / "of_epochs")):
        pass
    async with _running(service, _working(service, database, tmp_path / "of_epochs")) as client:
        ready = await client.get("/readyz")
        answer = await client.post("/v1/cases", json={})
        assert await _connected(admin, database) <= {f"{service.name}_worker", f"{service.name}_verify"}
    assert ready.status_code == 200
    assert "relay" in ready.json()["worker"]
    assert answer.status_code == 404


@pytest.mark.parametrize(("role", "missing"), [("api", "API"), ("worker", "WORKER"), ("all", "API"), ("all", "WORKER")])
def test_a_process_does_not_start_without_the_login_of_its_role(role: str, missing: str, tmp_path: Path) -> None:
    logins = {f"{kind}_database_url": SecretStr("postgresql://nowhere") for kind in ("api", "worker") if kind != missing.lower()}
    with pytest.raises(ValidationError, match=f"AVRR_{missing}_DATABASE_URL"):
        _settings(role, tmp_path, nats_url="nats://127.0.0.1:1", **logins)
