"""A portal for a test: its own database, the development provider over HTTP, and a clock for both that the test moves."""

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from ops import databases
from ops.identity.app import create_app
from ops.identity.clients import PORTAL_CLIENT, client_of, secret_of
from ops.identity.settings import IdentitySettings
from ops.supervisor import Running
from services.portal.settings import PortalSettings
from services.portal.tables import METADATA
from shared.topology import PORTAL
from tests.integration.conftest import PASSWORDS, MakeDatabase
from tests.integration.portal.person import ORIGIN, People, Person, Portal, running_portal
from tests.integration.portal.reintegration import reintegration_behind
from tests.integration.portal.returns import Returns, returns_behind
from tests.integration.reintegration.office import House
from tests.unit.ops.identity_provider import Hands

DATABASE = "test_portal"


@pytest.fixture(scope="session")
async def front_database(servers: Running) -> AsyncIterator[databases.FrontLogins]:
    """The portal's migrated database, made once: a new one for each test would take longer than most tests."""
    admin = await asyncpg.connect(servers.postgres.url)
    await databases.make_roles(admin, PORTAL, PASSWORDS)
    await databases.make_database(admin, PORTAL, DATABASE)
    found = databases.front_logins(servers.postgres, PASSWORDS, DATABASE)
    await asyncio.to_thread(databases.upgrade, PORTAL.name, found.migrate)
    yield found
    await admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def front(front_database: databases.FrontLogins) -> databases.FrontLogins:
    """The portal's database without a row."""
    connection = await asyncpg.connect(front_database.api)
    for table in METADATA.tables:
        await connection.execute(f"DELETE FROM {table}")
    await connection.close()
    return front_database


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def settings(tmp_path: Path, front: databases.FrontLogins, hands: Hands) -> AsyncIterator[PortalSettings]:
    """The settings of a portal whose provider runs, by the same clock."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port: int = listening.getsockname()[1]
        issuer = f"http://127.0.0.1:{port}"
        folder = tmp_path / "identity"
        app = create_app(IdentitySettings(folder, port=port, issuer=issuer), hands)
        config = Config(app, lifespan="off", log_config=None, access_log=False)
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: HttpToolsProtocol(config, state, {}), sock=listening
        )
        client = client_of(PORTAL_CLIENT)
        assert client is not None
        yield PortalSettings(
            portal_database_url=SecretStr(front.api), counselling_url="http://127.0.0.1:1", returns_url="http://127.0.0.1:1",
            reintegration_url="http://127.0.0.1:1", audit_url="http://127.0.0.1:1", oidc_issuer=issuer, portal_origin=ORIGIN,
            portal_client_secret=SecretStr(secret_of(folder, client)),
            portal_session_key=SecretStr(base64.urlsafe_b64encode(bytes(range(32))).decode()), staff_list=tmp_path / "staff.csv",
        )  # fmt: skip
        server.close()
        for connection in list(state.connections):
            with contextlib.suppress(AttributeError):
                connection.transport.abort()
        await server.wait_closed()


@pytest.fixture
async def portal(settings: PortalSettings, hands: Hands) -> AsyncIterator[Portal]:
    async with running_portal(settings, hands) as found:
        yield found


@pytest.fixture
async def people(portal: Portal) -> AsyncIterator[People]:
    """Makes people with a browser each."""
    made: list[Person] = []

    def another() -> Person:
        made.append(Person(portal))
        return made[-1]

    yield another
    for person in made:
        await person.close()


@pytest.fixture
async def returns(portal: Portal, settings: PortalSettings, make_database: MakeDatabase) -> AsyncIterator[Returns]:
    async with returns_behind(portal, settings, make_database) as found:
        yield found


@pytest.fixture
async def house(portal: Portal, settings: PortalSettings, make_database: MakeDatabase) -> AsyncIterator[House]:
    async with reintegration_behind(portal, settings, make_database) as found:
        yield found
